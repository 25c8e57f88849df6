//! Seed values: what a field's author asks of the signature in it (ISO 32000-2 section 12.7.5.5, tables 237 to 239).

use super::{
    Document, PdfError,
    object::{Dictionary, Object, decode_text},
};

/// `/SV` of a signature field, as written. Nothing here is judged: who signs has to keep it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SeedValue {
    /// `/Ff`: which entries are required rather than wished for; see [`SeedFlag`].
    pub flags: u32,
    /// `/Filter`: the signature handler.
    pub filter: Option<String>,
    /// `/SubFilter`: encodings, the most wanted first.
    pub sub_filters: Option<Vec<String>>,
    /// `/DigestMethod`: `SHA256` and the like.
    pub digest_methods: Option<Vec<String>>,
    /// `/V`: what a reader of seed values has to know; 3 is PDF 2.0.
    pub version: Option<f64>,
    /// `/Cert`.
    pub certificate: Option<CertificateSeed>,
    /// `/Reasons`: one of them is to be the reason; a single full stop means none at all.
    pub reasons: Option<Vec<String>>,
    /// `/P` of `/MDP`: 0 for an approval signature, 1 to 3 for a certification signature with that `/P`. Always required.
    pub mdp: Option<u8>,
    /// `/TimeStamp`.
    pub time_stamp: Option<TimeStampSeed>,
    /// `/LegalAttestation`: what a certification may attest.
    pub legal_attestations: Option<Vec<String>>,
    /// `/AddRevInfo`: whether revocation data go into the signature value.
    pub add_rev_info: Option<bool>,
    /// `/LockDocument`: `true`, `false` or `auto`.
    pub lock_document: Option<String>,
    /// `/AppearanceFilter`: the name of an appearance.
    pub appearance_filter: Option<String>,
    /// Entries that are there and cannot be read, or that nobody knows though they are required.
    pub faults: Vec<String>,
}

/// `/TimeStamp` of seed values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TimeStampSeed {
    /// The authority that the author has in mind. A stranger's wish: nobody should follow it unasked.
    pub url: Option<String>,
    /// Whether there has to be a time-stamp.
    pub required: bool,
}

/// `/Cert` of seed values (ISO 32000-2 table 238): whose certificate it may be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificateSeed {
    /// `/Ff`: which entries are required; see [`CertificateFlag`].
    pub flags: u32,
    /// `/Subject`: DER of certificates, one of which has to sign.
    pub subjects: Option<Vec<Vec<u8>>>,
    /// `/Issuer`: DER of certificates, one of which has to be in the signer's path.
    pub issuers: Option<Vec<Vec<u8>>>,
    /// `/OID`: certificate policies that the signer's certificate has to have.
    pub policies: Option<Vec<String>>,
    /// `/SubjectDN`: attributes, by short name or identifier, that the signer's name has to have.
    pub subject: Option<Vec<(String, String)>>,
    /// `/KeyUsage`: patterns of `0`, `1` and `X`, one of which has to fit.
    pub key_usages: Option<Vec<String>>,
    /// `/URL`: where to get such a certificate.
    pub url: Option<String>,
    /// `/URLType`.
    pub url_type: Option<String>,
    /// `/SignaturePolicyOID`: the signature policy under which it has to be signed. Always required.
    pub signature_policy: Option<String>,
    /// `/SignaturePolicyHashValue`.
    pub signature_policy_digest: Option<Vec<u8>>,
    /// `/SignaturePolicyHashAlgorithm`.
    pub signature_policy_algorithm: Option<String>,
    /// `/SignaturePolicyCommitmentType`: the commitments that it may have; none when the list is empty.
    pub commitments: Option<Vec<String>>,
}

/// The bits of `/Ff` in seed values, ISO 32000-2 table 237.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum SeedFlag {
    /// [`SeedValue::filter`].
    Filter = 1,
    /// [`SeedValue::sub_filters`].
    SubFilter = 1 << 1,
    /// [`SeedValue::version`].
    V = 1 << 2,
    /// [`SeedValue::reasons`].
    Reasons = 1 << 3,
    /// [`SeedValue::legal_attestations`].
    LegalAttestation = 1 << 4,
    /// [`SeedValue::add_rev_info`].
    AddRevInfo = 1 << 5,
    /// [`SeedValue::digest_methods`].
    DigestMethod = 1 << 6,
    /// [`SeedValue::lock_document`].
    LockDocument = 1 << 7,
    /// [`SeedValue::appearance_filter`].
    AppearanceFilter = 1 << 8,
}

/// The bits of `/Ff` in the seed values of the certificate, ISO 32000-2 table 238.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum CertificateFlag {
    /// [`CertificateSeed::subjects`].
    Subject = 1,
    /// [`CertificateSeed::issuers`].
    Issuer = 1 << 1,
    /// [`CertificateSeed::policies`].
    Oid = 1 << 2,
    /// [`CertificateSeed::subject`].
    SubjectDn = 1 << 3,
    /// [`CertificateSeed::key_usages`].
    KeyUsage = 1 << 5,
    /// [`CertificateSeed::url`], which binds nobody.
    Url = 1 << 6,
}

