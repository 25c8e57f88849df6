//! `kyso verify FOLDER`: every format in it, signatures with the documents beside them, and what is left out.

use std::{fs, path::Path, process::Command};

use kyso::{
    asic::Kind,
    base::{Clock, MemorySource},
    service::sign::{Identity, XadesWishes, XmlSubject, container::Form},
};
use serde_json::Value;

use crate::{asic::parts::Office, xades::desk::apart};

/// An XML signature of the office, inside of `document` or beside files.
fn xml(office: &Office, document: &str, files: &[(&str, &[u8])]) -> Vec<u8> {
    let identity = Identity {
        certificate: office.certificate.clone(),
        chain: office.services.pki().chain(),
        scheme: office.key.scheme(),
    };
    let (input, files) = (MemorySource(document.as_bytes().to_vec()), apart(files));
    let subject = if files.is_empty() { XmlSubject::Enveloped(&input) } else { XmlSubject::Detached(&files) };
    let output = office.path("signed.xml");
    let key = |scheme, message: &[u8]| Ok(office.key.sign_as(scheme, message).unwrap());
    let desk = office.desk(Clock::System);
    desk.sign_xades(&subject, &output, identity, &XadesWishes::default(), key).unwrap();
    let bytes = fs::read(&output).unwrap();
    fs::remove_file(output).unwrap();
    bytes
}

struct Told {
    status: Option<i32>,
    report: Value,
    left_out: Vec<String>,
}

fn verify(office: &Office, folder: &Path, more: &[&str]) -> Told {
    let root = office.path("root.pem");
    fs::write(&root, office.services.pki().root().certificate().to_pem()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_kyso"));
    command.arg("verify").arg(folder).args(["--json", "--no-cache", "--lang", "en", "--trust"]).arg(&root);
    let told = command.args(["--allow-host", &office.services.host()]).args(more).output().unwrap();
    let stderr = String::from_utf8_lossy(&told.stderr).into_owned();
    let report = serde_json::from_slice(&told.stdout).unwrap_or_else(|_| panic!("{stderr}"));
    let shown = |line: &str| line.replace(&format!("{}/", folder.display()), "");
    Told { status: told.status.code(), report, left_out: stderr.lines().map(shown).collect() }
}

/// Each document's name and answer.
fn answers(report: &Value, folder: &Path) -> Vec<(String, String)> {
    let name = |name: &str| name.replace(&format!("{}/", folder.display()), "");
    let of = |list: &str, answer: &dyn Fn(&Value) -> String| {
        let files = report[list].as_array().cloned().unwrap_or_default();
        files.iter().map(|file| (name(file["name"].as_str().unwrap()), answer(file))).collect::<Vec<_>>()
    };
    let judged = of("documents", &|file| file["overall"].as_str().unwrap().to_owned());
    let unread = of("unreadable", &|file| file["error"]["key"].as_str().unwrap().to_owned());
    [judged, unread].concat()
}

#[test]
fn a_folder_holds_every_format_and_signatures_find_their_documents() {
    let office = Office::new();
    let base = tempfile::tempdir().unwrap();
    let folder = base.path();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    let pdf = fs::read(crate::support::root().join("samples/quyet-dinh.pdf")).unwrap();
    let sheet: &[u8] = b"as good as a workbook";
    write("quyet-dinh.pdf", &pdf);
    write("quyet-dinh.pdf.p7s", &office.cms(&pdf));
    write("so-lieu.xlsx", sheet);
    write("so-lieu.xlsx.p7s", &office.cms(sheet));
    write("bao-cao.docx", b"report");
    write("bao-cao.docx.xml", &xml(&office, "", &[("bao-cao.docx", b"report")]));
    write("thu.xml", &xml(&office, "<thu><so>05</so></thu>", &[]));
    // An enveloped signature is about its own file, whatever lies beside it.
    write("thu", b"other");
    write("ho-so/ho-so.asice", &office.sign(Kind::Extended, Form::Cades, &[("a.txt", b"A")]));
    write("ho-so/hai.xml", &xml(&office, "", &[("1.txt", b"one"), ("phu luc/2.txt", b"two")]));
    write("ho-so/1.txt", b"one");
    write("ho-so/phu luc/2.txt", b"two");
    write("chua-ky.pdf", &pdf);
    // Named like a signature of it, and none.
    write("chua-ky.pdf.p7s", b"no signature");
    write("khac.pdf", &pdf);
    write("khac.pdf.xml", &xml(&office, "<thu><so>06</so></thu>", &[]));
    write("cho/mat.pdf.p7s", &office.cms(b"gone"));
    write("cho/khac.txt", b"another content");
    write("cho/khac.txt.p7s", &office.cms(b"content"));
    write("cho/ghi-chu.txt", b"note");
    write("cho/bang.ods", b"sheet");
    std::os::unix::fs::symlink(folder, folder.join("cho/vong")).unwrap();

    let Told { status, report, left_out } = verify(&office, folder, &[]);
    let mut found = answers(&report, folder);
    found.sort();
    let expected = [
        ("bao-cao.docx.xml", "valid"),
        ("cho/khac.txt.p7s", "invalid"),
        ("cho/mat.pdf.p7s", "indeterminate"),
        ("chua-ky.pdf", "unsigned"),
        ("chua-ky.pdf.p7s", "file.damaged"),
        ("ho-so/hai.xml", "valid"),
        ("ho-so/ho-so.asice", "valid"),
        ("khac.pdf", "unsigned"),
        ("khac.pdf.xml", "valid"),
        ("quyet-dinh.pdf.p7s", "valid"),
        ("so-lieu.xlsx.p7s", "valid"),
        ("thu.xml", "valid"),
    ];
    let found: Vec<_> = found.iter().map(|(name, answer)| (name.as_str(), answer.as_str())).collect();
    assert_eq!(found, expected, "{report:#}");
    assert_eq!(status, Some(65));
    let of = |name: &str| {
        let documents = report["documents"].as_array().unwrap();
        documents.iter().find(|document| document["name"].as_str().unwrap().ends_with(name)).unwrap()
    };
    assert_eq!(of("quyet-dinh.pdf.p7s")["signedFiles"][0]["name"], "quyet-dinh.pdf");
    assert_eq!(of("hai.xml")["signedFiles"].as_array().unwrap().len(), 2);
    assert_eq!(of("mat.pdf.p7s")["signatures"][0]["errors"][0]["key"], "document.apart");
    assert_eq!(of("khac.txt.p7s")["signatures"][0]["errors"][0]["key"], "digest.mismatch");
    let mut left_out = left_out;
    left_out.sort();
    assert_eq!(
        left_out,
        [
            "left out: cho/bang.ods: an Office file, whose own signatures kyso does not judge; it is signed beside it or in a container",
            "left out: cho/ghi-chu.txt: not of a format that holds signatures, and no signature beside it is about it",
            "left out: cho/vong: a link to a folder, which is not followed",
            "left out: thu: not of a format that holds signatures, and no signature beside it is about it",
        ]
    );

    // One worker or several: the same answers.
    let again = verify(&office, folder, &["--jobs", "1"]);
    assert_eq!(answers(&again.report, folder), answers(&report, folder));
    // A file that is named is judged by itself.
    let alone = verify(&office, &folder.join("quyet-dinh.pdf.p7s"), &[]);
    assert_eq!(alone.status, Some(2), "{:#}", alone.report);
}
