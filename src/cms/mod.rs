//! Cryptographic Message Syntax: SignedData read and built (RFC 5652, RFC 5035, ETSI EN 319 122-1).

mod archive;
mod build;
mod cades;
mod parts;
mod pem;
mod read;
mod statements;

pub use archive::{Covered, HashIndex, PartDigests};
pub use build::{SignedAttributes, SignedDataParts};
pub use cades::{CadesAttributes, SignaturePolicy};
pub use parts::{Parts, UnsignedAttribute, ocsp_of_choice};
pub use pem::{from_pem, pem_label};
pub use read::{CmsError, EssCertId, SignedData, SignerId, SignerInfo};
pub use statements::{Commitment, SignedPolicy, Statements};

/// How many bytes of content inside a CMS are taken in or written, beside [`crate::base::Limits::cms_bytes`] for the rest:
/// they lie in memory, several times over.
pub const MAX_CONTENT: u64 = 64 * 1024 * 1024;

#[cfg(test)]
mod tests {
    //! What is built is read back; what is broken is refused.

    use der::oid::ObjectIdentifier;
    use proptest::prelude::*;

    use super::*;
    use crate::{
        asn1::{Reader, Tag, oid, write},
        base::{DigestAlgorithm, Limits},
        x509::{
            Certificate, Name,
            algorithm::SignatureScheme,
            sample::{Sample, extension, name},
        },
    };

    pub(super) fn certificate(serial: u8) -> Certificate {
        let id = extension(oid::SUBJECT_KEY_IDENTIFIER, false, &write::octet_string(b"key"));
        let sample = Sample { serial: vec![serial], extensions: vec![id], ..Sample::default() };
        Certificate::from_der(&sample.to_der()).unwrap()
    }

    fn attributes(digest: DigestAlgorithm) -> SignedAttributes {
        SignedAttributes {
            content_type: oid::DATA,
            message_digest: digest.digest(b"content"),
            signer: certificate(1),
            signing_time: None,
        }
    }

    pub(super) fn built(digest: DigestAlgorithm, change: impl FnOnce(&mut SignedDataParts<'_>)) -> Vec<u8> {
        let (signer, chain) = (certificate(1), [certificate(2), certificate(1)]);
        let signed_attributes = attributes(digest).to_der();
        let mut parts = SignedDataParts {
            content: None,
            content_type: oid::DATA,
            signed_attributes: &signed_attributes,
            scheme: SignatureScheme::RsaPkcs1(digest),
            signer: &signer,
            chain: &chain,
            signature: &[0x5A; 256],
            time_stamp_token: None,
        };
        change(&mut parts);
        assert_eq!(parts.encoded_len(), parts.to_der().len());
        parts.to_der()
    }

    pub(super) fn parse(der: &[u8]) -> Result<SignedData, CmsError> {
        SignedData::parse(der, &Limits::default())
    }

    /// A SignerInfo around these signed attributes, inside a SignedData with as many of it as told.
    fn signed_data(signed: &[Vec<u8>], signers: usize) -> Vec<u8> {
        let digest = write::algorithm(oid::SHA256, None);
        let signer = write::sequence([
            write::unsigned(&[1]),
            write::sequence([name("CA thử"), write::unsigned(&[1])]),
            digest.clone(),
            write::constructed(Tag::context(0), signed),
            SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha256).to_identifier(),
            write::octet_string(&[0x5A; 256]),
        ]);
        content_info(&write::sequence([
            write::unsigned(&[1]),
            write::set_of(vec![digest]),
            write::sequence([write::oid(oid::DATA)]),
            write::constructed(Tag::SET, vec![signer; signers]),
        ]))
    }

    fn content_info(signed_data: &[u8]) -> Vec<u8> {
        write::sequence([write::oid(oid::SIGNED_DATA), write::value(Tag::context(0), signed_data)])
    }

    fn attribute(oid: ObjectIdentifier, values: &[Vec<u8>]) -> Vec<u8> {
        write::sequence([write::oid(oid), write::constructed(Tag::SET, values)])
    }

    fn ess_v1(certificate: &Certificate, issuer_serial: Option<Vec<u8>>) -> Vec<u8> {
        let mut id = vec![write::octet_string(&DigestAlgorithm::Sha1.digest(certificate.der()).bytes)];
        id.extend(issuer_serial);
        attribute(oid::SIGNING_CERTIFICATE, &[write::sequence([write::sequence([write::sequence(id)])])])
    }

