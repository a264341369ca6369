//! Requests that people type, and the replies to them, whatever they are.
//!
//! The end of a reply depends on the request in many ways. So each request is followed by one whose
//! reply is known, and what comes before that reply belongs to the request.

use std::io;

use dynamidb_core::help::Group;

use super::connection::{Connection, TIMEOUT};
use super::printer::{Printer, is_error};
use super::request::{command_of, words};
use super::server_args::Server;

/// A request whose reply shows that all before it was answered.
struct Sync {
    request: &'static [u8],
    /// How the line of its reply begins by which it is known, and the last line of the reply.
    reply: &'static [u8],
    last: &'static [u8],
}

/// The meta command for just that. A memcached before 1.6 does not have it.
const NOOP: Sync = Sync {
    request: b"mn\r\n",
    reply: b"MN",
    last: b"MN",
};
/// For servers that speak only DynamiDB's dialect.
const HELP: Sync = Sync {
    request: b"HELP HELP\r\n",
    reply: b"HELP [",
    last: b"END",
};

impl Sync {
    /// Whether the server has this request.
    fn is_known(&self, connection: &mut Connection<'_>) -> Result<bool, String> {
        connection.send(self.request)?;
        let mut line = Vec::new();
        connection.read_line(&mut line)?;
        if line == b"ERROR" {
            return Ok(false);
        }
        if !line.starts_with(self.reply) {
            return Err(connection.unexpected(&line));
        }
        while line != self.last {
            connection.read_line(&mut line)?;
        }
        Ok(true)
    }
}

/// Which commands a server has.
#[derive(Clone, Copy, Default)]
struct Dialects {
    memcached: bool,
    own: bool,
}

/// A conversation with a server. It reconnects if the connection has ended.
pub(super) struct Session<'s> {
    server: &'s Server,
    printer: Printer,
    open: Option<(Connection<'s>, &'static Sync)>,
    dialects: Dialects,
}

/// What came of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Outcome {
    Answered,
    /// Answered by an error.
    Refused,
    /// The server has closed the connection, as it was asked to or after it refused the request.
    Closed,
}

impl<'s> Session<'s> {
    pub(super) fn new(server: &'s Server) -> Self {
        Self {
            server,
            printer: Printer::new(),
            open: None,
            dialects: Dialects::default(),
        }
    }

    /// Connects, if the server is not connected, or no longer.
    ///
    /// # Errors
    /// A line that says what is wrong.
    pub(super) fn connect(&mut self) -> Result<(), String> {
        if let Some((connection, _)) = &mut self.open
            && connection.is_closed()
        {
            self.open = None;
        }
        if self.open.is_some() {
            return Ok(());
        }
        let mut connection = self.server.connect(TIMEOUT)?;
        let [memcached, own] = [&NOOP, &HELP].map(|sync| sync.is_known(&mut connection));
        let (memcached, own) = (memcached?, own?);
        let dialects = Dialects { memcached, own };
        self.open = match (memcached, own) {
            (true, _) => Some((connection, &NOOP)),
            (false, true) => Some((connection, &HELP)),
            (false, false) => {
                let address = self.server.address();
                return Err(format!(
                    "{address} has no meta commands; memcached has them since 1.6"
                ));
            }
        };
        self.dialects = dialects;
        Ok(())
    }

    /// Sends a request, a line and its value, and prints the replies.
    ///
    /// # Errors
    /// A line that says what is wrong. The next request connects again.
    pub(super) fn request(&mut self, line: &[u8], value: Option<&[u8]>) -> Result<Outcome, String> {
        // To a server, a line that begins with a space has no verb: its value would be a command.
        let spaces = line.iter().take_while(|byte| **byte == b' ').count();
        let line = &line[spaces..];
        self.connect()?;
        if value.is_some() {
            self.check_dialect(line)?;
        }
        let Some((mut connection, sync)) = self.open.take() else {
            return Ok(Outcome::Closed);
        };
        let verb = words(line).next().unwrap_or_default();
        let mut request = [line, b"\r\n"].concat();
        for part in value.iter().flat_map(|value| [value, &b"\r\n"[..]]) {
            request.extend_from_slice(part);
        }
        if verb == b"watch" {
            connection.send(&request)?;
            return self.watch(connection, sync);
        }
        request.extend_from_slice(sync.request);
        // A server that has closed the connection may have said why.
        let sent = connection.send(&request);
        let outcome = self.replies(&mut connection, sync, line);
        if matches!(outcome, Ok(Outcome::Answered | Outcome::Refused)) {
            self.open = Some((connection, sync));
        }
        Printer::flush().map_err(|error| gone(&error))?;
        match outcome {
            Err(_) if matches!(verb.to_ascii_lowercase().as_slice(), b"quit" | b"shutdown") => {
                Ok(Outcome::Closed)
            }
            Err(error) => Err(sent.err().unwrap_or(error)),
            outcome => outcome,
        }
    }

