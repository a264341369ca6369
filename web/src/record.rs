//! Records a playground's session as the text of a scenario.

use alloc::string::String;

use crate::limits::ADVANCE_MAX;
use crate::text::{decimal, hexadecimal, joined};
use crate::{Load, Settings};

/// The first line of a scenario: its format and the version of it.
pub(crate) const MAGIC: &str = "dynamidb scenario 1";
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
        let mut text = joined(&[MAGIC, "\n"]);
        write_settings(settings, seed, now, &mut text);
        Self {
            text,
            started_at: now,
            millis: 0,
            operations: 0,
            is_incomplete: false,
        }
    }

    /// The session cannot be replayed: what it began with is not in the record.
    #[cfg(feature = "full")]
    pub(crate) const fn give_up(&mut self) {
        self.is_incomplete = true;
    }

    pub(crate) fn send(&mut self, client: u32, bytes: &[u8]) {
        self.flush();
        if self.text.len() + 2 * bytes.len() > RECORD_MAX {
            self.is_incomplete = true;
            return;
        }
        let name = client_name(client);
        match as_line(bytes) {
            Some(line) => self.line(&[name, ": ", line]),
            None => {
                let digits: String = bytes
                    .iter()
                    .map(|&byte| hexadecimal(byte.into(), 2))
                    .collect();
                self.line(&[name, "= ", &digits]);
            }
        }
    }

    pub(crate) fn disconnect(&mut self, client: u32) {
        self.flush();
        let name = client_name(client);
        self.line(&["hang-up ", name]);
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
        let sign = if since < 0 { "-" } else { "" };
        self.line(&["jump ", sign, &decimal(since.unsigned_abs())]);
    }

    pub(crate) fn start_load(&mut self, load: &Load, has_key_file: bool) {
        self.flush();
        self.is_incomplete |= has_key_file;
        let mut line = String::from("load");
        let mut load = load.clone();
        for (name, _, _, field) in Load::FIELDS {
            let value = decimal((*field(&mut load)).into());
            [" ", name, "=", &value]
                .iter()
                .for_each(|part| line.push_str(part));
        }
        self.line(&[&line]);
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

    fn line(&mut self, parts: &[&str]) {
        if self.text.len() < RECORD_MAX {
            push_line(&mut self.text, parts);
        } else {
            self.is_incomplete = true;
        }
    }
}

fn push_line(text: &mut String, parts: &[&str]) {
    parts.iter().for_each(|part| text.push_str(part));
    text.push('\n');
}

/// One of the two is 0: the record is flushed in between.
fn write_progress(millis: u64, operations: u64, text: &mut String) {
    if millis > 0 {
        push_line(text, &["wait ", &decimal(millis)]);
    }
    if operations > 0 {
        push_line(text, &["run ", &decimal(operations)]);
    }
}

/// The message as a line, if it is one: printable text and CRLF.
fn as_line(bytes: &[u8]) -> Option<&str> {
    let text = core::str::from_utf8(bytes.strip_suffix(b"\r\n")?).ok()?;
    let is_plain = !text.chars().any(char::is_control);
    is_plain.then_some(text)
}

/// Writes the first lines of a scenario: those that differ from the defaults.
fn write_settings(settings: &Settings, seed: u128, start: u64, text: &mut String) {
    let defaults = Settings::new(settings.memory);
    let mut line = |name: &str, value: &str| push_line(text, &[name, " ", value]);
    line("memory", &decimal(settings.memory.into()));
    if let Some(max) = settings.max_items {
        line("max-items", &decimal(max.into()));
    }
    if settings.item_size_max != defaults.item_size_max {
        line("item-size-max", &decimal(settings.item_size_max.into()));
    }
    if settings.slab_sizes != defaults.slab_sizes {
        let mut sizes = String::new();
        for (at, &size) in settings.slab_sizes.iter().enumerate() {
            sizes.push_str(if at == 0 { "" } else { "," });
            sizes.push_str(&decimal(size.into()));
        }
        line("slab-sizes", &sizes);
    }
    let policies = Settings::POLICIES.iter();
    let named = { policies }.find(|(_, policy)| *policy == settings.policy);
    if let Some((name, _)) = named.filter(|_| settings.policy != defaults.policy) {
        line("policy", name);
    }
    if let Some((name, _)) = Settings::DIALECTS
        .iter()
        .find(|(_, dialect)| *dialect == settings.dialect)
    {
        line("dialect", name);
    }
    line("seed", &hexadecimal(seed, 1));
    line("start", &decimal(start));
}

/// The name of a client: A to Z.
fn client_name(client: u32) -> &'static str {
    let names = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    names
        .get(client as usize..=client as usize)
        .unwrap_or_default()
}
