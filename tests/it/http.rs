//! The API and the pages, by people who use them.

mod api;
mod browser;
mod kinds;
mod levels;
mod looks;
mod offices;
mod operations;
mod pages;
mod signature_batches;
mod siva;
mod town;
mod two_steps;
mod verifications;
