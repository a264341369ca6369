//! What was done to a playground, in the words of a scenario.

use core::fmt::Write as _;

use crate::playground::ADVANCE_MAX;
use crate::scenario::{self, MAGIC};
use crate::{Load, Settings};

/// The longest record. Beyond this nothing is written down any more.
const RECORD_MAX: usize = 4 << 20;

pub(crate) struct Record {
    text: String,
    began: u64,
    /// Time that has passed, and operations of the load that were done, since the last line.
    waited: u64,
    ran: u64,
    is_incomplete: bool,
}

impl Record {
    pub(crate) fn new(settings: &Settings, seed: u128, now: u64) -> Self {
        let mut text = format!("{MAGIC}\n");
        scenario::write_settings(settings, seed, now, &mut text);
        Self {
            text,
            began: now,
            waited: 0,
            ran: 0,
            is_incomplete: false,
        }
    }

    pub(crate) fn say(&mut self, client: u32, bytes: &[u8]) {
        self.settle();
        if self.text.len() + 2 * bytes.len() > RECORD_MAX {
            self.is_incomplete = true;
            return;
        }
        let name = scenario::client_name(client);
        match line(bytes) {
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

    pub(crate) fn hang_up(&mut self, client: u32) {
        self.settle();
        let name = scenario::client_name(client);
        self.line(format_args!("hang-up {name}"));
    }

    pub(crate) fn wait(&mut self, millis: u64) {
        if self.ran > 0 || self.waited + millis > ADVANCE_MAX {
            self.settle();
        }
        self.waited += millis;
    }

    /// To this time, in milliseconds since the Unix epoch.
    pub(crate) fn jump(&mut self, now: u64) {
        self.settle();
        let since = now as i64 - self.began as i64;
        self.line(format_args!("jump {since}"));
    }

    pub(crate) fn load(&mut self, load: &Load, is_file: bool) {
        self.settle();
        self.is_incomplete |= is_file;
        let mut line = "load".to_owned();
        let mut load = load.clone();
        for (name, _, _, field) in Load::FIELDS {
            let _ = write!(line, " {name}={}", field(&mut load));
        }
        self.line(format_args!("{line}"));
    }

    pub(crate) fn run(&mut self, operations: u64) {
        if self.waited > 0 || self.ran + operations > u32::MAX.into() {
            self.settle();
        }
        self.ran += operations;
    }

    /// All of it; nothing if a part is missing.
    pub(crate) fn text(&self) -> Option<String> {
        if self.is_incomplete {
            return None;
        }
        let mut text = self.text.clone();
        write_passed(self.waited, self.ran, &mut text);
        Some(text)
    }

    /// Writes what has gone on up to now.
    fn settle(&mut self) {
        if self.text.len() < RECORD_MAX {
            write_passed(self.waited, self.ran, &mut self.text);
        }
        (self.waited, self.ran) = (0, 0);
    }

    fn line(&mut self, line: core::fmt::Arguments<'_>) {
        if self.text.len() < RECORD_MAX {
            let _ = writeln!(self.text, "{line}");
        } else {
            self.is_incomplete = true;
        }
    }
}

/// Never both: a record settles in between.
fn write_passed(waited: u64, ran: u64, text: &mut String) {
    if waited > 0 {
        let _ = writeln!(text, "wait {waited}");
    }
    if ran > 0 {
        let _ = writeln!(text, "run {ran}");
    }
}

/// The message as a line, if it is one: text that can be seen, ended by CRLF.
fn line(bytes: &[u8]) -> Option<&str> {
    let text = core::str::from_utf8(bytes.strip_suffix(b"\r\n")?).ok()?;
    let is_plain = !text.chars().any(char::is_control);
    is_plain.then_some(text)
}
