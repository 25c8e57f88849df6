//! The certificates that a path may end in.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::Purpose;
use crate::{
    base::{Sha256, UtcTime},
    x509::{Certificate, X509Error, certificates_from_pem},
};

/// Sets of trust anchors with names that reports show.
///
/// Anchors come from configuration or from the caller, never from a document. Some are trusted without more
/// ([`Anchors::certificates`]), others for one purpose or for a time only ([`Anchors::grants`]): those count where
/// purpose and times are known, by [`Anchors::narrowed`].
#[derive(Clone, Debug, Default)]
pub struct Anchors {
    /// Such as `public-duty` or the name of a PEM file; of several sets, all names.
    pub name: String,
    /// Trusted for every purpose and at any time, in no particular order.
    pub certificates: Vec<Certificate>,
    /// Trusted with a condition, in no particular order.
    pub grants: Vec<Grant>,
    /// Which set a certificate was taken from first, where several were joined.
    pub sets: Arc<HashMap<Sha256, String>>,
}

/// A certificate that may end a path for one purpose, and only within a time: what a trusted list says of a service
/// (ETSI TS 119 612 clause 5.5), or a profile of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The anchor.
    pub anchor: Certificate,
    /// What for.
    pub purpose: Purpose,
    /// The control time must not lie before this.
    pub from: Option<UtcTime>,
    /// The control time must lie before this: from then on the service was no longer granted.
    pub until: Option<UtcTime>,
    /// The moment of validation must not lie behind this: then the list that says so needed to be renewed.
    pub listed_until: Option<UtcTime>,
}

impl Anchors {
    /// These certificates, trusted for every purpose.
    pub fn new(name: impl Into<String>, certificates: Vec<Certificate>) -> Self {
        Self { name: name.into(), certificates, ..Self::default() }
    }

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
        Ok(Self::new(name, certificates))
    }

    /// The same anchors for these purposes only.
    pub fn only_for(self, purposes: &[Purpose]) -> Self {
        if [Purpose::Signing, Purpose::TimeStamping].iter().all(|purpose| purposes.contains(purpose)) {
            return self;
        }
        let mut grants: Vec<Grant> = self.grants;
        grants.retain(|grant| purposes.contains(&grant.purpose));
        for certificate in &self.certificates {
            grants.extend(purposes.iter().map(|&purpose| Grant::of(certificate.clone(), purpose)));
        }
        Self { certificates: Vec::new(), grants, ..self }
    }

    /// Takes in another set; the names are joined, and each anchor keeps the name of the set that it came with first.
    pub fn join(&mut self, other: Self) {
        let mut sets = self.named();
        for (of, name) in other.named() {
            sets.entry(of).or_insert(name);
        }
        self.sets = Arc::new(sets);
        if !self.name.is_empty() && !other.name.is_empty() {
            self.name.push_str(", ");
        }
        self.name.push_str(&other.name);
        let mut known: HashSet<Sha256> = self.certificates.iter().map(Certificate::sha256).collect();
        for certificate in other.certificates {
            if known.insert(certificate.sha256()) {
                self.certificates.push(certificate);
            }
        }
        self.grants.extend(other.grants);
    }

    /// Whether exactly this certificate is an anchor for every purpose at any time.
    pub fn contains(&self, certificate: &Certificate) -> bool {
        self.certificates.iter().any(|anchor| anchor.der() == certificate.der())
    }

    /// Whether a path may end in exactly this certificate, for `purpose`, at the control time `at`, asked at `moment`.
    pub fn permits(&self, anchor: &Certificate, purpose: Purpose, at: UtcTime, moment: UtcTime) -> bool {
        self.contains(anchor)
            || self.grants.iter().any(|grant| grant.anchor == *anchor && grant.holds(purpose, at, moment))
    }

    /// Whether there is nothing that a path could end in.
    pub fn is_empty(&self) -> bool {
        self.certificates.is_empty() && self.grants.is_empty()
    }

    /// The anchors for one question: `purpose`, at the control time `at`, asked at `moment`. Grants that hold for it
    /// count like the others (and stay grants as well), and those that do not are gone.
    pub fn narrowed(&self, purpose: Purpose, at: UtcTime, moment: UtcTime) -> Cow<'_, Self> {
        if self.grants.is_empty() {
            return Cow::Borrowed(self);
        }
        let mut narrowed = Self {
            name: self.name.clone(),
            certificates: self.certificates.clone(),
            grants: self.grants.iter().filter(|grant| grant.holds(purpose, at, moment)).cloned().collect(),
            sets: self.sets.clone(),
        };
        let mut known: HashSet<&Certificate> = HashSet::new();
        for Grant { anchor, .. } in &narrowed.grants {
            if known.insert(anchor) && !self.contains(anchor) {
                narrowed.certificates.push(anchor.clone());
            }
        }
        Cow::Owned(narrowed)
    }

    /// Whether a time-stamping unit is granted its purpose by its own certificate, as trusted lists do it (ETSI TS 119
    /// 612 clause 5.5.3): there is no path to walk then, and the list's word stands for the status. Ask it of
    /// [`Anchors::narrowed`] ones.
    pub fn lists_unit(&self, certificate: &Certificate) -> bool {
        let of_unit = |grant: &Grant| grant.purpose == Purpose::TimeStamping && grant.anchor == *certificate;
        self.grants.iter().any(of_unit)
    }

    /// The name of the set that an anchor belongs to; `None` when it is none.
    pub fn set_of(&self, anchor: &Certificate) -> Option<&str> {
        let is_anchor = self.contains(anchor) || self.grants.iter().any(|grant| grant.anchor == *anchor);
        is_anchor.then(|| self.sets.get(&anchor.sha256()).unwrap_or(&self.name).as_str())
    }

    /// Every anchor with the name of its set.
    fn named(&self) -> HashMap<Sha256, String> {
        let granted = self.grants.iter().map(|grant| &grant.anchor);
        let anchors = self.certificates.iter().chain(granted).map(Certificate::sha256);
        anchors.map(|anchor| (anchor, self.sets.get(&anchor).unwrap_or(&self.name).clone())).collect()
    }
}

