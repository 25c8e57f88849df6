//! Signed files that others made, with what is known about them.

use std::{fs, sync::Arc};

use kyso::{
    base::{Limits, MemorySource, UtcTime},
    trust::Anchors,
    validation::{Indication, Inspection, Policy},
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
