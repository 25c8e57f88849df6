//! The API and the pages, by people who use them.

mod api;
mod browser;
mod certificates;
mod kinds;
mod levels;
mod looks;
mod offices;
mod operations;
mod pages;
mod passwords;
mod seen;
mod signature_batches;
mod siva;
mod town;
mod two_steps;
mod verifications;
