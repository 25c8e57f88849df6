//! Trust profiles: who is trusted for what, as data (`trust.toml`, described in `docs/trust.md`).
//!
//! A profile names sets of anchors and where each comes from. This room reads the text and turns bytes into
//! [`Anchors`]; a task opens the files.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Anchors, Outdated, Purpose, TrustedList, TrustedListError};
use crate::{
    base::{Sha256, UtcTime},
    x509::{Certificate, X509Error, certificates_from_pem},
    xml::XmlLimits,
};

/// The profiles of one `trust.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TrustProfiles {
    /// The profile that is meant where none is named.
    pub default: Option<String>,
    /// By their names.
    #[serde(default, rename = "profile")]
    pub profiles: BTreeMap<String, TrustProfile>,
}

/// `[profile.NAME]`: sets that are trusted together.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TrustProfile {
    /// For people.
    #[serde(default)]
    pub title: String,
    /// In the order of the file.
    #[serde(default, rename = "set")]
    pub sets: Vec<AnchorSet>,
}

/// `[[profile.NAME.set]]`: anchors under one name, which reports show.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AnchorSet {
    /// Such as `public-duty`.
    pub name: String,
    /// What its anchors are trusted for; everything where it is absent.
    #[serde(default = "every_use")]
    pub purposes: Vec<Use>,
    /// PEM or DER files of certificates.
    #[serde(default)]
    pub files: Vec<String>,
    /// A folder: every `.pem`, `.crt`, `.cer`, `.der` file in it.
    pub folder: Option<String>,
    /// A trusted list (ETSI TS 119 612).
    pub trusted_list: Option<String>,
    /// Files with the certificates of the trusted list's scheme operator.
    #[serde(default)]
    pub operators: Vec<String>,
    /// What to do when the list should have been renewed.
    #[serde(default)]
    pub outdated_list: OutdatedWord,
    /// SHA-256 fingerprints: every certificate of `files`, `folder` and `operators` must have one of these.
    #[serde(default)]
    pub sha256: Vec<String>,
}

/// A purpose, as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Use {
    /// Signatures on documents.
    Signing,
    /// Time-stamps.
    TimeStamping,
}

/// `outdated-list`, as written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutdatedWord {
    /// No anchors from it.
    #[default]
    Refuse,
    /// Its anchors, and a warning.
    Warn,
}

/// A file that was read: its name for messages, and its bytes.
#[derive(Clone, Debug)]
pub struct TrustFile {
    /// As people know it.
    pub name: String,
    /// All of it.
    pub bytes: Vec<u8>,
}

/// The files that a set is made from, read.
#[derive(Clone, Debug, Default)]
pub struct SetFiles {
    /// Of `files` and `folder`.
    pub certificates: Vec<TrustFile>,
    /// Of `trusted-list`.
    pub list: Option<TrustFile>,
    /// Of `operators`.
    pub operators: Vec<TrustFile>,
}

/// Something that people should know about a set that is used all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustWarning {
    /// The set.
    pub set: String,
    /// The file.
    pub file: String,
    /// What is wrong.
    pub kind: TrustWarningKind,
}

/// What a [`TrustWarning`] is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrustWarningKind {
    /// The list should have been renewed, or its operator's certificate is no longer valid.
    Outdated(String),
    /// A service of the list could not be read; it is trusted for nothing.
    Skipped(String),
}

