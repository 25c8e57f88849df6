//! Seeds: what the project has itself, what it can make, and what lies in a folder of other programs' files.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use kyso::{
    asn1::write,
    base::{Chance, Limits, MemorySource, Sha256},
    cms::SignedData,
    ledger::LedgerKey,
    ocsp,
    pdf::Document,
    tsp,
    validation::Evidence,
    x509::{Certificate, certificates_from_pem},
};

use crate::{containers, documents, formats, markup, world::World, xades};

/// Writes seeds for every target into a folder of its name in `KYSO_SEEDS`; with `KYSO_CORPUS`, from there too.
pub(crate) fn write_all() {
    let folder = PathBuf::from(std::env::var_os("KYSO_SEEDS").expect("KYSO_SEEDS names a folder"));
    let mut seeds = Seeds { folder, written: 0 };
    let mut files = Vec::new();
    let roots = ["samples", "certs-test", "src/crypto/policies"].map(PathBuf::from);
    for root in roots.into_iter().chain(std::env::var_os("KYSO_CORPUS").map(PathBuf::from)) {
        collect(&root, &mut files);
    }
    files.sort();
    for file in files {
        if let Ok(bytes) = fs::read(&file) {
            seeds.sort_in(&file, &bytes);
        }
    }
    seeds.our_own().expect("a demo PKI can be made");
    println!("{} seeds", seeds.written);
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => collect(&entry.path(), files),
            _ => files.push(entry.path()),
        }
    }
}

struct Seeds {
    folder: PathBuf,
    written: usize,
}

impl Seeds {
    /// What a target is given. A seed is called by its digest, so none is there twice.
    fn add(&mut self, target: &str, bytes: &[u8]) {
        let longest = if matches!(target, "pdf" | "http") { 160 << 10 } else { 40 << 10 };
        if bytes.is_empty() || bytes.len() > longest {
            return;
        }
        let folder = self.folder.join(target);
        let name = Sha256::of(bytes).to_hex();
        let written = fs::create_dir_all(&folder).and_then(|()| fs::write(folder.join(&name[..24]), bytes));
        written.expect("the folder of seeds can be written");
        self.written += 1;
    }

    fn sort_in(&mut self, file: &Path, bytes: &[u8]) {
        match file.extension().and_then(|extension| extension.to_str()) {
            Some("pdf") => self.pdf(bytes),
            Some("pem") => {
                self.add("certificate", bytes);
                for certificate in certificates_from_pem(bytes).unwrap_or_default() {
                    self.certificate(&certificate);
                }
            }
            Some("crt" | "cer" | "der") => {
                self.add("certificate", bytes);
                self.add("der", bytes);
            }
            Some("crl") => self.add("crl", bytes),
            Some("xml" | "html") => self.xml(bytes),
            Some("asice" | "asics" | "bdoc") => self.container(bytes),
            Some("toml") => self.add("text", bytes),
            _ => {}
        }
    }

    fn container(&mut self, bytes: &[u8]) {
        self.add("asic", bytes);
        if let Some(parts) = containers::parts(bytes) {
            self.add("asic", &parts);
        }
    }

    fn xml(&mut self, bytes: &[u8]) {
        for target in ["xml", "xml-signature", "trusted-list", "xades"] {
            self.add(target, bytes);
        }
    }

    fn certificate(&mut self, certificate: &Certificate) {
        self.add("certificate", certificate.der());
        self.add("der", certificate.der());
    }

    /// The file, and all that lies in its signatures.
    fn pdf(&mut self, bytes: &[u8]) {
        self.add("pdf", bytes);
        self.add("repair", bytes);
        for which in 0..3_u8 {
            self.add("encryption", &[&[which], bytes.get(..256).unwrap_or(bytes)].concat());
        }
        let limits = Limits::default();
        let Ok(document) = Document::open(Arc::new(MemorySource(bytes.to_vec())), &limits) else { return };
        for field in document.signatures().unwrap_or_default() {
            // Without the zeros behind it.
            let mut contents = field.contents.as_slice();
            if let Ok(value) = kyso::asn1::Reader::new(contents).any() {
                contents = value.raw;
            }
            self.add("cms", contents);
            self.add("der", contents);
            if let Ok(data) = SignedData::parse(contents, &limits) {
                self.signed_data(&data);
            }
        }
    }

    fn signed_data(&mut self, data: &SignedData) {
        for certificate in &data.certificates {
            self.certificate(certificate);
        }
        for signer in &data.signer_infos {
            for token in &signer.time_stamp_tokens {
                self.token(token);
            }
            for list in &signer.revocation_crls {
                self.add("crl", list);
            }
            for answer in &signer.revocation_ocsps {
                self.add("ocsp-response", answer);
            }
        }
    }

    fn token(&mut self, token: &[u8]) {
        self.add("tsp-token", token);
        self.add("cms", token);
        self.add("tsp-response", &tsp::granted_response(token));
        if let Ok(token) = tsp::Token::parse(token, &Limits::default()) {
            self.add("tsp-token", &token.tst_info_der);
        }
    }

