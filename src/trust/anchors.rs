//! The certificates that a path may end in.

use crate::x509::{Certificate, X509Error, certificates_from_pem};

/// A set of trust anchors with a name that reports show.
///
/// Anchors come from configuration or from the caller, never from a document.
#[derive(Clone, Debug, Default)]
pub struct Anchors {
    /// Such as `public-duty` or the name of a PEM file.
    pub name: String,
    /// In no particular order.
    pub certificates: Vec<Certificate>,
}

impl Anchors {
    /// Every certificate of a PEM file (or the one of a DER file) as an anchor.
    ///
    /// # Errors
    ///
    /// When there is no certificate in it, or one cannot be read.
    pub fn from_pem(name: impl Into<String>, bytes: &[u8]) -> Result<Self, X509Error> {
        let certificates = certificates_from_pem(bytes)?;
        if certificates.is_empty() {
            return Err(X509Error::Malformed { reason: "there is no certificate in it".to_owned() });
        }
        Ok(Self { name: name.into(), certificates })
    }

    /// Takes in another set; the names are joined.
    pub fn join(&mut self, other: Self) {
        if !self.name.is_empty() && !other.name.is_empty() {
            self.name.push_str(", ");
        }
        self.name.push_str(&other.name);
        for certificate in other.certificates {
            if !self.contains(&certificate) {
                self.certificates.push(certificate);
            }
        }
    }

    /// Whether exactly this certificate is an anchor.
    pub fn contains(&self, certificate: &Certificate) -> bool {
        self.certificates.iter().any(|anchor| anchor.der() == certificate.der())
    }
}
