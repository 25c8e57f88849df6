//! Keys, certificates, evidence and signed files, all in memory: for the benches and the fuzz targets, which share this
//! file.

use std::sync::Arc;

use kyso::{
    base::{Chance, Clock, DigestAlgorithm, Limits, MemorySource, Source, UtcTime},
    demo::pki::{DemoPki, Holder, KeyAlgorithm, SigningKey},
    ocsp::{self, CertId},
    pdf::{Document, Object},
    signing::{self, Prepared, Request, Stamped, TokenRoom, Wishes},
    trust::Anchors,
    tsp,
    validation::{DocumentReport, Evidence, Inspection, Policy},
    x509::Certificate,
};

/// A demo PKI, and one person with an RSA-2048 key that it certified.
pub(crate) struct World {
    pki: DemoPki,
    key: SigningKey,
    person: Certificate,
    now: UtcTime,
    room: TokenRoom,
}

impl World {
    /// A new one, of the present moment.
    pub(crate) fn new() -> Result<Self, Failure> {
        // Whole seconds, as certificates and time-stamps have them.
        let now = UtcTime::from_second(Clock::System.now().as_second())?;
        let pki = DemoPki::new(Clock::Fixed(now), Chance::system())?;
        let key = SigningKey::generate(KeyAlgorithm::Rsa2048)?;
        let person = pki.issue_person(key.spki_der(), &Holder::new("Người Đo Tốc Độ"))?;
        let imprint = DigestAlgorithm::Sha256.digest(b"room");
        let measured = pki.tsa().token(&tsp::Request::new(imprint, &Chance::system()), now)?;
        let room = TokenRoom::after(measured.len());
        Ok(Self { pki, key, person, now, room })
    }

    pub(crate) fn anchors(&self) -> Anchors {
        self.pki.anchors()
    }

    pub(crate) fn root(&self) -> &Certificate {
        self.pki.root().certificate()
    }

    /// The signer's certificate.
    pub(crate) fn person(&self) -> &Certificate {
        &self.person
    }

    /// What stands between it and the root.
    pub(crate) fn chain(&self) -> Vec<Certificate> {
        self.pki.chain()
    }

    /// The moment of signing and of verdicts.
    pub(crate) fn now(&self) -> UtcTime {
        self.now
    }

    /// The same document with one more signature, time-stamped (PAdES B-T) or not (B-B).
    pub(crate) fn sign(&self, pdf: Vec<u8>, stamped: bool) -> Result<Vec<u8>, Failure> {
        let tail = self.signature(Arc::new(MemorySource(pdf.clone())), stamped)?;
        Ok([pdf, tail].concat())
    }

    /// A document with a revision that waits for its value.
    pub(crate) fn prepare(&self, source: Arc<dyn Source>, stamped: bool) -> Result<Prepared, Failure> {
        let document = Document::open(source, &Limits::default())?;
        let request = Request {
            signer: self.person.clone(),
            chain: self.pki.chain(),
            scheme: self.key.scheme(),
            time_stamp: stamped.then_some(self.room),
            wishes: Wishes::default(),
        };
        Ok(signing::prepare(&document, request, self.now)?)
    }

    /// The value of a prepared signature.
    pub(crate) fn value(&self, prepared: &Prepared) -> Result<Vec<u8>, Failure> {
        Ok(self.key.sign(prepared.to_be_signed())?)
    }

    /// What a signature appends to a document.
    pub(crate) fn signature(&self, source: Arc<dyn Source>, stamped: bool) -> Result<Vec<u8>, Failure> {
        let limits = Limits::default();
        let prepared = self.prepare(source, stamped)?;
        let value = self.value(&prepared)?;
        let signed = prepared.finish(value)?;
        if !stamped {
            return Ok(signed.plain()?);
        }
        let asked = signed.time_stamp_request(DigestAlgorithm::Sha256, [7; 8]);
        let token = self.pki.tsa().token(&asked, self.now)?;
        match signed.stamp(&token, &limits)? {
            Stamped::Whole(tail) => Ok(tail),
            Stamped::TooLong(_) => Err("the time-stamp outgrew its room".into()),
        }
    }

