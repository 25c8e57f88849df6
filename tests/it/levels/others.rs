//! What is no PDF, raised by the rules for PDFs: CMS apart and around its content, XML with its signature inside and beside
//! files, ASiC-E with CAdES.

use std::{fs, path::Path, sync::Arc};

use jiff::SignedDuration;
use kyso::{
    asic::Kind,
    base::{Limits, MemorySource, Source, UtcTime},
    cms::Statements,
    service::{
        extend::{AddedRevision, ExtendError, Extended, Extension},
        sign::{
            CmsWishes, Identity, SigningDesk, TimeStamping, XadesWishes, XmlSubject,
            container::{ContainerWishes, Dossier, Form as ContainerForm},
        },
        verify::{Options, verify_signed},
    },
    validation::{
        Detached, DocumentReport, Indication, Level, Overall, Policy, SignatureReport, TimeStampKind,
    },
};

use super::world::{Authority, DAY, Mood, Person, TEN_MINUTES, World, kyso_extend};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// `.p7s`
    CmsApart,
    /// `.p7m`
    CmsAround,
    Container,
    XmlBeside,
    XmlInside,
}

const FORMS: [Form; 5] = [Form::CmsApart, Form::CmsAround, Form::Container, Form::XmlBeside, Form::XmlInside];

const CONTENT: &[u8] = "Công văn số 15\n".as_bytes();

const LETTER: &[u8] = "<congVan><so>15</so></congVan>".as_bytes();

impl Form {
    /// Signs with the key of `person`; gives until when the archive time-stamp is good as well.
    fn sign(self, person: &Person, desk: &SigningDesk, output: &Path, level: Level) -> Option<UtcTime> {
        let (certificate, chain) = (person.certificate.clone(), person.chain.clone());
        let identity = Identity { certificate, chain, scheme: person.key.scheme() };
        let key =
            |scheme, message: &[u8]| Ok(person.key.sign_as(scheme, message).expect("a key in memory signs"));
        match self {
            Self::CmsApart | Self::CmsAround => {
                let (statements, any_usage) = (Statements::default(), false);
                let wishes = CmsWishes { enveloping: self == Self::CmsAround, level, statements, any_usage };
                let input = Arc::new(MemorySource(CONTENT.to_vec()));
                desk.sign_cms_with(input, "15.txt", output, identity, &wishes, key).unwrap().good_until()
            }
            Self::Container => {
                let dossier = Dossier::New(Kind::Extended, vec![content()]);
                let form = Some(ContainerForm::Cades);
                let wishes = ContainerWishes { form, level, ..ContainerWishes::default() };
                desk.sign_container(&dossier, output, identity, &wishes, key).unwrap().good_until()
            }
            Self::XmlBeside | Self::XmlInside => {
                let (letter, beside) = (MemorySource(LETTER.to_vec()), [content()]);
                let subject = match self {
                    Self::XmlInside => XmlSubject::Enveloped(&letter),
                    _ => XmlSubject::Detached(&beside),
                };
                let wishes = XadesWishes { level, ..XadesWishes::default() };
                desk.sign_xades(&subject, output, identity, &wishes, key).unwrap().good_until()
            }
        }
    }

    /// What lies apart from the signature.
    fn apart(self) -> Option<Detached> {
        matches!(self, Self::CmsApart | Self::XmlBeside).then(content)
    }

    fn extend(
        self,
        desk: &SigningDesk,
        input: &Path,
        output: &Path,
        extension: &Extension,
    ) -> Result<Extended, ExtendError> {
        let before = fs::read(input).unwrap();
        let extended = desk.extend_file(&MemorySource(before.clone()), output, extension, self.apart());
        assert_eq!(fs::read(input).unwrap(), before, "{self:?}: the input was touched");
        extended
    }

    /// As [`World::judge`].
    fn judge(self, world: &World, file: &Path, online: bool) -> DocumentReport {
        let (anchors, limits, fetcher) = (world.anchors(), Limits::default(), world.fetcher());
        let options = Options {
            anchors: &anchors,
            policy: &Policy::strict(),
            moment: world.clock.now(),
            fetcher: online.then_some(&fetcher),
            limits: &limits,
        };
        let source: Arc<dyn Source> = Arc::new(MemorySource(fs::read(file).unwrap()));
        verify_signed("x", source, self.apart().as_slice(), &options).unwrap()
    }

