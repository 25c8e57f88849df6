//! Trusted lists (ETSI TS 119 612 v2.1.1 and later): which trust services a supervisor grants, since when.
//!
//! A list is believed only under a certificate of its scheme operator that the user gives: [`TrustedList::verify`]
//! makes one from bytes whose XML signature holds under it and covers the whole list, and reads it from the very
//! octets that were signed. What the list says of itself, its operator or its pointers to other lists, is no reason to
//! trust anything; pointers (and so the lists of lists) are not followed.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{Anchors, Grant, Purpose};
use crate::{
    base::UtcTime,
    crypto,
    x509::{
        Certificate,
        algorithm::{KeyKind, key_kind},
    },
    xml::{Document, Element, Signature, SignatureError, XmlError, XmlLimits, signature},
};

/// The namespace of trusted lists.
const NAMESPACE: &str = "http://uri.etsi.org/02231/v2#";

/// Certificates of services taken from one list. All national lists of the European Union together have some 3,000.
pub const MAX_SERVICES: usize = 10_000;

/// A trusted list whose signature holds under a certificate that the user gave.
#[derive(Clone, Debug)]
pub struct TrustedList {
    /// TSLType: what kind of list it says that it is.
    pub kind: String,
    /// SchemeTerritory, such as `VN`.
    pub territory: String,
    /// SchemeOperatorName, in English or in its first language.
    pub operator: String,
    /// TSLSequenceNumber, from 1, higher at each issue.
    pub sequence_number: u64,
    /// ListIssueDateTime.
    pub issued: UtcTime,
    /// NextUpdate; absent when the list is closed and will not be issued again.
    pub next_update: Option<UtcTime>,
    /// The services, in the order of the list.
    pub services: Vec<Service>,
    /// What could not be read and is trusted for nothing: provider, service, reason.
    pub skipped: Vec<Skipped>,
    /// The certificate that its signature holds under.
    pub signed_by: Certificate,
}

/// A trust service (clause 5.5).
#[derive(Clone, Debug)]
pub struct Service {
    /// TSPName, in English or in its first language.
    pub provider: String,
    /// ServiceName, the same.
    pub name: String,
    /// X509Certificate of ServiceDigitalIdentity: all of one key.
    pub certificates: Vec<Certificate>,
    /// Its states, newest first: the current one, then ServiceHistory.
    pub states: Vec<ServiceState>,
}

/// What a service was from a moment on (clauses 5.5.1, 5.5.4, 5.5.5, 5.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceState {
    /// ServiceTypeIdentifier.
    pub kind: ServiceKind,
    /// ServiceStatus.
    pub status: ServiceStatus,
    /// StatusStartingTime.
    pub from: UtcTime,
    /// AdditionalServiceInformation URIs. Only "for web sites alone" is judged: such a service is no signing anchor.
    pub additional: Vec<String>,
    /// There are Qualifications: they say which certificates are qualified, which kyso does not judge.
    pub qualified_by_list: bool,
    /// A critical extension that kyso does not know: the state is trusted for nothing.
    pub unknown_critical: bool,
}

/// Types of services that kyso has a use for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceKind {
    /// `CA/QC`, `CA/PKC`: certificates for signatures and seals.
    Authority,
    /// `TSA/QTST`, `TSA`: time-stamps.
    TimeStamping,
    /// Anything else.
    Other,
}

/// Whether a status lets relying parties rely on the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceStatus {
    /// `granted`, `recognisedatnationallevel`, and in old histories `undersupervision`, `supervisionincessation`,
    /// `accredited`, `setbynationallaw`.
    Granted,
    /// Everything else: `withdrawn`, `deprecatedatnationallevel`, ceased, revoked, unknown.
    NotGranted,
}

/// A service, or a certificate of one, that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// TSPName.
    pub provider: String,
    /// ServiceName.
    pub service: String,
    /// What the reader met.
    pub reason: String,
}

/// What to do with a list whose NextUpdate has passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outdated {
    /// It is refused, also when it becomes outdated while it is in use.
    #[default]
    Refuse,
    /// It is used with a warning.
    Warn,
}

