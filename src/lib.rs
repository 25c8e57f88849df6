//! kyso: digital signatures and document circulation for public administration.
//!
//! This file is the directory of the house, ground floor first. A room uses only rooms above it in this list.

// GROUND
pub mod base;

// FORMATS
pub mod asn1;
pub mod x509;
pub mod cms;
pub mod ocsp;
pub mod tsp;
pub mod pdf;
pub mod ledger;

// JUDGEMENT
pub mod crypto;
pub mod trust;
pub mod validation;

// WORK
pub mod signing;
pub mod people;
pub mod dispatch;

// DOORS
pub mod token;
pub mod fetch;
pub mod store;

// TASKS
pub mod service;

// FACES
pub mod config;
pub mod telemetry;
pub mod http;
pub mod demo;
pub mod cli;