    /// Of the only signature of the file.
    fn told(self, world: &World, file: &Path, online: bool) -> String {
        let report = self.judge(world, file, online);
        let [told] = &super::world::told(&report)[..] else { panic!("{self:?}: {report:#?}") };
        told.clone()
    }

    /// As [`Form::told`], by the file alone; but for the newest time-stamp of a container, whose authority is asked about.
    fn lasting(self, world: &World, file: &Path) -> String {
        assert!(self.told(world, file, false).starts_with("TOTAL-PASSED"), "{self:?} does not stand alone");
        self.told(world, file, self == Self::Container)
    }

    /// As [`Form::told`] has it for a valid signature.
    fn passed(self, level: &str) -> String {
        let family = if matches!(self, Self::XmlBeside | Self::XmlInside) { "XAdES" } else { "CAdES" };
        format!("TOTAL-PASSED {family}-BASELINE-{level}")
    }
}

fn content() -> Detached {
    Detached { name: "15.txt".to_owned(), source: Arc::new(MemorySource(CONTENT.to_vec())) }
}

/// Archive time-stamps, inside signatures and around them.
fn archives(report: &DocumentReport) -> usize {
    let inside = report.signatures.iter().flat_map(|one| &one.time_stamps);
    let inside = inside.filter(|stamp| stamp.kind == TimeStampKind::Archive).count();
    inside + report.signatures.iter().filter(|one| one.is_time_stamp()).count()
}

/// Refused with the words that PDFs have, and let pass where that is wanted; that makes no invalid signature valid.
#[test]
fn what_is_not_valid_is_extended_only_where_that_is_wanted() {
    for form in FORMS {
        let world = World::new();
        let person = world.person("Người Bị Thu Hồi");
        let (signed, output) = (world.path("signed"), world.path("out"));
        form.sign(&person, &world.usual_desk(Level::T), &signed, Level::B);
        world.pki.pki().revoke(person.certificate.serial(), world.clock.now() - DAY, Some(1)).unwrap();
        let desk = world.usual_desk(Level::T);
        for (to, stamps) in [(Level::T, 0), (Level::Lt, 0), (Level::Lta, 1)] {
            let usual = Extension::to(to);
            let refused = form.extend(&desk, &signed, &output, &usual).unwrap_err();
            assert!(
                matches!(
                    &refused,
                    ExtendError::NotValid { indication: "INDETERMINATE", may_pass: false, .. }
                ),
                "{form:?} to {to:?}: {refused}"
            );
            let words = refused.to_string();
            assert!(words.contains("revoked") && !words.contains("  "), "{form:?}: {words}");
            assert!(!output.exists(), "{form:?} to {to:?} left an output");

            let forced = Extension { even_if_not_valid: true, ..usual };
            let extended = form.extend(&desk, &signed, &output, &forced);
            let extended = extended.unwrap_or_else(|error| panic!("{form:?} to {to:?}: {error}"));
            assert_eq!(
                (extended.raised().before, extended.raised().reached),
                (Level::B, Level::T),
                "{form:?}"
            );
            assert!(extended.raised().added.contains(&AddedRevision::Attributes), "{form:?}");
            // Revoked before the first proof of it: now that is certain.
            let told = form.told(&world, &output, true);
            assert!(told.starts_with("TOTAL-FAILED/REVOKED"), "{form:?} to {to:?}: {told}");
            assert_eq!(archives(&form.judge(&world, &output, true)), stamps, "{form:?} to {to:?}");
            fs::remove_file(&output).unwrap();
        }
    }
}