    fn our_own(&mut self) -> Result<(), Box<dyn std::error::Error>> {
        let world = World::new()?;
        let form = documents::form();
        let signed = world.sign(form.clone(), true)?;
        let stored = world.with_store(signed.clone())?;
        for pdf in [&form, &signed, &stored, &world.sign(stored.clone(), false)?] {
            self.pdf(pdf);
            self.add("http", &[b"\x03", pdf.as_slice()].concat());
        }
        for one in world.evidence()? {
            match one {
                Evidence::Crl(der) => self.add("crl", &der),
                Evidence::Ocsp(der) => self.add("ocsp-response", &der),
                Evidence::Certificate(der) => self.add("certificate", &der),
            }
        }
        let root = world.root();
        self.certificate(root);
        self.add("der", &formats::signed_attributes(root));
        let id = ocsp::CertId::new(root, root, kyso::base::DigestAlgorithm::Sha1);
        self.add("ocsp-request", &ocsp::Request::new(id.clone(), None).to_der());
        self.add("ocsp-request", &ocsp::Request::new(id, Some(vec![7; 16])).to_der());
        for nonce in [None, Some(vec![1, 2, 3])] {
            let request = tsp::Request { imprint: formats::imprint(), nonce, cert_req: true };
            self.add("tsp-request", &request.to_der());
        }
        self.add("tsp-response", &tsp::rejected_response(tsp::FailureInfo::BadAlg, "no"));
        self.add("der", &[0x24, 0x80, 0x04, 0x01, b'a', 0x24, 0x05, 0x04, 0x00, 0x04, 0x01, b'b', 0, 0]);
        self.add("der", &[0x30, 0x80, 0xA0, 0x80, 0x02, 0x01, 0x07, 0, 0, 0x31, 0, 0, 0]);
        self.add("der", &write::sequence([write::null(), write::octet_string(b"x")]));
        let part = |name: &str, text: &str| format!("{name}\n{text}");
        let manifest = "<ASiCManifest xmlns=\"http://uri.etsi.org/02918/v1.2.1#\" xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">\
                        <SigReference URI=\"META-INF/timestamp.tst\"/><DataObjectReference URI=\"a%20b.txt\">\
                        <ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>\
                        <ds:DigestValue>LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=</ds:DigestValue>\
                        </DataObjectReference></ASiCManifest>";
        let list = "<manifest xmlns=\"urn:oasis:names:tc:opendocument:xmlns:manifest:1.0\"/>";
        let files = [
            part("0a b.txt", "hello"),
            part("META-INF/ASiCManifest.xml", manifest),
            part("META-INF/timestamp.tst", "x"),
            part("META-INF/manifest.xml", list),
        ];
        self.add("asic", &files.map(String::into_bytes).join(&0xFF));
        self.revisions();
        self.markup(root);
        self.faces(&stored)
    }

    /// Objects as later revisions bring them, honest and not.
    fn revisions(&mut self) {
        let page = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Annots[7 0 R 8 0 R 30 0 R]\
                    /Resources<</Font<</F1 5 0 R>>>>>>";
        let field =
            "<</Type/Annot/Subtype/Widget/FT/Tx/T(name)/V(Binh)/Rect[10 10 200 30]/P 3 0 R/AP<</N 31 0 R>>>>";
        let look =
            "<</Type/XObject/Subtype/Form/BBox[0 0 190 20]/Length 14>>\nstream\nBT (Binh) Tj ET\nendstream";
        let stream = "<</Length 22>>\nstream\nBT (Tam biet) Tj ET   \nendstream";
        let catalog =
            "<</Type/Catalog/Pages 2 0 R/AcroForm 6 0 R/OpenAction<</S/JavaScript/JS(app.alert(1))>>>>";
        let meta = "<</Type/Metadata/Subtype/XML/Length 3>>\nstream\n<x/\nendstream";
        for objects in [
            vec![(7, field), (31, look)],
            vec![(4, stream)],
            vec![(1, catalog)],
            vec![(3, page), (30, "<</Type/Annot/Subtype/Square/Rect[0 0 500 800]/IC[1 1 1]/P 3 0 R>>")],
            vec![(6, "<</Fields[7 0 R 30 0 R]/SigFlags 3>>"), (30, "<</FT/Sig/T(s2)/V<</Type/Sig>>>>")],
            vec![(2, "<</Type/Pages/Kids[3 0 R 30 0 R]/Count 2>>"), (30, "<</Type/Page/Parent 2 0 R>>")],
            vec![(30, meta), (5, "<</Type/Font/Subtype/Type1/BaseFont/Courier>>")],
        ] {
            let text = objects.iter().map(|(number, body)| format!("{number} 0 obj\n{body}\nendobj\n"));
            self.add("revision", text.collect::<String>().as_bytes());
        }
    }

