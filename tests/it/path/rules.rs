//! What NIST's suite leaves out: OCSP, freshness, anchors with limits, namesakes, bombs, the past.

use der::oid::ObjectIdentifier;
use jiff::SignedDuration;
use kyso::{
    asn1::{Tag, oid, write},
    base::{DigestAlgorithm, Limits, UtcTime},
    ocsp::{self, CertId, CertStatus, ResponderId, ResponseData, SingleResponse},
    trust::{
        Anchors, Assessment, ChainFault, Checks, Control, Court, Distrust, EvidenceKind, Freshness, Purpose,
        Revocation, Rules, StatusFault, StatusItem, Step, slide,
    },
    validation::Evidence,
    x509::{Certificate, Crl},
};

use crate::judge::world::{Entity, Key, SCHEME, Spec, day, now, year};

/// A root, an authority, a person.
struct Town {
    root: Entity,
    ca: Entity,
    person: Entity,
}

impl Town {
    fn new() -> Self {
        Self::under(Entity::root("Gốc"), &Spec::authority("CA", 2))
    }

    fn under(root: Entity, ca: &Spec) -> Self {
        let ca = root.issue(ca);
        let person = ca.issue(&Spec::person("Lê Văn C", 10));
        Self { root, ca, person }
    }

    fn root_list(&self) -> Crl {
        list(&self.root.revokes(day("05-30"), Some(day("06-05")), &[], &[]))
    }

    fn ca_list(&self) -> Crl {
        list(&self.ca.revokes(day("05-30"), Some(day("06-05")), &[], &[]))
    }
}

fn list(evidence: &Evidence) -> Crl {
    match evidence {
        Evidence::Crl(der) => Crl::from_der(der).unwrap(),
        _ => panic!("not a list"),
    }
}

/// What a judgement rests on, with what is usual.
struct Bench<'a> {
    anchors: Vec<Certificate>,
    pool: Vec<Certificate>,
    lists: Vec<&'a Crl>,
    answers: Vec<StatusItem<'a>>,
    rules: Rules,
    control: Control,
}