    /// A server that does not know a store would take the value for a command.
    fn check_dialect(&self, line: &[u8]) -> Result<(), String> {
        let group = command_of(line).map(|command| command.group);
        let (is_known, other) = match group {
            Some(Group::DynamiDb) => (self.dialects.own, "small"),
            _ => (self.dialects.memcached, "capital"),
        };
        match is_known {
            true => Ok(()),
            false => {
                let verb = String::from_utf8_lossy(words(line).next().unwrap_or_default());
                let address = self.server.address();
                Err(format!(
                    "{address} does not know {verb}: its commands have {other} letters"
                ))
            }
        }
    }

    /// Prints the replies to a line until that to the request behind it.
    fn replies(
        &self,
        connection: &mut Connection<'s>,
        sync: &Sync,
        line: &[u8],
    ) -> Result<Outcome, String> {
        // Somebody may type a request that is replied to in the same way.
        let typed: Vec<_> = words(line).map(<[u8]>::to_ascii_lowercase).collect();
        let has_sync = match sync.reply {
            b"MN" => words(line).next() == Some(b"mn"),
            _ => {
                matches!(&*typed, [verb] if verb == b"help")
                    || matches!(&*typed, [verb, of] if verb == b"help" && of == b"help")
            }
        };
        let mut ends = 1 + usize::from(has_sync);
        let mut outcome = Outcome::Answered;
        let (mut reply, mut value) = (Vec::new(), Vec::new());
        loop {
            if let Err(error) = connection.read_line(&mut reply) {
                return match outcome {
                    Outcome::Refused => Ok(Outcome::Closed),
                    _ => Err(error),
                };
            }
            if reply.starts_with(sync.reply) {
                ends -= 1;
            }
            if ends == 0 {
                while reply != sync.last {
                    connection.read_line(&mut reply)?;
                }
                return Ok(outcome);
            }
            if is_error(&reply) {
                outcome = Outcome::Refused;
            }
            self.printer.line(&reply).map_err(|error| gone(&error))?;
            if let Some(size) = value_size(&reply) {
                connection.read_block(&mut value, size)?;
                self.printer.value(&value).map_err(|error| gone(&error))?;
            }
        }
    }

    /// Prints what a server tells a watcher until one of them leaves.
    fn watch(
        &mut self,
        mut connection: Connection<'s>,
        sync: &'static Sync,
    ) -> Result<Outcome, String> {
        let mut line = Vec::new();
        connection.read_line(&mut line)?;
        let is_refused = line != b"OK";
        if !is_refused {
            connection.wait_forever()?;
        }
        loop {
            let printed = self.printer.line(&line).and_then(|()| Printer::flush());
            printed.map_err(|error| gone(&error))?;
            if is_refused {
                self.open = Some((connection, sync));
                return Ok(Outcome::Refused);
            }
            connection.read_line(&mut line)?;
        }
    }
}

fn gone(error: &io::Error) -> String {
    format!("the standard output: {error}")
}

/// The size of the value behind a line: `VALUE key flags size [cas]`, `VALUE key size` in
/// DynamiDB's dialect, `VA size …`.
fn value_size(line: &[u8]) -> Option<u64> {
    let words: Vec<_> = words(line).collect();
    let size = match *words {
        [b"VA", size, ..] | [b"VALUE", _, _, size] | [b"VALUE", _, _, size, _] => size,
        [b"VALUE", _, size] => size,
        _ => return None,
    };
    str::from_utf8(size).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_follows_in_each_dialect() {
        for (line, size) in [
            ("VALUE k 5", Some(5)),
            ("VALUE k 7 5", Some(5)),
            ("VALUE k 7 5 9", Some(5)),
            ("VA 5 t30 f7", Some(5)),
            ("VA x", None),
            ("END", None),
            ("HD s5", None),
            ("STAT VALUE 1 2", None),
        ] {
            assert_eq!(value_size(line.as_bytes()), size, "{line}");
        }
    }
}
