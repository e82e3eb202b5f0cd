//! Where a house keeps users and tokens: in a file among its others, which needs no setting.

/// Lines of `[idp]`.
pub(super) fn lines() -> String {
    String::new()
}
