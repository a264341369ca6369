//! The digest of everything that decides what the store does next.

use super::super::arena::Page;
use super::super::chain::Chain;
use super::super::handle::ItemHandle;
use super::Store;
use crate::digest::Digest;

impl Store<'_> {
    /// Adds the whole state but for the counters. Bytes that nobody uses have no say, so it does
    /// not matter what was in the memory before.
    pub(crate) fn digest(self, digest: &mut Digest) {
        let Self { arena, parts } = self;
        digest.number(u64::from(parts.cas.last()));
        parts.clock.digest(digest);
        parts.slabs.digest(arena, digest);
        parts.expiry.digest(arena, digest);
        for page in parts.slabs.touched_pages(&arena.geometry) {
            let record = arena.page(page);
            digest.number(u64::from(record.class()));
            digest.number(u64::from(record.due().unwrap_or(0)));
            digest.number(record.used() as u64);
            digest.number(record.touched() as u64);
        }
        digest.number(u64::from(parts.index.buckets()));
        for (bucket, item) in parts.index.items(arena) {
            digest.number(u64::from(bucket));
            digest.number(u64::from(item.within(0)));
        }
        self.digest_flushes(digest);
        parts.eviction.digest(arena, digest);
        for found in self.items() {
            self.digest_item(&found, digest);
        }
    }

    /// The flushes by prefix that are under way, and what each bucket missed of them.
    fn digest_flushes(self, digest: &mut Digest) {
        let Self { arena, parts } = self;
        if parts.flushes.is_active() {
            parts.flushes.digest(arena, digest);
            for number in 0..parts.index.buckets() {
                let mark = arena.bucket(parts.index.at(arena, number)).mark();
                digest.number(parts.flushes.missed(mark).into());
            }
        }
    }

    fn digest_item(self, found: &ItemHandle, digest: &mut Digest) {
        let (arena, key) = (self.arena, self.key(found));
        let &ItemHandle { item, ref header } = found;
        for number in [
            u64::from(item.within(0)),
            found.cas(arena),
            u64::from(header.lru_bits().bits()),
            u64::from(header.flags().bits()),
            u64::from(header.client_flags()),
            header.deadline().bits(),
            u64::from(header.last_use()),
            header.value_len() as u64,
            key.len() as u64,
        ] {
            digest.number(number);
        }
        digest.bytes(key);
        let first_page = arena.geometry.page_at(Page(0));
        let mut chain = Chain::new(arena, found);
        while let Some(piece) = chain.next(arena) {
            digest.number(piece.at.since(first_page) as u64);
            digest.bytes(arena.slice(piece.at, piece.len));
        }
    }
}
