//! Configuration: `kyso.toml` and `KYSO_…` variables.
//!
//! A variable overrides the file; two underscores stand for a dot: `KYSO_HTTP__LISTEN=0.0.0.0:8443` is
//! `listen` of `[http]`. Relative paths are relative to the folder of the file. `docs/kyso.toml` shows every setting.

use std::{
    net::SocketAddr,
    num::NonZero,
    path::{Path, PathBuf},
};

use figment::{
    Figment,
    providers::{Env, Format, Toml},
};
use serde::{Deserialize, Deserializer, de::Error as _};

use crate::{
    base::{DigestAlgorithm, Limits},
    fetch::{PrivateHost, PrivateHostError},
    token,
    validation::{Level, Policy},
};

/// Everything that `kyso serve` is told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where to listen, and how.
    #[serde(default)]
    pub http: Http,
    /// Rows and document bytes.
    pub store: Store,
    /// Who is believed when a certificate is judged.
    #[serde(default)]
    pub trust: Trust,
    /// How evidence is fetched.
    #[serde(default)]
    pub fetch: Fetch,
    /// The time-stamp authorities in the order in which they are asked; without any, signatures are of level B-B.
    #[serde(default, deserialize_with = "one_or_many")]
    pub tsa: Vec<Tsa>,
    /// How signatures that the server makes shall last.
    #[serde(default)]
    pub signing: Signing,
    /// The upkeep of signatures.
    #[serde(default)]
    pub upkeep: Upkeep,
    /// The dispatch ledger's name and key.
    pub ledger: Ledger,
    /// The keys that the server signs with.
    #[serde(default, rename = "signer")]
    pub signers: Vec<Signer>,
    /// How much is taken in.
    #[serde(default)]
    pub limits: LimitSettings,
}

/// `[http]`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Address and port; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// The certificate chain, PEM, server certificate first.
    pub tls_certificate: Option<PathBuf>,
    /// The certificate's private key, PEM.
    pub tls_key: Option<PathBuf>,
    /// A reverse proxy ends TLS in front of us: plain HTTP is allowed on any address, and the client's address is
    /// the last one of `X-Forwarded-For`.
    pub behind_proxy: bool,
    /// How long open requests may take to end after a signal to stop, in seconds.
    pub shutdown_seconds: u64,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8443)),
            tls_certificate: None,
            tls_key: None,
            behind_proxy: false,
            shutdown_seconds: 20,
        }
    }
}

/// `[store]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// `sqlite:kyso.db`, or `postgres://user@host/database` (give the password by `KYSO_STORE__DATABASE`).
    pub database: Secret,
    /// The folder of document bytes, each under its SHA-256.
    pub blobs: PathBuf,
}

/// A text that may hold a password: it is not shown.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The text itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// `[trust]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Trust {
    /// PEM or DER files of trust anchors, folders of them, trusted lists (ETSI TS 119 612).
    pub anchors: Vec<PathBuf>,
    /// Files with the certificates of the trusted lists' scheme operators.
    pub operators: Vec<PathBuf>,
    /// The validation policy: a name or a file (`docs/validation-policy.md`); `strict` when absent.
    pub policy: Option<String>,
    /// A trust profile as `FILE` or `FILE:NAME`; see `docs/trust.md`.
    pub profile: Option<String>,
    /// No network for certificate status: what the files do not bring is missing.
    pub offline: bool,
    /// Hosts and networks inside that OCSP, CRL and issuer requests may reach in spite of the address guard, as
    /// [`PrivateHost`] writes them.
    pub private_hosts: Vec<String>,
}

/// `[fetch]`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fetch {
    /// The folder in which fetched evidence is kept; in memory only when absent.
    pub cache: Option<PathBuf>,
    /// How much of it, in MiB.
    pub cache_megabytes: u64,
}

impl Default for Fetch {
    fn default() -> Self {
        Self { cache: None, cache_megabytes: 256 }
    }
}

