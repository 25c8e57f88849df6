//! Encrypted files (ISO 32000-2 section 7.6), made by qpdf and pyHanko.

use std::{fs, path::PathBuf, process::Command, sync::Arc};

use kyso::{
    base::{Limits, MemorySource, Password, ProtectedSource, Source},
    pdf::{ChangeKind, Document, Object, PdfError, Use},
    token::provision::NewKeyKind,
};

use super::desk::{Desk, Others, sample, text};
use crate::judge::world::{SCHEME, WORLD, now};
use crate::support::{self, PyHanko, run, shared, tool};

/// How qpdf encrypts: `--encrypt user owner BITS …`.
const SCHEMES: [(&str, &[&str]); 8] = [
    ("RC4 40 (V1 R2)", &["40"]),
    ("RC4 128 (V2 R3)", &["128", "--use-aes=n"]),
    ("RC4 128 as crypt filter (V4 R4)", &["128", "--use-aes=n", "--force-V4"]),
    ("AES 128 (V4 R4)", &["128", "--use-aes=y"]),
    ("AES 128, plain metadata", &["128", "--use-aes=y", "--cleartext-metadata"]),
    ("AES 256 (V5 R5)", &["256", "--force-R5"]),
    ("AES 256 (V5 R6)", &["256"]),
    ("AES 256, plain metadata", &["256", "--cleartext-metadata"]),
];

fn encrypt(desk: &Desk, user: &str, owner: &str, scheme: &[&str], more: &[&str]) -> Option<PathBuf> {
    let out = desk.at("encrypted.pdf");
    support::encrypt((&sample(), &out), [user, owner], scheme, more)?;
    Some(out)
}

/// pyHanko does not open what revision 5 made, whoever signed it.
fn others(scheme: &[&str]) -> Others {
    Others { pyhanko: !scheme.contains(&"--force-R5"), ..Others::PLAIN }
}

fn with(password: &str) -> [&str; 2] {
    ["--password-file", password]
}

/// Every scheme, with a table and with cross-reference streams: signed once with the user's password, once more with the
/// owner's.
#[test]
fn every_scheme_is_signed_twice_and_everybody_agrees() {
    let desk = Desk::embedded(NewKeyKind::P256);
    every_scheme(&desk, &["--object-streams=disable", "--object-streams=generate"]);
}

#[test]
fn every_scheme_is_signed_on_softhsm() {
    for ec in [false, true] {
        let Some(desk) = Desk::softhsm(ec) else { return };
        every_scheme(&desk, &["--object-streams=preserve"]);
    }
}

fn every_scheme(desk: &Desk, kinds: &[&str]) {
    desk.put("user.txt", b"nguoi-doc\n");
    desk.put("owner.txt", b"chu\n");
    for (name, scheme) in SCHEMES {
        let user = Others { password: Some("nguoi-doc"), ..others(scheme) };
        let owner = Others { password: Some("chu"), owner: true, ..others(scheme) };
        for kind in kinds {
            let Some(file) = encrypt(desk, "nguoi-doc", "chu", scheme, &[kind]) else { return };
            let what = format!("{name} {kind}");
            let by_user =
                [&with("user.txt")[..], &["--reason", "Phê duyệt", "--location", "An Hội"]].concat();
            let once = desk.must_sign(&file, &by_user, &what);
            desk.everybody_accepts(&once, 1, &user, &what);
            let once = desk.put("once.pdf", &fs::read(&once).unwrap());
            let twice = desk.must_sign(&once, &with("owner.txt"), &what);
            desk.everybody_accepts(&twice, 2, &user, &what);
            desk.everybody_accepts(&twice, 2, &owner, &what);
            what_was_written_is_encrypted(&fs::read(&twice).unwrap(), &what);
        }
    }
}

