//! memcached's commands for operators: about the server, not about one item.
//!
//! The protocol hands over an [`AdminCommand`] in words. Most are answered at once. One that takes
//! longer, or whose reply is long, becomes a [`Task`]: the connection keeps it and asks for a
//! bounded piece at a time, so that no other client waits for it.

mod conns;
mod dump;
mod insight;
mod reply;
mod scan;
mod settings;
mod sizes;
mod stats;
mod task;
mod tuning;

use dynamidb_core::{AdminCommand, AdminOutcome, Dialect, Output};

use crate::server::admin::dump::Dump;
use crate::server::admin::reply::{BAD_LINE, ERROR, OK, number};
use crate::server::admin::task::Answer;
pub(crate) use crate::server::admin::task::Task;
use crate::server::process::memory_limit;
use crate::server::state::ServerState;
use crate::server::state::saves::Refusal;
use crate::server::state::settings::Switches;
use crate::server::state::watchers::Kinds;
use crate::server::view::View;

/// How many words of a line memcached looks at.
const WORDS_MAX: usize = 23;

/// Executes a command and appends the reply.
pub(crate) fn command(
    view: &mut View<'_>,
    task: &mut Option<Box<Task>>,
    client: u64,
    command: &AdminCommand<'_>,
    output: &mut dyn Output,
) -> AdminOutcome {
    let words: Vec<&[u8]> = command.words().take(WORDS_MAX).collect();
    let answer = match command.verb() {
        b"stats" => stats::command(view, &words, output),
        b"verbosity" => Answer::Reply(verbosity(view.host().switches(), &words)),
        b"slabs" => Answer::Reply(tuning::slabs(view, &words)),
        b"lru" => Answer::Reply(tuning::lru(&words)),
        b"lru_crawler" => lru_crawler(view, &words),
        b"cache_memlimit" => Answer::Reply(cache_memlimit(view, &words)),
        b"watch" => watch(view, &words),
        verb if is_hot(view.host().settings.options.dialect, verb) => insight::hot(view, output),
        b"shutdown" => shutdown(view, &words),
        b"save" => Answer::Reply(save(view.host(), client)),
        b"refresh_certs" => refresh_certs(view, output),
        _ => Answer::Reply(ERROR),
    };
    match answer {
        // These two ignore `noreply`, and libmemcached waits for the reply.
        Answer::Reply(_) if command.noreply() && !matches!(command.verb(), b"stats" | b"watch") => {
            AdminOutcome::Done
        }
        Answer::Reply(reply) => {
            output.extend_from_slice(reply.as_bytes());
            AdminOutcome::Done
        }
        Answer::Done => AdminOutcome::Done,
        Answer::Started(reply, started) => {
            output.extend_from_slice(reply.as_bytes());
            *task = Some(Box::new(started));
            AdminOutcome::Pending
        }
        Answer::Watching(watcher) => {
            output.extend_from_slice(OK.as_bytes());
            *task = Some(Box::new(Task::Watch(watcher)));
            AdminOutcome::OutputOnly
        }
        Answer::Close => AdminOutcome::Close,
    }
}

/// Whether a verb is the `HOT` of DynamiDB's dialect.
fn is_hot(dialect: Dialect, verb: &[u8]) -> bool {
    // The dialect of a line is told by its capitals, unless one is chosen.
    let is_ours = dialect == Dialect::DynamiDb || verb != b"hot";
    is_ours && dialect != Dialect::Memcached && verb.eq_ignore_ascii_case(b"hot")
}

/// Whether a command changes nothing: neither items nor what is counted nor how the server works.
pub(crate) fn only_reads(command: &AdminCommand<'_>) -> bool {
    let mut words = command.words();
    match (command.verb(), words.next()) {
        (b"stats", Some(b"detail")) => words.next() == Some(b"dump"),
        (b"stats", Some(b"sizes_enable" | b"sizes_disable")) => false,
        (b"stats" | b"watch", _) => true,
        (b"lru_crawler", Some(b"metadump" | b"mgdump")) => true,
        (verb, _) => verb.eq_ignore_ascii_case(b"hot"),
    }
}

