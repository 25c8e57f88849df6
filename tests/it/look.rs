//! Signatures that can be seen, looked at by what was not written here.

mod pages;
mod paper;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use kyso::{
    appearance::{Appearance, AppearanceError, CopyKind, Note, Picture, Place, Role},
    base::{Chance, Clock, Limits, MemorySource},
    demo::pki::{DemoServices, Holder, KeyAlgorithm, SigningKey},
    fetch::Fetcher,
    pdf::{Area, Document},
    service::sign::{Identity, Released, SignError, SigningDesk},
    signing::{SigningError, Wishes},
    token::provision::NewKeyKind,
    validation::{DocumentReport, Overall, Policy},
    x509::Certificate,
};
use unicode_normalization::UnicodeNormalization as _;

use self::{
    pages::Sheet,
    paper::{Colour, Print},
};
use crate::{
    attacks::base::{self, Layout},
    pen,
    support::{self, PyHanko, PyHankoVerdict, shared, tool},
};

/// The leader's picture between position and name, the seal over a third of it on its left: on the project's own
/// decision and on those that LibreOffice made, accepted by all judges and printed where it should be.
#[test]
fn the_leader_signs_and_the_agency_seals() {
    let office = Office::new();
    let mut decisions = vec![(sample(), "CHỦ TỊCH", "Đặng Thuỳ Hương Giang")];
    if let Some(shared) = shared() {
        let names = [
            "quyet-dinh-khen-thuong",
            "quyet-dinh-pdfa2",
            "qd-classic-1.4",
            "qd-xref-stream",
            "qd-linearized",
            "qd-rotated",
        ];
        let decided = "PHÓ CHỦ TỊCH";
        decisions
            .extend(names.map(|name| (shared.join(format!("data/{name}.pdf")), decided, "Trần Thị Ngọc Ẩn")));
    }
    for (file, position, name) in decisions {
        let told = file.display();
        let blank = fs::read(&file).unwrap();
        let approve = Appearance { picture: Some(handwriting()), ..at(Role::Approve, position) };
        let (once, approved) = office.sign(&office.leader, &blank, &approve).unwrap();
        let by_name: String = name.nfd().collect();
        let again = Appearance { picture: Some(handwriting()), ..at(Role::Approve, &by_name) };
        let (_, by_name) = office.sign(&office.leader, &blank, &again).unwrap();
        let (leader, same) = (approved.placement().unwrap(), by_name.placement().unwrap());
        assert_eq!(leader.page, same.page, "{told}");
        // A page that is shown lying on its side has its text so, and what is added lies with the text.
        let sideways = leader.area.height() > leader.area.width();
        let flip = |(x, y): (f64, f64)| if sideways { (y, x) } else { (x, y) };
        let (one, two) = (flip(leader.area.centre()), flip(same.area.centre()));
        assert!((one.0 - two.0).abs() < 15.0 && (one.1 - two.1).abs() < 1.0, "{told}: {one:?} and {two:?}");

        let issue = Appearance { picture: Some(seal()), ..Appearance::new(Role::Issue) };
        let (twice, issued) = office.sign(&office.agency, &once, &issue).unwrap();
        let stamp = issued.placement().unwrap();
        let common = stamp.area.common(leader.area).expect("the seal covers a part of the picture");
        let (covered, _) = flip((common.width(), common.height()));
        let (whole, _) = flip((leader.area.width(), leader.area.height()));
        assert!((covered - whole / 3.0).abs() < 1.0, "{told}: {common:?}");
        let (one, two) = (flip(stamp.area.centre()), flip(leader.area.centre()));
        assert!((one.1 - two.1).abs() < 0.1, "{told}");
        assert!((stamp.area.width() - 36.0 * 72.0 / 25.4).abs() < 2.0, "{told}: the seal has its true size");
        office.everybody_accepts(&twice, 2);

        let (Some(before), Some(one), Some(two)) =
            (Print::of(&blank, leader.page), Print::of(&once, leader.page), Print::of(&twice, leader.page))
        else {
            continue;
        };
        assert!(one.inked(leader.area, Colour::Blue) > 100, "{told}: no blue in the leader's box");
        assert_eq!(one.changed_outside(&before, &[leader.area]), None, "{told}");
        assert!(two.inked(stamp.area, Colour::Red) > 400, "{told}: no red in the seal's box");
        assert_eq!(two.changed_outside(&one, &[stamp.area]), None, "{told}");
        if sideways {
            continue;
        }
        // Transparent: the leader's blue is still there where the seal lies over it.
        let right = Area { left: stamp.area.right + 2.0, ..leader.area };
        assert_eq!(two.inked(right, Colour::Blue), one.inked(right, Colour::Blue), "{told}");
        assert!(two.inked(common, Colour::Blue) > 0 || one.inked(common, Colour::Blue) < 20, "{told}");
    }
}

