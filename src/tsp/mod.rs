//! The Time-Stamp Protocol (RFC 3161): requests, responses and tokens, read and built.
//!
//! Nothing here opens a connection or checks a signature: `fetch` brings the bytes, `validation` judges the token.

mod build;
mod read;

use der::oid::ObjectIdentifier;

use crate::{
    asn1::Asn1Error,
    base::{Chance, Digest, UtcTime},
    cms::SignedData,
};

pub use build::{FailureInfo, granted_response, rejected_response};
pub use read::token_from_response;

/// TimeStampReq (RFC 3161 section 2.4.1).
///
/// ```text
/// TimeStampReq ::= SEQUENCE {
///     version         INTEGER { v1(1) },
///     messageImprint  MessageImprint,
///     reqPolicy       TSAPolicyId OPTIONAL,
///     nonce           INTEGER OPTIONAL,
///     certReq         BOOLEAN DEFAULT FALSE,
///     extensions      [0] IMPLICIT Extensions OPTIONAL }
/// MessageImprint ::= SEQUENCE { hashAlgorithm AlgorithmIdentifier, hashedMessage OCTET STRING }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The digest of what is to be time-stamped.
    pub imprint: Digest,
    /// Content octets of an INTEGER; the answer repeats it.
    pub nonce: Option<Vec<u8>>,
    /// Whether the authority shall put its certificate into the token.
    pub cert_req: bool,
}

impl Request {
    /// A request with a fresh nonce of 8 bytes, asking for the authority's certificate.
    pub fn new(imprint: Digest, chance: &Chance) -> Self {
        let mut nonce = chance.bytes::<8>();
        // Positive, and eight bytes in its shortest form: some authorities stumble over others.
        nonce[0] = nonce[0] & 0x7F | 0x40;
        Self { imprint, nonce: Some(nonce.to_vec()), cert_req: true }
    }
}

/// TSTInfo, what a token says (RFC 3161 section 2.4.2).
///
/// ```text
/// TSTInfo ::= SEQUENCE {
///     version         INTEGER { v1(1) },
///     policy          TSAPolicyId,
///     messageImprint  MessageImprint,
///     serialNumber    INTEGER,
///     genTime         GeneralizedTime,
///     accuracy        Accuracy OPTIONAL,
///     ordering        BOOLEAN DEFAULT FALSE,
///     nonce           INTEGER OPTIONAL,
///     tsa             [0] EXPLICIT GeneralName OPTIONAL,
///     extensions      [1] IMPLICIT Extensions OPTIONAL }
/// ```
///
/// Accuracy, ordering and the authority's name are read over: kyso takes genTime as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TstInfo {
    /// Under which rules the authority worked.
    pub policy: ObjectIdentifier,
    /// The digest that was time-stamped.
    pub imprint: Digest,
    /// Content octets of the token's number, unique for its authority; up to 160 bits.
    pub serial: Vec<u8>,
    /// The moment, with the fraction of a second that the authority gives.
    pub gen_time: UtcTime,
    /// Content octets of the request's nonce.
    pub nonce: Option<Vec<u8>>,
}

/// A time-stamp token: SignedData over a TSTInfo (RFC 3161 section 2.4.2).

#[derive(Clone, Debug)]
pub struct Token {
    /// What it says.
    pub info: TstInfo,
    /// The signature around it.
    pub signed_data: SignedData,
    /// The TSTInfo as signed.
    pub tst_info_der: Vec<u8>,
}

/// Why there is no time-stamp to use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TspError {
    /// Not such a message.
    #[error("not a time-stamp: {reason}")]
    Malformed {
        /// What the reader met.
        reason: String,
    },
    /// A good message that belongs to another request.
    #[error("the time-stamp answers another request ({what} differs)")]
    Mismatch {
        /// Which part.
        what: &'static str,
    },
    /// An honest refusal.
    #[error("the time-stamp authority refused: {status}")]
    Refused {
        /// Its status, its reason by the name in the standard, and its own words.
        status: String,
    },
    /// The imprint's digest algorithm, or a critical extension, is one that kyso does not know.
    #[error("the time-stamp uses {oid}, which kyso does not know")]
    Unknown {
        /// Which one.
        oid: ObjectIdentifier,
    },
}

impl From<Asn1Error> for TspError {
    fn from(error: Asn1Error) -> Self {
        Self::Malformed { reason: error.to_string() }
    }
}

/// The shortest form of an INTEGER's content octets (X.690 section 8.3.2).
fn shortest(mut octets: &[u8]) -> &[u8] {
    while let [0x00 | 0xFF, next, ..] = octets {
        if (octets[0] == 0xFF) != (*next >= 0x80) {
            break;
        }
        octets = &octets[1..];
    }
    if octets.is_empty() { &[0] } else { octets }
}
