//! Distinguished names.

/// A distinguished name, with its encoding as received. Comparison follows RFC 5280 section 7.1 (case and white space folded).
#[derive(Clone)]
pub struct Name {
    der: Vec<u8>,
}

impl Name {
    /// The Name encoding.
    pub fn der(&self) -> &[u8] {
        &self.der
    }
    /// The last commonName.
    pub fn common_name(&self) -> Option<String> {
        todo!()
    }
    /// The last value of an attribute type (organizationName, localityName…), as text.
    pub fn attribute(&self, oid: der::oid::ObjectIdentifier) -> Option<String> {
        let _ = oid;
        todo!()
    }
    /// RFC 5280 section 7.1.
    pub fn matches(&self, other: &Self) -> bool {
        let _ = other;
        todo!()
    }
}

impl std::fmt::Display for Name {
    /// RFC 4514, most specific first.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let _ = f;
        todo!()
    }
}
