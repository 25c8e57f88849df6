//! The API and the pages, by people who use them.

mod api;
mod browser;
mod levels;
mod looks;
mod operations;
mod pages;
mod siva;
mod town;
mod verifications;