/// `[[tsa]]`, or `[tsa]` for one alone.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tsa {
    /// Where RFC 3161 requests go, `http` or `https`.
    pub url: String,
    /// The most time-stamps in an hour of the clock; any number when absent.
    #[serde(default)]
    pub per_hour: Option<u32>,
    /// The most time-stamps in this hour and the 23 before it; any number when absent.
    #[serde(default)]
    pub per_day: Option<u32>,
    /// How long one time-stamp may take, in seconds; 150 when absent.
    #[serde(default)]
    pub timeout_seconds: Option<u64>,
    /// The weakest digest that it takes: `sha256` (when absent), `sha384`, `sha512`.
    #[serde(default)]
    pub least_digest: LeastDigest,
}

/// A digest for time-stamps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LeastDigest {
    /// SHA-256.
    #[default]
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl From<LeastDigest> for DigestAlgorithm {
    fn from(digest: LeastDigest) -> Self {
        match digest {
            LeastDigest::Sha256 => Self::Sha256,
            LeastDigest::Sha384 => Self::Sha384,
            LeastDigest::Sha512 => Self::Sha512,
        }
    }
}

/// `[signing]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Signing {
    /// The level that signatures reach unless a request says another: `b`, `t`, `lt` or `lta`. `t` where there is a
    /// time-stamp authority, `b` otherwise.
    pub level: Option<LevelName>,
    /// What becomes of a signature whose level cannot be reached now: `refuse` it, or `defer` the level to upkeep.
    pub if_no_tsa: IfNoTsa,
    /// How long after a signature its evidence is gathered, in seconds; it then has to be younger than the signature.
    pub grace_seconds: u64,
}

/// A level in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LevelName {
    /// The signature alone.
    B,
    /// With a time-stamp.
    T,
    /// With evidence.
    Lt,
    /// With an archive time-stamp.
    Lta,
}

impl From<LevelName> for Level {
    fn from(name: LevelName) -> Self {
        match name {
            LevelName::B => Self::B,
            LevelName::T => Self::T,
            LevelName::Lt => Self::Lt,
            LevelName::Lta => Self::Lta,
        }
    }
}

/// What becomes of a signature whose level cannot be reached now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IfNoTsa {
    /// It is released, and raised later.
    Defer,
    /// Nothing is signed.
    #[default]
    Refuse,
}

/// `[upkeep]`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Upkeep {
    /// How often the server looks for what is due, in seconds; 0 leaves it to `kyso upkeep`.
    pub every_seconds: u64,
    /// How long before its end an archive time-stamp is renewed, in days.
    pub renew_before_days: u32,
}

impl Default for Upkeep {
    fn default() -> Self {
        Self { every_seconds: 60, renew_before_days: 90 }
    }
}

/// A table, or an array of them.
fn one_or_many<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<Tsa>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Many(Vec<Tsa>),
        One(Tsa),
    }
    Ok(match Either::deserialize(from)? {
        Either::Many(all) => all,
        Either::One(one) => vec![one],
    })
}

/// `[ledger]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ledger {
    /// The log's name in its checkpoints, a host name and path without a scheme (C2SP tlog-checkpoint).
    pub origin: String,
    /// The file of the checkpoint key (signed-note private key); made at the first start when absent.
    pub key: PathBuf,
}

/// `[[signer]]`: a key on a token, and whose it is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signer {
    /// How the API calls it.
    pub name: String,
    /// The PKCS#11 driver's path, or `embedded` for the token built into the program.
    pub module: String,
    /// The token's label.
    pub token: String,
    /// `CKA_LABEL`, or `hex:` and `CKA_ID`.
    pub key: String,
    /// The certificate, PEM or DER, when the token holds none; issuers may follow it.
    pub certificate: Option<PathBuf>,
    /// Files of issuers that travel with each signature, PEM or DER.
    #[serde(default)]
    pub chain: Vec<PathBuf>,
    /// The picture of the handwritten signature or the seal, a transparent PNG or a JPEG, for signatures that are seen.
    pub picture: Option<PathBuf>,
    /// A file of mode 600 whose first line is the PIN.
    pub pin_file: PathBuf,
    /// The most signatures that the token makes at the same time, each in a session of its own; at most
    /// [`token::MOST_SESSIONS`].
    #[serde(default = "one_session", deserialize_with = "few_sessions")]
    pub sessions: NonZero<usize>,
    /// In whose name it signs.
    pub kind: SignerKind,
    /// The agency, by its code: the person's, or the one that the seal belongs to.
    pub agency: String,
}

