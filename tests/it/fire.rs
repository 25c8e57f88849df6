//! Under fire: files that would like to cost without end, bytes that were changed, what fuzzing found.

mod bits;
mod bombs;
mod found;
#[path = "../../benches/bombs.rs"]
mod makers;
mod round;
