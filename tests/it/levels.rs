//! Levels that last: signing at them, extending to them, keeping them.

mod authorities;
mod extend;
mod others;
mod sign;
mod upkeep;
mod world;
mod years;
