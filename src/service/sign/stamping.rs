//! Time-stamps of a signature and of a document: the room for one, the request, and the way out when it does not fit.

use super::{Copy, SignError, SigningDesk};
use crate::{
    base::DigestAlgorithm,
    pdf::Document,
    service::time_stamping::{Asking, Authority, Failed, NoTimeStamp, StampError, TimeStamping, Unreached},
    signing::{self, Stamped, TokenRoom, Wishes},
    tsp,
    validation::Level,
};

/// The room for a signature time-stamp.
pub(super) enum Room {
    /// None: the level does not ask for one.
    Needless,
    /// None: no authority answers, and the signature may do without for now.
    Deferred(NoTimeStamp),
    /// So much.
    For(TokenRoom),
}

impl SigningDesk {
    /// The level that a signature shall reach, if it can be reached at all.
    pub(super) fn asked_level(&self, wishes: &Wishes) -> Result<Level, SignError> {
        let usual = self.time_stamping.as_ref().map_or(Level::B, TimeStamping::level);
        let level = wishes.level.unwrap_or(usual);
        if level > Level::B && self.time_stamping.is_none() {
            return Err(SignError::NoAuthority { level });
        }
        if level >= Level::Lt && self.anchors.is_empty() {
            return Err(SignError::NoAnchors { level });
        }
        Ok(level)
    }

    /// Whether what cannot be reached now is left for later.
    pub(in crate::service) fn defers(&self) -> bool {
        self.time_stamping.as_ref().is_some_and(|stamping| stamping.unreached() == Unreached::Defer)
    }

    /// The room for a token, measured once for each authority.
    pub(super) fn token_room(&self, level: Level, algorithm: DigestAlgorithm) -> Result<Room, SignError> {
        let Some(stamping) = self.time_stamping.as_ref().filter(|_| level > Level::B) else {
            return Ok(Room::Needless);
        };
        if let Some(room) = stamping.widest_room() {
            return Ok(Room::For(room));
        }
        let asking = self.asking(stamping);
        match stamping.first(asking.now, |authority| self.measure(asking, authority, algorithm)) {
            Ok(room) => Ok(Room::For(room)),
            Err(Failed::None(none)) if self.defers() => Ok(Room::Deferred(none)),
            Err(failed) => Err(failed.into()),
        }
    }

    /// Appends the signature, with a time-stamp if `stamped`; says why it has none where that is left for later.
    pub(super) fn append(
        &self,
        copy: &mut Copy,
        signed: signing::Signed,
        algorithm: DigestAlgorithm,
        stamped: bool,
    ) -> Result<Option<NoTimeStamp>, SignError> {
        let Some(stamping) = self.time_stamping.as_ref().filter(|_| stamped) else {
            copy.append(&signed.plain()?)?;
            return Ok(None);
        };
        let asking = self.asking(stamping);
        let token = stamping.first(asking.now, |authority| {
            let request = signed.time_stamp_request(authority.digest(algorithm), self.chance.bytes());
            let token = asking.ask(authority, &request)?;
            authority.measured(token.len());
            Ok(token)
        });
        let token = match token {
            Ok(token) => token,
            Err(Failed::None(none)) if self.defers() => {
                copy.append(&signed.plain()?)?;
                return Ok(Some(none));
            }
            Err(failed) => return Err(failed.into()),
        };
        match signed.stamp(&token, &self.limits)? {
            Stamped::Whole(tail) => copy.append(&tail)?,
            // The way out when a token outgrew its room: a document time-stamp behind the signature.
            Stamped::TooLong(tail) => {
                copy.append(&tail)?;
                self.stamp_document(copy, algorithm)?;
            }
        }
        Ok(None)
    }

    /// Appends a document time-stamp over all that is there.
    pub(in crate::service) fn stamp_document(
        &self,
        copy: &mut Copy,
        algorithm: DigestAlgorithm,
    ) -> Result<(), SignError> {
        let Some(stamping) = &self.time_stamping else {
            return Err(SignError::NoAuthority { level: Level::T });
        };
        let asking = self.asking(stamping);
        let tail = stamping.first(asking.now, |authority| {
            let mut room = match authority.room() {
                Some(room) => room,
                None => self.measure(asking, authority, algorithm)?,
            };
            for _ in 0..STAMP_TRIES {
                let document = Document::open(copy.source()?, &self.limits).map_err(SignError::from)?;
                let digest = authority.digest(algorithm);
                let prepared =
                    signing::prepare_document_stamp(&document, room, digest).map_err(SignError::from)?;
                let token = asking.ask(authority, &prepared.time_stamp_request(self.chance.bytes()))?;
                if token.len() <= room.reserved() {
                    return Ok(prepared.finish(&token, &self.limits).map_err(SignError::from)?);
                }
                room = authority.measured(token.len());
            }
            Err(StampError::Unsteady)
        })?;
        copy.append(&tail)
    }

    /// A token for what `make` asks for, and what else it made; the digest is `algorithm`, or what an authority asks for
    /// where that is stronger.
    pub(in crate::service) fn token_for<R>(
        &self,
        algorithm: DigestAlgorithm,
        mut make: impl FnMut(DigestAlgorithm, [u8; 8]) -> Result<(tsp::Request, R), SignError>,
    ) -> Result<(Vec<u8>, R), SignError> {
        let Some(stamping) = &self.time_stamping else {
            return Err(SignError::NoAuthority { level: Level::T });
        };
        let asking = self.asking(stamping);
        let token = stamping.first(asking.now, |authority| {
            let (request, made) = make(authority.digest(algorithm), self.chance.bytes())?;
            Ok((asking.ask(authority, &request)?, made))
        });
        Ok(token?)
    }

    /// Asks for a token that nobody needs, to know how long one is.
    fn measure(
        &self,
        asking: Asking<'_>,
        authority: &Authority,
        algorithm: DigestAlgorithm,
    ) -> Result<TokenRoom, StampError> {
        let imprint = authority.digest(algorithm).digest(b"kyso measures the length of a token");
        let nonce = Some(self.chance.bytes::<8>().to_vec());
        let probe = tsp::Request { imprint, nonce, cert_req: true };
        Ok(authority.measured(asking.ask(authority, &probe)?.len()))
    }

    fn asking<'a>(&'a self, stamping: &'a TimeStamping) -> Asking<'a> {
        Asking { stamping, fetcher: &self.fetcher, limits: &self.limits, now: self.clock.now() }
    }
}

impl From<Failed> for SignError {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::None(none) => Self::NoTimeStamp(none),
            Failed::Own(error) => error,
        }
    }
}

/// How often a document time-stamp is tried with ever more room.
const STAMP_TRIES: usize = 3;
