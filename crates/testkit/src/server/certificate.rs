//! Certificates of tests: an authority that nobody else knows, and what it signs for servers on the loopback address.

use std::fmt;
use std::fs;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

/// Why nothing here can fail.
const MADE: &str = "a certificate of a test can be made";

/// Who vouches for servers.
pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authority")
    }
}

impl Authority {
    /// Another one than any before.
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect(MADE);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // OpenSSL takes a certificate that is named like its issuer for one that vouches for itself.
        params.distinguished_name.push(DnType::CommonName, "an authority of tests");
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().expect(MADE)).expect(MADE))
    }

    /// Its own certificate.
    pub(super) fn pem(&self) -> String {
        self.0.pem()
    }

    /// Puts a certificate for the loopback address into a directory, its key, and that of the authority beside it.
    pub(super) fn certify(&self, dir: &Path) {
        let key = KeyPair::generate().expect(MADE);
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let certificate = CertificateParams::new(names).expect(MADE).signed_by(&key, &self.0).expect(MADE);
        for (file, text) in
            [("ca.pem", self.pem()), ("server.pem", certificate.pem()), ("server.key", key.serialize_pem())]
        {
            fs::write(dir.join(file), text).expect("the directory takes a file");
        }
    }
}