/// Why a profile cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// A certificate of a file cannot be read, or there is none in it.
    #[error("{file} of the set {set} holds no usable certificates")]
    Certificates {
        /// The set.
        set: String,
        /// The file.
        file: String,
        /// What is wrong.
        source: X509Error,
    },
    /// A set that names no certificates at all.
    #[error("the set {set} names no files, no folder and no trusted-list")]
    EmptySet {
        /// The set.
        set: String,
    },
    /// `sha256` has something else than 64 hexadecimal digits.
    #[error("in the set {set}, {value:?} is no SHA-256 fingerprint (64 hexadecimal digits, colons allowed)")]
    Fingerprint {
        /// The set.
        set: String,
        /// As written.
        value: String,
    },
    /// A trusted list is not believed.
    #[error("the trusted list {file} of the set {set} is not believed")]
    List {
        /// The set.
        set: String,
        /// The file.
        file: String,
        /// Why.
        source: TrustedListError,
    },
    /// `trusted-list` without `operators`, or the other way round.
    #[error("in the set {set}, trusted-list and operators go together")]
    ListWithoutOperators {
        /// The set.
        set: String,
    },
    /// Two sets, or a set without a name.
    #[error("set {number} of the profile {profile} needs a name of its own")]
    Name {
        /// The profile.
        profile: String,
        /// From 1.
        number: usize,
    },
    /// No profile was named, and there is no default.
    #[error("no profile was named and the file has no default; it has: {known}")]
    NoDefault {
        /// The names in the file.
        known: String,
    },
    /// `purposes = []`.
    #[error("the set {set} is trusted for nothing: purposes is empty")]
    NoPurpose {
        /// The set.
        set: String,
    },
    /// A certificate that the set does not expect.
    #[error(
        "{subject} in {file} has the SHA-256 fingerprint {fingerprint}, which the set {set} does not name"
    )]
    Pin {
        /// The set.
        set: String,
        /// The file.
        file: String,
        /// Of the certificate.
        subject: String,
        /// Of the certificate.
        fingerprint: Sha256,
    },
    /// Not TOML, or a setting that is unknown, missing or of the wrong kind.
    #[error("the profile cannot be understood")]
    Toml(#[source] Box<toml::de::Error>),
    /// There is no such profile.
    #[error("there is no profile {name} in the file; it has: {known}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// The names in the file.
        known: String,
    },
}

impl TrustProfiles {
    /// Reads a `trust.toml`.
    ///
    /// # Errors
    ///
    /// When it is not TOML, has unknown settings, or a set contradicts itself.
    pub fn parse(text: &str) -> Result<Self, ProfileError> {
        let profiles: Self = toml::from_str(text).map_err(|error| ProfileError::Toml(Box::new(error)))?;
        for (name, profile) in &profiles.profiles {
            profile.check(name)?;
        }
        Ok(profiles)
    }

    /// The profile of a name, or the default one: the one that `default` names, or the only one.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn profile(&self, name: Option<&str>) -> Result<&TrustProfile, ProfileError> {
        let known = || self.profiles.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        match name.or(self.default.as_deref()) {
            Some(name) => self
                .profiles
                .get(name)
                .ok_or_else(|| ProfileError::Unknown { name: name.to_owned(), known: known() }),
            None => match self.profiles.values().next() {
                Some(only) if self.profiles.len() == 1 => Ok(only),
                _ => Err(ProfileError::NoDefault { known: known() }),
            },
        }
    }
}

impl TrustProfile {
    fn check(&self, profile: &str) -> Result<(), ProfileError> {
        for (index, set) in self.sets.iter().enumerate() {
            let earlier = self.sets.iter().take(index);
            if set.name.trim().is_empty() || earlier.into_iter().any(|other| other.name == set.name) {
                return Err(ProfileError::Name { profile: profile.to_owned(), number: index + 1 });
            }
            set.check()?;
        }
        Ok(())
    }
}

impl AnchorSet {
    fn check(&self) -> Result<(), ProfileError> {
        let set = || self.name.clone();
        if self.files.is_empty() && self.folder.is_none() && self.trusted_list.is_none() {
            return Err(ProfileError::EmptySet { set: set() });
        }
        if self.trusted_list.is_some() == self.operators.is_empty() {
            return Err(ProfileError::ListWithoutOperators { set: set() });
        }
        if self.purposes.is_empty() {
            return Err(ProfileError::NoPurpose { set: set() });
        }
        self.pins().map(drop)
    }