/// What cannot be judged now can be stamped now, and be found valid later for that.
#[test]
fn a_signature_of_unknown_status_is_stamped_where_that_is_wanted() {
    for form in FORMS {
        let world = World::new();
        let person = world.person("Phạm Thị Bền");
        let (signed, output) = (world.path("signed"), world.path("out"));
        form.sign(&person, &world.usual_desk(Level::T), &signed, Level::B);
        let offline = SigningDesk { online: false, ..world.usual_desk(Level::T) };
        let refused = form.extend(&offline, &signed, &output, &Extension::to(Level::T)).unwrap_err();
        assert!(refused.may_pass() && matches!(refused, ExtendError::NotValid { .. }), "{form:?}: {refused}");
        assert!(!output.exists(), "{form:?}");
        let forced = Extension { even_if_not_valid: true, ..Extension::to(Level::T) };
        form.extend(&offline, &signed, &output, &forced).unwrap();
        assert_eq!(form.told(&world, &output, true), form.passed("T"));
        // It needs no second one.
        let again = world.path("again");
        form.extend(&offline, &output, &again, &forced).unwrap();
        let [signature]: [SignatureReport; 1] =
            form.judge(&world, &again, true).signatures.try_into().unwrap();
        assert_eq!(signature.time_stamps.len(), 1, "{form:?}");
    }
}

/// One bad signature does not keep a container's others from being raised; it stays as it is.
#[test]
fn what_is_broken_stands_in_the_way_of_nobody_else() {
    let world = World::new();
    let (good, bad) = (world.person("Phạm Thị Bền"), world.person("Người Bị Thu Hồi"));
    let desk = world.usual_desk(Level::T);
    let (once, twice, output) = (world.path("once"), world.path("twice"), world.path("out"));
    Form::Container.sign(&bad, &desk, &once, Level::T);
    add_signature(&good, &desk, &once, &twice);
    world.pki.pki().revoke(bad.certificate.serial(), world.clock.now() - DAY, Some(1)).unwrap();
    let desk = world.usual_desk(Level::T);
    for to in [Level::Lt, Level::Lta] {
        let refused = Form::Container.extend(&desk, &twice, &output, &Extension::to(to)).unwrap_err();
        assert!(matches!(refused, ExtendError::NotValid { indication: "TOTAL-FAILED", .. }), "{refused}");
        assert!(!output.exists());
        let forced = Extension { even_if_not_valid: true, ..Extension::to(to) };
        Form::Container.extend(&desk, &twice, &output, &forced).unwrap();
        let told = super::world::told(&Form::Container.judge(&world, &output, true));
        assert!(told[0].starts_with("TOTAL-FAILED/REVOKED"), "{told:?}");
        assert_eq!(told[1], Form::Container.passed(to.as_str()));
        let files = |path| crate::asic::parts::unpack(&fs::read(path).unwrap());
        let broken =
            |path| files(path).into_iter().find(|file| file.0 == "META-INF/signature001.p7s").unwrap();
        assert_eq!(broken(&twice), broken(&output), "it was changed");
        fs::remove_file(&output).unwrap();
    }
}

/// One of a stranger is raised along, until a time-stamp covers it.
#[test]
fn a_signature_of_a_stranger_does_not_stop_a_renewal() {
    let (world, elsewhere) = (World::new(), World::new());
    let (stranger, person) = (elsewhere.person("Người Lạ"), world.person("Phạm Thị Bền"));
    let desk = world.usual_desk(Level::T);
    let (once, twice, output) = (world.path("once"), world.path("twice"), world.path("out"));
    Form::Container.sign(&stranger, &elsewhere.usual_desk(Level::B), &once, Level::B);
    add_signature(&person, &desk, &once, &twice);
    let forced = |extension| Extension { even_if_not_valid: true, ..extension };
    for (extension, archived) in [(Extension::to(Level::Lta), 1), (Extension::renewal(), 2)] {
        Form::Container.extend(&desk, &twice, &output, &forced(extension)).unwrap();
        let report = Form::Container.judge(&world, &output, true);
        let told = super::world::told(&report);
        assert!(told[0].starts_with("INDETERMINATE/NO_CERTIFICATE_CHAIN_FOUND"), "{told:?}");
        assert_eq!((&told[1], archives(&report)), (&Form::Container.passed("LTA"), archived));
        fs::rename(&output, &twice).unwrap();
    }
}

