//! A cache as the bytes of a file, and back.

use dynamidb_core::snapshot::{BufferTooSmall, Clocks, Part, ReadError, Reader, Record, Restored};
use dynamidb_core::{Cache, Instant};
use wasm_bindgen::prelude::*;

use crate::buffers::{location, with};
use crate::{Engine, OUT_OF_MEMORY, Receiver, STORED, instant};

/// What `feed` and `finish` return besides [`STORED`] and [`OUT_OF_MEMORY`]. `js/errors.ts` has the
/// same list.
const FOREIGN: u32 = 6;
const NEWER: u32 = 7;
const CORRUPTED: u32 = 8;
const TRUNCATED: u32 = 9;

/// How long a piece of a file is, but for a larger item.
const PIECE: usize = 256 * 1024;

/// What the flags of a value say it is. `js/memory.ts` has the same list.
const ASCII: u32 = 0;
const TEXT: u32 = 1;
const BYTES: u32 = 2;

#[wasm_bindgen]
impl Engine {
    /// Passes on the pieces of a snapshot. `unix` is the wall clock. Returns a status.
    pub fn save(&self, now: f64, unix: f64, receiver: &Receiver) -> u32 {
        let mut save = self.cache.save(clocks(now, unix));
        let (mut buffer, mut wanted) = (Vec::new(), PIECE);
        loop {
            if buffer.try_reserve_exact(wanted - buffer.len()).is_err() {
                return OUT_OF_MEMORY;
            }
            buffer.resize(wanted, 0);
            match save.next(&mut buffer) {
                Ok([]) => return STORED,
                Ok(piece) => {
                    let [address, len] = location(piece);
                    receiver.receive(address, len, false);
                }
                Err(BufferTooSmall(size)) => wanted = size,
            }
        }
    }
}

/// A snapshot that is being restored.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Restore {
    now: Instant,
    reader: Reader,
    /// Bytes of a part that is not whole yet.
    input: Vec<u8>,
    restored: Restored,
}

#[wasm_bindgen]
impl Restore {
    /// Begins one, at these times.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(now: f64, unix: f64) -> Self {
        let clocks = clocks(now, unix);
        Self {
            now: clocks.now,
            reader: Reader::new(clocks),
            input: Vec::new(),
            restored: Restored::default(),
        }
    }

    /// Takes the next bytes, `len` of them in the buffer for values, and stores what they complete.
    /// Returns a status.
    pub fn feed(&mut self, engine: &mut Engine, len: usize) -> u32 {
        let is_copied = with(|buffers| {
            let bytes = buffers.input(len);
            let has_room = self.input.try_reserve(bytes.len()).is_ok();
            if has_room {
                self.input.extend_from_slice(bytes);
            }
            has_room
        });
        if !is_copied {
            return OUT_OF_MEMORY;
        }
        let input = core::mem::take(&mut self.input);
        let mut rest = &input[..];
        loop {
            match self.take_part(&mut engine.cache, rest) {
                Ok(0) => break,
                Ok(used) => rest = &rest[used..],
                Err(error) => return status(error),
            }
        }
        let used = input.len() - rest.len();
        self.input = input;
        self.input.drain(..used);
        STORED
    }

    fn take_part(&mut self, cache: &mut Cache, input: &[u8]) -> Result<usize, ReadError> {
        let (used, part) = self.reader.next(input)?;
        // Items in no order stay so: those of a compact cache have no times to sort them by.
        if let Part::Block(block) = part {
            cache.resume_cas(block.last_cas());
            for record in block.records() {
                self.store(cache, record);
            }
        }
        Ok(used)
    }

    fn store(&mut self, cache: &mut Cache, mut record: Record<'_>) {
        if core::str::from_utf8(record.key).is_err() {
            // No string is that key.
            self.restored.refused += 1;
            return;
        }
        record.flags = kind(record.value, record.flags);
        self.restored.count(cache.restore(self.now, &record));
    }

    /// Whether that was all. Returns a status.
    #[must_use]
    pub fn finish(&self) -> u32 {
        self.reader.clone().finish().map_or_else(status, |_| STORED)
    }

    /// How many items were stored, had expired, and were refused.
    #[must_use]
    pub fn count(&self, index: usize) -> f64 {
        let Restored {
            stored,
            expired,
            refused,
            ..
        } = self.restored;
        [stored, expired, refused]
            .get(index)
            .map_or(f64::NAN, |&count| count as f64)
    }
}

/// What a value is: the file may be a server's, whose flags mean something else, and nothing has
/// checked that text is text.
fn kind(value: &[u8], flags: u32) -> u32 {
    match flags {
        BYTES => BYTES,
        _ if value.is_ascii() => ASCII,
        _ if core::str::from_utf8(value).is_ok() => TEXT,
        _ => BYTES,
    }
}

fn clocks(now: f64, unix: f64) -> Clocks {
    Clocks::new(instant(now)).unix(instant(unix))
}

const fn status(error: ReadError) -> u32 {
    match error {
        ReadError::Foreign => FOREIGN,
        ReadError::Newer(_) => NEWER,
        ReadError::Truncated => TRUNCATED,
        _ => CORRUPTED,
    }
}
