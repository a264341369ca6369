//! `stats sizes`: how many items there are of each size. It is not counted when items are stored,
//! but by a scan of all items when a client asks.

use std::collections::BTreeMap;
use std::fmt::Write;

use dynamidb_core::Output;

use crate::server::admin::reply::END;
use crate::server::admin::scan::Scan;
use crate::server::view::View;

/// Sizes are rounded up to a multiple of this.
const STEP: usize = 32;
/// How many lines are written at once.
const LINES: usize = 1000;

/// A count in progress: first of items, then sent by size.
#[derive(Debug, Default)]
pub(crate) struct Sizes {
    scan: Scan,
    counted: bool,
    counts: BTreeMap<usize, u64>,
}

impl Sizes {
    /// Counts some more items or sends some more counts; `false` if there are no more.
    pub(super) fn resume(&mut self, view: &mut View<'_>, output: &mut dyn Output) -> bool {
        if !self.counted {
            let counts = &mut self.counts;
            self.counted = !self.scan.step(view, |view| {
                *counts.entry(view.size.next_multiple_of(STEP)).or_default() += 1;
            });
            return true;
        }
        for _ in 0..LINES {
            let Some((size, count)) = self.counts.pop_first() else {
                output.extend_from_slice(END.as_bytes());
                return false;
            };
            // Writing does not fail.
            let _ = write!(output, "STAT {size} {count}\r\n");
        }
        true
    }
}
