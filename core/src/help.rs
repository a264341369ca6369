//! What a terminal can tell those who type commands: the syntax of each, and how it is called by
//! people who come from Redis. The page and `dynamidb cli` show the same table.
//!
//! # Examples
//! The syntax of `touch`:
//! ```
//! use dynamidb_core::help::{COMMANDS, CommandHelp, Group};
//!
//! let touch: &CommandHelp = COMMANDS.iter().find(|command| command.verb == "touch").unwrap();
//! assert_eq!(touch.words, ["<key>", "<exptime>", "[noreply]"]);
//! assert_eq!((touch.group, touch.value_size), (Group::Memcached, None));
//! ```
//! And what those are told who look for `EXPIRE`:
//! ```
//! use dynamidb_core::help::{HABITS, Habit};
//!
//! let habit: &Habit = HABITS.iter().find(|habit| habit.verb == "expire").unwrap();
//! assert_eq!(habit.command, "touch $1 $2");
//! ```

/// A command as a line of help.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct CommandHelp {
    /// Whose command it is.
    pub group: Group,
    /// Its first word. The same in the other case may be a command of the other dialect.
    pub verb: &'static str,
    /// What follows the verb. A word in square brackets is optional, one with `…` may be repeated.
    pub words: &'static [&'static str],
    /// The index of the word that is the size of the value on the next line, if there is one.
    pub value_size: Option<usize>,
    /// What it does. Words between backticks are code.
    pub text: &'static str,
}

/// Where a command is understood.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Group {
    /// DynamiDB's own dialect, at servers and in the page.
    DynamiDb,
    /// memcached's dialect, at servers and in the page.
    Memcached,
    /// Commands for operators, at servers alone.
    Server,
}

/// How Redis calls something, and what it is here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Habit {
    /// The first word, in small letters.
    pub verb: &'static str,
    /// The command here: `$1` and `$2` stand for the words after the verb, `$*` for all of them.
    pub command: &'static str,
    /// The same in words. Those between backticks are code.
    pub text: &'static str,
}

/// The words after `stats`, in memcached's order.
const STATS: [&str; 9] = [
    "detail",
    "settings",
    "cachedump",
    "conns",
    "slabs",
    "items",
    "sizes",
    "hotkeys",
    "advice",
];

/// The word after `stats` that is meant by one or by its beginning: the first in memcached's order
/// that begins so.
///
/// # Examples
/// ```
/// use dynamidb_core::help::stats_word;
///
/// assert_eq!(stats_word(b"set"), Some("settings"));
/// assert_eq!(stats_word(b"s"), Some("settings"));
/// assert_eq!(stats_word(b"si"), Some("sizes"));
/// assert_eq!(stats_word(b"sizes2"), None);
/// ```
pub fn stats_word(word: &[u8]) -> Option<&'static str> {
    let begins = |known: &&str| known.as_bytes().starts_with(word);
    STATS.into_iter().find(begins)
}

const STORE: &[&str] = &["<key>", "<flags>", "<exptime>", "<bytes>", "[noreply]"];

