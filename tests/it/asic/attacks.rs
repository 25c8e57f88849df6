//! Containers that somebody changed: none is valid, and each is told for what it is.

use kyso::{
    asic::{DataObject, Kind, Manifest},
    base::DigestAlgorithm,
    service::sign::container::Form,
    validation::Overall,
};

use super::parts::{Office, Packed, file, pack, unpack, zip};

const FILES: [(&str, &[u8]); 2] = [("Quyết định.pdf", b"%PDF-1.7 mot"), ("phụ lục.txt", b"hai")];

/// What is said: the key of the first error of some signature, or of the file that cannot be read.
fn said(office: &Office, container: &[u8]) -> Vec<String> {
    match office.judge(container) {
        Err(error) => vec![error.message().key],
        Ok(report) => {
            assert_ne!(report.overall, Overall::Valid, "{report:#?}");
            report
                .signatures
                .iter()
                .flat_map(|one| one.errors.iter().map(|error| error.key.clone()))
                .collect()
        }
    }
}

type Files = Vec<(String, Vec<u8>)>;

#[test]
fn files_added_changed_or_taken_away_are_failures() {
    let office = Office::new();
    let good = office.sign(Kind::Extended, Form::Cades, &FILES);
    let other = office.sign(Kind::Extended, Form::Cades, &[FILES[0], ("phụ lục.txt", b"ba")]);
    assert_eq!(office.judge(&pack(&unpack(&good))).unwrap().overall, Overall::Valid, "the harness itself");
    let take = |from: &[u8], name: &str| file(&mut unpack(from), name).clone();
    let (manifest, signature) = ("META-INF/ASiCManifest001.xml", "META-INF/signature001.p7s");
    let without = |files: &mut Files, name: &str| files.retain(|(own, _)| own != name);
    let rename = |files: &mut Files, from: &str, to: &str| {
        for (name, _) in files.iter_mut().filter(|(name, _)| name == from) {
            to.clone_into(name);
        }
    };
    let cases: Vec<(&str, &str, Box<dyn Fn(&mut Files)>)> = vec![
        (
            "a file nobody signed",
            "asic.uncovered-file",
            Box::new(|files| files.push(("thêm.txt".into(), b"x".to_vec()))),
        ),
        (
            "one that hides in META-INF",
            "asic.uncovered-file",
            Box::new(|files| files.push(("META-INF/quyet-dinh.pdf".into(), b"x".to_vec()))),
        ),
        ("an empty one", "asic.uncovered-file", Box::new(|files| files.push(("a/b/c".into(), Vec::new())))),
        ("replaced", "digest.mismatch", Box::new(|files| *file(files, "phụ lục.txt") = b"ba".to_vec())),
        ("cut short", "digest.mismatch", Box::new(|files| file(files, "phụ lục.txt").clear())),
        (
            "renamed",
            "asic.missing-file",
            Box::new(move |files| rename(files, "phụ lục.txt", "phụ lục 2.txt")),
        ),
        ("removed", "asic.missing-file", Box::new(move |files| without(files, "phụ lục.txt"))),
        (
            "two names exchanged",
            "digest.mismatch",
            Box::new(move |files| {
                rename(files, "phụ lục.txt", "?");
                rename(files, "Quyết định.pdf", "phụ lục.txt");
                rename(files, "?", "Quyết định.pdf");
            }),
        ),
        ("the manifest removed", "asic.manifest", Box::new(move |files| without(files, manifest))),
        ("another manifest", "digest.mismatch", {
            let theirs = take(&other, manifest);
            Box::new(move |files| theirs.clone_into(file(files, manifest)))
        }),
        ("another manifest with its file", "digest.mismatch", {
            let theirs = take(&other, manifest);
            Box::new(move |files| {
                theirs.clone_into(file(files, manifest));
                *file(files, "phụ lục.txt") = b"ba".to_vec();
            })
        }),
        ("a second manifest for the same signature", "asic.manifest", {
            let theirs = take(&other, manifest);
            Box::new(move |files| files.push(("META-INF/ASiCManifest002.xml".into(), theirs.clone())))
        }),
        (
            "a manifest that covers one file only",
            "digest.mismatch",
            Box::new(move |files| {
                let xml = String::from_utf8(file(files, manifest).clone()).unwrap();
                let last = xml.rfind("<asic:DataObjectReference").unwrap();
                *file(files, manifest) = format!("{}</asic:ASiCManifest>", &xml[..last]).into_bytes();
            }),
        ),
        (
            "a manifest that is not XML",
            "asic.manifest",
            Box::new(move |files| *file(files, manifest) = b"xin chao".to_vec()),
        ),
        ("the signature of another container", "digest.mismatch", {
            let theirs = take(&other, signature);
            Box::new(move |files| theirs.clone_into(file(files, signature)))
        }),
        ("a broken signature", "format.cms", Box::new(move |files| file(files, signature).truncate(100))),
        ("an empty signature", "format.cms", Box::new(move |files| file(files, signature).clear())),
        (
            "XML that is no signature beside it",
            "format.xml",
            Box::new(|files| files.push(("META-INF/signatures.xml".into(), b"<a/>".to_vec()))),
        ),
        (
            "a time-stamp that is none",
            "time-stamp.invalid",
            Box::new(|files| files.push(("META-INF/timestamp.tst".into(), b"0".to_vec()))),
        ),
        (
            "an evidence record, which is not judged",
            "asic.uncovered-file",
            Box::new(|files| files.push(("META-INF/evidencerecord.ers".into(), b"0".to_vec()))),
        ),
        (
            "a list of files that lacks one",
            "asic.manifest",
            Box::new(|files| files.push(("META-INF/manifest.xml".into(), list(&["phụ lục.txt"])))),
        ),
        (
            "a list of files that has one more",
            "asic.manifest",
            Box::new(|files| {
                let names = ["phụ lục.txt", "Quyết định.pdf", "x.txt"];
                files.push(("META-INF/manifest.xml".into(), list(&names)));
            }),
        ),
        (
            "called ASiC-S",
            "asic.data-files",
            Box::new(|files| {
                *file(files, "mimetype") = kyso::asic::ASIC_S.into();
            }),
        ),
        (
            "called something else",
            "file.damaged",
            Box::new(|files| *file(files, "mimetype") = b"text/plain".to_vec()),
        ),
        ("without mimetype", "file.damaged", Box::new(move |files| without(files, "mimetype"))),
    ];
    for (what, key, change) in cases {
        let mut files = unpack(&good);
        change(&mut files);
        let told = said(&office, &pack(&files));
        assert!(told.iter().any(|one| one == key), "{what}: {told:?}");
    }
    // Signed, and empty: the manifest covers nothing but what says which kind of container it is.
    let files = empty_but_signed(&office);
    let told = said(&office, &pack(&files));
    assert!(told.iter().any(|one| one == "asic.data-files"), "{told:?}");
    // A list that agrees changes nothing.
    let mut files = unpack(&good);
    files.push(("META-INF/manifest.xml".into(), list(&["phụ lục.txt", "Quyết định.pdf"])));
    assert_eq!(office.judge(&pack(&files)).unwrap().overall, Overall::Valid);
}

