//! What memcached has for those who run it: commands about the server, not about one item.
//!
//! A [`AdminCommand`] comes here from the protocol, which has only taken it apart. Most are
//! answered at once. What takes longer, or has more to say than fits into one reply, becomes a
//! [`Task`]: the connection keeps it and asks for a bounded piece at a time, so that nobody waits
//! for it.

mod conns;
mod dump;
mod scan;
mod settings;
mod sizes;
mod stats;
mod tuning;

use dynamidb_core::{AdminCommand, Next};

use self::conns::Conns;
use self::dump::Dump;
pub(crate) use self::dump::push_encoded;
pub(crate) use self::settings::{Settings, Switches};
use self::sizes::Sizes;
use crate::server::process::memory_limit;
use crate::server::state::watchers::{Kinds, Watcher};
use crate::shards::View;

const OK: &str = "OK\r\n";
const ERROR: &str = "ERROR\r\n";
const END: &str = "END\r\n";
const BAD_LINE: &str = "CLIENT_ERROR bad command line format\r\n";

/// As many words of a line as memcached looks at.
const WORDS_MAX: usize = 23;

/// What a connection is in the middle of.
#[derive(Debug)]
pub(crate) enum Task {
    /// Listing items.
    Dump(Dump),
    /// Counting items by their sizes.
    Sizes(Sizes),
    /// Listing connections.
    Conns(Conns),
    /// Watching others. The connection sees to that itself.
    Watch(Watcher),
}

/// How a command is answered.
enum Answer {
    /// By this, unless the client wants no reply.
    Reply(&'static str),
    /// It is answered already.
    Given,
    /// By this first, whether or not the client wants it, and then in pieces.
    Begun(&'static str, Task),
    /// It watches from now on.
    Watching(Watcher),
    /// By hanging up.
    HangUp,
}

/// Acts on a command and appends the reply.
pub(crate) fn command(
    view: &mut View<'_>,
    command: &AdminCommand<'_>,
    output: &mut Vec<u8>,
) -> Next {
    let words: Vec<&[u8]> = command.words().take(WORDS_MAX).collect();
    let answer = match command.verb() {
        b"stats" => stats::command(view, &words, output),
        b"verbosity" => Answer::Reply(verbosity(view.host().switches(), &words)),
        b"slabs" => Answer::Reply(tuning::slabs(view, &words)),
        b"lru" => Answer::Reply(tuning::lru(&words)),
        b"lru_crawler" => lru_crawler(view, &words),
        b"cache_memlimit" => Answer::Reply(cache_memlimit(view, &words)),
        b"watch" => watch(view, &words),
        b"shutdown" => shutdown(view, &words),
        _ => Answer::Reply(ERROR),
    };
    match answer {
        // These two answer whatever the last word is, and libmemcached waits for it.
        Answer::Reply(_) if command.noreply() && !matches!(command.verb(), b"stats" | b"watch") => {
            Next::Request
        }
        Answer::Reply(reply) => {
            output.extend_from_slice(reply.as_bytes());
            Next::Request
        }
        Answer::Given => Next::Request,
        Answer::Begun(reply, task) => {
            output.extend_from_slice(reply.as_bytes());
            view.task = Some(Box::new(task));
            Next::More
        }
        Answer::Watching(watcher) => {
            output.extend_from_slice(OK.as_bytes());
            view.task = Some(Box::new(Task::Watch(watcher)));
            Next::Monologue
        }
        Answer::HangUp => Next::Close,
    }
}

/// Goes on with what a command began.
pub(crate) fn resume(view: &mut View<'_>, output: &mut Vec<u8>) -> Next {
    let Some(mut task) = view.task.take() else {
        return Next::Request;
    };
    let goes_on = match &mut *task {
        Task::Dump(dump) => dump.resume(view, output),
        Task::Sizes(sizes) => sizes.resume(view, output),
        Task::Conns(conns) => conns.resume(view, output),
        Task::Watch(_) => false,
    };
    if !goes_on {
        return Next::Request;
    }
    view.task = Some(task);
    Next::More
}

/// `verbosity <level>`: remembered, and shown by `stats settings`. What is logged is up to `-v`.
fn verbosity(switches: &Switches, words: &[&[u8]]) -> &'static str {
    let Some(level) = words.first().and_then(|word| number::<u32>(word)) else {
        return BAD_LINE;
    };
    switches.set_verbosity(level);
    OK
}

/// `cache_memlimit <megabytes>`: the budget from now on. What is in use beyond it is given up page
/// by page.
fn cache_memlimit(view: &mut View<'_>, words: &[&[u8]]) -> &'static str {
    match words.first().and_then(|word| number::<usize>(word)) {
        None => ERROR,
        Some(..8) => "MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m\r\n",
        Some(1_000_000_001..) => "MEMLIMIT_ADJUST_FAILED input value is megabytes not bytes\r\n",
        Some(megabytes) => {
            let memory = megabytes.saturating_mul(1 << 20);
            if let Err(error) = view.set_memory(memory) {
                tracing::warn!("the memory stays as it is: {error}");
                return "MEMLIMIT_ADJUST_FAILED out of bounds or unable to adjust\r\n";
            }
            memory_limit::warn_if_exceeded(memory);
            OK
        }
    }
}

/// `shutdown [graceful]`.
fn shutdown(view: &View<'_>, words: &[&[u8]]) -> Answer {
    if !view.host().settings.options.memcached.enable_shutdown {
        return Answer::Reply("SERVER_ERROR: shutdown not enabled\r\n");
    }
    match words {
        [] | [b"graceful"] => {
            tracing::info!("stopping: a client has asked for it");
            view.host().stop.request();
            Answer::HangUp
        }
        _ => Answer::Reply("CLIENT_ERROR invalid shutdown mode\r\n"),
    }
}

/// `watch [<kind> …]`.
fn watch(view: &mut View<'_>, words: &[&[u8]]) -> Answer {
    let host = view.host();
    if host.settings.options.memcached.disable_watch {
        return Answer::Reply("CLIENT_ERROR watch commands not allowed\r\n");
    }
    let named = words.iter().map(|word| Kinds::named(word));
    let kinds = match named.reduce(|all, kind| Some(all?.and(kind?))) {
        None => Kinds::FETCHERS,
        Some(Some(kinds)) => kinds,
        Some(None) => return Answer::Reply(ERROR),
    };
    let Some(watcher) = host.watchers.watch(kinds) else {
        return Answer::Reply("WATCHER_TOO_MANY log watcher limit reached\r\n");
    };
    if kinds.has(Kinds::EVICTIONS) {
        view.note_removals(true);
    }
    Answer::Watching(watcher)
}

/// `lru_crawler …`: lists items, and has the switches of memcached's crawler.
fn lru_crawler(view: &View<'_>, words: &[&[u8]]) -> Answer {
    match words {
        [b"metadump", which, ..] => Dump::metadata(view, which),
        [b"mgdump", which, ..] => Dump::keys(view, which),
        _ => Answer::Reply(tuning::lru_crawler(view, words)),
    }
}

/// A number: all of the word, digits only, or a sign where the type has one.
fn number<T: std::str::FromStr>(word: &[u8]) -> Option<T> {
    let text = std::str::from_utf8(word).ok()?;
    (!text.starts_with('+'))
        .then(|| text.parse().ok())
        .flatten()
}
