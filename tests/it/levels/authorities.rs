//! Authorities that fail in every way: the next one is taken, the breaker opens and closes, quotas hold.

use std::time::Duration;

use jiff::SignedDuration;
use kyso::{
    base::DigestAlgorithm,
    service::{
        sign::{SignError, TimeStamping},
        time_stamping::{AuthoritySettings, BreakerState, Quota},
    },
    validation::Level,
};

use super::world::{Authority, DAY, Mood, World, decision};

const FAULTS: [Mood; 7] = [
    Mood::BrokenSignature,
    Mood::Busy,
    Mood::Garbage,
    Mood::LateClock,
    Mood::Silent,
    Mood::WrongImprint,
    Mood::WrongNonce,
];

fn settings(authority: &Authority) -> AuthoritySettings {
    AuthoritySettings { timeout: Duration::from_secs(2), ..AuthoritySettings::new(authority.url()) }
}

/// Whatever the first one does, the second one stamps; the key signs once.
#[test]
fn the_next_authority_is_taken() {
    let world = World::new();
    let person = world.person("Phạm Thị Bền");
    let (first, second) = (Authority::start(&world, DAY * 365), Authority::start(&world, DAY * 365));
    for mood in FAULTS {
        first.feels(mood);
        let desk = world.desk(Some(TimeStamping::of(vec![settings(&first), settings(&second)])));
        let (before, asked) = (person.uses(), second.asked());
        let released = person.sign(&desk, &decision(), &world.path("out.pdf"), None).unwrap();
        assert_eq!(released.reached(), Level::T, "{mood:?}");
        assert_eq!(world.told(&world.path("out.pdf"), true), ["TOTAL-PASSED PAdES-BASELINE-T"], "{mood:?}");
        assert_eq!(
            (person.uses() - before, second.asked() - asked),
            (1, 2),
            "{mood:?}: measured, then stamped"
        );
        let status = desk.time_stamping.as_ref().unwrap().status(world.clock.now());
        assert!(status[0].last_error.is_some() && status[1].last_error.is_none(), "{mood:?}: {status:?}");
    }
}

/// Fine when its token was measured, broken when it counts: the signature is not lost.
#[test]
fn an_authority_that_fails_after_the_key_signed_is_passed_over() {
    let world = World::new();
    let person = world.person("Phạm Thị Bền");
    let (first, second) = (Authority::start(&world, DAY * 365), Authority::start(&world, DAY * 365));
    let desk = world.desk(Some(TimeStamping::of(vec![settings(&first), settings(&second)])));
    person.sign(&desk, &decision(), &world.path("a.pdf"), None).unwrap();
    assert_eq!(second.asked(), 0, "the first one comes first");
    first.feels(Mood::WrongNonce);
    let before = person.uses();
    person.sign(&desk, &decision(), &world.path("b.pdf"), None).unwrap();
    assert_eq!((person.uses() - before, second.asked()), (1, 1));
    assert_eq!(world.told(&world.path("b.pdf"), true), ["TOTAL-PASSED PAdES-BASELINE-T"]);
}

/// Three failures open it; while open nobody asks; after the pause one try, and a good one closes it.
#[test]
fn the_breaker_opens_and_closes() {
    let world = World::new();
    let person = world.person("Phạm Thị Bền");
    let (first, second) = (Authority::start(&world, DAY * 365), Authority::start(&world, DAY * 365));
    let desk = world.desk(Some(TimeStamping::of(vec![settings(&first), settings(&second)])));
    let state = || desk.time_stamping.as_ref().unwrap().status(world.clock.now())[0].state;
    let sign = || person.sign(&desk, &decision(), &world.path("out.pdf"), None).unwrap();
    first.feels(Mood::Busy);
    // One try to measure and two to stamp.
    for _ in 0..2 {
        assert_eq!(state(), BreakerState::Closed);
        sign();
    }
    assert_eq!((state(), first.asked()), (BreakerState::Open, 3));
    let asked = first.asked();
    sign();
    assert_eq!(first.asked(), asked, "an open breaker lets nobody through");

    world.pass(SignedDuration::from_secs(31));
    assert_eq!(state(), BreakerState::HalfOpen);
    sign();
    assert_eq!((first.asked(), state()), (asked + 1, BreakerState::Open), "one try, and it failed");
    world.pass(SignedDuration::from_secs(31));
    assert_eq!(state(), BreakerState::Open, "the second pause is longer");
    world.pass(SignedDuration::from_secs(31));
    first.feels(Mood::Good);
    let others = second.asked();
    sign();
    assert_eq!((state(), second.asked()), (BreakerState::Closed, others));
}

