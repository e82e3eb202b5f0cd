//! The certificates that a server's own is checked against. The driver takes one list in place of the system's: so this
//! one holds both.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// The system's certificates and these, in PEM.
pub(crate) fn beside_the_systems(own: &[u8]) -> Result<Vec<u8>, String> {
    joined(rustls_native_certs::load_native_certs().certs, own)
}

/// Of the system's those that the driver cannot read are left out: it would take none at all.
fn joined(system: Vec<CertificateDer<'static>>, own: &[u8]) -> Result<Vec<u8>, String> {
    let own = CertificateDer::pem_slice_iter(own).collect::<Result<Vec<_>, _>>();
    let own = own.map_err(|e| format!("store_ca_file holds no certificates in PEM: {e}"))?;
    if own.is_empty() {
        return Err("store_ca_file holds no certificates in PEM".to_owned());
    }
    let mut readable = RootCertStore::empty();
    let system = system.into_iter().filter(|certificate| readable.add(certificate.clone()).is_ok());
    Ok(system.chain(own).map(|certificate| pem(&certificate)).collect::<String>().into_bytes())
}

// RFC 7468 5.1, with lines longer than it wants and every parser takes
fn pem(certificate: &[u8]) -> String {
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(certificate))
}

#[cfg(test)]
mod tests;