/// The texts come back with the key, and stand nowhere in the file without it.
fn what_was_written_is_encrypted(bytes: &[u8], what: &str) {
    let document = open(bytes, Some("nguoi-doc")).unwrap_or_else(|error| panic!("{what}: {error}"));
    let [first, second] = document.signatures().unwrap().try_into().unwrap();
    assert_eq!(first.reason.as_deref(), Some("Phê duyệt"), "{what}");
    assert_eq!(first.location.as_deref(), Some("An Hội"), "{what}");
    assert!(first.claimed_time.is_some() && second.reason.is_none(), "{what}");
    assert_eq!((first.name.as_str(), second.name.as_str()), ("Signature1", "Signature2"), "{what}");
    let utf16: String = "Phê duyệt".encode_utf16().map(|unit| format!("{unit:04X}")).collect();
    for plain in [utf16.as_bytes(), b"(Signature1)", b"(D:20"] {
        assert!(!bytes.windows(plain.len()).any(|window| window == plain), "{what}: a plain string");
    }
    assert!(document.changes_after(first.revision).unwrap().iter().all(|change| change.proven), "{what}");
}

/// The empty user password is tried without being asked for, for signing and for verifying.
#[test]
fn an_empty_user_password_needs_no_word() {
    let desk = Desk::embedded(NewKeyKind::P256);
    let shared = shared().map(|shared| shared.join("data/qd-encrypted-aes256.pdf"));
    let mut files: Vec<(PathBuf, Others)> = shared.map(|file| (file, Others::PLAIN)).into_iter().collect();
    for (_, scheme) in SCHEMES {
        if let Some(file) = encrypt(&desk, "", "chu", scheme, &[]) {
            let kept = desk.at(&format!("empty-{}.pdf", files.len()));
            fs::rename(file, &kept).unwrap();
            files.push((kept, others(scheme)));
        }
    }
    for (file, others) in files {
        let what = file.display().to_string();
        let signed = desk.must_sign(&file, &[], &what);
        desk.everybody_accepts(&signed, 1, &others, &what);
    }
}

/// What is seen, too: its words and fonts are encrypted like everything else, and come back for who has the password.
#[test]
fn a_signature_that_is_seen_is_encrypted_and_shown() {
    let desk = Desk::embedded(NewKeyKind::P256);
    desk.put("user.txt", b"nguoi-doc");
    for (name, scheme) in SCHEMES {
        let Some(file) = encrypt(&desk, "nguoi-doc", "chu", scheme, &[]) else { return };
        let looks =
            ["--appearance", "comment", "--text", "Giao phòng Nội vụ xử lý.", "--rect", "80,60,260,60"];
        let signed = desk.must_sign(&file, &[&with("user.txt")[..], &looks].concat(), name);
        let others = Others { password: Some("nguoi-doc"), ..others(scheme) };
        desk.everybody_accepts(&signed, 1, &others, name);
        if let Some(pdftotext) = tool("pdftotext") {
            let mut command = Command::new(pdftotext);
            let words = text(&run(command.args(["-upw", "nguoi-doc"]).arg(&signed).arg("-")).stdout);
            assert!(words.contains("Giao phòng Nội vụ xử lý."), "{name}: {words}");
        }
        if let Some(pdffonts) = tool("pdffonts") {
            // A font program that does not decrypt is complained about.
            let output = run(Command::new(pdffonts).args(["-upw", "nguoi-doc"]).arg(&signed));
            assert!(output.stderr.is_empty(), "{name}: {}", text(&output.stderr));
        }
    }
}

