//! A prepared revision put away, so that its value may come later, to another process.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use der::Decode as _;
use serde::{Deserialize, Serialize};
use spki::AlgorithmIdentifierOwned;

use super::{Prepared, Request, SigningError, TokenRoom, Wishes};
use crate::{
    appearance::Placement,
    base::{DigestAlgorithm, Limits},
    pdf::Increment,
    validation::Level,
    x509::{Certificate, algorithm::SignatureScheme},
};

/// All that finishing a [`Prepared`] needs, as it is stored. Holds no secret; trusted as far as its store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// JSON: certificate and issuers, scheme, field, ranges, the attributes to be signed, the place of its appearance.
    pub statement: String,
    /// The bytes to append to the document, the hole for the CMS being zeros.
    pub tail: Vec<u8>,
}

impl Prepared {
    /// The certificate of the key that is to sign.
    pub fn signer(&self) -> &Certificate {
        &self.request.signer
    }

    /// What it says. Of one that was taken up again, only the level is known.
    pub fn wishes(&self) -> &Wishes {
        &self.request.wishes
    }

    /// Whether there is room for a time-stamp.
    pub fn is_stamped(&self) -> bool {
        self.request.time_stamp.is_some()
    }

    /// Length of the document that the revision goes behind, in bytes.
    pub fn base_len(&self) -> u64 {
        self.increment.base_len
    }

    /// Puts it away.
    pub fn keep(&self) -> Kept {
        let base64 = |bytes: &[u8]| BASE64_STANDARD.encode(bytes);
        let statement = Statement {
            form: FORM,
            certificate: base64(self.request.signer.der()),
            chain: self.request.chain.iter().map(|issuer| base64(issuer.der())).collect(),
            scheme: base64(&self.request.scheme.to_identifier()),
            digest: self.request.scheme.digest().name().to_owned(),
            stamped: self.is_stamped(),
            level: self.request.wishes.level,
            field: self.increment.field.clone(),
            base_len: self.increment.base_len,
            ranges: self.increment.ranges.clone().map(|range| (range.start, range.end)),
            contents_len: self.contents_len,
            to_be_signed: base64(&self.to_be_signed),
            placement: self.placement.clone(),
        };
        let statement = serde_json::to_string(&statement).unwrap_or_default();
        Kept { statement, tail: self.increment.tail.clone() }
    }

    /// Takes it up again.
    ///
    /// # Errors
    ///
    /// [`SigningError::Kept`] when another version of kyso wrote it, or it is not whole.
    pub fn resume(kept: Kept, limits: &Limits) -> Result<Self, SigningError> {
        let unusable = |reason: &str| SigningError::Kept { reason: reason.to_owned() };
        let statement: Statement =
            serde_json::from_str(&kept.statement).map_err(|error| unusable(&error.to_string()))?;
        if statement.form != FORM {
            return Err(unusable("another version of kyso wrote it"));
        }
        let bytes = |text: &str| BASE64_STANDARD.decode(text).map_err(|_| unusable("a value is not Base64"));
        let certificate = |text: &String| {
            Certificate::from_der(&bytes(text)?).map_err(|_| unusable("a certificate cannot be read"))
        };
        let increment = Increment {
            base_len: statement.base_len,
            tail: kept.tail,
            ranges: statement.ranges.map(|(start, end)| start..end),
            field: statement.field,
        };
        if !is_whole(&increment) || statement.contents_len > limits.cms_bytes {
            return Err(unusable("its ranges do not fit its bytes"));
        }
        let request = Request {
            signer: certificate(&statement.certificate)?,
            chain: statement.chain.iter().map(certificate).collect::<Result<_, _>>()?,
            scheme: scheme(&bytes(&statement.scheme)?, &statement.digest)
                .ok_or_else(|| unusable("its scheme is not known"))?,
            // The room is in the bytes already, and so is what is said.
            time_stamp: statement.stamped.then(|| TokenRoom::after(0)),
            wishes: Wishes { level: statement.level, ..Wishes::default() },
        };
        let to_be_signed = bytes(&statement.to_be_signed)?;
        Ok(Self {
            request,
            increment,
            to_be_signed,
            contents_len: statement.contents_len,
            placement: statement.placement,
        })
    }
}

/// The JSON of [`Kept::statement`].
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Statement {
    form: u32,
    certificate: String,
    chain: Vec<String>,
    /// AlgorithmIdentifier, DER.
    scheme: String,
    digest: String,
    stamped: bool,
    level: Option<Level>,
    field: String,
    base_len: u64,
    ranges: [(u64, u64); 2],
    contents_len: usize,
    to_be_signed: String,
    /// Where its appearance came to be; the appearance itself is in the tail.
    #[serde(default)]
    placement: Option<Placement>,
}

/// Counted up when a field changes its meaning: what an older kyso put away is then refused, and prepared anew.
const FORM: u32 = 1;

/// Whether the two ranges leave one hole inside the tail and end with it.
fn is_whole(increment: &Increment) -> bool {
    let [first, second] = &increment.ranges;
    let end = increment.base_len.checked_add(increment.tail.len() as u64);
    first.start == 0
        && first.end >= increment.base_len
        && second.start >= first.end.saturating_add(2)
        && second.end >= second.start
        && Some(second.end) == end
}

fn scheme(identifier: &[u8], digest: &str) -> Option<SignatureScheme> {
    let identifier = AlgorithmIdentifierOwned::from_der(identifier).ok()?;
    let digest = DigestAlgorithm::from_name(digest)?;
    let scheme = SignatureScheme::from_identifier(&identifier, Some(digest)).ok()?;
    (scheme.digest() == digest).then_some(scheme)
}
