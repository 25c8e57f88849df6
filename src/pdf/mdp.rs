//! What a signature permits to those who come later: DocMDP, FieldMDP and `/Lock` (ISO 32000-2 section 12.8.2).

use std::{collections::HashSet, str::FromStr};

use super::{
    Document, PdfError,
    object::{Dictionary, Object, ObjectId, encode_text},
    signature::{FieldLock, LockedFields},
    write::NewSignature,
};
use crate::base::DigestAlgorithm;

/// What may be done to a document after a certification signature, or after a signature whose field's `/Lock` says so
/// (`/P`, ISO 32000-2 tables 236 and 257). Document time-stamps and `/DSS` may follow always.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DocMdp {
    /// 1: nothing.
    NoChanges,
    /// 2: forms are filled in, and empty signature fields signed.
    FillAndSign,
    /// 3: comments as well.
    Annotate,
}

impl DocMdp {
    /// All of them, the strictest first.
    pub const ALL: [Self; 3] = [Self::NoChanges, Self::FillAndSign, Self::Annotate];

    /// `/P`: from 1 to 3.
    pub const fn level(self) -> u8 {
        match self {
            Self::NoChanges => 1,
            Self::FillAndSign => 2,
            Self::Annotate => 3,
        }
    }

    /// In a word, as command lines and requests have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoChanges => "no-changes",
            Self::FillAndSign => "fill-and-sign",
            Self::Annotate => "annotate",
        }
    }
}

impl FromStr for DocMdp {
    type Err = UnknownWord;

    /// Reads `1` or `no-changes`, `2` or `fill-and-sign`, `3` or `annotate`.
    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let known = Self::ALL.into_iter().find(|one| one.name() == text || one.level().to_string() == text);
        known.ok_or(UnknownWord("1 (no-changes), 2 (fill-and-sign) or 3 (annotate)"))
    }
}

impl FromStr for LockedFields {
    type Err = UnknownWord;

    /// Reads `all`, `include:NAME,NAME` or `exclude:NAME,NAME`.
    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        const EXPECTED: UnknownWord = UnknownWord("all, include:NAME,NAME… or exclude:NAME,NAME…");
        let names = |list: &str| {
            let names: HashSet<String> = list.split(',').map(|name| name.trim().to_owned()).collect();
            if names.contains("") { Err(EXPECTED) } else { Ok(names) }
        };
        match text.split_once(':') {
            None if text == "all" => Ok(Self::All),
            Some(("include", list)) => Ok(Self::Only(names(list)?)),
            Some(("exclude", list)) => Ok(Self::AllBut(names(list)?)),
            _ => Err(EXPECTED),
        }
    }
}

/// A word that is none of those expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {0}")]
pub struct UnknownWord(&'static str);

impl FieldLock {
    /// `/Lock` of a signature field, ISO 32000-2 table 236.
    pub(super) fn to_dictionary(&self) -> Dictionary {
        let mut lock = self.fields.to_dictionary();
        lock.set("Type", Object::name("SigFieldLock"));
        if let Some(level) = self.level {
            lock.set("P", Object::Integer(i64::from(level)));
        }
        lock
    }
}

impl LockedFields {
    fn to_dictionary(&self) -> Dictionary {
        let (action, names) = match self {
            Self::All => ("All", None),
            Self::AllBut(names) => ("Exclude", Some(names)),
            Self::Only(names) => ("Include", Some(names)),
        };
        let mut dictionary = Dictionary::new();
        dictionary.set("Action", Object::name(action));
        if let Some(names) = names {
            // In one order, so that the same wish gives the same bytes.
            let mut names: Vec<&String> = names.iter().collect();
            names.sort_unstable();
            let names = names.into_iter().map(|name| Object::String(encode_text(name)));
            dictionary.set("Fields", Object::Array(names.collect()));
        }
        dictionary
    }
}

/// `/Reference` of a signature dictionary, all direct but `/Data` (ISO 32000-2 tables 256, 257 and 259); `None` when
/// it permits what any signature permits.
pub(super) fn references(new: &NewSignature, lock: Option<&FieldLock>, catalog: ObjectId) -> Option<Object> {
    let mut references = Vec::new();
    let mut reference = |method: &str, mut parameters: Dictionary, data: Option<ObjectId>| {
        parameters.set("Type", Object::name("TransformParams"));
        parameters.set("V", Object::name("1.2"));
        let mut reference = Dictionary::new();
        reference.set("Type", Object::name("SigRef"));
        reference.set("TransformMethod", Object::name(method));
        reference.set("TransformParams", Object::Dictionary(parameters));
        if let Some(digest) = new.digest.and_then(digest_name) {
            reference.set("DigestMethod", Object::name(digest));
        }
        if let Some(data) = data {
            reference.set("Data", Object::Reference(data));
        }
        references.push(Object::Dictionary(reference));
    };
    if let Some(level) = new.certify {
        let mut parameters = Dictionary::new();
        parameters.set("P", Object::Integer(i64::from(level.level())));
        reference("DocMDP", parameters, None);
    }
    if let Some(lock) = lock {
        reference("FieldMDP", lock.fields.to_dictionary(), Some(catalog));
    }
    (!references.is_empty()).then_some(Object::Array(references))
}

/// ISO 32000-2 table 256.
fn digest_name(algorithm: DigestAlgorithm) -> Option<&'static str> {
    match algorithm {
        DigestAlgorithm::Sha256 => Some("SHA256"),
        DigestAlgorithm::Sha384 => Some("SHA384"),
        DigestAlgorithm::Sha512 => Some("SHA512"),
        _ => None,
    }
}

