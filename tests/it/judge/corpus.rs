//! Signed files that others made, with what is known about them.

use std::{fs, sync::Arc};

use kyso::{
    base::{Limits, MemorySource, UtcTime},
    trust::{Anchors, Checks, Control, Court, Purpose, StatusItem},
    validation::{Indication, Inspection, Policy},
    x509::{Certificate, Crl},
};

use crate::support;

#[derive(serde::Deserialize)]
struct Row {
    file: String,
    kind: String,
    expected: String,
}

/// `digestMatches` and `signatureMatches`, with no modification that is not allowed, mean "intact".
#[test]
fn bytes_that_others_know_to_be_broken_are_never_called_intact() {
    let Some(shared) = support::shared() else { return };
    let Ok(index) = fs::read(shared.join("corpus/index.json")) else {
        eprintln!("skipped: no corpus/index.json in the shared folder");
        return;
    };
    let rows: Vec<Row> = serde_json::from_slice(&index).unwrap();
    let moment: UtcTime = "2026-06-01T00:00:00Z".parse().unwrap();
    let (mut agree, mut differ, mut refused) = (0, Vec::new(), Vec::new());
    for row in rows.iter().filter(|row| row.kind == "pdf") {
        let bytes = fs::read(shared.join("corpus").join(&row.file)).unwrap();
        let inspection = match Inspection::open(Arc::new(MemorySource(bytes)), &Limits::default()) {
            Ok(inspection) => inspection,
            Err(error) => {
                refused.push(format!("{} ({}): {error}", row.file, row.expected));
                continue;
            }
        };
        let report = inspection.judge(&row.file, &Policy::strict(), &Anchors::default(), moment);
        assert!(
            report.signatures.iter().all(|signature| signature.indication != Indication::TotalPassed),
            "{}: valid without any trust anchor",
            row.file
        );
        let intact = !report.signatures.is_empty()
            && report.signatures.iter().all(|signature| {
                signature.digest_matches
                    && signature.signature_matches
                    && signature.indication != Indication::TotalFailed
            });
        if intact == (row.expected == "intact") {
            agree += 1;
        } else {
            assert!(!intact, "{} is known to be {}, but was called intact", row.file, row.expected);
            let reasons: Vec<_> = report
                .signatures
                .iter()
                .filter_map(|signature| signature.errors.first())
                .map(|error| format!("{}: {}", error.key, error.message))
                .collect();
            differ.push(format!("{} ({}): {}", row.file, row.expected, reasons.join(" | ")));
        }
    }
    println!("corpus: {agree} agree, {} stricter than expected, {} not opened", differ.len(), refused.len());
    for line in differ.iter().chain(&refused) {
        println!("  {line}");
    }
    // The figure of this version; the few that differ are named in the output.
    assert!(agree >= 45, "only {agree} agree");
}

#[derive(serde::Deserialize)]
struct Pkits {
    tests: Vec<PathTest>,
}

#[derive(serde::Deserialize)]
struct PathTest {
    number: String,
    name: String,
    ee: String,
    trust_anchor: String,
    intermediates: Vec<String>,
    crls: Vec<String>,
    settings: Settings,
    expected: String,
}

#[derive(serde::Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "the settings of RFC 5280 section 6.1.1")]
struct Settings {
    initial_policy_set_names: Vec<String>,
    initial_explicit_policy: bool,
    initial_policy_mapping_inhibit: bool,
    initial_inhibit_any_policy: bool,
    validation_time: UtcTime,
}

impl Settings {
    /// Those that kyso judges by: any policy will do.
    fn usual(&self) -> bool {
        self.initial_policy_set_names == ["anyPolicy"]
            && !self.initial_explicit_policy
            && !self.initial_policy_mapping_inhibit
            && !self.initial_inhibit_any_policy
    }
}

/// NIST's Public Key Interoperability Test Suite: what it calls invalid is never relied on.
#[test]
fn no_path_that_pkits_calls_invalid_is_trusted() {
    let Some(shared) = support::shared() else { return };
    let folder = shared.join("corpus/pkits");
    let Ok(index) = fs::read(folder.join("pkits.json")) else {
        eprintln!("skipped: no corpus/pkits in the shared folder");
        return;
    };
    let suite: Pkits = serde_json::from_slice(&index).unwrap();
    let certificate = |path: &String| Certificate::from_der(&fs::read(folder.join(path)).unwrap()).ok();
    let limits = Limits::default();
    let (mut right, mut stricter, mut judged) = (0, Vec::new(), 0);
    for test in suite.tests.iter().filter(|test| test.settings.usual()) {
        judged += 1;
        let anchors = Anchors::new("PKITS", certificate(&test.trust_anchor).into_iter().collect());
        let pool: Vec<Certificate> = test.intermediates.iter().filter_map(certificate).collect();
        let lists: Vec<Crl> = test
            .crls
            .iter()
            .filter_map(|path| Crl::from_der(&fs::read(folder.join(path)).unwrap()).ok())
            .collect();
        let control = Control::unproven(test.settings.validation_time);
        let statuses: Vec<_> = lists.iter().map(|list| StatusItem::crl(list, control.at)).collect();
        let checks = Checks::default();
        let court = Court::new(&anchors, &pool, &statuses, &limits, &checks);
        let trusted = match certificate(&test.ee) {
            Some(end) => {
                court.judge(&end, Purpose::Signing, control).outcome.map_err(|error| error.to_string())
            }
            None => Err("the certificate cannot be read".to_owned()),
        };
        match (trusted, test.expected.as_str()) {
            (Ok(_), "valid") | (Err(_), "invalid") => right += 1,
            (Err(reason), _) => stricter.push(format!("{} {}: {reason}", test.number, test.name)),
            (Ok(_), _) => panic!("{} {}: trusted, but invalid", test.number, test.name),
        }
    }
    println!("PKITS: {judged} paths, {right} as expected, {} refused though valid", stricter.len());
    for line in &stricter {
        println!("  {line}");
    }
    assert!(judged > 100 && right > 100, "{right} of {judged}");
}
