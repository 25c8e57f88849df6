//! Containers raised to levels that last: nothing else in them changes, and what was not written here agrees.

use std::{fs, path::Path, process::Command, sync::Arc};

use kyso::{
    asic::{Container, ContainerLimits, Kind, Manifest, Role},
    base::{Clock, DigestAlgorithm, MemorySource},
    service::{
        extend::{AddedRevision, ExtendError, Extended, Extension},
        sign::{
            Identity, SignError,
            container::{ContainerError, ContainerWishes, Dossier, Form},
        },
    },
    validation::{
        DocumentReport, Indication, Level, Overall, SignatureReport, TimeStampKind, TimeStampReport,
    },
};

use super::parts::{Office, dossier, file, pack, unpack};
use crate::support::{root, run, tool};

const DECISION: (&str, &[u8]) = ("Quyết định 15.pdf", b"%PDF-1.7 quyet dinh");
const ANNEX: (&str, &[u8]) = ("phụ lục/bảng + số 1.txt", "Phụ lục kèm theo\n".as_bytes());
const ARCHIVE: &str = "META-INF/ASiCArchiveManifest.xml";

fn extend(
    office: &Office,
    container: &[u8],
    extension: &Extension,
) -> Result<(Extended, Vec<u8>), ExtendError> {
    let output = office.path("extended.asice");
    let input = MemorySource(container.to_vec());
    let extended = office.desk(Clock::System).extend_file(&input, &output, extension, None);
    if extended.is_err() {
        assert!(!output.exists(), "a refused container left an output");
    }
    let extended = extended?;
    let bytes = fs::read(&output).unwrap();
    fs::remove_file(output).unwrap();
    Ok((extended, bytes))
}

fn signatures(report: &DocumentReport) -> Vec<&SignatureReport> {
    report.signatures.iter().filter(|one| !one.is_time_stamp()).collect()
}

/// Names and bytes of what is not a signature, a manifest of archives or a time-stamp.
fn fixed(files: &[(String, Vec<u8>)]) -> Vec<(String, Vec<u8>)> {
    let moves = |name: &str| {
        [Role::CadesSignature, Role::XadesSignatures, Role::TimeStamp, Role::ArchiveManifest]
            .contains(&kyso::asic::role_of(name))
    };
    files.iter().filter(|(name, _)| !moves(name)).cloned().collect()
}

/// From B step by step, in both kinds of containers and in both forms.
#[test]
fn each_kind_reaches_each_level_and_nothing_else_changes() {
    let office = Office::new();
    for (kind, form, files) in [
        (Kind::Extended, Form::Cades, &[DECISION, ANNEX][..]),
        (Kind::Extended, Form::Xades, &[DECISION, ANNEX]),
        (Kind::Simple, Form::Cades, &[DECISION]),
        (Kind::Simple, Form::Xades, &[DECISION]),
    ] {
        let signed = office.sign(kind, form, files);
        let mut before = signed.clone();
        for to in [Level::T, Level::Lt, Level::Lta, Level::Lta] {
            let what = format!("{} {form:?} to {to:?}", kind.name());
            let (extended, after) = extend(&office, &before, &Extension::to(to))
                .unwrap_or_else(|error| panic!("{what}: {error}"));
            let report = office.judge(&after).unwrap();
            assert_eq!(report.overall, Overall::Valid, "{what}: {report:#?}");
            let [signature] = signatures(&report)[..] else { panic!("{what}: {report:#?}") };
            assert!(
                signature.signature_format.ends_with(&format!("BASELINE-{}", to.as_str())),
                "{what}: {signature:#?}"
            );
            assert_eq!(extended.raised().reached, to, "{what}");
            assert_eq!(fixed(&unpack(&before)), fixed(&unpack(&after)), "{what}");
            // From LT on the container stands alone.
            let alone = office.judge_alone(&after);
            let [signature] = signatures(&alone)[..] else { panic!("{what}: {alone:#?}") };
            assert_eq!(
                signature.indication == Indication::TotalPassed,
                to >= Level::Lt,
                "{what}: {alone:#?}"
            );
            let again = before == after;
            assert_eq!(again, extended.raised().added.is_empty(), "{what}");
            before = after;
        }
        let archive = unpack(&before).iter().any(|(name, _)| name == ARCHIVE);
        assert_eq!(
            archive,
            (kind, form) == (Kind::Extended, Form::Cades),
            "where the archive time-stamp belongs"
        );
        // In one step it is the same.
        let (extended, at_once) = extend(&office, &signed, &Extension::to(Level::Lta)).unwrap();
        assert_eq!(extended.raised().before, Level::B);
        let names =
            |container: &[u8]| unpack(container).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(&at_once), names(&before));
        others_agree(&office, &before, form);
    }
}

