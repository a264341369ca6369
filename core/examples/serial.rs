//! The protocol over a stream of bytes, such as a serial line: pieces of any size are buffered
//! until a request is complete.
//!
//! With the argument `-` it serves standard input until its end; under WASI, too.

use std::io::{self, Read, Write};

use dynamidb_core::{Cache, Config, Instant, Memory, Session, SessionConfig};

/// The most bytes that are read at once.
const PIECE: usize = 512;

/// Serves one client until the end of its input or until it quits. Returns whether it quit.
fn serve<M: Memory>(
    cache: &mut Cache<M>,
    mut from: impl Read,
    mut to: impl Write,
    now: impl Fn() -> Instant,
) -> io::Result<bool> {
    let mut session = Session::new(SessionConfig::default());
    let (mut input, mut output) = (Vec::new(), Vec::new());
    let mut piece = [0; PIECE];
    while !session.is_closed() {
        let len = from.read(&mut piece)?;
        if len == 0 {
            return Ok(false);
        }
        input.extend_from_slice(&piece[..len]);
        // Repeats while there is progress: the session may pause until its output is taken.
        loop {
            let used = session.process(now(), &input, cache, &mut output);
            input.drain(..used);
            let has_replied = !output.is_empty();
            to.write_all(&output)?;
            output.clear();
            if used == 0 && !has_replied {
                break;
            }
        }
        to.flush()?;
    }
    Ok(true)
}

/// A serial line from which a few bytes arrive at a time.
struct Line<'l> {
    bytes: &'l [u8],
    at_once: usize,
}

impl Read for Line<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.at_once.min(self.bytes.len()).min(buffer.len());
        self.bytes.read(&mut buffer[..len])
    }
}

fn main() -> Result<(), Box<dyn core::error::Error>> {
    let mut cache = Cache::new(Config::new(1 << 20))?;
    if std::env::args().nth(1).as_deref() == Some("-") {
        let start = std::time::Instant::now();
        let now = || Instant::from_secs(1) + start.elapsed();
        serve(&mut cache, io::stdin().lock(), io::stdout().lock(), now)?;
        return Ok(());
    }
    let bytes = b"SET t1 30 4\r\n21.5\r\nset t2 0 0 2\r\n19\r\nget t1 t2\r\nincr t2 1\r\nQUIT\r\n";
    let expected =
        "STORED\r\nSTORED\r\nVALUE t1 0 4\r\n21.5\r\nVALUE t2 0 2\r\n19\r\nEND\r\n20\r\nBYE\r\n";
    for at_once in [1, 3, PIECE] {
        let (line, mut replies) = (Line { bytes, at_once }, Vec::new());
        let now = || Instant::from_secs(1);
        assert!(
            serve(&mut cache, line, &mut replies, now)?,
            "the client quit"
        );
        assert_eq!(String::from_utf8(replies)?, expected, "{at_once} at once");
    }
    println!("the same replies, however the bytes arrived");
    Ok(())
}

#[test]
fn it_runs() {
    main().expect("I/O in memory does not fail");
}