/// A container whose signature holds, over `mimetype` alone.
fn empty_but_signed(office: &Office) -> Files {
    let mimetype = ("mimetype".to_owned(), kyso::asic::ASIC_E.as_bytes().to_vec());
    let manifest = Manifest {
        signature: "META-INF/signature.p7s".to_owned(),
        signature_type: None,
        objects: vec![DataObject {
            name: mimetype.0.clone(),
            media_type: None,
            rootfile: false,
            digest: DigestAlgorithm::Sha256.digest(&mimetype.1),
        }],
    };
    let signature = office.cms(&manifest.to_xml());
    vec![
        mimetype,
        ("META-INF/ASiCManifest.xml".to_owned(), manifest.to_xml()),
        (manifest.signature, signature),
    ]
}

/// Of two signatures one is taken out, and its manifest forgotten.
#[test]
fn a_signature_that_was_taken_out_is_missed() {
    let office = Office::new();
    let twice = office.sign_again(&office.sign(Kind::Extended, Form::Cades, &FILES));
    let mut files = unpack(&twice);
    files.retain(|(name, _)| name != "META-INF/signature002.p7s");
    let told = said(&office, &pack(&files));
    assert!(told.iter().any(|key| key == "asic.missing-file"), "{told:?}");
    // Both signatures under one manifest: the second one's says who signed, and it is the wrong one.
    let mut files = unpack(&twice);
    let second = file(&mut files, "META-INF/signature002.p7s").clone();
    *file(&mut files, "META-INF/signature001.p7s") = second;
    let told = said(&office, &pack(&files));
    assert!(told.iter().any(|key| key == "digest.mismatch"), "{told:?}");
}

fn list(names: &[&str]) -> Vec<u8> {
    let entry =
        |name: &str, kind: &str| format!("<m:file-entry m:full-path=\"{name}\" m:media-type=\"{kind}\"/>");
    let entries: String = names.iter().map(|name| entry(name, "text/plain")).collect();
    let namespace = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0";
    format!("<m:manifest xmlns:m=\"{namespace}\">{}{entries}</m:manifest>", entry("/", kyso::asic::ASIC_E))
        .into()
}