impl Grant {
    /// For a purpose, at any time.
    pub fn of(anchor: Certificate, purpose: Purpose) -> Self {
        Self { anchor, purpose, from: None, until: None, listed_until: None }
    }

    /// Whether it holds for a question.
    pub fn holds(&self, purpose: Purpose, at: UtcTime, moment: UtcTime) -> bool {
        self.purpose == purpose
            && self.from.is_none_or(|from| from <= at)
            && self.until.is_none_or(|until| at < until)
            && self.listed_until.is_none_or(|until| moment <= until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x509::sample::Sample;

    fn certificate(serial: u8) -> Certificate {
        Certificate::from_der(&Sample { serial: vec![serial], ..Sample::default() }.to_der()).unwrap()
    }

    fn at(second: i64) -> UtcTime {
        UtcTime::from_second(second).unwrap()
    }

    #[test]
    fn joined_sets_keep_their_names() {
        let [one, two, three] = [1, 2, 3].map(certificate);
        let mut anchors = Anchors::default();
        anchors.join(Anchors::new("public-duty", vec![one.clone()]));
        anchors.join(Anchors::new("national", vec![one.clone(), two.clone()]));
        anchors.join(Anchors::new("stamps", vec![three.clone()]).only_for(&[Purpose::TimeStamping]));
        assert_eq!(anchors.name, "public-duty, national, stamps");
        assert_eq!(anchors.certificates, [one.clone(), two.clone()]);
        assert_eq!(anchors.set_of(&one), Some("public-duty"));
        assert_eq!(anchors.set_of(&two), Some("national"));
        assert_eq!(anchors.set_of(&three), Some("stamps"));
        assert_eq!(anchors.set_of(&certificate(4)), None);
        assert_eq!(Anchors::new("alone", vec![one.clone()]).set_of(&one), Some("alone"));

        let mut nested = Anchors::new("first", vec![certificate(5)]);
        nested.join(anchors);
        assert_eq!(nested.set_of(&two), Some("national"));
        assert_eq!(nested.set_of(&certificate(5)), Some("first"));
    }

    #[test]
    fn a_condition_is_never_forgotten() {
        let (plain, granted) = (certificate(1), certificate(2));
        let mut anchors = Anchors::new("plain", vec![plain.clone()]);
        let grant = Grant {
            from: Some(at(100)),
            until: Some(at(200)),
            listed_until: Some(at(500)),
            ..Grant::of(granted.clone(), Purpose::Signing)
        };
        anchors.join(Anchors { name: "list".to_owned(), grants: vec![grant], ..Anchors::default() });
        // Whoever does not ask with purpose and time does not get it.
        assert!(!anchors.contains(&granted));
        for (purpose, control, moment, holds) in [
            (Purpose::Signing, 99, 300, false),
            (Purpose::Signing, 100, 300, true),
            (Purpose::Signing, 199, 500, true),
            (Purpose::Signing, 200, 300, false),
            (Purpose::Signing, 150, 501, false),
            (Purpose::TimeStamping, 150, 300, false),
        ] {
            let narrowed = anchors.narrowed(purpose, at(control), at(moment));
            assert!(narrowed.contains(&plain));
            assert_eq!(narrowed.grants.len(), usize::from(holds));
            assert_eq!(narrowed.contains(&granted), holds, "{purpose:?} at {control}, asked at {moment}");
            assert_eq!(anchors.permits(&granted, purpose, at(control), at(moment)), holds);
            assert!(anchors.permits(&plain, purpose, at(control), at(moment)));
            assert_eq!(narrowed.set_of(&granted), holds.then_some("list"));
        }
    }

    #[test]
    fn a_set_may_serve_one_purpose_only() {
        let one = certificate(1);
        let both = [Purpose::Signing, Purpose::TimeStamping];
        assert!(Anchors::new("a", vec![one.clone()]).only_for(&both).contains(&one));
        let stamps = Anchors::new("a", vec![one.clone()]).only_for(&[Purpose::TimeStamping]);
        assert!(stamps.narrowed(Purpose::TimeStamping, at(0), at(0)).contains(&one));
        assert!(stamps.narrowed(Purpose::Signing, at(0), at(0)).is_empty());
        let grants =
            vec![Grant::of(one.clone(), Purpose::Signing), Grant::of(one.clone(), Purpose::TimeStamping)];
        let list = Anchors { name: "l".to_owned(), grants, ..Anchors::default() };
        assert_eq!(list.only_for(&[Purpose::Signing]).grants, [Grant::of(one, Purpose::Signing)]);
    }
}
