//! What programs call: a file a thing. Each handler extracts, calls a task, and renders.

pub(super) mod agencies;
pub(super) mod deliveries;
pub(super) mod dispatches;
pub(super) mod documents;
pub(super) mod extensions;
pub(super) mod keys;
pub(super) mod ledger;
mod looks;
pub(super) mod operations;
mod prepare_request;
pub(super) mod prepared_signatures;
pub(super) mod signature_batches;
pub(super) mod signatures;
pub(super) mod verifications;