/// Why a list is not believed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrustedListError {
    /// The operator's certificate could not be relied on at the moment.
    #[error("the scheme operator's certificate {subject} is valid from {not_before} to {not_after} only")]
    OperatorPeriod {
        /// Whose it is.
        subject: String,
        /// From here.
        not_before: UtcTime,
        /// Up to here.
        not_after: UtcTime,
    },
    /// It points to other lists, which is out of scope.
    #[error(
        "it is a list of lists: give the national lists themselves, each with its operator's certificate"
    )]
    ListOfLists,
    /// Not such a structure.
    #[error("not a trusted list: {reason}")]
    Malformed {
        /// What the reader met.
        reason: String,
    },
    /// No certificate of an operator was given.
    #[error("no certificate of the scheme operator was given, and a list is not believed on its own word")]
    NoOperator,
    /// NextUpdate has passed.
    #[error("a newer list was due on {next_update}")]
    Outdated {
        /// When.
        next_update: UtcTime,
    },
    /// Its signature does not hold.
    #[error("the signature of the list does not hold")]
    Signature(#[source] SignatureError),
    /// Its signature covers something else.
    #[error("the signature does not cover the whole list")]
    SignatureScope,
    /// It is not signed, or more than once.
    #[error("a trusted list has exactly one signature, as a child of its root element; this one has {count}")]
    SignatureCount {
        /// How many there are in the document.
        count: usize,
    },
    /// None of the operator's certificates made the signature.
    #[error("the list is not signed with any of the scheme operator's certificates that were given")]
    Stranger,
    /// The operator's key is too short.
    #[error("the key of the scheme operator's certificate {subject} is too weak")]
    WeakKey {
        /// Whose it is.
        subject: String,
    },
    /// Not XML as it has to be.
    #[error("the list cannot be read as XML")]
    Xml(#[from] XmlError),
}

impl TrustedListError {
    fn because(reason: impl Into<String>) -> Self {
        Self::Malformed { reason: reason.into() }
    }
}

impl TrustedList {
    /// Reads a list whose signature holds under one of `operators`, which the user has from the operator in another
    /// way than by the list.
    ///
    /// # Errors
    ///
    /// When the signature does not hold or does not cover the whole list, or the list is malformed. A service that
    /// cannot be read is skipped, and told.
    pub fn verify(
        bytes: &[u8],
        operators: &[Certificate],
        limits: &XmlLimits,
    ) -> Result<Self, TrustedListError> {
        if operators.is_empty() {
            return Err(TrustedListError::NoOperator);
        }
        let document = Document::parse(bytes, limits)?;
        let root = document.root();
        if !root.is(NAMESPACE, "TrustServiceStatusList") {
            return Err(TrustedListError::because(format!("its root element is {}", root.local_name())));
        }
        let is_signature = |element: &Element<'_>| element.is(signature::NAMESPACE, "Signature");
        let count = document.elements().filter(is_signature).count();
        let element = root.elements().find(is_signature).filter(|_| count == 1);
        let element = element.ok_or(TrustedListError::SignatureCount { count })?;
        let signature = Signature::read(element).map_err(TrustedListError::Signature)?;
        let (signed_by, signed) = signer(&signature, operators, limits)?;
        let part = signed.root().ok_or(TrustedListError::SignatureScope)?;
        // From here on nothing but the octets that were signed.
        let document = Document::parse(&part.bytes, limits)?;
        read(&document, signed_by)
    }

    /// The anchors of the list, each for its purpose and with the time in which its service was granted; and whether
    /// the list is outdated, if `outdated` permits that.
    ///
    /// # Errors
    ///
    /// When the list is outdated at `moment` and may not be, or the operator's certificate is not valid then.
    pub fn anchors(
        &self,
        name: impl Into<String>,
        moment: UtcTime,
        outdated: Outdated,
    ) -> Result<(Anchors, Option<TrustedListError>), TrustedListError> {
        let warning = self.at(moment).err();
        if outdated == Outdated::Refuse
            && let Some(reason) = warning
        {
            return Err(reason);
        }
        let listed_until = match outdated {
            Outdated::Refuse => Some(
                self.next_update
                    .map_or(self.signed_by.not_after(), |due| due.min(self.signed_by.not_after())),
            ),
            Outdated::Warn => None,
        };
        let mut grants = Vec::new();
        for service in &self.services {
            for (purpose, from, until) in service.granted() {
                for anchor in service.certificates.iter().cloned() {
                    grants.push(Grant { anchor, purpose, from: Some(from), until, listed_until });
                }
            }
        }
        Ok((Anchors { name: name.into(), grants, ..Anchors::default() }, warning))
    }

    fn at(&self, moment: UtcTime) -> Result<(), TrustedListError> {
        let (not_before, not_after) = (self.signed_by.not_before(), self.signed_by.not_after());
        if moment < not_before || moment > not_after {
            let subject = self.signed_by.subject().to_string();
            return Err(TrustedListError::OperatorPeriod { subject, not_before, not_after });
        }
        match self.next_update {
            Some(next_update) if moment > next_update => Err(TrustedListError::Outdated { next_update }),
            _ => Ok(()),
        }
    }
}

impl Service {
    /// When it was granted, for which purpose: from, and until if it ended.
    pub fn granted(&self) -> Vec<(Purpose, UtcTime, Option<UtcTime>)> {
        let mut granted: Vec<(Purpose, UtcTime, Option<UtcTime>)> = Vec::new();
        let mut until = None;
        for state in &self.states {
            if let Some(purpose) = state.purpose()
                && until.is_none_or(|until| state.from < until)
            {
                match granted.last_mut() {
                    // The next state went on with the same.
                    Some((last, from, _)) if *last == purpose && Some(*from) == until => *from = state.from,
                    _ => granted.push((purpose, state.from, until)),
                }
            }
            until = Some(state.from);
        }
        granted
    }
}

impl ServiceState {
    /// What it may be trusted for; `None` for nothing.
    pub fn purpose(&self) -> Option<Purpose> {
        if self.status != ServiceStatus::Granted || self.unknown_critical {
            return None;
        }
        match self.kind {
            ServiceKind::Authority if self.for_web_sites_alone() => None,
            ServiceKind::Authority => Some(Purpose::Signing),
            ServiceKind::TimeStamping => Some(Purpose::TimeStamping),
            ServiceKind::Other => None,
        }
    }

    /// Clause 5.5.9.4.
    fn for_web_sites_alone(&self) -> bool {
        let says = |ending: &str| self.additional.iter().any(|uri| uri.ends_with(ending));
        says("/ForWebSiteAuthentication") && !says("/ForeSignatures") && !says("/ForeSeals")
    }
}

/// The operator's certificate whose key made the signature, and what it covers.
fn signer<'d>(
    signature: &Signature<'d>,
    operators: &[Certificate],
    limits: &XmlLimits,
) -> Result<(Certificate, signature::Signed<'d>), TrustedListError> {
    for operator in operators {
        match signature.verify(operator.spki_der(), crypto::verify, limits) {
            Ok(signed) => {
                strong(operator)?;
                return Ok((operator.clone(), signed));
            }
            // Perhaps the next one's.
            Err(SignatureError::Value { .. } | SignatureError::Key { .. }) => {}
            Err(error) => return Err(TrustedListError::Signature(error)),
        }
    }
    Err(TrustedListError::Stranger)
}