/// The roles of words: found by pdftotext as they were written, in NFC, and covering nothing.
#[test]
fn words_are_read_back_and_cover_nothing() {
    let office = Office::new();
    let blank = fs::read(sample()).unwrap();
    let organisation = "Ủy ban nhân dân tỉnh Sông Lam";
    let number = Some("12/QĐ-UBND".to_owned());
    let comment = "Đồng ý. Giao Sở Nội vụ chủ trì, phối hợp Sở Tài chính tham mưu, báo cáo trước ngày 15/12.";
    let roles = [
        // A person without a picture: the block of words between position and name.
        (at(Role::Approve, "CHỦ TỊCH"), vec!["Ký bởi: ", "Cơ quan: ", "Thời gian ký: "]),
        (Appearance { number: number.clone(), ..Appearance::new(Role::Annex) }, vec!["12/QĐ-UBND", "+07:00"]),
        (Appearance::new(Role::Copy(CopyKind::SaoY)), vec!["SAO Y", organisation, "+07:00"]),
        (
            Appearance { full: true, ..Appearance::new(Role::Copy(CopyKind::TrichSao)) },
            vec!["TRÍCH SAO", organisation, "Thời gian ký: "],
        ),
        (Appearance { number, ..Appearance::new(Role::Income) }, vec![organisation, "ĐẾN", "Số: 12/QĐ-UBND"]),
        (
            Appearance { text: Some(comment.to_owned()), ..Appearance::new(Role::Comment) },
            vec!["Đồng ý. Giao Sở Nội vụ", organisation],
        ),
    ];
    for (appearance, wanted) in roles {
        let role = appearance.role;
        let (signed, released) = office.sign(&office.agency, &blank, &appearance).unwrap();
        office.everybody_accepts(&signed, 1);
        let placement = released.placement().unwrap();
        if let Some(text) = office.text(&signed) {
            assert!(unicode_normalization::is_nfc(&text), "{role:?}: not in NFC");
            let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
            for words in wanted {
                assert!(text.contains(words), "{role:?}: {words:?} is not in {text}");
            }
        }
        if let (Some(before), Some(after)) = (Print::of(&blank, 1), Print::of(&signed, 1)) {
            assert!(after.inked(placement.area, Colour::Black) > 50, "{role:?}");
            assert_eq!(before.inked(placement.area, Colour::Any), 0, "{role:?} covers something");
            assert_eq!(after.changed_outside(&before, &[placement.area]), None, "{role:?}");
        }
        if matches!(role, Role::Annex | Role::Copy(_)) {
            let (x, y) = placement.area.centre();
            assert!(x > 300.0 && y > 700.0, "{role:?} is not top right: {placement:?}");
        }
    }
}

/// Pages that are turned, cut, moved and measured in other units: upright, inside, where the anchor is.
#[test]
fn pages_lie_as_they_like() {
    let office = Office::new();
    let probe = Arc::new(Picture::read(&pages::probe()).unwrap());
    for sheet in Sheet::kinds() {
        let blank = sheet.pdf();
        let approve = Appearance {
            picture: Some(Arc::clone(&probe)),
            width_mm: Some(30.0),
            ..at(Role::Approve, "PHO CHU TICH")
        };
        let (once, released) = office.sign(&office.leader, &blank, &approve).unwrap();
        let leader = released.placement().unwrap().clone();
        let position = sheet.position_centre();
        assert!(
            (leader.area.centre().0 - position).abs() < 3.0,
            "{sheet:?}: {leader:?} is not at {position}"
        );
        let issue = Appearance { picture: Some(seal()), ..Appearance::new(Role::Issue) };
        let (twice, released) = office.sign(&office.agency, &once, &issue).unwrap();
        let stamp = released.placement().unwrap().clone();
        let common = stamp.area.common(leader.area).unwrap();
        assert!((common.width() - leader.area.width() / 3.0).abs() < 1.0, "{sheet:?}");
        let copy = Appearance::new(Role::Copy(CopyKind::SaoLuc));
        let (thrice, _) = office.sign(&office.agency, &twice, &copy).unwrap();
        office.everybody_accepts(&thrice, 3);

        // What the file says, read by this test: every widget lies on what is seen of its page.
        for area in pages::widgets(&thrice) {
            assert!(sheet.crop().holds(&area, 0.01), "{sheet:?}: {area:?} leaves {:?}", sheet.crop());
        }
        let Some(print) = Print::of_sheet(&once, 1, sheet.shown()) else { continue };
        // The probe's quarters: red and green above, blue and yellow below.
        let Area { left, bottom, right, top } = leader.area;
        let (x, y) = leader.area.centre();
        let inner =
            |left: f64, bottom: f64, right: f64, top: f64| Area { left, bottom, right, top }.grown(-3.0);
        let quarters = [
            (inner(left, y, x, top), Colour::Red),
            (inner(x, y, right, top), Colour::Green),
            (inner(left, bottom, x, y), Colour::Blue),
            (inner(x, bottom, right, y), Colour::Yellow),
        ];
        for (quarter, colour) in quarters {
            let (inked, all) = (print.inked(quarter, colour), print.dots(quarter));
            assert!(inked * 10 > all * 8, "{sheet:?}: {inked} of {all} dots are {colour:?} in {quarter:?}");
        }
    }
}

