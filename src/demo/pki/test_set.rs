//! The certificates of `certs-test/`: good ones, and one for each way of being bad.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use super::{
    AuthorityRequest, CertificateAuthority, CertificateRequest, Holder, KeyAlgorithm, PkiError, Profile,
    SigningKey, key::pem, years_after,
};
use crate::{
    base::{Chance, UtcTime},
    x509::Certificate,
};

/// Everything that is written, in the order of the README.
#[derive(Debug)]
pub struct TestSet {
    entries: Vec<Entry>,
    lists: Vec<(String, Vec<u8>)>,
    at: UtcTime,
}

/// One certificate.
#[derive(Debug)]
struct Entry {
    /// The name of its files.
    name: String,
    /// The name of its issuer's files.
    issuer: String,
    /// What of it is wrong, or `good`.
    state: &'static str,
    purpose: &'static str,
    certificate: Certificate,
    /// PKCS#8.
    key: SigningKey,
}

impl TestSet {
    /// Makes fresh keys and certificates. Those that are good are so for twenty years from `at` on; the CAs are older.
    ///
    /// # Errors
    ///
    /// When no keys can be made.
    pub fn generate(at: UtcTime, chance: &Chance) -> Result<Self, PkiError> {
        Maker { at, chance, entries: Vec::new(), lists: Vec::new() }.make()
    }

    /// Writes certificates (`*.crt.pem`), keys (`*.key.pem`, for the owner's eyes only), revocation lists (`*.crl`),
    /// `index.json` and `README.md` into `folder`, which is made when it is not there. Other files stay.
    ///
    /// # Errors
    ///
    /// When a file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), PkiError> {
        let file = |name: &str, mode: u32, bytes: &[u8]| {
            let path = folder.join(name);
            replace(&path, mode, bytes)
                .map_err(|source| PkiError::File { path: path.display().to_string(), source })
        };
        fs::create_dir_all(folder)
            .map_err(|source| PkiError::File { path: folder.display().to_string(), source })?;
        for entry in &self.entries {
            file(&format!("{}.crt.pem", entry.name), 0o644, entry.certificate.to_pem().as_bytes())?;
            file(&format!("{}.key.pem", entry.name), 0o600, entry.key.to_pem().as_bytes())?;
        }
        for (name, list) in &self.lists {
            file(&format!("{name}.crl"), 0o644, list)?;
            file(&format!("{name}.crl.pem"), 0o644, pem("X509 CRL", list).as_bytes())?;
        }
        file("index.json", 0o644, self.index().as_bytes())?;
        file("README.md", 0o644, self.readme().as_bytes())
    }

    /// How many certificates there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn index(&self) -> String {
        let certificates: Vec<serde_json::Value> = self
            .entries
            .iter()
            .map(|entry| {
                serde_json::json!({
                    "name": entry.name,
                    "issuer": entry.issuer,
                    "state": entry.state,
                    "purpose": entry.purpose,
                    "certificate": format!("{}.crt.pem", entry.name),
                    "key": format!("{}.key.pem", entry.name),
                    "subject": entry.certificate.subject().to_string(),
                    "serial": entry.certificate.serial_hex(),
                    "notBefore": entry.certificate.not_before().to_string(),
                    "notAfter": entry.certificate.not_after().to_string(),
                    "sha256": entry.certificate.sha256().to_hex(),
                })
            })
            .collect();
        let lists: Vec<String> = self.lists.iter().map(|(name, _)| format!("{name}.crl")).collect();
        let index =
            serde_json::json!({ "at": self.at.to_string(), "certificates": certificates, "crls": lists });
        format!("{index:#}\n")
    }

    fn readme(&self) -> String {
        let mut text = README_HEAD.replace("{at}", &self.at.to_string());
        for entry in &self.entries {
            let Entry { name, issuer, state, purpose, .. } = entry;
            text.push_str(&format!("| `{name}` | `{issuer}` | {state} | {purpose} |\n"));
        }
        text.push_str(README_TAIL);
        text
    }
}

struct Maker<'a> {
    at: UtcTime,
    chance: &'a Chance,
    entries: Vec<Entry>,
    lists: Vec<(String, Vec<u8>)>,
}