/// One signature more in a container, of level T.
fn add_signature(person: &Person, desk: &SigningDesk, input: &Path, output: &Path) {
    let (certificate, chain) = (person.certificate.clone(), person.chain.clone());
    let identity = Identity { certificate, chain, scheme: person.key.scheme() };
    let dossier = Dossier::Existing(Arc::new(MemorySource(fs::read(input).unwrap())));
    let key =
        |scheme, message: &[u8]| Ok(person.key.sign_as(scheme, message).expect("a key in memory signs"));
    let wishes = ContainerWishes { level: Level::T, ..ContainerWishes::default() };
    desk.sign_container(&dossier, output, identity, &wishes, key).unwrap();
}

/// Evidence from before the signature does not do where it has to be younger.
#[test]
fn evidence_may_have_to_be_younger_than_the_signature() {
    for form in FORMS {
        let world = World::new();
        let person = world.person("Phạm Thị Bền");
        let desk = world.usual_desk(Level::T);
        let (signed, output) = (world.path("signed"), world.path("out"));
        // Fetched now, and kept.
        form.sign(&person, &desk, &signed, Level::Lt);
        world.pass(SignedDuration::from_secs(30));
        form.sign(&person, &desk, &signed, Level::T);
        for to in [Level::Lt, Level::Lta] {
            let strict = Extension { after_signature: true, ..Extension::to(to) };
            let refused = world.behind(TEN_MINUTES, |desk| form.extend(desk, &signed, &output, &strict));
            let refused = refused.unwrap_err();
            let older = matches!(&refused, ExtendError::TooOld(old) if old.this_update < old.proven_at);
            assert!(older && refused.may_pass(), "{form:?} to {to:?}: {refused}");
            assert!(!output.exists(), "{form:?} to {to:?} left an output");
        }
        // It is no matter below LT, and where it is not asked for.
        let strict = Extension { after_signature: true, ..Extension::to(Level::T) };
        for extension in [strict, Extension::to(Level::Lt)] {
            world.behind(TEN_MINUTES, |desk| form.extend(desk, &signed, &output, &extension)).unwrap();
        }
        // The network knows more than what was kept half a minute ago.
        for to in [Level::Lt, Level::Lta] {
            let strict = Extension { after_signature: true, ..Extension::to(to) };
            form.extend(&desk, &signed, &output, &strict).unwrap();
            assert_eq!(form.lasting(&world, &output), form.passed(to.as_str()));
            fs::remove_file(&output).unwrap();
        }
        // What it knows may be a revocation.
        world.pass(SignedDuration::from_secs(30));
        form.sign(&person, &desk, &signed, Level::T);
        world.pki.pki().revoke(person.certificate.serial(), world.clock.now() - DAY, Some(1)).unwrap();
        let strict = Extension { after_signature: true, ..Extension::to(Level::Lt) };
        let refused = form.extend(&desk, &signed, &output, &strict).unwrap_err();
        assert!(
            matches!(refused, ExtendError::NotValid { indication: "TOTAL-FAILED", .. }),
            "{form:?}: {refused}"
        );
        assert!(!output.exists(), "{form:?}");
    }
}

/// From B in one go: evidence is asked for once the time is proven.
#[test]
fn a_signature_without_a_time_gets_younger_evidence_too() {
    let world = World::new();
    let person = world.person("Phạm Thị Bền");
    let desk = world.usual_desk(Level::T);
    for form in FORMS {
        let (signed, output) = (world.path("signed"), world.path("out"));
        form.sign(&person, &desk, &signed, Level::B);
        world.pass(SignedDuration::from_secs(30));
        let strict = Extension { after_signature: true, ..Extension::to(Level::Lta) };
        form.extend(&desk, &signed, &output, &strict).unwrap_or_else(|error| panic!("{form:?}: {error}"));
        assert_eq!(form.lasting(&world, &output), form.passed("LTA"));
    }
}

