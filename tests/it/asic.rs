//! ASiC containers: made with tokens, checked by what was not written here; attacked; and those that others made.

mod attacks;
mod corpus;
mod extend;
mod made;
pub(crate) mod parts;
