//! The cache's own time: milliseconds that pass as the caller's do, wherever those begin.
//!
//! What is stored keeps only the low bits of its deadline. They are enough, because all deadlines
//! that are stored lie between `floor` and [`Deadline::RANGE`] above it, and because whatever has
//! passed is removed before the floor rises above it. So nothing is ever rewritten, however long
//! the cache runs.
//!
//! Two kinds of steps of the caller's clock are not followed: one far beyond the last deadline,
//! where it makes no difference to what is stored, and one back by [`Clock::STEP_MAX`] or more,
//! after which time goes on from where it was.

use super::deadline::Deadline;
use crate::digest::Digest;
use crate::{Expiry, Instant, number};

/// Own time beside the caller's, at the last operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    now: Instant,
    time: u64,
    /// No deadline that is stored is later, nor is any time.
    latest: u64,
    /// Nor earlier.
    floor: u64,
    /// The second that it is, and when it began.
    second: u32,
    second_began: u64,
    /// The bits that items have of the second of their last use.
    use_bits: u32,
    /// How many seconds the clock may step back and such a time still be known.
    use_back: u32,
}

impl Clock {
    /// How far the caller's clock may step back and still be believed; how far beyond all deadlines
    /// it may step ahead; and how long what has expired may wait before operations remove it. 24
    /// days, so that what is due in 50 is kept to the millisecond.
    pub(crate) const STEP_MAX: u64 = 24 * 86_400_000;

    /// How far the floor is below the time when what has expired has waited for so long.
    pub(crate) const LAG: u64 = 2 * Self::STEP_MAX;

    /// How far it may be, so that a deadline of any length is within the range.
    pub(crate) const LAG_MAX: u64 = Deadline::RANGE - Self::TTL_MAX;

    /// The most that a deadline may be away. 3000 days; the rest of the range is for what waits.
    const TTL_MAX: u64 = 3000 * 86_400_000;

    /// The first moment: a whole second, at which a slot begins on every level of the wheel.
    pub(crate) const START: u64 = 125 << 26;

    /// What is added before seconds are counted: the first one is 0 in the bits that items have.
    const SECOND_0: u64 = (1000 << 28) - Self::START;

    /// What it is until the first moment, which is a step back from it.
    const BEFORE: Instant = Instant::from_millis(u64::MAX);

    /// A clock of a cache whose items have these bits of the second of their last use.
    pub(crate) const fn new(use_bits: u32) -> Self {
        const BACK: u32 = (Clock::STEP_MAX / 1000) as u32;
        let quarter = use_bits / 4;
        Self {
            now: Self::BEFORE,
            time: Self::START,
            latest: Self::START,
            floor: Self::START - Self::STEP_MAX,
            second: ((Self::START + Self::SECOND_0) / 1000) as u32,
            second_began: Self::START,
            use_bits,
            use_back: if quarter < BACK { quarter } else { BACK },
        }
    }

    /// Whether this is the moment of the last operation.
    #[inline]
    pub(crate) fn is_at(&self, now: Instant) -> bool {
        self.now == now
    }

    /// Own time at the last operation.
    #[inline]
    pub(crate) const fn time(&self) -> u64 {
        self.time
    }

    /// Whether the last operation was at that moment or later.
    pub(crate) fn has_come(&self, moment: Instant) -> bool {
        moment <= self.now && self.now != Self::BEFORE
    }

    /// Whether the caller's clock steps back if it is this moment now.
    pub(crate) fn is_ahead_of(&self, now: Instant) -> bool {
        self.now > now
    }

    /// Makes this the moment of the last operation.
    pub(crate) fn advance(&mut self, now: Instant) {
        let millis = now.as_millis();
        let ahead = millis.wrapping_sub(self.now.as_millis());
        let back = ahead.wrapping_neg();
        if !self.is_ahead_of(now) {
            self.time += ahead.min(self.latest - self.time + Self::STEP_MAX);
        } else if back <= self.lag() {
            self.time -= back;
        }
        self.now = now;
        self.latest = self.latest.max(self.time);
        if self.time.wrapping_sub(self.second_began) >= 1000 {
            let (second, rest) = number::second_and_rest(self.time + Self::SECOND_0);
            self.second = second as u32;
            self.second_began = self.time - u64::from(rest);
        }
    }

