//! Whose certificates count when `store_ca_file` names some.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use super::*;

fn authority() -> (CertificateDer<'static>, String) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    (issuer.der().clone(), issuer.pem())
}

#[test]
fn the_systems_certificates_go_on_to_count() {
    let (system, _) = authority();
    let (own, pem) = authority();
    let unreadable = CertificateDer::from(b"no certificate".to_vec());
    let both = joined(vec![unreadable, system.clone()], pem.as_bytes()).unwrap();
    let read: Vec<_> = CertificateDer::pem_slice_iter(&both).map(Result::unwrap).collect();
    assert_eq!(read, [system, own]);
}

#[test]
fn a_file_without_certificates_is_refused() {
    for none in [&b"nonsense"[..], b"", b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"] {
        let why = joined(Vec::new(), none).unwrap_err();
        assert!(why.starts_with("store_ca_file holds no certificates in PEM"), "{why}");
    }
}
