//! How clients speak: DynamiDB's dialect and memcached's text protocol, as bytes in, bytes out.
//!
//! ```text
//! request = own | classic | meta                a verb with a capital letter is DynamiDB's own
//! own     = "SET" key expire_seconds value_size EOL value EOL
//!         | ("GET" | "DELETE") key EOL | "QUIT" EOL | EOL
//! classic = ("set" | "add" | "replace" | "append" | "prepend") item [noreply] EOL value CRLF
//!         | "cas" item unique [noreply] EOL value CRLF       item = key flags exptime size
//!         | ("get" | "gets") key+ EOL | ("gat" | "gats") exptime key+ EOL
//!         | ("incr" | "decr") key delta [noreply] EOL | "touch" key exptime [noreply] EOL
//!         | "delete" key [noreply] EOL | "flush_all" [exptime] [noreply] EOL
//!         | ("stats" ["reset"] | "version" | "quit") EOL
//! meta    = ("mg" | "md" | "ma" | "me") key flag* EOL | "ms" key size flag* EOL value CRLF
//!         | "mn" EOL                            flag = a letter, its argument glued to it
//! key     = 1 to 250 bytes, none of them a space or a control character
//! EOL     = LF | CRLF                           words are separated by spaces
//! ```
//!
//! [`Session`] takes the bytes and asks [`request`] for the first request in them, which asks
//! [`dynamidb`] or [`classic`] (and that [`retrieval`] or [`meta`]) how it is spelled; they ask
//! [`line`] for words and numbers. Then [`execute`] calls the cache that the [`Keyspace`] names for
//! the key, and [`mod@reply`], [`meta_reply`] or [`stats`] spells the answer. Any other line is a
//! [`Command`], for the keyspace to answer: there the server has what memcached has for those who
//! run it.
//!
//! memcached's commands answer byte for byte as memcached 1.6.45 does, but for these:
//!
//! - A verb with a capital letter is DynamiDB's; memcached has none.
//! - Control characters in keys are refused, so that no key can disturb a log or a terminal.
//! - A store whose size is missing or no number ends the conversation, because nobody can say where
//!   its value ends; memcached takes the value for commands.
//! - Flags that do not fit 32 bits are refused instead of cut off.
//! - The exptime of a store that does not fit 32 bits is never instead of cut off, and Unix times
//!   end in 2106 instead of 2038.
//! - `delete` with more than two further words is refused; memcached deletes the first key.
//! - A line that begins with `Host:` ends the conversation, as an HTTP request line does.
//! - A bad key in a retrieval is answered by one line, after the replies to earlier requests.
//! - `gat` and `gats` lines may be of any length, as those of `get` and `gets`.

mod classic;
mod command;
mod dynamidb;
mod event;
mod execute;
mod keyspace;
mod line;
mod meta;
mod meta_reply;
mod reply;
mod request;
mod retrieval;
mod session;
mod stats;

pub use command::{Command, Next};
pub use event::{Action, Event, Lookup, Place};
pub use keyspace::Keyspace;
pub use session::{Dialect, Session, SessionConfig};
