//! PKCS#11 tokens: the one built into kyso, SoftHSM, and a driver that misbehaves on purpose (`token_module.c`).
//!
//! SoftHSM and the driver of our own take their settings from the environment, so their tests run in a process of their
//! own: this same binary, asked for one test (see [`apart`]).

mod sessions;

use std::{
    env,
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
    time::Duration,
};

use kyso::{
    base::{DigestAlgorithm, Pin},
    token::{
        KeySelector, LastTry, Module, Token, TokenError, TokenKeyKind, TokenSelector, TriesLeft,
        provision::{self, NewKey, NewKeyKind},
        softhsm::SoftHsm,
    },
    x509::{Certificate, algorithm::SignatureScheme},
};

use super::support;

const DIGESTS: [DigestAlgorithm; 3] =
    [DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha512];

const MESSAGE: &[u8] = "Quyết định số 01/QĐ-UBND".as_bytes();

#[test]
fn every_kind_of_key_signs_on_the_built_in_token() {
    every_kind_of_key_signs(&Place::embedded());
}

#[test]
fn every_kind_of_key_signs_on_softhsm() {
    on_softhsm("every_kind_of_key_signs_on_softhsm", every_kind_of_key_signs);
}

/// kryoptic opens every file it ever heard of anew when it gets another one, and adds nothing when one cannot be opened.
#[test]
fn what_cannot_be_opened_in_one_folder_leaves_the_others_usable() {
    let (good, odd, gone) = (Place::embedded(), Place::embedded(), Place::embedded());
    let folder = odd.folder.join("token");
    fs::create_dir_all(folder.join("folder.sql")).unwrap();
    std::os::unix::fs::symlink("/nowhere/to/be/found", folder.join("link.sql")).unwrap();
    drop(gone.token("gone"));
    fs::remove_dir_all(&gone.folder).unwrap();
    assert!(Token::list(&odd.module).unwrap().is_empty());
    drop(odd.token("odd"));
    drop(good.token("good"));
    assert_eq!(Token::list(&odd.module).unwrap()[0].label, "odd");
    assert_eq!(Token::list(&good.module).unwrap()[0].label, "good");
}

fn every_kind_of_key_signs(place: &Place) {
    let token = place.token("Ký số");
    let mut schemes = 0;
    for (kind, seen) in [
        (NewKeyKind::Rsa2048, TokenKeyKind::Rsa { bits: 2048 }),
        (NewKeyKind::Rsa3072, TokenKeyKind::Rsa { bits: 3072 }),
        (NewKeyKind::Rsa4096, TokenKeyKind::Rsa { bits: 4096 }),
        (NewKeyKind::P256, TokenKeyKind::Ec { bits: 256 }),
        (NewKeyKind::P384, TokenKeyKind::Ec { bits: 384 }),
    ] {
        let label = format!("{kind:?}");
        let id = vec![0xA0, kind as u8];
        let spki = token.generate_key(&key(&label, &id, kind)).unwrap();
        let found = token.keys().unwrap().into_iter().find(|key| key.label == label).unwrap();
        assert_eq!(
            (found.id.as_slice(), found.kind, found.always_authenticate),
            (id.as_slice(), seen, false)
        );
        for digest in DIGESTS {
            let wanted = match seen {
                TokenKeyKind::Rsa { .. } => vec![
                    SignatureScheme::RsaPkcs1(digest),
                    SignatureScheme::RsaPss { digest, salt_len: digest.len() },
                ],
                _ => vec![SignatureScheme::Ecdsa(digest)],
            };
            for scheme in wanted {
                let by_label = token.sign(&KeySelector::Label(label.clone()), scheme, MESSAGE).unwrap();
                openssl_verifies(&spki, scheme, MESSAGE, &by_label);
                let by_id = token.sign(&KeySelector::Id(id.clone()), scheme, MESSAGE).unwrap();
                openssl_verifies(&spki, scheme, MESSAGE, &by_id);
                schemes += 1;
            }
        }
    }
    assert_eq!(schemes, 3 * (3 * 2) + 2 * 3);
    let offered = token.mechanisms().unwrap();
    for name in ["CKM_RSA_PKCS", "CKM_RSA_PKCS_PSS", "CKM_ECDSA"] {
        assert!(offered.iter().any(|mechanism| mechanism == name), "{offered:?}");
    }
}

#[test]
fn a_key_that_wants_the_pin_each_time_gets_it_on_the_built_in_token() {
    a_key_that_wants_the_pin_each_time_gets_it(&Place::embedded());
}

