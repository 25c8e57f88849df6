//! One program for all fuzz targets; `KYSO_FUZZ` names the one to run: see [`TARGETS`], and `./dev fuzz`.
//!
//! libFuzzer counts the edges of kyso itself, so a program a target would only be linked a dozen times. A target is
//! found guilty by a panic (arithmetic is checked), by ten seconds for one input, or by 1 GiB of memory.
//!
//! `KYSO_FUZZ=seeds` with a folder in `KYSO_SEEDS` writes seeds for the targets instead, `KYSO_FUZZ=list`
//! their names.

#![no_main]

mod containers;
mod documents;
mod faces;
mod formats;
mod hard;
mod markup;
mod seeds;
mod xades;
#[path = "../../benches/world.rs"]
#[allow(dead_code, reason = "the benches use the rest of it")]
mod world;

use std::sync::OnceLock;

/// What one input is given to.
type Target = fn(&[u8]);

/// By name, in the order of `./dev fuzz`.
const TARGETS: [(&str, Target); 20] = [
    ("pdf", documents::pdf),
    ("revision", documents::revision),
    ("encryption", hard::encryption),
    ("repair", hard::repair),
    ("der", formats::der),
    ("cms", formats::cms),
    ("certificate", formats::certificate),
    ("crl", formats::crl),
    ("ocsp-request", formats::ocsp_request),
    ("ocsp-response", formats::ocsp_response),
    ("tsp-request", formats::tsp_request),
    ("tsp-response", formats::tsp_response),
    ("tsp-token", formats::tsp_token),
    ("xml", markup::xml),
    ("xml-signature", markup::xml_signature),
    ("trusted-list", markup::trusted_list),
    ("xades", xades::xades),
    ("asic", containers::asic),
    ("http", faces::http),
    ("text", faces::text),
];

static CHOSEN: OnceLock<Target> = OnceLock::new();

libfuzzer_sys::fuzz_target!(
    init: {
        let name = std::env::var("KYSO_FUZZ").unwrap_or_default();
        if name == "seeds" {
            seeds::write_all();
            std::process::exit(0);
        }
        if name == "list" {
            TARGETS.iter().for_each(|(name, _)| println!("{name}"));
            std::process::exit(0);
        }
        let Some((_, target)) = TARGETS.iter().find(|(known, _)| *known == name) else {
            let known = TARGETS.map(|(name, _)| name).join(" ");
            eprintln!("KYSO_FUZZ has to be one of: {known}");
            std::process::exit(64);
        };
        // What a target makes once (keys, a server) is made before libFuzzer's clock starts.
        target(b"");
        CHOSEN.set(*target).ok();
    },
    |data: &[u8]| {
        if let Some(target) = CHOSEN.get() {
            target(data);
        }
    }
);