/// PDF/A stays PDF/A, says veraPDF; and what it would say is asked of the objects too.
#[test]
fn archive_files_stay_archive_files() {
    let office = Office::new();
    let mut files =
        vec![("1b", pages::archive_file(1)), ("2b", pages::archive_file(2)), ("3b", pages::archive_file(3))];
    if let Some(shared) = shared() {
        files.push(("2b", fs::read(shared.join("data/quyet-dinh-pdfa2.pdf")).unwrap()));
    }
    let mut made = Vec::new();
    for (at, (profile, blank)) in files.into_iter().enumerate() {
        let place = Some(Place::At { page: 1, area: Area::new(300.0, 150.0, 120.0, 50.0) });
        let coded = Some("https://songlam.example/kiem-tra/AB12".to_owned());
        let approve = Appearance {
            picture: Some(handwriting()),
            place,
            qr: coded,
            short_code: Some("AB12-CD34".to_owned()),
            ..Appearance::new(Role::Approve)
        };
        let (once, _) = office.sign(&office.leader, &blank, &approve).unwrap();
        let issue = Appearance { picture: Some(seal()), ..Appearance::new(Role::Issue) };
        let (twice, released) = office.sign(&office.agency, &once, &issue).unwrap();
        let sharp = released.placement().unwrap().notes.contains(&Note::SharpEdges);
        let income = Appearance { number: Some("7".to_owned()), ..Appearance::new(Role::Income) };
        let (thrice, _) = office.sign(&office.agency, &twice, &income).unwrap();
        office.everybody_accepts(&thrice, 3);
        let added = &thrice[blank.len()..];
        let has = |wanted: &str| added.windows(wanted.len()).any(|window| window == wanted.as_bytes());
        assert_eq!(has("/SMask"), !sharp, "{profile}");
        if profile == "1b" {
            assert!(sharp && has("/CIDSet"), "PDF/A-1 has no transparency and says which letters are there");
        }
        // Colours that say what they look like, fonts that lie in the file, annotations that are printed.
        assert!(has("/CalRGB") && has("/CalGray") && has("/FontFile3") && !has("/DeviceRGB"), "{profile}");
        assert!(!has("/Interpolate") && !has("/Group"), "{profile}");
        let file = office.folder.path().join(format!("archive-{at}.pdf"));
        fs::write(&file, &thrice).unwrap();
        made.push((profile, file));
    }
    let files: Vec<PathBuf> = made.iter().map(|(_, file)| file.clone()).collect();
    let Some(verdicts) = support::verapdf(&files) else { return };
    for ((profile, file), (_, checked, passed)) in made.iter().zip(verdicts) {
        assert!(passed && checked == *profile, "{} is checked as {checked}: {passed}", file.display());
    }
}

/// The code for the check page stands in the margin, and only before anybody has signed.
#[test]
fn a_code_covers_nothing_and_comes_first() {
    let office = Office::new();
    let blank = fs::read(sample()).unwrap();
    let coded = |appearance: Appearance| Appearance {
        qr: Some("https://songlam.example/kiem-tra/AB12-CD34".to_owned()),
        short_code: Some("AB12-CD34".to_owned()),
        ..appearance
    };
    let approve = coded(Appearance { picture: Some(handwriting()), ..at(Role::Approve, "CHỦ TỊCH") });
    let (once, released) = office.sign(&office.leader, &blank, &approve).unwrap();
    office.everybody_accepts(&once, 1);
    let placement = released.placement().unwrap();
    let code = placement.code.expect("a code of its own");
    if let (Some(before), Some(after)) = (Print::of(&blank, 1), Print::of(&once, 1)) {
        assert_eq!(before.inked(code, Colour::Any), 0);
        assert!(after.inked(code, Colour::Black) > 100);
        assert_eq!(after.changed_outside(&before, &[placement.area, code]), None);
    }
    if let Some(text) = office.text(&once) {
        assert!(text.contains("AB12-CD34"), "{text}");
    }
    let issue = coded(Appearance { picture: Some(seal()), ..Appearance::new(Role::Issue) });
    let refused = office.sign(&office.agency, &once, &issue).unwrap_err();
    assert!(matches!(why(&refused), Some(AppearanceError::Missing { .. })), "{refused}");
    // In a box of words it is a part of the signature itself.
    let copy = coded(Appearance::new(Role::Copy(CopyKind::SaoY)));
    let (twice, released) = office.sign(&office.agency, &once, &copy).unwrap();
    assert_eq!(released.placement().unwrap().code, None);
    office.everybody_accepts(&twice, 2);
    // A page without room: nothing is moved over text.
    let full = pages::full_page();
    let annex = Appearance { number: Some("1/QĐ".to_owned()), ..Appearance::new(Role::Annex) };
    let refused = office.sign(&office.agency, &full, &annex).unwrap_err();
    assert!(matches!(why(&refused), Some(AppearanceError::NoRoom { page: 1 })), "{refused}");
}