#[test]
fn a_key_that_wants_the_pin_each_time_gets_it_on_softhsm() {
    on_softhsm(
        "a_key_that_wants_the_pin_each_time_gets_it_on_softhsm",
        a_key_that_wants_the_pin_each_time_gets_it,
    );
}

fn a_key_that_wants_the_pin_each_time_gets_it(place: &Place) {
    let token = place.token("Lãnh đạo");
    let mut made = Vec::new();
    for kind in [NewKeyKind::Rsa2048, NewKeyKind::P256] {
        let wish = NewKey { always_authenticate: true, ..key(&format!("{kind:?}"), &[kind as u8], kind) };
        made.push((wish.label.clone(), kind, token.generate_key(&wish).unwrap()));
    }
    assert!(token.keys().unwrap().iter().all(|key| key.always_authenticate));
    // The PIN was not kept: no key wanted it when it was given.
    let first = KeySelector::Label(made[0].0.clone());
    let scheme = SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha256);
    assert!(matches!(token.sign(&first, scheme, MESSAGE), Err(TokenError::PinNeeded)));
    token.login(place.pin(), LastTry::Refuse).unwrap();
    for (label, kind, spki) in &made {
        let scheme = match kind {
            NewKeyKind::P256 => SignatureScheme::Ecdsa(DigestAlgorithm::Sha256),
            _ => scheme,
        };
        for _ in 0..3 {
            let signature = token.sign(&KeySelector::Label(label.clone()), scheme, MESSAGE).unwrap();
            openssl_verifies(spki, scheme, MESSAGE, &signature);
        }
    }
}

#[test]
fn keys_are_named_without_doubt_on_the_built_in_token() {
    keys_are_named_without_doubt(&Place::embedded());
}

#[test]
fn keys_are_named_without_doubt_on_softhsm() {
    on_softhsm("keys_are_named_without_doubt_on_softhsm", keys_are_named_without_doubt);
}

fn keys_are_named_without_doubt(place: &Place) {
    let token = place.token("Văn thư");
    token.generate_key(&key("ký", &[1], NewKeyKind::P256)).unwrap();
    let ecdsa = SignatureScheme::Ecdsa(DigestAlgorithm::Sha256);
    let missing = token.sign(&KeySelector::Id(vec![9, 9]), ecdsa, MESSAGE).unwrap_err();
    let TokenError::NoSuchKey { wanted, found } = &missing else { panic!("{missing}") };
    assert_eq!((wanted.as_str(), found.len()), ("hex:0909", 1));
    assert!(missing.to_string().contains("“ký” (hex:01, EC P-256)"), "{missing}");
    // The same label or id is not made twice.
    assert!(token.generate_key(&key("ký", &[2], NewKeyKind::P256)).is_err());
    assert!(token.generate_key(&key("khác", &[1], NewKeyKind::P256)).is_err());
    // A scheme of another kind than the key's.
    let wrong = token.sign(
        &KeySelector::Label("ký".into()),
        SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha256),
        MESSAGE,
    );
    assert!(
        matches!(&wrong, Err(TokenError::Unusable { what, .. }) if what.contains("EC P-256")),
        "{wrong:?}"
    );
    // A handle that gave no PIN does not sign on another handle's login.
    let stranger = Token::open(&place.module, &TokenSelector::labelled("Văn thư")).unwrap();
    let refused = stranger.sign(&KeySelector::Label("ký".into()), ecdsa, MESSAGE);
    assert!(matches!(refused, Err(TokenError::NotLoggedIn)), "{refused:?}");
    // Another token beside it: then a name is needed.
    provision::init_token(&place.module, "Phòng khác", pin("87654321"), place.pin()).unwrap();
    let several = Token::open(&place.module, &TokenSelector::default());
    assert!(
        matches!(several, Err(TokenError::AmbiguousToken { ref found, .. }) if found.len() == 2),
        "{several:?}"
    );
    let absent = Token::open(&place.module, &TokenSelector::labelled("Vắng")).unwrap_err();
    assert!(matches!(&absent, TokenError::Absent { found, .. } if found.len() == 2), "{absent}");
    // A token is never made over.
    assert!(provision::init_token(&place.module, "Văn thư", pin("87654321"), place.pin()).is_err());
}

#[test]
fn certificates_are_stored_and_found_on_the_built_in_token() {
    certificates_are_stored_and_found(&Place::embedded());
}