/// TS 119 312, and TT 15/2025/TT-BKHCN Annex I: RSA from 2048 bits, elliptic curves from 256.
fn strong(operator: &Certificate) -> Result<(), TrustedListError> {
    let weak = match key_kind(operator.spki_der()) {
        Ok(KeyKind::Rsa { bits }) => bits < 2048,
        Ok(KeyKind::Ec { bits }) => bits < 256,
        _ => true,
    };
    if weak { Err(TrustedListError::WeakKey { subject: operator.subject().to_string() }) } else { Ok(()) }
}

/// Clause 5.2 to 5.6.
fn read(document: &Document, signed_by: Certificate) -> Result<TrustedList, TrustedListError> {
    let root = document.root();
    if !root.is(NAMESPACE, "TrustServiceStatusList") || root.attribute("TSLTag") != Some(TAG) {
        return Err(TrustedListError::because("it has no TSLTag of ETSI TS 119 612"));
    }
    let scheme = one(root, "SchemeInformation")?;
    let version = text(one(scheme, "TSLVersionIdentifier")?)?;
    if !["5", "6"].contains(&version) {
        return Err(TrustedListError::because(format!("version {version:?}; versions 5 and 6 are read")));
    }
    let kind = text(one(scheme, "TSLType")?)?;
    if kind.ends_with("listofthelists") || kind.ends_with("/CClist") {
        return Err(TrustedListError::ListOfLists);
    }
    let sequence_number = text(one(scheme, "TSLSequenceNumber")?)?;
    let mut list = TrustedList {
        kind: kind.to_owned(),
        territory: text(one(scheme, "SchemeTerritory")?)?.to_owned(),
        operator: name(one(scheme, "SchemeOperatorName")?),
        sequence_number: sequence_number
            .parse()
            .map_err(|_| TrustedListError::because(format!("TSLSequenceNumber {sequence_number:?}")))?,
        issued: moment(one(scheme, "ListIssueDateTime")?)?,
        next_update: next_update(one(scheme, "NextUpdate")?)?,
        services: Vec::new(),
        skipped: Vec::new(),
        signed_by,
    };
    if let Some(providers) = at_most_one(root, "TrustServiceProviderList")? {
        for provider in named(providers, "TrustServiceProvider") {
            list.read_provider(provider)?;
        }
    }
    Ok(list)
}

