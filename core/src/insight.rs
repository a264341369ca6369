//! What a cache learns about its use: which keys are asked for most, and how many hits it would
//! have with other memory. The feature `insight`; nothing of it is in a program without.
//!
//! Both look at samples. A request that is in neither costs one comparison and one countdown.

#[cfg(feature = "insight")]
mod access;
#[cfg(feature = "insight")]
mod curve;
#[cfg(not(feature = "insight"))]
mod disabled;
#[cfg(feature = "insight")]
mod enabled;
#[cfg(feature = "insight")]
mod hot_keys;
#[cfg(feature = "insight")]
mod sampled;

#[cfg(feature = "insight")]
pub(crate) use access::{Access, AccessedItem, Totals};
#[cfg(not(feature = "insight"))]
pub(crate) use disabled::Insight;
#[cfg(feature = "insight")]
pub(crate) use enabled::Insight;

#[cfg(feature = "insight")]
pub use curve::{MissRatioCurve, Prediction};
#[cfg(feature = "insight")]
pub use hot_keys::{HotKey, REQUESTS_PER_SAMPLE};
