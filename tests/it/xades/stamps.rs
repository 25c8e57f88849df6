//! Time-stamps of XAdES beside the one on the value: on the content, and on everything.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use kyso::{
    base::{Chance, Clock, DigestAlgorithm, UtcTime},
    demo::pki::{CertificateRequest, Holder, KeyAlgorithm, Profile, SigningKey, TimeStampAuthority},
    service::extend::Extension,
    tsp,
    validation::{Indication, Level, Overall, TimeStampKind},
    xml::{Canonicalization, Document, Element, Subset, XmlLimits, signature::NAMESPACE},
};

use super::{
    desk::{Desk, level, only},
    forge::{EXCLUSIVE, Forge, XADES, to_properties, whole},
    made::LETTER,
};

/// A token over `octets` of an authority whose clock says `at`.
fn token(desk: &Desk, octets: &[u8], at: UtcTime) -> String {
    let key = SigningKey::generate(KeyAlgorithm::EcP256).unwrap();
    let pki = desk.services.pki();
    let now = Clock::System.now();
    let request = CertificateRequest {
        holder: &Holder::new("Dấu thời gian"),
        spki_der: key.spki_der(),
        profile: Profile::TimeStamping,
        not_before: now - Duration::from_hours(2),
        not_after: now + Duration::from_hours(24),
    };
    let certificate = pki.ca().issue(&request).unwrap();
    let authority =
        TimeStampAuthority::new(key, certificate, pki.chain(), Clock::Fixed(at), Chance::system());
    let imprint = DigestAlgorithm::Sha256.digest(octets);
    let request = tsp::Request { imprint, nonce: Some(vec![7; 8]), cert_req: true };
    let answer = authority.answer(&request.to_der());
    STANDARD.encode(tsp::token_from_response(&answer, &request).unwrap())
}

fn canonical(document: &Document, subset: Subset) -> Vec<u8> {
    let form = Canonicalization::by_uri(EXCLUSIVE).unwrap();
    document.canonicalize(subset, &form, &XmlLimits::default()).unwrap()
}

fn method() -> String {
    format!("<ds:CanonicalizationMethod xmlns:ds=\"{NAMESPACE}\" Algorithm=\"{EXCLUSIVE}\"/>")
}

/// Signed now, over a content that was stamped `content_age` ago, and stamped itself `age` ago if at all.
fn with_content_stamp(desk: &Desk, content_age: Duration, over: &str, age: Option<Duration>) -> Vec<u8> {
    let now = Clock::System.now();
    let forge = Forge::new(desk);
    let body = "<thu><so>05</so></thu>";
    let document = Document::parse(over.as_bytes(), &XmlLimits::default()).unwrap();
    let content = token(desk, &canonical(&document, Subset::WHOLE), now - content_age);
    let properties = forge.properties(
        "s",
        "p",
        &format!(
            "<x:SignedDataObjectProperties><x:AllDataObjectsTimeStamp>{}<x:EncapsulatedTimeStamp>{content}\
             </x:EncapsulatedTimeStamp></x:AllDataObjectsTimeStamp></x:SignedDataObjectProperties>",
            method()
        ),
    );
    let signature = forge.bare(&(whole() + &to_properties("p")), &properties);
    let mut text = forge.fill(&body.replace("</thu>", &format!("{signature}</thu>")));
    if let Some(age) = age {
        let document = Document::parse(text.as_bytes(), &XmlLimits::default()).unwrap();
        let value = document.elements().find(|element| element.is(NAMESPACE, "SignatureValue")).unwrap();
        let own = token(desk, &canonical(&document, Subset::of(value)), now - age);
        text = text.replace(
            "</x:SignedProperties>",
            &format!(
                "</x:SignedProperties><x:UnsignedProperties><x:UnsignedSignatureProperties><x:SignatureTimeStamp>{}\
                 <x:EncapsulatedTimeStamp>{own}</x:EncapsulatedTimeStamp></x:SignatureTimeStamp>\
                 </x:UnsignedSignatureProperties></x:UnsignedProperties>",
                method()
            ),
        );
    }
    text.into_bytes()
}

#[test]
fn the_content_is_older_than_its_signature() {
    let desk = Desk::new(KeyAlgorithm::EcP256);
    let minutes = Duration::from_mins;
    let body = "<thu><so>05</so></thu>";
    for (content_age, age) in [(30, None), (30, Some(20)), (20, Some(20))] {
        let signed = with_content_stamp(&desk, minutes(content_age), body, age.map(minutes));
        let report = desk.judge(&signed, &[]).unwrap();
        assert_eq!(report.overall, Overall::Valid, "{report:#?}");
        let kinds: Vec<_> = only(&report).time_stamps.iter().map(|stamp| stamp.kind).collect();
        assert!(kinds.contains(&TimeStampKind::Content), "{report:#?}");
    }
    let younger = with_content_stamp(&desk, minutes(0), body, Some(minutes(30)));
    let report = desk.judge(&younger, &[]).unwrap();
    assert_eq!(
        (only(&report).indication, only(&report).sub_indication.as_deref()),
        (Indication::Indeterminate, Some("TIMESTAMP_ORDER_FAILURE")),
        "{report:#?}"
    );
    let others = with_content_stamp(&desk, minutes(30), "<thu><so>06</so></thu>", None);
    let report = desk.judge(&others, &[]).unwrap();
    assert_ne!(report.overall, Overall::Valid);
    assert_eq!(only(&report).errors[0].key, "time-stamp.invalid", "{report:#?}");
}