    /// All that a verdict about the person and the time-stamp authority needs: both lists, an OCSP answer.
    pub(crate) fn evidence(&self) -> Result<Vec<Evidence>, Failure> {
        let list = |slug| self.pki.crl(slug).ok_or("there is no such authority")?.map_err(Failure::from);
        let id = CertId::new(&self.person, self.pki.ca().certificate(), DigestAlgorithm::Sha1);
        let answer = self.pki.ocsp(&ocsp::Request::new(id, None).to_der());
        Ok(vec![Evidence::Crl(list("root")?), Evidence::Crl(list("ca")?), Evidence::Ocsp(answer)])
    }

    /// The same document with a `/DSS` of all evidence and the authority's certificate: B-LT, where it was B-T.
    pub(crate) fn with_store(&self, pdf: Vec<u8>) -> Result<Vec<u8>, Failure> {
        let mut pieces = vec![("Certs", self.pki.ca().certificate().der().to_vec())];
        for one in self.evidence()? {
            pieces.push(match one {
                Evidence::Certificate(der) => ("Certs", der),
                Evidence::Crl(der) => ("CRLs", der),
                Evidence::Ocsp(der) => ("OCSPs", der),
            });
        }
        let document = Document::open(Arc::new(MemorySource(pdf.clone())), &Limits::default())?;
        let mut next = u32::try_from(document.trailer().integer("Size").ok_or("no /Size")?)?;
        let (mut objects, mut store) = (Vec::new(), String::new());
        for key in ["Certs", "CRLs", "OCSPs"] {
            store.push_str(&format!("/{key}["));
            for (_, der) in pieces.iter().filter(|(of, _)| *of == key) {
                store.push_str(&format!("{next} 0 R "));
                let head = format!("<</Length {}>>\nstream\n", der.len());
                objects.push((next, [head.as_bytes(), der, b"\nendstream"].concat()));
                next += 1;
            }
            store.push(']');
        }
        let mut catalog = document.catalog()?;
        catalog.set("DSS", Object::Reference((next, 0)));
        let mut text = Vec::new();
        Object::Dictionary(catalog).write(&mut text);
        objects.push((next, format!("<<{store}>>").into_bytes()));
        objects.push((document.trailer().reference("Root").ok_or("no /Root")?.0, text));
        append(&document, pdf, &objects)
    }

    /// The verdict of a document, with nothing brought along.
    pub(crate) fn judge(&self, pdf: Vec<u8>) -> Result<DocumentReport, Failure> {
        self.judge_source(Arc::new(MemorySource(pdf)))
    }

    /// The same of a document that lies somewhere.
    pub(crate) fn judge_source(&self, source: Arc<dyn Source>) -> Result<DocumentReport, Failure> {
        let inspection = Inspection::open(source, &Limits::default())?;
        Ok(inspection.judge("world.pdf", &Policy::strict(), &self.anchors(), self.now))
    }
}

/// The same document with a revision of these objects, each with its number and what stands between `obj` and
/// `endobj`, behind a classic table.
pub(crate) fn append(
    document: &Document,
    mut pdf: Vec<u8>,
    objects: &[(u32, Vec<u8>)],
) -> Result<Vec<u8>, Failure> {
    let previous = document.revisions().last().ok_or("no revision")?.xref_offset;
    let highest = objects.iter().map(|(number, _)| i64::from(*number) + 1).max().unwrap_or(0);
    let size = document.trailer().integer("Size").unwrap_or(0).max(highest);
    let mut table = "xref\n".to_owned();
    for (number, body) in objects {
        table.push_str(&format!("{number} 1\n{:010} 00000 n \n", pdf.len()));
        pdf.extend_from_slice(format!("{number} 0 obj\n").as_bytes());
        pdf.extend_from_slice(body);
        pdf.extend_from_slice(b"\nendobj\n");
    }
    let at = pdf.len();
    // What the trailer says beside the cross-reference stays: a revision that drops `/Info` removes it.
    let own = ["Type", "W", "Index", "Filter", "DecodeParms", "Length", "Prev"];
    let mut trailer = document.trailer().without(&own);
    trailer.set("Size", Object::Integer(size));
    trailer.set("Prev", Object::Integer(i64::try_from(previous)?));
    pdf.extend_from_slice(format!("{table}trailer\n").as_bytes());
    Object::Dictionary(trailer).write(&mut pdf);
    pdf.extend_from_slice(format!("\nstartxref\n{at}\n%%EOF\n").as_bytes());
    Ok(pdf)
}

pub(crate) type Failure = Box<dyn std::error::Error>;