/// OpenSSL on the CMS and the tokens, xmlsec on the XML.
fn others_agree(office: &Office, container: &[u8], form: Form) {
    let (Some(openssl), Some(xmlsec)) = (tool("openssl"), tool("xmlsec1")) else { return };
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in unpack(container) {
        let path = folder.path().join(&name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let at = |name: &str| folder.path().join(name);
    let pki = office.services.pki();
    fs::write(at("root.pem"), pki.root().certificate().to_pem()).unwrap();
    fs::write(at("ca.pem"), pki.ca().certificate().to_pem()).unwrap();
    let source = Arc::new(MemorySource(container.to_vec()));
    let opened = Container::open(source, &ContainerLimits::default()).unwrap();
    let signature = |role| opened.of(role).map(|entry| entry.name.clone()).collect::<Vec<_>>();
    let content = |signature: &str| {
        let manifests = [Role::Manifest, Role::ArchiveManifest].into_iter().flat_map(|role| opened.of(role));
        let found = manifests.into_iter().find(|entry| {
            let bytes = opened.archive().read(entry).unwrap();
            Manifest::parse(&bytes, &ContainerLimits::default()).unwrap().signature == signature
        });
        at(&found.or(opened.of(Role::Data).next()).unwrap().name)
    };
    for name in signature(Role::CadesSignature) {
        let mut verify = Command::new(&openssl);
        verify.args(["cms", "-verify", "-binary", "-inform", "DER", "-purpose", "any", "-in"]).arg(at(&name));
        verify
            .arg("-content")
            .arg(content(&name))
            .arg("-CAfile")
            .arg(at("root.pem"))
            .args(["-out", "/dev/null"]);
        run(&mut verify);
    }
    let stamps = signature(Role::TimeStamp);
    for name in &stamps {
        let mut verify = Command::new(&openssl);
        verify.args(["cms", "-verify", "-binary", "-inform", "DER", "-purpose", "any", "-in"]).arg(at(name));
        verify
            .arg("-CAfile")
            .arg(at("root.pem"))
            .arg("-certfile")
            .arg(at("ca.pem"))
            .arg("-out")
            .arg(at("tst"));
        run(&mut verify);
        let imprint = DigestAlgorithm::Sha256.digest(&fs::read(content(name)).unwrap()).bytes;
        let token = fs::read(at("tst")).unwrap();
        assert!(token.windows(imprint.len()).any(|piece| piece == imprint), "{name} is over something else");
    }
    if let Some(newest) = stamps.last() {
        // The verb for time-stamps reads no token with OCSP answers inside (RFC 5940), as older ones have them.
        let verify = |data: &Path| {
            let mut verify = Command::new(&openssl);
            verify.args(["ts", "-verify", "-token_in", "-in"]).arg(at(newest)).arg("-data").arg(data);
            verify.arg("-CAfile").arg(at("root.pem")).arg("-untrusted").arg(at("ca.pem"));
            verify
        };
        run(&mut verify(&content(newest)));
        // The harness itself: over anything else it fails.
        assert!(!verify(&at("mimetype")).output().unwrap().status.success());
    }
    for name in signature(Role::XadesSignatures) {
        // References are relative to the container, not to META-INF.
        fs::rename(at(&name), at("signatures.xml")).unwrap();
        let mut verify = Command::new(&xmlsec);
        verify.args(["--verify", "--enabled-reference-uris", "empty,same-doc,local,remote"]);
        verify.args(["--trusted-pem", "root.pem", "--untrusted-pem", "ca.pem"]);
        verify.args(["--id-attr:Id", "http://uri.etsi.org/01903/v1.3.2#:SignedProperties", "signatures.xml"]);
        run(verify.current_dir(folder.path()));
    }
    assert_eq!(signature(Role::XadesSignatures).is_empty(), form == Form::Cades);
}

/// Signed for LTA, a container is archived as a whole at once: no signature of it has an archive time-stamp inside.
#[test]
fn a_container_is_signed_and_archived_in_one_go() {
    let office = Office::new();
    let lasting = |dossier: &Dossier| office.release(dossier, None, Clock::System, Level::Lta);
    let (released, once) = lasting(&dossier(Kind::Extended, &[DECISION, ANNEX])).unwrap();
    let signature = released.signature().unwrap();
    assert_eq!(
        (signature.field.as_str(), signature.indication, signature.signature_format.as_str()),
        ("META-INF/signature001.p7s", Indication::TotalPassed, "CAdES-BASELINE-LTA"),
        "{signature:#?}"
    );
    assert!(released.good_until().is_some());
    let files = unpack(&once);
    let names: Vec<_> = files.iter().map(|(name, _)| name.as_str()).collect();
    let expected = [
        "mimetype",
        DECISION.0,
        ANNEX.0,
        "META-INF/ASiCManifest001.xml",
        "META-INF/signature001.p7s",
        ARCHIVE,
        "META-INF/timestamp001.tst",
    ];
    assert_eq!(names, expected);
    // As `kyso extend` has it.
    let signed = office.sign(Kind::Extended, Form::Cades, &[DECISION, ANNEX]);
    let extended = extend(&office, &signed, &Extension::to(Level::Lta)).unwrap().1;
    assert_eq!(unpack(&extended).iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), expected);
    alone_and_others_agree(&office, &once, 1);

    // A second signer, where the first has no level yet, has one, and is archived already.
    let low = office.sign(Kind::Extended, Form::Cades, &[DECISION, ANNEX]);
    let middle = extend(&office, &low, &Extension::to(Level::Lt)).unwrap().1;
    for (what, before) in [("B", &low), ("LT", &middle), ("LTA", &once)] {
        let (released, after) = lasting(&existing(before)).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(released.signature().unwrap().field, "META-INF/signature002.p7s");
        alone_and_others_agree(&office, &after, 2);
        let unchanged = what != "B";
        let named = |container: &[u8]| file(&mut unpack(container), "META-INF/signature001.p7s").clone();
        assert_eq!(named(before) == named(&after), unchanged, "{what}: the first signature");
    }

    // In the other kinds the archive time-stamp is in the signature.
    for (kind, form) in [(Kind::Simple, Form::Cades), (Kind::Extended, Form::Xades)] {
        let (released, container) =
            office.release(&dossier(kind, &[DECISION]), Some(form), Clock::System, Level::Lta).unwrap();
        let archived = |stamp: &&TimeStampReport| stamp.kind == TimeStampKind::Archive;
        assert_eq!(released.signature().unwrap().time_stamps.iter().filter(archived).count(), 1);
        assert!(!unpack(&container).iter().any(|(name, _)| name == ARCHIVE));
        assert!(released.good_until().is_some());
    }
}

fn existing(container: &[u8]) -> Dossier {
    Dossier::Existing(Arc::new(MemorySource(container.to_vec())))
}

/// All signatures are of level LTA, with no archive time-stamp inside, and valid by what the container holds; OpenSSL and
/// pyHanko accept each.
fn alone_and_others_agree(office: &Office, container: &[u8], count: usize) {
    let alone = office.judge_alone(container);
    assert!(signatures(&alone).iter().all(|one| one.indication == Indication::TotalPassed), "{alone:#?}");
    // About the authority of the newest time-stamp somebody has to be asked.
    let report = office.judge(container).unwrap();
    assert_eq!(report.overall, Overall::Valid, "{report:#?}");
    let signatures = signatures(&report);
    assert_eq!(signatures.len(), count, "{report:#?}");
    for signature in signatures {
        assert_eq!(signature.signature_format, "CAdES-BASELINE-LTA", "{signature:#?}");
        assert!(signature.time_stamps.iter().all(|stamp| stamp.kind == TimeStampKind::Signature));
    }
    others_agree(office, container, Form::Cades);
    let Some(pyhanko) = crate::support::PyHanko::find() else { return };
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("root.pem"), office.services.pki().root().certificate().to_pem()).unwrap();
    let files = unpack(container);
    for (name, manifest) in files.iter().filter(|(name, _)| name.starts_with("META-INF/ASiCManifest")) {
        let read = Manifest::parse(manifest, &ContainerLimits::default()).unwrap();
        let signature = files.iter().find(|(own, _)| *own == read.signature).unwrap();
        fs::write(at("manifest.xml"), manifest).unwrap();
        fs::write(at("signature.p7s"), &signature.1).unwrap();
        let mut script = pyhanko.script("verify_cms_with_pyhanko.py");
        script.arg(at("signature.p7s")).arg(at("root.pem")).arg("--detached").arg(at("manifest.xml"));
        let told: serde_json::Value = serde_json::from_slice(&run(&mut script).stdout).unwrap();
        for key in ["intact", "valid", "trusted", "bottomLine", "timeStamp"] {
            assert_eq!(told[key], true, "{name}: {told:#}");
        }
        assert_eq!(told["archiveTimeStamps"], 0, "{name}: {told:#}");
    }
}

