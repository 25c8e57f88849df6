//! What a request to prepare a signature brings: JSON, or a form with the picture in a part of its own.

use axum::{
    body::Bytes,
    extract::{FromRequest, Multipart, Request},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    super::{
        App, Problem,
        extract::{self, Json, PasswordText},
        problem, upload,
    },
    looks::{LooksRequest, MOST_PICTURE, Pictures},
    signatures::wishes_of,
};
use crate::{
    base::{DigestAlgorithm, Sha256},
    dispatch::Role,
    service::{SignatureWish, sign::SchemeWish},
    x509::Certificate,
};

/// A signature that somebody wants to make with a key of their own.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct PrepareRequest {
    /// What the signature is for.
    role: Role,
    /// The certificate of the key: Base64 of DER.
    certificate: String,
    /// Its issuers, which travel with the signature: Base64 of DER, at most 8.
    #[serde(default)]
    chain: Vec<String>,
    /// `SHA-256`, `SHA-384` or `SHA-512`; SHA-256 when absent.
    #[serde(default)]
    digest: Option<String>,
    /// RSASSA-PSS rather than PKCS#1 v1.5, for RSA keys.
    #[serde(default)]
    pss: bool,
    /// Opens an encrypted document. It is used for this request and written nowhere: completing needs it again.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Password, write_only)]
    password: Option<PasswordText>,
    /// Rebuild a draft whose cross-reference is broken, and sign the rebuilt one; `repair` of the answer says what was
    /// done. A file that holds a signature is never rebuilt.
    #[serde(default)]
    repair: bool,
    /// What it looks like, with its picture; invisible when absent.
    #[serde(default)]
    #[schema(value_type = Option<LooksRequest>)]
    appearance: Option<Value>,
    /// What the signature says and binds: `reason`, `field` and all else that a request to sign says (signDocument).
    #[serde(flatten)]
    #[schema(value_type = Object)]
    wishes: Map<String, Value>,
}

/// The parts of a form that asks to prepare a signature.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "describes the form; its parts are read one by one")]
pub(in super::super) struct PrepareForm {
    /// The request, as it would be the body by itself.
    request: PrepareRequest,
    /// The picture for its `appearance`: PNG or JPEG, 1 MiB at most.
    #[schema(value_type = Option<String>, format = Binary)]
    picture: Option<Vec<u8>>,
}

/// A request that came in, and the digest of method, path and all that it brought.
pub(in super::super) struct Prepare {
    value: PrepareRequest,
    picture: Option<Vec<u8>>,
    pub(super) fingerprint: Sha256,
}

impl FromRequest<App> for Prepare {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        if upload::media_type(request.headers()) != "multipart/form-data" {
            let Json { value, fingerprint } = Json::from_request(request, app).await?;
            return Ok(Self { value, picture: None, fingerprint });
        }
        let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
        let malformed =
            |error: &(dyn std::error::Error + 'static)| Problem::new(&problem::MALFORMED).caused_by(error);
        let mut parts = Multipart::from_request(request, app).await.map_err(|error| malformed(&error))?;
        let (mut asked, mut picture) = (None, None);
        while let Some(part) = parts.next_field().await.map_err(|error| upload::multipart_problem(&error))? {
            let name = part.name().unwrap_or_default().to_owned();
            let place = match name.as_str() {
                "request" => &mut asked,
                "picture" => &mut picture,
                _ => return Err(refused("", "the parts of the form are `request` and `picture`")),
            };
            let bytes = part.bytes().await.map_err(|error| upload::multipart_problem(&error))?;
            if place.replace(bytes).is_some() {
                return Err(refused("", "a part of the form is there twice"));
            }
        }
        let asked: Bytes = asked.ok_or_else(|| refused("", "the form has no part `request`"))?;
        let value = serde_json::from_slice(&asked).map_err(|error| extract::json_problem(&error))?;
        let picture = picture.map(|bytes| bytes.to_vec());
        if picture.as_ref().is_some_and(|picture| picture.len() > MOST_PICTURE) {
            return Err(Problem::new(&problem::TOO_LARGE)
                .because("Tệp hình lớn hơn 1 MiB.", "The picture is larger than 1 MiB."));
        }
        let mut all = Sha256::of(&asked).0.to_vec();
        all.extend(picture.iter().flat_map(|picture| Sha256::of(picture).0));
        Ok(Self { value, picture, fingerprint: extract::fingerprint(&method, &path, &all) })
    }
}

impl Prepare {
    /// What is asked for, all that came in with it being read.
    pub(super) fn wish(self) -> Result<SignatureWish, Problem> {
        let Self { value, picture, .. } = self;
        if value.chain.len() > MOST_ISSUERS {
            return Err(Problem::new(&problem::INVALID).at("/chain", "chain.count", "at most 8 issuers"));
        }
        let digest = match value.digest.as_deref() {
            None => DigestAlgorithm::Sha256,
            Some(name) => {
                let known = [DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha512];
                known.into_iter().find(|one| one.name() == name).ok_or_else(|| {
                    Problem::new(&problem::INVALID).at("/digest", "digest", "SHA-256, SHA-384 or SHA-512")
                })?
            }
        };
        let issuers = value.chain.iter().enumerate();
        let chain = issuers.map(|(index, text)| certificate(text, &format!("/chain/{index}")));
        let mut wishes = value.wishes;
        if let Some(appearance) = value.appearance {
            wishes.insert("appearance".to_owned(), appearance);
        }
        Ok(SignatureWish {
            role: value.role,
            certificate: certificate(&value.certificate, "/certificate")?,
            chain: chain.collect::<Result<_, _>>()?,
            scheme: SchemeWish { digest, pss: value.pss },
            wishes: wishes_of(&wishes, Pictures::Sent(picture))?,
            password: value.password.map(PasswordText::into_inner),
            repair: value.repair,
        })
    }
}

/// Bytes in Base64.
pub(super) fn decoded(text: &str, pointer: &str) -> Result<Vec<u8>, Problem> {
    STANDARD.decode(text).map_err(|_| Problem::new(&problem::INVALID).at(pointer, "base64", "Base64"))
}

fn certificate(text: &str, pointer: &str) -> Result<Certificate, Problem> {
    Certificate::from_der(&decoded(text, pointer)?).map_err(|error| {
        let detail = "Base64 of a certificate in DER";
        Problem::new(&problem::INVALID).at(pointer, "certificate", detail).caused_by(&error)
    })
}

fn refused(pointer: &'static str, detail: &str) -> Problem {
    Problem::new(&problem::INVALID).at(pointer, "form.parts", detail)
}

/// The national hierarchy is three deep.
const MOST_ISSUERS: usize = 8;
