//! The table of sampled keys: open addressing with linear probing, as large as it was made.

use alloc::vec;
use alloc::vec::Vec;

/// What is known of a sampled key.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SampledKey {
    /// Bits of its hash that tell it from others.
    pub(super) tag: u32,
    /// Bits of its hash that decide whether it is sampled.
    pub(super) rank: u32,
    /// Bytes of header, key and value; 0 in an empty slot.
    pub(super) size: u32,
    /// When it expires, in the unit of the clock that it is compared with.
    pub(super) deadline: u32,
    /// In which epoch it was used last.
    pub(super) epoch: u8,
}

#[derive(Debug, Default)]
pub(super) struct SampledKeys {
    /// A power of two, and at most half of them filled.
    slots: Vec<SampledKey>,
    len: usize,
}

impl SampledKeys {
    /// Bytes of a table for this many keys.
    pub(super) const fn bytes(keys: usize) -> usize {
        (2 * keys).next_power_of_two() * size_of::<SampledKey>()
    }

    pub(super) fn new(keys: usize) -> Self {
        Self {
            slots: vec![SampledKey::default(); (2 * keys).next_power_of_two()],
            len: 0,
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) const fn is_full(&self) -> bool {
        self.len >= self.slots.len() / 2
    }

    pub(super) const fn slots(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &SampledKey> {
        self.slots.iter().filter(|key| key.size != 0)
    }

    /// What is in a slot.
    pub(super) fn get(&self, slot: usize) -> Option<SampledKey> {
        let key = self.slots.get(slot & self.mask())?;
        (key.size != 0).then_some(*key)
    }

    /// The slot of the key with this tag.
    pub(super) fn find(&self, tag: u32) -> Option<usize> {
        let slot = self.slot_for(tag);
        self.get(slot).map(|_| slot)
    }

    /// Changes what is in a slot, which keeps its tag.
    pub(super) fn set(&mut self, slot: usize, key: SampledKey) {
        if let Some(old) = self.slots.get_mut(slot) {
            debug_assert!(old.size != 0 && key.size != 0 && old.tag == key.tag);
            *old = key;
        }
    }

    /// Adds a key that is not there, unless the table [is full](Self::is_full).
    pub(super) fn insert(&mut self, key: SampledKey) {
        debug_assert!(key.size != 0 && self.find(key.tag).is_none());
        if self.is_full() {
            return;
        }
        let slot = self.slot_for(key.tag);
        if let Some(empty) = self.slots.get_mut(slot) {
            *empty = key;
            self.len += 1;
        }
    }

    /// Empties a slot, and moves what was put behind it for want of it.
    pub(super) fn remove(&mut self, slot: usize) {
        if self.get(slot).is_none() {
            return;
        }
        self.len -= 1;
        let mut gap = slot;
        let mut next = slot;
        loop {
            self.slots[gap] = SampledKey::default();
            loop {
                next = (next + 1) & self.mask();
                let Some(key) = self.get(next) else {
                    return;
                };
                // It may move to the gap unless its own place lies behind that.
                let home = key.tag as usize;
                let reach = next.wrapping_sub(home) & self.mask();
                if reach >= next.wrapping_sub(gap) & self.mask() {
                    self.slots[gap] = key;
                    gap = next;
                    break;
                }
            }
        }
    }

    /// Drops the keys that are not to be kept.
    pub(super) fn retain(&mut self, keep: impl Fn(&SampledKey) -> bool) {
        let mut slot = 0;
        while slot < self.slots.len() {
            if self.get(slot).is_some_and(|key| !keep(&key)) {
                // Another may have moved here.
                self.remove(slot);
            } else {
                slot += 1;
            }
        }
    }

    /// Changes the epochs of all keys.
    pub(super) fn renumber(&mut self, number: impl Fn(u8) -> u8) {
        for key in &mut self.slots {
            key.epoch = number(key.epoch);
        }
    }

    pub(super) fn clear(&mut self) {
        self.slots.fill(SampledKey::default());
        self.len = 0;
    }

    const fn mask(&self) -> usize {
        self.slots.len().wrapping_sub(1)
    }

    /// The slot of a key, or where it would be.
    fn slot_for(&self, tag: u32) -> usize {
        let mut slot = tag as usize & self.mask();
        while self.get(slot).is_some_and(|key| key.tag != tag) {
            slot = (slot + 1) & self.mask();
        }
        slot
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Many keys with the same place, and the last slots, behind which the first one comes.
    #[test]
    fn the_table_agrees_with_a_map() {
        use hashbrown::HashMap;
        let mut random = fastrand::Rng::with_seed(4);
        let (mut table, mut map) = (SampledKeys::new(16), HashMap::new());
        for step in 1..50_000 {
            let tag = (random.u32(..4) << 20) | (random.u32(24..33) % 32);
            match (table.find(tag), random.u8(..3)) {
                (None, 0) if !table.is_full() => {
                    let key = SampledKey {
                        tag,
                        size: step,
                        ..SampledKey::default()
                    };
                    table.insert(key);
                    map.insert(tag, step);
                }
                (Some(slot), 1) => {
                    table.remove(slot);
                    map.remove(&tag);
                }
                (Some(slot), 2) => {
                    let mut key = table.get(slot).expect("found");
                    key.size = step;
                    table.set(slot, key);
                    map.insert(tag, step);
                }
                _ => {}
            }
            let found = table
                .find(tag)
                .and_then(|slot| table.get(slot))
                .map(|key| key.size);
            assert_eq!(found, map.get(&tag).copied());
            assert_eq!((table.len(), table.iter().count()), (map.len(), map.len()));
            if step % 1000 == 0 {
                // Those that moved into an emptied slot are asked as well.
                table.retain(|key| key.size % 2 == 0);
                map.retain(|_, size| *size % 2 == 0);
                assert_eq!(table.len(), map.len());
            }
        }
    }

    #[test]
    fn a_full_table_takes_no_more() {
        let mut table = SampledKeys::new(4);
        for tag in 0..6 {
            assert_eq!(table.is_full(), tag >= 4);
            let size = 1;
            table.insert(SampledKey {
                tag,
                size,
                ..SampledKey::default()
            });
        }
        assert_eq!((table.len(), table.find(4)), (4, None));
    }
}