/// By the rules of `kyso extend`, in its words, and before the key is asked.
#[test]
fn a_container_that_cannot_be_archived_is_not_signed_for_lta() {
    let (office, stranger) = (Office::new(), Office::new());
    let untrusted = stranger.sign(Kind::Extended, Form::Cades, &[DECISION]);
    // A time-stamp of somebody else covers a signature below LT.
    let covered = covered(&office, &office.sign(Kind::Extended, Form::Cades, &[DECISION]));
    for (what, container) in [("a signature of a stranger", untrusted), ("a covered one", covered)] {
        let extended = extend(&office, &container, &Extension::to(Level::Lta)).unwrap_err();
        let chain = office.services.pki().chain();
        let identity =
            Identity { certificate: office.certificate.clone(), chain, scheme: office.key.scheme() };
        let output = office.path("out.asice");
        let wishes = ContainerWishes { level: Level::Lta, ..ContainerWishes::default() };
        let desk = office.desk(Clock::System);
        let refused = desk.sign_container(&existing(&container), &output, identity, &wishes, |_, _| {
            panic!("{what}: the key was asked")
        });
        let ContainerError::Sign(SignError::NotRaised { level: Level::Lta, source }) = refused.unwrap_err()
        else {
            panic!("{what}");
        };
        assert_eq!(source.to_string(), extended.to_string(), "{what}");
        assert!(!source.may_pass() && !output.exists(), "{what}");
        // For LT it is a matter of the new signature alone.
        let (released, _) = office.release(&existing(&container), None, Clock::System, Level::Lt).unwrap();
        assert_eq!(released.signature().unwrap().signature_format, "CAdES-BASELINE-LT", "{what}");
    }
}

