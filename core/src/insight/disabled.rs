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

    pub(crate) const fn pause_sampling(&mut self) -> u32 {
        0
    }

    pub(crate) const fn resume_sampling(&mut self, _: u32) {}
}