/// Whatever two programs could read in two ways is read by nobody here.
#[test]
fn archives_that_can_be_read_in_two_ways_are_refused() {
    let office = Office::new();
    let good = office.sign(Kind::Extended, Form::Cades, &FILES);
    let packed: Vec<Packed> = unpack(&good).iter().map(|(name, data)| Packed::stored(name, data)).collect();
    assert_eq!(
        office.judge(&zip(&packed, b"a comment")).unwrap().overall,
        Overall::Valid,
        "the harness itself"
    );
    let with = |change: &dyn Fn(&mut Vec<Packed>)| {
        let mut files = packed.clone();
        change(&mut files);
        zip(&files, b"")
    };
    let end = b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    let plain = zip(&packed, b"");
    let directory = plain.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
    let gap = {
        // Bytes between the last file and the directory, and the end record told so.
        let mut bytes = [&plain[..directory], b"hidden", &plain[directory..]].concat();
        let at = bytes.len() - 6;
        bytes[at..at + 4].copy_from_slice(&u32::try_from(directory + 6).unwrap().to_le_bytes());
        bytes
    };
    let overlapping = {
        // The second file's record leads to the first one.
        let mut bytes = plain.clone();
        let second = directory + 46 + bytes[directory + 28] as usize + bytes[directory + 30] as usize;
        bytes.copy_within(directory + 42..directory + 46, second + 42);
        bytes
    };
    let cases: Vec<(&str, &str, Vec<u8>)> = vec![
        (
            "the same name twice",
            "file.damaged",
            with(&|files| files.push(Packed::stored("phụ lục.txt", b"ba"))),
        ),
        (
            "the same name in capitals",
            "file.damaged",
            with(&|files| files.push(Packed::stored("PHỤ LỤC.txt", b"ba"))),
        ),
        (
            "the same name decomposed",
            "file.damaged",
            with(&|files| files.push(Packed::stored("phu\u{323} lu\u{323}c.txt", b"ba"))),
        ),
        (
            "a file that is a folder",
            "file.damaged",
            with(&|files| files.push(Packed::stored("phụ lục.txt/a", b"ba"))),
        ),
        ("two names in two places", "file.damaged", with(&|files| files[1].name = "other".into())),
        ("the other way round", "file.damaged", with(&|files| files[1].central_name = "other".into())),
        ("two lengths", "file.damaged", with(&|files| files[1].central_len -= 1)),
        ("two checksums", "file.damaged", with(&|files| files[1].crc ^= 1)),
        ("a wrong length", "file.damaged", with(&|files| (files[1].len, files[1].central_len) = (3, 3))),
        ("up and out", "file.damaged", with(&|files| files.push(Packed::stored("../x", b"x")))),
        ("up in the middle", "file.damaged", with(&|files| files.push(Packed::stored("a/../../x", b"x")))),
        ("absolute", "file.damaged", with(&|files| files.push(Packed::stored("/etc/x", b"x")))),
        ("backslashes", "file.damaged", with(&|files| files.push(Packed::stored("..\\x", b"x")))),
        ("a drive", "file.damaged", with(&|files| files.push(Packed::stored("C:x", b"x")))),
        ("a control character", "file.damaged", with(&|files| files.push(Packed::stored("x\0.txt", b"x")))),
        ("no name", "file.damaged", with(&|files| files.push(Packed::stored("", b"x")))),
        (
            "not UTF-8",
            "file.damaged",
            with(&|files| {
                files.push(Packed { name: vec![0xFF], central_name: vec![0xFF], ..Packed::stored("", b"x") });
            }),
        ),
        ("UTF-8 that is not marked", "file.damaged", with(&|files| files[1].flags = 0)),
        ("encrypted", "file.encrypted", with(&|files| files[1].flags |= 1)),
        ("a patch", "file.damaged", with(&|files| files[1].flags |= 1 << 5)),
        ("an unknown method", "file.damaged", with(&|files| files[1].method = 12)),
        ("a symbolic link", "file.damaged", with(&|files| files[1].attributes = 0xA1FF_0000)),
        (
            "another name in the extra field",
            "file.damaged",
            with(&|files| {
                files[1].extra = [&0x7075_u16.to_le_bytes()[..], &[5, 0, 1, 0, 0, 0, 0]].concat();
            }),
        ),
        ("ZIP64", "file.damaged", with(&|files| files[1].extra = [&[1, 0, 8, 0][..], &[0; 8]].concat())),
        ("a broken extra field", "file.damaged", with(&|files| files[1].extra = vec![1, 2, 3])),
        ("bytes behind the end", "file.damaged", [&plain[..], b"\n"].concat()),
        ("bytes before the beginning", "file.damaged", [b"x", &plain[..]].concat()),
        ("a stub before the beginning", "file.damaged", [b"PK\x03\x04", &plain[..]].concat()),
        ("an end in the comment", "file.damaged", zip(&packed, end)),
        ("half an end in the comment", "file.damaged", zip(&packed, b"PK\x05\x06")),
        ("two media types", "file.damaged", zip(&packed, b"mimetype=application/vnd.etsi.asic-s+zip")),
        ("bytes in front of the directory", "file.damaged", gap),
        ("overlapping files", "file.damaged", overlapping),
        ("cut short", "file.damaged", plain[..plain.len() - 1].to_vec()),
        ("only an end", "file.damaged", end.to_vec()),
        (
            "deflated, and more behind it",
            "file.damaged",
            with(&|files| {
                let mut file = Packed::deflated("phụ lục.txt", b"hai");
                file.data.push(0);
                files.retain(|one| one.name != "phụ lục.txt".as_bytes());
                files.push(file);
            }),
        ),
        (
            "deflated, and cut short",
            "file.damaged",
            with(&|files| {
                let mut file = Packed::deflated("phụ lục.txt", &[7; 1000]);
                file.data.pop();
                files.retain(|one| one.name != "phụ lục.txt".as_bytes());
                files.push(file);
            }),
        ),
    ];
    for (what, key, container) in cases {
        assert_eq!(said(&office, &container), [key], "{what}");
    }
    // The same file, deflated, is the same file; and the comment may say what mimetype says.
    let deflated = with(&|files| {
        files.retain(|one| one.name != "phụ lục.txt".as_bytes());
        files.push(Packed::deflated("phụ lục.txt", b"hai"));
    });
    assert_eq!(office.judge(&deflated).unwrap().overall, Overall::Valid);
    let commented = zip(&packed, b"mimetype=application/vnd.etsi.asic-e+zip");
    assert_eq!(office.judge(&commented).unwrap().overall, Overall::Valid);
}