impl Maker<'_> {
    fn make(mut self) -> Result<TestSet, PkiError> {
        let root = CertificateAuthority::root(
            &self.authority("root", "RootCA thử nghiệm kyso", KeyAlgorithm::EcP384),
            self.chance,
        )?;
        self.add_authority(&root, "root", "good", "the trust anchor (ECDSA P-384)")?;

        let rsa = root.subordinate(
            &self.authority("ca-rsa", "CA thử nghiệm phục vụ các cơ quan Nhà nước", KeyAlgorithm::Rsa3072),
            Profile::Authority { path_len: Some(0) },
        )?;
        self.add_authority(
            &rsa,
            "root",
            "good",
            "the CA of most others (RSA-3072), the shape seen in the field",
        )?;
        self.signers_under_rsa(&rsa)?;

        let ec = root.subordinate(
            &self.authority("ca-ec", "CA thử nghiệm ECDSA", KeyAlgorithm::EcP384),
            Profile::Authority { path_len: Some(0) },
        )?;
        self.add_authority(&ec, "root", "good", "a CA of ECDSA P-384, so that RSA need not occur at all")?;
        self.signers_under_ec(&ec)?;

        self.false_authorities(&root)?;

        let listed = self.at + LISTED_AFTER;
        for authority in [&root, &rsa, &ec] {
            let list = authority.crl(listed, years_after(self.at, 20))?;
            self.lists.push((authority.slug().to_owned(), list));
        }
        Ok(TestSet { entries: self.entries, lists: self.lists, at: self.at })
    }

    fn signers_under_rsa(&mut self, ca: &CertificateAuthority) -> Result<(), PkiError> {
        use KeyAlgorithm::{EcP256, Rsa2048, Rsa3072};

        let an = person("Nguyễn Văn An", "an.nguyenvan@cantho.example");
        let good = self.good();
        self.signer(ca, "person-rsa2048", "good", "a leader with an older token", &an, Rsa2048, good)?;
        self.signer(ca, "person-rsa3072", "good", "a leader with a newer token", &an, Rsa3072, good)?;
        self.signer(
            ca,
            "agency-rsa3072",
            "good",
            "the agency, whose key the clerk keeps",
            &agency(),
            Rsa3072,
            good,
        )?;

        let binh = person("Trần Thị Bình", "binh.tranthi@cantho.example");
        let serial = self.signer(
            ca,
            "person-revoked",
            "revoked",
            "revoked a month after `at`: keyCompromise",
            &binh,
            EcP256,
            good,
        )?;
        ca.revoke(&serial, self.at + REVOKED_AFTER, Some(KEY_COMPROMISE))?;
        let serial = self.signer(
            ca,
            "person-superseded",
            "revoked",
            "revoked a month after `at`: superseded, so that earlier signatures stay good",
            &binh,
            EcP256,
            good,
        )?;
        ca.revoke(&serial, self.at + REVOKED_AFTER, Some(SUPERSEDED))?;
        let serial = self.signer(
            ca,
            "person-on-hold",
            "on hold",
            "suspended a month after `at`: certificateHold",
            &binh,
            EcP256,
            good,
        )?;
        ca.revoke(&serial, self.at + REVOKED_AFTER, Some(CERTIFICATE_HOLD))?;

        let past = (years_after(self.at, -6), years_after(self.at, -3));
        self.signer(ca, "person-expired", "expired", "ended three years before `at`", &binh, EcP256, past)?;
        let future = (years_after(self.at, 18), years_after(self.at, 20));
        self.signer(
            ca,
            "person-not-yet-valid",
            "not yet valid",
            "begins 18 years after `at`",
            &binh,
            EcP256,
            future,
        )?;
        self.issue(
            ca,
            "person-wrong-key-usage",
            "bad",
            "keyUsage allows to encrypt, not to sign",
            &binh,
            EcP256,
            good,
            Profile::SignerWithoutSigning,
        )?;
        self.issue(
            ca,
            "person-unknown-critical",
            "bad",
            "has a critical extension that nobody knows",
            &binh,
            EcP256,
            good,
            Profile::SignerWithUnknownCritical,
        )?;

        let tsa = service("Dấu thời gian thử nghiệm kyso");
        self.issue(
            ca,
            "tsa-rsa2048",
            "good",
            "a time-stamp authority: critical EKU timeStamping only",
            &tsa,
            Rsa2048,
            good,
            Profile::TimeStamping,
        )?;
        self.issue(
            ca,
            "tsa-wrong-eku",
            "bad",
            "timeStamping not critical and among other purposes (RFC 3161 section 2.3 forbids it)",
            &tsa,
            EcP256,
            good,
            Profile::TimeStampingAmongOthers,
        )?;
        self.issue(
            ca,
            "ocsp-rsa2048",
            "good",
            "a delegated OCSP responder of `ca-rsa`, with ocsp-nocheck",
            &service("OCSP thử nghiệm kyso"),
            Rsa2048,
            good,
            Profile::OcspResponder,
        )?;
        Ok(())
    }

    fn signers_under_ec(&mut self, ca: &CertificateAuthority) -> Result<(), PkiError> {
        use KeyAlgorithm::{EcP256, EcP384};

        let an = person("Nguyễn Văn An", "an.nguyenvan@cantho.example");
        let good = self.good();
        self.signer(ca, "person-p256", "good", "a leader with an ECDSA token", &an, EcP256, good)?;
        self.signer(ca, "person-p384", "good", "a leader with an ECDSA token", &an, EcP384, good)?;
        self.signer(ca, "agency-p256", "good", "the agency", &agency(), EcP256, good)?;
        let serial = self.signer(
            ca,
            "agency-p256-revoked",
            "revoked",
            "revoked a month after `at`: cessationOfOperation",
            &agency(),
            EcP256,
            good,
        )?;
        ca.revoke(&serial, self.at + REVOKED_AFTER, Some(CESSATION_OF_OPERATION))?;
        self.issue(
            ca,
            "tsa-p256",
            "good",
            "a time-stamp authority",
            &service("Dấu thời gian thử nghiệm kyso"),
            EcP256,
            good,
            Profile::TimeStamping,
        )?;
        self.issue(
            ca,
            "ocsp-p256",
            "good",
            "a delegated OCSP responder of `ca-ec`",
            &service("OCSP thử nghiệm kyso"),
            EcP256,
            good,
            Profile::OcspResponder,
        )?;
        Ok(())
    }

    fn false_authorities(&mut self, root: &CertificateAuthority) -> Result<(), PkiError> {
        let an = person("Nguyễn Văn An", "an.nguyenvan@cantho.example");
        let good = self.good();
        let unmarked = root.subordinate(
            &self.authority("ca-unmarked", "CA thử nghiệm không có basicConstraints", KeyAlgorithm::EcP256),
            Profile::AuthorityWithoutConstraints,
        )?;
        self.add_authority(
            &unmarked,
            "root",
            "bad",
            "no basicConstraints, so no CA: nothing below it is good",
        )?;
        self.signer(
            &unmarked,
            "person-under-unmarked",
            "bad",
            "its issuer is no CA",
            &an,
            KeyAlgorithm::EcP256,
            good,
        )?;

        let too_deep = self.authority("ca-too-deep", "CA thử nghiệm quá sâu", KeyAlgorithm::EcP256);
        let middle = root.subordinate(
            &self.authority("ca-end", "CA thử nghiệm cấp cuối", KeyAlgorithm::EcP256),
            Profile::Authority { path_len: Some(0) },
        )?;
        self.add_authority(&middle, "root", "good", "a CA that allows no CA below it (pathLenConstraint 0)")?;
        let deep = middle.subordinate(&too_deep, Profile::Authority { path_len: None })?;
        self.add_authority(&deep, "ca-end", "bad", "a CA where its issuer allows none")?;
        self.signer(
            &deep,
            "person-too-deep",
            "bad",
            "the path above it is too long",
            &an,
            KeyAlgorithm::EcP256,
            good,
        )?;

        let impostor = CertificateAuthority::root(
            &self.authority("impostor-root", "RootCA thử nghiệm kyso", KeyAlgorithm::EcP384),
            self.chance,
        )?;
        self.add_authority(&impostor, "impostor-root", "bad", "the name of `root` with another key")?;
        self.signer(
            &impostor,
            "person-under-impostor",
            "bad",
            "issued by the impostor",
            &an,
            KeyAlgorithm::EcP256,
            good,
        )?;
        Ok(())
    }

    fn authority<'n>(
        &self,
        slug: &'n str,
        common_name: &'n str,
        algorithm: KeyAlgorithm,
    ) -> AuthorityRequest<'n> {
        let (before, after) = if slug.contains("root") { (-10, 30) } else { (-8, 22) };
        AuthorityRequest {
            slug,
            common_name,
            algorithm,
            not_before: years_after(self.at, before),
            not_after: years_after(self.at, after),
            base_url: Some(BASE_URL),
        }
    }

    fn add_authority(
        &mut self,
        authority: &CertificateAuthority,
        issuer: &str,
        state: &'static str,
        purpose: &'static str,
    ) -> Result<(), PkiError> {
        self.entries.push(Entry {
            name: authority.slug().to_owned(),
            issuer: issuer.to_owned(),
            state,
            purpose,
            certificate: authority.certificate().clone(),
            key: SigningKey::from_pkcs8(authority.key().pkcs8_der())?,
        });
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "a row of the table above")]
    fn signer(
        &mut self,
        ca: &CertificateAuthority,
        name: &'static str,
        state: &'static str,
        purpose: &'static str,
        holder: &Holder,
        algorithm: KeyAlgorithm,
        validity: (UtcTime, UtcTime),
    ) -> Result<Vec<u8>, PkiError> {
        self.issue(ca, name, state, purpose, holder, algorithm, validity, Profile::Signer)
    }

    #[expect(clippy::too_many_arguments, reason = "a row of the table above")]
    fn issue(
        &mut self,
        ca: &CertificateAuthority,
        name: &'static str,
        state: &'static str,
        purpose: &'static str,
        holder: &Holder,
        algorithm: KeyAlgorithm,
        (not_before, not_after): (UtcTime, UtcTime),
        profile: Profile,
    ) -> Result<Vec<u8>, PkiError> {
        let key = SigningKey::generate(algorithm)?;
        let spki_der = key.spki_der();
        let certificate =
            ca.issue(&CertificateRequest { holder, spki_der, profile, not_before, not_after })?;
        let serial = certificate.serial().to_vec();
        let (name, issuer) = (name.to_owned(), ca.slug().to_owned());
        self.entries.push(Entry { name, issuer, state, purpose, certificate, key });
        Ok(serial)
    }

    fn good(&self) -> (UtcTime, UtcTime) {
        (self.at, years_after(self.at, 20))
    }
}

