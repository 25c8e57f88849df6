//! The demo: a CA with its OCSP responder, CRL and time-stamp authority, and the story.

pub mod pki;
