//! Which answers may carry a patch: the complete final head of an app that has not failed, once, and not beside a
//! log-out. Must not know what the patch says.

use crate::patch_refused::Unheeded;

/// Whether a patch counts that the head of an app's own answer brings in so many fields.
pub fn heed(status: u16, fields: usize, logs_out: bool) -> Result<(), Unheeded> {
    match (status, fields) {
        (..200, _) => Err(Unheeded::NotFinal),
        (500.., _) => Err(Unheeded::Failed),
        (_, 2..) => Err(Unheeded::Doubled),
        _ if logs_out => Err(Unheeded::BesideLogOut),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