/// All commands that people type.
pub const COMMANDS: &[CommandHelp] = &[
    own(
        "SET",
        &["<key>", "<expire_seconds>", "<value_size>"],
        "Stores a value; 0 seconds: never expires.",
    )
    .value(2),
    own("GET", &["<key>…"], "Reads values."),
    own("DELETE", &["<key>"], "Deletes a value."),
    own(
        "FLUSH",
        &["<prefix>"],
        "Deletes all values whose keys begin with this, at once.",
    ),
    own("HOT", &[], "Shows the hottest keys of the last minute."),
    own(
        "HELP",
        &["[command]"],
        "Shows the commands in capital letters, as the server knows them.",
    ),
    own("QUIT", &[], "Closes the connection."),
    memcached(
        "set",
        STORE,
        "Stores a value, whether or not the key has one.",
    )
    .value(3),
    memcached("add", STORE, "Stores a value if the key has none.").value(3),
    memcached("replace", STORE, "Stores a value if the key has one.").value(3),
    memcached("append", STORE, "Appends bytes to a value.").value(3),
    memcached("prepend", STORE, "Prepends bytes to a value.").value(3),
    memcached(
        "cas",
        &[
            "<key>",
            "<flags>",
            "<exptime>",
            "<bytes>",
            "<unique>",
            "[noreply]",
        ],
        "Stores a value if the key’s value still has this unique number of `gets`.",
    )
    .value(3),
    memcached("get", &["<key>…"], "Reads values."),
    memcached(
        "gets",
        &["<key>…"],
        "Reads values, each with its unique number.",
    ),
    memcached(
        "gat",
        &["<exptime>", "<key>…"],
        "Reads values and sets their time to live.",
    ),
    memcached(
        "gats",
        &["<exptime>", "<key>…"],
        "The same, with unique numbers.",
    ),
    memcached(
        "touch",
        &["<key>", "<exptime>", "[noreply]"],
        "Sets a value’s time to live.",
    ),
    memcached("delete", &["<key>", "[noreply]"], "Deletes a value."),
    memcached(
        "incr",
        &["<key>", "<number>", "[noreply]"],
        "Adds to a number.",
    ),
    memcached(
        "decr",
        &["<key>", "<number>", "[noreply]"],
        "Subtracts from a number, down to 0.",
    ),
    memcached(
        "mg",
        &["<key>", "[flags…]"],
        "Reads what the flags name: `v` value, `t` TTL.",
    ),
    memcached(
        "ms",
        &["<key>", "<bytes>", "[flags…]"],
        "Stores a value: `T` seconds, `F` flags, `C` cas.",
    )
    .value(1),
    memcached(
        "md",
        &["<key>", "[flags…]"],
        "Deletes a value, or with `I` marks it as stale.",
    ),
    memcached(
        "ma",
        &["<key>", "[flags…]"],
        "Adds to a number: `N` and `J` initial, `D` delta.",
    ),
    memcached("me", &["<key>"], "Shows an item’s metadata."),
    memcached(
        "mn",
        &[],
        "Replies `MN` after the replies to all commands before it.",
    ),
    memcached(
        "flush_all",
        &["[delay]", "[noreply]"],
        "Deletes all values, now or later.",
    ),
    memcached(
        "flush_prefix",
        &["<prefix>", "[noreply]"],
        "Deletes all values whose keys begin with this, at once. memcached has no such command.",
    ),
    memcached(
        "stats",
        &["[reset|settings|slabs|items|sizes|conns|hotkeys|advice]"],
        "Shows counters; or options, memory, items, clients, hot keys, or advice on memory.",
    ),
    memcached(
        "verbosity",
        &["<level>", "[noreply]"],
        "Sets what `stats settings` shows as verbosity.",
    ),
    memcached(
        "version",
        &[],
        "Shows the memcached version whose protocol this is.",
    ),
    memcached("quit", &[], "Closes the connection."),
    server(
        "lru_crawler",
        &["<metadump|mgdump>", "all"],
        "Lists all keys.",
    ),
    server(
        "watch",
        &["[fetchers|mutations|evictions|slow…]"],
        "Shows what happens, as it happens.",
    ),
    server(
        "cache_memlimit",
        &["<megabytes>"],
        "Changes the memory limit.",
    ),
    server(
        "save",
        &[],
        "Saves the items to the file of `--state`, for clients on the server’s host.",
    ),
    server("refresh_certs", &[], "Reads the files of TLS again."),
    server(
        "shutdown",
        &["[graceful]"],
        "Stops the server, if it runs with `-A`.",
    ),
];

