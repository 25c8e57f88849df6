//! XML signatures and XAdES: made here and accepted by others, made by others and judged here, attacked and refused.

mod attacks;
mod desk;
mod forge;
mod made;