/// Each way of giving the password, and what happens without.
#[test]
fn a_password_is_given_by_file_descriptor_or_variable_and_never_shown() {
    let desk = Desk::embedded(NewKeyKind::P256);
    let Some(file) = encrypt(&desk, "mật khẩu", "chu nhan", &["256"], &[]) else { return };
    desk.put("wrong.txt", b"sai-roi-nhe");
    desk.put("right.txt", "mật khẩu\r\n".as_bytes());
    desk.must_refuse(&file, &[], 65, "give the password", "no password");
    desk.must_refuse(&file, &with("wrong.txt"), 65, "the password does not open the file", "a wrong one");
    desk.must_refuse(&file, &with("absent.txt"), 64, "cannot be read", "no such file");
    desk.must_sign(&file, &with("right.txt"), "by file");

    let output = desk.at("by-variable.pdf");
    let told = desk.command(&file, &output, &[]).env("KYSO_PDF_PASSWORD", "chu nhan").output().unwrap();
    assert!(told.status.success(), "{}", text(&told.stderr));
    let told = desk.command(&file, &output, &[]).env("KYSO_PDF_PASSWORD", "sai-roi-nhe").output().unwrap();
    assert_eq!(told.status.code(), Some(64), "the output exists");
    for told in [
        desk.sign(&file, &desk.at("x.pdf"), &with("wrong.txt")),
        desk.command(&file, &desk.at("x.pdf"), &[]).env("KYSO_PDF_PASSWORD", "sai-roi-nhe").output().unwrap(),
    ] {
        let all = text(&told.stdout) + &text(&told.stderr);
        assert!(!told.status.success() && !all.contains("sai-roi-nhe"), "{all}");
    }

    // Verifying: keys that stay.
    for (password, status, key) in [
        (None, 65, Some("file.encrypted")),
        (Some("sai"), 65, Some("file.password")),
        (Some("mật khẩu"), 0, None),
    ] {
        let (got, report) = desk.verify(&output, password);
        assert_eq!(got, Some(status), "{password:?}: {report:#}");
        assert_eq!(report["unreadable"][0]["error"]["key"].as_str(), key, "{report:#}");
    }
}

/// Table 22: what the user may do. The owner may do everything.
#[test]
fn permissions_bind_the_user_and_not_the_owner() {
    let desk = Desk::embedded(NewKeyKind::P256);
    desk.put("user.txt", b"u");
    desk.put("owner.txt", b"o");
    // A file with an empty signature field.
    let with_field = desk.put("field.pdf", &field());
    for (bits, scheme, create, fill) in [
        ("all", &["256"][..], true, true),
        ("no 4", &["256", "--modify-other=n"], false, true),
        ("no 6", &["256", "--annotate=n"], false, true),
        ("no 6, 9", &["256", "--annotate=n", "--form=n"], false, false),
        ("none", &["128", "--use-aes=y", "--modify=none"], false, false),
        ("R2 no 6", &["40", "--annotate=n"], false, false),
        ("R2 no 4", &["40", "--modify=n"], false, true),
    ] {
        let file = desk.at("permissions.pdf");
        if support::encrypt((&with_field, &file), ["u", "o"], scheme, &[]).is_none() {
            return;
        }
        let document = open(&fs::read(&file).unwrap(), Some("u")).unwrap();
        let permissions = document.permissions().unwrap();
        assert_eq!(permissions.permit(Use::AddSignatureField), create, "{bits}");
        assert_eq!(permissions.permit(Use::FillSignatureField), fill, "{bits}");
        for (password, field, allowed, words) in [
            ("user.txt", None, create, "bits 4 and 6"),
            ("user.txt", Some("Ky"), fill, "bit 9 or bit 6"),
            ("owner.txt", None, true, ""),
            ("owner.txt", Some("Ky"), true, ""),
        ] {
            let mut more = with(password).to_vec();
            more.extend(field.into_iter().flat_map(|name| ["--field", name]));
            let what = format!("{bits}, {password}, {field:?}");
            if allowed {
                let signed = desk.must_sign(&file, &more, &what);
                let others = Others { password: Some("u"), ..Others::PLAIN };
                desk.everybody_accepts(&signed, 1, &others, &what);
            } else {
                desk.must_refuse(&file, &more, 65, words, &what);
            }
        }
    }
}

