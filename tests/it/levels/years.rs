//! What years do: certificates end, archive time-stamps are renewed, evidence has to be young enough.

use std::{fs, time::Duration};

use kyso::{
    service::{
        extend::{ExtendError, Extension},
        sign::{SigningDesk, TimeStamping},
        time_stamping::Unreached,
    },
    validation::{Level, Overall},
};

use super::world::{Authority, DAY, TEN_MINUTES, World, archive_stamps, decision, extend};

/// After the end of the signer's certificate, LTA is still valid, and T is not.
#[test]
fn an_archive_outlives_the_signers_certificate() {
    let world = World::new();
    let person = world.person("Phạm Thị Bền");
    let desk = world.usual_desk(Level::T);
    for (level, name) in [(Level::T, "t.pdf"), (Level::Lta, "lta.pdf")] {
        person.sign(&desk, &decision(), &world.path(name), Some(level)).unwrap();
    }
    world.pass(DAY * 4 * 365);
    assert!(world.clock.now() > person.certificate.not_after());
    assert_eq!(world.told(&world.path("lta.pdf"), true), ["TOTAL-PASSED PAdES-BASELINE-LTA"]);
    assert_eq!(world.judge(&world.path("lta.pdf"), true).overall, Overall::Valid);
    let late = world.told(&world.path("t.pdf"), true);
    assert!(!late[0].starts_with("TOTAL-PASSED"), "{late:?}");
    // Nothing helps a T whose certificate has ended: its status is not told any more.
    let refused = extend(&desk, &world.path("t.pdf"), &world.path("out.pdf"), &Extension::to(Level::Lta));
    assert!(matches!(refused, Err(ExtendError::NotValid { .. })), "{refused:?}");
}

/// A renewed archive outlives the authority of the first archive time-stamp; one that was not renewed does not.
#[test]
fn a_renewed_archive_outlives_its_first_authority() {
    let world = World::new();
    let person = world.person("Phạm Thị Bền");
    let first = Authority::start(&world, DAY * 2 * 365);
    let desk = world.desk(Some(TimeStamping::new(first.url()).reaching(Level::Lta)));
    let (signed, renewed) = (world.path("lta.pdf"), world.path("renewed.pdf"));
    let released = person.sign(&desk, &decision(), &signed, None).unwrap();
    let until = released.good_until().unwrap();
    assert_eq!(until, world.clock.now() + DAY * 2 * 365, "the end of the authority's certificate");

    world.pass(DAY * 700);
    let second = Authority::start(&world, DAY * 2 * 365);
    let desk = world.desk(Some(TimeStamping::new(second.url())));
    let extended = extend(&desk, &signed, &renewed, &Extension::renewal()).unwrap();
    assert!(extended.raised().good_until.unwrap() > until + DAY * 600);

    world.pass(DAY * 600);
    assert!(world.clock.now() > until && world.clock.now() > person.certificate.not_after());
    let report = world.judge(&renewed, true);
    assert_eq!(report.overall, Overall::Valid, "{report:#?}");
    assert_eq!(world.told(&renewed, true), ["TOTAL-PASSED PAdES-BASELINE-LTA"]);
    assert_eq!(archive_stamps(&report), 2);
    let late = world.told(&signed, true);
    assert!(!late[0].starts_with("TOTAL-PASSED"), "not renewed: {late:?}");

    // And once more, after the signer is long gone.
    world.pass(DAY * 30);
    let third = world.path("third.pdf");
    let desk = world.usual_desk(Level::Lta);
    extend(&desk, &renewed, &third, &Extension::renewal()).unwrap();
    world.pass(DAY * 1_200);
    assert_eq!(world.judge(&third, true).overall, Overall::Valid);
}

/// Evidence from before the signature does not do where it has to be younger.
#[test]
fn evidence_may_have_to_be_younger_than_the_signature() {
    let world = World::new();
    let person = world.person("Phạm Thị Bền");
    let desk = world.usual_desk(Level::T);
    // Fetched now, and kept.
    person.sign(&desk, &decision(), &world.path("first.pdf"), Some(Level::Lt)).unwrap();
    world.pass(jiff::SignedDuration::from_secs(30));
    let (signed, output) = (world.path("t.pdf"), world.path("out.pdf"));
    person.sign(&desk, &decision(), &signed, Some(Level::T)).unwrap();
    let strict = Extension { after_signature: true, ..Extension::to(Level::Lt) };
    // Nobody knows more than ten minutes ago.
    let refused = world.behind(TEN_MINUTES, |desk| extend(desk, &signed, &output, &strict)).unwrap_err();
    assert!(matches!(&refused, ExtendError::TooOld(old) if old.this_update < old.proven_at), "{refused}");
    assert!(refused.may_pass() && !output.exists());
    // The network knows more than what was kept half a minute ago.
    extend(&desk, &signed, &output, &strict).unwrap();
    assert_eq!(world.told(&output, false), ["TOTAL-PASSED PAdES-BASELINE-LT"]);
    fs::remove_file(&output).unwrap();
    // So it does for a signature that had no time before.
    person.sign(&desk, &decision(), &signed, Some(Level::B)).unwrap();
    world.pass(jiff::SignedDuration::from_secs(30));
    extend(&desk, &signed, &output, &strict).unwrap();
    assert_eq!(world.told(&output, false), ["TOTAL-PASSED PAdES-BASELINE-LT"]);
    fs::remove_file(&output).unwrap();
    // What it knows may be a revocation.
    let other = world.person("Người Bị Thu Hồi");
    other.sign(&desk, &decision(), &signed, Some(Level::Lt)).unwrap();
    world.pass(jiff::SignedDuration::from_secs(30));
    other.sign(&desk, &decision(), &signed, Some(Level::T)).unwrap();
    world.pki.pki().revoke(other.certificate.serial(), world.clock.now() - DAY, Some(1)).unwrap();
    let refused = extend(&desk, &signed, &output, &strict).unwrap_err();
    assert!(matches!(refused, ExtendError::NotValid { indication: "TOTAL-FAILED", .. }), "{refused}");
    assert!(!output.exists());
    // And where signing waits for less than a minute.
    let short =
        TimeStamping::new(world.pki.tsa_url()).reaching(Level::Lt).with_grace(Duration::from_millis(1));
    world.pass(jiff::SignedDuration::from_secs(30));
    let released =
        person.sign(&SigningDesk { time_stamping: Some(short), ..desk }, &decision(), &output, None);
    assert_eq!(released.unwrap().reached(), Level::Lt);
    fs::remove_file(&output).unwrap();

    // Signing with a grace period leaves the level for later, where it may.
    let graceful =
        TimeStamping::new(world.pki.tsa_url()).reaching(Level::Lt).with_grace(Duration::from_mins(5));
    let desk = world.desk(Some(graceful.when_unreached(Unreached::Defer)));
    let released = person.sign(&desk, &decision(), &output, None).unwrap();
    assert_eq!((released.asked(), released.reached()), (Level::Lt, Level::T));
    assert!(released.deferred().unwrap().contains("300 s"), "{:?}", released.deferred());
}
