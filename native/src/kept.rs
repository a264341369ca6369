//! Bytes that have to wait, for as long as there are any.

/// A queue of bytes that takes up memory in proportion to what is in it, and none when empty.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    bytes: Vec<u8>,
    /// Where the queue begins in `bytes`.
    start: usize,
}

impl Kept {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// How much memory it takes up.
    pub(crate) const fn size(&self) -> usize {
        self.bytes.capacity()
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Drops the first bytes.
    pub(crate) fn pop(&mut self, count: usize) {
        self.start += count;
        // Moving at most what was dropped keeps the sum of all moves below the sum of all drops.
        if self.start >= self.bytes().len() {
            self.bytes.drain(..self.start);
            self.bytes.shrink_to_fit();
            self.start = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_pushed_is_there_until_it_is_popped() {
        let mut kept = Kept::default();
        let (mut pushed, mut popped) = (0_u8, 0_u8);
        for round in 0..60 {
            for _ in 0..round % 7 {
                kept.push(&[pushed]);
                pushed += 1;
            }
            let count = (round % 5).min(kept.bytes().len());
            kept.pop(count);
            popped += count as u8;
            assert!(kept.bytes().iter().copied().eq(popped..pushed));
            assert_eq!(kept.is_empty(), popped == pushed);
        }
    }

    #[test]
    fn memory_follows_what_is_kept() {
        let mut kept = Kept::default();
        assert_eq!(kept.size(), 0);
        kept.push(&[0; 1000]);
        assert_eq!(kept.size(), 1000);
        for _ in 0..100 {
            kept.push(&[0; 10]);
        }
        assert!(kept.size() <= 4000);
        for left in (1..2000).rev() {
            kept.pop(1);
            assert!(kept.size() <= 2 * left + 2 || kept.size() <= 4000 && left > 1000);
        }
        kept.pop(1);
        assert_eq!(kept.size(), 0);
    }
}
