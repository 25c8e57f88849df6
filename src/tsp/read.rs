//! Time-stamp messages as received.

use super::{Request, Token, TspError, TstInfo, build::FAILURES, shortest};
use crate::{
    asn1::{Reader, Tag, Tlv, oid},
    base::{Digest, Limits},
    cms::SignedData,
    x509::algorithm::digest_from_oid,
};

impl Request {
    /// Reads a TimeStampReq. A policy asked for is read over.
    ///
    /// # Errors
    ///
    /// When it is none, has an unknown digest algorithm or an unknown critical extension.
    pub fn parse(der: &[u8]) -> Result<Self, TspError> {
        let mut reader = Reader::only(der)?.expect(Tag::SEQUENCE)?.reader();
        version(&mut reader)?;
        let imprint = imprint(&reader.take(Tag::SEQUENCE)?)?;
        reader.optional(Tag::OID)?;
        let nonce = integer(&mut reader)?;
        let cert_req = boolean(&mut reader)?;
        if let Some(list) = reader.optional(Tag::context(0))? {
            no_critical(&list)?;
        }
        reader.finish()?;
        Ok(Self { imprint, nonce, cert_req })
    }
}

impl TstInfo {
    /// Reads a TSTInfo.
    ///
    /// # Errors
    ///
    /// When it is none, has an unknown digest algorithm or an unknown critical extension.
    pub fn parse(der: &[u8]) -> Result<Self, TspError> {
        let mut reader = Reader::only(der)?.expect(Tag::SEQUENCE)?.reader();
        version(&mut reader)?;
        let policy = reader.take(Tag::OID)?.oid()?;
        let imprint = imprint(&reader.take(Tag::SEQUENCE)?)?;
        let serial = reader.take(Tag::INTEGER)?.value.to_vec();
        if serial.is_empty() {
            return Err(malformed("a number without octets"));
        }
        let gen_time = reader.take(Tag::GENERALIZED_TIME)?.time()?;
        reader.optional(Tag::SEQUENCE)?;
        boolean(&mut reader)?;
        let nonce = integer(&mut reader)?;
        reader.optional(Tag::context(0))?;
        if let Some(list) = reader.optional(Tag::context(1))? {
            no_critical(&list)?;
        }
        reader.finish()?;
        Ok(Self { policy, imprint, serial, gen_time, nonce })
    }
}

impl Token {
    /// Reads a time-stamp token, a ContentInfo encoding. Its signature is not checked.
    ///
    /// # Errors
    ///
    /// When it is no SignedData, or what it holds is no TSTInfo.
    pub fn parse(der: &[u8], limits: &Limits) -> Result<Self, TspError> {
        let signed_data =
            SignedData::parse(der, limits).map_err(|error| malformed(format!("the token: {error}")))?;
        if signed_data.content_type != oid::TST_INFO {
            return Err(malformed(format!(
                "the token holds content of type {}, not a TSTInfo",
                signed_data.content_type
            )));
        }
        let tst_info_der =
            signed_data.content.clone().ok_or_else(|| malformed("the token does not hold its TSTInfo"))?;
        Ok(Self { info: TstInfo::parse(&tst_info_der)?, signed_data, tst_info_der })
    }
}

/// Reads a TimeStampResp and checks it against its request: granted, same imprint, same nonce, certificate there when
/// asked for. Gives the token, a ContentInfo encoding as received; its signature is not checked.
///
/// ```text
/// TimeStampResp ::= SEQUENCE { status PKIStatusInfo, timeStampToken ContentInfo OPTIONAL }
/// PKIStatusInfo ::= SEQUENCE {
///     status        PKIStatus,
///     statusString  PKIFreeText OPTIONAL,
///     failInfo      PKIFailureInfo OPTIONAL }
/// ```
///
/// # Errors
///
/// [`TspError::Refused`] with the authority's reason, [`TspError::Mismatch`], [`TspError::Malformed`].
pub fn token_from_response(response: &[u8], request: &Request) -> Result<Vec<u8>, TspError> {
    let mut reader = Reader::only(response)?.expect(Tag::SEQUENCE)?.reader();
    granted(&reader.take(Tag::SEQUENCE)?)?;
    let token = reader.optional(Tag::SEQUENCE)?.ok_or_else(|| malformed("granted, but without a token"))?;
    reader.finish()?;
    let parsed = Token::parse(token.raw, &Limits::default())?;
    if parsed.info.imprint != request.imprint {
        return Err(TspError::Mismatch { what: "the imprint" });
    }
    if parsed.info.nonce.as_deref().map(shortest) != request.nonce.as_deref().map(shortest) {
        return Err(TspError::Mismatch { what: "the nonce" });
    }
    if request.cert_req && parsed.signed_data.certificates.is_empty() {
        return Err(malformed("the certificate that was asked for is not in the token"));
    }
    Ok(token.raw.to_vec())
}