/// What the signatures of a file leave to a new one. The default: they leave everything, for there are none.
#[derive(Default)]
pub(super) struct Standing {
    /// How many there are, document time-stamps included.
    pub(super) signatures: usize,
    /// Whether one of them certifies the document.
    pub(super) certified: bool,
    /// The strictest `/P` in force.
    level: Option<u8>,
    locks: Vec<FieldLock>,
}

impl Standing {
    pub(super) fn of(document: &Document) -> Result<Self, PdfError> {
        let signatures = document.signatures()?;
        let named = document.certified_level(document.last())?;
        let levels = signatures
            .iter()
            .flat_map(|one| one.locks.iter().map(|lock| lock.level).chain([one.doc_mdp]).collect::<Vec<_>>());
        Ok(Self {
            signatures: signatures.len(),
            certified: named.is_some() || signatures.iter().any(|one| one.doc_mdp.is_some()),
            level: levels.chain([named]).flatten().min(),
            locks: signatures.into_iter().flat_map(|one| one.locks).collect(),
        })
    }

    /// Whether a new signature may be there at all.
    pub(super) fn admits(&self, new: &NewSignature) -> Result<(), PdfError> {
        if self.level.is_some_and(|level| !matches!(level, 2 | 3)) {
            return Err(PdfError::Certified);
        }
        if new.certify.is_some() && (self.certified || self.signatures > 0) {
            return Err(PdfError::NotFirst { signatures: self.signatures });
        }
        Ok(())
    }

    /// Whether an earlier signature locked a field.
    pub(super) fn locks(&self, field: &str) -> bool {
        self.locks.iter().any(|lock| lock.holds(field))
    }
}

impl Document {
    /// Whether a signature of the file locks the field of this name, be it there or new.
    ///
    /// # Errors
    ///
    /// As [`Document::signatures`].
    pub fn is_field_locked(&self, name: &str) -> Result<bool, PdfError> {
        Ok(Standing::of(self)?.locks(name))
    }

    /// What a signature in this field has to lock: its `/Lock`.
    ///
    /// # Errors
    ///
    /// [`PdfError::Field`] when it cannot be read: nobody can promise to keep it then.
    pub(super) fn field_lock(&self, name: &str, field: &Dictionary) -> Result<Option<FieldLock>, PdfError> {
        let revision = self.last();
        let Some(lock) = field.get("Lock") else { return Ok(None) };
        let (_, lock) = self.resolve(revision, lock)?;
        let item = |key: &str| {
            let value = lock.as_dictionary().and_then(|lock| lock.get(key)).unwrap_or(&Object::Null);
            Ok::<_, PdfError>(self.resolve(revision, value)?.1)
        };
        let names = item("Fields")?;
        let texts = names.as_array().is_some_and(|names| {
            names
                .iter()
                .all(|name| self.resolve(revision, name).is_ok_and(|(_, name)| name.as_string().is_some()))
        });
        let level = match item("P")? {
            Object::Null => Some(None),
            level => level
                .as_integer()
                .and_then(|level| u8::try_from(level).ok())
                .filter(|level| (1..=3).contains(level))
                .map(Some),
        };
        let known = match item("Action")?.as_name() {
            Some(b"All") => true,
            Some(b"Include" | b"Exclude") => texts,
            _ => false,
        };
        let (true, Some(level)) = (known, level) else {
            return Err(PdfError::Field {
                name: name.to_owned(),
                what: "what it locks (/Lock) cannot be read",
            });
        };
        Ok(Some(FieldLock { fields: self.locked_fields(revision, &lock)?, level }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_read_by_number_and_by_word() {
        for level in DocMdp::ALL {
            assert_eq!(level.name().parse(), Ok(level));
            assert_eq!(level.level().to_string().parse(), Ok(level));
        }
        for wrong in ["", "0", "4", "No-Changes", "p2"] {
            assert!(wrong.parse::<DocMdp>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn locks_are_read_and_written_in_one_order() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<HashSet<_>>();
        assert_eq!("all".parse(), Ok(LockedFields::All));
        assert_eq!("include:b, a".parse(), Ok(LockedFields::Only(names(&["a", "b"]))));
        assert_eq!("exclude:một.hai".parse(), Ok(LockedFields::AllBut(names(&["một.hai"]))));
        for wrong in ["", "All", "include", "include:", "exclude:a,,b", "none:a", "all:"] {
            assert!(wrong.parse::<LockedFields>().is_err(), "{wrong}");
        }
        let lock = FieldLock { fields: LockedFields::Only(names(&["b", "a"])), level: Some(1) };
        let mut written = Vec::new();
        Object::Dictionary(lock.to_dictionary()).write(&mut written);
        let expected = "<< /Action /Include /Fields [(a) (b)] /P 1 /Type /SigFieldLock >>";
        assert_eq!(String::from_utf8(written).unwrap(), expected);
    }

    #[test]
    fn a_signature_that_asks_for_nothing_refers_to_nothing() {
        let plain = NewSignature::default();
        assert_eq!(references(&plain, None, (1, 0)), None);
        let certifying = NewSignature {
            certify: Some(DocMdp::FillAndSign),
            digest: Some(DigestAlgorithm::Sha384),
            ..NewSignature::default()
        };
        let lock = FieldLock { fields: LockedFields::All, level: Some(2) };
        let mut written = Vec::new();
        references(&certifying, Some(&lock), (1, 0)).unwrap().write(&mut written);
        let expected = "[<< /DigestMethod /SHA384 /TransformMethod /DocMDP /TransformParams \
                        << /P 2 /Type /TransformParams /V /1.2 >> /Type /SigRef >> \
                        << /Data 1 0 R /DigestMethod /SHA384 /TransformMethod /FieldMDP /TransformParams \
                        << /Action /All /Type /TransformParams /V /1.2 >> /Type /SigRef >>]";
        assert_eq!(String::from_utf8(written).unwrap(), expected);
    }
}