/// A renewal goes on from the archive manifest before it, and completes its time-stamp (annex A.7).
#[test]
fn an_archive_is_renewed_over_the_one_before() {
    let office = Office::new();
    let once = office.sign(Kind::Extended, Form::Cades, &[DECISION, ANNEX]);
    let twice = office.sign_again(&once);
    let (first, archived) = extend(&office, &twice, &Extension::to(Level::Lta)).unwrap();
    assert_eq!(first.raised().added, [AddedRevision::Attributes, AddedRevision::ArchiveManifest]);
    assert!(first.raised().good_until.is_some());
    let (second, renewed) = extend(&office, &archived, &Extension::renewal()).unwrap();
    assert!(second.raised().added.contains(&AddedRevision::ArchiveManifest));
    let (before, after) = (unpack(&archived), unpack(&renewed));
    let named = |files: &[(String, Vec<u8>)], name: &str| {
        files.iter().find(|(own, _)| own == name).unwrap_or_else(|| panic!("no {name}")).1.clone()
    };
    assert_eq!(named(&after, "META-INF/ASiCArchiveManifest001.xml"), named(&before, ARCHIVE));
    let newest = Manifest::parse(&named(&after, ARCHIVE), &ContainerLimits::default()).unwrap();
    assert_eq!(newest.signature, "META-INF/timestamp002.tst");
    let rootfiles = newest.objects.iter().filter(|object| object.rootfile).map(|object| object.name.as_str());
    assert_eq!(rootfiles.collect::<Vec<_>>(), ["META-INF/ASiCArchiveManifest001.xml"]);
    // Every file that was there, under its name now.
    let mut covered: Vec<_> = newest.objects.iter().map(|object| object.name.clone()).collect();
    let own = ["mimetype", ARCHIVE, "META-INF/timestamp002.tst"];
    let mut there: Vec<_> =
        after.iter().map(|(name, _)| name.clone()).filter(|name| !own.contains(&name.as_str())).collect();
    covered.sort();
    there.sort();
    assert_eq!(covered, there);
    for name in ["META-INF/signature001.p7s", "META-INF/signature002.p7s"] {
        assert_eq!(named(&before, name), named(&after, name), "a time-stamp covers it");
    }
    let report = office.judge(&renewed).unwrap();
    assert_eq!((report.overall, report.signatures.len()), (Overall::Valid, 4), "{report:#?}");
    others_agree(&office, &renewed, Form::Cades);

    // Whatever changes of what a time-stamp covers is noticed.
    for name in [
        "META-INF/signature001.p7s",
        "META-INF/timestamp001.tst",
        "META-INF/ASiCArchiveManifest001.xml",
        DECISION.0,
    ] {
        let mut changed = after.clone();
        let bytes = file(&mut changed, name);
        let at = bytes.len() / 2;
        bytes[at] ^= 1;
        assert_ne!(office.judge(&pack(&changed)).unwrap().overall, Overall::Valid, "{name}");
    }
    // A further signer signs behind the archive, and the next renewal takes that in.
    let thrice = office.sign_again(&renewed);
    let (_, all) = extend(&office, &thrice, &Extension::to(Level::Lta)).unwrap();
    let report = office.judge(&all).unwrap();
    assert_eq!((report.overall, signatures(&report).len()), (Overall::Valid, 3), "{report:#?}");
    assert!(
        signatures(&report).iter().all(|one| one.signature_format == "CAdES-BASELINE-LTA"),
        "{report:#?}"
    );
}

