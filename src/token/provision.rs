//! Making tokens, keys and certificate objects: for the demo, for tests, and for whoever starts with a software token.
//!
//! Nothing here ever overwrites: a token that is initialized is left alone, a label that is taken is refused.

use std::path::Path;

use cryptoki::{
    mechanism::Mechanism,
    object::{Attribute, AttributeType, CertificateType, ObjectClass, ObjectHandle},
    session::{Session, UserType},
    types::AuthPin,
};

use super::{Module, Token, TokenError, driver::Driver, module, worker::Progress};
use crate::{
    asn1::{self, Tag, oid, write},
    base::Pin,
    x509::Certificate,
};

/// A key pair to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKey {
    /// `CKA_LABEL`.
    pub label: String,
    /// `CKA_ID`; the certificate gets the same.
    pub id: Vec<u8>,
    /// What kind of key.
    pub kind: NewKeyKind,
    /// `CKA_ALWAYS_AUTHENTICATE`: wants the PIN before every signature.
    pub always_authenticate: bool,
}

/// The kinds of keys that kyso makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewKeyKind {
    /// ECDSA on secp256r1.
    P256,
    /// ECDSA on secp384r1.
    P384,
    /// RSA with a modulus of 2048 bits.
    Rsa2048,
    /// RSA with a modulus of 3072 bits.
    Rsa3072,
    /// RSA with a modulus of 4096 bits.
    Rsa4096,
}

/// Initializes a fresh token: label (at most 32 bytes of UTF-8), SO PIN, user PIN.
///
/// On a shared library, the first slot with a token that is not initialized is taken (SoftHSM always has one). On the
/// built-in token, a new database file is made in its folder.
///
/// # Errors
///
/// When the label is taken or too long, when there is no fresh token, and what the token answers.
pub fn init_token(module: &Module, label: &str, so_pin: Pin, user_pin: Pin) -> Result<(), TokenError> {
    let (asked, label) = (module.clone(), label.to_owned());
    module::worker(module)?
        .call(PROVISIONING, move |driver| initialize(driver, &asked, &label, &so_pin, &user_pin))
}

impl Token {
    /// Makes a key pair on the token, which must be logged in, and gives its SubjectPublicKeyInfo (RFC 5280 section
    /// 4.1.2.7) to have it certified.
    ///
    /// # Errors
    ///
    /// When label or id is taken, and what the token answers.
    pub fn generate_key(&self, key: &NewKey) -> Result<Vec<u8>, TokenError> {
        let (name, key) = (self.shared.name.clone(), key.clone());
        self.shared.worker.call(PROVISIONING, move |driver| {
            let progress = driver.progress();
            let session = driver.writing_session(&name)?;
            let taken = super::driver::private_keys(&session, &progress)?
                .into_iter()
                .find(|(_, other)| other.label == key.label || other.id == key.id);
            if let Some((_, other)) = taken {
                return Err(TokenError::Unusable {
                    what: format!("a key “{}” cannot be made", key.label),
                    reason: format!("the token holds {other} already"),
                });
            }
            driver.forget_keys(&name);
            generate(&session, &key, &progress)
        })
    }

    /// Stores a certificate beside the key of the same id. The token must be logged in.
    ///
    /// # Errors
    ///
    /// What the token answers.
    pub fn store_certificate(
        &self,
        id: &[u8],
        label: &str,
        certificate: &Certificate,
    ) -> Result<(), TokenError> {
        let (name, id, label) = (self.shared.name.clone(), id.to_vec(), label.as_bytes().to_vec());
        let (subject, der) = (certificate.subject().der().to_vec(), certificate.der().to_vec());
        self.shared.worker.call(PROVISIONING, move |driver| {
            let session = driver.writing_session(&name)?;
            driver.note("C_CreateObject");
            session.create_object(&[
                Attribute::Class(ObjectClass::CERTIFICATE),
                Attribute::CertificateType(CertificateType::X_509),
                Attribute::Token(true),
                Attribute::Private(false),
                Attribute::Id(id),
                Attribute::Label(label),
                Attribute::Subject(subject),
                Attribute::Value(der),
            ])?;
            Ok(())
        })
    }
}

fn initialize(
    driver: &mut Driver,
    module: &Module,
    label: &str,
    so_pin: &Pin,
    user_pin: &Pin,
) -> Result<(), TokenError> {
    let refused = |reason: &str| TokenError::Unusable {
        what: format!("the token “{label}” cannot be made"),
        reason: reason.to_owned(),
    };
    if label.is_empty() || label.len() > 32 {
        return Err(refused("a label has 1 to 32 bytes"));
    }
    let (so_pin, user_pin) = (secret(so_pin)?, secret(user_pin)?);
    let there = driver.list(module)?;
    if there.iter().any(|info| info.initialized && info.label == label) {
        return Err(refused("there is one of this label already, and it is left as it is"));
    }
    let slot = match module {
        Module::Embedded(folder) => driver.add_file(&free_file(folder)?)?,
        Module::Path(_) => {
            let fresh = there.iter().find(|info| !info.initialized);
            fresh.ok_or_else(|| refused("no slot holds a token that is not initialized yet"))?.slot
        }
    };
    let slot = slot.try_into().map_err(TokenError::from)?;
    driver.note("C_InitToken");
    driver.pkcs11()?.init_token(slot, &so_pin, label)?;
    // Some modules give the token another slot now: look where it is.
    let info = driver.list(module)?.into_iter().find(|info| info.initialized && info.label == label);
    let info = info.ok_or_else(|| refused("the module does not show it after C_InitToken"))?;
    let slot = info.slot.try_into().map_err(TokenError::from)?;
    driver.note("C_OpenSession");
    let session = driver.pkcs11()?.open_rw_session(slot)?;
    driver.note("C_Login");
    session.login(UserType::So, Some(&so_pin))?;
    driver.note("C_InitPIN");
    let answer = session.init_pin(&user_pin);
    driver.note("C_Logout");
    session.logout()?;
    Ok(answer?)
}