#[test]
fn archives_that_are_too_much_are_refused() {
    let office = Office::new();
    let good = office.sign(Kind::Extended, Form::Cades, &FILES);
    let packed: Vec<Packed> = unpack(&good).iter().map(|(name, data)| Packed::stored(name, data)).collect();
    let with = |more: Vec<Packed>| zip(&[packed.clone(), more].concat(), b"");
    let bomb = with(vec![Packed::deflated("bom.txt", &vec![0; 100 * 1024 * 1024])]);
    assert!(bomb.len() < 300_000, "{}", bomb.len());
    assert_eq!(said(&office, &bomb), ["file.limit"]);
    // One that lies about its length.
    let mut liar = Packed::deflated("bom.txt", &vec![0; 100 * 1024 * 1024]);
    (liar.len, liar.central_len) = (10, 10);
    assert_eq!(said(&office, &with(vec![liar])), ["file.damaged"]);
    let many =
        |count: usize| with((0..count).map(|nth| Packed::stored(&format!("{nth}.txt"), b"")).collect());
    assert_eq!(said(&office, &many(20_000)), ["file.limit"]);
    // As many as need ZIP64; the count of the end record wraps.
    assert_eq!(said(&office, &many(100_000)), ["file.limit"]);
    let long = with(vec![Packed::stored(&"x".repeat(5_000), b"")]);
    assert_eq!(said(&office, &long), ["file.limit"]);
    let mut files = unpack(&good);
    for nth in 0..200 {
        files.push((format!("META-INF/signature{}.p7s", nth + 10), b"0".to_vec()));
    }
    assert_eq!(said(&office, &pack(&files)), ["file.limit"]);
}

/// Every byte of a container changed: what stays valid says the same about the same documents.
#[test]
fn one_changed_byte_makes_no_other_container_valid() {
    let office = Office::new();
    for (kind, form) in
        [(Kind::Extended, Form::Cades), (Kind::Simple, Form::Cades), (Kind::Extended, Form::Xades)]
    {
        let good = office.sign(kind, form, &FILES[..1]);
        let before = office.judge(&good).unwrap();
        assert_eq!(before.overall, Overall::Valid);
        let step = good.len() / 400;
        let (mut refused, mut same) = (0, 0);
        for at in (0..good.len()).step_by(step.max(1)) {
            let mut changed = good.clone();
            changed[at] ^= 0x01;
            match office.judge(&changed) {
                Ok(after) if after.overall == Overall::Valid => {
                    same += 1;
                    assert_eq!(after.signed_files, before.signed_files, "byte {at}");
                    let scopes =
                        |report: &kyso::validation::DocumentReport| report.signatures[0].scopes.clone();
                    assert_eq!(scopes(&after), scopes(&before), "byte {at}");
                    assert_eq!(after.signatures[0].serial, before.signatures[0].serial, "byte {at}");
                }
                _ => refused += 1,
            }
        }
        println!("{} {form:?}: {refused} refused, {same} the same", kind.name());
        assert!(refused > same * 4, "{refused} refused, {same} the same");
    }
}