/// XAdES takes its archive time-stamps in, each over the ones before.
#[test]
fn xades_in_a_container_is_renewed_by_itself() {
    let office = Office::new();
    let once = office.sign(Kind::Extended, Form::Xades, &[DECISION, ANNEX]);
    let twice = office.sign_again(&once);
    let (_, archived) = extend(&office, &twice, &Extension::to(Level::Lta)).unwrap();
    let (_, renewed) = extend(&office, &archived, &Extension::renewal()).unwrap();
    let report = office.judge(&renewed).unwrap();
    assert_eq!(report.overall, Overall::Valid, "{report:#?}");
    for signature in &report.signatures {
        assert_eq!(signature.signature_format, "XAdES-BASELINE-LTA", "{signature:#?}");
        assert_eq!(signature.time_stamps.len(), 3, "one on the value, two over everything");
    }
    assert_eq!(fixed(&unpack(&twice)), fixed(&unpack(&renewed)));
    others_agree(&office, &renewed, Form::Xades);
    // A document of another is noticed by the digest and by the archive time-stamp.
    let mut changed = unpack(&renewed);
    file(&mut changed, ANNEX.0).push(b' ');
    assert_eq!(office.judge(&pack(&changed)).unwrap().overall, Overall::Invalid);
}

/// Only what is asked for is raised; and what cannot be raised is refused with the reason.
#[test]
fn what_may_not_change_is_refused() {
    let office = Office::new();
    let once = office.sign(Kind::Extended, Form::Cades, &[DECISION]);
    let twice = office.sign_again(&once);
    let only = Extension { only: Some("META-INF/signature002.p7s".to_owned()), ..Extension::to(Level::Lt) };
    let (_, raised) = extend(&office, &twice, &only).unwrap();
    let (before, after) = (unpack(&twice), unpack(&raised));
    let changed: Vec<_> = before
        .iter()
        .zip(&after)
        .filter(|(one, other)| one != other)
        .map(|(one, _)| one.0.as_str())
        .collect();
    assert_eq!(changed, ["META-INF/signature002.p7s"]);
    assert_eq!(before.len(), after.len());

    // A time-stamp over all files would shut the other one out for ever.
    let only = Extension { to: Level::Lta, ..only };
    let refused = extend(&office, &twice, &only);
    assert!(
        matches!(&refused, Err(ExtendError::NotReached { field, .. }) if field == "META-INF/signature001.p7s"),
        "{refused:?}"
    );

    // A time-stamp of somebody else covers the signature as it is.
    let covered = covered(&office, &once);
    assert_eq!(office.judge(&covered).unwrap().overall, Overall::Valid);
    let refused = extend(&office, &covered, &Extension::to(Level::Lt));
    assert!(matches!(refused, Err(ExtendError::Covered { .. })), "{refused:?}");

    let mut broken = unpack(&twice);
    file(&mut broken, DECISION.0).push(b' ');
    let mut unlisted = unpack(&once);
    unlisted.push(("thêm.txt".to_owned(), b"x".to_vec()));
    let mut unsigned = unpack(&once);
    unsigned.truncate(2);
    for (what, files) in
        [("a changed document", broken), ("a file more", unlisted), ("no signature", unsigned)]
    {
        let refused = extend(&office, &pack(&files), &Extension::to(Level::Lta));
        assert!(
            matches!(refused, Err(ExtendError::NotValid { .. } | ExtendError::Unsigned)),
            "{what}: {refused:?}"
        );
    }
    for (what, bytes) in
        [("cut short", once[..once.len() - 30].to_vec()), ("no container", b"PK\x03\x04....".to_vec())]
    {
        let refused = extend(&office, &bytes, &Extension::to(Level::Lta));
        assert!(matches!(refused, Err(ExtendError::Verify(_))), "{what}: {refused:?}");
    }
}