#[test]
fn certificates_are_stored_and_found_on_softhsm() {
    on_softhsm("certificates_are_stored_and_found_on_softhsm", certificates_are_stored_and_found);
}

fn certificates_are_stored_and_found(place: &Place) {
    let Some(openssl) = support::tool("openssl") else { return };
    let token = place.token("Chứng thư");
    let (pem, private) = (place.folder.join("cert.pem"), place.folder.join("key.pem"));
    support::run(
        Command::new(openssl)
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-utf8"])
            .args(["-subj", "/CN=Nguyễn Văn Ký/C=VN", "-days", "30", "-keyout"])
            .arg(private)
            .arg("-out")
            .arg(&pem),
    );
    let certificate = kyso::x509::certificates_from_pem(&fs::read(&pem).unwrap()).unwrap().remove(0);
    token.store_certificate(&[7], "ký", &certificate).unwrap();
    // Without a login: everybody may read certificates.
    drop(token);
    let token = Token::open(&place.module, &TokenSelector::labelled("Chứng thư")).unwrap();
    let found = token.certificates().unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].id.as_slice(), found[0].label.as_str()), (&[7_u8][..], "ký"));
    assert_eq!(found[0].certificate.der(), certificate.der());
    let said = String::from_utf8(place.kyso(&["certs"], &[]).stdout).unwrap();
    assert!(said.contains("Nguyễn Văn Ký") && said.contains("hex:07"), "{said}");
    let said = String::from_utf8(place.kyso(&["certs", "--pem"], &[]).stdout).unwrap();
    let again = kyso::x509::certificates_from_pem(said.as_bytes()).unwrap();
    assert_eq!(again.iter().map(Certificate::der).collect::<Vec<_>>(), [certificate.der()]);
}

/// kryoptic counts tries and sets the flags of PKCS#11, so the rules are tried out on it for real.
#[test]
fn the_last_try_is_never_spent_unasked() {
    let place = Place::embedded();
    drop(place.token("Khóa"));
    let token = Token::open(&place.module, &TokenSelector::labelled("Khóa")).unwrap();
    let wrong = |number: u32| token.login(pin(&format!("sai-{number:05}")), LastTry::Refuse);

    assert!(matches!(wrong(0), Err(TokenError::WrongPin { .. })));
    let after_one = token.info().unwrap().pin_flags();
    // The same wrong PIN again and again costs nothing.
    for _ in 0..20 {
        assert!(matches!(wrong(0), Err(TokenError::KnownWrongPin)));
    }
    assert_eq!(token.info().unwrap().pin_flags(), after_one);

    let mut left = TriesLeft::Unknown;
    let mut spent = 1;
    while left != TriesLeft::One {
        assert!(spent < 50, "the token never warned");
        match wrong(spent) {
            Err(TokenError::WrongPin { left: said, ref code, .. }) => {
                assert_eq!(code, "CKR_PIN_INCORRECT");
                left = said;
            }
            other => panic!("{other:?}"),
        }
        spent += 1;
    }
    assert!(token.info().unwrap().pin_final_try);
    // At the last try, neither a wrong nor the right PIN is sent.
    for _ in 0..3 {
        assert!(matches!(wrong(1000), Err(TokenError::FinalTry)));
        assert!(matches!(token.login(place.pin(), LastTry::Refuse), Err(TokenError::FinalTry)));
    }
    assert!(token.info().unwrap().pin_final_try, "not locked");
    // The command line refuses as well, and says how to go on.
    let refused = place.kyso(&["show", "--login"], &[("KYSO_PIN", OsStr::new("12345678"))]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("--last-try"), "{said}");
    // Asked for, the last try is spent; with the right PIN the warnings go.
    token.login(place.pin(), LastTry::SpendIt).unwrap();
    let flags = token.info().unwrap().pin_flags();
    assert!(!flags.final_try && !flags.count_low, "{flags:?}");

    // To the end: locked is locked, whatever is asked for.
    drop(token);
    let token = Token::open(&place.module, &TokenSelector::labelled("Khóa")).unwrap();
    for number in 2000.. {
        match token.login(pin(&format!("sai-{number:05}")), LastTry::SpendIt) {
            Err(TokenError::WrongPin { left, .. }) => assert!(number < 2050, "{left:?}"),
            Err(TokenError::Locked) => break,
            other => panic!("{other:?}"),
        }
    }
    assert!(matches!(token.login(place.pin(), LastTry::SpendIt), Err(TokenError::Locked)));
    let said = String::from_utf8(place.kyso(&["list"], &[]).stdout).unwrap();
    assert!(said.contains("LOCKED"), "{said}");
}

