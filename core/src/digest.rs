//! One number for a whole state: FNV-1a (Fowler, Noll and Vo, 1991) of 64 bits, over numbers in
//! little-endian order, so that it is the same on every platform.

/// A digest of what was added so far, in order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Digest(u64);

impl Digest {
    const BASIS: u64 = 0xCBF2_9CE4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01B3;

    pub(crate) const fn new() -> Self {
        Self(Self::BASIS)
    }

    /// Adds bytes. Where their number is not fixed, add it first: otherwise `ab`, `c` is `a`, `bc`.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(Self::PRIME);
        }
    }

    pub(crate) fn number(&mut self, number: u64) {
        self.bytes(&number.to_le_bytes());
    }

    pub(crate) const fn finish(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_published_function() {
        let mut digest = Digest::new();
        assert_eq!(digest.finish(), 0xCBF2_9CE4_8422_2325);
        digest.bytes(b"foobar");
        assert_eq!(digest.finish(), 0x8594_4171_F739_67E8);
    }

    #[test]
    fn numbers_are_little_endian() {
        let (mut number, mut bytes) = (Digest::new(), Digest::new());
        number.number(0x0102);
        bytes.bytes(&[2, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(number.finish(), bytes.finish());
    }
}
