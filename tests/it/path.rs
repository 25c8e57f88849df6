//! Certification paths: NIST's test suite, OpenSSL as a second opinion, the command, and what the suite leaves out.

mod command;
mod openssl;
mod pkits;
mod rules;