/// A field that waits on the page is filled with the looks that fit it.
#[test]
fn an_empty_field_shows_the_signature_in_its_place() {
    let office = Office::new();
    let (blank, area) = pages::with_empty_field();
    let approve = Appearance { picture: Some(handwriting()), ..Appearance::new(Role::Approve) };
    let filled = |field: &str, appearance: &Appearance| {
        let wishes = Wishes {
            field: Some(field.to_owned()),
            appearance: Some(appearance.clone()),
            ..Wishes::default()
        };
        office.sign_with(&office.leader, &blank, &wishes)
    };
    let (signed, released) = filled("LanhDao", &approve).unwrap();
    office.everybody_accepts(&signed, 1);
    assert_eq!(released.placement().unwrap().area, area);
    if let (Some(before), Some(after)) = (Print::of(&blank, 1), Print::of(&signed, 1)) {
        assert!(after.inked(area, Colour::Blue) > 100);
        assert_eq!(after.changed_outside(&before, &[area]), None);
    }
    let elsewhere = Appearance { place: Some(Place::Anchor("CHU TICH".to_owned())), ..approve.clone() };
    let refused = filled("LanhDao", &elsewhere).unwrap_err();
    assert!(matches!(why(&refused), Some(AppearanceError::Missing { .. })), "{refused}");
    let refused = filled("An", &approve).unwrap_err();
    assert!(matches!(why(&refused), Some(AppearanceError::Missing { .. })), "{refused}");
}

#[test]
fn what_cannot_be_shown_is_refused_with_a_reason() {
    let office = Office::new();
    let blank = fs::read(sample()).unwrap();
    let approve = |place: Option<Place>| Appearance {
        picture: Some(handwriting()),
        place,
        ..Appearance::new(Role::Approve)
    };
    let rectangle = |page: usize, area: Area| Some(Place::At { page, area });
    let cases: Vec<(Appearance, &str)> = vec![
        (approve(None), "where does the signature stand"),
        (approve(Some(Place::Anchor("KHÔNG CÓ DÒNG NÀY".to_owned()))), "is on no page"),
        (approve(Some(Place::Anchor("Căn cứ Luật Thi đua".to_owned()))), "no room for a picture"),
        (approve(rectangle(9, Area::new(10.0, 10.0, 50.0, 50.0))), "has 1 pages"),
        (approve(rectangle(1, Area::new(580.0, 10.0, 50.0, 50.0))), "leave the page"),
        (Appearance::new(Role::Issue), "give its picture"),
        (Appearance { picture: Some(seal()), ..Appearance::new(Role::Issue) }, "none can be seen"),
        (
            Appearance { width_mm: Some(400.0), ..approve(Some(Place::Anchor("CHỦ TỊCH".to_owned()))) },
            "400 mm",
        ),
        (Appearance { full: true, ..approve(rectangle(1, Area::new(9.0, 9.0, 9.0, 9.0))) }, "without words"),
        (Appearance { text: Some("漢".to_owned()), ..Appearance::new(Role::Comment) }, "no letter"),
        (
            Appearance {
                text: Some("Đồng ý với đề nghị của các sở".to_owned()),
                place: rectangle(1, Area::new(9.0, 9.0, 9.0, 9.0)),
                ..Appearance::new(Role::Comment)
            },
            "does not fit",
        ),
    ];
    for (appearance, words) in cases {
        let refused = office.sign(&office.leader, &blank, &appearance).unwrap_err();
        assert!(refused.to_string().contains(words), "{words:?} is not in: {refused}");
        let vietnamese = why(&refused).expect("a reason of the appearance").vietnamese();
        assert!(!vietnamese.is_empty() && !vietnamese.is_ascii(), "{vietnamese}");
        assert!(!office.output().exists(), "{words}: a file was left");
    }
    // A certified document is seen to be signed only where its author said so: what would break that is not made.
    if let Some(pyhanko) = PyHanko::find() {
        let folder = office.folder.path();
        let [key, certificate, chain, certified] =
            ["key.pem", "cert.pem", "ca.pem", "certified.pdf"].map(|name| folder.join(name));
        fs::write(&key, office.leader.key.to_pem().as_bytes()).unwrap();
        fs::write(&certificate, office.leader.certificate.to_pem()).unwrap();
        fs::write(&chain, office.pki.pki().ca().certificate().to_pem()).unwrap();
        let [key, certificate, chain] = [&key, &certificate, &chain].map(|path| path.display().to_string());
        let arguments = ["--key", &key, "--cert", &certificate, "--chain", &chain, "--certify", "2"];
        pyhanko.sign(&sample(), &certified, &arguments);
        let issue = Appearance {
            picture: Some(seal()),
            place: rectangle(1, Area::new(300.0, 100.0, 90.0, 90.0)),
            ..Appearance::new(Role::Issue)
        };
        let refused = office.sign(&office.agency, &fs::read(&certified).unwrap(), &issue).unwrap_err();
        assert!(refused.to_string().contains("is certified"), "{refused}");
    }
    // Blue and red, says the decree: anything else is drawn, and told.
    let red = Appearance { picture: Some(seal()), ..at(Role::Approve, "CHỦ TỊCH") };
    let (_, released) = office.sign(&office.leader, &blank, &red).unwrap();
    let notes = &released.placement().unwrap().notes;
    assert!(notes.contains(&Note::Ink { red: false }) && notes.len() == 2, "{notes:?}");
    // Found several times: the last, and it is said.
    let often = approve(Some(Place::Anchor("ỦY BAN NHÂN DÂN".to_owned())));
    let (_, released) = office.sign(&office.leader, &blank, &often).unwrap();
    let notes = &released.placement().unwrap().notes;
    assert!(matches!(notes.as_slice(), [Note::AnchorRepeated { times: 3, page: 1, .. }]), "{notes:?}");
}