/// The file with an ArchiveTimeStamp (clause 5.5.2), computed here anew.
fn archived(desk: &Desk, file: &str, at: UtcTime) -> String {
    let document = Document::parse(file.as_bytes(), &XmlLimits::default()).unwrap();
    let named = |namespace: &str, name: &str| {
        document.elements().find(|element| element.is(namespace, name)).unwrap_or_else(|| panic!("{name}"))
    };
    let signature = named(NAMESPACE, "Signature");
    let properties = named(XADES, "SignedProperties");
    let list = named(XADES, "UnsignedSignatureProperties");
    // With all prefixes listed the form of the document is that of Canonical XML.
    let (form, whole) = (Canonicalization::fallback(), Subset::WHOLE.without(signature));
    let mut octets = document.canonicalize(whole, &form, &XmlLimits::default()).unwrap();
    octets.extend(canonical(&document, Subset::of(properties)));
    let own = ["SignedInfo", "SignatureValue", "KeyInfo"].map(|name| named(NAMESPACE, name));
    let before: Vec<Element<'_>> = list.elements().collect();
    for element in own.into_iter().chain(before) {
        octets.extend(canonical(&document, Subset::of(element)));
    }
    let stamp = format!(
        "<a:ArchiveTimeStamp xmlns:a=\"http://uri.etsi.org/01903/v1.4.1#\" xmlns:x=\"{XADES}\">{}\
         <x:EncapsulatedTimeStamp>{}</x:EncapsulatedTimeStamp></a:ArchiveTimeStamp>",
        method(),
        token(desk, &octets, at)
    );
    file.replace(
        "</xades:UnsignedSignatureProperties>",
        &format!("{stamp}</xades:UnsignedSignatureProperties>"),
    )
}

#[test]
fn an_archive_time_stamp_keeps_what_stands_before_it() {
    let desk = Desk::new(KeyAlgorithm::EcP256);
    let now = Clock::System.now();
    let lasting = String::from_utf8(desk.enveloped(LETTER, &level(Level::Lt)).unwrap()).unwrap();
    let once = archived(&desk, &lasting, now);
    let twice = archived(&desk, &once, now);
    for file in [&once, &twice] {
        let report = desk.judge(file.as_bytes(), &[]).unwrap();
        let signature = only(&report);
        assert_eq!(
            (signature.indication, signature.signature_format.as_str()),
            (Indication::TotalPassed, "XAdES-BASELINE-LTA"),
            "{report:#?}"
        );
    }
    // Evidence that was put in behind it, or changed before it.
    let evidence =
        once.find("<xades:CertificateValues").unwrap()..once.find("</xades:CertificateValues>").unwrap() + 26;
    let without = format!("{}{}", &once[..evidence.start], &once[evidence.end..]);
    let report = desk.judge(without.as_bytes(), &[]).unwrap();
    assert_eq!(only(&report).errors[0].key, "time-stamp.invalid", "{report:#?}");
    // Older than the time-stamp on the value that it covers.
    let earlier = archived(&desk, &lasting, now - Duration::from_hours(1));
    let report = desk.judge(earlier.as_bytes(), &[]).unwrap();
    assert_eq!(only(&report).sub_indication.as_deref(), Some("TIMESTAMP_ORDER_FAILURE"), "{report:#?}");
    // Of another file.
    let plain = String::from_utf8(desk.enveloped(LETTER, &level(Level::Lt)).unwrap()).unwrap();
    let stamp = once.find("<a:ArchiveTimeStamp").unwrap()..once.find("</a:ArchiveTimeStamp>").unwrap() + 21;
    let moved = plain.replace(
        "</xades:UnsignedSignatureProperties>",
        &format!("{}</xades:UnsignedSignatureProperties>", &once[stamp]),
    );
    assert_ne!(desk.judge(moved.as_bytes(), &[]).unwrap().overall, Overall::Valid);
    // Nothing is added behind one.
    let input = kyso::base::MemorySource(once.into_bytes());
    let told = desk.signing().extend_with(&input, &desk.path("raised.xml"), &Extension::to(Level::Lt), &[]);
    assert!(told.is_ok(), "it has the level already: {:?}", told.err());
    assert_eq!(std::fs::read(desk.path("raised.xml")).unwrap(), input.0);
}