    /// A moment as a deadline. One in the past is this very millisecond, so that this operation is
    /// the last that sees the item.
    #[cfg_attr(target_os = "none", inline(never))]
    pub(crate) fn deadline(&mut self, expiry: Expiry) -> Deadline {
        let ttl = expiry.millis_after(self.now);
        if ttl > Self::TTL_MAX {
            return Deadline::NEVER;
        }
        let millis = self.time + ttl;
        self.latest = self.latest.max(millis);
        Deadline::new(millis, self.floor)
    }

    #[inline]
    pub(crate) const fn floor(&self) -> u64 {
        self.floor
    }

    /// How far the floor is below own time.
    pub(crate) const fn lag(&self) -> u64 {
        self.time - self.floor
    }

    /// Raises the floor: nothing that is stored ends before that moment, but for what was stored
    /// while the caller's clock had stepped back from it.
    pub(crate) const fn raise(&mut self, moment: u64) {
        self.floor = (moment - Self::STEP_MAX) & !(Deadline::COARSE_STEP - 1);
    }

    /// Own time as the caller counts it.
    #[inline]
    pub(crate) const fn moment(&self, millis: u64) -> Instant {
        let ahead = millis.saturating_sub(self.time);
        let behind = self.time.saturating_sub(millis);
        let now = self.now.as_millis();
        Instant::from_millis(now.saturating_add(ahead).saturating_sub(behind))
    }

    /// When a deadline comes, as the caller counts.
    #[inline]
    pub(crate) fn instant(&self, deadline: Deadline) -> Option<Instant> {
        let millis = deadline.millis(self.floor);
        (millis != Deadline::NO_TIME).then(|| self.moment(millis))
    }

    /// Own time in steps of 1.024 s, at the last operation.
    #[cfg(feature = "insight")]
    pub(crate) const fn coarse_time(&self) -> u32 {
        (self.time >> 10) as u32
    }

    /// The same at a moment that is not earlier.
    #[cfg(feature = "insight")]
    pub(crate) fn coarse_time_at(&self, now: Instant) -> u32 {
        let ahead = now.as_millis().wrapping_sub(self.now.as_millis());
        let ahead = if self.is_ahead_of(now) { 0 } else { ahead };
        (self.time.wrapping_add(ahead) >> 10) as u32
    }

    /// A deadline in such steps.
    #[cfg(feature = "insight")]
    pub(crate) const fn coarse_deadline(&self, deadline: Deadline) -> Option<u32> {
        match deadline.millis(self.floor) {
            Deadline::NO_TIME => None,
            millis => Some((millis >> 10) as u32),
        }
    }

    /// The second that it is.
    #[inline]
    pub(crate) const fn second(&self) -> u32 {
        self.second
    }

    /// When such a second began, of which an item has some bits. It is taken for the last that
    /// ended in them, or for one that the clock has stepped back from. With 28 bits it was less
    /// than 8.4 years ago; with 20, beside the stamp of `density`, less than nine days.
    #[inline]
    pub(crate) const fn used_at(&self, second: u32) -> Instant {
        let ago = self.seconds_since_use(second);
        let passed = self.time - self.second_began;
        let began = self.now.as_millis().saturating_sub(passed);
        let latest = began.saturating_add(self.use_back as u64 * 1000);
        Instant::from_millis(latest.saturating_sub(ago as u64 * 1000))
    }

    /// How many seconds ago that was, counted from the farthest that the clock may have stepped
    /// back from.
    #[inline]
    pub(crate) const fn seconds_since_use(&self, second: u32) -> u32 {
        let latest = self.second.wrapping_add(self.use_back);
        latest.wrapping_sub(second) & self.use_bits
    }

    /// The bits of a second that an item has.
    pub(crate) const fn use_bits(&self) -> u32 {
        self.use_bits
    }

    /// Whether a deadline that is stored is within the bounds of all. For tests: one below the
    /// floor seems to be far above it.
    pub(crate) fn has_bound(&self, millis: u64) -> bool {
        (self.floor..=self.latest).contains(&millis)
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        let own = [self.time, self.latest, self.floor];
        digest.number(self.now.as_millis());
        for number in own {
            digest.number(number);
        }
    }
}
