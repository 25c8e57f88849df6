//! What can be asked for, and what it says about how long it may be used.

use std::{sync::Arc, time::Duration};

use jiff::SignedDuration;

use crate::{
    base::{Limits, Sha256, UtcTime},
    cms::SignedData,
    ocsp,
    x509::{Certificate, Crl, certificates_from_pem},
};

/// Something at an address out of a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Wanted {
    /// The CRL of a distribution point (RFC 5280 section 4.2.1.13).
    Crl {
        /// Where it is.
        url: String,
    },
    /// The issuer's certificates (caIssuers, RFC 5280 section 4.2.2.1).
    Issuer {
        /// Where they are.
        url: String,
    },
    /// The answer of an OCSP responder (RFC 6960).
    Ocsp {
        /// Where it listens.
        url: String,
        /// The OCSPRequest, DER. Without a nonce in it, one is added on the way and compared, and the answer may be
        /// kept; with one, it is compared and nothing is kept.
        request: Vec<u8>,
    },
}

impl Wanted {
    pub(super) fn url(&self) -> &str {
        let (Self::Crl { url } | Self::Issuer { url } | Self::Ocsp { url, .. }) = self;
        url
    }

    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Crl { .. } => Kind::Crl,
            Self::Issuer { .. } => Kind::Issuer,
            Self::Ocsp { .. } => Kind::Ocsp,
        }
    }

    /// Whether the caller compares a nonce of its own.
    pub(super) fn has_nonce(&self) -> bool {
        match self {
            Self::Ocsp { request, .. } => {
                ocsp::Request::parse(request).is_ok_and(|request| request.nonce.is_some())
            }
            Self::Crl { .. } | Self::Issuer { .. } => false,
        }
    }

    /// Under which it is kept: the digest of kind, address and request, none of which can run into the next.
    pub(super) fn key(&self) -> Sha256 {
        let url = self.url();
        let request = if let Self::Ocsp { request, .. } = self { request.as_slice() } else { &[] };
        let len = (url.len() as u64).to_be_bytes();
        Sha256::of(&[&[self.kind().code()], &len[..], url.as_bytes(), request].concat())
    }
}

/// A kind of evidence, with what is allowed to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Crl,
    Issuer,
    Ocsp,
}

impl Kind {
    /// As kept entries name it. Never changes.
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Crl => 1,
            Self::Issuer => 2,
            Self::Ocsp => 3,
        }
    }

    pub(super) fn from_code(code: u8) -> Option<Self> {
        [Self::Crl, Self::Issuer, Self::Ocsp].into_iter().find(|kind| kind.code() == code)
    }

    /// As metrics name it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Crl => "crl",
            Self::Issuer => "issuer",
            Self::Ocsp => "ocsp",
        }
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Crl => "a certificate revocation list",
            Self::Issuer => "a certificate",
            Self::Ocsp => "an OCSP response",
        }
    }

    pub(super) fn accept(self) -> &'static str {
        match self {
            Self::Crl => "application/pkix-crl, */*",
            Self::Issuer => "application/pkix-cert, application/pkcs7-mime, */*",
            Self::Ocsp => "application/ocsp-response",
        }
    }

    /// The most bytes of an answer.
    pub(super) fn most(self) -> u64 {
        match self {
            Self::Crl => CRL_BYTES,
            Self::Issuer | Self::Ocsp => SMALL_BYTES,
        }
    }

    /// How long all of it may take: waiting for a place at the host, the name, the connection, the last byte.
    pub(super) fn deadline(self) -> Duration {
        match self {
            Self::Crl => CRL_DEADLINE,
            Self::Issuer | Self::Ocsp => DEADLINE,
        }
    }

    /// How long it is used without asking again.
    fn life(self) -> SignedDuration {
        match self {
            Self::Crl => CRL_LIFE,
            Self::Issuer => ISSUER_LIFE,
            Self::Ocsp => OCSP_LIFE,
        }
    }

    /// From when on it speaks, and until when by its own word.
    fn term(self, bytes: &[u8]) -> Result<Term, String> {
        match self {
            Self::Crl => {
                let list = Crl::from_der(bytes).map_err(|error| error.to_string())?;
                Ok(Term { since: list.this_update(), until: list.next_update() })
            }
            Self::Issuer if certificates(bytes).is_empty() => {
                Err("no certificate could be read from it".to_owned())
            }
            // A certificate is no word about a moment: it may be used for any.
            Self::Issuer => Ok(Term { since: UtcTime::UNIX_EPOCH, until: Some(UtcTime::MAX) }),
            Self::Ocsp => {
                let response = ocsp::Response::parse(bytes).map_err(|error| error.to_string())?;
                let updates = response.singles.iter().map(|single| single.this_update);
                let since = updates.fold(response.produced_at, UtcTime::max);
                let until = response.singles.iter().map(|single| single.next_update).min().flatten();
                Ok(Term { since, until })
            }
        }
    }
}

struct Term {
    since: UtcTime,
    until: Option<UtcTime>,
}

