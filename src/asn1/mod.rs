//! ASN.1 as bytes: slices read from BER and DER, values written as DER, and the table of object identifiers.
//!
//! Readers borrow: what a signature covers is hashed as it was received, never re-encoded.

pub mod ber;
pub mod oid;
mod read;
pub mod write;

pub use read::{Asn1Error, Reader, Tag, Tlv, check_der_lengths};
