//! A small world for verdicts: keys, certificates with whatever is wrong in them, evidence, documents.

use std::sync::{Arc, LazyLock};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use der::oid::ObjectIdentifier;
use kyso::{
    asn1::{Tag, oid, write},
    base::{Digest, DigestAlgorithm, Limits, MemorySource, Source as _, UtcTime},
    cms::{SignedAttributes, SignedDataParts},
    ocsp::{self, CertId, CertStatus, ResponderId, ResponseData, SingleResponse},
    pdf::{Document, NewSignature, SignatureKind, prepare_signature},
    trust::Anchors,
    tsp::TstInfo,
    validation::{DocumentReport, Evidence, Inspection, Policy, SignatureReport},
    x509::{Certificate, algorithm::SignatureScheme},
};

pub(crate) const SCHEME: SignatureScheme = SignatureScheme::Ecdsa(DigestAlgorithm::Sha256);

/// A day of 2026, as `06-01` or `06-01T10:00`.
pub(crate) fn day(text: &str) -> UtcTime {
    let time = if text.contains('T') { format!("2026-{text}:00Z") } else { format!("2026-{text}T00:00:00Z") };
    time.parse().unwrap()
}

pub(crate) fn year(year: i16) -> UtcTime {
    format!("{year}-01-01T00:00:00Z").parse().unwrap()
}

/// The moment of most verdicts.
pub(crate) fn now() -> UtcTime {
    day("06-01")
}

pub(crate) struct Key {
    pair: EcdsaKeyPair,
}

impl Key {
    pub(crate) fn new() -> Self {
        Self { pair: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap() }
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec()
    }

    pub(crate) fn spki(&self) -> Vec<u8> {
        write::sequence([
            write::algorithm(oid::EC_PUBLIC_KEY, Some(&write::oid(oid::SECP256R1))),
            write::bit_string(self.pair.public_key().as_ref()),
        ])
    }
}

/// A certificate and its key.
pub(crate) struct Entity {
    pub(crate) key: Key,
    pub(crate) certificate: Certificate,
}

/// What a certificate says. Start from one of the makers and change what the case is about.
#[derive(Clone)]
pub(crate) struct Spec {
    pub(crate) name: String,
    pub(crate) serial: u32,
    pub(crate) from: UtcTime,
    pub(crate) to: UtcTime,
    pub(crate) authority: Option<Option<u8>>,
    /// The octet of keyUsage: 0x80 digitalSignature, 0x40 nonRepudiation, 0x04 keyCertSign, 0x02 cRLSign.
    pub(crate) key_usage: Option<u8>,
    pub(crate) extended: Option<(bool, Vec<ObjectIdentifier>)>,
    pub(crate) extra: Vec<(ObjectIdentifier, bool, Vec<u8>)>,
    pub(crate) scheme: SignatureScheme,
}

impl Spec {
    pub(crate) fn person(name: &str, serial: u32) -> Self {
        Self {
            name: name.to_owned(),
            serial,
            from: year(2025),
            to: year(2028),
            authority: None,
            key_usage: Some(0xC0),
            extended: None,
            extra: Vec::new(),
            scheme: SCHEME,
        }
    }

    pub(crate) fn authority(name: &str, serial: u32) -> Self {
        let person = Self::person(name, serial);
        Self { authority: Some(None), key_usage: Some(0x06), from: year(2020), to: year(2040), ..person }
    }

    pub(crate) fn time_stamping(name: &str, serial: u32) -> Self {
        Self { extended: Some((true, vec![oid::KP_TIME_STAMPING])), ..Self::person(name, serial) }
    }

    pub(crate) fn responder(name: &str, serial: u32) -> Self {
        let nocheck = (oid::OCSP_NOCHECK, false, write::null());
        Self {
            extended: Some((false, vec![oid::KP_OCSP_SIGNING])),
            extra: vec![nocheck],
            ..Self::person(name, serial)
        }
    }
}

fn name(common: &str) -> Vec<u8> {
    let attribute = |oid: &str, value: &str| {
        let oid = write::oid(ObjectIdentifier::new_unwrap(oid));
        let value = write::value(Tag(0x0C), value.as_bytes());
        write::value(Tag::SET, &write::sequence([oid, value]))
    };
    write::sequence([attribute("2.5.4.10", "UBND phường An Hội"), attribute("2.5.4.3", common)])
}

