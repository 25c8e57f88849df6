//! kyso: digital signatures and document circulation for public administration.
//!
//! This file is the directory of the house, ground floor first. A room uses only rooms above it in this list.

// GROUND
pub mod base;

// FORMATS
pub mod asn1;
pub mod cms;
pub mod ledger;
pub mod ocsp;
pub mod pdf;
pub mod tsp;
pub mod x509;

// JUDGEMENT
pub mod crypto;
pub mod trust;
pub mod validation;

// WORK
pub mod dispatch;
pub mod people;
pub mod signing;

// DOORS
pub mod fetch;
pub mod store;
pub mod token;

// TASKS
pub mod service;

// FACES
pub mod cli;
pub mod config;
pub mod demo;
pub mod http;
pub mod telemetry;
