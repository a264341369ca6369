//! The progress of a command, on a terminal.

use std::io::{self, IsTerminal, Write};

/// How many items go by from one report to the next, if nobody knows how many there are.
const STEP: u64 = 10_000;
/// How many reports there are otherwise.
const REPORTS: u64 = 100;
const BAR_WIDTH: u64 = 30;

pub(super) struct Progress {
    is_shown: bool,
    /// How many items there are.
    total: Option<u64>,
    next: u64,
}

impl Progress {
    pub(super) fn new(total: Option<u64>) -> Self {
        Self {
            is_shown: io::stderr().is_terminal(),
            total,
            next: 0,
        }
    }

    pub(super) fn show(&mut self, items: u64) {
        if self.is_shown && items >= self.next {
            let step = self.total.map_or(STEP, |total| total.div_ceil(REPORTS));
            self.next = items + step.max(1);
            let _ = write!(io::stderr(), "\r{}\x1b[K", report(items, self.total));
        }
    }
}

/// A bar, or only how many items there were.
fn report(items: u64, total: Option<u64>) -> String {
    let Some(total) = total.filter(|total| *total > 0) else {
        return format!("{items} items");
    };
    // More may have come meanwhile.
    let part = |whole: u64| u128::from(items.min(total)) * u128::from(whole) / u128::from(total);
    let filled = usize::try_from(part(BAR_WIDTH)).unwrap_or_default();
    let bar = "#".repeat(filled);
    let (width, percent) = (BAR_WIDTH as usize, part(100));
    format!("[{bar:-<width$}] {percent:>3}%  {items} of {total} items")
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_full_when_all_items_have_gone_by() {
        for (items, total, shown) in [
            (
                0,
                Some(10),
                "[------------------------------]   0%  0 of 10 items",
            ),
            (
                5,
                Some(10),
                "[###############---------------]  50%  5 of 10 items",
            ),
            (
                11,
                Some(10),
                "[##############################] 100%  11 of 10 items",
            ),
            (u64::MAX, Some(0), "18446744073709551615 items"),
            (7, None, "7 items"),
        ] {
            assert_eq!(report(items, total), shown);
        }
    }
}
