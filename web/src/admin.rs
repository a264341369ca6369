//! The server's commands for operators: `stats` with an argument, `HOT` and `verbosity`. The
//! replies have the server's names and forms. What a page has none of (threads, sockets, counters
//! by slab class) is left out.

use alloc::vec::Vec;

use dynamidb_core::help::stats_word;
use dynamidb_core::push_percent_encoded;
use dynamidb_core::{AdminCommand, AdminOutcome, Cache, Event, Host, Instant, Keyspace, Output};

use crate::client::Client;
use crate::host::PageHost;
use crate::insight::{Advice, FACTORS, HotKeys};
use crate::text::{push_fraction, push_number};
use crate::{Dialect, Policy, Settings};

const OK: &str = "OK\r\n";
const ERROR: &str = "ERROR\r\n";
const END: &str = "END\r\n";
const BAD_LINE: &str = "CLIENT_ERROR bad command line format\r\n";

impl Host for PageHost<'_> {
    fn command(&mut self, command: &AdminCommand<'_>, output: &mut dyn Output) -> AdminOutcome {
        answer(self, command, output);
        AdminOutcome::Done
    }

    fn wants_events(&self) -> bool {
        *self.counts_prefixes
    }

    fn on_event(&mut self, event: &Event<'_>) {
        self.prefixes.on_event(event);
    }

    fn reset_stats(&mut self) {
        self.for_each(Cache::reset_stats);
        self.prefixes.reset();
    }
}

/// Executes a command and appends the reply.
fn answer(host: &mut PageHost<'_>, command: &AdminCommand<'_>, output: &mut dyn Output) {
    let mut reply = Reply(Vec::new());
    let mut words = command.words();
    let verb = command.verb();
    let is_stats = verb == b"stats";
    match verb {
        b"stats" => stats(
            host,
            words.next().unwrap_or_default(),
            words.next(),
            &mut reply,
        ),
        b"verbosity" => match words.next().and_then(number) {
            Some(level) => {
                *host.verbosity = level;
                reply.text(OK);
            }
            None => reply.text(BAD_LINE),
        },
        _ if is_hot(host.settings.dialect, verb) => hot(host.cache, host.now, &mut reply),
        _ => reply.text(ERROR),
    }
    // As on the server, `stats` ignores `noreply`.
    if is_stats || !command.noreply() {
        output.extend_from_slice(&reply.0);
    }
}

/// Whether a verb is the `HOT` of DynamiDB's dialect.
fn is_hot(dialect: Dialect, verb: &[u8]) -> bool {
    // The dialect of a line is told by its capitals, unless one is chosen.
    let is_ours = dialect == Dialect::DynamiDb || verb != b"hot";
    is_ours && dialect != Dialect::Memcached && verb.eq_ignore_ascii_case(b"hot")
}

fn number(word: &[u8]) -> Option<u32> {
    let digits = core::str::from_utf8(word).ok()?;
    (!digits.starts_with('+'))
        .then(|| digits.parse().ok())
        .flatten()
}

/// A reply in lines.
struct Reply(Vec<u8>);

