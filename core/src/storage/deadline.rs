//! When an item ends, in the 34 bits that its header has for that.

/// When an item ends, as 34 bits: 0 is never. The highest says what the others are the low bits of:
/// milliseconds of the cache's own time, for what is less than 2^33 of them (99 days) above the
/// floor that all deadlines have in common, or steps of 32 of them, rounded down so that nothing
/// outlives it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Deadline(u64);

impl Deadline {
    pub(crate) const NEVER: Self = Self(0);
    const COARSE: u64 = 1 << 33;
    const COARSE_SHIFT: u32 = 5;

    /// What coarse ones are rounded down to.
    pub(crate) const COARSE_STEP: u64 = 1 << Self::COARSE_SHIFT;

    const MASK: u64 = Self::COARSE - 1;
    /// Later than any time.
    pub(crate) const NO_TIME: u64 = u64::MAX;
    /// How far above the floor deadlines may be.
    pub(crate) const RANGE: u64 = Self::COARSE << Self::COARSE_SHIFT;

    /// A deadline that is less than [`RANGE`](Self::RANGE) above the floor.
    pub(crate) const fn new(millis: u64, floor: u64) -> Self {
        let fine = millis & Self::MASK;
        // Where the bits would be those of never, coarse ones are exact.
        if millis - floor < Self::COARSE && fine != 0 {
            Self(fine)
        } else {
            Self(Self::COARSE | millis >> Self::COARSE_SHIFT & Self::MASK)
        }
    }

    /// Milliseconds, [`NO_TIME`](Self::NO_TIME) for never. The floor is a multiple of the coarse
    /// steps.
    #[cfg_attr(target_os = "none", inline(never))]
    #[cfg_attr(not(target_os = "none"), inline)]
    pub(crate) const fn millis(self, floor: u64) -> u64 {
        let (bits, range) = match self.0 {
            0 => return Self::NO_TIME,
            fine if fine < Self::COARSE => (fine, Self::COARSE),
            coarse => (coarse << Self::COARSE_SHIFT, Self::RANGE),
        };
        floor + (bits.wrapping_sub(floor) & (range - 1))
    }

    #[inline]
    pub(crate) const fn has_passed(self, now: u64, floor: u64) -> bool {
        self.millis(floor) <= now
    }

    pub(crate) const fn bits(self) -> u64 {
        self.0
    }

    pub(crate) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_exact_up_to_99_days_above_the_floor_and_never_late() {
        for floor in [0, 256, (7 << 33) - 256, 7 << 33, u64::MAX >> 8 & !0xFF] {
            let kept = |millis| Deadline::new(millis, floor).millis(floor);
            let fine = [0, 1, 255, 256, 257, (1 << 33) - 1];
            for millis in fine.map(|ahead| floor + ahead) {
                assert_eq!(kept(millis), millis, "above {floor}");
            }
            let coarse = [1 << 33, (1 << 33) + 7, Deadline::RANGE - 1];
            for millis in coarse.map(|ahead| floor + ahead) {
                assert_eq!(kept(millis), millis & !31, "above {floor}");
            }
            let soon = Deadline::new(floor + 5, floor);
            assert!(soon.has_passed(floor + 5, floor) && !soon.has_passed(floor + 4, floor));
            assert!(!Deadline::NEVER.has_passed(u64::MAX - 1, floor));
        }
    }
}
