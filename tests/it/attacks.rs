//! Attacks on signed documents: files that our own mutator makes from our own signed files.
//!
//! No file of an attack family may come out valid; every file of the benign families must. The verdict of each
//! group of files stands in `tests/corpus/attacks.tsv`; `KYSO_WRITE_EXPECTED=1` writes it anew, to be read before
//! it is kept.

pub(crate) mod base;
mod benign;
mod bombs;
mod bytes;
mod content;
mod fields;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::Arc,
};

use kyso::{
    base::{Limits, MemorySource},
    validation::{DocumentReport, Indication, Inspection, Overall, Policy},
};

use crate::{
    judge::world::{WORLD, day, now},
    support,
};

/// One file and what it is.
struct Case {
    family: &'static str,
    name: String,
    base: String,
    pdf: Vec<u8>,
}

impl Case {
    fn new(family: &'static str, name: impl Into<String>, base: &base::Base, pdf: Vec<u8>) -> Self {
        Self { family, name: name.into(), base: base.name.clone(), pdf }
    }
}

/// What kyso says of a file: the overall answer, then the deciding key of the worst signature.
fn verdict(pdf: &[u8]) -> (String, Option<DocumentReport>) {
    let source = Arc::new(MemorySource(pdf.to_vec()));
    // A sixteenth of the usual: bombs are stopped in the same way, and this is a build without optimisation.
    let limits = Limits { decoded_bytes: 16 * 1024 * 1024, ..Limits::default() };
    let mut inspection = match Inspection::open(source, &limits) {
        Ok(inspection) => inspection,
        Err(error) => {
            let debug = format!("{error:?}");
            let name: String = debug.chars().take_while(|c| c.is_alphanumeric()).collect();
            return (format!("unreadable {name}"), None);
        }
    };
    for evidence in [
        WORLD.root_list(day("05-20")),
        WORLD.good(&WORLD.person, day("05-30")),
        WORLD.good(&WORLD.agency, day("05-30")),
        WORLD.good(&WORLD.tsa, day("05-30")),
    ] {
        inspection.supply(evidence);
    }
    let report = inspection.judge("case.pdf", &Policy::strict(), &WORLD.anchors(), now());
    let overall = match report.overall {
        Overall::Valid => "valid",
        Overall::Invalid => "invalid",
        Overall::Indeterminate => "indeterminate",
        Overall::Unsigned => "unsigned",
    };
    let failed = |wanted| report.signatures.iter().find(|signature| signature.indication == wanted);
    let worst = failed(Indication::TotalFailed).or_else(|| failed(Indication::Indeterminate));
    let key = worst.and_then(|worst| worst.reason_against()).map(|reason| format!(" {}", reason.key));
    let kinds: BTreeSet<&str> = report
        .signatures
        .iter()
        .flat_map(|signature| &signature.modifications)
        .filter(|change| !change.permitted || overall == "valid")
        .map(|change| change.kind.as_str())
        .collect();
    let kinds = kinds.into_iter().collect::<Vec<_>>().join("+");
    let kinds = if kinds.is_empty() { String::new() } else { format!(" [{kinds}]") };
    (format!("{overall}{}{kinds}", key.unwrap_or_default()), Some(report))
}

/// Writes a file where `KYSO_KEEP_CASES` says, for other programs to judge.
fn keep(case: &Case, benign: bool) {
    let Some(folder) = std::env::var_os("KYSO_KEEP_CASES") else { return };
    let folder = std::path::Path::new(&folder);
    let kind = if benign { "benign" } else { "attack" };
    let name = format!("{kind}+{}+{}+{}.pdf", case.family, case.name, case.base).replace(['/', ' '], "_");
    fs::write(folder.join(name), &case.pdf).unwrap();
    fs::write(folder.join("root.der"), WORLD.root.certificate.der()).unwrap();
}

