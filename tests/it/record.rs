//! Dispatch, store, ledger.
