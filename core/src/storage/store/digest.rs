//! The digest of everything that decides what the store does next.

use super::super::arena::{self, Page};
use super::super::chain::Chain;
use super::super::page;
use super::{Found, Store};
use crate::digest::Digest;

impl Store {
    /// Adds the whole state but for the counters. Bytes that nobody uses have no say, so it does
    /// not matter what was in the memory before.
    pub(crate) fn digest(&self, memory: &[u8], digest: &mut Digest) {
        digest.number(u64::from(self.cas.last()));
        self.clock.digest(digest);
        let geometry = self.geometry();
        self.slabs.digest(memory, digest);
        self.expiry.digest(memory, geometry, digest);
        for page in self.slabs.begun() {
            digest.number(u64::from(page::class(memory, geometry, page)));
            digest.number(u64::from(page::due(memory, geometry, page).unwrap_or(0)));
            digest.number(page::used(memory, geometry, page) as u64);
            digest.number(page::fresh(memory, geometry, page) as u64);
        }
        digest.number(u64::from(self.index.buckets()));
        for (bucket, item) in self.index.items(memory, geometry) {
            digest.number(u64::from(bucket));
            digest.number(u64::from(item.within(0)));
        }
        self.eviction.digest(memory, digest);
        for found in self.items(memory) {
            self.digest_item(memory, &found, digest);
        }
    }

    fn digest_item(&self, memory: &[u8], found: &Found, digest: &mut Digest) {
        let &Found { item, ref head } = found;
        let (geometry, key) = (self.geometry(), self.key(memory, found));
        for number in [
            u64::from(item.within(0)),
            head.cas(memory, geometry.at(item)),
            u64::from(head.marks()),
            u64::from(head.notes().bits()),
            u64::from(head.flags()),
            head.deadline().bits(),
            u64::from(head.last_use()),
            head.value_len() as u64,
            key.len() as u64,
        ] {
            digest.number(number);
        }
        digest.bytes(key);
        let mut chain = Chain::new(memory, geometry, item, head);
        while let Some(place) = chain.next(memory) {
            digest.number((place.start - geometry.page_at(Page(0))) as u64);
            digest.bytes(arena::slice(memory, place.start, place.len()));
        }
    }
}
