//! The progress of a command, on a terminal.

use std::io::{self, IsTerminal, Write};

/// How many items go by from one report to the next.
const STEP: u64 = 10_000;

pub(super) struct Progress {
    is_shown: bool,
    next: u64,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self {
            is_shown: io::stderr().is_terminal(),
            next: STEP,
        }
    }

    pub(super) fn show(&mut self, items: u64) {
        if self.is_shown && items >= self.next {
            self.next = items + STEP;
            let _ = write!(io::stderr(), "\r{items} items");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
