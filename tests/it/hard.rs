//! Hard input: each file is signed so that poppler and pyHanko agree, or refused with a reason and no output.

mod desk;
mod encrypted;
mod files;
mod hybrid;
mod repair;
mod signer;
