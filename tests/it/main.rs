//! The one integration-test binary: a file a room.

mod asic;
mod attacks;
mod crypto_policy;
mod databases;
mod demo;
mod fetch;
mod fields;
mod fire;
mod formats;
mod house;
mod http;
mod judge;
mod look;
mod path;
mod pdf;
mod pen;
mod pki;
mod record;
mod size;
mod support;
mod token;
mod wycheproof;
mod xades;
mod xml;
