//! Configuration: `kyso.toml` and `KYSO_…` variables.