/// The two signatures of an official document (Decree 30/2020, article 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SignerKind {
    /// The agency's own certificate, kept by the records clerk.
    Agency,
    /// The competent person's certificate.
    Person,
}

/// What a USB token does.
fn one_session() -> NonZero<usize> {
    NonZero::<usize>::MIN
}

fn few_sessions<'de, D: Deserializer<'de>>(value: D) -> Result<NonZero<usize>, D::Error> {
    let most = token::MOST_SESSIONS;
    let wanted = usize::deserialize(value)?;
    let few = NonZero::new(wanted).filter(|wanted| wanted.get() <= most);
    few.ok_or_else(|| D::Error::custom(format!("a token has 1 to {most} sessions, not {wanted}")))
}

impl Signer {
    /// The driver.
    pub fn module(&self) -> token::Module {
        match self.module.parse() {
            Ok(module) => module,
            Err(never) => match never {},
        }
    }

    /// The token, by its label.
    pub fn selector(&self) -> token::TokenSelector {
        token::TokenSelector { label: Some(self.token.clone()), ..Default::default() }
    }
}

/// `[limits]`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitSettings {
    /// The largest file taken in, in bytes.
    pub upload_bytes: u64,
    /// The most files in one request to verify.
    pub upload_files: usize,
    /// How long a request's body may stand still, in seconds.
    pub idle_seconds: u64,
    /// Verify requests that one address may make in a minute without a key; 0 for any number.
    pub public_verifications_per_minute: u32,
    /// Documents judged and signed at the same time; of signature batches twice as many besides.
    pub parallel_work: usize,
    /// How long a prepared signature waits for its value, in seconds.
    pub prepared_seconds: u64,
    /// Prepared signatures of one member that wait at the same time.
    pub prepared_signatures: u64,
    /// The most documents in one signature batch.
    pub batch_documents: usize,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            upload_bytes: 256 * 1024 * 1024,
            upload_files: 20,
            idle_seconds: 30,
            public_verifications_per_minute: 60,
            parallel_work: 4,
            prepared_seconds: 900,
            prepared_signatures: 500,
            batch_documents: 1_000,
        }
    }
}

impl LimitSettings {
    /// The bounds for the readers of documents.
    pub fn readers(&self) -> Limits {
        Limits::default()
    }
}

impl Config {
    /// Reads `file`, then the variables.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, a setting is missing, unknown or of the wrong kind, or two contradict.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        if !file.is_file() {
            return Err(ConfigError::Absent { file: file.to_owned() });
        }
        Self::from_figment(Figment::from(Toml::file_exact(file)), file)
    }

    fn from_figment(figment: Figment, file: &Path) -> Result<Self, ConfigError> {
        // KYSO_LOG, KYSO_PIN and the like are not settings of the file: those have a section.
        let variables = Env::prefixed("KYSO_").filter(|name| name.as_str().contains("__")).split("__");
        let mut config: Self = figment
            .merge(variables)
            .extract()
            .map_err(|source| ConfigError::Unreadable { file: file.to_owned(), source: Box::new(source) })?;
        config.root_paths(file.parent().unwrap_or(Path::new("")));
        config.check()?;
        Ok(config)
    }

    /// Makes relative paths relative to the file's folder.
    fn root_paths(&mut self, folder: &Path) {
        let root = |path: &mut PathBuf| *path = folder.join(&*path);
        self.http.tls_certificate.iter_mut().for_each(root);
        self.http.tls_key.iter_mut().for_each(root);
        root(&mut self.store.blobs);
        self.trust.anchors.iter_mut().for_each(root);
        self.trust.operators.iter_mut().for_each(root);
        if let Some(policy) = &mut self.trust.policy
            && !Policy::BUILT_IN.contains(&policy.as_str())
        {
            *policy = folder.join(&*policy).display().to_string();
        }
        if let Some(profile) = &mut self.trust.profile {
            *profile = folder.join(&*profile).display().to_string();
        }
        self.fetch.cache.iter_mut().for_each(root);
        root(&mut self.ledger.key);
        for signer in &mut self.signers {
            signer.certificate.iter_mut().for_each(root);
            signer.chain.iter_mut().for_each(root);
            root(&mut signer.pin_file);
            signer.picture.iter_mut().for_each(root);
        }
        if let Some(path) = self.store.database.0.strip_prefix("sqlite:")
            && !path.starts_with(['/', ':'])
        {
            self.store.database = Secret(format!("sqlite:{}", folder.join(path).display()));
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        let http = &self.http;
        let secure = match (&http.tls_certificate, &http.tls_key) {
            (Some(_), Some(_)) => true,
            (None, None) => false,
            _ => return Err(ConfigError::HalfTls),
        };
        if !secure && !http.behind_proxy && !http.listen.ip().is_loopback() {
            return Err(ConfigError::PlainHttp { listen: http.listen });
        }
        for host in &self.trust.private_hosts {
            host.parse::<PrivateHost>().map_err(ConfigError::PrivateHost)?;
        }
        let level = self.signing.level.map(Level::from);
        if self.tsa.is_empty() && level.is_some_and(|level| level > Level::B) {
            return Err(ConfigError::LevelWithoutTsa);
        }
        if self.signing.grace_seconds > 0 && self.signing.if_no_tsa == IfNoTsa::Refuse {
            return Err(ConfigError::GraceWithoutDefer);
        }
        for (index, signer) in self.signers.iter().enumerate() {
            if self.signers[..index].iter().any(|other| other.name == signer.name) {
                return Err(ConfigError::TwoSigners { name: signer.name.clone() });
            }
        }
        Ok(())
    }
}

