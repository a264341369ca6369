//! Records a playground's session as the text of a scenario.

use core::fmt::Write as _;

use crate::playground::ADVANCE_MAX;
use crate::scenario::{self, MAGIC};
use crate::{Load, Settings};

/// The longest record. Beyond this, nothing is recorded.
const RECORD_MAX: usize = 4 << 20;

pub(crate) struct Record {
    text: String,
    started_at: u64,
    /// The time and the operations of the load since the last line.
    millis: u64,
    operations: u64,
    is_incomplete: bool,
}

impl Record {
    pub(crate) fn new(settings: &Settings, seed: u128, now: u64) -> Self {
        let mut text = format!("{MAGIC}\n");
        scenario::write_settings(settings, seed, now, &mut text);
        Self {
            text,
            started_at: now,
            millis: 0,
            operations: 0,
            is_incomplete: false,
        }
    }

    pub(crate) fn send(&mut self, client: u32, bytes: &[u8]) {
        self.flush();
        if self.text.len() + 2 * bytes.len() > RECORD_MAX {
            self.is_incomplete = true;
            return;
        }
        let name = scenario::client_name(client);
        match as_line(bytes) {
            Some(line) => self.line(format_args!("{name}: {line}")),
            None => {
                self.line(format_args!("{name}= "));
                self.text.pop();
                for byte in bytes {
                    let _ = write!(self.text, "{byte:02x}");
                }
                self.text.push('\n');
            }
        }
    }

    pub(crate) fn disconnect(&mut self, client: u32) {
        self.flush();
        let name = scenario::client_name(client);
        self.line(format_args!("hang-up {name}"));
    }

    pub(crate) fn wait(&mut self, millis: u64) {
        if self.operations > 0 || self.millis + millis > ADVANCE_MAX {
            self.flush();
        }
        self.millis += millis;
    }

    /// `now` is in milliseconds since the Unix epoch.
    pub(crate) fn set_clock(&mut self, now: u64) {
        self.flush();
        let since = now as i64 - self.started_at as i64;
        self.line(format_args!("jump {since}"));
    }

    pub(crate) fn start_load(&mut self, load: &Load, has_key_file: bool) {
        self.flush();
        self.is_incomplete |= has_key_file;
        let mut line = "load".to_owned();
        let mut load = load.clone();
        for (name, _, _, field) in Load::FIELDS {
            let _ = write!(line, " {name}={}", field(&mut load));
        }
        self.line(format_args!("{line}"));
    }

    pub(crate) fn run_load(&mut self, operations: u64) {
        if self.millis > 0 || self.operations + operations > u32::MAX.into() {
            self.flush();
        }
        self.operations += operations;
    }

    /// The whole text; `None` if a part is missing.
    pub(crate) fn text(&self) -> Option<String> {
        if self.is_incomplete {
            return None;
        }
        let mut text = self.text.clone();
        write_progress(self.millis, self.operations, &mut text);
        Some(text)
    }

    /// Writes the time and the operations since the last line.
    fn flush(&mut self) {
        if self.text.len() < RECORD_MAX {
            write_progress(self.millis, self.operations, &mut self.text);
        }
        (self.millis, self.operations) = (0, 0);
    }

    fn line(&mut self, line: core::fmt::Arguments<'_>) {
        if self.text.len() < RECORD_MAX {
            let _ = writeln!(self.text, "{line}");
        } else {
            self.is_incomplete = true;
        }
    }
}

/// One of the two is 0: the record is flushed in between.
fn write_progress(millis: u64, operations: u64, text: &mut String) {
    if millis > 0 {
        let _ = writeln!(text, "wait {millis}");
    }
    if operations > 0 {
        let _ = writeln!(text, "run {operations}");
    }
}

/// The message as a line, if it is one: printable text and CRLF.
fn as_line(bytes: &[u8]) -> Option<&str> {
    let text = core::str::from_utf8(bytes.strip_suffix(b"\r\n")?).ok()?;
    let is_plain = !text.chars().any(char::is_control);
    is_plain.then_some(text)
}
