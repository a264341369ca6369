//! Commands for administrators: the protocol splits them into words, the host carries them out.

use super::line::Line;
use super::reply;

/// A line whose verb is none of the protocol's.
///
/// # Examples
/// A host that adds a command:
/// ```
/// use dynamidb_core::{AdminCommand, AdminOutcome, Cache, Config, Host, Instant, Keyspace};
/// use dynamidb_core::{Output, Session, SessionConfig};
///
/// struct Counter(Cache);
///
/// impl Keyspace for Counter {
///     type Memory = Vec<u8>;
///
///     fn cache_at(&mut self, _index: usize) -> &mut Cache {
///         &mut self.0
///     }
/// }
///
/// impl Host for Counter {
///     fn command(&mut self, command: &AdminCommand<'_>, output: &mut dyn Output) -> AdminOutcome {
///         match command.verb() {
///             b"count" if command.noreply() => {}
///             b"count" => {
///                 let wanted = |key: &[u8]| command.words().any(|word| key.starts_with(word));
///                 let count = self.0.iter().filter(|(key, _)| wanted(key)).count();
///                 output.extend_from_slice(format!("{count}\r\n").as_bytes());
///             }
///             _ => output.extend_from_slice(command.unknown()),
///         }
///         AdminOutcome::Done
///     }
/// }
///
/// let mut host = Counter(Cache::new(Config::new(64 * 1024))?);
/// let mut session = Session::new(SessionConfig::default());
/// let mut output = Vec::new();
/// let input = b"set k 0 0 1\r\nx\r\ncount a k\r\nwhat\r\n";
/// let used = session.process(Instant::from_secs(0), input, &mut host, &mut output);
/// assert_eq!((used, &output[..]), (input.len(), &b"STORED\r\n1\r\nERROR\r\n"[..]));
/// # Ok::<(), dynamidb_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct AdminCommand<'i> {
    line: Line<'i>,
}

/// How far a host got with an [`AdminCommand`], and so how the session goes on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum AdminOutcome {
    /// It is answered; the client's next request follows.
    Done,
    /// There is more to say: the session calls [`Host::resume`](crate::Host::resume), once in each
    /// call of `process`, and reads nothing until that is done.
    Pending,
    /// All further input is ignored; the host may still write to the client.
    OutputOnly,
    /// The session is closed.
    Close,
}

impl<'i> AdminCommand<'i> {
    pub(super) const fn new(line: Line<'i>) -> Self {
        Self { line }
    }

    /// The first word.
    #[must_use]
    pub const fn verb(&self) -> &'i [u8] {
        self.line.verb
    }

    /// The words after it, without a `noreply` at the end.
    pub fn words(&self) -> impl Iterator<Item = &'i [u8]> + Clone + use<'i> {
        let silent = self.noreply();
        let words = self.line.arguments();
        let count = words.clone().count() - usize::from(silent);
        words.take(count)
    }

    /// Whether the client wants no reply.
    #[must_use]
    pub fn noreply(&self) -> bool {
        self.line.noreply()
    }

    /// The reply to an unknown command.
    #[must_use]
    pub fn unknown(&self) -> &'static [u8] {
        if self.noreply() {
            reply::NONE
        } else {
            reply::ERROR
        }
    }
}
