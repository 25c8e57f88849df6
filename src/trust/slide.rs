//! A control time that slides down a chain (ETSI EN 319 102-1 section 5.6.2.2).

use super::{Freshness, StatusStatement, Word};
use crate::{base::UtcTime, x509::Certificate};

/// A certificate of a chain, with what is known of it.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// The certificate.
    pub certificate: &'a Certificate,
    /// It is proven to have existed at this time.
    pub existed_by: UtcTime,
    /// What is said of its status, see [`super::Court::statements`].
    pub statements: &'a [StatusStatement],
    /// The last moment at which the algorithms of the certificate and of the statements were good enough; `None` while
    /// they are.
    pub strong_until: Option<UtcTime>,
}

/// Nothing on the status of a certificate is proven to be old enough (sub-indication NO_POE).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no word on the status of certificate {index} is proven to have existed at {at}")]
pub struct NoProof {
    /// Its place among the steps.
    pub index: usize,
    /// How far the control time had come.
    pub at: UtcTime,
}

/// The latest time for which the chain can be relied on, from `moment` backwards.
///
/// `steps`: the certificates of the chain from the one that the anchor issued down to the end certificate. For each, a
/// statement is taken that was made, and together with the certificate is proven to have existed, at the control time
/// that the certificates above left. Revoked: the time goes back to the revocation. Good but no longer fresh then: it
/// goes back to the making of the statement. It also goes back to the end of the certificate, and to the end of its
/// algorithms. What the end certificate signed must then be proven to have existed at the time that comes out.
///
/// # Errors
///
/// When a certificate has no such statement.
pub fn slide(steps: &[Step<'_>], moment: UtcTime, freshness: &Freshness) -> Result<UtcTime, NoProof> {
    let mut at = moment;
    for (index, step) in steps.iter().enumerate() {
        let none = NoProof { index, at };
        if step.existed_by > at {
            return Err(none);
        }
        let usable = step.statements.iter().filter(|statement| {
            statement.this_update <= at
                && statement.produced_at <= at
                && statement.existed_by <= at
                && statement.existed_by <= statement.signer_until
        });
        // A revocation counts wherever it is said; of good words the newest, and only those that cover every reason.
        let revoked = step.statements.iter().filter_map(|statement| match statement.word {
            Word::Revoked { at, .. } => Some(at),
            Word::Good => None,
        });
        let good = usable
            .filter(|statement| statement.word == Word::Good && statement.reasons.is_all())
            .filter(|statement| statement.knows(step.certificate))
            .max_by_key(|statement| statement.this_update);
        let next = match (revoked.min(), good) {
            (Some(revoked), _) => at.min(revoked),
            (None, Some(good)) if good.holds_until(freshness).is_some_and(|until| until >= at) => at,
            (None, Some(good)) => at.min(good.this_update),
            (None, None) => return Err(none),
        };
        at = next.min(step.certificate.not_after()).min(step.strong_until.unwrap_or(UtcTime::MAX));
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        trust::{EvidenceKind, Rules},
        x509::{Reasons, sample::Sample},
    };

    fn day(number: i64) -> UtcTime {
        // 2026-01-01 is day 0, when the sample certificate begins; it ends on day 1096.
        UtcTime::from_second(1_767_225_600 + number * 86_400).unwrap()
    }

    fn certificate() -> Certificate {
        Certificate::from_der(&Sample::default().to_der()).unwrap()
    }

    fn says(word: Word, this_update: i64, next_update: i64, existed_by: i64) -> StatusStatement {
        StatusStatement {
            item: 0,
            delta: None,
            kind: EvidenceKind::Crl,
            word,
            reasons: Reasons::ALL,
            this_update: day(this_update),
            next_update: Some(day(next_update)),
            produced_at: day(this_update),
            existed_by: day(existed_by),
            knows_expired_since: None,
            signer: certificate(),
            signer_until: day(1096),
        }
    }

    fn slid(statements: &[&[StatusStatement]], existed_by: i64, moment: i64) -> Result<UtcTime, NoProof> {
        let certificate = certificate();
        let step = |statements| Step {
            certificate: &certificate,
            existed_by: day(existed_by),
            statements,
            strong_until: None,
        };
        let steps: Vec<_> = statements.iter().map(|&statements| step(statements)).collect();
        slide(&steps, day(moment), &Rules::USUAL.freshness)
    }

    #[test]
    fn the_time_goes_back_as_far_as_it_must() {
        type Case = (&'static str, Vec<Vec<StatusStatement>>, Result<i64, usize>);
        let good = |made, until, proven| says(Word::Good, made, until, proven);
        let revoked = says(Word::Revoked { at: day(200), reason: None }, 300, 310, 300);
        let cases: Vec<Case> = vec![
            ("fresh", vec![vec![good(500, 510, 500)]], Ok(505)),
            ("no longer fresh", vec![vec![good(400, 410, 401)]], Ok(400)),
            ("the newer of two", vec![vec![good(300, 310, 301), good(400, 410, 401)]], Ok(400)),
            ("revoked", vec![vec![revoked.clone()]], Ok(200)),
            ("revoked in one, good in another", vec![vec![good(500, 510, 500), revoked.clone()]], Ok(200)),
            ("nothing", vec![vec![]], Err(0)),
            ("proven only later", vec![vec![good(400, 410, 506)]], Err(0)),
            (
                "the one below must be proven before the one above was revoked",
                vec![vec![revoked.clone()], vec![good(150, 160, 201)]],
                Err(1),
            ),
            ("and is, at the time of its own word", vec![vec![revoked], vec![good(150, 160, 151)]], Ok(150)),
        ];
        for (what, statements, expected) in cases {
            let statements: Vec<&[StatusStatement]> = statements.iter().map(Vec::as_slice).collect();
            let found = slid(&statements, 100, 505);
            assert_eq!(found.map_err(|none| none.index), expected.map(day), "{what}");
        }
        assert_eq!(slid(&[&[good(500, 510, 500)]], 506, 505).unwrap_err().index, 0, "a certificate of later");
    }

    #[test]
    fn ends_of_certificates_and_algorithms_hold_it_back() {
        let late = says(Word::Good, 1_090, 2_010, 1_091);
        assert_eq!(slid(&[std::slice::from_ref(&late)], 100, 2_000), Ok(certificate().not_after()));
        let certificate = certificate();
        let step = Step {
            certificate: &certificate,
            existed_by: day(1),
            statements: &[late],
            strong_until: Some(day(700)),
        };
        assert_eq!(slide(&[step], day(2_000), &Rules::USUAL.freshness), Ok(day(700)));
        let forgotten = says(Word::Good, 1_200, 2_010, 1_201);
        assert!(slid(&[std::slice::from_ref(&forgotten)], 100, 2_000).is_err(), "made after the end");
        let knowing =
            StatusStatement { knows_expired_since: Some(day(1_000)), signer_until: day(3_000), ..forgotten };
        assert!(slid(&[&[knowing]], 100, 2_000).is_ok(), "whose maker remembers");
    }

    proptest! {
        #[test]
        fn it_never_goes_forward(
            words in prop::collection::vec(
                prop::collection::vec((any::<bool>(), 0_i64..900, 0_i64..900, 0_i64..900), 0..4),
                0..4,
            ),
            moment in 0_i64..1_000,
        ) {
            let statements: Vec<Vec<StatusStatement>> = words
                .iter()
                .map(|list| {
                    let made = |(good, made, long, later): &(bool, i64, i64, i64)| {
                        let word = Word::Revoked { at: day(*made), reason: None };
                        says(if *good { Word::Good } else { word }, *made, made + long, made + later)
                    };
                    list.iter().map(made).collect()
                })
                .collect();
            let borrowed: Vec<&[StatusStatement]> = statements.iter().map(Vec::as_slice).collect();
            if let Ok(at) = slid(&borrowed, 0, moment) {
                prop_assert!(at <= day(moment));
                // A longer chain can only lead further back.
                let shorter = &borrowed[..borrowed.len().saturating_sub(1)];
                prop_assert!(slid(shorter, 0, moment).unwrap() >= at);
            }
        }
    }
}
