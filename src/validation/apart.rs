//! What a signed file is about and does not hold, so that whoever has more files at hand can look for it among them.

use super::{
    Inspection,
    inspect::{Body, Signature},
    words::Key,
    xades::decoded,
};

/// The files that the signatures of a file are about and that were not given with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lacks {
    /// These, by the names that an XML signature gives them, in its order; none twice.
    Named(Vec<String>),
    /// None.
    Nothing,
    /// One, whose name the signature (CMS) does not tell.
    Unnamed,
}

impl Inspection {
    /// What was not given of what the signatures are about.
    pub fn lacks(&self) -> Lacks {
        let apart = Key::DocumentApart.as_str();
        let is_apart = |one: &Signature| one.findings.iter().any(|finding| finding.message.key == apart);
        let mut names: Vec<String> = Vec::new();
        for signature in &self.signatures {
            match &signature.body {
                Body::Cms { .. } if is_apart(signature) => return Lacks::Unnamed,
                Body::Xml(body) => {
                    let missing = body.files.iter().filter(|file| !file.present);
                    for name in missing.filter_map(|file| decoded(&file.uri)) {
                        if !names.contains(&name) {
                            names.push(name);
                        }
                    }
                }
                Body::Cms { .. } | Body::TimeStamp(_) | Body::None => {}
            }
        }
        if names.is_empty() { Lacks::Nothing } else { Lacks::Named(names) }
    }
}