#[test]
fn a_wrong_pin_is_tried_once_on_softhsm() {
    on_softhsm("a_wrong_pin_is_tried_once_on_softhsm", |place| {
        drop(place.token("Một lần"));
        let token = Token::open(&place.module, &TokenSelector::labelled("Một lần")).unwrap();
        let first = token.login(pin("00000000"), LastTry::Refuse).unwrap_err();
        assert!(first.to_string().starts_with("C_Login: CKR_PIN_INCORRECT: the PIN is wrong"), "{first}");
        let second = token.login(pin("00000000"), LastTry::Refuse).unwrap_err();
        assert!(matches!(second, TokenError::KnownWrongPin), "{second}");
        // Nor through another handle.
        let other = Token::open(&place.module, &TokenSelector::labelled("Một lần")).unwrap();
        assert!(matches!(other.login(pin("00000000"), LastTry::Refuse), Err(TokenError::KnownWrongPin)));
        token.login(place.pin(), LastTry::Refuse).unwrap();
        // Once in, another PIN is not tried out on the side.
        assert!(matches!(other.login(pin("11111111"), LastTry::Refuse), Err(TokenError::Unusable { .. })));
        other.login(place.pin(), LastTry::Refuse).unwrap();
    });
}

#[test]
fn softhsm_goes_and_comes_back() {
    on_softhsm("softhsm_goes_and_comes_back", |place| {
        let token = place.token("Về");
        let spki = token.generate_key(&key("ký", &[1], NewKeyKind::P256)).unwrap();
        let (scheme, named) =
            (SignatureScheme::Ecdsa(DigestAlgorithm::Sha256), KeySelector::Label("ký".into()));
        token.sign(&named, scheme, MESSAGE).unwrap();

        let tokens = place.folder.join("tokens");
        let away = place.folder.join("away");
        // Without a kept PIN: gone is said, and after the return the PIN is asked for.
        fs::rename(&tokens, &away).unwrap();
        fs::create_dir(&tokens).unwrap();
        let gone = token.sign(&named, scheme, MESSAGE);
        assert!(matches!(gone, Err(TokenError::Removed { .. })), "{gone:?}");
        fs::remove_dir(&tokens).unwrap();
        fs::rename(&away, &tokens).unwrap();
        let back = token.sign(&named, scheme, MESSAGE);
        assert!(matches!(back, Err(TokenError::LoginAgain)), "{back:?}");
        token.login_and_keep(place.pin(), LastTry::Refuse).unwrap();
        openssl_verifies(&spki, scheme, MESSAGE, &token.sign(&named, scheme, MESSAGE).unwrap());

        // With a kept PIN: it signs again by itself.
        fs::rename(&tokens, &away).unwrap();
        fs::create_dir(&tokens).unwrap();
        for _ in 0..3 {
            let gone = token.sign(&named, scheme, MESSAGE);
            assert!(matches!(gone, Err(TokenError::Removed { .. })), "{gone:?}");
        }
        fs::remove_dir(&tokens).unwrap();
        fs::rename(&away, &tokens).unwrap();
        openssl_verifies(&spki, scheme, MESSAGE, &token.sign(&named, scheme, MESSAGE).unwrap());
    });
}

