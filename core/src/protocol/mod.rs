//! How clients speak: DynamiDB's dialect and memcached's text protocol, as bytes in, bytes out.
//!
//! ```text
//! request  = own | classic                      told apart by a capital letter in the verb
//! own      = "SET" key expire_seconds value_size EOL value EOL
//!          | ("GET" | "DELETE") key EOL | "QUIT" EOL | EOL
//! classic  = ("set" | "add" | "replace" | "append" | "prepend") key flags exptime size [noreply] EOL value CRLF
//!          | "cas" key flags exptime size unique [noreply] EOL value CRLF
//!          | ("get" | "gets") key+ EOL | ("gat" | "gats") exptime key+ EOL
//!          | ("incr" | "decr") key delta [noreply] EOL | "touch" key exptime [noreply] EOL
//!          | "delete" key [noreply] EOL | "flush_all" [exptime] [noreply] EOL
//!          | "verbosity" level [noreply] EOL | "stats" [what] EOL | ("version" | "quit" | "mn") EOL
//! key      = 1 to 250 bytes, none of them a space or a control character
//! EOL      = LF | CRLF                          words are separated by spaces
//! ```
//!
//! [`session`] takes the bytes and asks [`request`] for the first request in them, which asks
//! [`dynamidb`] or [`classic`] how it is spelled, and they ask [`line`](mod@line) for words and numbers. Then
//! [`execute`] calls the cache that the [`keyspace`] names for the key, and [`reply`] (or [`stats`])
//! spells the answer.
//!
//! The classic commands answer byte for byte as memcached 1.6.45 does, but for these:
//!
//! - A verb with a capital letter is DynamiDB's; memcached has none.
//! - Control characters in keys are refused, so that no key can disturb a log or a terminal.
//! - Flags that do not fit 32 bits are refused instead of cut off.
//! - An exptime that does not fit 32 bits means never instead of being cut off, and Unix times count
//!   to 2106 instead of 2038.
//! - `delete` with more than two further words is refused instead of deleting the first key.
//! - An HTTP header line that begins with `Host:` closes the connection, as a request line does.
//! - A bad key in a retrieval is answered by one line, after the replies to the requests before it.
//! - `gat` and `gats` may be as long as `get`: no limit but the patience of both sides.

mod classic;
mod dynamidb;
mod execute;
mod keyspace;
mod line;
mod reply;
mod request;
mod session;
mod stats;

pub use keyspace::Keyspace;
pub use session::{Dialect, Session, SessionConfig};