impl SeedValue {
    /// Whether an entry is required.
    pub fn requires(&self, flag: SeedFlag) -> bool {
        self.flags & flag as u32 != 0
    }

    /// The names of the required entries, in the order of the standard.
    pub fn required(&self) -> Vec<&'static str> {
        SEED_FLAGS.iter().filter(|(flag, _)| self.requires(*flag)).map(|(_, name)| *name).collect()
    }
}

impl CertificateSeed {
    /// Whether an entry is required.
    pub fn requires(&self, flag: CertificateFlag) -> bool {
        self.flags & flag as u32 != 0
    }

    /// The names of the required entries, in the order of the standard.
    pub fn required(&self) -> Vec<&'static str> {
        CERTIFICATE_FLAGS.iter().filter(|(flag, _)| self.requires(*flag)).map(|(_, name)| *name).collect()
    }
}

impl Document {
    /// The seed values of a signature field, by its fully qualified name; `None` when there is no such field, or it
    /// has none.
    ///
    /// # Errors
    ///
    /// When the form cannot be read.
    pub fn seed_value(&self, field: &str) -> Result<Option<SeedValue>, PdfError> {
        let fields = self.fields_at(self.last())?;
        let field = fields.iter().find(|known| known.name == field && known.kind.as_deref() == Some(b"Sig"));
        field.map_or(Ok(None), |field| self.seed_value_of(&field.dictionary))
    }

    /// The seed values in the dictionary of a field.
    pub(super) fn seed_value_of(&self, field: &Dictionary) -> Result<Option<SeedValue>, PdfError> {
        let Some(seed) = field.get("SV") else { return Ok(None) };
        let (_, seed) = self.resolve(self.last(), seed)?;
        let Object::Dictionary(seed) = seed else {
            return Ok(Some(SeedValue { faults: vec!["SV".to_owned()], ..SeedValue::default() }));
        };
        let mut entries = Entries { document: self, dictionary: &seed, prefix: "", faults: Vec::new() };
        let mut value = SeedValue {
            flags: entries.flags(SEED_FLAGS.iter().map(|(flag, _)| *flag as u32).sum())?,
            filter: entries.word("Filter")?,
            sub_filters: entries.list("SubFilter", word)?,
            digest_methods: entries.list("DigestMethod", word)?,
            version: entries.one("V", Object::as_number)?,
            certificate: None,
            reasons: entries.list("Reasons", text)?,
            mdp: None,
            time_stamp: None,
            legal_attestations: entries.list("LegalAttestation", text)?,
            add_rev_info: entries.one("AddRevInfo", |object| match object {
                Object::Boolean(value) => Some(*value),
                _ => None,
            })?,
            lock_document: entries.one("LockDocument", |object| match object {
                // Some programs write a boolean where the standard has a name.
                Object::Boolean(value) => Some(value.to_string()),
                other => word(other),
            })?,
            appearance_filter: entries.one("AppearanceFilter", text)?,
            faults: Vec::new(),
        };
        if let Some(mdp) = entries.dictionary("MDP")? {
            let mut inner = entries.below(&mdp, "MDP");
            value.mdp = inner.one("P", |level| {
                level.as_integer().and_then(|level| u8::try_from(level).ok()).filter(|level| *level <= 3)
            })?;
            let faults = inner.faults;
            entries.faults.extend(faults);
        }
        if let Some(stamp) = entries.dictionary("TimeStamp")? {
            let mut inner = entries.below(&stamp, "TimeStamp");
            value.time_stamp =
                Some(TimeStampSeed { url: inner.one("URL", text)?, required: inner.flags(1)? & 1 != 0 });
            let faults = inner.faults;
            entries.faults.extend(faults);
        }
        if let Some(certificate) = entries.dictionary("Cert")? {
            let mut inner = entries.below(&certificate, "Cert");
            value.certificate = Some(inner.certificate()?);
            let faults = inner.faults;
            entries.faults.extend(faults);
        }
        value.faults = entries.faults;
        Ok(Some(value))
    }
}

/// The entries of one dictionary, read with a note of what could not be.
struct Entries<'a> {
    document: &'a Document,
    dictionary: &'a Dictionary,
    prefix: &'static str,
    faults: Vec<String>,
}

impl<'a> Entries<'a> {
    fn below<'b>(&self, dictionary: &'b Dictionary, prefix: &'static str) -> Entries<'b>
    where
        'a: 'b,
    {
        Entries { document: self.document, dictionary, prefix, faults: Vec::new() }
    }

    fn fault(&mut self, key: &str) {
        let dot = if self.prefix.is_empty() { "" } else { "/" };
        self.faults.push(format!("{}{dot}{key}", self.prefix));
    }