fn person(name: &str, email: &str) -> Holder {
    Holder::new(name).in_unit("Sở Nội vụ").in_unit("Văn phòng").with_email(email)
}

fn agency() -> Holder {
    Holder::new("Sở Nội vụ thành phố Cần Thơ").with_email("sonoivu@cantho.example")
}

fn service(name: &str) -> Holder {
    Holder::new(name).of("Ban thử nghiệm kyso", "Hà Nội")
}

/// Writes a file anew beside its place, then moves it there: never a key under an older file's looser mode.
fn replace(path: &Path, mode: u32, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let _ = fs::remove_file(&beside);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

/// CRLReason codes (RFC 5280 section 5.3.1).
const KEY_COMPROMISE: u8 = 1;
const SUPERSEDED: u8 = 4;
const CESSATION_OF_OPERATION: u8 = 5;
const CERTIFICATE_HOLD: u8 = 6;

/// Revocations come after `at`, and the lists after them.
const REVOKED_AFTER: jiff::SignedDuration = jiff::SignedDuration::from_hours(31 * 24);
const LISTED_AFTER: jiff::SignedDuration = jiff::SignedDuration::from_hours(59 * 24);

/// Nobody answers there: a top-level domain for examples (RFC 2606).
const BASE_URL: &str = "http://pki.kyso.example";

const README_HEAD: &str = "\
# Test certificates

Made by `./dev certs` (`kyso pki --out certs-test --at {at}`) with fresh keys each time. The keys lie here for everyone
to read: **nothing here proves anything about anyone**. Never put `root.crt.pem` on a list of trusted roots outside of
a test.

- `NAME.crt.pem` certificate, `NAME.key.pem` its PKCS#8 key, `NAME.crl` and `NAME.crl.pem` the revocation list of a CA.
- `index.json` says the same as the table below, for programs.
- `at` is {at}. Good signers are valid from then on for twenty years, the CAs from earlier and for longer. The lists
  were made 59 days after `at`, when all revocations had happened, and are good for as long as the signers.
- The addresses inside (`http://pki.kyso.example/…`) lead nowhere. Tests hand the lists over, or sign OCSP answers with
  the responders' keys.

| Name | Issuer | State | What it is for |
|---|---|---|---|
";

const README_TAIL: &str = "
Names and extensions are shaped like those of the public-duty CA: C=VN, L, O, OU, CN, E; the address also in
subjectAltName; keyUsage with digitalSignature and nonRepudiation; extended key usage with `2.16.704.1.1.1.1.1`.
Persons and agencies differ in nothing but their names.
";
