//! A cache that learns nothing: no state.

use crate::Config;

#[derive(Debug)]
pub(crate) struct Insight;

impl Insight {
    pub(crate) const fn new(_: &Config, _: usize) -> Self {
        Self
    }

    pub(crate) const fn bytes(_: &Config) -> usize {
        0
    }

    pub(crate) const fn clear(&mut self) {}
}