/// With a time-stamp over all files that another program made.
fn covered(office: &Office, container: &[u8]) -> Vec<u8> {
    let mut files = unpack(container);
    let objects =
        files.iter().filter(|(name, _)| name != "mimetype").map(|(name, bytes)| kyso::asic::DataObject {
            name: name.clone(),
            media_type: None,
            rootfile: false,
            digest: DigestAlgorithm::Sha256.digest(bytes),
        });
    let manifest = Manifest {
        signature: "META-INF/timestamp.tst".to_owned(),
        signature_type: None,
        objects: objects.collect(),
    };
    let xml = manifest.to_xml();
    files.push((manifest.signature, office.stamp(&xml)));
    files.push((ARCHIVE.to_owned(), xml));
    pack(&files)
}

/// The verb, with what it says.
#[test]
fn kyso_extend_takes_containers() {
    let office = Office::new();
    let (signed, output) = (office.path("ho-so.asice"), office.path("ho-so-lta.asice"));
    fs::write(&signed, office.sign(Kind::Extended, Form::Cades, &[DECISION, ANNEX])).unwrap();
    fs::write(office.path("root.pem"), office.services.pki().root().certificate().to_pem()).unwrap();
    let kyso = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kyso"));
        command.arg("extend").arg(&signed).arg("-o").arg(&output).arg("--trust").arg(office.path("root.pem"));
        command.args(["--allow-host", &office.services.host(), "--tsa", &office.services.tsa_url()]);
        command.args(arguments).current_dir(root()).output().unwrap()
    };
    let told = kyso(&["--to", "lta"]);
    let words = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    assert!(words.contains("B -> LTA") && words.contains("renew by"), "{words}");
    assert_eq!(office.judge(&fs::read(&output).unwrap()).unwrap().overall, Overall::Valid);
    let told = kyso(&["--to", "lta", "--overwrite", "--detached", signed.to_str().unwrap()]);
    assert_eq!(told.status.code(), Some(65), "{}", String::from_utf8_lossy(&told.stderr));
}