impl Entity {
    /// Self-signed.
    pub(crate) fn root(common: &str) -> Self {
        let key = Key::new();
        let certificate = certificate(&Spec::authority(common, 1), &name(common), &key, &key);
        Self { key, certificate }
    }

    pub(crate) fn issue(&self, spec: &Spec) -> Self {
        let key = Key::new();
        let certificate = self.certify(spec, &key);
        Self { key, certificate }
    }

    /// A certificate for somebody's key.
    pub(crate) fn certify(&self, spec: &Spec, key: &Key) -> Certificate {
        certificate(spec, self.certificate.subject().der(), key, &self.key)
    }

    /// An OCSP answer by this entity about a certificate of `issuer`.
    pub(crate) fn answers(&self, issuer: &Self, about: &Certificate, answer: &Answer) -> Evidence {
        let single = SingleResponse {
            cert_id: CertId::new(about, &issuer.certificate, DigestAlgorithm::Sha1),
            status: answer.status,
            this_update: answer.this_update,
            next_update: answer.next_update,
            archive_cutoff: None,
        };
        let data = ResponseData {
            responder_id: ResponderId::ByName(self.certificate.subject().clone()),
            produced_at: answer.this_update,
            singles: &[single],
            nonce: None,
        };
        let data = data.to_der();
        let own = [self.certificate.clone()];
        Evidence::Ocsp(ocsp::successful_response(&data, &SCHEME.to_identifier(), &self.key.sign(&data), &own))
    }

    /// A revocation list with these serials.
    pub(crate) fn revokes(
        &self,
        from: UtcTime,
        to: Option<UtcTime>,
        revoked: &[(u32, UtcTime)],
        extensions: &[Vec<u8>],
    ) -> Evidence {
        let entries = revoked
            .iter()
            .map(|(serial, at)| write::sequence([write::unsigned(&serial.to_be_bytes()), write::time(*at)]));
        self.list(from, to, &entries.collect::<Vec<_>>(), extensions)
    }

    /// A revocation list with these entries.
    pub(crate) fn revokes_entries(
        &self,
        from: UtcTime,
        to: Option<UtcTime>,
        entries: &[Vec<u8>],
    ) -> Evidence {
        self.list(from, to, entries, &[])
    }

    fn list(
        &self,
        from: UtcTime,
        to: Option<UtcTime>,
        entries: &[Vec<u8>],
        extensions: &[Vec<u8>],
    ) -> Evidence {
        let tbs = write::sequence([
            write::unsigned(&[1]),
            SCHEME.to_identifier(),
            self.certificate.subject().der().to_vec(),
            write::time(from),
            to.map(write::time).unwrap_or_default(),
            if entries.is_empty() { Vec::new() } else { write::sequence(entries) },
            if extensions.is_empty() {
                Vec::new()
            } else {
                write::value(Tag::context(0), &write::sequence(extensions))
            },
        ]);
        Evidence::Crl(write::sequence([
            tbs.clone(),
            SCHEME.to_identifier(),
            write::bit_string(&self.key.sign(&tbs)),
        ]))
    }

    /// A detached CAdES signature over a digest.
    pub(crate) fn cms(&self, digest: Digest, named: &Certificate, chain: &[Certificate]) -> Cms {
        let attributes = SignedAttributes {
            content_type: oid::DATA,
            message_digest: digest,
            signer: named.clone(),
            signing_time: None,
        };
        let attributes = attributes.to_der();
        Cms {
            signature: self.key.sign(&attributes),
            attributes,
            signer: self.certificate.clone(),
            chain: chain.to_vec(),
            content: None,
        }
    }

    /// A time-stamp token over an imprint.
    pub(crate) fn stamps(&self, imprint: Digest, at: UtcTime, chain: &[Certificate]) -> Vec<u8> {
        let info = TstInfo {
            policy: ObjectIdentifier::new_unwrap("1.3.6.1.4.1.99999.1"),
            imprint,
            serial: vec![7],
            gen_time: at,
            nonce: None,
        };
        let content = info.to_der();
        let attributes = SignedAttributes {
            content_type: oid::TST_INFO,
            message_digest: DigestAlgorithm::Sha256.digest(&content),
            signer: self.certificate.clone(),
            signing_time: None,
        };
        let attributes = attributes.to_der();
        let signature = self.key.sign(&attributes);
        let cms = Cms {
            signature,
            attributes,
            signer: self.certificate.clone(),
            chain: chain.to_vec(),
            content: Some(content),
        };
        cms.to_der(None)
    }
}