/// Continues a command.
pub(crate) fn resume(
    view: &mut View<'_>,
    task: &mut Option<Box<Task>>,
    output: &mut dyn Output,
) -> AdminOutcome {
    let goes_on = task.as_mut().is_some_and(|task| task.resume(view, output));
    if goes_on {
        return AdminOutcome::Pending;
    }
    *task = None;
    AdminOutcome::Done
}

/// `verbosity <level>`: only shown by `stats settings`. `-v` decides what is logged.
fn verbosity(switches: &Switches, words: &[&[u8]]) -> &'static str {
    let Some(level) = words.first().and_then(|word| number::<u32>(word)) else {
        return BAD_LINE;
    };
    switches.set_verbosity(level);
    OK
}

/// `cache_memlimit <MiB>`: sets the budget. Memory in use beyond it is freed page by page.
fn cache_memlimit(view: &mut View<'_>, words: &[&[u8]]) -> &'static str {
    match words.first().and_then(|word| number::<usize>(word)) {
        None => ERROR,
        Some(..8) => "MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m\r\n",
        Some(1_000_000_001..) => "MEMLIMIT_ADJUST_FAILED input value is megabytes not bytes\r\n",
        Some(megabytes) => {
            let memory = megabytes.saturating_mul(1 << 20);
            if let Err(error) = view.set_memory(memory) {
                tracing::warn!("the memory limit is unchanged: {error}");
                return "MEMLIMIT_ADJUST_FAILED out of bounds or unable to adjust\r\n";
            }
            memory_limit::warn_if_exceeded(memory);
            OK
        }
    }
}

/// `refresh_certs`: reads the files of TLS again.
fn refresh_certs(view: &mut View<'_>, output: &mut dyn Output) -> Answer {
    let Some(tls) = &view.host().tls else {
        return Answer::Reply("Error TLS not enabled\r\n");
    };
    // The disk may be slow.
    view.release();
    match tls.reload() {
        Ok(()) => Answer::Reply(OK),
        Err(error) => {
            tracing::warn!("certificates are unchanged: {error}");
            // Paths and messages of the system may have any bytes.
            let line = error
                .to_string()
                .replace(|c: char| c.is_ascii_control(), " ");
            output.extend_from_slice(format!("Error {line}\r\n").as_bytes());
            Answer::Done
        }
    }
}

/// `save`: has the items written to the file of `--state`, as SIGUSR2 does, for clients on this
/// host. `stats` says how it goes.
fn save(host: &ServerState, client: u64) -> &'static str {
    if !host.clients.is_local(client) {
        return "CLIENT_ERROR save is for clients on the server's host\r\n";
    }
    match host.saves.request() {
        Ok(()) => {
            tracing::info!("a client has sent save");
            OK
        }
        Err(Refusal::NoFile) => "SERVER_ERROR there is no file to save to: --state\r\n",
        Err(Refusal::Busy) => "BUSY a save is in progress\r\n",
    }
}

/// `shutdown [graceful]`.
fn shutdown(view: &View<'_>, words: &[&[u8]]) -> Answer {
    if !view.host().settings.options.memcached.enable_shutdown {
        return Answer::Reply("SERVER_ERROR: shutdown not enabled\r\n");
    }
    match words {
        [] | [b"graceful"] => {
            tracing::info!("stopping: a client has sent shutdown");
            view.host().stop.request();
            Answer::Close
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
        view.log_removals(true);
    }
    Answer::Watching(watcher)
}

/// `lru_crawler …`: lists items, or sets memcached's crawler.
fn lru_crawler(view: &View<'_>, words: &[&[u8]]) -> Answer {
    match words {
        [b"metadump", which, ..] => Answer::dump(OK, Dump::metadata(view, which)),
        [b"mgdump", which, ..] => Answer::dump(OK, Dump::keys(view, which)),
        _ => Answer::Reply(tuning::lru_crawler(view, words)),
    }
}
