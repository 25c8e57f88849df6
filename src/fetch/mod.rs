//! OCSP, CRL, AIA and time-stamps over the network, behind an address guard.
