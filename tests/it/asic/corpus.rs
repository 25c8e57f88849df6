//! Containers that others made, with what is known about them.

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
    #[serde(default)]
    n_signatures: usize,
}

/// As the PDFs: `digestMatches` and `signatureMatches` and nothing that makes it TOTAL-FAILED mean "intact". The list
/// names no trust anchors, so nothing may be valid.
#[test]
fn containers_of_others_come_out_as_listed() {
    let Some(shared) = support::shared() else { return };
    let Ok(index) = fs::read(shared.join("corpus/index.json")) else {
        eprintln!("skipped: no corpus/index.json in the shared folder");
        return;
    };
    let rows: Vec<Row> = serde_json::from_slice(&index).unwrap();
    let moment: UtcTime = "2026-06-01T00:00:00Z".parse().unwrap();
    let exceptions = fs::read_to_string(support::root().join("tests/corpus/exceptions.md")).unwrap();
    let (mut agree, mut differ) = (0, Vec::new());
    for row in rows.iter().filter(|row| row.kind == "asic") {
        let source = Arc::new(MemorySource(fs::read(shared.join("corpus").join(&row.file)).unwrap()));
        let inspection = match Inspection::open_any(source, &[], &Limits::default()) {
            Ok(inspection) => inspection,
            Err(error) => {
                differ.push((row, error.to_string()));
                continue;
            }
        };
        let report = inspection.judge(&row.file, &Policy::strict(), &Anchors::default(), moment);
        let signatures = &report.signatures;
        let passed = |one: &kyso::validation::SignatureReport| one.indication == Indication::TotalPassed;
        assert!(!signatures.iter().any(passed), "{}: valid without any trust anchor", row.file);
        assert_eq!(signatures.len(), row.n_signatures, "{}: {report:#?}", row.file);
        assert!(!report.signed_files.is_empty(), "{}", row.file);
        let intact = signatures.iter().all(|signature| {
            signature.digest_matches
                && signature.signature_matches
                && signature.indication != Indication::TotalFailed
                && signature.scopes.len() == report.signed_files.len()
        });
        if intact == (row.expected == "intact") {
            agree += 1;
        } else {
            assert!(!intact, "{} is known to be {}, but was called intact", row.file, row.expected);
            let errors = signatures.iter().flat_map(|signature| &signature.errors);
            let errors: Vec<_> = errors.map(|error| format!("{}: {}", error.key, error.message)).collect();
            differ.push((row, errors.join(" | ")));
        }
    }
    println!("containers: {agree} agree, {} differ", differ.len());
    for (row, why) in &differ {
        println!("  {} ({}): {why}", row.file, row.expected);
    }
    for (row, why) in &differ {
        assert!(exceptions.contains(&format!("`{}`", row.file)), "{} is not explained: {why}", row.file);
    }
}