    /// The anchors of the set, from its files.
    ///
    /// # Errors
    ///
    /// When a file holds no usable certificates, a fingerprint does not fit, or the trusted list is not believed.
    pub fn anchors(
        &self,
        files: &SetFiles,
        moment: UtcTime,
        limits: &XmlLimits,
    ) -> Result<(Anchors, Vec<TrustWarning>), ProfileError> {
        let pins = self.pins()?;
        let mut anchors = Anchors::new(&self.name, self.certificates(&files.certificates, &pins)?);
        let mut warnings = Vec::new();
        if let Some(file) = &files.list {
            let operators = self.certificates(&files.operators, &pins)?;
            let refused = |source| {
                let (set, file) = (self.name.clone(), file.name.clone());
                ProfileError::List { set, file, source }
            };
            let warning = |kind| TrustWarning { set: self.name.clone(), file: file.name.clone(), kind };
            let list = TrustedList::verify(&file.bytes, &operators, limits).map_err(refused)?;
            let outdated = match self.outdated_list {
                OutdatedWord::Refuse => Outdated::Refuse,
                OutdatedWord::Warn => Outdated::Warn,
            };
            let (listed, late) = list.anchors(&self.name, moment, outdated).map_err(refused)?;
            anchors.grants = listed.grants;
            warnings.extend(late.map(|late| warning(TrustWarningKind::Outdated(late.to_string()))));
            warnings.extend(list.skipped.iter().map(|skipped| {
                let text = format!("{}, {}: {}", skipped.provider, skipped.service, skipped.reason);
                warning(TrustWarningKind::Skipped(text))
            }));
        }
        let purposes: Vec<Purpose> = self.purposes.iter().map(|&purpose| purpose.into()).collect();
        Ok((anchors.only_for(&purposes), warnings))
    }

    fn certificates(&self, files: &[TrustFile], pins: &[Sha256]) -> Result<Vec<Certificate>, ProfileError> {
        let mut all = Vec::new();
        for file in files {
            let certificates = certificates_from_pem(&file.bytes).map_err(|source| {
                ProfileError::Certificates { set: self.name.clone(), file: file.name.clone(), source }
            })?;
            for certificate in certificates {
                let fingerprint = certificate.sha256();
                if !pins.is_empty() && !pins.contains(&fingerprint) {
                    let (set, file) = (self.name.clone(), file.name.clone());
                    let subject = certificate.subject().to_string();
                    return Err(ProfileError::Pin { set, file, subject, fingerprint });
                }
                all.push(certificate);
            }
        }
        Ok(all)
    }

    fn pins(&self) -> Result<Vec<Sha256>, ProfileError> {
        let read = |value: &String| {
            let digits: String = value.chars().filter(|c| *c != ':' && !c.is_whitespace()).collect();
            Sha256::from_hex(&digits)
                .ok_or_else(|| ProfileError::Fingerprint { set: self.name.clone(), value: value.clone() })
        };
        self.sha256.iter().map(read).collect()
    }
}

impl From<Use> for Purpose {
    fn from(word: Use) -> Self {
        match word {
            Use::Signing => Self::Signing,
            Use::TimeStamping => Self::TimeStamping,
        }
    }
}