fn granted(info: &Tlv<'_>) -> Result<(), TspError> {
    let mut reader = info.reader();
    let status = match reader.take(Tag::INTEGER)?.unsigned()? {
        0 | 1 => return Ok(()),
        2 => "rejection".to_owned(),
        3 => "waiting".to_owned(),
        4 => "revocationWarning".to_owned(),
        5 => "revocationNotification".to_owned(),
        other => format!("status {other}"),
    };
    let mut parts = vec![status];
    let mut words = Vec::new();
    if let Some(texts) = reader.optional(Tag::SEQUENCE)? {
        let mut texts = texts.reader();
        while !texts.is_empty() && words.len() < MAX_TEXTS {
            words.push(printable(texts.any()?.value));
        }
    }
    if let Some(Tlv { value: [_, bits @ ..], .. }) = reader.optional(Tag::BIT_STRING)? {
        let set =
            |bit: u8| bits.get(usize::from(bit / 8)).is_some_and(|octet| octet & (0x80 >> (bit % 8)) != 0);
        parts.extend(
            FAILURES.iter().filter(|failure| set(**failure as u8)).map(|failure| failure.name().to_owned()),
        );
    }
    parts.extend(words);
    Err(TspError::Refused { status: parts.join(", ") })
}

/// A stranger's words, short and on one line.
fn printable(text: &[u8]) -> String {
    String::from_utf8_lossy(text).chars().filter(|c| !c.is_control()).take(MAX_TEXT).collect()
}

fn version(reader: &mut Reader<'_>) -> Result<(), TspError> {
    match reader.take(Tag::INTEGER)?.unsigned()? {
        1 => Ok(()),
        other => Err(malformed(format!("version {other}"))),
    }
}

fn imprint(sequence: &Tlv<'_>) -> Result<Digest, TspError> {
    let mut reader = sequence.reader();
    let algorithm = reader.take(Tag::SEQUENCE)?.reader().take(Tag::OID)?.oid()?;
    let bytes = reader.take(Tag::OCTET_STRING)?.value.to_vec();
    reader.finish()?;
    let algorithm = digest_from_oid(algorithm).map_err(|_| TspError::Unknown { oid: algorithm })?;
    if bytes.len() != algorithm.len() {
        return Err(malformed(format!("an imprint of {} bytes for {algorithm}", bytes.len())));
    }
    Ok(Digest { algorithm, bytes })
}

/// A nonce as the number that it is: needless octets before it are dropped.
fn integer(reader: &mut Reader<'_>) -> Result<Option<Vec<u8>>, TspError> {
    match reader.optional(Tag::INTEGER)? {
        Some(Tlv { value: [], .. }) => Err(malformed("a nonce without octets")),
        Some(integer) => Ok(Some(shortest(integer.value).to_vec())),
        None => Ok(None),
    }
}

fn boolean(reader: &mut Reader<'_>) -> Result<bool, TspError> {
    match reader.optional(Tag::BOOLEAN)? {
        None | Some(Tlv { value: [0], .. }) => Ok(false),
        Some(Tlv { value: [_], .. }) => Ok(true),
        Some(_) => Err(malformed("a BOOLEAN that is not one octet")),
    }
}

/// `IMPLICIT Extensions`, of which kyso knows none.
fn no_critical(list: &Tlv<'_>) -> Result<(), TspError> {
    let mut list = list.reader();
    while !list.is_empty() {
        let mut extension = list.take(Tag::SEQUENCE)?.reader();
        let oid = extension.take(Tag::OID)?.oid()?;
        if boolean(&mut extension)? {
            return Err(TspError::Unknown { oid });
        }
        extension.take(Tag::OCTET_STRING)?;
        extension.finish()?;
    }
    Ok(())
}

fn malformed(reason: impl Into<String>) -> TspError {
    TspError::Malformed { reason: reason.into() }
}

/// Of an authority's words, how many texts are shown.
const MAX_TEXTS: usize = 4;

