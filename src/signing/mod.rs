//! Signing without the key: prepare, then finish.