fn every_use() -> Vec<Use> {
    vec![Use::Signing, Use::TimeStamping]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x509::sample::Sample;

    fn file(name: &str, serial: u8) -> TrustFile {
        let certificate = Sample { serial: vec![serial], ..Sample::default() }.to_der();
        TrustFile { name: name.to_owned(), bytes: certificate }
    }

    fn set(text: &str) -> Result<AnchorSet, ProfileError> {
        let profiles = TrustProfiles::parse(&format!("[[profile.p.set]]\nname='s'\n{text}"))?;
        Ok(profiles.profile(None)?.sets[0].clone())
    }

    fn anchors(set: &AnchorSet, files: Vec<TrustFile>) -> Result<Anchors, ProfileError> {
        let files = SetFiles { certificates: files, ..SetFiles::default() };
        set.anchors(&files, UtcTime::UNIX_EPOCH, &XmlLimits::default()).map(|(anchors, _)| anchors)
    }

    #[test]
    fn the_example_of_the_docs_can_be_read() {
        let docs = include_str!("../../docs/trust.md");
        let examples: Vec<&str> =
            docs.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
        assert!(!examples.is_empty());
        for example in examples {
            let profiles =
                TrustProfiles::parse(example).unwrap_or_else(|error| panic!("{error:?}\n{example}"));
            assert!(!profiles.profile(None).unwrap().sets.is_empty());
        }
    }

    #[test]
    fn profiles_are_found_by_name_or_default() {
        let two = "[[profile.a.set]]\nname='x'\nfiles=['x']\n[[profile.b.set]]\nname='y'\nfiles=['y']\n";
        let profiles = TrustProfiles::parse(two).unwrap();
        assert_eq!(profiles.profile(Some("b")).unwrap().sets[0].name, "y");
        let none = profiles.profile(None).unwrap_err();
        assert!(none.to_string().contains("a, b"), "{none}");
        assert!(matches!(profiles.profile(Some("c")), Err(ProfileError::Unknown { .. })));
        let profiles = TrustProfiles::parse(&format!("default='a'\n{two}")).unwrap();
        assert_eq!(profiles.profile(None).unwrap().sets[0].name, "x");
    }

    #[test]
    fn a_set_that_contradicts_itself_is_named() {
        assert!(matches!(set(""), Err(ProfileError::EmptySet { set }) if set == "s"));
        assert!(matches!(set("trusted-list='a.xml'"), Err(ProfileError::ListWithoutOperators { .. })));
        assert!(matches!(
            set("files=['a']\noperators=['a']"),
            Err(ProfileError::ListWithoutOperators { .. })
        ));
        assert!(matches!(set("files=['a']\npurposes=[]"), Err(ProfileError::NoPurpose { .. })));
        assert!(matches!(set("files=['a']\nsha256=['12']"), Err(ProfileError::Fingerprint { .. })));
        let twice = "[[profile.p.set]]\nname='s'\nfiles=['a']\n".repeat(2);
        assert!(matches!(TrustProfiles::parse(&twice), Err(ProfileError::Name { number: 2, .. })));
        let error = set("fils=['a']").unwrap_err();
        let told = std::error::Error::source(&error).unwrap().to_string();
        assert!(told.contains("line 3") && told.contains("fils"), "{told}");
        assert!(matches!(set("files=['a']\npurposes=['everything']"), Err(ProfileError::Toml(_))));
    }

    #[test]
    fn a_fingerprint_that_does_not_fit_refuses_the_set() {
        let right = certificates_from_pem(&file("a", 1).bytes).unwrap()[0].sha256().to_hex();
        let colons: Vec<String> =
            right.as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair).to_uppercase()).collect();
        for pin in [right, colons.join(":")] {
            let set = set(&format!("files=['a']\nsha256=['{pin}']")).unwrap();
            assert_eq!(anchors(&set, vec![file("a", 1)]).unwrap().certificates.len(), 1);
            let refused = anchors(&set, vec![file("a", 1), file("b", 2)]).unwrap_err();
            assert!(matches!(refused, ProfileError::Pin { ref file, .. } if file == "b"), "{refused:?}");
        }
    }

    #[test]
    fn a_set_serves_the_purposes_that_it_names() {
        let stamps = set("files=['a']\npurposes=['time-stamping']").unwrap();
        let stamps = anchors(&stamps, vec![file("a", 1)]).unwrap();
        assert!(stamps.certificates.is_empty());
        assert_eq!(stamps.grants[0].purpose, Purpose::TimeStamping);
        assert_eq!(stamps.set_of(&stamps.grants[0].anchor), Some("s"));
        let broken =
            anchors(&set("files=['a']").unwrap(), vec![TrustFile { name: "x".into(), bytes: vec![1] }]);
        assert!(matches!(broken, Err(ProfileError::Certificates { file, .. }) if file == "x"));
    }
}
