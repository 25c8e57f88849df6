//! Document time-stamps (ISO 32000-2 section 12.8.5, ETSI EN 319 142-1 section 5.4.3).

use crate::{
    base::{Digest, DigestAlgorithm, Limits},
    pdf::{self, Document, Increment, NewSignature, SignatureKind},
    tsp,
};

use super::{SigningError, TokenRoom, increment_digest, stamp_request};

/// Builds the revision that will carry a document time-stamp.
///
/// # Errors
///
/// [`SigningError::Pdf`] when the file cannot take one.
pub fn prepare_document_stamp(
    document: &Document,
    room: TokenRoom,
    algorithm: DigestAlgorithm,
) -> Result<PreparedStamp, SigningError> {
    let new = NewSignature {
        kind: SignatureKind::DocTimeStamp,
        sub_filter: "ETSI.RFC3161",
        contents_len: room.reserved(),
        ..NewSignature::default()
    };
    let increment = pdf::prepare_signature(document, &new)?;
    let imprint = increment_digest(document, &increment, algorithm)?;
    Ok(PreparedStamp { increment, imprint })
}

/// A revision that waits for its time-stamp token.
#[derive(Debug)]
pub struct PreparedStamp {
    increment: Increment,
    imprint: Digest,
}

impl PreparedStamp {
    /// The request for the token.
    pub fn time_stamp_request(&self, nonce: [u8; 8]) -> tsp::Request {
        stamp_request(self.imprint.clone(), nonce)
    }

    /// The bytes to append.
    ///
    /// # Errors
    ///
    /// [`SigningError::TimeStamp`] when the token is over something else, [`SigningError::Pdf`] when it is
    /// longer than its room: prepare again with the length now known.
    pub fn finish(mut self, token: &[u8], limits: &Limits) -> Result<Vec<u8>, SigningError> {
        let parsed = tsp::Token::parse(token, limits)?;
        if parsed.info.imprint != self.imprint {
            return Err(tsp::TspError::Mismatch { what: "messageImprint" }.into());
        }
        self.increment.fill(token)?;
        Ok(self.increment.tail)
    }
}