/// Why there is no usable configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// No such file.
    #[error("there is no file {}; docs/kyso.toml of the project is an example to start from", file.display())]
    Absent {
        /// What was asked for.
        file: PathBuf,
    },
    /// Signing would stand still for the grace period.
    #[error(
        "signing.grace_seconds needs signing.if_no_tsa = \"defer\": the level is then reached after the grace period"
    )]
    GraceWithoutDefer,
    /// A certificate without a key, or the other way round.
    #[error("http.tls_certificate and http.tls_key go together: give both or neither")]
    HalfTls,
    /// A level that needs an authority.
    #[error("signing.level needs a time-stamp authority: add a [[tsa]] section")]
    LevelWithoutTsa,
    /// Plain HTTP where others can listen in.
    #[error(
        "plain HTTP on {listen} would show keys and documents to the network: give http.tls_certificate and http.tls_key, or set http.behind_proxy = true when a proxy ends TLS"
    )]
    PlainHttp {
        /// The address.
        listen: SocketAddr,
    },
    /// An entry of `trust.private_hosts` that opens nothing.
    #[error("trust.private_hosts: {0}")]
    PrivateHost(PrivateHostError),
    /// A name that two `[[signer]]` entries share.
    #[error("two [[signer]] entries are named {name}")]
    TwoSigners {
        /// The name.
        name: String,
    },
    /// Not TOML, or a setting that is missing, unknown or of the wrong kind.
    #[error("{} cannot be used", file.display())]
    Unreadable {
        /// Where it was read from.
        file: PathBuf,
        /// Which setting, and what is wrong with it.
        source: Box<figment::Error>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str =
        "[store]\ndatabase='sqlite:a.db'\nblobs='b'\n[ledger]\norigin='example.vn/log'\nkey='k'\n";

    fn read(text: &str) -> Result<Config, ConfigError> {
        Config::from_figment(Figment::from(Toml::string(text)), Path::new("/etc/kyso/kyso.toml"))
    }

    #[test]
    fn paths_are_relative_to_the_file() {
        let config = read(LEAST).unwrap();
        assert_eq!(config.store.database.reveal(), "sqlite:/etc/kyso/a.db");
        assert_eq!(config.ledger.key, Path::new("/etc/kyso/k"));
        let trust = read(&format!("{LEAST}[trust]\noperators=['o.pem']\nprofile='trust.toml:state'\n"))
            .unwrap()
            .trust;
        assert_eq!(trust.operators, [Path::new("/etc/kyso/o.pem")]);
        assert_eq!(trust.profile.as_deref(), Some("/etc/kyso/trust.toml:state"));
        let policy =
            |line: &str| read(&format!("{LEAST}[trust]\npolicy='{line}'\n")).unwrap().trust.policy.unwrap();
        assert_eq!(policy("vn-public-duty"), "vn-public-duty");
        assert_eq!(policy("mine.toml"), "/etc/kyso/mine.toml");
        assert!(config.http.listen.ip().is_loopback());
    }

    #[test]
    fn the_example_in_docs_is_a_configuration() {
        let config = read(include_str!("../docs/kyso.toml")).unwrap();
        assert_eq!(config.signers.len(), 2);
        assert_eq!(config.signers[0].kind, SignerKind::Person);
        assert_eq!(config.tsa.len(), 2);
        assert_eq!(config.signing.level, Some(LevelName::Lta));
    }

    #[test]
    fn a_token_has_one_session_unless_more_are_asked_for() {
        let signer = |line: &str| {
            let signer = "[[signer]]\nname='a'\nmodule='m.so'\ntoken='t'\nkey='k'\npin_file='p'\nkind='person'\nagency='H99'";
            read(&format!("{LEAST}{signer}\n{line}\n")).map(|config| config.signers[0].sessions.get())
        };
        assert_eq!(signer("").unwrap(), 1);
        assert_eq!(signer("sessions=16").unwrap(), 16);
        for wrong in ["sessions=0", "sessions=65"] {
            let told = format!("{:?}", signer(wrong).unwrap_err());
            assert!(told.contains("1 to 64 sessions"), "{told}");
        }
    }

    #[test]
    fn authorities_are_one_or_several_and_levels_need_them() {
        let one = read(&format!("{LEAST}[tsa]\nurl='http://t.example/'\n")).unwrap();
        assert_eq!(one.tsa.len(), 1);
        let two = "[[tsa]]\nurl='http://a.example/'\nper_hour=5\nleast_digest='sha384'\n[[tsa]]\nurl='http://b.example/'\n";
        let two = read(&format!("{LEAST}{two}")).unwrap().tsa;
        assert_eq!((two.len(), two[0].per_hour, two[0].least_digest), (2, Some(5), LeastDigest::Sha384));
        assert!(read(&format!("{LEAST}[[tsa]]\nurl='http://a.example/'\nper_hours=5\n")).is_err());
        let level = |more: &str| read(&format!("{LEAST}[signing]\nlevel='lt'\n{more}"));
        assert!(matches!(level(""), Err(ConfigError::LevelWithoutTsa)));
        assert!(level("[tsa]\nurl='http://t.example/'\n").is_ok());
        let grace = read(&format!("{LEAST}[signing]\ngrace_seconds=60\n"));
        assert!(matches!(grace, Err(ConfigError::GraceWithoutDefer)));
    }

    #[test]
    fn an_unknown_setting_is_named() {
        let error = read(&format!("{LEAST}[http]\nlisen='127.0.0.1:1'\n")).unwrap_err();
        assert!(std::error::Error::source(&error).unwrap().to_string().contains("lisen"), "{error:?}");
    }

    #[test]
    fn what_is_fetched_is_kept_where_the_file_says() {
        let fetch = read(LEAST).unwrap().fetch;
        assert_eq!((fetch.cache, fetch.cache_megabytes), (None, 256));
        let fetch = read(&format!("{LEAST}[fetch]\ncache='evidence'\ncache_megabytes=8\n")).unwrap().fetch;
        assert_eq!(fetch.cache.as_deref(), Some(Path::new("/etc/kyso/evidence")));
        assert_eq!(fetch.cache_megabytes, 8);
        let hosts = |entry: &str| read(&format!("{LEAST}[trust]\nprivate_hosts=['{entry}']\n"));
        assert!(hosts("10.20.0.0/16").is_ok());
        let error = hosts("http://ocsp.example/").unwrap_err();
        assert!(matches!(&error, ConfigError::PrivateHost(_)), "{error:?}");
        assert!(error.to_string().contains("http://ocsp.example/"), "{error}");
    }

    #[test]
    fn plain_http_stays_on_this_machine_unless_a_proxy_is_in_front() {
        let open = format!("{LEAST}[http]\nlisten='0.0.0.0:80'\n");
        assert!(matches!(read(&open), Err(ConfigError::PlainHttp { .. })));
        assert!(read(&format!("{open}behind_proxy=true\n")).is_ok());
        assert!(matches!(read(&format!("{open}tls_key='k'\n")), Err(ConfigError::HalfTls)));
    }

    #[test]
    fn a_password_in_the_database_url_is_not_shown() {
        let config = read(&LEAST.replace("sqlite:a.db", "postgres://u:hunter2@h/d")).unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