/// A page and a form with one empty signature field, `Ky`.
fn field() -> Vec<u8> {
    super::files::build(
        "1.7",
        &[
            "<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [4 0 R] /SigFlags 1 >> >>",
            "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Annots [4 0 R] >>",
            "<< /Type /Annot /Subtype /Widget /FT /Sig /T (Ky) /F 132 /Rect [50 50 150 90] /P 3 0 R >>",
        ],
    )
}

/// What pyHanko encrypts, with its own idea of the standard; and what only certificates open.
#[test]
fn what_pyhanko_encrypts_is_signed_or_refused_by_name() {
    let (Some(pyhanko), desk) = (PyHanko::find(), Desk::embedded(NewKeyKind::P256)) else { return };
    desk.put("user.txt", b"u");
    let file = desk.at("by-pyhanko.pdf");
    let others = Others { password: Some("u"), ..Others::PLAIN };
    for mode in ["aes256", "aes128", "rc4-128", "rc4-40", "cleartext-metadata", "attachments"] {
        run(pyhanko.script("encrypt_with_pyhanko.py").arg(sample()).arg(&file).args([mode, "--user", "u"]));
        let signed = desk.must_sign(&file, &with("user.txt"), mode);
        desk.everybody_accepts(&signed, 1, &others, mode);
    }
    // With attachments alone encrypted, the rest is read without a password.
    assert!(open(&fs::read(&file).unwrap(), None).is_ok());
    run(pyhanko
        .script("encrypt_with_pyhanko.py")
        .arg(sample())
        .arg(&file)
        .arg("pubkey")
        .arg("--cert")
        .arg(desk.at("signer.pem")));
    desk.must_refuse(&file, &with("user.txt"), 65, "public-key security handler", "for certificates");
    assert_eq!(desk.verify(&file, None).1["unreadable"][0]["error"]["key"], "file.encryption");
}

/// What pyHanko signs in an encrypted file verifies here.
#[test]
fn what_pyhanko_signs_in_an_encrypted_file_verifies_here() {
    let (Some(shared), Some(pyhanko)) = (shared(), PyHanko::find()) else { return };
    let desk = Desk::embedded(NewKeyKind::P256);
    let key = kyso::demo::pki::SigningKey::generate(kyso::demo::pki::KeyAlgorithm::Rsa2048).unwrap();
    let person =
        desk.pki.pki().issue_person(key.spki_der(), &kyso::demo::pki::Holder::new("Lê Mẫu")).unwrap();
    let [key_file, certificate] =
        [("key.pem", key.to_pem().as_bytes().to_vec()), ("cert.pem", person.to_pem().into_bytes())]
            .map(|(name, bytes)| desk.put(name, &bytes).display().to_string());
    let signed = desk.at("pyhanko.pdf");
    let chain = desk.at("chain.pem").display().to_string();
    pyhanko.sign(
        &shared.join("data/qd-encrypted-aes256.pdf"),
        &signed,
        &[
            "--key",
            &key_file,
            "--cert",
            &certificate,
            "--chain",
            &chain,
            "--password",
            "",
            "--reason",
            "Đồng ý",
        ],
    );
    let (status, report) = desk.verify(&signed, None);
    assert_eq!(status, Some(0), "{report:#}");
    assert_eq!(report["documents"][0]["signatures"][0]["reason"], "Đồng ý", "{report:#}");
}