impl Reply {
    fn text(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    /// Begins a line: `STAT ` and a name of some parts.
    fn begin(&mut self, name: &[&str]) {
        self.text("STAT ");
        name.iter().for_each(|part| self.text(part));
        self.text(" ");
    }

    /// Begins a line for one of several: `STAT 3:name `.
    fn begin_of(&mut self, prefix: &str, number: usize, name: &str) {
        self.text("STAT ");
        self.text(prefix);
        push_number(&mut self.0, number as u64);
        self.text(":");
        self.text(name);
        self.text(" ");
    }

    fn end_line(&mut self) {
        self.text("\r\n");
    }

    fn number(&mut self, name: &str, value: u64) {
        self.begin(&[name]);
        push_number(&mut self.0, value);
        self.end_line();
    }

    fn word(&mut self, name: &str, value: &str) {
        self.begin(&[name]);
        self.text(value);
        self.end_line();
    }

    fn ratio(&mut self, value: f64) {
        push_fraction(&mut self.0, value, 4);
        self.end_line();
    }

    /// A key as it is written in a URI, so that it has neither blanks nor control characters.
    fn key(&mut self, key: &[u8]) {
        push_percent_encoded(&mut self.0, key);
    }
}

/// `stats <word>`.
fn stats(host: &mut PageHost<'_>, word: &[u8], more: Option<&[u8]>, reply: &mut Reply) {
    match stats_word(word) {
        Some("settings") => settings(host, reply),
        Some("conns") => conns(host, reply),
        Some("slabs") => slabs(host.cache, reply),
        Some("items") => items(host.cache, reply),
        Some("sizes") => reply.word("sizes_status", "disabled"),
        Some("hotkeys") => hot_keys(host.cache, host.now, reply),
        Some("advice") => advice(host.cache, host.settings.policy, reply),
        Some("detail") => match more {
            Some(b"on" | b"off") => {
                *host.counts_prefixes = more == Some(b"on");
                return reply.text(OK);
            }
            Some(b"dump") => host.prefixes.dump(&mut reply.0),
            _ => return reply.text("CLIENT_ERROR usage: stats detail on|off|dump\r\n"),
        },
        Some("cachedump") => return reply.text("CLIENT_ERROR stats cachedump not allowed\r\n"),
        _ => return reply.text(ERROR),
    }
    reply.text(END);
}

fn settings(host: &PageHost<'_>, reply: &mut Reply) {
    let settings: &Settings = host.settings;
    let switch = |is_on: bool| if is_on { "yes" } else { "no" };
    reply.number("maxbytes", settings.memory.into());
    reply.number("maxconns", host.others.len() as u64);
    reply.word("detail_enabled", switch(*host.counts_prefixes));
    reply.word("stat_key_prefix", ":");
    reply.number("tcpport", 0);
    reply.number("udpport", 0);
    reply.word("dialect", named(&Settings::DIALECTS, settings.dialect));
    reply.number("verbosity", (*host.verbosity).into());
    reply.word("evictions", "on");
    reply.word("cas_enabled", switch(settings.cas_enabled));
    reply.word("flush_enabled", switch(settings.flush_enabled));
    reply.word("dump_enabled", "no");
    reply.word("watch_enabled", "no");
    reply.word("track_sizes", "no");
    reply.number("item_size_max", settings.item_size_max.into());
    reply.number("slab_chunk_max", host.cache.page_size() as u64);
    reply.begin(&["slab_sizes"]);
    for (at, &size) in settings.slab_sizes.iter().enumerate() {
        reply.text(if at == 0 { "" } else { "," });
        push_number(&mut reply.0, size.into());
    }
    reply.end_line();
    reply.number("max_items", settings.max_items.unwrap_or(0).into());
    reply.word("policy", named(&Settings::POLICIES, settings.policy));
    reply.word("lru_bump", "strict");
    reply.word("insight", "yes");
    reply.word("hash_algorithm", "rapidhash");
}

fn named<T: Copy + PartialEq>(names: &[(&'static str, T)], value: T) -> &'static str {
    let found = names.iter().find(|(_, named)| *named == value);
    found.map_or("", |(name, _)| name)
}

fn conns(host: &PageHost<'_>, reply: &mut Reply) {
    for (number, client) in host.others.iter().enumerate() {
        let is_asking = number == host.client;
        if client.is_none() && !is_asking {
            continue;
        }
        let waits = client.as_ref().is_some_and(Client::is_waiting);
        let last = client.as_ref().map_or(host.now, |client| client.last_used);
        reply.begin_of("", number, "addr");
        reply.text("page:");
        reply.0.push(b'A' + number as u8);
        reply.end_line();
        reply.begin_of("", number, "state");
        reply.text(if waits {
            "conn_nread"
        } else {
            "conn_parse_cmd"
        });
        reply.end_line();
        reply.begin_of("", number, "secs_since_last_cmd");
        push_number(&mut reply.0, host.now.since(last).as_secs());
        reply.end_line();
    }
}

/// Classes are numbered from 1, as in memcached. Those are listed that have pages.
fn slabs(cache: &Cache, reply: &mut Reply) {
    let page_size = cache.page_size();
    let (mut active, mut pages) = (0, 0);
    for (number, slab) in (1..).zip(cache.slabs()).filter(|(_, slab)| slab.pages > 0) {
        active += 1;
        pages += slab.pages;
        for (name, value) in [
            ("chunk_size", slab.chunk_size),
            ("chunks_per_page", page_size / slab.chunk_size.max(1)),
            ("total_pages", slab.pages),
            ("total_chunks", slab.chunks),
            ("used_chunks", slab.used_chunks),
            ("free_chunks", slab.chunks - slab.used_chunks),
            // Chunks that were never used are in the same list as freed ones.
            ("free_chunks_end", 0),
        ] {
            reply.begin_of("", number, name);
            push_number(&mut reply.0, value as u64);
            reply.end_line();
        }
    }
    reply.number("active_slabs", active);
    reply.number("total_malloced", (pages * page_size) as u64);
}

/// An item counts for the class of its first chunk.
fn items(cache: &Cache, reply: &mut Reply) {
    for (number, slab) in (1..).zip(cache.slabs()).filter(|(_, slab)| slab.items > 0) {
        for (name, value) in [
            ("number", slab.items),
            ("number_hot", 0),
            ("number_warm", 0),
            ("number_cold", slab.items),
        ] {
            reply.begin_of("items:", number, name);
            push_number(&mut reply.0, value as u64);
            reply.end_line();
        }
    }
}

fn hot_keys(cache: &Cache, now: Instant, reply: &mut Reply) {
    let hot = HotKeys::of(cache, now);
    reply.number("hotkeys:seconds", HotKeys::SECONDS);
    reply.number("hotkeys:samples", hot.samples);
    for (number, key) in (1..).zip(&hot.keys) {
        reply.begin_of("", number, "key");
        reply.key(key.key);
        reply.end_line();
        for (name, value) in [
            ("share", hot.share(key.samples)),
            ("error", hot.share(key.error)),
            ("reads", HotKeys::reads(key)),
        ] {
            reply.begin_of("", number, name);
            reply.ratio(value);
        }
    }
}

/// `HOT`: a line for each key, with its share of the requests and of these the reads, in percent.
fn hot(cache: &Cache, now: Instant, reply: &mut Reply) {
    let hot = HotKeys::of(cache, now);
    for key in &hot.keys {
        reply.text("KEY ");
        reply.key(key.key);
        reply.text(" ");
        push_fraction(&mut reply.0, 100.0 * hot.share(key.samples), 2);
        reply.text(" ");
        push_fraction(&mut reply.0, 100.0 * HotKeys::reads(key), 0);
        reply.end_line();
    }
    reply.text(END);
}

fn advice(cache: &Cache, policy: Policy, reply: &mut Reply) {
    let Some(advice) = Advice::of(cache) else {
        return;
    };
    if let Some(measured) = advice.curve.measured() {
        reply.begin(&["hit_ratio"]);
        reply.ratio(measured);
    }
    reply.number("sampled_keys", advice.curve.keys());
    reply.number("sampled_hits", advice.curve.samples());
    for (factor, name) in FACTORS {
        let Some(predicted) = advice.curve.predict(factor) else {
            continue;
        };
        let bytes = (cache.stats().limit_maxbytes as f64 * factor) as u64;
        reply.begin(&["x", name, ":bytes"]);
        push_number(&mut reply.0, bytes);
        reply.end_line();
        reply.begin(&["x", name, ":hit_ratio"]);
        reply.ratio(predicted.hit_ratio);
        reply.begin(&["x", name, ":margin"]);
        reply.ratio(predicted.margin);
    }
    reply.begin(&["advice"]);
    reply.text(&advice.sentence(policy));
    reply.end_line();
}