    fn ess_v2(certificate: &Certificate) -> Vec<u8> {
        let id = write::sequence([write::octet_string(&certificate.sha256().0)]);
        attribute(oid::SIGNING_CERTIFICATE_V2, &[write::sequence([write::sequence([id])])])
    }

    fn issuer_serial(issuer: &str, serial: u8) -> Vec<u8> {
        let names = write::sequence([write::value(Tag::context(4), &name(issuer))]);
        write::sequence([names, write::unsigned(&[serial])])
    }

    #[test]
    fn what_is_built_is_read() {
        for digest in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha512] {
            let cms = parse(&built(digest, |_| {})).unwrap();
            assert_eq!((cms.content_type, cms.content.as_deref()), (oid::DATA, None));
            assert_eq!(cms.certificates.len(), 2, "each once");
            assert!(cms.certificates.is_sorted_by_key(|one| one.der().to_vec()));
            assert_eq!(cms.digest_algorithms, [crate::x509::algorithm::digest_oid(digest)]);
            let signer = cms.only_signer().unwrap();
            assert_eq!(signer.digest_algorithm, digest);
            assert_eq!(signer.scheme(), Ok(SignatureScheme::RsaPkcs1(digest)));
            assert_eq!(signer.content_type, Some(oid::DATA));
            assert_eq!(signer.message_digest.as_deref(), Some(&digest.digest(b"content").bytes[..]));
            assert_eq!(signer.signing_time, None);
            assert_eq!(signer.signed_attributes.as_deref(), Some(&attributes(digest).to_der()[..]));
            assert_eq!(signer.signature, [0x5A; 256]);
            let [id] = signer.signing_certificate.as_slice() else { panic!() };
            assert_eq!((id.digest.algorithm, id.issuer_serial.as_ref(), id.is_signer), (digest, None, true));
            assert_eq!(cms.signer_certificate().unwrap(), Some(&certificate(1)));
            assert_eq!(signer.attests(&certificate(1)), Some(true));
            assert_eq!(signer.attests(&certificate(2)), Some(false));
        }
    }

    #[test]
    fn the_rest_is_written_where_it_is_given() {
        let moment = crate::base::UtcTime::from_second(1_800_000_000).unwrap();
        let timed = SignedAttributes { signing_time: Some(moment), ..attributes(DigestAlgorithm::Sha256) };
        let (timed, token) = (timed.to_der(), write::sequence([write::oid(oid::SIGNED_DATA)]));
        let der = built(DigestAlgorithm::Sha256, |parts| {
            let owned: &'static [u8] = Box::leak(timed.clone().into_boxed_slice());
            parts.signed_attributes = owned;
            parts.content = Some(b"TSTInfo");
            parts.content_type = oid::TST_INFO;
            parts.time_stamp_token = Some(Box::leak(token.clone().into_boxed_slice()));
        });
        let cms = parse(&der).unwrap();
        assert_eq!((cms.content_type, cms.content.as_deref()), (oid::TST_INFO, Some(&b"TSTInfo"[..])));
        let signer = cms.only_signer().unwrap();
        assert_eq!(signer.signing_time, Some(moment));
        assert_eq!(signer.time_stamp_tokens, [token]);
        let version = |der: &[u8]| {
            let mut content_info = Reader::only(der).unwrap().reader();
            let content = content_info.any().and_then(|_| content_info.any()).unwrap();
            Reader::only(content.value).unwrap().reader().any().unwrap().unsigned().unwrap()
        };
        assert_eq!(version(&der), 3, "RFC 5652 section 5.1: another content than id-data");
        assert_eq!(version(&built(DigestAlgorithm::Sha256, |_| {})), 1);
    }

    #[test]
    fn attributes_are_a_der_set() {
        let der = attributes(DigestAlgorithm::Sha512).to_der();
        let mut reader = Reader::only(&der).unwrap().expect(Tag::SET).unwrap().reader();
        let mut elements = Vec::new();
        while !reader.is_empty() {
            elements.push(reader.any().unwrap().raw.to_vec());
        }
        assert_eq!(elements.len(), 3);
        assert!(elements.is_sorted());
    }

    #[test]
    fn padding_is_cut_off_and_nothing_else() {
        let der = built(DigestAlgorithm::Sha256, |_| {});
        assert!(parse(&[&der[..], &[0; 5000]].concat()).is_ok());
        for tail in [&[1][..], &[0, 0, 1], &der] {
            assert!(matches!(parse(&[&der[..], tail].concat()), Err(CmsError::Malformed { .. })));
        }
    }

    #[test]
    fn indefinite_lengths_are_read_where_the_structure_begins_with_one() {
        let der = built(DigestAlgorithm::Sha256, |_| {});
        let mut outer = Reader::only(&der).unwrap().reader();
        let (kind, content) = (outer.any().unwrap().raw, outer.any().unwrap());
        let signed_data = Reader::only(content.value).unwrap();
        let end: &[u8] = &[0, 0];
        let ber = [&[0x30, 0x80], kind, &[0xA0, 0x80, 0x30, 0x80], signed_data.value, end, end, end].concat();
        let (plain, read) = (parse(&der).unwrap(), parse(&[&ber[..], &[0; 9]].concat()).unwrap());
        let (one, two) = (plain.only_signer().unwrap(), read.only_signer().unwrap());
        assert_eq!(one.signed_attributes, two.signed_attributes);
        assert_eq!(plain.certificates, read.certificates);
        assert!(parse(&[&ber[..], &[1]].concat()).is_err());
        for cut in 0..ber.len() {
            assert!(parse(&ber[..cut]).is_err(), "{cut}");
        }
    }

    #[test]
    fn indefinite_lengths_are_read_within_definite_ones() {
        let der = built(DigestAlgorithm::Sha256, |_| {});
        let mut outer = Reader::only(&der).unwrap().reader();
        let (kind, content) = (outer.any().unwrap().raw, outer.any().unwrap());
        let signed_data = Reader::only(content.value).unwrap();
        let inner = [&[0x30, 0x80], signed_data.value, &[0, 0]].concat();
        let ber = write::sequence([kind, &write::value(Tag::context(0), &inner)]);
        let (plain, read) = (parse(&der).unwrap(), parse(&[&ber[..], &[0; 9]].concat()).unwrap());
        let (one, two) = (plain.only_signer().unwrap(), read.only_signer().unwrap());
        assert_eq!(one.signed_attributes, two.signed_attributes);
        assert_eq!(one.signature, two.signature);
        assert!(parse(&[&ber[..], &[1]].concat()).is_err());
        for cut in 0..ber.len() {
            assert!(parse(&ber[..cut]).is_err(), "{cut}");
        }
    }

    #[test]
    fn content_in_pieces_is_put_together() {
        let content = b"0123456789abcdef";
        let der = built(DigestAlgorithm::Sha256, |parts| parts.content = Some(content));
        let whole = write::value(Tag::context(0), &write::octet_string(content));
        let pieces = write::constructed(Tag(0x24), content.chunks(5).map(write::octet_string));
        let pieces = write::value(Tag::context(0), &pieces);
        // The lengths above change with it, so the structure is written anew around the other content.
        let mut outer = Reader::only(&der).unwrap().reader();
        let kind = outer.any().unwrap().raw;
        let signed_data = Reader::only(outer.any().unwrap().value).unwrap();
        let mut fields = signed_data.reader();
        let (version, digests) = (fields.any().unwrap().raw, fields.any().unwrap().raw);
        let encapsulated = fields.any().unwrap();
        assert!(encapsulated.raw.ends_with(&whole));
        let encapsulated = write::sequence([write::oid(oid::DATA), pieces]);
        let mut parts = vec![version.to_vec(), digests.to_vec(), encapsulated];
        while !fields.is_empty() {
            parts.push(fields.any().unwrap().raw.to_vec());
        }
        let ber = write::sequence([kind, &write::value(Tag::context(0), &write::sequence(parts))]);
        let read = parse(&ber).unwrap();
        assert_eq!(read.content.as_deref(), Some(&content[..]));
        assert_eq!(
            read.only_signer().unwrap().signature,
            parse(&der).unwrap().only_signer().unwrap().signature
        );
    }

    #[test]
    fn protected_algorithms_are_compared() {
        let digest = |oid| write::algorithm(oid, None);
        let scheme = SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha256).to_identifier();
        let without_null = write::algorithm(oid::SHA256_WITH_RSA, None);
        let implicit = |der: &[u8]| write::value(Tag::context(1), Reader::only(der).unwrap().value);
        for (what, parts, expected) in [
            ("both", vec![digest(oid::SHA256), implicit(&scheme)], true),
            ("NULL or nothing", vec![digest(oid::SHA256), implicit(&without_null)], true),
            ("another digest", vec![digest(oid::SHA3_256), implicit(&scheme)], false),
            (
                "another signature algorithm",
                vec![digest(oid::SHA256), implicit(&write::algorithm(oid::RSA_ENCRYPTION, None))],
                false,
            ),
            ("no signature algorithm", vec![digest(oid::SHA256)], false),
        ] {
            let protection = attribute(oid::CMS_ALGORITHM_PROTECTION, &[write::sequence(&parts)]);
            let cms = parse(&signed_data(&[protection], 1)).unwrap();
            assert_eq!(cms.only_signer().unwrap().protects_algorithms, Some(expected), "{what}");
        }
        let cms = parse(&signed_data(&[], 1)).unwrap();
        assert_eq!(cms.only_signer().unwrap().protects_algorithms, None);
        let broken = attribute(oid::CMS_ALGORITHM_PROTECTION, &[write::null()]);
        assert!(parse(&signed_data(&[broken], 1)).is_err());
    }

    #[test]
    fn cades_attributes_are_found_where_they_belong() {
        let policy = attribute(oid::SIGNATURE_POLICY_ID, &[write::null()]);
        let cms = parse(&signed_data(std::slice::from_ref(&policy), 1)).unwrap();
        let signer = cms.only_signer().unwrap();
        assert_eq!(signer.cades.signature_policy, Some(SignaturePolicy::Implied));
        assert!(parse(&signed_data(&[policy.clone(), policy], 1)).is_err(), "twice");
    }

    #[test]
    fn a_cms_cut_anywhere_is_refused() {
        let der = built(DigestAlgorithm::Sha256, |_| {});
        for end in 0..der.len() {
            assert!(parse(&der[..end]).is_err(), "{end}");
        }
    }

    #[test]
    fn no_flipped_octet_makes_a_panic_or_moves_the_signature() {
        let der = built(DigestAlgorithm::Sha256, |_| {});
        let (mut read, mut refused) = (0, 0);
        for at in 0..der.len() {
            for flip in [0x01, 0x20, 0x80, 0xFF] {
                let mut broken = der.clone();
                broken[at] ^= flip;
                match parse(&broken) {
                    Ok(cms) => {
                        read += 1;
                        let _ = cms.signer_certificate().map(|found| found.map(Certificate::sha256));
                        assert!(cms.signer_infos.len() <= 1);
                    }
                    Err(_) => refused += 1,
                }
            }
        }
        assert!(read > 0 && refused > 0, "{read} read, {refused} refused");
    }

    #[test]
    fn signers_are_one_or_nothing_is_judged() {
        let plain = [attribute(oid::CONTENT_TYPE, &[write::oid(oid::DATA)])];
        for count in [0, 2, 3] {
            let cms = parse(&signed_data(&plain, count)).unwrap();
            assert_eq!(cms.only_signer().unwrap_err(), CmsError::Signers { count });
            assert!(cms.signer_certificate().is_err());
        }
        assert!(parse(&signed_data(&plain, 1)).unwrap().only_signer().is_ok());
    }

    #[test]
    fn missing_attributes_are_seen_as_missing() {
        let cms = parse(&signed_data(&[], 1)).unwrap();
        let signer = cms.only_signer().unwrap();
        assert_eq!(signer.signed_attributes.as_deref(), Some(&[0x31, 0x00][..]));
        assert_eq!((signer.content_type, signer.message_digest.as_ref()), (None, None));
        assert_eq!(signer.attests(&certificate(1)), None);
        assert_eq!(cms.signer_certificate(), Ok(None));
    }

    #[test]
    fn an_attribute_that_may_occur_once_does() {
        let digest = write::octet_string(&[7; 32]);
        let moment = write::value(Tag::UTC_TIME, b"260101000000Z");
        let empty = write::sequence([[]; 0]);
        for (oid, value) in [
            (oid::CONTENT_TYPE, write::oid(oid::DATA)),
            (oid::MESSAGE_DIGEST, digest.clone()),
            (oid::SIGNING_TIME, moment),
            (oid::ADOBE_REVOCATION, empty),
        ] {
            let one = attribute(oid, std::slice::from_ref(&value));
            assert!(parse(&signed_data(std::slice::from_ref(&one), 1)).is_ok(), "{oid}");
            assert!(parse(&signed_data(&[one.clone(), one], 1)).is_err(), "{oid} twice");
            let two_values = attribute(oid, &[value.clone(), value]);
            assert!(parse(&signed_data(&[two_values], 1)).is_err(), "{oid} of two values");
            assert!(parse(&signed_data(&[attribute(oid, &[])], 1)).is_err(), "{oid} of no value");
            assert!(parse(&signed_data(&[attribute(oid, &[write::null()])], 1)).is_err(), "{oid} of NULL");
        }
        for ess in [ess_v1(&certificate(1), None), ess_v2(&certificate(1))] {
            assert!(parse(&signed_data(std::slice::from_ref(&ess), 1)).is_ok());
            assert!(parse(&signed_data(&[ess.clone(), ess], 1)).is_err());
        }
        let others = attribute(ObjectIdentifier::new_unwrap("1.2.3.4"), &[write::null(), write::null()]);
        assert!(parse(&signed_data(&[others.clone(), others], 1)).is_ok(), "others are nobody's business");
    }

    #[test]
    fn broken_signing_certificates_are_refused() {
        let attribute = |oid, id: &[Vec<u8>]| {
            attribute(oid, &[write::sequence([write::sequence([write::sequence(id)])])])
        };
        let hash = |len| write::octet_string(&vec![7; len]);
        let md2 = write::algorithm(ObjectIdentifier::new_unwrap("1.2.840.113549.2.2"), None);
        let v2 = oid::SIGNING_CERTIFICATE_V2;
        for (what, broken) in [
            ("short hash", attribute(v2, &[hash(31)])),
            ("SHA-256 in version 1", attribute(oid::SIGNING_CERTIFICATE, &[hash(32)])),
            ("SHA-512 of 32 bytes", attribute(v2, &[write::algorithm(oid::SHA512, None), hash(32)])),
            ("MD2", attribute(v2, &[md2, hash(16)])),
            ("MD5 of 20 bytes", attribute(v2, &[write::algorithm(oid::MD5, None), hash(20)])),
            ("no hash", attribute(v2, &[])),
            ("a tail", attribute(v2, &[hash(32), issuer_serial("x", 1), write::null()])),
            ("no certificate", super::tests::attribute(v2, &[write::sequence([write::sequence([[]; 0])])])),
        ] {
            assert!(parse(&signed_data(&[broken], 1)).is_err(), "{what}");
        }
    }

    #[test]
    fn each_signing_certificate_attribute_must_name_the_signer() {
        let (mine, other) = (certificate(1), certificate(2));
        let ca = "CA thử";
        for (what, signed, attested) in [
            ("v2", vec![ess_v2(&mine)], Some(true)),
            ("v1", vec![ess_v1(&mine, None)], Some(true)),
            ("v1 and v2", vec![ess_v2(&mine), ess_v1(&mine, None)], Some(true)),
            ("v1 of another", vec![ess_v2(&mine), ess_v1(&other, None)], Some(false)),
            ("v2 of another", vec![ess_v2(&other), ess_v1(&mine, None)], Some(false)),
            ("issuer and serial", vec![ess_v1(&mine, Some(issuer_serial(ca, 1)))], Some(true)),
            ("another serial", vec![ess_v1(&mine, Some(issuer_serial(ca, 2)))], Some(false)),
            ("another issuer", vec![ess_v1(&mine, Some(issuer_serial("CA khác", 1)))], Some(false)),
        ] {
            let cms = parse(&signed_data(&signed, 1)).unwrap();
            assert_eq!(cms.only_signer().unwrap().attests(&mine), attested, "{what}");
        }
    }

    #[test]
    fn of_two_certificates_with_one_name_the_attested_one_signs() {
        let real = certificate(1);
        let false_one = Sample { serial: vec![1], subject: name("Kẻ mạo danh"), ..Sample::default() };
        let false_one = Certificate::from_der(&false_one.to_der()).unwrap();
        for chain in [[false_one.clone()], [real.clone()]] {
            let der = built(DigestAlgorithm::Sha256, |parts| {
                parts.chain = Box::leak(Box::new(chain));
            });
            let cms = parse(&der).unwrap();
            assert_eq!(cms.signer_certificate(), Ok(Some(&real)));
        }
    }

    #[test]
    fn a_signer_may_be_named_by_key() {
        let id = SignerId::SubjectKeyIdentifier(b"key".to_vec());
        assert!(id.names(&certificate(1)));
        assert!(!SignerId::SubjectKeyIdentifier(b"yek".to_vec()).names(&certificate(1)));
        let plain = Certificate::from_der(&Sample::default().to_der()).unwrap();
        assert!(!SignerId::SubjectKeyIdentifier(Vec::new()).names(&plain));
        let by_name = |issuer: &str, serial: &[u8]| SignerId::IssuerAndSerial {
            issuer: Name::from_der(&name(issuer)).unwrap(),
            serial: serial.to_vec(),
        };
        assert!(by_name("ca THỬ", &[1]).names(&certificate(1)));
        assert!(!by_name("CA thử", &[2]).names(&certificate(1)));
        assert!(!by_name("CA", &[1]).names(&certificate(1)));
    }

    #[test]
    fn what_lies_beside_certificates_is_passed_over() {
        let certificate = certificate(1);
        let attribute_certificate = write::value(Tag::context(2), b"?");
        let unreadable = write::sequence([write::null()]);
        let ocsp = write::sequence([write::value(Tag::ENUMERATED, &[0])]);
        let other = write::constructed(Tag::context(1), [write::oid(oid::RI_OCSP_RESPONSE), ocsp.clone()]);
        let der = content_info(&write::sequence([
            write::unsigned(&[5]),
            write::set_of(vec![]),
            write::sequence([write::oid(oid::DATA)]),
            write::constructed(Tag::context(0), [certificate.der(), &attribute_certificate, &unreadable]),
            write::constructed(Tag::context(1), [unreadable.clone(), other]),
            write::set_of(vec![]),
        ]));
        let cms = parse(&der).unwrap();
        assert_eq!(cms.certificates, [certificate]);
        assert_eq!(cms.ocsp_responses, [ocsp]);
        assert!(cms.crls.is_empty());
    }

    #[test]
    fn revocation_archives_are_opened() {
        let item = |text: &[u8]| write::sequence([write::octet_string(text)]);
        let field = |number, items: &[Vec<u8>]| write::value(Tag::context(number), &write::sequence(items));
        let archive = write::sequence([field(0, &[item(b"a"), item(b"b")]), field(1, &[item(b"c")])]);
        let cms = parse(&signed_data(&[attribute(oid::ADOBE_REVOCATION, &[archive])], 1)).unwrap();
        let signer = cms.only_signer().unwrap();
        assert_eq!(signer.revocation_crls, [item(b"a"), item(b"b")]);
        assert_eq!(signer.revocation_ocsps, [item(b"c")]);
    }

    #[test]
    fn limits_are_named_when_met() {
        let der = built(DigestAlgorithm::Sha256, |_| {});
        let small = Limits { cms_bytes: der.len() - 1, ..Limits::default() };
        assert_eq!(
            SignedData::parse(&der, &small).unwrap_err(),
            CmsError::Limit { what: "bytes", limit: der.len() - 1 }
        );
        let few = Limits { certificates: 1, ..Limits::default() };
        assert_eq!(
            SignedData::parse(&der, &few).unwrap_err(),
            CmsError::Limit { what: "certificates", limit: 1 }
        );
        let many = vec![attribute(ObjectIdentifier::new_unwrap("1.2.3"), &[]); 201];
        assert_eq!(
            parse(&signed_data(&many, 1)).unwrap_err(),
            CmsError::Limit { what: "attributes", limit: 200 }
        );
    }

    #[test]
    fn other_structures_are_named() {
        let broken = |der: &[u8]| parse(der).unwrap_err().to_string();
        assert!(broken(&write::sequence([write::oid(oid::DATA)])).contains("content type"));
        assert!(broken(&[0x30, 0x80, 0x00, 0x00]).contains("cut short"));
        assert!(broken(&[0x30, 0x04, 0x30, 0x80, 0x00, 0x00]).contains("expected"));
        let der = built(DigestAlgorithm::Sha256, |_| {});
        let sha = write::oid(oid::SHA256);
        let at = der.windows(sha.len()).rposition(|window| window == sha).unwrap();
        // The last arc: HMAC and the like.
        let mut unknown = der.clone();
        unknown[at + sha.len() - 1] = 0x0E;
        assert!(matches!(
            parse(&unknown).unwrap_err(),
            CmsError::Algorithm { place: "digest algorithm", .. }
        ));
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes: Vec<u8>) {
            let _ = parse(&bytes);
            let _ = parse(&content_info(&bytes));
            let _ = parse(&content_info(&write::sequence([&bytes])));
        }

        #[test]
        fn several_changes_are_answered(changes: Vec<(u16, u8)>) {
            let mut der = built(DigestAlgorithm::Sha256, |_| {});
            for (at, to) in changes {
                let at = usize::from(at) % der.len();
                der[at] = to;
            }
            let _ = parse(&der);
        }
    }
}
