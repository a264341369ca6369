//! The parts of the simulation: who talks, and what they must hear.

pub(crate) mod client;
pub(crate) mod model;