fn certificate(spec: &Spec, issuer: &[u8], key: &Key, signer: &Key) -> Certificate {
    let extension = |oid: ObjectIdentifier, critical: bool, value: &[u8]| {
        let flag = if critical { write::value(Tag::BOOLEAN, &[0xFF]) } else { Vec::new() };
        write::sequence([write::oid(oid), flag, write::octet_string(value)])
    };
    let mut extensions = Vec::new();
    if let Some(path_len) = spec.authority {
        let mut parts = vec![write::value(Tag::BOOLEAN, &[0xFF])];
        parts.extend(path_len.map(|len| write::unsigned(&[len])));
        extensions.push(extension(oid::BASIC_CONSTRAINTS, true, &write::sequence(parts)));
    }
    if let Some(bits) = spec.key_usage {
        let unused = u8::try_from(bits.trailing_zeros()).unwrap();
        extensions.push(extension(oid::KEY_USAGE, true, &write::value(Tag::BIT_STRING, &[unused, bits])));
    }
    if let Some((critical, uses)) = &spec.extended {
        let uses = write::sequence(uses.iter().map(|usage| write::oid(*usage)));
        extensions.push(extension(oid::EXTENDED_KEY_USAGE, *critical, &uses));
    }
    extensions.extend(spec.extra.iter().map(|(oid, critical, value)| extension(*oid, *critical, value)));
    let tbs = write::sequence([
        write::value(Tag::context(0), &write::unsigned(&[2])),
        write::unsigned(&spec.serial.to_be_bytes()),
        spec.scheme.to_identifier(),
        issuer.to_vec(),
        write::sequence([write::time(spec.from), write::time(spec.to)]),
        name(&spec.name),
        key.spki(),
        if extensions.is_empty() {
            Vec::new()
        } else {
            write::value(Tag::context(3), &write::sequence(extensions))
        },
    ]);
    let der =
        write::sequence([tbs.clone(), spec.scheme.to_identifier(), write::bit_string(&signer.sign(&tbs))]);
    Certificate::from_der(&der).unwrap()
}

/// What an OCSP answer says.
#[derive(Clone, Copy)]
pub(crate) struct Answer {
    pub(crate) status: CertStatus,
    pub(crate) this_update: UtcTime,
    pub(crate) next_update: Option<UtcTime>,
}

impl Answer {
    /// Good, for a week from a day on.
    pub(crate) fn good(this_update: UtcTime) -> Self {
        let next = this_update + jiff::SignedDuration::from_hours(7 * 24);
        Self { status: CertStatus::Good, this_update, next_update: Some(next) }
    }

    pub(crate) fn revoked(at: UtcTime, this_update: UtcTime) -> Self {
        Self { status: CertStatus::Revoked { at, reason: Some(1) }, ..Self::good(this_update) }
    }
}

/// The parts of a SignedData.
pub(crate) struct Cms {
    pub(crate) attributes: Vec<u8>,
    pub(crate) signature: Vec<u8>,
    pub(crate) signer: Certificate,
    pub(crate) chain: Vec<Certificate>,
    pub(crate) content: Option<Vec<u8>>,
}

impl Cms {
    pub(crate) fn to_der(&self, token: Option<&[u8]>) -> Vec<u8> {
        let content_type = if self.content.is_some() { oid::TST_INFO } else { oid::DATA };
        SignedDataParts {
            content: self.content.as_deref(),
            content_type,
            signed_attributes: &self.attributes,
            scheme: SCHEME,
            signer: &self.signer,
            chain: &self.chain,
            signature: &self.signature,
            time_stamp_token: token,
        }
        .to_der()
    }

    pub(crate) fn imprint(&self) -> Digest {
        DigestAlgorithm::Sha256.digest(&self.signature)
    }
}

/// A root, an issuing authority, and those that it certified.
pub(crate) struct World {
    pub(crate) root: Entity,
    pub(crate) ca: Entity,
    pub(crate) person: Entity,
    pub(crate) agency: Entity,
    pub(crate) tsa: Entity,
    pub(crate) responder: Entity,
}

