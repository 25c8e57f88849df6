//! Time-stamp messages written as DER.

use super::{Request, TstInfo, shortest};
use crate::{
    asn1::{Tag, write},
    base::UtcTime,
    x509::algorithm::digest_info,
};

impl Request {
    /// The encoding of the request.
    pub fn to_der(&self) -> Vec<u8> {
        write::sequence([
            write::unsigned(&[1]),
            digest_info(&self.imprint),
            self.nonce.as_deref().map(integer).unwrap_or_default(),
            if self.cert_req { write::value(Tag::BOOLEAN, &[0xFF]) } else { Vec::new() },
        ])
    }
}

impl TstInfo {
    /// The encoding to be signed, without accuracy and ordering.
    pub fn to_der(&self) -> Vec<u8> {
        write::sequence([
            write::unsigned(&[1]),
            write::oid(self.policy),
            digest_info(&self.imprint),
            integer(&self.serial),
            gen_time(self.gen_time),
            self.nonce.as_deref().map(integer).unwrap_or_default(),
        ])
    }
}

/// A TimeStampResp with status `granted` around `token`, a ContentInfo encoding.
pub fn granted_response(token: &[u8]) -> Vec<u8> {
    write::sequence([&write::sequence([write::unsigned(&[0])])[..], token])
}

/// A TimeStampResp with status `rejection`, the reason, and words for people.
pub fn rejected_response(failure: FailureInfo, text: &str) -> Vec<u8> {
    let text = write::sequence([write::value(UTF8_STRING, text.as_bytes())]);
    let bit = failure as u8;
    let mut bits = vec![0; usize::from(bit / 8) + 2];
    bits[0] = 7 - bit % 8;
    bits[usize::from(bit / 8) + 1] = 0x80 >> (bit % 8);
    write::sequence([write::sequence([write::unsigned(&[2]), text, write::value(Tag::BIT_STRING, &bits)])])
}

/// Why an authority refuses: PKIFailureInfo, each with its bit (RFC 3161 section 2.4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FailureInfo {
    /// The digest algorithm is not known or not accepted.
    BadAlg = 0,
    /// The transaction is not permitted or not supported.
    BadRequest = 2,
    /// The data are in the wrong form.
    BadDataFormat = 5,
    /// The authority's clock is not available.
    TimeNotAvailable = 14,
    /// The policy asked for is not the authority's.
    UnacceptedPolicy = 15,
    /// An extension asked for is not supported.
    UnacceptedExtension = 16,
    /// Information asked for is not available.
    AddInfoNotAvailable = 17,
    /// The authority itself failed.
    SystemFailure = 25,
}

/// All of them.
pub(super) const FAILURES: [FailureInfo; 8] = [
    FailureInfo::BadAlg,
    FailureInfo::BadRequest,
    FailureInfo::BadDataFormat,
    FailureInfo::TimeNotAvailable,
    FailureInfo::UnacceptedPolicy,
    FailureInfo::UnacceptedExtension,
    FailureInfo::AddInfoNotAvailable,
    FailureInfo::SystemFailure,
];

impl FailureInfo {
    /// The name in the standard.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BadAlg => "badAlg",
            Self::BadRequest => "badRequest",
            Self::BadDataFormat => "badDataFormat",
            Self::TimeNotAvailable => "timeNotAvailable",
            Self::UnacceptedPolicy => "unacceptedPolicy",
            Self::UnacceptedExtension => "unacceptedExtension",
            Self::AddInfoNotAvailable => "addInfoNotAvailable",
            Self::SystemFailure => "systemFailure",
        }
    }
}

fn integer(octets: &[u8]) -> Vec<u8> {
    write::value(Tag::INTEGER, shortest(octets))
}

/// GeneralizedTime with the fraction of a second, if any, and without zeros at its end (RFC 3161 section 2.4.2).
fn gen_time(moment: UtcTime) -> Vec<u8> {
    let civil = jiff::tz::TimeZone::UTC.to_datetime(moment);
    if civil.subsec_nanosecond() == 0 {
        return write::generalized_time(moment);
    }
    let whole = civil.strftime("%Y%m%d%H%M%S").to_string();
    let fraction = format!("{:09}", civil.subsec_nanosecond());
    let text = format!("{whole}.{}Z", fraction.trim_end_matches('0'));
    write::value(Tag::GENERALIZED_TIME, text.as_bytes())
}

/// UTF8String.
const UTF8_STRING: Tag = Tag(0x0C);