fn run(cases: &[Case], benign: bool) {
    // family, mutation -> verdict -> bases
    let mut table: BTreeMap<(&str, &str), BTreeMap<String, usize>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for case in cases {
        let (said, report) = verdict(&case.pdf);
        keep(case, benign);
        let valid = said.starts_with("valid");
        if valid != benign {
            let why = report.map(|report| {
                let messages =
                    report.signatures.iter().flat_map(|one| one.errors.iter().chain(&one.warnings));
                messages.map(|message| message.message.clone()).collect::<Vec<_>>().join(" | ")
            });
            wrong.push(format!(
                "{} / {} / {}: {said}: {}",
                case.family,
                case.name,
                case.base,
                why.unwrap_or_default()
            ));
        }
        *table.entry((case.family, case.name.as_str())).or_default().entry(said).or_default() += 1;
    }
    assert!(wrong.is_empty(), "{} files have the wrong verdict:\n{}", wrong.len(), wrong.join("\n"));
    let mut text = String::new();
    for ((family, name), verdicts) in &table {
        let verdicts: Vec<String> = verdicts.iter().map(|(said, count)| format!("{count} {said}")).collect();
        text.push_str(&format!("{family}\t{name}\t{}\n", verdicts.join("; ")));
    }
    let file = support::root().join("tests/corpus").join(if benign { "benign.tsv" } else { "attacks.tsv" });
    if std::env::var_os("KYSO_WRITE_EXPECTED").is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, &text).unwrap();
    }
    let expected = fs::read_to_string(&file).unwrap();
    for (ours, theirs) in text.lines().zip(expected.lines()) {
        assert_eq!(ours, theirs, "{}", file.display());
    }
    assert_eq!(text.lines().count(), expected.lines().count(), "{}", file.display());
    let families: BTreeSet<&str> = cases.iter().map(|case| case.family).collect();
    println!("{}: {} files in {} families: {families:?}", file.display(), cases.len(), families.len());
}

#[test]
fn no_file_of_an_attack_family_is_valid() {
    let bases = base::bases();
    for base in &bases {
        assert_eq!(
            verdict(&base.pdf).0.split(' ').next(),
            Some("valid"),
            "{}: {:?}",
            base.name,
            verdict(&base.pdf)
        );
    }
    let mut cases = Vec::new();
    for base in &bases {
        bytes::cases(base, &mut cases);
        content::cases(base, &mut cases);
        fields::cases(base, &mut cases);
    }
    fields::locked(&mut cases);
    bytes::made(&mut cases);
    bombs::cases(&bases[0], &mut cases);
    let families: BTreeSet<&str> = cases.iter().map(|case| case.family).collect();
    assert!(families.len() >= 12 && cases.len() >= 300, "{} files in {families:?}", cases.len());
    run(&cases, false);
}

#[test]
fn every_benign_file_is_valid() {
    run(&benign::cases(), true);
}

/// No bit of what is signed may be another, nor of the zeros that fill the hole. (Within a CMS some bytes are under
/// no signature, such as the set of digest algorithms, which nobody asks.)
#[test]
fn a_file_with_a_flipped_bit_is_not_valid() {
    let mut files = 0;
    for layout in base::LAYOUTS {
        let signed = base::signed(layout, base::Making { level: Some(2), ..base::Making::default() });
        assert!(verdict(&signed).0.starts_with("valid"));
        let (_, hole) = bytes::places(&signed);
        let zeros = signed[hole.clone()].iter().rev().skip(1).take_while(|byte| **byte == b'0').count();
        let filled = hole.start..hole.end - 1 - zeros;
        for at in (0..signed.len()).step_by(29).filter(|at| !filled.contains(at)) {
            let mut flipped = signed.clone();
            flipped[at] ^= 1;
            let (said, _) = verdict(&flipped);
            assert!(!said.starts_with("valid"), "{layout:?}, byte {at}: {said}");
            files += 1;
        }
    }
    println!("{files} files with one flipped bit");
}