/// What an authority's quota allows is asked of it, the rest of the next one; when all are used up, nothing is signed.
#[test]
fn quotas_hold() {
    let world = World::new();
    let person = world.person("Phạm Thị Bền");
    let (first, second) = (Authority::start(&world, DAY * 365), Authority::start(&world, DAY * 365));
    let limited = |authority, hour| AuthoritySettings {
        quota: Quota { per_hour: Some(hour), per_day: Some(5) },
        ..settings(authority)
    };
    let desk = world.desk(Some(TimeStamping::of(vec![limited(&first, 3), limited(&second, 1)])));
    let sign = || person.sign(&desk, &decision(), &world.path("out.pdf"), None);
    // One to measure, then two.
    sign().unwrap();
    sign().unwrap();
    assert_eq!((first.asked(), second.asked()), (3, 0));
    sign().unwrap();
    assert_eq!((first.asked(), second.asked()), (3, 1));
    let used = person.uses();
    let refused = sign().unwrap_err();
    assert!(matches!(&refused, SignError::NoTimeStamp(none) if none.tried.len() == 2), "{refused}");
    assert!(refused.to_string().contains("quota"), "{refused}");
    assert_eq!((first.asked(), second.asked()), (3, 1), "nobody was asked");
    assert_eq!(person.uses(), used + 1);
    world.pass(SignedDuration::from_hours(1));
    sign().unwrap();
    sign().unwrap();
    sign().unwrap();
    assert_eq!((first.asked(), second.asked()), (5, 2), "five a day");
}

/// The imprint is at least as strong as the authority asks, whatever the signature's digest.
#[test]
fn an_authority_gets_the_digest_that_it_takes() {
    let world = World::new();
    let person = world.person("Phạm Thị Bền");
    let authority = Authority::start(&world, DAY * 365);
    let strong = AuthoritySettings { least_digest: DigestAlgorithm::Sha512, ..settings(&authority) };
    let desk = world.desk(Some(TimeStamping::of(vec![strong]).reaching(Level::Lta)));
    let released = person.sign(&desk, &decision(), &world.path("out.pdf"), None).unwrap();
    let stamp = &released.signature().unwrap().time_stamps[0];
    assert_eq!(stamp.digest_algorithm.as_deref(), Some("SHA-512"));
    // SHA-1 is never asked for.
    let weak = AuthoritySettings { least_digest: DigestAlgorithm::Sha1, ..settings(&authority) };
    let desk = world.desk(Some(TimeStamping::of(vec![weak])));
    let released = person.sign(&desk, &decision(), &world.path("out.pdf"), None).unwrap();
    let stamp = &released.signature().unwrap().time_stamps[0];
    assert_eq!(stamp.digest_algorithm.as_deref(), Some("SHA-256"));
}

/// One silent, one talking nonsense: nothing is signed, and the reasons are told.
#[test]
fn when_nobody_answers_nothing_is_signed_and_no_key_is_used() {
    let world = World::new();
    let person = world.person("Phạm Thị Bền");
    let (first, second) = (Authority::start(&world, DAY * 365), Authority::start(&world, DAY * 365));
    first.feels(Mood::Silent);
    second.feels(Mood::Garbage);
    let quick = |authority| AuthoritySettings { timeout: Duration::from_millis(300), ..settings(authority) };
    let desk = world.desk(Some(TimeStamping::of(vec![quick(&first), quick(&second)])));
    let refused = person.sign(&desk, &decision(), &world.path("out.pdf"), None).unwrap_err();
    let SignError::NoTimeStamp(none) = &refused else { panic!("{refused}") };
    assert_eq!(none.tried.len(), 2, "{refused}");
    assert_eq!(person.uses(), 0, "the key was used in vain");
    assert!(!world.path("out.pdf").exists());
}