/// A later revision that encrypts in another way, or not any more, breaks what was signed before it.
#[test]
fn a_revision_that_changes_the_encryption_is_a_forbidden_change() {
    let desk = Desk::embedded(NewKeyKind::P256);
    let mut judged = 0;
    for (name, scheme) in SCHEMES {
        let Some(file) = encrypt(&desk, "", "chu", scheme, &["--object-streams=disable"]) else { return };
        let signed = fs::read(desk.must_sign(&file, &[], name)).unwrap();
        let honest = open(&signed, None).unwrap();
        let revision = honest.signatures().unwrap()[0].revision;
        assert!(honest.changes_after(revision).unwrap().is_empty(), "{name}");
        let Some(Object::Reference((number, _))) = honest.trailer().get("Encrypt").cloned() else {
            panic!("{name}: qpdf's /Encrypt is an object")
        };
        let Object::Dictionary(mut encrypt) = honest.object((number, 0)).unwrap() else { panic!("{name}") };
        // The same key, other permissions; and of AES-256 the unchecked rest of it.
        encrypt.set("Note", Object::Integer(1));
        let mut other = Vec::new();
        Object::Dictionary(encrypt).write(&mut other);
        let id = text(&written(honest.trailer().get("ID")));
        let changed_id = id.replacen('<', "<00", 1).replacen('(', "(x", 1);
        let keep = format!("/Encrypt {number} 0 R");
        for (what, object, trailer) in [
            ("/Encrypt redefined", Some(text(&other)), format!("{keep} /ID {id}")),
            ("/Encrypt left out", None, format!("/ID {id}")),
            ("/ID changed", None, format!("{keep} /ID {changed_id}")),
        ] {
            let changed = append(&signed, object.map(|object| (number, object)), &trailer);
            let Ok(document) = open(&changed, None) else { continue };
            let Ok(signatures) = document.signatures() else { continue };
            for signature in signatures {
                let changes = document.changes_after(signature.revision);
                let told = changes.as_ref().is_ok_and(|changes| {
                    changes.iter().any(|change| {
                        !change.proven
                            && change.kind == ChangeKind::CatalogEntry
                            && change.what.contains("encrypted")
                    })
                });
                assert!(told, "{name}: {what}: {changes:?}");
                judged += 1;
            }
            let (status, report) = desk.verify(&desk.put("changed.pdf", &changed), None);
            assert_ne!(status, Some(0), "{name}: {what}: {report:#}");
            assert_ne!(report["documents"][0]["overall"], "valid", "{name}: {what}: {report:#}");
        }
    }
    // The others cannot be read any more, for their strings no longer decrypt.
    println!("{judged} of {} were read and judged", SCHEMES.len() * 3);
    assert!(judged >= SCHEMES.len() * 2, "only {judged} were read and judged");
}

/// One bit of an encrypted file that was signed: never valid, never a panic.
#[test]
fn one_changed_bit_in_a_signed_encrypted_file_is_never_valid() {
    let desk = Desk::embedded(NewKeyKind::P256);
    let Some(file) = encrypt(&desk, "", "chu", &["256"], &["--object-streams=generate"]) else { return };
    let signed = fs::read(desk.must_sign(&file, &[], "base")).unwrap();
    let document = open(&signed, None).unwrap();
    let signature = document.signatures().unwrap().remove(0);
    let hole = document.check_byte_range(&signature).unwrap().hole;
    let anchors = desk.pki.pki().anchors();
    for at in (0..signed.len()).step_by(signed.len() / 211) {
        if hole.contains(&(at as u64)) {
            continue;
        }
        let mut changed = signed.clone();
        changed[at] ^= 1 << (at % 8);
        let source = Arc::new(MemorySource(changed));
        let Ok(inspection) = kyso::validation::Inspection::open(source, &Limits::default()) else { continue };
        let moment = kyso::base::Clock::System.now();
        let report = inspection.judge("x", &kyso::validation::Policy::strict(), &anchors, moment);
        let intact = report.signatures.iter().any(|one| one.digest_matches && one.signature_matches);
        assert!(!intact, "byte {at} changed, and the signature still holds");
    }
}

