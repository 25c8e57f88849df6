//! CMS, X.509 and signature values against what others made.

use std::{
    fs,
    path::{Path, PathBuf},
};

use kyso::{
    base::Limits,
    cms::{CmsError, SignedData},
    crypto,
    x509::{Certificate, Crl, algorithm::SignatureScheme},
};

use crate::support;

/// NIST's path validation suite: every certificate and list is read, by both readers alike.
#[test]
fn pkits_is_read_without_disagreement() {
    let Some(shared) = support::shared() else { return };
    let pkits = shared.join("corpus/pkits");
    let (mut certificates, mut lists) = (0, 0);
    for file in files(&pkits.join("certs"), "crt") {
        match Certificate::from_der(&fs::read(&file).unwrap()) {
            Ok(certificate) => {
                if let Some(d) = certificate.disagreement() {
                    println!("{file:?} {d}");
                }
            }
            Err(error) => println!("{}: {error}", file.display()),
        }
        certificates += 1;
    }
    for file in files(&pkits.join("crls"), "crl") {
        match Crl::from_der(&fs::read(&file).unwrap()) {
            Ok(crl) => {
                if let Some(d) = crl.limited() {
                    println!("{file:?} {d}");
                }
            }
            Err(error) => println!("{}: {error}", file.display()),
        }
        lists += 1;
    }
    println!("{certificates} {lists}");
    let mut count = 0;
    for file in files_below(&shared.join("corpus")) {
        let bytes = fs::read(&file).unwrap();
        for cms in hex_strings(&bytes) {
            count += 1;
            match SignedData::parse(&cms, &Limits::default()) {
                Ok(sd) => {
                    println!(
                        "{} ok: {} certs, {} signers, {:?} {:?} {:?}",
                        file.display(),
                        sd.certificates.len(),
                        sd.signer_infos.len(),
                        sd.signer_certificate().map(|c| c.is_some()),
                        sd.only_signer().map(|s| s.scheme()),
                        sd.only_signer().map(|s| (
                            s.signing_certificate.len(),
                            s.time_stamp_tokens.len(),
                            s.revocation_crls.len(),
                            s.revocation_ocsps.len()
                        ))
                    );
                    for c in &sd.certificates {
                        if let Some(d) = c.disagreement() {
                            println!("   {c:?} {d}");
                        }
                    }
                    if let (Ok(Some(c)), Ok(s)) = (sd.signer_certificate(), sd.only_signer()) {
                        if let (Some(attrs), Ok(scheme)) = (&s.signed_attributes, s.scheme()) {
                            println!(
                                "   {:?} {:?}",
                                s.attests(c),
                                crypto::verify(c.spki_der(), scheme, attrs, &s.signature)
                            );
                        }
                    }
                }
                Err(e) => println!("{} {} bytes: {e}", file.display(), cms.len()),
            }
        }
    }
    println!("{count}");
}

fn files(dir: &Path, ending: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == ending))
        .collect();
    files.sort();
    files
}
fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for e in fs::read_dir(dir).unwrap() {
        let p = e.unwrap().path();
        if p.is_dir() {
            out.extend(files(&p, "pdf"));
        }
    }
    out.sort();
    out
}
/// The hexadecimal strings of a PDF that begin like a ContentInfo, wherever they stand.
fn hex_strings(pdf: &[u8]) -> Vec<Vec<u8>> {
    let starts = pdf.windows(4).enumerate().filter(|(_, window)| window.eq_ignore_ascii_case(b"<308"));
    starts
        .filter_map(|(start, _)| {
            let rest = &pdf[start + 1..];
            let end = rest.iter().position(|byte| *byte == b'>')?;
            hex::decode(&rest[..end]).ok()
        })
        .collect()
}