    fn markup(&mut self, certificate: &Certificate) {
        let certificate = STANDARD.encode(certificate.der());
        let service = format!(
            "<ServiceTypeIdentifier>http://uri.etsi.org/TrstSvc/Svctype/CA/QC</ServiceTypeIdentifier><ServiceName>\
             <Name xml:lang=\"en\">S</Name></ServiceName><ServiceDigitalIdentity><DigitalId><X509Certificate>\
             {certificate}</X509Certificate></DigitalId></ServiceDigitalIdentity><ServiceStatus>\
             http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/granted</ServiceStatus><StatusStartingTime>\
             2026-01-01T00:00:00Z</StatusStartingTime>"
        );
        let list = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<TrustServiceStatusList xmlns=\"http://uri.etsi.org/02231/v2#\" \
             Id=\"tl\" TSLTag=\"http://uri.etsi.org/19612/TSLTag\"><SchemeInformation><TSLVersionIdentifier>5\
             </TSLVersionIdentifier><TSLSequenceNumber>7</TSLSequenceNumber><TSLType>\
             http://uri.etsi.org/TrstSvc/TrustedList/TSLType/VNlist</TSLType><SchemeOperatorName>\
             <Name xml:lang=\"en\">O</Name></SchemeOperatorName><SchemeTerritory>VN</SchemeTerritory>\
             <ListIssueDateTime>2026-01-01T00:00:00Z</ListIssueDateTime><NextUpdate>\
             <dateTime>2099-01-01T00:00:00Z</dateTime></NextUpdate></SchemeInformation><TrustServiceProviderList>\
             <TrustServiceProvider><TSPInformation><TSPName><Name xml:lang=\"en\">P</Name></TSPName></TSPInformation>\
             <TSPServices><TSPService><ServiceInformation>{service}</ServiceInformation><ServiceHistory>\
             <ServiceHistoryInstance>{service}</ServiceHistoryInstance></ServiceHistory></TSPService></TSPServices>\
             </TrustServiceProvider></TrustServiceProviderList></TrustServiceStatusList>"
        );
        self.xml(list.as_bytes());
        let digest = markup::empty_digest();
        let signature = format!(
            "<a xmlns=\"urn:a\" Id=\"a\"><b xml:space=\"preserve\" x=\"&lt;&#xA;\"> c </b><!-- d --><?e f?>\
             <ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:SignedInfo><ds:CanonicalizationMethod \
             Algorithm=\"http://www.w3.org/2006/12/xml-c14n11\"/><ds:SignatureMethod \
             Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"/><ds:Reference URI=\"#a\"><ds:Transforms>\
             <ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/></ds:Transforms>\
             <ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/><ds:DigestValue>{digest}\
             </ds:DigestValue></ds:Reference></ds:SignedInfo><ds:SignatureValue>AAAA</ds:SignatureValue><ds:KeyInfo>\
             <ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>\
             </ds:Signature></a>"
        );
        self.xml(signature.as_bytes());
        for seed in xades::seeds() {
            self.xml(&seed);
        }
        self.xml(b"<p:a xmlns:p='urn:p' xmlns='urn:q' p:x='1' xml:lang='vi'><b xmlns=''/><![CDATA[<&>]]>\xC3\xA9</p:a>");
    }

    fn faces(&mut self, pdf: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
        let form = [
            b"\x00--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\n\
              Content-Type: application/pdf\r\n\r\n"
                .as_slice(),
            pdf,
            b"\r\n--B\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\ny\r\n--B--\r\n",
        ]
        .concat();
        self.add("http", &form);
        self.add("http", &[b"\x02", &form[1..]].concat());
        let json = serde_json::json!({
            "filename": "a.pdf", "document": STANDARD.encode(pdf), "signaturePolicy": "POLv4", "reportType": "Simple",
        });
        self.add("http", format!("\x01{json}").as_bytes());
        self.add("http", b"\x01{\"document\":\"\",\"filename\":\"\\u00e9\"}");
        self.add("http", b"\x04{\"signatureFiles\":[{\"signature\":\"AA==\",\"datafiles\":[]}]}");
        let key = LedgerKey::generate("kyso.example/fuzz", &Chance::system())?;
        let checkpoint = key.sign(1, Sha256::of(b"x"))?;
        self.add("text", checkpoint.note().as_bytes());
        self.add("text", key.verifier().to_string().as_bytes());
        self.add("text", b"tile/0/x001/x234/067");
        self.add("text", b"tile/entries/273.p/112");
        self.add(
            "text",
            format!("c2sp.org/tlog-proof@v1\nextra eA==\nindex 0\n\n{}", checkpoint.note()).as_bytes(),
        );
        let profile = "default = \"a\"\n[profiles.a]\n[[profiles.a.sets]]\nname = \"s\"\nfiles = [\"a.pem\"]\n\
                       purposes = [\"signature\"]\n";
        self.add("text", profile.as_bytes());
        Ok(())
    }
}