/// `cryptoki` has these PINs as text only.
fn secret(pin: &Pin) -> Result<AuthPin, TokenError> {
    let text = std::str::from_utf8(pin.reveal())
        .map_err(|_| TokenError::Unusable { what: "the PIN".into(), reason: "it is not UTF-8".into() })?;
    Ok(AuthPin::from(text.to_owned()))
}

/// A name that no database file in the folder has. The folder is for its owner only.
fn free_file(folder: &Path) -> Result<std::path::PathBuf, TokenError> {
    let failed = |error: std::io::Error| TokenError::Unusable {
        what: format!("the folder {}", folder.display()),
        reason: error.to_string(),
    };
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(failed)?;
    let folder = std::fs::canonicalize(folder).map_err(failed)?;
    (1_u32..)
        .map(|number| folder.join(format!("token-{number:02}.sql")))
        .find(|file| !file.exists())
        .ok_or_else(|| failed(std::io::ErrorKind::StorageFull.into()))
}

fn generate(session: &Session, key: &NewKey, progress: &Progress) -> Result<Vec<u8>, TokenError> {
    let mut public = vec![
        Attribute::Token(true),
        Attribute::Private(false),
        Attribute::Verify(true),
        Attribute::Id(key.id.clone()),
        Attribute::Label(key.label.as_bytes().to_vec()),
    ];
    let mut private = vec![
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Sign(true),
        Attribute::Id(key.id.clone()),
        Attribute::Label(key.label.as_bytes().to_vec()),
    ];
    if key.always_authenticate {
        private.push(Attribute::AlwaysAuthenticate(true));
    }
    let curve = match key.kind {
        NewKeyKind::P256 => Some(oid::SECP256R1),
        NewKeyKind::P384 => Some(oid::SECP384R1),
        NewKeyKind::Rsa2048 | NewKeyKind::Rsa3072 | NewKeyKind::Rsa4096 => None,
    };
    let mechanism = match curve {
        Some(curve) => {
            public.push(Attribute::EcParams(write::oid(curve)));
            Mechanism::EccKeyPairGen
        }
        None => {
            let bits: usize = match key.kind {
                NewKeyKind::Rsa3072 => 3072,
                NewKeyKind::Rsa4096 => 4096,
                _ => 2048,
            };
            public.push(Attribute::ModulusBits(bits.try_into().map_err(TokenError::from)?));
            public.push(Attribute::PublicExponent(vec![1, 0, 1]));
            Mechanism::RsaPkcsKeyPairGen
        }
    };
    progress.at("C_GenerateKeyPair");
    let (handle, _) = session.generate_key_pair(&mechanism, &public, &private)?;
    match curve {
        Some(curve) => ec_public_key(session, handle, curve),
        None => rsa_public_key(session, handle),
    }
}

/// RSAPublicKey (RFC 8017 appendix A.1.1) inside a SubjectPublicKeyInfo (RFC 3279 section 2.3.1).
fn rsa_public_key(session: &Session, key: ObjectHandle) -> Result<Vec<u8>, TokenError> {
    let (mut modulus, mut exponent) = (Vec::new(), Vec::new());
    for attribute in session.get_attributes(key, &[AttributeType::Modulus, AttributeType::PublicExponent])? {
        match attribute {
            Attribute::Modulus(octets) => modulus = octets,
            Attribute::PublicExponent(octets) => exponent = octets,
            _ => {}
        }
    }
    let public = write::sequence([write::unsigned(&modulus), write::unsigned(&exponent)]);
    let algorithm = write::algorithm(oid::RSA_ENCRYPTION, Some(&write::null()));
    Ok(write::sequence([algorithm, write::bit_string(&public)]))
}

/// An ECPoint inside a SubjectPublicKeyInfo (RFC 5480 section 2).
fn ec_public_key(
    session: &Session,
    key: ObjectHandle,
    curve: der::oid::ObjectIdentifier,
) -> Result<Vec<u8>, TokenError> {
    let found = session.get_attributes(key, &[AttributeType::EcPoint])?;
    let Some(Attribute::EcPoint(octets)) = found.into_iter().next() else {
        return Err(TokenError::Unusable {
            what: "the new key".into(),
            reason: "the token does not show its CKA_EC_POINT".into(),
        });
    };
    let algorithm = write::algorithm(oid::EC_PUBLIC_KEY, Some(&write::oid(curve)));
    Ok(write::sequence([algorithm, write::bit_string(point(&octets))]))
}

/// `CKA_EC_POINT` is an OCTET STRING around the point by the standard; some tokens give the bare point.
fn point(octets: &[u8]) -> &[u8] {
    match asn1::Reader::only(octets) {
        Ok(value) if value.tag == Tag::OCTET_STRING && value.value.first() == Some(&0x04) => value.value,
        _ => octets,
    }
}

/// An RSA-4096 key takes some smart cards minutes.
const PROVISIONING: std::time::Duration = std::time::Duration::from_mins(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_found_bare_or_wrapped() {
        let mut bare = vec![0x04];
        bare.extend([0x41; 64]);
        assert_eq!(point(&bare), bare);
        assert_eq!(point(&write::octet_string(&bare)), bare);
    }
}