/// Made once: keys cost time.
pub(crate) static WORLD: LazyLock<World> = LazyLock::new(|| {
    let root = Entity::root("Gốc thử nghiệm");
    let ca = root.issue(&Spec::authority("CA thử nghiệm", 2));
    let person = ca.issue(&Spec::person("Nguyễn Văn A", 10));
    let agency = ca.issue(&Spec::person("Văn thư", 11));
    let tsa = ca.issue(&Spec::time_stamping("TSA", 12));
    let responder = ca.issue(&Spec::responder("OCSP", 13));
    World { root, ca, person, agency, tsa, responder }
});

impl World {
    pub(crate) fn anchors(&self) -> Anchors {
        Anchors::new("test", vec![self.root.certificate.clone()])
    }

    /// The list of the root, empty, of a day.
    pub(crate) fn root_list(&self, from: UtcTime) -> Evidence {
        self.root.revokes(from, Some(from + jiff::SignedDuration::from_hours(30 * 24)), &[], &[])
    }

    /// The list of the issuing authority, empty, of a day.
    pub(crate) fn ca_list(&self, from: UtcTime) -> Evidence {
        self.ca.revokes(from, Some(from + jiff::SignedDuration::from_hours(7 * 24)), &[], &[])
    }

    pub(crate) fn good(&self, about: &Entity, on: UtcTime) -> Evidence {
        self.responder.answers(&self.ca, &about.certificate, &Answer::good(on))
    }

    /// Everything that a plain signature of the person needs at [`now`].
    pub(crate) fn all_good(&self) -> Vec<Evidence> {
        vec![self.root_list(day("05-20")), self.good(&self.person, day("05-30"))]
    }

    pub(crate) fn chain(&self) -> Vec<Certificate> {
        vec![self.ca.certificate.clone()]
    }

    /// A baseline signature of an entity of the issuing authority.
    pub(crate) fn sign(&self, pdf: &[u8], signer: &Entity) -> Vec<u8> {
        sign_with(pdf, CADES, |digest| signer.cms(digest, &signer.certificate, &self.chain()).to_der(None))
    }

    /// The same, time-stamped.
    pub(crate) fn sign_stamped(&self, pdf: &[u8], signer: &Entity, at: UtcTime) -> Vec<u8> {
        sign_with(pdf, CADES, |digest| {
            let cms = signer.cms(digest, &signer.certificate, &self.chain());
            cms.to_der(Some(&self.tsa.stamps(cms.imprint(), at, &self.chain())))
        })
    }

    /// A document time-stamp.
    pub(crate) fn stamp(&self, pdf: &[u8], at: UtcTime) -> Vec<u8> {
        sign_with(pdf, STAMP, |digest| self.tsa.stamps(digest, at, &self.chain()))
    }

    /// The one signature of a document, judged.
    pub(crate) fn judge(&self, pdf: &[u8], evidence: &[Evidence], moment: UtcTime) -> SignatureReport {
        let report = judge(pdf, &self.anchors(), evidence, moment);
        let [signature] = report.signatures.as_slice() else { panic!("{report:#?}") };
        signature.clone()
    }
}

pub(crate) const CADES: (SignatureKind, &str) = (SignatureKind::Signature, "ETSI.CAdES.detached");
pub(crate) const PKCS7: (SignatureKind, &str) = (SignatureKind::Signature, "adbe.pkcs7.detached");
pub(crate) const STAMP: (SignatureKind, &str) = (SignatureKind::DocTimeStamp, "ETSI.RFC3161");

pub(crate) fn open(pdf: &[u8]) -> Document {
    Document::open(Arc::new(MemorySource(pdf.to_vec())), &Limits::default()).unwrap()
}

