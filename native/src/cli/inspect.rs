//! `inspect`: what is in a snapshot.

use std::io::{self, Write};
use std::time::Duration;

use clap::Args;
use dynamidb_core::snapshot::{Header, Part, Record};

use super::clock;
use super::snapshot_file;

#[derive(Args, Debug)]
pub(super) struct Inspect {
    /// A file of --state or of `export`; - is the standard input
    file: String,
}

/// The rows of the table of times: each up to this many seconds.
const ROWS: [(&str, u64); 6] = [
    ("up to a minute", 60),
    ("up to an hour", 3600),
    ("up to a day", 86_400),
    ("up to a week", 604_800),
    ("up to 30 days", 2_592_000),
    ("more", u64::MAX),
];

/// What was counted.
#[derive(Debug, Default)]
struct Summary {
    version: u16,
    header: Option<Header>,
    bytes: u64,
    blocks: u64,
    items: u64,
    keys: u64,
    values: u64,
    largest_value: usize,
    last_cas: u64,
    with_flags: u64,
    expired: u64,
    never: u64,
    /// How many items expire in, and were not used for, the time of each row.
    ttls: [u64; ROWS.len()],
    ages: [u64; ROWS.len()],
}

impl Inspect {
    /// Prints it.
    ///
    /// # Errors
    /// A line that says what is wrong with the file.
    pub(super) fn run(&self) -> Result<(), String> {
        let mut summary = Summary::default();
        snapshot_file::read(&self.file, clock::clocks(), |part, bytes| {
            summary.add(part, bytes);
            Ok(())
        })?;
        // The reader may be gone.
        let _ = summary.print(&self.file, &mut io::stdout().lock());
        Ok(())
    }
}

impl Summary {
    fn add(&mut self, part: Part<'_>, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        match part {
            Part::Header(header) => {
                self.header = Some(header);
                // Where all versions of the format have it.
                self.version = bytes[8..]
                    .first_chunk()
                    .map_or(0, |version| u16::from_le_bytes(*version));
            }
            Part::Block(block) => {
                self.blocks += 1;
                self.last_cas = block.last_cas();
                block.records().for_each(|record| self.add_item(&record));
            }
            _ => {}
        }
    }

    fn add_item(&mut self, record: &Record<'_>) {
        self.items += 1;
        self.keys += record.key.len() as u64;
        self.values += record.value.len() as u64;
        self.largest_value = self.largest_value.max(record.value.len());
        self.with_flags += u64::from(record.flags != 0);
        self.ages[row(record.idle)] += 1;
        match record.expires_in {
            None => self.never += 1,
            Some(Duration::ZERO) => self.expired += 1,
            Some(time) => self.ttls[row(time)] += 1,
        }
    }

    fn print(&self, name: &str, output: &mut impl Write) -> io::Result<()> {
        let Self {
            version,
            bytes,
            blocks,
            items,
            ..
        } = self;
        writeln!(
            output,
            "{name}: a snapshot, version {version}, {bytes} bytes"
        )?;
        let saved_at = self.header.and_then(|header| header.saved_at);
        match saved_at {
            Some(at) => writeln!(output, "saved at        {}", clock::date(at))?,
            None => writeln!(output, "saved at        unknown: there was no clock")?,
        }
        let in_order = self.header.is_some_and(|header| header.in_order);
        let order = if in_order { "of use" } else { "none" };
        writeln!(output, "order           {order}")?;
        writeln!(output, "verified        all {blocks} blocks")?;
        writeln!(output, "items           {items}")?;
        writeln!(output, "bytes of keys   {}", self.keys)?;
        writeln!(output, "bytes of values {}", self.values)?;
        writeln!(output, "largest value   {}", self.largest_value)?;
        writeln!(output, "with flags      {}", self.with_flags)?;
        writeln!(output, "last cas        {}", self.last_cas)?;
        writeln!(output)?;
        writeln!(
            output,
            "{:<16}{:>12}{:>12}",
            "items", "expire in", "unused for"
        )?;
        for ((name, _), (ttl, age)) in ROWS.iter().zip(self.ttls.iter().zip(&self.ages)) {
            writeln!(output, "{name:<16}{ttl:>12}{age:>12}")?;
        }
        writeln!(output, "{:<16}{:>12}", "never", self.never)?;
        writeln!(output, "{:<16}{:>12}", "have expired", self.expired)
    }
}

/// The first row that a time is within, in whole seconds.
fn row(time: Duration) -> usize {
    let is_within =
        |(_, limit): &(&str, u64)| time.as_secs() < *limit || time == Duration::from_secs(*limit);
    ROWS.iter().position(is_within).unwrap_or(ROWS.len() - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_in_the_first_row_that_it_does_not_exceed() {
        for (millis, expected) in [
            (0, 0),
            (60_000, 0),
            (60_001, 1),
            (3_600_000, 1),
            (3_600_001, 2),
            (2_592_000_000, 4),
            (2_592_000_001, 5),
        ] {
            assert_eq!(row(Duration::from_millis(millis)), expected, "{millis}");
        }
        assert_eq!(row(Duration::MAX), 5);
    }
}
