//! Verdicts: a table of everything that may be right or wrong with a signature, and what is said about it.

mod algorithms;
mod cases;
mod command;
mod corpus;
mod folder;
mod policy;
pub(crate) mod schema;
pub(crate) mod world;