/// And how many characters of each.
const MAX_TEXT: usize = 300;

#[cfg(test)]
mod tests {
    use der::oid::ObjectIdentifier;
    use proptest::prelude::*;

    use super::super::{granted_response, rejected_response};
    use super::*;
    use crate::{
        asn1::write,
        base::{Chance, DigestAlgorithm, UtcTime},
    };

    const POLICY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.1");

    fn imprint() -> Digest {
        DigestAlgorithm::Sha256.digest(b"a document")
    }

    fn info() -> TstInfo {
        TstInfo {
            policy: POLICY,
            imprint: imprint(),
            serial: vec![0x7F, 1],
            gen_time: "2026-03-01T08:30:00Z".parse().unwrap(),
            nonce: Some(vec![0x40, 2]),
        }
    }

    /// The fields of a TSTInfo, to be rearranged.
    fn fields(der: &[u8]) -> Vec<Vec<u8>> {
        let mut reader = Reader::only(der).unwrap().reader();
        std::iter::from_fn(|| reader.any().ok().map(|field| field.raw.to_vec())).collect()
    }

    #[test]
    fn a_fresh_request_asks_for_the_certificate_and_has_a_nonce_of_eight_bytes() {
        let request = Request::new(imprint(), &Chance::system());
        assert!(request.cert_req);
        assert_eq!(request.nonce.as_ref().unwrap().len(), 8);
        assert_ne!(request, Request::new(imprint(), &Chance::system()));
        assert_eq!(Request::parse(&request.to_der()), Ok(request));
    }

    #[test]
    fn what_other_authorities_add_is_read_over() {
        let plain = fields(&info().to_der());
        let accuracy =
            write::sequence([write::unsigned(&[1]), write::value(Tag::context_primitive(0), &[100])]);
        let ordering = write::value(Tag::BOOLEAN, &[0xFF]);
        let name = write::value(Tag::context(0), &write::value(Tag::context(4), &write::sequence([[]])));
        let extension = write::sequence([write::oid(POLICY), write::octet_string(b"?")]);
        let extensions = write::value(Tag::context(1), &extension);
        let mut full = plain[..5].to_vec();
        full.extend([accuracy, ordering, plain[5].clone(), name, extensions]);
        assert_eq!(TstInfo::parse(&write::sequence(full)), Ok(info()));
    }

    #[test]
    fn fractions_of_a_second_are_read_and_written() {
        for (text, moment) in [
            ("20260301083000Z", "2026-03-01T08:30:00Z"),
            ("20260301083000.5Z", "2026-03-01T08:30:00.5Z"),
            ("20260301083000.000000001Z", "2026-03-01T08:30:00.000000001Z"),
        ] {
            let mut parts = fields(&info().to_der());
            parts[4] = write::value(Tag::GENERALIZED_TIME, text.as_bytes());
            let der = write::sequence(parts);
            let read = TstInfo::parse(&der).unwrap();
            assert_eq!(read.gen_time, moment.parse::<UtcTime>().unwrap());
            assert_eq!(read.to_der(), der);
        }
    }

    #[test]
    fn refusals_are_told_in_the_authoritys_words() {
        let request = Request::new(imprint(), &Chance::system());
        for failure in FAILURES {
            let response = rejected_response(failure, "Không hỗ trợ\nthuật toán");
            let Err(TspError::Refused { status }) = token_from_response(&response, &request) else {
                panic!("{failure:?}");
            };
            assert_eq!(status, format!("rejection, {}, Không hỗ trợthuật toán", failure.name()));
        }
        let bare = write::sequence([write::sequence([write::unsigned(&[3])])]);
        let refused = TspError::Refused { status: "waiting".to_owned() };
        assert_eq!(token_from_response(&bare, &request), Err(refused));
    }