    fn resolved(&self, key: &str) -> Result<Object, PdfError> {
        let value = self.dictionary.get(key).unwrap_or(&Object::Null);
        Ok(self.document.resolve(self.document.last(), value)?.1)
    }

    fn one<T>(&mut self, key: &str, read: impl Fn(&Object) -> Option<T>) -> Result<Option<T>, PdfError> {
        let value = self.resolved(key)?;
        if value == Object::Null {
            return Ok(None);
        }
        let value = read(&value);
        if value.is_none() {
            self.fault(key);
        }
        Ok(value)
    }

    fn word(&mut self, key: &str) -> Result<Option<String>, PdfError> {
        self.one(key, word)
    }

    fn list<T>(
        &mut self,
        key: &str,
        read: impl Fn(&Object) -> Option<T>,
    ) -> Result<Option<Vec<T>>, PdfError> {
        let value = self.resolved(key)?;
        if value == Object::Null {
            return Ok(None);
        }
        let mut items = Vec::new();
        for item in value.as_array().unwrap_or_default().iter().take(MOST_ITEMS) {
            let (_, item) = self.document.resolve(self.document.last(), item)?;
            items.extend(read(&item));
        }
        if value.as_array().is_none_or(|list| list.len() != items.len()) {
            self.fault(key);
            return Ok(None);
        }
        Ok(Some(items))
    }

    fn dictionary(&mut self, key: &str) -> Result<Option<Dictionary>, PdfError> {
        self.one(key, |value| match value {
            Object::Dictionary(dictionary) => Some(dictionary.clone()),
            _ => None,
        })
    }

    /// `/Ff`; a bit outside of `known` requires what nobody here knows.
    fn flags(&mut self, known: u32) -> Result<u32, PdfError> {
        let flags = self.one("Ff", |flags| flags.as_integer().and_then(|flags| u32::try_from(flags).ok()))?;
        let flags = flags.unwrap_or(0);
        if flags & !known != 0 {
            self.fault("Ff");
        }
        Ok(flags)
    }

    fn certificate(&mut self) -> Result<CertificateSeed, PdfError> {
        let octets = |object: &Object| object.as_string().map(<[u8]>::to_vec);
        let names = self.list("SubjectDN", |object| match object {
            Object::Dictionary(dictionary) => Some(dictionary.clone()),
            _ => None,
        })?;
        let mut subject = names.as_ref().map(|_| Vec::new());
        for (key, value) in names.iter().flatten().flat_map(Dictionary::iter) {
            let (_, value) = self.document.resolve(self.document.last(), value)?;
            let key = std::str::from_utf8(key).ok().map(str::to_owned);
            match (key, text(&value), &mut subject) {
                (Some(key), Some(value), Some(subject)) => subject.push((key, value)),
                _ => self.faults.push("Cert/SubjectDN".to_owned()),
            }
        }
        Ok(CertificateSeed {
            flags: self.flags(CERTIFICATE_FLAGS.iter().map(|(flag, _)| *flag as u32).sum())?,
            subjects: self.list("Subject", octets)?,
            issuers: self.list("Issuer", octets)?,
            policies: self.list("OID", text)?,
            subject,
            key_usages: self.list("KeyUsage", text)?,
            url: self.one("URL", text)?,
            url_type: self.word("URLType")?,
            signature_policy: self.one("SignaturePolicyOID", text)?,
            signature_policy_digest: self.one("SignaturePolicyHashValue", octets)?,
            signature_policy_algorithm: self.word("SignaturePolicyHashAlgorithm")?,
            commitments: self.list("SignaturePolicyCommitmentType", text)?,
        })
    }
}

/// A name, or the string that some programs write in its place.
fn word(object: &Object) -> Option<String> {
    let bytes = object.as_name().or_else(|| object.as_string())?;
    Some(decode_text(bytes))
}

fn text(object: &Object) -> Option<String> {
    object.as_string().map(decode_text)
}

const SEED_FLAGS: [(SeedFlag, &str); 9] = [
    (SeedFlag::Filter, "Filter"),
    (SeedFlag::SubFilter, "SubFilter"),
    (SeedFlag::V, "V"),
    (SeedFlag::Reasons, "Reasons"),
    (SeedFlag::LegalAttestation, "LegalAttestation"),
    (SeedFlag::AddRevInfo, "AddRevInfo"),
    (SeedFlag::DigestMethod, "DigestMethod"),
    (SeedFlag::LockDocument, "LockDocument"),
    (SeedFlag::AppearanceFilter, "AppearanceFilter"),
];

const CERTIFICATE_FLAGS: [(CertificateFlag, &str); 6] = [
    (CertificateFlag::Subject, "Subject"),
    (CertificateFlag::Issuer, "Issuer"),
    (CertificateFlag::Oid, "OID"),
    (CertificateFlag::SubjectDn, "SubjectDN"),
    (CertificateFlag::KeyUsage, "KeyUsage"),
    (CertificateFlag::Url, "URL"),
];

/// Items of one list. An author offers a handful.
const MOST_ITEMS: usize = 1000;
