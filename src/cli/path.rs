//! `kyso path`: whether a certificate can be relied on, by RFC 5280 section 6. Exit statuses and JSON are a contract:
//! see `docs/path.md`.

use std::{
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use clap::ValueEnum;
use jiff::SignedDuration;
use serde::Serialize;

use super::{
    USAGE,
    path_words::{Labels, meaning},
    verify::{
        Lang, language,
        words::{plain, plain_lines, shown, time},
    },
};
use crate::{
    asn1::{Reader, Tag},
    base::{Clock, Limits, UtcTime},
    ocsp::Response,
    service::trust::TrustWish,
    trust::{
        Anchors, Assessment, Checks, Control, Court, Distrust, EvidenceKind, Freshness, Purpose, Revocation,
        Rules, StatusItem, StatusStatement, Word,
    },
    validation::words::Language,
    x509::{Certificate, Crl, PolicyId, certificates_from_pem},
};

/// Ask whether a certificate can be relied on: path, policies, revocation, by RFC 5280 section 6.
///
/// Nothing is fetched: what is not given is not known. Exit status: 0 valid, 1 invalid, 2 no conclusion, 64 wrong usage,
/// 65 a file that cannot be read.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option")]
pub(super) struct Args {
    /// The certificate in question (PEM or DER)
    #[arg(value_name = "EE")]
    end: PathBuf,

    /// Certificates that may lie between it and an anchor; may be given several times
    #[arg(long, value_name = "F", help_heading = "Evidence")]
    intermediate: Vec<PathBuf>,

    /// A revocation list, complete or delta (PEM or DER); may be given several times
    #[arg(long, value_name = "F", help_heading = "Evidence")]
    crl: Vec<PathBuf>,

    /// An OCSP response (DER); may be given several times
    #[arg(long, value_name = "F", help_heading = "Evidence")]
    ocsp: Vec<PathBuf>,

    /// Trust the certificates in this file; may be given several times
    #[arg(long, value_name = "F", required = true, help_heading = "Evidence")]
    trust: Vec<PathBuf>,

    /// Answer for this moment instead of now, such as 2026-03-12T09:15:30+07:00
    #[arg(long, value_name = "T", help_heading = "Rules")]
    at: Option<UtcTime>,

    /// A policy that is acceptable, such as 2.16.704.1.1; may be given several times. Without any, all are
    #[arg(long, value_name = "OID", help_heading = "Rules")]
    policy: Vec<PolicyId>,

    /// The path must be valid for an acceptable policy
    #[arg(long, help_heading = "Rules")]
    explicit_policy: bool,

    /// Do not let authorities map policies onto others
    #[arg(long, help_heading = "Rules")]
    inhibit_mapping: bool,

    /// Do not let anyPolicy stand for a policy
    #[arg(long, help_heading = "Rules")]
    inhibit_any_policy: bool,

    /// Whether it must be known that nothing was revoked
    #[arg(long, value_enum, value_name = "R", default_value_t = RevocationName::Require, help_heading = "Rules")]
    revocation: RevocationName,

    /// How old the word on a revocation may be, such as 24h; otherwise as old as it says itself
    #[arg(long, value_name = "SPAN", help_heading = "Rules")]
    max_age: Option<SignedDuration>,

    /// What the certificate is used for
    #[arg(long, value_enum, value_name = "P", default_value_t = PurposeName::Any, help_heading = "Rules")]
    purpose: PurposeName,

    /// Print JSON as described by docs/path.schema.json
    #[arg(long)]
    json: bool,

    /// The language of the answer; otherwise what LC_ALL, LC_MESSAGES or LANG says
    #[arg(long, value_enum, value_name = "LANG")]
    lang: Option<Lang>,
}

#[derive(Clone, Copy, Debug, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
enum RevocationName {
    /// Every certificate but the anchor must be known not to be revoked
    Require,
    /// What is given must be good
    IfPresent,
    /// Do not ask
    Off,
}

#[derive(Clone, Copy, Debug, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
enum PurposeName {
    /// Nothing in particular
    Any,
    /// Signing documents
    Signing,
    /// Issuing time-stamps
    TimeStamping,
}

pub(super) fn run(args: &Args) -> ExitCode {
    let language = language(args.lang);
    let end = match read_end(&args.end) {
        Ok(end) => end,
        Err(reason) => return refuse(UNREADABLE, &reason),
    };
    let moment = args.at.unwrap_or_else(|| Clock::System.now());
    let wish = TrustWish { sources: args.trust.clone(), operators: Vec::new(), profile: None };
    let anchors = match wish.load(moment) {
        Ok(trust) => trust.anchors,
        Err(error) => return refuse(UNREADABLE, &plain_lines(&error.tell(language))),
    };
    let evidence = match Evidence::read(args) {
        Ok(evidence) => evidence,
        Err(reason) => return refuse(UNREADABLE, &reason),
    };
    let report = match &end {
        End::Certificate(end) => judge(args, end, &anchors, &evidence, moment),
        End::Malformed(reason) => malformed(args, reason, moment),
    };
    let text = if args.json {
        match serde_json::to_string_pretty(&report) {
            Ok(json) => json + "\n",
            Err(error) => return refuse(OWN_FAULT, &format!("the report could not be written: {error}")),
        }
    } else {
        told(&report, language)
    };
    // Whoever closed the pipe does not want to hear more.
    let _ = io::stdout().write_all(text.as_bytes());
    report.indication.code()
}

fn refuse(status: u8, reason: &str) -> ExitCode {
    let _ = writeln!(io::stderr(), "error: {reason}");
    ExitCode::from(status)
}

/// The certificate in question, or what is wrong with what should be one.
enum End {
    Certificate(Box<Certificate>),
    Malformed(String),
}

/// What was given beside the certificate and the anchors.
#[derive(Default)]
struct Evidence {
    pool: Vec<Certificate>,
    lists: Vec<(String, Crl)>,
    answers: Vec<(String, Response)>,
    unreadable: Vec<Unreadable>,
}

impl Evidence {
    /// A file that is not there is an error. One that holds something else than it should is worth nothing, and is
    /// told: the certificate may be fine without it.
    fn read(args: &Args) -> Result<Self, String> {
        let mut evidence = Self::default();
        for file in &args.intermediate {
            match certificates_from_pem(&bytes(file)?) {
                Ok(certificates) => evidence.pool.extend(certificates),
                Err(error) => evidence.leave_out(file, &error),
            }
        }
        for file in &args.crl {
            match pem_block(bytes(file)?, "X509 CRL")
                .and_then(|der| Crl::from_der(&der).map_err(|error| error.to_string()))
            {
                Ok(list) => evidence.lists.push((shown(file), list)),
                Err(error) => evidence.leave_out(file, &error),
            }
        }
        for file in &args.ocsp {
            match Response::parse(&bytes(file)?) {
                Ok(answer) => evidence.answers.push((shown(file), answer)),
                Err(error) => evidence.leave_out(file, &error),
            }
        }
        Ok(evidence)
    }

    fn leave_out(&mut self, file: &Path, error: &dyn ToString) {
        self.unreadable.push(Unreadable { name: shown(file), message: error.to_string() });
    }

    /// The lists and then the answers, as the court numbers them.
    fn name(&self, item: usize) -> String {
        let lists = self.lists.iter().map(|(name, _)| name);
        lists.chain(self.answers.iter().map(|(name, _)| name)).nth(item).cloned().unwrap_or_default()
    }
}

fn bytes(file: &Path) -> Result<Vec<u8>, String> {
    fs::read(file).map_err(|error| format!("{} cannot be read: {error}", shown(file)))
}

/// A file that holds no certificate at all cannot be read. One that holds what should be a certificate and breaks the
/// rules for one was read, and the answer is no.
fn read_end(file: &Path) -> Result<End, String> {
    let bytes = bytes(file)?;
    match certificates_from_pem(&bytes) {
        Ok(certificates) => match certificates.into_iter().next() {
            Some(end) => Ok(End::Certificate(Box::new(end))),
            None => Err(format!("{} holds no certificate", shown(file))),
        },
        Err(error) => {
            let shaped = Reader::only(&bytes).is_ok_and(|outer| outer.tag == Tag::SEQUENCE);
            if shaped {
                Ok(End::Malformed(error.to_string()))
            } else {
                Err(format!("{} holds no certificate: {error}", shown(file)))
            }
        }
    }
}

/// The first block of this kind in a PEM file; anything else is taken as DER.
fn pem_block(bytes: Vec<u8>, kind: &str) -> Result<Vec<u8>, String> {
    let text = String::from_utf8_lossy(&bytes);
    let Some((_, after)) = text.split_once(&format!("-----BEGIN {kind}-----")) else { return Ok(bytes) };
    let Some((block, _)) = after.split_once(&format!("-----END {kind}-----")) else {
        return Err("the PEM block has no END line".to_owned());
    };
    let base64: String = block.split_ascii_whitespace().collect();
    STANDARD.decode(base64).map_err(|error| format!("the PEM block is not Base64: {error}"))
}

fn judge(
    args: &Args,
    end: &Certificate,
    anchors: &Anchors,
    evidence: &Evidence,
    moment: UtcTime,
) -> PathReport {
    let rules = Rules {
        policies: args.policy.clone(),
        explicit_policy: args.explicit_policy,
        inhibit_mapping: args.inhibit_mapping,
        inhibit_any_policy: args.inhibit_any_policy,
        revocation: match args.revocation {
            RevocationName::Require => Revocation::Require,
            RevocationName::IfPresent => Revocation::IfPresent,
            RevocationName::Off => Revocation::Off,
        },
        freshness: Freshness { max_age: args.max_age, ..Rules::USUAL.freshness },
        ..Rules::USUAL
    };
    let purpose = match args.purpose {
        PurposeName::Any => Purpose::Any,
        PurposeName::Signing => Purpose::Signing,
        PurposeName::TimeStamping => Purpose::TimeStamping,
    };
    let lists = evidence.lists.iter().map(|(_, list)| StatusItem::crl(list, moment));
    let answers = evidence.answers.iter().map(|(_, answer)| StatusItem::ocsp(answer, moment));
    let statuses: Vec<StatusItem<'_>> = lists.chain(answers).collect();
    let (limits, checks) = (Limits::default(), Checks::default());
    let court = Court::new(anchors, &evidence.pool, &statuses, &limits, &checks).with_rules(&rules);
    let Assessment { outcome, chain, statuses: said, .. } =
        court.judge(end, purpose, Control::unproven(moment));
    let mut report = PathReport::new(args, moment);
    report.chain = chain.iter().map(Link::of).collect();
    for (link, statements) in report.chain.iter_mut().zip(&said) {
        link.revocation = statements.iter().map(|one| Proof::of(one, evidence)).collect();
    }
    report.sha256 = Some(end.sha256().to_hex());
    report.unreadable.clone_from(&evidence.unreadable);
    match outcome {
        Ok(trusted) => {
            report.indication = Indication::Valid;
            report.trust_anchor = trusted.anchor().map(|anchor| anchor.subject().to_string());
            report.policies = Some(trusted.policies().policies.iter().map(PolicyId::to_string).collect());
        }
        Err(distrust) => {
            report.indication = Indication::of(&distrust);
            report.failure = Some(Failure::of(&distrust));
        }
    }
    report
}

fn malformed(args: &Args, reason: &str, moment: UtcTime) -> PathReport {
    let failure = Failure {
        key: "malformed".to_owned(),
        message: reason.to_owned(),
        section: Some("RFC 5280 section 4.1".to_owned()),
        index: 0,
        subject: String::new(),
    };
    PathReport { failure: Some(failure), indication: Indication::Invalid, ..PathReport::new(args, moment) }
}

/// The answer, as JSON has it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PathReport {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    indication: Indication,
    validation_time: String,
    rules: RulesReport,
    /// End certificate first, anchor last; empty when none was found.
    chain: Vec<Link>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trust_anchor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policies: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<Failure>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<Unreadable>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RulesReport {
    policies: Vec<String>,
    explicit_policy: bool,
    inhibit_mapping: bool,
    inhibit_any_policy: bool,
    revocation: RevocationName,
    purpose: PurposeName,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_age_seconds: Option<i64>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Indication {
    Valid,
    Invalid,
    Indeterminate,
}

impl Indication {
    /// Where something is missing there is no conclusion; where a rule is broken there is.
    fn of(distrust: &Distrust) -> Self {
        match distrust {
            Distrust::NoPath { misfit: None, .. }
            | Distrust::Budget { .. }
            | Distrust::IsAnchor { .. }
            | Distrust::StatusUnknown { .. }
            | Distrust::StatusUnproven { .. } => Self::Indeterminate,
            _ => Self::Invalid,
        }
    }

    fn code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Valid => 0,
            Self::Invalid => 1,
            Self::Indeterminate => 2,
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Link {
    subject: String,
    issuer: String,
    serial: String,
    not_before: String,
    not_after: String,
    sha256: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    revocation: Vec<Proof>,
}

impl Link {
    fn of(certificate: &Certificate) -> Self {
        Self {
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            serial: certificate.serial_hex(),
            not_before: certificate.not_before().to_string(),
            not_after: certificate.not_after().to_string(),
            sha256: certificate.sha256().to_hex(),
            revocation: Vec::new(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Proof {
    kind: &'static str,
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    delta: Option<String>,
    /// `good` or `revoked`.
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<String>,
    this_update: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_update: Option<String>,
    signer: String,
    all_reasons: bool,
}

impl Proof {
    fn of(statement: &StatusStatement, evidence: &Evidence) -> Self {
        Self {
            kind: match statement.kind {
                EvidenceKind::Crl => "crl",
                EvidenceKind::Ocsp => "ocsp",
            },
            file: evidence.name(statement.item),
            delta: statement.delta.map(|delta| evidence.name(delta)),
            status: match statement.word {
                Word::Good => "good",
                Word::Revoked { .. } => "revoked",
            },
            revoked_at: match statement.word {
                Word::Good => None,
                Word::Revoked { at, .. } => Some(at.to_string()),
            },
            this_update: statement.this_update.to_string(),
            next_update: statement.next_update.map(|next| next.to_string()),
            signer: statement.signer.subject().to_string(),
            all_reasons: statement.reasons.is_all(),
        }
    }
}

#[derive(Serialize)]
struct Failure {
    key: String,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    section: Option<String>,
    index: usize,
    subject: String,
}

impl Failure {
    fn of(distrust: &Distrust) -> Self {
        Self {
            key: distrust.key().to_owned(),
            message: distrust.to_string(),
            section: distrust.section().map(str::to_owned),
            index: distrust.index(),
            subject: distrust.subject().to_owned(),
        }
    }
}

#[derive(Clone, Serialize)]
struct Unreadable {
    name: String,
    message: String,
}

impl PathReport {
    fn new(args: &Args, moment: UtcTime) -> Self {
        Self {
            name: shown(&args.end),
            sha256: None,
            indication: Indication::Indeterminate,
            validation_time: moment.to_string(),
            rules: RulesReport {
                policies: args.policy.iter().map(PolicyId::to_string).collect(),
                explicit_policy: args.explicit_policy,
                inhibit_mapping: args.inhibit_mapping,
                inhibit_any_policy: args.inhibit_any_policy,
                revocation: args.revocation,
                purpose: args.purpose,
                max_age_seconds: args.max_age.map(|age| age.as_secs()),
            },
            chain: Vec::new(),
            trust_anchor: None,
            policies: None,
            failure: None,
            unreadable: Vec::new(),
        }
    }
}

/// The answer, for people.
fn told(report: &PathReport, language: Language) -> String {
    let labels = Labels::of(language);
    let (icon, word) = match report.indication {
        Indication::Valid => ('✔', labels.valid),
        Indication::Invalid => ('✖', labels.invalid),
        Indication::Indeterminate => ('⚠', labels.indeterminate),
    };
    let mut text = format!("{icon} {}: {word}\n", report.name);
    let at = time(&report.validation_time, language);
    let _ = writeln!(text, "  {} {at}", labels.moment);
    for (index, link) in report.chain.iter().enumerate() {
        let anchor = if index + 1 == report.chain.len() { labels.anchor } else { "" };
        let mark =
            if report.failure.as_ref().is_some_and(|failure| failure.index == index) { '✖' } else { ' ' };
        let _ = writeln!(text, "  {mark} {index} {}{anchor}", plain(&link.subject));
        let (from, to) = (time(&link.not_before, language), time(&link.not_after, language));
        let _ = writeln!(text, "      {} {from} – {to}", labels.period);
        for proof in &link.revocation {
            describe(&mut text, proof, labels, language);
        }
    }
    if let Some(policies) = &report.policies {
        let listed = if policies.is_empty() { labels.no_policy.to_owned() } else { policies.join(", ") };
        let listed = listed.replace("2.5.29.32.0", labels.any_policy);
        let _ = writeln!(text, "  {} {listed}", labels.policies);
    }
    if let Some(failure) = &report.failure {
        let (means, advice) = meaning(&failure.key, language);
        let section = failure.section.as_deref().map(|section| format!(", {section}")).unwrap_or_default();
        let _ = writeln!(text, "  ✖ {means}");
        let _ = writeln!(text, "    [{}{section}] {}", failure.key, plain(&failure.message));
        if !advice.is_empty() {
            let _ = writeln!(text, "    → {advice}");
        }
    }
    for file in &report.unreadable {
        let _ = writeln!(text, "  ! {} {}: {}", labels.left_out, file.name, plain(&file.message));
    }
    text
}

fn describe(text: &mut String, proof: &Proof, labels: &Labels, language: Language) {
    let status = if proof.status == "good" { labels.not_revoked } else { labels.revoked };
    let delta = proof.delta.as_deref().map(|delta| format!(" + {delta}")).unwrap_or_default();
    let next = match &proof.next_update {
        Some(next) => format!(" – {}", time(next, language)),
        None => String::new(),
    };
    let kind = proof.kind.to_uppercase();
    let made = time(&proof.this_update, language);
    let _ = writeln!(text, "      {status} {kind} {}{delta}, {made}{next}", proof.file);
    let _ = writeln!(text, "        {} {}", labels.signer, plain(&proof.signer));
}

/// EX_DATAERR of sysexits.h.
const UNREADABLE: u8 = 65;

/// EX_SOFTWARE of sysexits.h.
const OWN_FAULT: u8 = 70;

/// A wrong option is the parser's to refuse; this keeps the two numbers of the contract side by side.
const _: () = assert!(USAGE == 64 && UNREADABLE == 65);