    #[test]
    fn broken_messages_are_refused() {
        let request = Request::new(imprint(), &Chance::system());
        let good = info().to_der();
        let changed = |index: usize, value: Vec<u8>| {
            let mut parts = fields(&good);
            parts[index] = value;
            write::sequence(parts)
        };
        let short = write::sequence([write::algorithm(oid::SHA256, None), write::octet_string(&[0; 31])]);
        let critical = write::sequence([
            write::oid(POLICY),
            write::value(Tag::BOOLEAN, &[0xFF]),
            write::octet_string(b"?"),
        ]);
        for (what, broken) in [
            ("version 2", changed(0, write::unsigned(&[2]))),
            ("no policy", changed(1, write::null())),
            ("a short imprint", changed(2, short.clone())),
            ("a number without octets", changed(3, write::value(Tag::INTEGER, &[]))),
            ("a local time", changed(4, write::value(Tag::GENERALIZED_TIME, b"20260301083000"))),
            ("a UTCTime", changed(4, write::value(Tag::UTC_TIME, b"260301083000Z"))),
            ("a nonce without octets", changed(5, write::value(Tag::INTEGER, &[]))),
            ("a critical extension", {
                let mut parts = fields(&good);
                parts.push(write::value(Tag::context(1), &critical));
                write::sequence(parts)
            }),
            ("something behind", {
                let mut parts = fields(&good);
                parts.push(write::null());
                write::sequence(parts)
            }),
        ] {
            assert!(TstInfo::parse(&broken).is_err(), "{what}");
        }
        for cut in 0..good.len() {
            assert!(TstInfo::parse(&good[..cut]).is_err(), "cut at {cut}");
        }
        let asked = request.to_der();
        for cut in 0..asked.len() {
            assert!(Request::parse(&asked[..cut]).is_err(), "cut at {cut}");
        }
        let old = write::sequence([
            write::unsigned(&[1]),
            write::sequence([
                write::algorithm(ObjectIdentifier::new_unwrap("1.2.840.113549.2.2"), None),
                write::octet_string(&[0; 16]),
            ]),
        ]);
        assert!(matches!(Request::parse(&old), Err(TspError::Unknown { .. })), "MD2");
        for (what, response) in [
            ("granted without a token", granted_response(&[])),
            ("a token that is none", granted_response(&write::sequence([write::null()]))),
            ("an empty file", Vec::new()),
            ("a page of HTML", b"<html>".to_vec()),
        ] {
            let error = token_from_response(&response, &request).unwrap_err();
            assert!(matches!(error, TspError::Malformed { .. }), "{what}: {error:?}");
        }
    }

    #[test]
    fn integers_are_compared_in_their_shortest_form() {
        for (octets, expected) in [
            (&[0_u8, 0, 5][..], &[5_u8][..]),
            (&[0, 0x80], &[0, 0x80]),
            (&[0, 0, 0x80], &[0, 0x80]),
            (&[0xFF, 0xFF, 0x80], &[0x80]),
            (&[0xFF, 0x7F], &[0xFF, 0x7F]),
            (&[0], &[0]),
            (&[0xFF], &[0xFF]),
            (&[], &[0]),
        ] {
            assert_eq!(shortest(octets), expected, "{octets:02x?}");
        }
    }

    proptest! {
        #[test]
        fn requests_are_read_as_they_were_built(
            content in any::<[u8; 8]>(),
            nonce in prop::option::of(prop::collection::vec(any::<u8>(), 1..12)),
            cert_req: bool,
        ) {
            let nonce = nonce.map(|nonce| shortest(&nonce).to_vec());
            let request = Request { imprint: DigestAlgorithm::Sha512.digest(&content), nonce, cert_req };
            prop_assert_eq!(Request::parse(&request.to_der()), Ok(request));
        }

        #[test]
        fn infos_are_read_as_they_were_built(
            serial in prop::collection::vec(any::<u8>(), 1..20),
            seconds in 0_i64..250_000_000_000,
            nanos in 0_i32..1_000_000_000,
            nonce in prop::option::of(prop::collection::vec(any::<u8>(), 1..12)),
        ) {
            let info = TstInfo {
                serial: shortest(&serial).to_vec(),
                gen_time: UtcTime::new(seconds, nanos).unwrap(),
                nonce: nonce.map(|nonce| shortest(&nonce).to_vec()),
                ..info()
            };
            prop_assert_eq!(TstInfo::parse(&info.to_der()), Ok(info));
        }

        #[test]
        fn changed_messages_never_panic(at in any::<prop::sample::Index>(), octet in any::<u8>()) {
            let mut der = info().to_der();
            let at = at.index(der.len());
            der[at] = octet;
            let _ = TstInfo::parse(&der);
            let _ = Request::parse(&der);
        }

        #[test]
        fn noise_never_panics(noise in prop::collection::vec(any::<u8>(), 0..200)) {
            let request = Request { imprint: imprint(), nonce: None, cert_req: false };
            let _ = TstInfo::parse(&noise);
            let _ = Request::parse(&noise);
            let _ = token_from_response(&noise, &request);
        }
    }
}