/// What the dictionary may not be: refused by name, whatever it is.
#[test]
fn broken_encryption_dictionaries_are_refused() {
    let zeros = |len: usize| "00".repeat(len);
    let (o, u) = (zeros(32), zeros(32));
    let old = |more: &str| format!("<< /Filter /Standard /O <{o}> /U <{u}> /P -4 {more} >>");
    let new = |more: &str| {
        format!(
            "<< /Filter /Standard /V 5 /R 6 /CF << /StdCF << /CFM /AESV3 >> >> /StmF /StdCF /StrF /StdCF /O <{}> /U <{}> /OE <{}> /UE <{}> /P -4 {more} >>",
            zeros(48),
            zeros(48),
            zeros(32),
            zeros(32)
        )
    };
    for (dictionary, words) in [
        (old("/V 1 /R 2"), "give the password"),
        (old("/V 2 /R 3 /Length 128"), "give the password"),
        (old("/V 1 /R 6"), "/R 6 does not go"),
        (old("/V 3 /R 3"), "/V 3"),
        (old("/V 6 /R 7"), "/V 6"),
        (old("/V 4 /R 4 /StmF /Odd /StrF /Odd"), "crypt filter Odd"),
        (old("/V 4 /R 4 /CF << /Odd << /CFM /AESV9 >> >> /StmF /Odd"), "crypt filter Odd"),
        (old("/V 4 /R 4 /CF 1 0 R"), "refers to other objects"),
        (new("/Perms <00>"), "/Perms in the encryption dictionary has fewer than 16 bytes"),
        (new(&format!("/Perms <{}>", zeros(16))), "give the password"),
        ("<< /Filter /Standard /V 1 /R 2 /O <00> /U <00> /P -4 >>".to_owned(), "fewer than 32 bytes"),
        (format!("<< /Filter /Standard /V 1 /R 2 /O <{o}> /U <{u}> >>"), "no /P"),
        ("<< /Filter /Adobe.PubSec /V 4 >>".to_owned(), "public-key security handler"),
        ("<< /Filter /Own >>".to_owned(), "not the standard one"),
        ("[]".to_owned(), "is none"),
        ("9 0 R".to_owned(), "does not stand in the file by itself"),
    ] {
        let file = text(&super::files::blank()).replace("/Root", &format!("/Encrypt {dictionary} /Root"));
        let error = open(file.as_bytes(), None).map(drop).expect_err(&dictionary).to_string();
        assert!(error.contains(words), "{dictionary}: {error}");
        let with_one = open(file.as_bytes(), Some("x")).map(drop).expect_err(&dictionary);
        if words == "give the password" {
            assert!(matches!(with_one, PdfError::WrongPassword), "{dictionary}: {with_one}");
        }
    }
}

fn open(bytes: &[u8], password: Option<&str>) -> Result<Document, PdfError> {
    let password = password.map(|password| Arc::new(Password::new(password.as_bytes().to_vec())));
    let source: Arc<dyn Source> = Arc::new(ProtectedSource::new(MemorySource(bytes.to_vec()), password));
    Document::open(source, &Limits::default())
}

fn written(object: Option<&Object>) -> Vec<u8> {
    let mut out = Vec::new();
    object.expect("there").write(&mut out);
    out
}

/// A revision behind a file with a classic table, with at most one object.
fn append(file: &[u8], object: Option<(u32, String)>, trailer: &str) -> Vec<u8> {
    let mut bytes = file.to_vec();
    let at = bytes.len();
    let mut table = "0 0\n".to_owned();
    if let Some((number, object)) = object {
        bytes.extend_from_slice(format!("{number} 0 obj\n{object}\nendobj\n").as_bytes());
        table = format!("{number} 1\n{at:010} 00000 n\r\n");
    }
    let start = bytes.len();
    let document = open(file, None).unwrap();
    let root = text(&written(document.trailer().get("Root")));
    let (size, prev) =
        (document.trailer().integer("Size").unwrap(), document.revisions().last().unwrap().xref_offset);
    bytes.extend_from_slice(
        format!("xref\n{table}trailer\n<< /Size {size} /Root {root} /Prev {prev} {trailer} >>\nstartxref\n{start}\n%%EOF\n")
            .as_bytes(),
    );
    bytes
}

