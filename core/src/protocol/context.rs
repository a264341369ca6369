//! What every request is executed with: the time, the host, and the output.

use super::{Host, Output, SessionConfig};
use crate::{Expiry, Instant, Item, Key};

/// The time, the host and the output of some requests.
pub(super) struct Context<'c, H, O> {
    pub(super) now: Instant,
    pub(super) host: &'c mut H,
    pub(super) output: &'c mut O,
}

impl<H: Host, O: Output> Context<'_, H, O> {
    /// Appends a reply, unless the client wants none.
    pub(super) fn answer(&mut self, noreply: bool, reply: &[u8]) {
        if !noreply {
            self.output.extend_from_slice(reply);
        }
    }

    /// Turns a date, which is the wall clock's, into a moment of the caller's clock. No code is
    /// left of this where the two are the same.
    #[inline(always)]
    pub(super) fn resolve(&self, expiry: &mut Expiry) {
        if let Expiry::At(date) = expiry {
            *date = date.shifted(self.lead());
        }
    }

    /// How far `now` is ahead of the wall clock, in milliseconds.
    #[inline(always)]
    pub(super) fn lead(&self) -> i64 {
        self.now.ahead_of(self.host.unix_time(self.now))
    }

    /// Looks up an item, with another deadline from now on if `touch` is one, and replies with it:
    /// without the cas that the session does not show.
    #[inline(always)]
    pub(super) fn look_up(
        &mut self,
        config: &SessionConfig,
        key: Key<'_>,
        mut touch: Option<Expiry>,
        reply: impl FnOnce(&mut O, Option<&Item<'_>>),
    ) {
        if let Some(expiry) = &mut touch {
            self.resolve(expiry);
        }
        let (now, output) = (self.now, &mut *self.output);
        let cache = self.host.cache_for(&key);
        // Apart from the rest, where there is flash for it: an item that comes from either of two
        // calls has to be in memory.
        if cfg!(target_pointer_width = "64") && touch.is_none() {
            return reply(output, shown(config, cache.get(now, key)).as_ref());
        }
        let item = match touch {
            None => cache.get(now, key),
            Some(expiry) => cache.get_and_touch(now, key, expiry),
        };
        reply(output, shown(config, item).as_ref());
    }

    /// Refuses a store whose value has not arrived. A client that sets a value must never read the
    /// one before it.
    pub(super) fn too_large(&mut self, key: Key<'_>, sets: bool) {
        let cache = self.host.cache_for(&key);
        cache.count_too_large();
        if sets {
            cache.discard(self.now, key);
        }
    }

    /// Forgets all items, now or at a moment to come.
    pub(super) fn flush_all(&mut self, mut at: Option<Expiry>) {
        if let Some(at) = &mut at {
            self.resolve(at);
        }
        let at = at
            .and_then(|at| at.deadline(self.now))
            .filter(|&at| at > self.now);
        let now = self.now;
        self.host.for_each(|cache| match at {
            Some(at) => {
                // An earlier one that is due happens first.
                cache.maintain(now, 0);
                cache.flush_at(at);
            }
            None => cache.clear(),
        });
    }
}

/// An item as this session shows it.
#[inline(always)]
fn shown<'c>(config: &SessionConfig, item: Option<Item<'c>>) -> Option<Item<'c>> {
    let mut item = item?;
    if !config.cas_enabled {
        item.cas = None;
    }
    Some(item)
}