/// XAdES binds documents by name: the same attacks, and those that only XML has.
#[test]
fn files_under_an_xml_signature_cannot_be_exchanged() {
    let office = Office::new();
    let good = office.sign(Kind::Extended, Form::Xades, &FILES);
    let other = office.sign(Kind::Extended, Form::Xades, &[FILES[0], ("phụ lục.txt", b"ba")]);
    assert_eq!(office.judge(&pack(&unpack(&good))).unwrap().overall, Overall::Valid, "the harness itself");
    let signature = "META-INF/signatures001.xml";
    let theirs = file(&mut unpack(&other), signature).clone();
    let edit = |from: &'static str, to: &'static str| {
        move |files: &mut Files| {
            let xml = String::from_utf8(file(files, signature).clone()).unwrap();
            assert!(xml.contains(from), "{from}");
            *file(files, signature) = xml.replacen(from, to, 1).into_bytes();
        }
    };
    let cases: Vec<(&str, &str, Box<dyn Fn(&mut Files)>)> = vec![
        (
            "a file nobody signed",
            "asic.uncovered-file",
            Box::new(|files| {
                files.push(("thêm.txt".into(), b"x".to_vec()));
                files.retain(|(name, _)| name != "META-INF/manifest.xml");
            }),
        ),
        (
            "one that the list does not name",
            "asic.manifest",
            Box::new(|files| {
                files.push(("thêm.txt".into(), b"x".to_vec()));
            }),
        ),
        ("replaced", "digest.mismatch", Box::new(|files| *file(files, "phụ lục.txt") = b"ba".to_vec())),
        ("removed", "asic.missing-file", Box::new(|files| files.retain(|(name, _)| name != "phụ lục.txt"))),
        (
            "renamed",
            "asic.missing-file",
            Box::new(|files| {
                for (name, _) in files.iter_mut().filter(|(name, _)| name == "phụ lục.txt") {
                    *name = "phụ lục 2.txt".into();
                }
            }),
        ),
        (
            "the signature of another container",
            "digest.mismatch",
            Box::new(move |files| {
                theirs.clone_into(file(files, signature));
            }),
        ),
        ("a reference led elsewhere", "signature.mismatch", Box::new(edit("URI=\"ph", "URI=\"./ph"))),
        ("a reference led out", "signature.mismatch", Box::new(edit("URI=\"ph", "URI=\"../ph"))),
        (
            "a reference that is double-encoded",
            "signature.mismatch",
            Box::new(edit("URI=\"ph%", "URI=\"ph%25")),
        ),
        (
            "two copies of the signature",
            "format.xml",
            Box::new(|files| {
                let xml = String::from_utf8(file(files, signature).clone()).unwrap();
                let from = xml.find("<ds:Signature ").or_else(|| xml.find("<ds:Signature>")).unwrap();
                let end = xml.rfind("</ds:Signature>").unwrap() + "</ds:Signature>".len();
                let twice = format!("{}{}", &xml[..end], &xml[from..]);
                *file(files, signature) = twice.into_bytes();
            }),
        ),
        ("no signature", "format.xml", Box::new(|files| *file(files, signature) = b"<a/>".to_vec())),
        (
            "a DTD",
            "format.xml",
            Box::new(|files| {
                let xml = String::from_utf8(file(files, signature).clone()).unwrap();
                let at = xml.find("?>").map_or(0, |at| at + 2);
                *file(files, signature) = format!("{}<!DOCTYPE a>{}", &xml[..at], &xml[at..]).into_bytes();
            }),
        ),
        (
            "called ASiC-S",
            "asic.data-files",
            Box::new(|files| {
                *file(files, "mimetype") = kyso::asic::ASIC_S.into();
            }),
        ),
    ];
    for (what, key, change) in cases {
        let mut files = unpack(&good);
        change(&mut files);
        let told = said(&office, &pack(&files));
        assert!(told.iter().any(|one| one.starts_with(key)), "{what}: {told:?}");
    }
}
