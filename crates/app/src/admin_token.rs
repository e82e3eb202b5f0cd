//! `DIR/admin.token`: what the admin API asks for, made at the first start, readable by its owner only.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use vestibule_admin::token::{AdminToken, TokenDigest};
use vestibule_ports::entropy::{Entropy, random};

/// The file's name in the data directory.
pub(crate) const NAME: &str = "admin.token";

/// The digest of the token in the file; without a file, of a new one.
pub(crate) fn read_or_make(dir: &Path, entropy: &dyn Entropy) -> anyhow::Result<TokenDigest> {
    let path = dir.join(NAME);
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            let token = AdminToken::parse(&text);
            let token =
                token.map_err(|_| anyhow::anyhow!("{} holds no admin token: remove it", path.display()))?;
            Ok(token.digest())
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let token = AdminToken::from_random(&random(entropy));
            let mut file = OpenOptions::new()
                .create_new(true)
                .write(true)
                .mode(0o600)
                .open(&path)
                .with_context(|| format!("cannot make {}", path.display()))?;
            writeln!(file, "{}", token.expose())
                .with_context(|| format!("cannot write {}", path.display()))?;
            Ok(token.digest())
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}
