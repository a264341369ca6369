//! A snapshot that is read part by part, so that memory is that of the largest block.

use std::fs::File;
use std::io::{self, Read};

use dynamidb_core::snapshot::{Clocks, Part, Reader};

/// The name of the standard streams.
pub(super) const STANDARD: &str = "-";

/// Calls `on_part` with each part of a file and the bytes that it has.
///
/// # Errors
/// A line that says what is wrong with the file, or what `on_part` says.
pub(super) fn read(
    path: &str,
    clocks: Clocks,
    mut on_part: impl FnMut(Part<'_>, &[u8]) -> Result<(), String>,
) -> Result<(), String> {
    let mut input: Box<dyn Read> = match path {
        STANDARD => Box::new(io::stdin()),
        path => Box::new(File::open(path).map_err(|error| format!("{path}: {error}"))?),
    };
    let mut reader = Reader::new(clocks);
    let mut bytes = Vec::new();
    loop {
        let part = reader.next(&bytes);
        let (used, part) = part.map_err(|error| format!("{path}: {error}"))?;
        if let Part::Wanted(size) = part {
            let len = bytes.len();
            // What the file announces takes no memory before it is there.
            let mut missing = input.by_ref().take((size - len) as u64);
            let read = missing.read_to_end(&mut bytes);
            if read.map_err(|error| format!("{path}: {error}"))? == 0 {
                break;
            }
            continue;
        }
        on_part(part, &bytes[..used])?;
        bytes.drain(..used);
    }
    let count = reader.finish();
    count.map(drop).map_err(|error| format!("{path}: {error}"))
}