impl<'a> Bench<'a> {
    fn of(town: &Town, lists: &[&'a Crl]) -> Self {
        Self {
            anchors: vec![town.root.certificate.clone()],
            pool: vec![town.ca.certificate.clone()],
            lists: lists.to_vec(),
            answers: Vec::new(),
            rules: Rules::USUAL,
            control: Control::unproven(now()),
        }
    }

    fn court<T>(&self, question: impl FnOnce(&Court<'_>) -> T) -> T {
        let anchors = Anchors::new("test", self.anchors.clone());
        let lists = self.lists.iter().map(|list| StatusItem::crl(list, self.control.moment));
        let statuses: Vec<_> = lists.chain(self.answers.iter().copied()).collect();
        let (limits, checks) = (Limits::default(), Checks::default());
        let court = Court::new(&anchors, &self.pool, &statuses, &limits, &checks).with_rules(&self.rules);
        question(&court)
    }

    fn judge(&self, end: &Certificate) -> Assessment {
        self.court(|court| court.judge(end, Purpose::Any, self.control))
    }

    fn fault(&self, end: &Certificate) -> Option<ChainFault> {
        match self.judge(end).outcome {
            Ok(_) => None,
            Err(Distrust::Chain { fault, .. }) => Some(fault),
            Err(other) => panic!("{other}"),
        }
    }
}

fn extension(oid: ObjectIdentifier, critical: bool, value: &[u8]) -> Vec<u8> {
    let flag = if critical { write::value(Tag::BOOLEAN, &[0xFF]) } else { Vec::new() };
    write::sequence([write::oid(oid), flag, write::octet_string(value)])
}

/// An answer by the authority itself.
fn answer(
    ca: &Entity,
    about: &Certificate,
    made: UtcTime,
    nonce: Option<&[u8]>,
    cutoff: Option<UtcTime>,
) -> ocsp::Response {
    let single = SingleResponse {
        cert_id: CertId::new(about, &ca.certificate, DigestAlgorithm::Sha1),
        status: CertStatus::Good,
        this_update: made,
        next_update: Some(made + SignedDuration::from_hours(48)),
        archive_cutoff: cutoff,
    };
    let responder_id = ResponderId::ByName(ca.certificate.subject().clone());
    let data = ResponseData { responder_id, produced_at: made, singles: &[single], nonce }.to_der();
    let der = ocsp::successful_response(&data, &SCHEME.to_identifier(), &ca.key.sign(&data), &[]);
    ocsp::Response::parse(&der).unwrap()
}

#[test]
fn a_trusted_path_says_what_it_rests_on() {
    let town = Town::new();
    let (root_list, ca_list) = (town.root_list(), town.ca_list());
    let trusted = Bench::of(&town, &[&root_list, &ca_list]).judge(&town.person.certificate).outcome.unwrap();
    assert_eq!(trusted.path().len(), 3);
    assert_eq!(trusted.policies().policies, []);
    let [person, ca] = trusted.statuses() else { panic!("{:?}", trusted.statuses()) };
    assert_eq!((person[0].item, person[0].kind, person[0].this_update), (1, EvidenceKind::Crl, day("05-30")));
    assert_eq!(person[0].signer, town.ca.certificate);
    assert_eq!((ca[0].item, &ca[0].signer), (0, &town.root.certificate));
}

#[test]
fn the_rules_on_revocation_and_freshness_are_data() {
    let town = Town::new();
    let (root_list, ca_list) = (town.root_list(), town.ca_list());
    let judged = |lists: &[&Crl], rules: &Rules| {
        let bench = Bench { rules: rules.clone(), ..Bench::of(&town, lists) };
        bench.judge(&town.person.certificate).outcome.map(drop).map_err(|distrust| distrust.key())
    };
    let if_present = Rules { revocation: Revocation::IfPresent, ..Rules::USUAL };
    let off = Rules { revocation: Revocation::Off, ..Rules::USUAL };
    let revoking = list(&town.ca.revokes(day("05-30"), Some(day("06-05")), &[(10, day("05-01"))], &[]));
    let stale = list(&town.ca.revokes(day("05-01"), Some(day("05-05")), &[], &[]));
    assert_eq!(judged(&[&root_list], &Rules::USUAL), Err("status.unknown"));
    assert_eq!(judged(&[&root_list], &if_present), Ok(()));
    assert_eq!(judged(&[], &if_present), Ok(()));
    assert_eq!(judged(&[&stale], &if_present), Err("status.unknown"), "what is there must be good");
    assert_eq!(judged(&[&revoking], &if_present), Err("revoked"));
    assert_eq!(judged(&[&revoking], &off), Ok(()));
    let aged = |hours| Rules {
        freshness: Freshness { max_age: Some(SignedDuration::from_hours(hours)), ..Rules::USUAL.freshness },
        ..Rules::USUAL
    };
    assert_eq!(judged(&[&root_list, &ca_list], &aged(48)), Ok(()));
    assert_eq!(judged(&[&root_list, &ca_list], &aged(47)), Err("status.unknown"));
}

#[test]
fn an_answer_must_repeat_the_nonce_it_was_asked_with() {
    let town = Town::new();
    let root_list = town.root_list();
    let about = &town.person.certificate;
    let (with, without) = (
        answer(&town.ca, about, day("05-31"), Some(b"asked"), None),
        answer(&town.ca, about, day("05-31"), None, None),
    );
    let strict = Rules { nonce_required: true, ..Rules::USUAL };
    for (what, item, rules, good) in [
        ("not ours", StatusItem::ocsp(&with, now()), &Rules::USUAL, true),
        ("ours", StatusItem::ocsp(&with, now()).asked_with(b"asked"), &strict, true),
        ("another", StatusItem::ocsp(&with, now()).asked_with(b"other"), &Rules::USUAL, false),
        ("left out", StatusItem::ocsp(&without, now()).asked_with(b"asked"), &Rules::USUAL, true),
        ("left out where required", StatusItem::ocsp(&without, now()).asked_with(b"asked"), &strict, false),
    ] {
        let bench = Bench { answers: vec![item], rules: rules.clone(), ..Bench::of(&town, &[&root_list]) };
        let outcome = bench.judge(about).outcome;
        assert_eq!(outcome.is_ok(), good, "{what}");
        if let Err(distrust) = outcome {
            assert!(
                matches!(&distrust, Distrust::StatusUnknown { faults, .. } if *faults == [StatusFault::Nonce]),
                "{distrust}"
            );
        }
    }
}

#[test]
fn an_expired_certificate_is_known_to_those_who_keep_archives() {
    let town = Town::new();
    let person = town.ca.issue(&Spec { to: day("05-20"), ..Spec::person("Đã hết hạn", 11) });
    let root_list = town.root_list();
    // Proven to have existed before the end, judged after it.
    let control = Control::proven(day("05-10"), now());
    for (cutoff, good) in
        [(None, false), (Some(day("05-21")), false), (Some(day("05-20")), true), (Some(year(2019)), true)]
    {
        let said = answer(&town.ca, &person.certificate, day("05-31"), None, cutoff);
        let answers = vec![StatusItem::ocsp(&said, now())];
        let bench = Bench { answers, control, ..Bench::of(&town, &[&root_list]) };
        assert_eq!(bench.judge(&person.certificate).outcome.is_ok(), good, "{cutoff:?}");
    }
}

#[test]
fn a_list_by_another_key_of_the_issuer_counts_and_by_a_namesake_does_not() {
    let town = Town::new();
    let root_list = town.root_list();
    let judged = |signer: &Entity, pool: &[&Certificate]| {
        let said = list(&signer.revokes(day("05-30"), Some(day("06-05")), &[], &[]));
        let mut bench = Bench::of(&town, &[&root_list, &said]);
        bench.pool.extend(pool.iter().map(|&one| one.clone()));
        // The roll-over certificate's own status: by the old key.
        let own = list(&town.ca.revokes(
            day("05-30"),
            Some(day("06-05")),
            &[],
            &[extension(
                oid::ISSUING_DISTRIBUTION_POINT,
                true,
                &write::sequence([write::value(Tag::context_primitive(2), &[0xFF])]),
            )],
        ));
        let mut lists = bench.lists.clone();
        lists.push(&own);
        Bench { lists, ..bench }
            .judge(&town.person.certificate)
            .outcome
            .map(drop)
            .map_err(|distrust| distrust.key())
    };
    // The new key certified by the old one, and by the root beside the old one.
    let key = Key::new();
    let certificate = town.ca.certify(&Spec::authority("CA", 20), &key);
    let rolled = Entity { key, certificate };
    assert_eq!(judged(&rolled, &[&rolled.certificate]), Ok(()));
    let beside =
        town.root.issue(&Spec { authority: None, key_usage: Some(0x02), ..Spec::authority("CA", 21) });
    assert_eq!(judged(&beside, &[&beside.certificate]), Ok(()));
    // The same name, certified by another authority below the same root.
    let other = town.root.issue(&Spec::authority("CA khác", 22));
    let namesake = other.issue(&Spec::authority("CA", 23));
    assert_eq!(judged(&namesake, &[&namesake.certificate, &other.certificate]), Err("status.unknown"));
    // Whom the namesake's list names is not cleared by the issuer's own.
    let naming = list(&namesake.revokes(day("05-30"), Some(day("06-05")), &[(10, day("05-01"))], &[]));
    let (own, others) = (town.ca_list(), list(&other.revokes(day("05-30"), Some(day("06-05")), &[], &[])));
    let mut bench = Bench::of(&town, &[&root_list, &own, &naming, &others]);
    bench.pool.extend([namesake.certificate.clone(), other.certificate.clone()]);
    let distrust = bench.judge(&town.person.certificate).outcome.unwrap_err();
    assert!(
        matches!(&distrust, Distrust::StatusUnknown { faults, .. } if matches!(faults[..], [StatusFault::Named { .. }])),
        "{distrust}"
    );
    // A key that nobody certified.
    let stranger = Entity::root("CA");
    assert_eq!(judged(&stranger, &[&stranger.certificate]), Err("status.unknown"));
    // One that may not sign lists.
    let barred = town.root.issue(&Spec { key_usage: Some(0x04), ..Spec::authority("CA", 24) });
    assert_eq!(judged(&barred, &[&barred.certificate]), Err("status.unknown"));
}

#[test]
fn what_an_anchor_says_of_its_reach_is_kept_to() {
    let tree = |form: u8, names: &[u8]| {
        let base = write::sequence([write::value(Tag::context(4), names)]);
        write::sequence([write::value(Tag::context(form), &base)])
    };
    let nowhere = write::sequence([write::value(
        Tag::SET,
        &write::sequence([write::oid(oid::COUNTRY_NAME), write::value(Tag(0x13), b"XX")]),
    )]);
    let anything = write::sequence([[]; 0]);
    let explicit = write::sequence([write::value(Tag::context_primitive(0), &[0])]);
    let policy = |last: u32| ObjectIdentifier::new_unwrap("1.2.3").push_arc(last).unwrap();
    let policies = |last: u32| {
        let list = write::sequence([write::sequence([write::oid(policy(last))])]);
        (oid::CERTIFICATE_POLICIES, false, list)
    };
    let judged = |extra: Vec<(ObjectIdentifier, bool, Vec<u8>)>, authority: Option<u8>, below: u32| {
        let keeper = Entity::root("Gốc");
        let key = Key::new();
        let spec = Spec { extra, authority: Some(authority), ..Spec::authority("Gốc", 1) };
        let certificate = keeper.certify(&spec, &key);
        let ca = Spec { extra: vec![policies(below)], ..Spec::authority("CA", 2) };
        let mut town = Town::under(Entity { key, certificate }, &ca);
        town.person = town.ca.issue(&Spec { extra: vec![policies(below)], ..Spec::person("Lê Văn C", 10) });
        let bench =
            Bench { rules: Rules { revocation: Revocation::Off, ..Rules::USUAL }, ..Bench::of(&town, &[]) };
        bench.fault(&town.person.certificate)
    };
    assert_eq!(judged(vec![], None, 1), None);
    assert_eq!(judged(vec![], Some(1), 1), None);
    assert_eq!(judged(vec![], Some(0), 1), Some(ChainFault::PathLength));
    assert_eq!(
        judged(vec![(oid::NAME_CONSTRAINTS, true, tree(0, &nowhere))], None, 1),
        Some(ChainFault::NotPermittedName)
    );
    assert_eq!(
        judged(vec![(oid::NAME_CONSTRAINTS, false, tree(1, &anything))], None, 1),
        Some(ChainFault::ExcludedName)
    );
    let required = (oid::POLICY_CONSTRAINTS, true, explicit);
    assert_eq!(judged(vec![required.clone()], None, 1), None);
    assert_eq!(judged(vec![required.clone(), policies(1)], None, 1), None);
    assert_eq!(judged(vec![required, policies(2)], None, 1), Some(ChainFault::NoPolicy));
}

#[test]
fn of_several_failures_the_one_that_came_furthest_is_told() {
    let town = Town::new();
    // The same key certified twice: once for an authority whose time is over, once without being one.
    let (over, none) = (
        town.root.certify(&Spec { to: day("05-01"), ..Spec::authority("CA", 30) }, &town.ca.key),
        town.root.certify(&Spec { authority: None, ..Spec::authority("CA", 31) }, &town.ca.key),
    );
    for order in [[&over, &none], [&none, &over]] {
        let bench = Bench { pool: order.iter().map(|&one| one.clone()).collect(), ..Bench::of(&town, &[]) };
        let told = bench.judge(&town.person.certificate);
        let distrust = told.outcome.unwrap_err();
        assert_eq!((distrust.key(), distrust.index()), ("expired", 1));
        assert_eq!(told.chain[1], over, "the chain that is told is the one that failed so");
    }
    // And one that holds suffices, wherever it stands.
    let (root_list, ca_list) = (town.root_list(), town.ca_list());
    let mut bench = Bench::of(&town, &[&root_list, &ca_list]);
    bench.pool = vec![over, none, town.ca.certificate.clone()];
    assert!(bench.judge(&town.person.certificate).outcome.is_ok());
}

/// Fourteen keys of one name that certify each other: some 150,000 chains of six go through them.
#[test]
fn a_certificate_bomb_ends_within_the_budget() {
    let keys: Vec<Key> = (0..14).map(|_| Key::new()).collect();
    let seed = Entity::root("Bom");
    let mut pool = Vec::new();
    let entities: Vec<Entity> = keys
        .into_iter()
        .map(|key| Entity { certificate: seed.certify(&Spec::authority("Bom", 1), &key), key })
        .collect();
    for (at, issuer) in entities.iter().enumerate() {
        for (below, subject) in entities.iter().enumerate().filter(|(below, _)| *below != at) {
            let serial = u32::try_from(at * 100 + below).unwrap();
            pool.push(issuer.certify(&Spec::authority("Bom", serial), &subject.key));
        }
    }
    let person = entities[0].issue(&Spec::person("Nạn nhân", 1));
    let town = Town::new();
    let bench = Bench { pool, ..Bench::of(&town, &[]) };
    let distrust = bench.judge(&person.certificate).outcome.unwrap_err();
    assert!(matches!(distrust, Distrust::Budget { .. }), "{distrust}");
}

/// Lists that cost a check each, before the one that says "revoked": what was not looked at is not good.
#[test]
fn a_flood_of_evidence_hides_no_revocation() {
    let town = Town::new();
    let stranger = Entity::root("CA");
    let (root_list, revoking) = (
        town.root_list(),
        list(&town.ca.revokes(day("05-30"), Some(day("06-05")), &[(10, day("05-01"))], &[])),
    );
    let flood: Vec<Crl> = (0..120_u32)
        .map(|serial| {
            list(&stranger.revokes(day("05-30"), Some(day("06-05")), &[(serial, day("05-01"))], &[]))
        })
        .collect();
    let said = answer(&town.ca, &town.person.certificate, day("05-31"), None, None);
    for lists in [120_usize, 20] {
        let mut all = vec![&root_list];
        all.extend(flood.iter().take(lists));
        all.push(&revoking);
        let bench = Bench { answers: vec![StatusItem::ocsp(&said, now())], ..Bench::of(&town, &all) };
        let distrust = bench.judge(&town.person.certificate).outcome.unwrap_err();
        let expected = if lists == 20 { "revoked" } else { "status.unknown" };
        assert_eq!(distrust.key(), expected, "{distrust}");
    }
}

/// Any octet of the certificate, its issuer's or a list, changed: never valid.
#[test]
fn no_changed_octet_of_a_path_is_ever_valid() {
    let town = Town::new();
    let (root_list, ca_list) = (town.root_list(), town.ca_list());
    let parts = [town.person.certificate.der(), town.ca.certificate.der(), root_list.der(), ca_list.der()]
        .map(<[u8]>::to_vec);
    let (mut judged, mut unread) = (0, 0);
    for part in 0..parts.len() {
        for at in (0..parts[part].len()).step_by(3) {
            let mut changed = parts.clone();
            changed[part][at] ^= 0x10;
            let [person, ca, root_list, ca_list] = changed;
            let Ok(person) = Certificate::from_der(&person) else {
                unread += 1;
                continue;
            };
            let lists: Vec<Crl> =
                [root_list, ca_list].iter().filter_map(|der| Crl::from_der(der).ok()).collect();
            let mut bench = Bench::of(&town, &lists.iter().collect::<Vec<_>>());
            bench.pool = Certificate::from_der(&ca).into_iter().collect();
            assert!(bench.judge(&person).outcome.is_err(), "octet {at} of part {part}");
            judged += 1;
        }
    }
    println!("{judged} changed paths judged, {unread} certificates unreadable");
    assert!(judged > 300);
}

#[test]
fn the_past_is_told_in_parts() {
    let town = Town::new();
    let (root_list, revoking) = (
        town.root_list(),
        list(&town.ca.revokes(day("05-30"), Some(day("06-05")), &[(10, day("05-15"))], &[])),
    );
    let bench = Bench::of(&town, &[&root_list, &revoking]);
    bench.court(|court| {
        let [chain] = court.candidates(&town.person.certificate).try_into().unwrap();
        assert_eq!(chain.len(), 3);
        assert!(court.holds(&chain, Purpose::Signing, None, now()).is_ok());
        assert!(court.holds(&chain, Purpose::Signing, Some(year(2039)), now()).is_err());
        let heard: Vec<_> = (0..3).map(|index| court.statements(&chain, index, now())).collect();
        assert_eq!([heard[0].0.len(), heard[1].0.len(), heard[2].0.len()], [1, 1, 0]);
        let step = |index: usize| Step {
            certificate: &chain[index],
            existed_by: day("05-01"),
            statements: &heard[index].0,
            strong_until: None,
        };
        let slid = slide(&[step(1), step(0)], now(), &Rules::USUAL.freshness);
        assert_eq!(slid, Ok(day("05-15")), "to the moment of the revocation");
    });
}
