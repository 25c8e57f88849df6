//! SignedData written as DER, with the one signature that a PDF takes.

use der::oid::ObjectIdentifier;

use crate::{
    base::{Digest, UtcTime},
    x509::{Certificate, algorithm::SignatureScheme},
};

/// The signed attributes of a CAdES signature (ETSI EN 319 122-1 section 5): content-type, message-digest, signing-certificate-v2, and signing-time where asked (PAdES forbids it: ETSI EN 319 142-1 section 6.3 uses /M).
pub struct SignedAttributes {
    pub content_type: ObjectIdentifier,
    pub message_digest: Digest,
    pub signer: Certificate,
    pub signing_time: Option<UtcTime>,
}

impl SignedAttributes {
    /// The DER SET OF to be signed.
    pub fn to_der(&self) -> Vec<u8> {
        todo!()
    }
}

/// All that goes into a SignedData with one signer.
pub struct SignedDataParts<'a> {
    /// `None` for a detached signature, else eContent (a TSTInfo).
    pub content: Option<&'a [u8]>,
    pub content_type: ObjectIdentifier,
    /// The output of [`SignedAttributes::to_der`].
    pub signed_attributes: &'a [u8],
    pub scheme: SignatureScheme,
    pub signer: &'a Certificate,
    /// Written after the signer's own.
    pub chain: &'a [Certificate],
    pub signature: &'a [u8],
    pub time_stamp_token: Option<&'a [u8]>,
}

impl SignedDataParts<'_> {
    /// The ContentInfo.
    pub fn to_der(&self) -> Vec<u8> {
        todo!()
    }
}