/// What the leader's widget shows may not change any more, neither in place nor by another stream; the agency's seal
/// beside it is fine. A widget that covers more than a quarter of the page is none.
#[test]
fn looks_that_change_after_signing_are_found() {
    let office = Office::new();
    let blank = fs::read(sample()).unwrap();
    let approve = Appearance { picture: Some(handwriting()), ..at(Role::Approve, "CHỦ TỊCH") };
    let (once, _) = office.sign(&office.leader, &blank, &approve).unwrap();
    assert_eq!(office.judge(&once).overall, Overall::Valid);
    let widget = pages::object_with(&once, "/FT /Sig");
    let form = pages::object_with(&once, "/Subtype /Form");
    let shown = pages::text_of(&once, widget);
    assert!(shown.contains(&format!("/AP << /N {form} 0 R >>")), "{shown}");

    let content = "1 0 0 rg 0 0 400 400 re f";
    let stream = format!(
        "<< /Type /XObject /Subtype /Form /BBox [0 0 121 41] /Length {} >>\nstream\n{content}\nendstream",
        content.len()
    );
    let moved = shown.replace("/Rect [", "/Rect [0 ").replacen("/Rect [0 369", "/Rect [69", 1);
    let attacks: Vec<(&str, base::Objects)> = vec![
        ("the stream in place", vec![(form, stream.clone().into_bytes())]),
        (
            "another stream",
            vec![
                (900, stream.into_bytes()),
                (widget, shown.replace(&format!("/N {form} 0 R"), "/N 900 0 R").into_bytes()),
            ],
        ),
        ("hidden", vec![(widget, shown.replace("/F 132", "/F 134").into_bytes())]),
        ("moved", vec![(widget, moved.into_bytes())]),
    ];
    for (what, objects) in attacks {
        let changed = base::append(&once, objects, Layout::Table);
        let report = office.judge(&changed);
        assert_eq!(report.overall, Overall::Invalid, "{what}: {report:#?}");
    }
    // What the seal lies on is told, and so is what a box hides.
    let issue = Appearance { picture: Some(seal()), ..Appearance::new(Role::Issue) };
    let amount = Appearance {
        place: Some(Place::At { page: 1, area: Area::new(85.0, 405.0, 160.0, 22.0) }),
        ..issue.clone()
    };
    for (appearance, covers) in [(issue, false), (amount, true)] {
        let (twice, _) = office.sign(&office.agency, &once, &appearance).unwrap();
        let report = office.judge(&twice);
        assert_eq!(report.overall, Overall::Valid, "{report:#?}");
        let told = &report.signatures[0].modifications[0].description;
        assert_eq!(told.contains("over the text"), covers, "{told}");
    }
    let broad = Appearance {
        picture: Some(seal()),
        place: Some(Place::At { page: 1, area: Area::new(20.0, 20.0, 500.0, 500.0) }),
        ..Appearance::new(Role::Issue)
    };
    let refused = office.sign(&office.agency, &once, &broad);
    let report = match refused {
        Ok((signed, _)) => office.judge(&signed),
        Err(error) => panic!("the new signature itself is fine: {error}"),
    };
    assert_eq!(report.overall, Overall::Invalid, "a quarter of the page: {report:#?}");
}

