//! A flush by prefix, beside a list from which the items are gone at once.

use dynamidb_core::Error;

use super::Run;

impl Run {
    pub(super) fn flush_prefix(&mut self) {
        let mut prefix = self.key();
        prefix.truncate(1 + self.random.below(3) as usize);
        match self.cache.flush_prefix(&prefix) {
            Ok(()) => self
                .model
                .items
                .retain(|entry| !entry.key.starts_with(&prefix)),
            Err(error) => {
                assert_eq!(error, Error::TooManyFlushes);
                assert!(!self.cache.can_flush_prefix(), "refused without a reason");
            }
        }
    }
}