impl TrustedList {
    fn read_provider(&mut self, provider: Element<'_>) -> Result<(), TrustedListError> {
        let information = one(provider, "TSPInformation")?;
        let provider_name = at_most_one(information, "TSPName")?.map(name).unwrap_or_default();
        for service in named(one(provider, "TSPServices")?, "TSPService") {
            if self.services.len() >= MAX_SERVICES {
                return Err(TrustedListError::because(format!("more than {MAX_SERVICES} services")));
            }
            self.read_service(&provider_name, service);
        }
        Ok(())
    }

    /// A service that cannot be read costs itself only: without it less is trusted, not more.
    fn read_service(&mut self, provider: &str, element: Element<'_>) {
        let information = one(element, "ServiceInformation");
        let service_name = information
            .as_ref()
            .ok()
            .and_then(|information| at_most_one(*information, "ServiceName").ok().flatten())
            .map(name)
            .unwrap_or_default();
        let mut skip = |reason: String| {
            self.skipped.push(Skipped {
                provider: provider.to_owned(),
                service: service_name.clone(),
                reason,
            });
        };
        let read = information.and_then(|information| {
            let states = states(element, information)?;
            Ok((states, one(information, "ServiceDigitalIdentity")?))
        });
        let (states, identity) = match read {
            Ok(read) => read,
            Err(error) => return skip(error.to_string()),
        };
        let mut certificates: Vec<Certificate> = Vec::new();
        for certificate in identity.elements().flat_map(|id| id.elements()) {
            if !certificate.is(NAMESPACE, "X509Certificate") {
                continue;
            }
            match read_certificate(certificate) {
                Ok(certificate)
                    if certificates.iter().any(|other| other.spki_der() != certificate.spki_der()) =>
                {
                    skip("its certificates are not of one key (clause 5.5.3)".to_owned());
                    return;
                }
                Ok(certificate) => certificates.push(certificate),
                Err(reason) => skip(reason),
            }
        }
        let (provider, name) = (provider.to_owned(), service_name.clone());
        self.services.push(Service { provider, name, certificates, states });
    }
}

/// The current state and those of the history, newest first.
fn states(service: Element<'_>, information: Element<'_>) -> Result<Vec<ServiceState>, TrustedListError> {
    let mut states = vec![state(information)?];
    if let Some(history) = at_most_one(service, "ServiceHistory")? {
        for instance in named(history, "ServiceHistoryInstance") {
            if states.len() > MAX_HISTORY {
                return Err(TrustedListError::because(format!(
                    "a history of more than {MAX_HISTORY} states"
                )));
            }
            states.push(state(instance)?);
        }
    }
    // The current state must be the newest: else it would end before it began.
    if states.windows(2).any(|pair| matches!(pair, [newer, older] if newer.from < older.from)) {
        return Err(TrustedListError::because("its states are not in the order of time"));
    }
    Ok(states)
}