/// What has the level is copied; a fresh archive time-stamp comes where it is asked for.
#[test]
fn what_has_the_level_stays_as_it_is() {
    let world = World::new();
    let person = world.person("Phạm Thị Bền");
    let desk = world.usual_desk(Level::Lta);
    for form in FORMS {
        let (signed, output) = (world.path("signed"), world.path("out"));
        let until = form.sign(&person, &desk, &signed, Level::Lta);
        assert_eq!(form.lasting(&world, &signed), form.passed("LTA"));
        for to in [Level::T, Level::Lt, Level::Lta] {
            let extended = form.extend(&desk, &signed, &output, &Extension::to(to)).unwrap();
            assert_eq!(fs::read(&output).unwrap(), fs::read(&signed).unwrap(), "{form:?} to {to:?}");
            let raised = extended.raised();
            assert!(raised.added.is_empty() && raised.before == Level::Lta && raised.reached == Level::Lta);
            assert_eq!(raised.good_until, until, "{form:?} to {to:?}");
        }
        let extended = form.extend(&desk, &signed, &output, &Extension::renewal()).unwrap();
        assert!(!extended.raised().added.is_empty(), "{form:?}");
        assert_eq!(form.lasting(&world, &output), form.passed("LTA"));
        assert_eq!(archives(&form.judge(&world, &output, false)), 2, "{form:?}");
    }
}

/// Until when an archive time-stamp is good is told when it is made and whenever it is looked at; renewed before that, the
/// signature outlives it, and not renewed, it does not.
#[test]
fn an_archive_tells_when_it_is_to_be_renewed() {
    for form in FORMS {
        let world = World::new();
        let person = world.person("Phạm Thị Bền");
        let first = Authority::start(&world, DAY * 2 * 365);
        let desk = world.desk(Some(TimeStamping::new(first.url())));
        let (signed, looked, renewed) = (world.path("lta"), world.path("looked"), world.path("renewed"));
        let until = form.sign(&person, &desk, &signed, Level::Lta);
        let end = world.clock.now() + DAY * 2 * 365;
        assert_eq!(until, Some(end), "{form:?}: the end of the authority's certificate");
        assert_eq!(form.sign(&person, &desk, &looked, Level::Lt), None, "{form:?}: nothing is archived");

        world.pass(DAY * 700);
        let seen = form.extend(&desk, &signed, &looked, &Extension::to(Level::Lta)).unwrap();
        assert_eq!((seen.raised().good_until, seen.raised().added.len()), (Some(end), 0), "{form:?}");
        let second = Authority::start(&world, DAY * 2 * 365);
        let desk = world.desk(Some(TimeStamping::new(second.url())));
        let extended = form.extend(&desk, &signed, &renewed, &Extension::renewal()).unwrap();
        assert!(
            extended.raised().good_until > Some(end + DAY * 600),
            "{form:?}: {:?}",
            extended.raised().good_until
        );

        world.pass(DAY * 600);
        assert!(world.clock.now() > end && world.clock.now() > person.certificate.not_after());
        let report = form.judge(&world, &renewed, true);
        assert_eq!((report.overall, archives(&report)), (Overall::Valid, 2), "{form:?}: {report:#?}");
        assert_eq!(form.told(&world, &renewed, true), form.passed("LTA"));
        let late = form.told(&world, &signed, true);
        assert!(!late.starts_with("TOTAL-PASSED"), "{form:?}, not renewed: {late}");
    }
}

