//! CMS, X.509 and signature values against what others made.
