//! SignedData in PEM (RFC 7468 sections 8 and 9).

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// The label of a PEM block that may hold a SignedData, if a file that begins so is one.
pub fn pem_label(bytes: &[u8]) -> Option<&'static str> {
    let rest = bytes.strip_prefix(b"-----BEGIN ")?;
    LABELS
        .into_iter()
        .find(|label| rest.strip_prefix(label.as_bytes()).is_some_and(|rest| rest.starts_with(b"-----")))
}

/// The DER (or BER) in a PEM file of one block; what is no PEM stays as it is.
///
/// # Errors
///
/// A sentence, when the PEM file is broken or something follows its block.
pub fn from_pem(bytes: &[u8]) -> Result<Cow<'_, [u8]>, String> {
    let Some(label) = pem_label(bytes) else { return Ok(Cow::Borrowed(bytes)) };
    let text = str::from_utf8(bytes).map_err(|_| "the PEM file is not text".to_owned())?;
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    let block = text.strip_prefix(&begin).unwrap_or_default();
    let (block, after) = block.split_once(&end).ok_or("the PEM file has no END line")?;
    if !after.trim().is_empty() {
        return Err("something follows the END line of the PEM file".to_owned());
    }
    let base64: String = block.split_ascii_whitespace().collect();
    STANDARD.decode(base64).map(Cow::Owned).map_err(|error| format!("the PEM file is not Base64: {error}"))
}

/// As in RFC 7468, and as OpenSSL writes and reads it.
const LABELS: [&str; 3] = ["CMS", "PKCS7", "PKCS #7 SIGNED DATA"];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_block_is_read_and_nothing_else() {
        for label in LABELS {
            let pem = format!("-----BEGIN {label}-----\r\nMAA\r\n=\n-----END {label}-----\n\n");
            assert_eq!(pem_label(pem.as_bytes()), Some(label));
            assert_eq!(from_pem(pem.as_bytes()).unwrap().as_ref(), [0x30, 0x00]);
            for broken in [
                pem.replace("END", "ENDE"),
                pem.replace("MAA", "!AA"),
                format!("{pem}x"),
                format!("{pem}{pem}"),
                format!("-----BEGIN {label}-----"),
            ] {
                assert!(from_pem(broken.as_bytes()).is_err(), "{broken}");
            }
        }
        for other in [&b"-----BEGIN CERTIFICATE-----"[..], b"-----BEGIN CMS", b"\x30\x00", b""] {
            assert_eq!((pem_label(other), from_pem(other).unwrap().as_ref()), (None, other));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes: Vec<u8>) {
            let _ = from_pem(&bytes);
            let _ = from_pem(&[b"-----BEGIN CMS-----".as_slice(), &bytes].concat());
        }
    }
}
