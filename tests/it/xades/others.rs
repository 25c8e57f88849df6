//! Signatures of others: of xmlsec, and of the containers that lie beside the project.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use kyso::{
    base::{Clock, DigestAlgorithm, Limits},
    demo::pki::KeyAlgorithm,
    service::verify::{Options, verify_signed},
    store::FileSource,
    trust::Anchors,
    validation::{Detached, Indication, Policy, SignatureReport},
    xml::signature::NAMESPACE,
};

use super::{
    desk::{Desk, only},
    forge::{EXCLUSIVE, PROPERTIES, SHA256, XADES},
};
use crate::support::{run, shared, tool};

const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

/// A template with everything but digests and value, which xmlsec fills in.
fn template(method: &str, digest: &str, properties: Option<&str>) -> String {
    let reference = |attributes: &str, transforms: &str| {
        format!(
            "<Reference {attributes}><Transforms>{transforms}<Transform Algorithm=\"{EXCLUSIVE}\"/></Transforms>\
             <DigestMethod Algorithm=\"{digest}\"/><DigestValue/></Reference>"
        )
    };
    let whole = reference("URI=\"\"", &format!("<Transform Algorithm=\"{ENVELOPED}\"/>"));
    let signed = properties.map(|_| reference(&format!("Type=\"{PROPERTIES}\" URI=\"#p\""), ""));
    format!(
        "<?xml version=\"1.0\"?>\n<thu xmlns=\"urn:thu\"><so>05/QĐ-UBND</so>\r\n<Signature xmlns=\"{NAMESPACE}\" \
         Id=\"s\">\n <SignedInfo>\n  <CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"/>\n  <SignatureMethod \
         Algorithm=\"{method}\"/>{whole}{}</SignedInfo><SignatureValue/><KeyInfo><X509Data><X509Certificate/></X509Data>\
         </KeyInfo>{}</Signature></thu>",
        signed.unwrap_or_default(),
        properties.unwrap_or_default()
    )
}

fn signed_by_xmlsec(desk: &Desk, template: &str) -> Option<Vec<u8>> {
    let xmlsec = tool("xmlsec1")?;
    fs::write(desk.path("template.xml"), template).unwrap();
    fs::write(desk.path("key.pem"), desk.key.to_pem().as_bytes()).unwrap();
    fs::write(desk.path("cert.pem"), desk.certificate.to_pem()).unwrap();
    run(Command::new(xmlsec)
        .args(["--sign", "--privkey-pem", "key.pem,cert.pem,ca.pem"])
        .args(["--id-attr:Id", &format!("{XADES}:SignedProperties")])
        .args(["--output", "by-xmlsec.xml", "template.xml"])
        .current_dir(desk.folder.path()));
    Some(fs::read(desk.path("by-xmlsec.xml")).unwrap())
}

#[test]
fn what_xmlsec_signs_is_judged_by_the_same_rules() {
    let more = "http://www.w3.org/2001/04/xmldsig-more#";
    for (algorithm, method) in [(KeyAlgorithm::Rsa2048, "rsa-sha256"), (KeyAlgorithm::EcP256, "ecdsa-sha256")]
    {
        let desk = Desk::new(algorithm);
        let method = format!("{more}{method}");
        let Some(plain) = signed_by_xmlsec(&desk, &template(&method, SHA256, None)) else { return };
        let report = desk.judge(&plain, &[]).unwrap();
        let signature = only(&report);
        assert_eq!(
            (signature.indication, signature.signature_format.as_str()),
            (Indication::TotalPassed, "XML-NOT-ETSI"),
            "{report:#?}"
        );
        // It does not say under protection whose it is, and by itself says no time.
        let warned: Vec<_> = signature.warnings.iter().map(|warning| warning.key.as_str()).collect();
        assert_eq!(warned, ["signing-time.absent", "signing-certificate.absent"], "{report:#?}");

        let certificate = STANDARD.encode(DigestAlgorithm::Sha256.digest(desk.certificate.der()).bytes);
        let properties = format!(
            "<Object><x:QualifyingProperties xmlns:x=\"{XADES}\" Target=\"#s\"><x:SignedProperties Id=\"p\">\
             <x:SignedSignatureProperties><x:SigningTime>2026-03-12T09:15:30+07:00</x:SigningTime>\
             <x:SigningCertificateV2><x:Cert><x:CertDigest><DigestMethod Algorithm=\"{SHA256}\"/>\
             <DigestValue>{certificate}</DigestValue></x:CertDigest></x:Cert></x:SigningCertificateV2>\
             <x:SignatureProductionPlaceV2><x:City>Cần Thơ</x:City><x:CountryName>VN</x:CountryName>\
             </x:SignatureProductionPlaceV2><x:SignerRoleV2><x:ClaimedRoles><x:ClaimedRole>Chủ tịch</x:ClaimedRole>\
             </x:ClaimedRoles></x:SignerRoleV2></x:SignedSignatureProperties><x:SignedDataObjectProperties>\
             <x:CommitmentTypeIndication><x:CommitmentTypeId><x:Identifier>\
             http://uri.etsi.org/01903/v1.2.2#ProofOfApproval</x:Identifier></x:CommitmentTypeId><x:AllSignedDataObjects/>\
             </x:CommitmentTypeIndication></x:SignedDataObjectProperties></x:SignedProperties>\
             </x:QualifyingProperties></Object>"
        );
        let xades = signed_by_xmlsec(&desk, &template(&method, SHA256, Some(&properties))).unwrap();
        let report = desk.judge(&xades, &[]).unwrap();
        let signature = only(&report);
        assert_eq!(
            (signature.indication, signature.signature_format.as_str()),
            (Indication::TotalPassed, "XAdES-BASELINE-B"),
            "{report:#?}"
        );
        assert_eq!(signature.claimed_signing_time.as_deref(), Some("2026-03-12T02:15:30Z"));
        assert_eq!(signature.location.as_deref(), Some("Cần Thơ, VN"));
        assert_eq!(signature.statements.commitment_types, ["proof-of-approval"]);
        assert_eq!(signature.statements.signer_roles, ["Chủ tịch"]);
    }
}