/// Evidence at hand, and what is known about its age.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) kind: Kind,
    pub(super) bytes: Arc<[u8]>,
    /// When it came.
    pub(super) fetched: UtcTime,
    /// Until when the network is not asked again.
    pub(super) fresh_until: UtcTime,
    /// Its own thisUpdate (producedAt).
    pub(super) since: UtcTime,
    /// Its own nextUpdate: until then it can stand in when the network fails, and afterwards for moments before.
    pub(super) holds_until: UtcTime,
}

impl Kept {
    /// Takes in what came now; `max_age` is what HTTP said.
    ///
    /// # Errors
    ///
    /// With what the reader met when it is not such evidence.
    pub(super) fn take(
        kind: Kind,
        bytes: Vec<u8>,
        max_age: Option<Duration>,
        now: UtcTime,
    ) -> Result<Self, String> {
        let Term { since, until } = kind.term(&bytes)?;
        let by_http =
            max_age.and_then(|age| SignedDuration::try_from(age).ok()).unwrap_or(SignedDuration::MAX);
        let fresh = later(now, kind.life().min(by_http)).min(until.unwrap_or(UtcTime::MAX));
        // What came this moment answers all who ask in this moment, whatever it says of itself: a hundred files
        // behind each other must not fetch a lapsed list a hundred times.
        let fresh_until = fresh.max(later(now, LEAST_LIFE));
        let holds_until = until.unwrap_or(fresh_until);
        Ok(Self { kind, bytes: bytes.into(), fetched: now, fresh_until, since, holds_until })
    }

    /// Whether it answers without asking the network. `past` is the moment of the question if that is not the
    /// present: what speaks about that moment serves it better than anything that the network has now.
    pub(super) fn serves(&self, past: Option<UtcTime>, now: UtcTime) -> bool {
        let is_fresh = now < self.fresh_until && self.fetched <= later(now, SKEW);
        is_fresh || past.is_some_and(|moment| self.speaks_about(moment))
    }

    /// Whether it may stand in for what the network does not give.
    pub(super) fn may_stand_in(&self, past: Option<UtcTime>, now: UtcTime) -> bool {
        self.speaks_about(past.unwrap_or(now))
    }

    /// Whether it came so lately that asking anew would bring the same.
    pub(super) fn is_new(&self, now: UtcTime) -> bool {
        now < later(self.fetched, RENEWAL) && self.fetched <= now
    }

    fn speaks_about(&self, moment: UtcTime) -> bool {
        self.since <= later(moment, SKEW) && moment <= self.holds_until
    }
}

/// The certificates of an answer: one in DER, several in PEM, or a certs-only CMS message (RFC 5280 section 4.2.2.1).
pub fn certificates(bytes: &[u8]) -> Vec<Certificate> {
    if let Ok(certificates) = certificates_from_pem(bytes) {
        return certificates;
    }
    SignedData::parse(bytes, &Limits::default()).map(|data| data.certificates).unwrap_or_default()
}

/// `span` after `time`.
pub(super) fn later(time: UtcTime, span: SignedDuration) -> UtcTime {
    time.saturating_add(span).unwrap_or(UtcTime::MAX)
}

/// How far clocks may be apart.
pub(super) const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// A revocation list is used for so long, although it says that it holds for days: authorities publish a new one ahead
/// of time when something is revoked.
const CRL_LIFE: SignedDuration = SignedDuration::from_hours(1);

/// An OCSP answer: enough for the files of one sitting, short where a revocation is news.
const OCSP_LIFE: SignedDuration = SignedDuration::from_mins(5);

/// Authorities keep their certificates for years, but may put another behind the same address.
const ISSUER_LIFE: SignedDuration = SignedDuration::from_hours(24);

/// The files of one command, or the clicks of one person.
const LEAST_LIFE: SignedDuration = SignedDuration::from_secs(10);

/// What settles nothing is asked for anew so often: where nothing is trusted, it never settles anything.
const RENEWAL: SignedDuration = SignedDuration::from_mins(1);

/// Large national CRLs have been seen at 10 MB.
pub(super) const CRL_BYTES: u64 = 16 * 1024 * 1024;

/// OCSP answers, time-stamps and certificates are of a few kilobytes.
pub(super) const SMALL_BYTES: u64 = 256 * 1024;

/// A few kilobytes; a person waits.
const DEADLINE: Duration = Duration::from_secs(10);

