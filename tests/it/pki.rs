//! OCSP, time-stamps, the test PKI.