/// `kyso fields` and `kyso review` open what `kyso sign` opens, by the same ways, and never by an argument.
#[test]
fn fields_and_review_take_the_password_too() {
    let desk = Desk::embedded(NewKeyKind::P256);
    let Some(file) = encrypt(&desk, "nguoi-doc", "chu", &["256"], &[]) else { return };
    desk.put("user.txt", b"nguoi-doc\n");
    desk.put("owner.txt", b"chu\n");
    desk.put("wrong.txt", b"sai\n");
    let run_kyso = |arguments: &[&str], variable: Option<&str>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kyso"));
        command.current_dir(desk.folder.path()).args(arguments).env_remove("KYSO_PDF_PASSWORD");
        if let Some(password) = variable {
            command.env("KYSO_PDF_PASSWORD", password);
        }
        command.stdin(std::process::Stdio::null()).output().unwrap()
    };
    let told = run_kyso(&["fields", "encrypted.pdf"], None);
    assert_eq!(told.status.code(), Some(65), "{}", text(&told.stderr));
    assert!(text(&told.stderr).contains("give the password"), "{}", text(&told.stderr));
    let told = run_kyso(&["fields", "encrypted.pdf", "--password-file", "wrong.txt"], None);
    assert_eq!(told.status.code(), Some(65), "{}", text(&told.stderr));
    let told = run_kyso(&["fields", "encrypted.pdf"], Some("nguoi-doc"));
    assert!(
        told.status.success() && text(&told.stdout).contains("no signature fields"),
        "{}",
        text(&told.stderr)
    );
    let add = [
        "fields",
        "add",
        "encrypted.pdf",
        "-o",
        "field.pdf",
        "--name",
        "Lãnh đạo",
        "--rect",
        "300,100,480,160",
    ];
    assert_eq!(run_kyso(&add, None).status.code(), Some(65));
    let told = run_kyso(&[&add[..], &["--password-file", "owner.txt"]].concat(), None);
    assert!(told.status.success(), "{}", text(&told.stderr));
    let told = run_kyso(&["fields", "field.pdf", "--password-file", "user.txt", "--json"], None);
    assert!(told.status.success() && text(&told.stdout).contains("Lãnh đạo"), "{}", text(&told.stdout));

    let document = fs::read(&file).unwrap();
    let password = Some(Arc::new(Password::new(b"nguoi-doc".to_vec())));
    let source: Arc<dyn Source> = Arc::new(ProtectedSource::new(MemorySource(document.clone()), password));
    let opened = Document::open(source, &Limits::default()).unwrap();
    let request = kyso::signing::Request {
        signer: WORLD.person.certificate.clone(),
        chain: WORLD.chain(),
        scheme: SCHEME,
        time_stamp: None,
        wishes: kyso::signing::Wishes {
            reason: Some("Phê duyệt".to_owned()),
            ..kyso::signing::Wishes::default()
        },
    };
    let prepared = kyso::signing::prepare(&opened, request, now()).unwrap();
    desk.put("prepared.pdf", &[&document[..], prepared.tail()].concat());
    let review = ["review", "prepared.pdf", "--reviewed", "encrypted.pdf", "--reason", "Phê duyệt"];
    let told = run_kyso(&review, None);
    assert!(
        !told.status.success() && text(&told.stdout).contains("give the password"),
        "{}",
        text(&told.stdout)
    );
    for more in [&["--password-file", "user.txt"][..], &["--password-file", "owner.txt"]] {
        let told = run_kyso(&[&review[..], more].concat(), None);
        assert!(
            told.status.success() && text(&told.stdout).contains("nothing else"),
            "{}",
            text(&told.stdout)
        );
    }
    // No verb but verify, where others on the machine may see it, takes it as an argument.
    for verb in [&["fields", "encrypted.pdf"][..], &review[..]] {
        assert_eq!(run_kyso(&[verb, &["--password", "nguoi-doc"]].concat(), None).status.code(), Some(64));
    }
}
