//! The certificates that a server's own is checked against. The driver takes them as the path of a file only, and reads
//! it whenever it meets another member: so the file lives as long as the store.

use std::io::{self, Write as _};

use mongodb::options::{ClientOptions, Tls};
use tempfile::NamedTempFile;

use crate::config::Config;

/// Points the driver at the system's roots and the configured ones. `None` where there is no TLS, or where the URL
/// names a file and nothing is to be added.
pub(crate) fn trust(config: &Config, options: &mut ClientOptions) -> io::Result<Option<NamedTempFile>> {
    let Some(Tls::Enabled(tls)) = &mut options.tls else { return Ok(None) };
    let mut file = NamedTempFile::new()?;
    match (&tls.ca_file_path, &config.ca) {
        (Some(_), None) => return Ok(None),
        (Some(named), Some(_)) => file.write_all(&std::fs::read(named)?)?,
        (None, _) => {
            for root in rustls_native_certs::load_native_certs().certs {
                writeln!(file, "{}", pem(&root))?;
            }
        }
    }
    if let Some(own) = &config.ca {
        file.write_all(own)?;
    }
    file.flush()?;
    tls.ca_file_path = Some(file.path().to_owned());
    Ok(Some(file))
}

// RFC 7468 5.1, with lines longer than it wants and every parser takes
fn pem(certificate: &[u8]) -> String {
    format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----",
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, certificate)
    )
}