/// Appends a signature whose CMS is made from the digest of what it covers.
pub(crate) fn sign_with(
    pdf: &[u8],
    (kind, sub_filter): (SignatureKind, &'static str),
    cms: impl FnOnce(Digest) -> Vec<u8>,
) -> Vec<u8> {
    let new = NewSignature {
        kind,
        sub_filter,
        claimed_time: (kind == SignatureKind::Signature).then(|| day("05-30")),
        contents_len: 4096,
        ..NewSignature::default()
    };
    let mut increment = prepare_signature(&open(pdf), &new).unwrap();
    let whole = |tail: &[u8]| [pdf, tail].concat();
    let source = MemorySource(whole(&increment.tail));
    let digest = source.digest(DigestAlgorithm::Sha256, &increment.ranges).unwrap();
    increment.fill(&cms(digest)).unwrap();
    whole(&increment.tail)
}

pub(crate) fn judge(pdf: &[u8], anchors: &Anchors, evidence: &[Evidence], moment: UtcTime) -> DocumentReport {
    let mut inspection = Inspection::open(Arc::new(MemorySource(pdf.to_vec())), &Limits::default()).unwrap();
    for one in evidence {
        inspection.supply(one.clone());
    }
    inspection.judge("test.pdf", &Policy::strict(), anchors, moment)
}

/// One page that says hello.
pub(crate) fn plain_pdf() -> Vec<u8> {
    let content = "BT /F1 18 Tf 72 760 Td (Xin chao) Tj ET";
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_owned(),
        format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
    ];
    let mut pdf = b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n".to_vec();
    let objects: Vec<_> = (1..).zip(objects.map(String::into_bytes)).collect();
    append_objects(&mut pdf, &objects, &[b"/Size 6 /Root 1 0 R"], true);
    pdf
}

/// Appends a revision with these objects.
pub(crate) fn append_revision(pdf: &[u8], objects: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let document = open(pdf);
    let previous = document.revisions().last().unwrap().xref_offset;
    let highest = objects.iter().map(|(number, _)| i64::from(*number) + 1).max().unwrap_or(0);
    let size = document.trailer().integer("Size").unwrap().max(highest);
    let (root, generation) = document.trailer().reference("Root").unwrap();
    let trailer = format!("/Size {size} /Root {root} {generation} R /Prev {previous}");
    let mut out = pdf.to_vec();
    append_objects(&mut out, objects, &[trailer.as_bytes()], false);
    out
}

fn append_objects(pdf: &mut Vec<u8>, objects: &[(u32, Vec<u8>)], trailer: &[&[u8]], first: bool) {
    let mut table = if first { "xref\n0 1\n0000000000 65535 f \n".to_owned() } else { "xref\n".to_owned() };
    for (number, body) in objects {
        table.push_str(&format!("{number} 1\n{:010} 00000 n \n", pdf.len()));
        pdf.extend_from_slice(format!("{number} 0 obj\n").as_bytes());
        pdf.extend_from_slice(body);
        pdf.extend_from_slice(b"\nendobj\n");
    }
    let at = pdf.len();
    pdf.extend_from_slice(table.as_bytes());
    pdf.extend_from_slice(b"trailer\n<< ");
    pdf.extend_from_slice(&trailer.concat());
    pdf.extend_from_slice(format!(" >>\nstartxref\n{at}\n%%EOF\n").as_bytes());
}

/// Appends a revision with a `/DSS` of these pieces of evidence.
pub(crate) fn append_store(pdf: &[u8], evidence: &[Evidence]) -> Vec<u8> {
    let document = open(pdf);
    let mut next = u32::try_from(document.trailer().integer("Size").unwrap()).unwrap();
    let mut objects = Vec::new();
    let mut lists = [("Certs", String::new()), ("CRLs", String::new()), ("OCSPs", String::new())];
    for one in evidence {
        let (list, der) = match one {
            Evidence::Certificate(der) => (0, der),
            Evidence::Crl(der) => (1, der),
            Evidence::Ocsp(der) => (2, der),
        };
        let mut body = format!("<< /Length {} >>\nstream\n", der.len()).into_bytes();
        body.extend_from_slice(der);
        body.extend_from_slice(b"\nendstream");
        objects.push((next, body));
        lists[list].1.push_str(&format!("{next} 0 R "));
        next += 1;
    }
    let lists: Vec<_> = lists.iter().filter(|(_, items)| !items.is_empty()).collect();
    let lists: String = lists.iter().map(|(key, items)| format!("/{key} [ {items}] ")).collect();
    let mut catalog = document.catalog().unwrap();
    catalog.set("DSS", kyso::pdf::Object::Reference((next, 0)));
    let mut text = Vec::new();
    kyso::pdf::Object::Dictionary(catalog).write(&mut text);
    objects.push((next, format!("<< {lists}>>").into_bytes()));
    objects.push((document.trailer().reference("Root").unwrap().0, text));
    append_revision(pdf, &objects)
}
