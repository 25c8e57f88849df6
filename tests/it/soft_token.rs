//! A software token with one key, for whoever signs by the command line.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use kyso::{
    base::Pin,
    token::{
        LastTry, Module, Token, TokenSelector,
        provision::{self, NewKey, NewKeyKind},
        softhsm::SoftHsm,
    },
};

use crate::support::{run, tool};

pub(crate) const PIN: &str = "81726354";
pub(crate) const LABEL: &str = "ban ky";

/// A token labelled [`LABEL`] whose key has the id 07.
pub(crate) struct SoftToken {
    /// As `--module` takes it.
    pub(crate) module: String,
    /// The key's SubjectPublicKeyInfo.
    pub(crate) spki: Vec<u8>,
    /// What `SOFTHSM2_CONF` has to say.
    pub(crate) softhsm: Option<PathBuf>,
}

impl SoftToken {
    /// A fresh token of the built-in module, under `folder`.
    pub(crate) fn embedded(folder: &Path, kind: NewKeyKind) -> Self {
        let tokens = folder.join("tokens");
        fs::create_dir(&tokens).unwrap();
        let module = Module::Embedded(tokens.clone());
        let pin = |text: &str| Pin::new(text.as_bytes().to_vec());
        provision::init_token(&module, LABEL, pin("12345678"), pin(PIN)).unwrap();
        let token = Token::open(&module, &TokenSelector::labelled(LABEL)).unwrap();
        token.login(pin(PIN), LastTry::Refuse).unwrap();
        let key = NewKey { label: "khoa".to_owned(), id: vec![7], kind, always_authenticate: false };
        let spki = token.generate_key(&key).unwrap();
        Self { module: format!("embedded:{}", tokens.display()), spki, softhsm: None }
    }

    /// A fresh SoftHSM token under `folder`, its key made by tools that are not ours.
    pub(crate) fn softhsm(folder: &Path, kind: NewKeyKind) -> Option<Self> {
        let (util, openssl) = (tool("softhsm2-util")?, tool("openssl")?);
        let softhsm = SoftHsm::prepare(folder).unwrap()?;
        let (name, value) = softhsm.variable();
        let Module::Path(library) = softhsm.module() else { return None };
        let algorithm = match kind {
            NewKeyKind::P256 => ["EC", "ec_paramgen_curve:P-256"],
            NewKeyKind::P384 => ["EC", "ec_paramgen_curve:P-384"],
            NewKeyKind::Rsa2048 => ["RSA", "rsa_keygen_bits:2048"],
            NewKeyKind::Rsa3072 => ["RSA", "rsa_keygen_bits:3072"],
            NewKeyKind::Rsa4096 => ["RSA", "rsa_keygen_bits:4096"],
        };
        let init = ["--init-token", "--free", "--label", LABEL, "--so-pin", "12345678", "--pin", PIN];
        run(Command::new(&util).args(init).env(name, value));
        // Debian's pkcs11-tool cannot read the public key of an EC pair back, so the pair is brought in instead.
        let (private, public) = (folder.join("private.pem"), folder.join("public.der"));
        let mut make = Command::new(&openssl);
        make.args(["genpkey", "-algorithm", algorithm[0], "-pkeyopt", algorithm[1], "-out"]).arg(&private);
        run(&mut make);
        let mut read = Command::new(&openssl);
        run(read.args(["pkey", "-pubout", "-outform", "DER", "-in"]).arg(&private).arg("-out").arg(&public));
        let mut bring = Command::new(&util);
        bring.arg("--import").arg(&private).args(["--token", LABEL, "--label", "khoa", "--id", "07"]);
        run(bring.args(["--pin", PIN]).env(name, value));
        fs::remove_file(private).unwrap();
        let spki = fs::read(public).unwrap();
        Some(Self { module: library.display().to_string(), spki, softhsm: Some(value.to_owned()) })
    }
}