/// The largest list in this time needs 5 Mbit/s.
const CRL_DEADLINE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::tests::{at, crl, ocsp_response};

    #[test]
    fn keys_differ_in_kind_address_and_request() {
        let url = || "http://a.example/x".to_owned();
        let ocsp =
            |url: &str, request: &[u8]| Wanted::Ocsp { url: url.to_owned(), request: request.to_vec() };
        let keys = [
            Wanted::Crl { url: url() }.key(),
            Wanted::Issuer { url: url() }.key(),
            ocsp(&url(), b"").key(),
            ocsp(&url(), b"y").key(),
            ocsp("http://a.example/", b"xy").key(),
            ocsp("http://a.example/xy", b"").key(),
        ];
        let different: std::collections::HashSet<_> = keys.iter().map(|key| key.to_hex()).collect();
        assert_eq!(different.len(), keys.len());
        assert_eq!(ocsp(&url(), b"y").key(), keys[3]);
    }

    #[test]
    fn the_evidence_itself_says_how_long_it_holds_and_http_only_shortens() {
        let now = at("2026-07-01T12:00:00Z");
        let list = crl("2026-07-01T00:00:00Z", Some("2026-07-08T00:00:00Z"), 0);
        let take = |bytes: &[u8], max_age| Kept::take(Kind::Crl, bytes.to_vec(), max_age, now).unwrap();
        let kept = take(&list, None);
        assert_eq!(kept.fresh_until, at("2026-07-01T13:00:00Z"));
        assert_eq!((kept.since, kept.holds_until), (at("2026-07-01T00:00:00Z"), at("2026-07-08T00:00:00Z")));
        for (max_age, expected) in
            [(60, "2026-07-01T12:01:00Z"), (0, "2026-07-01T12:00:10Z"), (864_000, "2026-07-01T13:00:00Z")]
        {
            let kept = take(&list, Some(Duration::from_secs(max_age)));
            assert_eq!(kept.fresh_until, at(expected), "max-age {max_age}");
            assert_eq!(kept.holds_until, at("2026-07-08T00:00:00Z"));
        }
        take(&list, Some(Duration::MAX));

        let ends_soon = take(&crl("2026-07-01T00:00:00Z", Some("2026-07-01T12:10:00Z"), 0), None);
        assert_eq!(ends_soon.fresh_until, at("2026-07-01T12:10:00Z"));
        let lapsed = take(&crl("2026-06-01T00:00:00Z", Some("2026-06-08T00:00:00Z"), 0), None);
        assert_eq!(lapsed.fresh_until, at("2026-07-01T12:00:10Z"));
        assert!(!lapsed.may_stand_in(None, now));
        let silent = take(&crl("2026-07-01T00:00:00Z", None, 0), None);
        assert_eq!(silent.holds_until, at("2026-07-01T13:00:00Z"));

        let answer = ocsp_response("2026-07-01T11:00:00Z", Some("2026-07-02T00:00:00Z"), None);
        let kept = Kept::take(Kind::Ocsp, answer, None, now).unwrap();
        assert_eq!(kept.fresh_until, at("2026-07-01T12:05:00Z"));
        assert_eq!((kept.since, kept.holds_until), (at("2026-07-01T11:00:00Z"), at("2026-07-02T00:00:00Z")));
    }

    #[test]
    fn moments_of_the_past_are_served_by_what_spoke_about_them() {
        let fetched = at("2026-07-01T12:00:00Z");
        let list = crl("2026-07-01T00:00:00Z", Some("2026-07-08T00:00:00Z"), 0);
        let kept = Kept::take(Kind::Crl, list, None, fetched).unwrap();
        let (soon, weeks_later) = (at("2026-07-01T12:30:00Z"), at("2026-08-01T00:00:00Z"));
        assert!(kept.serves(None, soon));
        assert!(!kept.serves(None, weeks_later));
        assert!(!kept.may_stand_in(None, weeks_later));
        for (moment, serves) in [
            ("2026-06-30T00:00:00Z", false),
            ("2026-07-01T00:00:00Z", true),
            ("2026-07-05T00:00:00Z", true),
            ("2026-07-08T00:00:00Z", true),
            ("2026-07-08T00:00:01Z", false),
        ] {
            assert_eq!(kept.serves(Some(at(moment)), weeks_later), serves, "{moment}");
            assert_eq!(kept.may_stand_in(Some(at(moment)), weeks_later), serves, "{moment}");
        }
        assert!(kept.may_stand_in(None, at("2026-07-03T00:00:00Z")), "when the network fails");
        // The clock was set back: nobody knows how old it is.
        assert!(!kept.serves(None, at("2026-06-01T00:00:00Z")));
        assert!(!kept.is_new(at("2026-06-01T00:00:00Z")));
    }

    #[test]
    fn what_is_no_evidence_is_not_taken() {
        let now = at("2026-07-01T12:00:00Z");
        let list = crl("2026-07-01T00:00:00Z", None, 3);
        for kind in [Kind::Crl, Kind::Issuer, Kind::Ocsp] {
            for junk in [&b""[..], b"<html>log in</html>", &list[..list.len() - 1], &[0x30, 0x84, 0xFF]] {
                assert!(Kept::take(kind, junk.to_vec(), None, now).is_err(), "{kind:?} {junk:?}");
            }
            assert_eq!(Kept::take(kind, list.clone(), None, now).is_ok(), kind == Kind::Crl);
            assert_eq!(Kind::from_code(kind.code()), Some(kind));
        }
        assert_eq!(Kind::from_code(0), None);
    }
}