fn state(element: Element<'_>) -> Result<ServiceState, TrustedListError> {
    let mut state = ServiceState {
        kind: ServiceKind::by_uri(text(one(element, "ServiceTypeIdentifier")?)?),
        status: ServiceStatus::by_uri(text(one(element, "ServiceStatus")?)?),
        from: moment(one(element, "StatusStartingTime")?)?,
        additional: Vec::new(),
        qualified_by_list: false,
        unknown_critical: false,
    };
    let Some(extensions) = at_most_one(element, "ServiceInformationExtensions")? else { return Ok(state) };
    for extension in named(extensions, "Extension") {
        let critical = matches!(extension.attribute("Critical"), Some("true" | "1"));
        let mut known = false;
        for content in extension.elements() {
            match (content.namespace(), content.local_name()) {
                (NAMESPACE, "AdditionalServiceInformation") => {
                    known = true;
                    state.additional.push(text(one(content, "URI")?)?.to_owned());
                }
                (QUALIFICATIONS, "Qualifications") => {
                    known = true;
                    state.qualified_by_list = true;
                }
                (NAMESPACE, "ExpiredCertsRevocationInfo") | (ADDITIONAL_TYPES, "TakenOverBy") => known = true,
                _ => {}
            }
        }
        state.unknown_critical |= critical && !known;
    }
    Ok(state)
}

impl ServiceKind {
    /// Clause 5.5.1.
    fn by_uri(uri: &str) -> Self {
        match uri.strip_prefix("http://uri.etsi.org/TrstSvc/Svctype/") {
            Some("CA/QC" | "CA/PKC") => Self::Authority,
            Some("TSA" | "TSA/QTST") => Self::TimeStamping,
            _ => Self::Other,
        }
    }
}

impl ServiceStatus {
    /// Clause 5.5.4, and those of earlier versions in histories.
    fn by_uri(uri: &str) -> Self {
        match uri.strip_prefix("http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/") {
            Some(
                "granted"
                | "recognisedatnationallevel"
                | "setbynationallaw"
                | "undersupervision"
                | "supervisionincessation"
                | "accredited",
            ) => Self::Granted,
            _ => Self::NotGranted,
        }
    }
}

fn read_certificate(element: Element<'_>) -> Result<Certificate, String> {
    let text = element.text().ok_or("a certificate that is no text")?;
    let text: String = text.split_ascii_whitespace().collect();
    let der = STANDARD.decode(text).map_err(|error| format!("a certificate that is not Base64: {error}"))?;
    Certificate::from_der(&der).map_err(|error| format!("a certificate that cannot be read: {error}"))
}

fn named<'d>(element: Element<'d>, local: &'static str) -> impl Iterator<Item = Element<'d>> {
    element.elements().filter(move |child| child.is(NAMESPACE, local))
}

fn at_most_one<'d>(
    element: Element<'d>,
    local: &'static str,
) -> Result<Option<Element<'d>>, TrustedListError> {
    let mut all = named(element, local);
    match (all.next(), all.next()) {
        (first, None) => Ok(first),
        _ => Err(TrustedListError::because(format!("{} has several {local}", element.local_name()))),
    }
}

fn one<'d>(element: Element<'d>, local: &'static str) -> Result<Element<'d>, TrustedListError> {
    at_most_one(element, local)?
        .ok_or_else(|| TrustedListError::because(format!("{} has no {local}", element.local_name())))
}

fn text(element: Element<'_>) -> Result<&str, TrustedListError> {
    let text = element.text().map(str::trim);
    text.ok_or_else(|| TrustedListError::because(format!("{} is no plain text", element.local_name())))
}

/// The English name of several, or the first (clause 5.1.4).
fn name(element: Element<'_>) -> String {
    let english = |name: &Element<'_>| name.attribute_ns(crate::xml::XML_NAMESPACE, "lang") == Some("en");
    let names = || named(element, "Name");
    let chosen = names().find(english).or_else(|| names().next());
    chosen.and_then(|name| name.text()).map(str::trim).unwrap_or_default().to_owned()
}

fn moment(element: Element<'_>) -> Result<UtcTime, TrustedListError> {
    let written = text(element)?;
    written.parse::<UtcTime>().map_err(|_| {
        TrustedListError::because(format!("{} {written:?} is no time with a zone", element.local_name()))
    })
}

/// An empty NextUpdate closes the list (clause 5.3.15).
fn next_update(element: Element<'_>) -> Result<Option<UtcTime>, TrustedListError> {
    at_most_one(element, "dateTime")?.map(moment).transpose()
}

const TAG: &str = "http://uri.etsi.org/19612/TSLTag";
const QUALIFICATIONS: &str = "http://uri.etsi.org/TrstSvc/SvcInfoExt/eSigDir-1999-93-EC-TrustedList/#";
const ADDITIONAL_TYPES: &str = "http://uri.etsi.org/02231/v2/additionaltypes#";

/// States of one service; a long-lived service has about ten.
const MAX_HISTORY: usize = 200;