/// The algorithms of the edXML sample: recognised, checked, and not enough.
#[test]
fn sha_1_is_recognised_and_judged_by_policy() {
    let desk = Desk::new(KeyAlgorithm::Rsa2048);
    let dsig = "http://www.w3.org/2000/09/xmldsig#";
    let old = template(&format!("{dsig}rsa-sha1"), &format!("{dsig}sha1"), None);
    let Some(signed) = signed_by_xmlsec(&desk, &old) else { return };
    let report = desk.judge(&signed, &[]).unwrap();
    let signature = only(&report);
    assert!(signature.digest_matches && signature.signature_matches, "{report:#?}");
    assert_eq!(
        (signature.indication, signature.sub_indication.as_deref()),
        (Indication::Indeterminate, Some("CRYPTO_CONSTRAINTS_FAILURE")),
        "{report:#?}"
    );
    assert_eq!(signature.errors[0].key, "algorithm.weak");
    let changed = String::from_utf8(signed).unwrap().replace("<so>05/", "<so>06/");
    assert_eq!(only(&desk.judge(changed.as_bytes(), &[]).unwrap()).indication, Indication::TotalFailed);
}

/// Every XAdES signature of the containers beside the project: the digests and the value hold, for kyso as for those who
/// listed them, and so do the imprints of all time-stamps. Nobody is trusted here, so none is valid.
#[test]
fn the_signatures_of_real_containers_hold() {
    let Some(corpus) = shared().map(|shared| shared.join("corpus")).filter(|corpus| corpus.is_dir()) else {
        return;
    };
    let Some(python) = tool("python3") else { return };
    let index: Vec<serde_json::Value> =
        serde_json::from_slice(&fs::read(corpus.join("index.json")).unwrap()).unwrap();
    let (mut signatures, mut stamps, mut archives) = (0, 0, 0);
    for entry in index.iter().filter(|entry| entry["kind"] == "asic") {
        let file = entry["file"].as_str().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let output = Command::new(&python)
            .args(["-m", "zipfile", "-e"])
            .args([corpus.join(file).as_path(), folder.path()])
            .output()
            .unwrap();
        assert!(output.status.success(), "{file}: {}", String::from_utf8_lossy(&output.stderr));
        let meta = files(&folder.path().join("META-INF"));
        let data: Vec<PathBuf> = files(folder.path())
            .into_iter()
            .filter(|path| path.file_name().is_some_and(|name| name != "mimetype"))
            .collect();
        let mut found = 0;
        for path in meta.iter().filter(|path| path.to_string_lossy().contains("signatures")) {
            for signature in judged(path, &data) {
                found += 1;
                let name = format!("{file}: {signature:#?}");
                // What an anchor would have to say is not known here; everything else is.
                assert_ne!(signature.indication, Indication::TotalPassed, "{name}");
                if file.ends_with("forged_lt.asice") {
                    // The certificate that it names is there, and the value was made with the key of another one.
                    assert_eq!(signature.indication, Indication::TotalFailed, "{name}");
                    assert!(signature.digest_matches && !signature.signature_matches, "{name}");
                    continue;
                }
                assert!(signature.digest_matches && signature.signature_matches, "{name}");
                assert_eq!(signature.indication, Indication::Indeterminate, "{name}");
                assert!(signature.signature_format.starts_with("XAdES-BASELINE-"), "{name}");
                for stamp in &signature.time_stamps {
                    assert_ne!(stamp.indication, Indication::TotalFailed, "{name}");
                    stamps += 1;
                    archives += usize::from(stamp.kind == kyso::validation::TimeStampKind::Archive);
                }
                signatures += 1;
            }
        }
        assert_eq!(Some(found), entry["n_signatures"].as_u64(), "{file}");
    }
    assert!(archives > 0, "no archive time-stamp was seen");
    eprintln!("{signatures} signatures hold, and {stamps} time-stamps ({archives} of archives)");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.is_file()).collect();
    files.sort();
    files
}

/// Files that the signature does not name are the container's business, not this test's.
fn judged(path: &Path, data: &[PathBuf]) -> Vec<SignatureReport> {
    let text = fs::read_to_string(path).unwrap();
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    let encoded = |name: &str| {
        name.bytes().fold(String::new(), |mut out, byte| {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' => out.push(char::from(byte)),
                _ => out.push_str(&format!("%{byte:02X}")),
            }
            out
        })
    };
    let named = |path: &&PathBuf| {
        let name = name(path);
        [name.clone(), encoded(&name)].iter().any(|name| text.contains(&format!("URI=\"{name}\"")))
    };
    let detached = data.iter().filter(named).map(|path| Detached {
        name: name(path),
        source: std::sync::Arc::new(FileSource::open(path).unwrap()),
    });
    let detached: Vec<Detached> = detached.collect();
    let (policy, limits) = (Policy::strict(), Limits::default());
    let options = Options {
        anchors: &Anchors::default(),
        policy: &policy,
        moment: Clock::System.now(),
        fetcher: None,
        limits: &limits,
    };
    let source = std::sync::Arc::new(FileSource::open(path).unwrap());
    verify_signed("x", source, &detached, &options).unwrap().signatures
}