/// What other caches call it.
pub const HABITS: &[Habit] = &[
    habit("del", "DELETE $1", "Here it is `DELETE`."),
    habit("unlink", "DELETE $1", "Here it is `DELETE`."),
    habit("expire", "touch $1 $2", "Here it is `touch`, with seconds."),
    habit("persist", "touch $1 0", "Here it is `touch` with 0: never."),
    habit(
        "incr",
        "incr $1 1",
        "`incr` is written in small letters, and needs a number to add.",
    ),
    habit(
        "incrby",
        "incr $1 $2",
        "Here it is `incr`, with the number to add.",
    ),
    habit(
        "decr",
        "decr $1 1",
        "`decr` is written in small letters, and needs a number to subtract.",
    ),
    habit(
        "decrby",
        "decr $1 $2",
        "Here it is `decr`, with the number to subtract.",
    ),
    habit(
        "ttl",
        "mg $1 t",
        "`mg` with `t` shows the seconds that are left.",
    ),
    habit(
        "exists",
        "mg $1",
        "`mg` without flags replies `HD` if the key is there, `EN` if not.",
    ),
    habit("mget", "get $*", "`get` takes several keys."),
    habit("flushall", "flush_all", "Here it is `flush_all`."),
    habit("flushdb", "flush_all", "Here it is `flush_all`."),
    habit("info", "stats", "Here it is `stats`."),
    habit(
        "dbsize",
        "stats",
        "`curr_items` of `stats` is the number of items.",
    ),
    habit(
        "ping",
        "version",
        "There is no `PING`; `version` is answered as quickly.",
    ),
    habit("exit", "quit", "Here it is `quit`."),
];

const fn own(
    verb: &'static str,
    words: &'static [&'static str],
    text: &'static str,
) -> CommandHelp {
    CommandHelp {
        group: Group::DynamiDb,
        verb,
        words,
        value_size: None,
        text,
    }
}

const fn memcached(
    verb: &'static str,
    words: &'static [&'static str],
    text: &'static str,
) -> CommandHelp {
    let mut command = own(verb, words, text);
    command.group = Group::Memcached;
    command
}

const fn server(
    verb: &'static str,
    words: &'static [&'static str],
    text: &'static str,
) -> CommandHelp {
    let mut command = own(verb, words, text);
    command.group = Group::Server;
    command
}

const fn habit(verb: &'static str, command: &'static str, text: &'static str) -> Habit {
    Habit {
        verb,
        command,
        text,
    }
}

impl CommandHelp {
    const fn value(mut self, size: usize) -> Self {
        self.value_size = Some(size);
        self
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;
    use alloc::vec::Vec;

    use super::*;
    use crate::{Cache, Config, Instant, Session, SessionConfig};

    /// The reply of a new session to bytes.
    fn reply(input: &str) -> String {
        let mut cache = Cache::new(Config::new(64 * 1024)).unwrap();
        let mut session = Session::new(SessionConfig::default());
        let (mut output, now) = (Vec::new(), Instant::from_secs(0));
        let _ = session.process(now, input.as_bytes(), &mut cache, &mut output);
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn every_command_in_the_table_is_understood_but_those_that_a_host_answers() {
        for command in COMMANDS
            .iter()
            .filter(|command| command.group != Group::Server)
        {
            let mut line = String::from(command.verb);
            for (index, word) in command.words.iter().enumerate() {
                let word = match *word {
                    _ if command.value_size == Some(index) => "1",
                    optional if optional.starts_with('[') => break,
                    "<key>" | "<key>…" | "<prefix>" => "key",
                    _ => "0",
                };
                line += &format!(" {word}");
            }
            let value = if command.value_size.is_some() {
                "v\r\n"
            } else {
                ""
            };
            let reply = reply(&format!("{line}\r\n{value}"));
            let is_wrong = reply.contains("ERROR") || reply.is_empty() && command.verb != "quit";
            let has_feature = match command.verb {
                "HOT" | "verbosity" => false,
                "FLUSH" | "flush_prefix" => cfg!(feature = "flush-prefix"),
                verb => cfg!(feature = "meta") || !verb.starts_with('m') || verb.len() > 2,
            };
            assert_eq!(is_wrong, !has_feature, "{line}: {reply}");
        }
    }

    #[test]
    fn a_size_is_named_as_one() {
        for command in COMMANDS {
            let named = command
                .words
                .iter()
                .position(|word| matches!(*word, "<bytes>" | "<value_size>"));
            assert_eq!(named, command.value_size, "{}", command.verb);
        }
    }

    #[test]
    fn every_habit_leads_to_a_command_of_the_table() {
        for habit in HABITS {
            let verb = habit.command.split(' ').next();
            assert!(
                COMMANDS.iter().any(|command| Some(command.verb) == verb),
                "{}",
                habit.verb
            );
            assert_eq!(habit.verb, habit.verb.to_ascii_lowercase());
        }
    }
}
