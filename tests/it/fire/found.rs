//! What fuzzing found, each with the answer that it should have had: files in `found/`.

use kyso::tsp::Request;

/// A nonce with a needless zero before it (no DER, X.690 section 8.3.2) was kept with the zero, and came out without it
/// when it was written again: it is read as the number that it is.
#[test]
fn a_nonce_is_a_number_not_octets() {
    let request = Request::parse(include_bytes!("found/tsp-request-long-nonce.der")).unwrap();
    assert_eq!(request.nonce.as_deref(), Some(&[2, 3][..]));
    assert_eq!(Request::parse(&request.to_der()).unwrap(), request);
}