/// The same on both software tokens, through the command line; the dry run draws and signs nothing.
#[test]
fn the_command_line_signs_with_looks_on_softhsm() {
    if let Some(desk) = pen::Desk::softhsm(NewKeyKind::Rsa2048) {
        through_the_command_line(&desk);
    }
}

#[test]
fn the_command_line_signs_with_looks_on_the_built_in_token() {
    through_the_command_line(&pen::Desk::embedded(NewKeyKind::P256));
}

fn through_the_command_line(desk: &pen::Desk) {
    let folder = desk.folder.path();
    let [once, twice, drawn] = ["once.pdf", "twice.pdf", "drawn.png"].map(|name| folder.join(name));
    let pictures = support::root().join("samples");
    let (hand, seal) = (pictures.join("chu-ky.png"), pictures.join("con-dau.png"));
    let [hand, seal, png] = [&hand, &seal, &drawn].map(|path| path.display().to_string());
    let approve = ["--appearance", "approve", "--picture", &hand, "--anchor", "CHỦ TỊCH"];
    let dry: Vec<&str> = approve.iter().copied().chain(["--dry-run", &png]).collect();
    let told = desk.sign(&sample(), &once, &dry);
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    assert!(!once.exists() && fs::read(&drawn).unwrap().starts_with(b"\x89PNG"));
    let told = desk.sign(&sample(), &once, &approve);
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let said = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(said.contains("seen      page 1, "), "{said}");
    let told = desk.sign(&once, &twice, &["--appearance", "issue", "--picture", &seal]);
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    desk.everybody_accepts(&twice, 2);
    let told = desk.sign(&sample(), &folder.join("no.pdf"), &["--appearance", "issue", "--picture", &seal]);
    assert_eq!(told.status.code(), Some(65), "{}", String::from_utf8_lossy(&told.stderr));
    let told = desk.sign(&sample(), &folder.join("no.pdf"), &["--picture", &seal]);
    assert_eq!(told.status.code(), Some(64), "{}", String::from_utf8_lossy(&told.stderr));
    assert!(!folder.join("no.pdf").exists());
}

/// The helper that draws pages says no to what is no page, and draws nothing.
#[test]
fn the_helper_draws_pages_only() {
    for (page, input, status) in [("1", "xin chào".to_owned(), 65), ("7", support::BLANK_PDF.to_owned(), 65)]
    {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kyso"));
        command.args(["draw-page", "--page", page, "--box", "0,0,1,1"]);
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), input).unwrap();
        let told = command.stdin(fs::File::open(file.path()).unwrap()).output().unwrap();
        assert_eq!(told.status.code(), Some(status), "{}", String::from_utf8_lossy(&told.stderr));
        assert!(told.stdout.is_empty());
    }
}

/// A font of one's own: the letters of TeX Gyre or Liberation, where one is installed.
#[test]
fn another_font_is_embedded_too() {
    let fonts = [
        "/usr/share/fonts/truetype/dejavu/DejaVuSerif.ttf",
        "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
        "/usr/share/fonts/truetype/liberation2/LiberationSerif-Regular.ttf",
    ];
    let Some(font) = fonts.iter().map(Path::new).find(|font| font.is_file()) else {
        eprintln!("skipped: no TrueType font with Vietnamese letters is installed");
        return;
    };
    let office = Office::new();
    let appearance = Appearance {
        font: Some(fs::read(font).unwrap().into()),
        ..Appearance::new(Role::Copy(CopyKind::TrichSao))
    };
    let (signed, _) = office.sign(&office.agency, &fs::read(sample()).unwrap(), &appearance).unwrap();
    office.everybody_accepts(&signed, 1);
    if let Some(text) = office.text(&signed) {
        assert!(text.contains("TRÍCH SAO"), "{text}");
    }
    let file = office.folder.path().join("font.pdf");
    fs::write(&file, &signed).unwrap();
    if let Some(pdffonts) = tool("pdffonts") {
        let told = support::run(Command::new(pdffonts).arg(&file));
        let told = String::from_utf8_lossy(&told.stdout).into_owned();
        assert!(told.contains("+ChosenSerif"), "{told}");
    }
}