#[test]
fn no_output_holds_a_pin() {
    let place = Place::embedded();
    let secret = "pin-Mật-9247-ß";
    provision::init_token(&place.module, "Kín", pin("87654321"), pin(secret)).unwrap();
    let token = Token::open(&place.module, &TokenSelector::labelled("Kín")).unwrap();
    token.login(pin(secret), LastTry::Refuse).unwrap();
    token.generate_key(&key("ký", &[1], NewKeyKind::P256)).unwrap();
    drop(token);
    let file = place.folder.join("pin");
    private_file(&file, secret);
    let wrong = format!("{secret}-sai");
    let wrong_file = place.folder.join("wrong");
    private_file(&wrong_file, &wrong);
    let (file, wrong_file) = (file.to_str().unwrap(), wrong_file.to_str().unwrap());
    let mut said = Vec::new();
    for (arguments, variables, succeeds) in [
        (&["list"][..], &[][..], true),
        (&["show", "--pin-file", file], &[], true),
        (&["show", "--pin-file", file, "--json"], &[], true),
        (&["show", "--pin-file", wrong_file], &[], false),
        (&["show", "--login"], &[("KYSO_PIN", OsStr::new(secret))][..], true),
        (&["show", "--login"], &[("KYSO_PIN", OsStr::new(&wrong))], false),
        (&["rate", "--key", "ký", "--pin-file", file, "--seconds", "1"], &[], true),
        (&["certs"], &[("KYSO_PIN", OsStr::new(secret))], true),
    ] {
        let mut variables = variables.to_vec();
        variables.push(("KYSO_LOG", OsStr::new("trace")));
        variables.push(("RUST_LOG", OsStr::new("trace")));
        variables.push(("RUST_BACKTRACE", OsStr::new("1")));
        let output = place.kyso(arguments, &variables);
        assert_eq!(
            output.status.success(),
            succeeds,
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        said.extend(output.stdout);
        said.extend(output.stderr);
    }
    let said = String::from_utf8_lossy(&said);
    for told in ["CKR_PIN_INCORRECT", "hex:01", "calling the token driver", "C_Login", "signatures/s"] {
        assert!(said.contains(told), "the runs did not say {told}: {said}");
    }
    for hidden in [secret, "Mật-9247", "pin-M", &hex::encode(secret), &format!("{:?}", secret.as_bytes())] {
        assert!(!said.contains(hidden), "{hidden} is in:\n{said}");
    }
}

#[test]
fn a_pin_file_that_others_may_read_is_refused_in_words() {
    let place = Place::embedded();
    drop(place.token("Tệp"));
    let file = place.folder.join("pin");
    fs::write(&file, "12345678").unwrap();
    set_mode(&file, 0o644);
    let refused = place.kyso(&["show", "--pin-file", file.to_str().unwrap()], &[]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("chmod 600"), "{said}");
    set_mode(&file, 0o600);
    let output = place.kyso(&["show", "--pin-file", file.to_str().unwrap()], &[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // A PIN as an argument does not exist.
    let refused = place.kyso(&["show", "--pin", "12345678"], &[]);
    assert!(!refused.status.success());
}

#[test]
fn a_pin_comes_through_a_pipe() {
    let place = Place::embedded();
    drop(place.token("Ống"));
    let mut child = place
        .command(&["show", "--pin-fd", "0", "--json"], &[])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"12345678\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(value["label"], "Ống");
    assert_eq!(value["keys"], serde_json::json!([]));
}

/// The environment of a process is open to every program of the same user.
#[cfg(target_os = "linux")]
#[test]
fn the_variable_with_the_pin_is_wiped_at_once() {
    let place = Place::embedded();
    drop(place.token("Biến"));
    let variables = [("KYSO_PIN", OsStr::new("12345678")), ("KYSO_MARK", OsStr::new("still-here"))];
    // Waits for a PIN on a pipe, and does not need the variable.
    let mut child = place
        .command(&["show", "--pin-fd", "0"], &variables)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let environment = format!("/proc/{}/environ", child.id());
    let mut seen = Vec::new();
    for _ in 0..500 {
        seen = fs::read(&environment).unwrap();
        let holds = |text: &str| seen.windows(text.len()).any(|part| part == text.as_bytes());
        if holds("still-here") && !holds("12345678") {
            break;
        }
        thread::sleep(Duration::from_millis(10));
    }
    drop(child.stdin.take());
    child.wait().unwrap();
    let seen = String::from_utf8_lossy(&seen);
    assert!(seen.contains("still-here") && !seen.contains("12345678"), "{seen}");
}

#[test]
fn modules_that_are_none_are_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text.so");
    fs::write(&text, "this is no library, though its name says so. ".repeat(20)).unwrap();
    for (path, hint) in [
        (folder.path().join("absent.so"), "Check the path"),
        (text, "not a shared library"),
        // A library that is there on every machine that runs this, and is no PKCS#11 module.
        (PathBuf::from("libm.so.6"), "not a PKCS#11 module"),
    ] {
        let error = Token::list(&Module::Path(path)).unwrap_err();
        assert!(matches!(error, TokenError::Module { .. }), "{error}");
        assert!(error.to_string().contains(hint), "{error}");
    }
}

// The driver that misbehaves on purpose.

#[test]
fn a_driver_that_hangs_costs_a_typed_error() {
    on_our_driver("a_driver_that_hangs_costs_a_typed_error", |driver| {
        let token = Token::open_with_deadline(
            &driver.module,
            &TokenSelector::labelled("thu"),
            Duration::from_secs(3),
        )
        .unwrap();
        token.login(pin("1234"), LastTry::Refuse).unwrap();
        driver.tell("hang C_Sign");
        let hung = driver.sign(&token);
        assert!(
            matches!(&hung, Err(TokenError::Timeout { function, .. }) if function == "C_Sign"),
            "{hung:?}"
        );
        let next = driver.sign(&token);
        assert!(matches!(&next, Err(TokenError::Stuck { function }) if function == "C_Sign"), "{next:?}");
        driver.tell("");
        driver.signs_again(&token);
    });
}

#[test]
fn flags_are_read_before_each_login() {
    on_our_driver("flags_are_read_before_each_login", |driver| {
        let token = Token::open(&driver.module, &TokenSelector::labelled("thu")).unwrap();
        for (flags, last_try, expected, logins) in [
            ("locked", LastTry::SpendIt, "locked", 0),
            ("locked", LastTry::Refuse, "locked", 0),
            ("final", LastTry::Refuse, "final", 0),
            ("final", LastTry::SpendIt, "ok", 1),
        ] {
            driver.tell(flags);
            let before = driver.logins();
            let answer = match token.login(pin("1234"), last_try) {
                Ok(()) => "ok",
                Err(TokenError::FinalTry) => "final",
                Err(TokenError::Locked) => "locked",
                Err(error) => panic!("{error}"),
            };
            assert_eq!((answer, driver.logins() - before), (expected, logins), "{flags} {last_try:?}");
        }
    });
}

#[test]
fn a_token_pulled_out_between_calls_is_found_again_and_logged_in_once() {
    on_our_driver("a_token_pulled_out_between_calls_is_found_again_and_logged_in_once", |driver| {
        let token = Token::open(&driver.module, &TokenSelector::labelled("thu")).unwrap();
        token.login_and_keep(pin("1234"), LastTry::Refuse).unwrap();
        driver.sign(&token).unwrap();
        assert_eq!(driver.logins(), 1);
        // Away: no login is tried, however often it is asked.
        driver.tell("away");
        for _ in 0..5 {
            let gone = driver.sign(&token);
            assert!(matches!(&gone, Err(TokenError::Removed { .. })), "{gone:?}");
        }
        assert_eq!(driver.logins(), 1);
        // Back, with its sessions dead: one login, and the signature.
        driver.tell("");
        driver.sign(&token).unwrap();
        driver.sign(&token).unwrap();
        assert_eq!(driver.logins(), 2);
        // Back with a token that warns: the kept PIN is not spent on it.
        driver.tell("away");
        assert!(driver.sign(&token).is_err());
        driver.tell("final");
        let refused = driver.sign(&token);
        assert!(matches!(refused, Err(TokenError::FinalTry)), "{refused:?}");
        assert_eq!(driver.logins(), 2);
    });
}

#[test]
fn a_pin_that_was_changed_meanwhile_is_sent_once() {
    on_our_driver("a_pin_that_was_changed_meanwhile_is_sent_once", |driver| {
        let token = Token::open(&driver.module, &TokenSelector::labelled("thu")).unwrap();
        token.login_and_keep(pin("1234"), LastTry::Refuse).unwrap();
        driver.tell("away");
        assert!(driver.sign(&token).is_err());
        driver.tell("otherpin");
        let wrong = driver.sign(&token);
        assert!(matches!(wrong, Err(TokenError::WrongPin { .. })), "{wrong:?}");
        assert_eq!(driver.logins(), 2);
        for _ in 0..5 {
            assert!(driver.sign(&token).is_err());
            assert!(matches!(token.login(pin("1234"), LastTry::Refuse), Err(TokenError::KnownWrongPin)));
        }
        assert_eq!(driver.logins(), 2);
        token.login(pin("9999"), LastTry::Refuse).unwrap();
        driver.sign(&token).unwrap();
        assert_eq!(driver.logins(), 3);
    });
}

#[test]
fn a_login_that_fails_oddly_is_not_repeated() {
    on_our_driver("a_login_that_fails_oddly_is_not_repeated", |driver| {
        let token = Token::open(&driver.module, &TokenSelector::labelled("thu")).unwrap();
        driver.tell("odd");
        // The right PIN, and no flag says that a try was spent: it may be given again, by the person only.
        assert!(token.login(pin("1234"), LastTry::Refuse).is_err());
        assert_eq!(driver.logins(), 1);
        // A wrong PIN under an odd code: the flag tells.
        let wrong = token.login(pin("0000"), LastTry::Refuse);
        assert!(
            matches!(&wrong, Err(TokenError::WrongPin { code, .. }) if code == "CKR_DEVICE_ERROR"),
            "{wrong:?}"
        );
        assert!(matches!(token.login(pin("0000"), LastTry::Refuse), Err(TokenError::KnownWrongPin)));
        assert_eq!(driver.logins(), 2);
        driver.tell("");
        token.login_and_keep(pin("1234"), LastTry::Refuse).unwrap();
        assert_eq!(driver.logins(), 3);
        // A kept PIN is sent once to a token that came back ill, and then no more.
        driver.tell("away");
        assert!(driver.sign(&token).is_err());
        driver.tell("odd");
        for _ in 0..5 {
            assert!(driver.sign(&token).is_err());
        }
        assert_eq!(driver.logins(), 4);
    });
}

#[test]
fn a_silent_return_without_login_is_noticed() {
    on_our_driver("a_silent_return_without_login_is_noticed", |driver| {
        let token = Token::open(&driver.module, &TokenSelector::labelled("thu")).unwrap();
        token.login_and_keep(pin("1234"), LastTry::Refuse).unwrap();
        // Some drivers keep the session's number over an unplugging, and only the login is gone.
        driver.tell("forget");
        driver.tell("");
        driver.sign(&token).unwrap();
        assert_eq!(driver.logins(), 2);
    });
}

#[test]
fn a_driver_that_calls_itself_by_name_does_not_reach_ours() {
    on_our_driver("a_driver_that_calls_itself_by_name_does_not_reach_ours", |driver| {
        // Its C_Initialize fails when its own C_GetFunctionList turns out to be another's.
        assert_eq!(Token::list(&driver.module).unwrap()[0].label, "thu");
    });
}

/// A token to try things on.
struct Place {
    module: Module,
    folder: PathBuf,
    /// For programs that are to see the same token.
    variable: Option<(&'static str, PathBuf)>,
    _own: Option<tempfile::TempDir>,
}

impl Place {
    fn embedded() -> Self {
        let own = tempfile::tempdir().unwrap();
        let folder = own.path().canonicalize().unwrap();
        Self { module: Module::Embedded(folder.join("token")), folder, variable: None, _own: Some(own) }
    }

    /// The PIN of [`Place::token`].
    fn pin(&self) -> Pin {
        pin("12345678")
    }

    /// A fresh token, logged in.
    fn token(&self, label: &str) -> Token {
        provision::init_token(&self.module, label, pin("87654321"), self.pin()).unwrap();
        let token = Token::open(&self.module, &TokenSelector::labelled(label)).unwrap();
        token.login(self.pin(), LastTry::Refuse).unwrap();
        token
    }

    /// `kyso token ARGUMENTS --module …`.
    fn kyso(&self, arguments: &[&str], variables: &[(&str, &OsStr)]) -> Output {
        self.command(arguments, variables).stdin(Stdio::null()).output().unwrap()
    }

    fn command(&self, arguments: &[&str], variables: &[(&str, &OsStr)]) -> Command {
        let module = match &self.module {
            Module::Embedded(folder) => {
                let mut name = OsString::from("embedded:");
                name.push(folder);
                name
            }
            Module::Path(path) => path.clone().into_os_string(),
        };
        let mut command = Command::new(env!("CARGO_BIN_EXE_kyso"));
        command.arg("token").args(arguments).arg("--module").arg(module);
        command.env_remove("KYSO_PIN").envs(variables.iter().copied());
        if let Some((name, value)) = &self.variable {
            command.env(name, value);
        }
        command
    }
}

/// Runs `body` with a SoftHSM of its own, in a process of its own.
fn on_softhsm(test: &str, body: impl FnOnce(&Place)) {
    let Some(folder) = inside() else {
        let own = tempfile::tempdir().unwrap();
        let Some(softhsm) = SoftHsm::prepare(own.path()).unwrap() else {
            return support::skip("SoftHSM is not installed");
        };
        let (name, value) = softhsm.variable();
        return apart(test, own.path(), &[(name, value.as_os_str())]);
    };
    let softhsm = SoftHsm::prepare(&folder).unwrap().unwrap();
    assert!(softhsm.is_entered());
    let (name, value) = softhsm.variable();
    let variable = Some((name, value.to_owned()));
    body(&Place { module: softhsm.module(), folder, variable, _own: None });
}

/// The driver of `token_module.c`, whose behaviour is told to it in a file.
struct OurDriver {
    module: Module,
    folder: PathBuf,
}

impl OurDriver {
    /// Changes how the driver behaves from now on.
    fn tell(&self, behaviour: &str) {
        let fresh = self.folder.join("behaviour.new");
        fs::write(&fresh, behaviour).unwrap();
        fs::rename(fresh, self.folder.join("behaviour")).unwrap();
        if behaviour == "away" || behaviour == "forget" {
            // The driver looks at the file in each call: let it see this one.
            let _ = Token::list(&self.module);
        }
    }

    /// How often `C_Login` was called.
    fn logins(&self) -> u64 {
        fs::read(self.folder.join("logins")).map_or(0, |calls| calls.len() as u64)
    }

    /// Waits until a driver that hung has come back.
    fn signs_again(&self, token: &Token) {
        let mut answer = self.sign(token);
        for _ in 0..1000 {
            if answer.is_ok() {
                break;
            }
            thread::sleep(Duration::from_millis(20));
            answer = self.sign(token);
        }
        answer.unwrap();
    }

    fn sign(&self, token: &Token) -> Result<Vec<u8>, TokenError> {
        let scheme = SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha256);
        token.sign(&KeySelector::Label("ky".into()), scheme, MESSAGE)
    }
}

/// Runs `body` with the driver of our own, in a process of its own.
fn on_our_driver(test: &str, body: impl FnOnce(&OurDriver)) {
    let Some(folder) = inside() else {
        let Some(compiler) = support::tool("cc") else { return };
        let own = tempfile::tempdir().unwrap();
        support::run(
            Command::new(compiler)
                .args(["-shared", "-fPIC", "-O1", "-o"])
                .arg(own.path().join("module.so"))
                .arg(support::root().join("tests/it/token_module.c")),
        );
        return apart(test, own.path(), &[("KYSO_TEST_MODULE", own.path().as_os_str())]);
    };
    body(&OurDriver { module: Module::Path(folder.join("module.so")), folder });
}

/// Runs one test of this binary in a process of its own, with variables that the process has from its start.
fn apart(test: &str, folder: &Path, variables: &[(&str, &OsStr)]) {
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", &format!("token::{test}"), "--nocapture"])
        .env(APART, folder)
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed"), "no test of this name: {said}");
}

/// In a process of [`apart`], the folder that is its own.
fn inside() -> Option<PathBuf> {
    env::var_os(APART).map(|folder| PathBuf::from(folder).canonicalize().unwrap())
}

const APART: &str = "KYSO_TEST_APART";

fn key(label: &str, id: &[u8], kind: NewKeyKind) -> NewKey {
    NewKey { label: label.to_owned(), id: id.to_vec(), kind, always_authenticate: false }
}

fn pin(text: &str) -> Pin {
    Pin::new(text.as_bytes().to_vec())
}

fn private_file(path: &Path, content: &str) {
    fs::write(path, content).unwrap();
    set_mode(path, 0o600);
}

fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// OpenSSL, which knows nothing of kyso, accepts the signature, and refuses it over another message.
fn openssl_verifies(spki: &[u8], scheme: SignatureScheme, message: &[u8], signature: &[u8]) {
    let Some(openssl) = support::tool("openssl") else { return };
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("spki.der"), spki).unwrap();
    fs::write(at("signature"), signature).unwrap();
    fs::write(at("message"), message).unwrap();
    fs::write(at("other"), [message, b"."].concat()).unwrap();
    let (digest, salt) = match scheme {
        SignatureScheme::Ecdsa(digest) | SignatureScheme::RsaPkcs1(digest) => (digest, None),
        SignatureScheme::RsaPss { digest, salt_len } => (digest, Some(salt_len)),
        SignatureScheme::Ed25519 | SignatureScheme::RsaPssMixed { .. } => panic!("no token makes {scheme:?}"),
    };
    for (name, accepted) in [("message", true), ("other", false)] {
        let mut command = Command::new(&openssl);
        command.args(["dgst", &format!("-{}", digest.name().replace('-', "").to_lowercase())]);
        command
            .arg("-verify")
            .arg(at("spki.der"))
            .args(["-keyform", "DER"])
            .arg("-signature")
            .arg(at("signature"));
        if let Some(salt) = salt {
            command.args(["-sigopt", "rsa_padding_mode:pss", "-sigopt", &format!("rsa_pss_saltlen:{salt}")]);
        }
        let output = command.arg(at(name)).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(
            output.status.success() && said.contains("Verified OK"),
            accepted,
            "{scheme:?}: {said}{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
