//! `stats sizes`: how many items there are of each size. Nothing is counted while items come and
//! go; who asks pays for it, by going through all of them.

use std::collections::BTreeMap;
use std::io::Write;

use super::scan::Scan;
use super::{Answer, END, Task};
use crate::shards::View;

/// Sizes are told apart in steps of so many bytes.
const STEP: usize = 32;
/// Lines that are written at once.
const LINES: usize = 1000;

/// A count that is being made, or sent.
#[derive(Debug, Default)]
pub(crate) struct Sizes {
    scan: Scan,
    counted: bool,
    counts: BTreeMap<usize, u64>,
}

impl Sizes {
    pub(super) fn begin(view: &View<'_>, output: &mut Vec<u8>) -> Answer {
        if view.host().settings.options.memcached.tracks_sizes() {
            return Answer::Begun("", Task::Sizes(Self::default()));
        }
        output.extend_from_slice(b"STAT sizes_status disabled\r\n");
        output.extend_from_slice(END.as_bytes());
        Answer::Given
    }

    /// Counts some more items or sends some more counts; `false` if that was all.
    pub(super) fn resume(&mut self, view: &mut View<'_>, output: &mut Vec<u8>) -> bool {
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
            // Writing to a `Vec` does not fail.
            let _ = write!(output, "STAT {size} {count}\r\n");
        }
        true
    }
}
