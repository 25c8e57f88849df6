//! The one integration-test binary: a file a room.

mod attacks;
mod cades;
mod crypto_policy;
mod databases;
mod demo;
mod fetch;
mod fields;
mod fire;
mod formats;
mod hard;
mod house;
mod http;
mod judge;
mod levels;
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
mod xml;
