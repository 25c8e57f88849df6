//! CAdES: made on tokens and accepted by others, made by others and accepted here, and everything that may be wrong.

mod broken;
mod desk;
mod forge;
mod judged;
mod made;