/// The archive time-stamp of a container that is signed for LTA may fail: nothing is released, and the next try does.
#[test]
fn a_container_without_its_archive_time_stamp_is_not_released() {
    let world = World::new();
    let person = world.person("Phạm Thị Bền");
    let authority = Authority::start(&world, DAY * 365);
    authority.feels(Mood::GoodOnce);
    let desk = world.desk(Some(TimeStamping::new(authority.url())));
    let identity = || Identity {
        certificate: person.certificate.clone(),
        chain: person.chain.clone(),
        scheme: person.key.scheme(),
    };
    let sign = |desk: &SigningDesk| {
        let dossier = Dossier::New(Kind::Extended, vec![content()]);
        let wishes = ContainerWishes { level: Level::Lta, ..ContainerWishes::default() };
        let key = |scheme, message: &[u8]| Ok(person.key.sign_as(scheme, message).expect("a key in memory"));
        desk.sign_container(&dossier, &world.path("out"), identity(), &wishes, key)
    };
    let refused = sign(&desk).map(|_| ()).unwrap_err();
    let words = with_causes(&refused);
    assert!(words.contains("does not reach level LTA") && words.contains("500"), "{words}");
    assert_eq!(authority.asked(), 2, "for the signature, and for the archive");
    let left = fs::read_dir(world.folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(left.collect::<Vec<_>>(), ["root.pem"], "something was left behind");
    authority.feels(Mood::Good);
    let desk = world.desk(Some(TimeStamping::new(authority.url())));
    let released = sign(&desk).unwrap();
    let signature = released.signature().unwrap();
    assert_eq!(
        (signature.indication, signature.signature_format.as_str()),
        (Indication::TotalPassed, "CAdES-BASELINE-LTA")
    );
}

/// With all its causes.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(under) = cause {
        words = format!("{words}: {under}");
        cause = under.source();
    }
    words
}

/// The verb, with its exit status and its words.
#[test]
fn kyso_extend_has_the_same_options_for_every_form() {
    for form in FORMS {
        let world = World::new();
        let person = world.person("Người Bị Thu Hồi");
        let desk = world.usual_desk(Level::T);
        let (signed, output, beside) = (world.path("signed"), world.path("out"), world.path("15.txt"));
        fs::write(&beside, CONTENT).unwrap();
        let (root, host, tsa) = (world.root.display().to_string(), world.pki.host(), world.pki.tsa_url());
        let beside = beside.display().to_string();
        let mut usual = vec!["--trust", &root, "--allow-host", &host, "--tsa", &tsa];
        if form.apart().is_some() {
            usual.extend(["--detached", &beside]);
        }
        let kyso = |more: &[&str]| {
            let told = kyso_extend(&signed, &output, &[&usual[..], more].concat());
            let words = [told.stdout, told.stderr].map(|words| String::from_utf8_lossy(&words).into_owned());
            (told.status.code(), words.concat())
        };
        form.sign(&person, &desk, &signed, Level::T);
        let (status, words) = kyso(&["--to", "lta", "--lang", "en"]);
        assert!(status == Some(0) && words.contains("T -> LTA"), "{form:?}: {words}");
        assert!(words.contains("renew by"), "{form:?}: {words}");
        fs::remove_file(&output).unwrap();

        // Evidence from before the signature.
        world.pass(-TEN_MINUTES);
        let (status, words) = kyso(&["--to", "lta", "--after-signature", "--lang", "en"]);
        assert_eq!(status, Some(69), "{form:?}: {words}");
        assert!(words.contains("before the signature at") && words.contains("try again later"), "{words}");
        let (status, words) = kyso(&["--to", "lta", "--after-signature", "--lang", "vi"]);
        assert!(status == Some(69) && words.contains("trước khi ký lúc"), "{form:?}: {words}");
        world.pass(TEN_MINUTES);

        world.pki.pki().revoke(person.certificate.serial(), world.clock.now() - DAY, Some(1)).unwrap();
        let (status, words) = kyso(&["--to", "lta", "--lang", "en"]);
        assert_eq!(status, Some(65), "{form:?}: {words}");
        assert!(words.contains("is TOTAL-FAILED") && words.contains("--even-if-not-valid"), "{words}");
        let (status, words) = kyso(&["--to", "lta", "--lang", "vi"]);
        assert!(status == Some(65) && words.contains("vẫn gia hạn"), "{form:?}: {words}");
        assert!(!output.exists(), "{form:?} left an output");
        let (status, words) = kyso(&["--to", "lta", "--even-if-not-valid", "--json"]);
        assert_eq!(status, Some(0), "{form:?}: {words}");
        let told: serde_json::Value = serde_json::from_str(&words).unwrap();
        assert_eq!(told["signatures"][0]["indication"], "TOTAL-FAILED", "{told:#}");
        assert!(told["goodUntil"].is_string(), "{form:?}: {told:#}");
        assert_eq!((&told["before"], &told["reached"]), (&"T".into(), &"T".into()), "{told:#}");
    }
}
