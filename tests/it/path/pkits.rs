//! NIST's Public Key Interoperability Test Suite: 249 rows, each with settings, lists and the expected answer.

use std::{fs, path::PathBuf, sync::Arc};

use kyso::{
    base::{Limits, UtcTime},
    trust::{Anchors, Checks, Control, Court, Distrust, Known, Purpose, Rules, StatusItem, Trusted},
    x509::{Certificate, Crl, PolicyId},
};

use crate::support;

#[derive(serde::Deserialize)]
struct Suite {
    tests: Vec<Row>,
}

/// One row of `pkits.json`.
#[derive(serde::Deserialize)]
pub(super) struct Row {
    pub(super) number: String,
    section: String,
    name: String,
    pub(super) ee: String,
    pub(super) trust_anchor: String,
    pub(super) intermediates: Vec<String>,
    pub(super) crls: Vec<String>,
    pub(super) settings: Settings,
    expected: String,
    expected_user_constrained_policy_set: Vec<String>,
}

#[derive(serde::Deserialize)]
pub(super) struct Settings {
    pub(super) initial_policy_set: Vec<String>,
    pub(super) initial_explicit_policy: bool,
    pub(super) initial_policy_mapping_inhibit: bool,
    pub(super) initial_inhibit_any_policy: bool,
    pub(super) validation_time: UtcTime,
}

impl Row {
    pub(super) fn valid(&self) -> bool {
        self.expected == "valid"
    }

    /// Signed with DSA, which kyso's policy does not know: to be refused, and to say so.
    pub(super) fn is_dsa(&self) -> bool {
        ["4.1.4", "4.1.5"].contains(&self.number.as_str())
    }

    /// The user-constrained policy set.
    pub(super) fn expected_policies(&self) -> &[String] {
        &self.expected_user_constrained_policy_set
    }

    fn rules(&self) -> Rules {
        let settings = &self.settings;
        Rules {
            policies: settings.initial_policy_set.iter().map(|oid| oid.parse().unwrap()).collect(),
            explicit_policy: settings.initial_explicit_policy,
            inhibit_mapping: settings.initial_policy_mapping_inhibit,
            inhibit_any_policy: settings.initial_inhibit_any_policy,
            ..Rules::USUAL
        }
    }
}

/// The suite and its folder, where they are.
pub(super) fn suite() -> Option<(PathBuf, Vec<Row>)> {
    let folder = support::shared()?.join("corpus/pkits");
    let Ok(index) = fs::read(folder.join("pkits.json")) else {
        eprintln!("skipped: no corpus/pkits in the shared folder");
        return None;
    };
    let suite: Suite = serde_json::from_slice(&index).expect("the index of the suite");
    Some((folder, suite.tests))
}

/// What the library says; `None` where the end certificate itself cannot be read.
pub(super) fn judge(folder: &std::path::Path, row: &Row) -> Option<Result<Trusted, Distrust>> {
    judge_with(folder, row, &Checks::default())
}

fn judge_with(folder: &std::path::Path, row: &Row, checks: &Checks) -> Option<Result<Trusted, Distrust>> {
    let read = |path: &String| fs::read(folder.join(path)).expect("a file of the suite");
    let certificate = |path: &String| Certificate::from_der(&read(path)).ok();
    let anchors = Anchors::new("PKITS", certificate(&row.trust_anchor).into_iter().collect());
    let pool: Vec<Certificate> = row.intermediates.iter().filter_map(certificate).collect();
    let lists: Vec<Crl> = row.crls.iter().filter_map(|path| Crl::from_der(&read(path)).ok()).collect();
    let control = Control::unproven(row.settings.validation_time);
    let statuses: Vec<_> = lists.iter().map(|list| StatusItem::crl(list, control.at)).collect();
    let (limits, rules) = (Limits::default(), row.rules());
    let court = Court::new(&anchors, &pool, &statuses, &limits, checks).with_rules(&rules);
    Some(court.judge(&certificate(&row.ee)?, Purpose::Any, control).outcome)
}

/// The suite's policies under its own names.
pub(super) fn named(policies: &[PolicyId]) -> Vec<String> {
    let name = |policy: &PolicyId| {
        let text = policy.to_string();
        match text.strip_prefix("2.16.840.1.101.3.2.1.48.") {
            Some(number) => format!("NIST-test-policy-{number}"),
            None if text == "2.5.29.32.0" => "anyPolicy".to_owned(),
            None => text,
        }
    };
    policies.iter().map(name).collect()
}

/// All rows share what is known, whose names are often the same and whose keys are not.
#[test]
fn what_is_known_to_hold_changes_no_verdict() {
    let Some((folder, rows)) = suite() else { return };
    let known = Arc::new(Known::default());
    for _ in 0..2 {
        for row in &rows {
            let judged = judge_with(&folder, row, &Checks::knowing(Arc::clone(&known)));
            let fresh = judge(&folder, row);
            assert_eq!(format!("{judged:?}"), format!("{fresh:?}"), "{} {}", row.number, row.name);
        }
    }
}

#[test]
fn every_row_of_the_suite_is_judged_as_nist_expects() {
    let Some((folder, rows)) = suite() else { return };
    let (mut right, mut dsa, mut failures) = (0, Vec::new(), Vec::new());
    let mut sections: std::collections::BTreeMap<String, (usize, usize)> =
        std::collections::BTreeMap::default();
    for row in &rows {
        let verdict = judge(&folder, row);
        let told = match &verdict {
            None => "the certificate cannot be read".to_owned(),
            Some(Ok(trusted)) => format!("valid for {:?}", named(&trusted.policies().policies)),
            Some(Err(distrust)) => distrust.to_string(),
        };
        let trusted = verdict.and_then(Result::ok);
        let tally = sections.entry(row.section.clone()).or_default();
        tally.1 += 1;
        let policies = trusted.as_ref().map(|trusted| named(&trusted.policies().policies));
        let as_expected = match policies {
            Some(policies) => row.valid() && policies == row.expected_policies(),
            None if row.is_dsa() => {
                assert!(
                    told.contains("1.2.840.10040.4.3"),
                    "{} does not say that it is DSA: {told}",
                    row.number
                );
                dsa.push(format!("{} {} ({}): {told}", row.number, row.name, row.expected));
                true
            }
            None => !row.valid(),
        };
        if as_expected {
            tally.0 += 1;
            right += 1;
        } else {
            failures.push(format!("{} {}: expected {}, but {told}", row.number, row.name, row.expected));
        }
    }
    println!("PKITS: {} rows, {right} as expected, of which {} refused for DSA", rows.len(), dsa.len());
    for (section, (right, all)) in sections {
        println!("  {section}: {right} of {all}");
    }
    for line in &dsa {
        println!("  DSA: {line}");
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
    assert_eq!((rows.len(), dsa.len()), (249, 2));
}
