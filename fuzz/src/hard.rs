//! Hard input: encrypted files, and files to be rebuilt.

use std::sync::Arc;

use kyso::{
    base::{Limits, MemorySource, Source},
    pdf::{Document, PdfError, rebuild},
};

use crate::documents::{add_a_signature, limits, look_at_everything};

/// The strings, the streams and one object stream of a file that opens: RC4, AES with 128 and with 256 bits.
pub(crate) fn encryption(data: &[u8]) {
    let (which, data) = data.split_first().unwrap_or((&0, &[]));
    let file = encrypted(DICTIONARIES[usize::from(*which) % DICTIONARIES.len()], data);
    let document = match Document::open(Arc::new(MemorySource(file.clone())), &limits()) {
        Ok(document) => document,
        Err(error) => panic!("a file whose key is known does not open: {error}"),
    };
    look_at_everything(&document);
    add_a_signature(&document, &file);
}

/// A file that is to be rebuilt: what comes out is read by the strict reader, or told.
pub(crate) fn repair(data: &[u8]) {
    let source: Arc<dyn Source> = Arc::new(MemorySource(data.to_vec()));
    let fault = PdfError::Damaged { offset: 0, what: "asked for".to_owned() };
    let mut out = Vec::new();
    let Ok(findings) = rebuild(&source, &limits(), &fault, &mut out) else { return };
    assert!(!findings.is_empty());
    let Ok(document) = Document::open(Arc::new(MemorySource(out.clone())), &Limits::default()) else { return };
    assert_eq!(document.revisions().len(), 1);
    assert!(document.signatures().is_ok_and(|found| found.is_empty()), "a signature was rebuilt");
    look_at_everything(&document);
    add_a_signature(&document, &out);
}

/// `data` as a string, as a stream, and as an object stream with one member.
fn encrypted(dictionary: &str, data: &[u8]) -> Vec<u8> {
    let digits = hex(data);
    let len = data.len();
    let objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R >>".to_vec(),
        format!("<< /Text <{digits}> /More [<{digits}> << /T <{digits}> >>] >>").into_bytes(),
        [format!("<< /Length {len} >>\nstream\n").as_bytes(), data, b"\nendstream"].concat(),
        [format!("<< /Type /ObjStm /N 1 /First 4 /Length {len} >>\nstream\n").as_bytes(), data, b"\nendstream"]
            .concat(),
        [
            format!("<< /Filter [/Crypt /FlateDecode] /DecodeParms [<< /Name /StdCF >> null] /Length {len} >>\nstream\n")
                .as_bytes(),
            data,
            b"\nendstream",
        ]
        .concat(),
    ];
    let mut file = b"%PDF-1.7\n".to_vec();
    let mut offsets = Vec::new();
    for (number, object) in (1..).zip(&objects) {
        offsets.push(file.len());
        file.extend_from_slice(format!("{number} 0 obj\n").as_bytes());
        file.extend_from_slice(object);
        file.extend_from_slice(b"\nendobj\n");
    }
    let start = file.len();
    let mut rows = vec![0_u8; 7];
    for offset in &offsets {
        rows.push(1);
        rows.extend_from_slice(&u32::try_from(*offset).unwrap_or(0).to_be_bytes());
        rows.extend_from_slice(&[0, 0]);
    }
    // Object 8 is the member of the object stream 6; object 9 is this.
    rows.extend_from_slice(&[2, 0, 0, 0, 6, 0, 0]);
    rows.push(1);
    rows.extend_from_slice(&u32::try_from(start).unwrap_or(0).to_be_bytes());
    rows.extend_from_slice(&[0, 0]);
    file.extend_from_slice(
        format!(
            "9 0 obj\n<< /Type /XRef /Size 10 /W [1 4 2] /Root 1 0 R /ID [<{ID}> <{ID}>] /Encrypt {dictionary} /Length {} >>\nstream\n",
            rows.len()
        )
        .as_bytes(),
    );
    file.extend_from_slice(&rows);
    file.extend_from_slice(format!("\nendstream\nendobj\nstartxref\n{start}\n%%EOF\n").as_bytes());
    file
}

fn hex(data: &[u8]) -> String {
    data.iter().map(|byte| format!("{byte:02x}")).collect()
}

const ID: &str = "6b79736f2066757a7a20696420303031";

/// All of them opened by the empty password.
const DICTIONARIES: [&str; 3] = [
    "<< /Filter /Standard /V 2 /R 3 /Length 128 /P -4 \
     /O <000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f> \
     /U <d9b876f61158671ea9a3eb2873e1350600000000000000000000000000000000> >>",
    "<< /Filter /Standard /V 4 /R 4 /Length 128 /P -4 /StmF /StdCF /StrF /StdCF \
     /CF << /StdCF << /CFM /AESV2 /AuthEvent /DocOpen /Length 16 >> >> \
     /O <000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f> \
     /U <d9b876f61158671ea9a3eb2873e1350600000000000000000000000000000000> >>",
    "<< /Filter /Standard /V 5 /R 5 /Length 256 /P -4 /StmF /StdCF /StrF /StdCF \
     /CF << /StdCF << /CFM /AESV3 /AuthEvent /DocOpen /Length 32 >> >> \
     /O <000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f000102030405060708090a0b0c0d0e0f> \
     /OE <000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f> \
     /U <133c8eb86cf813474ade739d5d133087e2026f56aaf366284dd1a25d98d4469076616c69646174656b65792073616c74> \
     /UE <87a61c6650d591960dfe4d6284fa268f81e631965ef17c30914d759e99f5fab3> \
     /Perms <94b1165cf9572ed2c69941e4eb75ec12> >>",
];
