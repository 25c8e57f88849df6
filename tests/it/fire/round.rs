//! What is written is read, and what is read is written the same.

use kyso::{
    asn1::{Reader, Tag, write},
    base::{Digest, DigestAlgorithm},
    ocsp::{self, CertId},
    pdf::{Dictionary, Object, Real},
    tsp,
};
use proptest::{collection::vec, prelude::*};

use super::makers::plain;
use crate::judge::world::{WORLD, append_revision, open};

fn object() -> impl Strategy<Value = Object> {
    let leaf = prop_oneof![
        Just(Object::Null),
        any::<bool>().prop_map(Object::Boolean),
        any::<i32>().prop_map(|number| Object::Integer(number.into())),
        vec(any::<u8>(), 0..40).prop_map(Object::String),
        vec(1_u8.., 1..20).prop_map(Object::name),
        (1_u32..9_999, 0_u16..9).prop_map(Object::Reference),
    ];
    leaf.prop_recursive(5, 60, 8, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..8).prop_map(Object::Array),
            vec(("[A-Za-z#/ ()]{1,12}", inner), 0..8).prop_map(|entries| {
                let mut dictionary = Dictionary::new();
                for (key, value) in entries {
                    // A null value is as good as no entry (ISO 32000-2 section 7.3.7).
                    if value != Object::Null {
                        dictionary.set(&key, value);
                    }
                }
                Object::Dictionary(dictionary)
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Any object, written, in a file of one revision and in a later one.
    #[test]
    fn objects(value in object()) {
        let mut text = Vec::new();
        value.write(&mut text);
        let pdf = plain("/X 4 0 R").object(4, &text).end("");
        prop_assert_eq!(open(&pdf).object((4, 0)).unwrap(), value.clone());
        let pdf = append_revision(&pdf, &[(4, b"true".to_vec()), (5, text)]);
        let document = open(&pdf);
        prop_assert_eq!(document.object((5, 0)).unwrap(), value.clone());
        prop_assert_eq!(document.object((4, 0)).unwrap(), Object::Boolean(true));
        prop_assert_eq!(document.object_at(0, (4, 0)).unwrap(), value);
    }

    /// DER of any length, with numbers of any size.
    #[test]
    fn values(octets in vec(any::<u8>(), 0..70_000), number: u64) {
        let number_der = write::unsigned(&number.to_be_bytes());
        let der = write::sequence([write::octet_string(&octets), number_der]);
        let mut fields = Reader::only(&der).unwrap().reader();
        prop_assert_eq!(fields.take(Tag::OCTET_STRING).unwrap().value, &octets[..]);
        prop_assert_eq!(fields.any().unwrap().unsigned(), Ok(number));
        prop_assert!(fields.is_empty());
    }

    #[test]
    fn time_stamp_requests(imprint in vec(any::<u8>(), 32), nonce in proptest::option::of(vec(1_u8..0x80, 1..20)), cert_req: bool) {
        let imprint = Digest { algorithm: DigestAlgorithm::Sha256, bytes: imprint };
        let request = tsp::Request { imprint, nonce, cert_req };
        prop_assert_eq!(tsp::Request::parse(&request.to_der()).unwrap(), request);
    }

    #[test]
    fn status_requests(nonce in proptest::option::of(vec(any::<u8>(), 1..128)), count in 1_usize..20) {
        let id = CertId::new(&WORLD.person.certificate, &WORLD.ca.certificate, DigestAlgorithm::Sha1);
        let request = ocsp::Request { cert_ids: vec![id; count], nonce };
        prop_assert_eq!(ocsp::Request::parse(&request.to_der()).unwrap(), request);
    }
}

#[test]
fn numbers_with_a_fraction() {
    for text in ["0.5", "-12.25", "1000000.125", "0.0001"] {
        let pdf = plain("/X 4 0 R").object(4, text).end("");
        let Object::Real(number) = open(&pdf).object((4, 0)).unwrap() else { panic!("{text} is no number") };
        let mut written = Vec::new();
        Object::Real(Real::clone(&number)).write(&mut written);
        assert_eq!(String::from_utf8_lossy(&written).parse::<f64>(), text.parse::<f64>());
    }
}
