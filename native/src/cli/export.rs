//! `export`: the items of a running server become a snapshot. All that it needs is in memcached's
//! protocol: a list of keys comes on one connection, and on the other one the items are fetched.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::time::{Duration, Instant};

use clap::Args;
use dynamidb_core::Cas;
use dynamidb_core::snapshot::{BLOCK_SIZE_MAX, BufferTooSmall, Record, Writer};

use super::clock;
use super::connection::{Connection, TIMEOUT};
use super::key;
use super::progress::Progress;
use super::server_args::ServerArgs;
use super::snapshot_file::STANDARD;

/// Bytes of requests that are sent before their replies are read. They fit into the buffers of any
/// connection: a server that waits for its replies to be read cannot make us wait for it.
const BATCH_SIZE: usize = 8 << 10;
/// Bytes of a block, if its items are not larger.
const BLOCK_SIZE: usize = 256 << 10;
/// The largest value that a snapshot has.
const VALUE_MAX: u64 = 16 << 20;

#[derive(Args, Debug)]
pub(super) struct Export {
    /// The snapshot to write; - is the standard output
    file: String,

    #[command(flatten)]
    server: ServerArgs,
}

impl Export {
    /// Writes the file, which appears when it is complete.
    ///
    /// # Errors
    /// A line that says what is wrong.
    pub(super) fn run(&self) -> Result<(), String> {
        if self.file == STANDARD {
            if io::stdout().is_terminal() {
                return Err("a snapshot is nothing for a terminal: name a file".into());
            }
            return self.write(io::stdout().lock()).map(drop);
        }
        let part = format!("{}.part", self.file);
        let outcome = create(&part)
            .map_err(|error| format!("{part}: {error}"))
            .and_then(|file| self.write(file))
            .and_then(|file| {
                let kept = file.sync_all();
                let kept = kept.and_then(|()| fs::rename(&part, &self.file));
                kept.map_err(|error| format!("{}: {error}", self.file))
            });
        if outcome.is_err() {
            let _ = fs::remove_file(&part);
        }
        outcome
    }

    fn write<W: Write>(&self, output: W) -> Result<W, String> {
        let server = self.server.server(None)?;
        let mut keys = server.connect(TIMEOUT)?;
        let mut fetch = Fetch {
            server: server.connect(TIMEOUT)?,
            writer: Writer::unordered(clock::clocks()),
            started: clock::monotonic(),
            output: BufWriter::new(output),
            file: &self.file,
            requests: Vec::new(),
            buffer: vec![0; BLOCK_SIZE],
            last_cas: 0,
            listed: 0,
            refused: 0,
        };
        fetch.put(&fetch.writer.header())?;
        let mut items = None;
        keys.stats(|name, value| {
            if name == "curr_items" {
                items = value.parse().ok();
            }
        })?;
        let mut progress = Progress::new(items);
        keys.send(b"lru_crawler metadump all\r\n")?;
        let mut line = Vec::new();
        loop {
            keys.read_line(&mut line)?;
            match &*line {
                b"END" => break,
                // Later versions of memcached begin with it.
                b"OK" => continue,
                _ => {}
            }
            let word = line.strip_prefix(b"key=");
            let word = word.and_then(|rest| rest.split(|byte| *byte == b' ').next());
            let key = word.and_then(key::decode_percent);
            let key = key.ok_or_else(|| keys.unexpected(&line))?;
            fetch.request(&key)?;
            progress.show(fetch.listed);
        }
        fetch.take_replies()?;
        fetch.put(&fetch.writer.end())?;
        drop(progress);
        let (items, refused) = (fetch.writer.items(), fetch.refused);
        let vanished = fetch.listed.saturating_sub(items + refused);
        // Whoever started it may have closed the standard error.
        let _ = writeln!(
            io::stderr(),
            "{}: {items} items exported, {vanished} vanished meanwhile, {refused} refused",
            server.address()
        );
        let file = &self.file;
        let output = fetch.output.into_inner();
        output.map_err(|error| format!("{file}: {}", error.error()))
    }
}

/// Nobody else may read what is in a cache.
fn create(path: &str) -> io::Result<File> {
    let _ = fs::remove_file(path);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600).open(path)
}

/// Items on their way from the server to the file.
struct Fetch<'a, W: Write> {
    server: Connection<'a>,
    writer: Writer,
    /// The times of the file count from then.
    started: Instant,
    output: BufWriter<W>,
    /// The name of the output.
    file: &'a str,
    /// Requests that are not sent yet.
    requests: Vec<u8>,
    buffer: Vec<u8>,
    last_cas: u64,
    listed: u64,
    refused: u64,
}

