//! Time-stamps of a signature: the room for one, the request, and the way out when it does not fit.

use std::sync::{Mutex, PoisonError};

use super::{Copy, SignError, SigningDesk};
use crate::{
    base::DigestAlgorithm,
    pdf::Document,
    signing::{self, SigningError, Stamped, TokenRoom},
    tsp,
};

/// A time-stamp authority, and how long its tokens are.
pub struct TimeStamping {
    url: String,
    measured: Mutex<Option<TokenRoom>>,
}

impl TimeStamping {
    /// The authority at `url`, which the operator vouches for.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), measured: Mutex::new(None) }
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl SigningDesk {
    /// The room for a token of our authority, measured once.
    pub(super) fn token_room(&self, algorithm: DigestAlgorithm) -> Result<Option<TokenRoom>, SignError> {
        let Some(authority) = &self.time_stamping else { return Ok(None) };
        let mut measured = authority.measured.lock().unwrap_or_else(PoisonError::into_inner);
        if measured.is_none() {
            let probe = self.time_stamp_request(algorithm.digest(b"kyso measures the length of a token"));
            *measured = Some(TokenRoom::after(self.ask(authority, &probe)?.len()));
        }
        Ok(*measured)
    }

    pub(super) fn append(
        &self,
        copy: &mut Copy,
        signed: signing::Signed,
        algorithm: DigestAlgorithm,
    ) -> Result<(), SignError> {
        let Some(authority) = &self.time_stamping else { return copy.append(&signed.plain()?) };
        let request = signed.time_stamp_request(self.chance.bytes());
        let token = self.ask(authority, &request)?;
        match signed.stamp(&token, &self.limits)? {
            Stamped::Whole(tail) => copy.append(&tail),
            Stamped::TooLong(tail) => {
                copy.append(&tail)?;
                self.stamp_document(copy, authority, token.len(), algorithm)
            }
        }
    }

    /// The way out when an authority's token outgrew its room: a document time-stamp behind the signature.
    fn stamp_document(
        &self,
        copy: &mut Copy,
        authority: &TimeStamping,
        mut measured: usize,
        algorithm: DigestAlgorithm,
    ) -> Result<(), SignError> {
        for _ in 0..STAMP_TRIES {
            let room = TokenRoom::after(measured);
            let document = Document::open(copy.source()?, &self.limits)?;
            let prepared = signing::prepare_document_stamp(&document, room, algorithm)?;
            let token = self.ask(authority, &prepared.time_stamp_request(self.chance.bytes()))?;
            *authority.measured.lock().unwrap_or_else(PoisonError::into_inner) = Some(room);
            if token.len() <= room.reserved() {
                return copy.append(&prepared.finish(&token, &self.limits)?);
            }
            measured = token.len();
        }
        Err(SignError::UnsteadyTimeStamps { url: authority.url.clone() })
    }

    pub(super) fn time_stamp_request(&self, imprint: crate::base::Digest) -> tsp::Request {
        tsp::Request { imprint, nonce: Some(self.chance.bytes::<8>().to_vec()), cert_req: true }
    }

    pub(super) fn ask(&self, authority: &TimeStamping, request: &tsp::Request) -> Result<Vec<u8>, SignError> {
        let answer = self
            .fetcher
            .post_timestamp(&authority.url, &request.to_der())
            .map_err(|source| SignError::TimeStampAuthority { url: authority.url.clone(), source })?;
        Ok(tsp::token_from_response(&answer, request).map_err(SigningError::from)?)
    }
}

/// How often a document time-stamp is tried with ever more room.
const STAMP_TRIES: usize = 3;
