//! XML signatures and XAdES: made here and accepted by others, made by others and judged here, attacked and refused.

mod attacks;
pub(crate) mod desk;
mod forge;
mod made;
mod others;
mod stamps;
mod tokens;
