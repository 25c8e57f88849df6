//! Signing, checked by what was not written here.