/// The pictures in `docs/appearance/` are there; with `KYSO_DRAW_DOCS` set they are made again.
#[test]
fn the_docs_show_each_role() {
    let office = Office::new();
    let blank = fs::read(sample()).unwrap();
    let letter = fs::read(support::root().join("samples/cong-van.pdf")).unwrap();
    let annex = fs::read(support::root().join("samples/phu-luc.pdf")).unwrap();
    let number = |text: &str| Some(text.to_owned());
    let approve = Appearance { picture: Some(handwriting()), ..at(Role::Approve, "CHỦ TỊCH") };
    let coded = Appearance {
        qr: Some("https://songlam.example/kiem-tra/AB12-CD34".to_owned()),
        short_code: Some("AB12-CD34".to_owned()),
        ..approve.clone()
    };
    let issue = Appearance { picture: Some(seal()), ..Appearance::new(Role::Issue) };
    let (once, _) = office.sign(&office.leader, &blank, &approve).unwrap();
    let comment = "Giao Sở Nội vụ chủ trì, phối hợp Sở Tài chính tham mưu UBND tỉnh trước ngày 15/12.";
    let pictures = [
        ("approve", office.sign(&office.leader, &blank, &coded), [0, 640, 620, 240]),
        ("issue", office.sign(&office.agency, &once, &issue), [0, 560, 620, 290]),
        (
            "annex",
            office.sign(
                &office.agency,
                &annex,
                &Appearance { number: number("01/QĐ-UBND"), ..Appearance::new(Role::Annex) },
            ),
            [0, 0, 620, 230],
        ),
        (
            "copy",
            office.sign(&office.agency, &once, &Appearance::new(Role::Copy(CopyKind::SaoY))),
            [0, 0, 620, 230],
        ),
        (
            "full",
            office.sign(
                &office.agency,
                &once,
                &Appearance { full: true, ..Appearance::new(Role::Copy(CopyKind::SaoLuc)) },
            ),
            [0, 0, 620, 230],
        ),
        (
            "income",
            office.sign(
                &office.agency,
                &letter,
                &Appearance {
                    number: number("215"),
                    organisation: Some("UBND PHƯỜNG THƯỢNG LAM".to_owned()),
                    ..Appearance::new(Role::Income)
                },
            ),
            [0, 0, 620, 330],
        ),
        (
            "comment",
            office.sign(
                &office.leader,
                &letter,
                &Appearance { text: Some(comment.to_owned()), ..Appearance::new(Role::Comment) },
            ),
            [0, 0, 620, 330],
        ),
    ];
    let docs = support::root().join("docs/appearance");
    let words = fs::read_to_string(support::root().join("docs/appearance.md")).unwrap();
    for (name, signed, crop) in pictures {
        let (signed, _) = signed.unwrap_or_else(|error| panic!("{name}: {error}"));
        if std::env::var_os("KYSO_DRAW_DOCS").is_some() {
            let file = office.folder.path().join("docs.pdf");
            fs::write(&file, &signed).unwrap();
            fs::create_dir_all(&docs).unwrap();
            let mut draw = Command::new(tool("pdftoppm").unwrap());
            draw.args(["-r", "75", "-f", "1", "-l", "1", "-singlefile", "-png"]);
            for (flag, value) in ["-x", "-y", "-W", "-H"].iter().zip(crop) {
                draw.args([flag.to_string(), value.to_string()]);
            }
            support::run(draw.arg(&file).arg(docs.join(name)));
        }
        assert!(docs.join(format!("{name}.png")).is_file(), "docs/appearance/{name}.png is missing");
        assert!(
            words.contains(&format!("(appearance/{name}.png)")),
            "docs/appearance.md does not show {name}"
        );
    }
}

// --- an office: a leader, an agency, a demo PKI --------------------------------------------------------------

struct Office {
    folder: tempfile::TempDir,
    pki: DemoServices,
    root: PathBuf,
    leader: Hand,
    agency: Hand,
}

struct Hand {
    key: SigningKey,
    certificate: Certificate,
}

