//! The Time-Stamp Protocol (RFC 3161): requests, responses, tokens.

use crate::{
    base::{Digest, Limits, UtcTime},
    cms::SignedData,
};

/// TimeStampReq.
#[derive(Clone, Debug)]
pub struct Request {
    pub imprint: Digest,
    pub nonce: Option<Vec<u8>>,
    pub cert_req: bool,
}

impl Request {
    pub fn to_der(&self) -> Vec<u8> {
        todo!()
    }
    pub fn parse(der: &[u8]) -> Result<Self, TspError> {
        let _ = der;
        todo!()
    }
}

/// Reads a TimeStampResp and checks it against the request: status granted, imprint, nonce. Gives the token (a ContentInfo encoding).
pub fn token_from_response(response: &[u8], request: &Request) -> Result<Vec<u8>, TspError> {
    let _ = (response, request);
    todo!()
}

/// A TimeStampResp with status granted around `token`, or a rejection with PKIFailureInfo bit.
pub fn granted_response(token: &[u8]) -> Vec<u8> {
    let _ = token;
    todo!()
}
pub fn rejected_response(failure_bit: u8, text: &str) -> Vec<u8> {
    let _ = (failure_bit, text);
    todo!()
}

/// TSTInfo.
#[derive(Clone, Debug)]
pub struct TstInfo {
    pub policy: der::oid::ObjectIdentifier,
    pub imprint: Digest,
    pub serial: Vec<u8>,
    pub gen_time: UtcTime,
    pub nonce: Option<Vec<u8>>,
}

impl TstInfo {
    pub fn to_der(&self) -> Vec<u8> {
        todo!()
    }
    pub fn parse(der: &[u8]) -> Result<Self, TspError> {
        let _ = der;
        todo!()
    }
}

/// A time-stamp token: SignedData over a TSTInfo.
pub struct Token {
    pub info: TstInfo,
    pub signed_data: SignedData,
    pub tst_info_der: Vec<u8>,
}

impl Token {
    pub fn parse(der: &[u8], limits: &Limits) -> Result<Self, TspError> {
        let _ = (der, limits);
        todo!()
    }
}

#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TspError {
    #[error("not a time-stamp: {reason}")]
    Malformed { reason: String },
    #[error("the time-stamp authority refused: {status}")]
    Refused { status: String },
    #[error("the time-stamp answers another request ({what} differs)")]
    Mismatch { what: &'static str },
}
