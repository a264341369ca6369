//! `top`: what a server does, second by second, from two `stats` at a time.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use clap::Args;

use super::address::Address;
use super::clock;
use super::connection::{Connection, TIMEOUT};
use super::screen::Screen;
use super::server_args::ServerArgs;

/// From one look to the next.
const PERIOD: Duration = Duration::from_secs(1);

#[derive(Args, Debug)]
pub(super) struct Top {
    /// The same as --address
    #[arg(value_name = "ADDRESS", conflicts_with = "address")]
    at: Option<Address>,

    #[command(flatten)]
    server: ServerArgs,
}

/// The numbers of `stats` at one moment.
struct Sample {
    at: Instant,
    stats: BTreeMap<String, u64>,
}

/// What happened between two samples.
struct Report<'s> {
    old: &'s Sample,
    new: &'s Sample,
}

impl Top {
    /// Shows a screen until `q` or a signal; without a terminal a line each second, until nobody
    /// reads them.
    ///
    /// # Errors
    /// A line that says what is wrong.
    pub(super) fn run(&self) -> Result<(), String> {
        let target = self.server.server(self.at.as_ref())?;
        let mut server = target.connect(TIMEOUT)?;
        let mut old = Sample::take(&mut server)?;
        if !io::stdout().is_terminal() {
            let mut output = io::stdout().lock();
            let mut line = format!("{HEADING}\n");
            while output.write_all(line.as_bytes()).is_ok() && output.flush().is_ok() {
                std::thread::sleep(PERIOD);
                let new = Sample::take(&mut server)?;
                line = Report::new(&old, &new).line();
                old = new;
            }
            return Ok(());
        }
        let screen = Screen::open().map_err(|error| format!("the terminal: {error}"))?;
        while screen.goes_on(PERIOD) {
            let new = Sample::take(&mut server)?;
            let page = Report::new(&old, &new).page(target.address());
            if screen.show(&page).is_err() {
                break;
            }
            old = new;
        }
        Ok(())
    }
}

impl Sample {
    fn take(server: &mut Connection<'_>) -> Result<Self, String> {
        let mut stats = BTreeMap::new();
        server.stats(|name, value| {
            // The others are no numbers.
            if let Ok(value) = value.parse() {
                stats.insert(name.into(), value);
            }
        })?;
        Ok(Self {
            at: clock::monotonic(),
            stats,
        })
    }
}

const HEADING: &str =
    "    gets/s     sets/s   hits      items     memory  full  clients  evicted/s";

impl<'s> Report<'s> {
    const fn new(old: &'s Sample, new: &'s Sample) -> Self {
        Self { old, new }
    }

    fn now(&self, name: &str) -> u64 {
        self.new.stats.get(name).copied().unwrap_or_default()
    }

    /// How much more of it there is: none, if somebody has set it back to 0.
    fn more(&self, name: &str) -> u64 {
        let old = self.old.stats.get(name).copied().unwrap_or_default();
        self.now(name).saturating_sub(old)
    }

    /// The same for each second.
    fn rate(&self, name: &str) -> u64 {
        let millis = (self.new.at - self.old.at).as_millis().max(1);
        let rate = u128::from(self.more(name)) * 1000 / millis;
        u64::try_from(rate).unwrap_or(u64::MAX)
    }

    /// Of the lookups since the last sample, if there were any.
    fn hit_ratio(&self) -> String {
        let (hits, misses) = (self.more("get_hits"), self.more("get_misses"));
        percent(hits, hits.saturating_add(misses))
    }

    fn fill(&self) -> String {
        percent(self.now("bytes"), self.now("limit_maxbytes"))
    }

    fn line(&self) -> String {
        format!(
            "{:>10} {:>10} {:>6} {:>10} {:>10} {:>5} {:>8} {:>10}\n",
            self.rate("cmd_get"),
            self.rate("cmd_set"),
            self.hit_ratio(),
            self.now("curr_items"),
            size(self.now("bytes")),
            self.fill(),
            self.now("curr_connections"),
            self.rate("evictions"),
        )
    }

    fn page(&self, address: &Address) -> String {
        let mut page = format!("{address}, up {} s; q ends\n\n", self.now("uptime"));
        let mut row = |name: &str, text: String| {
            let _ = writeln!(page, "{name:<14}{text:>12}");
        };
        row("gets/s", self.rate("cmd_get").to_string());
        row("sets/s", self.rate("cmd_set").to_string());
        row("hit ratio", self.hit_ratio());
        row("items", self.now("curr_items").to_string());
        row("memory", size(self.now("bytes")));
        row("of", size(self.now("limit_maxbytes")));
        row("full", self.fill());
        row("evicted/s", self.rate("evictions").to_string());
        row("clients", self.now("curr_connections").to_string());
        row("connects/s", self.rate("total_connections").to_string());
        row("received/s", size(self.rate("bytes_read")));
        row("sent/s", size(self.rate("bytes_written")));
        page
    }
}

/// A part of a whole in percent, if there is a whole.
fn percent(part: u64, whole: u64) -> String {
    match u128::from(part) * 100 {
        _ if whole == 0 => "-".into(),
        part => format!("{}%", part / u128::from(whole)),
    }
}

/// A number of bytes in the largest unit of which there is one, with a digit after the point.
fn size(bytes: u64) -> String {
    let (bytes, units) = (u128::from(bytes), ["KiB", "MiB", "GiB", "TiB"]);
    let unit = (1..=units.len())
        .rev()
        .find(|&unit| bytes >= 1 << (10 * unit));
    match unit {
        None => format!("{bytes} B"),
        Some(unit) => {
            let tenths = (bytes * 10) >> (10 * unit);
            format!("{}.{} {}", tenths / 10, tenths % 10, units[unit - 1])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(at: Instant, stats: &[(&str, u64)]) -> Sample {
        let stats = stats.iter().map(|&(name, value)| (name.into(), value));
        Sample {
            at,
            stats: stats.collect(),
        }
    }

    #[test]
    fn rates_are_of_the_time_between_two_samples() {
        let at = clock::monotonic();
        let old = sample(at, &[("cmd_get", 100), ("cmd_set", 9), ("get_hits", 50)]);
        let stats = [
            ("cmd_get", 300),
            ("cmd_set", 0),
            ("get_hits", 140),
            ("get_misses", 10),
            ("bytes", 1 << 20),
            ("limit_maxbytes", 4 << 20),
        ];
        let new = sample(at + Duration::from_secs(2), &stats);
        let report = Report::new(&old, &new);
        let line = report.line();
        let words: Vec<_> = line.split_whitespace().collect();
        let expected = ["100", "0", "90%", "0", "1.0", "MiB", "25%", "0", "0"];
        assert_eq!(words, expected);
        assert_eq!(line.trim_end().len(), HEADING.len());
    }

    #[test]
    fn sizes_have_the_largest_unit_and_a_digit() {
        for (bytes, shown) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            ((1 << 20) - 1, "1023.9 KiB"),
            (1 << 20, "1.0 MiB"),
            (u64::MAX, "16777215.9 TiB"),
        ] {
            assert_eq!(size(bytes), shown);
        }
        assert_eq!(percent(1, 0), "-");
        assert_eq!(percent(u64::MAX, u64::MAX), "100%");
    }
}