impl Office {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pki = DemoServices::start(Clock::System, Chance::system()).unwrap();
        let root = folder.path().join("root.pem");
        fs::write(&root, pki.pki().root().certificate().to_pem()).unwrap();
        let organisation = "Ủy ban nhân dân tỉnh Sông Lam";
        let keys = [(); 2].map(|()| SigningKey::generate(KeyAlgorithm::EcP256).unwrap());
        let [leader, agency] = keys;
        let holder = Holder::new("Đặng Thuỳ Hương Giang").of(organisation, "Sông Lam");
        let person = pki.pki().issue_person(leader.spki_der(), &holder).unwrap();
        let holder = Holder::new(organisation).of(organisation, "Sông Lam");
        let body = pki.pki().issue_agency(agency.spki_der(), &holder).unwrap();
        let leader = Hand { key: leader, certificate: person };
        let agency = Hand { key: agency, certificate: body };
        Self { folder, pki, root, leader, agency }
    }

    fn output(&self) -> PathBuf {
        self.folder.path().join("signed.pdf")
    }

    fn sign(
        &self,
        who: &Hand,
        pdf: &[u8],
        appearance: &Appearance,
    ) -> Result<(Vec<u8>, Released), SignError> {
        self.sign_with(who, pdf, &Wishes { appearance: Some(appearance.clone()), ..Wishes::default() })
    }

    fn sign_with(&self, who: &Hand, pdf: &[u8], wishes: &Wishes) -> Result<(Vec<u8>, Released), SignError> {
        let desk = SigningDesk {
            clock: Clock::System,
            chance: Chance::system(),
            limits: Limits::default(),
            fetcher: Fetcher::allowing([self.pki.host()]).into(),
            time_stamping: None,
            anchors: self.pki.pki().anchors(),
            policy: Policy::strict(),
            online: true,
            known: Arc::default(),
        };
        let (certificate, chain) = (who.certificate.clone(), self.pki.pki().chain());
        let identity = Identity { certificate, chain, scheme: who.key.scheme() };
        let input = MemorySource(pdf.to_vec());
        let released = desk.sign_with(&input, &self.output(), identity, wishes, |scheme, message| {
            Ok(who.key.sign_as(scheme, message).expect("a key in memory signs"))
        })?;
        let signed = fs::read(self.output()).unwrap();
        fs::remove_file(self.output()).unwrap();
        assert!(signed.starts_with(pdf), "an earlier byte changed");
        Ok((signed, released))
    }

    fn judge(&self, pdf: &[u8]) -> DocumentReport {
        let (anchors, policy, limits) = (self.pki.pki().anchors(), Policy::strict(), Limits::default());
        let fetcher = Fetcher::allowing([self.pki.host()]);
        let options = kyso::service::verify::Options {
            anchors: &anchors,
            policy: &policy,
            moment: Clock::System.now(),
            fetcher: Some(&fetcher),
            limits: &limits,
        };
        let source = Arc::new(MemorySource(pdf.to_vec()));
        kyso::service::verify::verify_source("looked-at.pdf", source, &options).unwrap()
    }

    /// kyso, poppler and pyHanko.
    fn everybody_accepts(&self, pdf: &[u8], count: usize) {
        let report = self.judge(pdf);
        assert_eq!((report.overall, report.signatures.len()), (Overall::Valid, count), "{report:#?}");
        let file = self.folder.path().join("judged.pdf");
        fs::write(&file, pdf).unwrap();
        if let Some(verdicts) = support::pdfsig(&file) {
            let accepted = verdicts.iter().filter(|verdict| verdict.accepted()).count();
            assert_eq!(accepted, count, "{verdicts:#?}");
        }
        if let Some(pyhanko) = PyHanko::find() {
            let verdicts = pyhanko.verify(&file, &[&self.root]);
            assert_eq!(verdicts.iter().filter(|verdict| verdict.accepted()).count(), count, "{verdicts:#?}");
            assert!(verdicts.iter().all(PyHankoVerdict::accepted));
        }
    }

    /// What pdftotext reads.
    fn text(&self, pdf: &[u8]) -> Option<String> {
        let file = self.folder.path().join("read.pdf");
        fs::write(&file, pdf).unwrap();
        let told = support::run(Command::new(tool("pdftotext")?).args(["-enc", "UTF-8"]).arg(&file).arg("-"));
        Some(String::from_utf8(told.stdout).unwrap())
    }
}

fn at(role: Role, anchor: &str) -> Appearance {
    Appearance { place: Some(Place::Anchor(anchor.to_owned())), ..Appearance::new(role) }
}

fn why(error: &SignError) -> Option<&AppearanceError> {
    match error {
        SignError::Signing(SigningError::Appearance(why)) => Some(why),
        _ => None,
    }
}

fn handwriting() -> Arc<Picture> {
    picture("chu-ky.png")
}

fn seal() -> Arc<Picture> {
    picture("con-dau.png")
}

pub(crate) fn picture(name: &str) -> Arc<Picture> {
    Arc::new(Picture::read(&fs::read(support::root().join("samples").join(name)).unwrap()).unwrap())
}

fn sample() -> PathBuf {
    support::root().join("samples/quyet-dinh.pdf")
}

fn open(pdf: &[u8]) -> Document {
    Document::open(Arc::new(MemorySource(pdf.to_vec())), &Limits::default()).unwrap()
}
