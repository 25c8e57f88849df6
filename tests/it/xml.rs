//! XML against libxml2 (`xmllint`) and xmlsec, which were written by others.

mod canonical;
mod signatures;
mod trusted_lists;