impl<W: Write> Fetch<'_, W> {
    /// Asks for an item, sooner or later.
    fn request(&mut self, key: &[u8]) -> Result<(), String> {
        self.listed += 1;
        let len = self.requests.len();
        self.requests.extend_from_slice(b"mg ");
        if !key::push_key(&mut self.requests, key) {
            // It came by the binary protocol.
            self.requests.truncate(len);
            self.refused += 1;
            return Ok(());
        }
        // An export is no use of an item.
        self.requests.extend_from_slice(b" u f t c l h k q v\r\n");
        if self.requests.len() < BATCH_SIZE {
            return Ok(());
        }
        self.take_replies()
    }

    /// Sends the requests, and writes what is replied.
    fn take_replies(&mut self) -> Result<(), String> {
        self.requests.extend_from_slice(b"mn\r\n");
        self.server.send(&self.requests)?;
        self.requests.clear();
        let (mut line, mut value) = (Vec::new(), Vec::new());
        let mut block = self.writer.block(&mut self.buffer);
        loop {
            self.server.read_line(&mut line)?;
            if line == b"MN" {
                break;
            }
            if line.starts_with(b"CLIENT_ERROR ") || line.starts_with(b"SERVER_ERROR ") {
                self.refused += 1;
                continue;
            }
            let reply = Reply::parse(&line).ok_or_else(|| self.server.unexpected(&line))?;
            if reply.size > VALUE_MAX {
                self.server.skip_block(reply.size)?;
                self.refused += 1;
                continue;
            }
            self.server.read_block(&mut value, reply.size)?;
            self.last_cas = self.last_cas.max(reply.cas);
            let record = reply.record(&value, self.started.elapsed());
            while let Err(BufferTooSmall(size)) = block.push(&record) {
                let is_alone = block.is_empty();
                let bytes = self.writer.seal(block, self.last_cas);
                put(&mut self.output, self.file, bytes)?;
                if is_alone && size > BLOCK_SIZE_MAX {
                    self.refused += 1;
                    block = self.writer.block(&mut self.buffer);
                    break;
                }
                if is_alone {
                    self.buffer.resize(size, 0);
                }
                block = self.writer.block(&mut self.buffer);
            }
        }
        let bytes = self.writer.seal(block, self.last_cas);
        put(&mut self.output, self.file, bytes)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), String> {
        put(&mut self.output, self.file, bytes)
    }
}

fn put(output: &mut impl Write, file: &str, bytes: &[u8]) -> Result<(), String> {
    let written = output.write_all(bytes);
    written.map_err(|error| format!("{file}: {error}"))
}

/// The first line of a reply to `mg`.
#[derive(Debug, Default, Eq, PartialEq)]
struct Reply {
    size: u64,
    key: Vec<u8>,
    flags: u32,
    cas: u64,
    expires_in: Option<Duration>,
    idle: Duration,
    fetched: bool,
    base64: bool,
    stale: bool,
    won: bool,
}

impl Reply {
    fn parse(line: &[u8]) -> Option<Self> {
        let mut words = line.split(|byte| *byte == b' ');
        if words.next()? != b"VA" {
            return None;
        }
        let size = number(words.next()?)?;
        let mut reply = Self {
            size,
            ..Self::default()
        };
        for word in words.filter(|word| !word.is_empty()) {
            let (flag, text) = word.split_first()?;
            match flag {
                b'f' => reply.flags = number(text)?,
                b'c' => reply.cas = number(text)?,
                b't' if text == b"-1" => {}
                b't' => reply.expires_in = Some(Duration::from_secs(number(text)?)),
                b'l' => reply.idle = Duration::from_secs(number(text)?),
                b'h' => reply.fetched = text == b"1",
                b'k' => reply.key = text.into(),
                b'b' => reply.base64 = true,
                b'X' => reply.stale = true,
                // Somebody else was told to renew it. What this command is told, it does not do.
                b'Z' => reply.won = true,
                _ => {}
            }
        }
        if reply.base64 {
            reply.key = key::decode_base64(&reply.key)?;
        }
        (1..=key::KEY_MAX)
            .contains(&reply.key.len())
            .then_some(reply)
    }

    /// The item, this long after the start of the file.
    fn record<'r>(&'r self, value: &'r [u8], elapsed: Duration) -> Record<'r> {
        let mut record = Record::new(&self.key, value);
        record.flags = self.flags;
        record.cas = Cas::new(self.cas);
        record.expires_in = self.expires_in.map(|time| time.saturating_add(elapsed));
        record.idle = self.idle.saturating_sub(elapsed);
        record.fetched = self.fetched;
        record.base64 = self.base64;
        record.stale = self.stale;
        record.won = self.won;
        record
    }
}

fn number<N: std::str::FromStr>(text: &[u8]) -> Option<N> {
    str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_has_all_that_a_record_has() {
        let reply = Reply::parse(b"VA 5 f7 t60 c9 l3 h1 kYSBi b X Z").unwrap();
        let expected = Reply {
            size: 5,
            key: b"a b".into(),
            flags: 7,
            cas: 9,
            expires_in: Some(Duration::from_secs(60)),
            idle: Duration::from_secs(3),
            fetched: true,
            base64: true,
            stale: true,
            won: true,
        };
        assert_eq!(reply, expected);
        let record = reply.record(b"hello", Duration::from_secs(2));
        assert_eq!(record.expires_in, Some(Duration::from_secs(62)));
        assert_eq!(record.idle, Duration::from_secs(1));
        let never = Reply::parse(b"VA 0 f0 t-1 c0 l0 h0 kk").unwrap();
        assert_eq!((never.expires_in, never.cas), (None, 0));
        for wrong in [
            &b"EN"[..],
            b"VA",
            b"VA x",
            b"VA 1 k",
            b"VA 1 kk fx",
            b"HD kk",
        ] {
            assert_eq!(Reply::parse(wrong), None);
        }
    }
}
