//! A session on a host that has admin commands, answers some in pieces, and wants events.

// A test that cannot go on says why by panicking.
#![allow(clippy::unwrap_used)]

use std::fmt::Write;

use dynamidb_core::{
    Action, AdminCommand, AdminOutcome, Cache, Config, Event, Host, Instant, Keyspace, Lookup,
};
use dynamidb_core::{Output, Session, SessionConfig};

const NOW: Instant = Instant::from_secs(1);

/// A host whose commands say in how many pieces they answer, and what state follows.
struct TestHost {
    cache: Cache,
    /// Pieces of the reply that are left.
    pieces: usize,
    watched: bool,
    events: Vec<String>,
    resets: usize,
    read_only: bool,
}

impl TestHost {
    fn new() -> Self {
        Self {
            cache: Cache::new(Config::new(64 * 1024)).unwrap(),
            pieces: 0,
            watched: false,
            events: Vec::new(),
            resets: 0,
            read_only: false,
        }
    }
}

impl Keyspace for TestHost {
    type Memory = Vec<u8>;

    fn cache_at(&mut self, _index: usize) -> &mut Cache {
        &mut self.cache
    }
}

impl Host for TestHost {
    fn command(&mut self, command: &AdminCommand<'_>, output: &mut dyn Output) -> AdminOutcome {
        let words: Vec<_> = command.words().collect();
        match (command.verb(), &words[..]) {
            (b"pieces", [count]) => {
                self.pieces = std::str::from_utf8(count).unwrap().parse().unwrap();
                AdminOutcome::Pending
            }
            (b"listen", []) => AdminOutcome::OutputOnly,
            (b"close", []) => AdminOutcome::Close,
            (b"watch", [word]) => {
                self.watched = *word == b"on";
                AdminOutcome::Done
            }
            (verb, words) => {
                let count = words.len();
                let silent = if command.noreply() { " silently" } else { "" };
                let verb = verb.escape_ascii();
                write!(output, "{verb} {count}{silent}\r\n").unwrap();
                AdminOutcome::Done
            }
        }
    }

    fn resume(&mut self, output: &mut dyn Output) -> AdminOutcome {
        if self.pieces == 0 {
            output.extend_from_slice(b"END\r\n");
            return AdminOutcome::Done;
        }
        output.extend_from_slice(b"piece\r\n");
        self.pieces -= 1;
        AdminOutcome::Pending
    }

    fn allows_writes(&self) -> bool {
        !self.read_only
    }

    fn wants_events(&self) -> bool {
        self.watched || self.read_only
    }

    fn on_event(&mut self, event: &Event<'_>) {
        let found = match event.lookup {
            Lookup::Found(place) => format!("found {}", place.size),
            lookup => format!("{lookup:?}"),
        };
        let action = match event.action {
            Action::Store { status, item } => format!("{status} {}", item.is_some()),
            action => format!("{action:?}"),
        };
        let key = event.key.escape_ascii();
        self.events
            .push(format!("{} {key}: {found}, {action}", event.verb));
    }

    fn reset_stats(&mut self) {
        self.resets += 1;
        self.for_each(Cache::reset_stats);
    }
}

/// Processes `said` until the session needs input; returns the output.
fn converse(host: &mut TestHost, said: &[u8]) -> (String, Session) {
    let mut session = Session::new(SessionConfig::default());
    let (mut input, mut heard) = (said.to_vec(), Vec::new());
    loop {
        let mut output = Vec::new();
        let used = session.process(NOW, &input, host, &mut output);
        input.drain(..used);
        heard.extend(output);
        if used == 0 && !session.is_busy() {
            return (String::from_utf8(heard).unwrap(), session);
        }
    }
}

#[test]
fn unknown_lines_go_to_the_host() {
    let said = b"one\r\nget k\r\ntwo a  b \r\nstats foo\r\nthree a noreply\r\n verb\r\nversion\r\n";
    let (heard, _) = converse(&mut TestHost::new(), said);
    let own = "one 0\r\nEND\r\ntwo 2\r\nstats 1\r\nthree 1 silently\r\n 1\r\nVERSION 1.6.45\r\n";
    assert_eq!(heard, own);
}

#[test]
fn a_pending_command_is_resumed_once_per_call_and_no_input_is_read() {
    let mut host = TestHost::new();
    let mut session = Session::new(SessionConfig::default());
    let input = b"pieces 2\r\nversion\r\n";
    let mut output = Vec::new();
    let line = b"pieces 2\r\n".len();
    assert_eq!(session.process(NOW, input, &mut host, &mut output), line);
    assert!(session.is_busy() && output.is_empty());
    let rest = &input[line..];
    for _ in 0..2 {
        assert_eq!(session.process(NOW, rest, &mut host, &mut output), 0);
        assert!(session.is_busy());
    }
    assert_eq!(output, b"piece\r\npiece\r\n");
    output.clear();
    // The last answer, and what has waited for it.
    assert_eq!(
        session.process(NOW, rest, &mut host, &mut output),
        rest.len()
    );
    assert!(!session.is_busy());
    assert_eq!(output, b"END\r\nVERSION 1.6.45\r\n");
}

#[test]
fn a_busy_host_pauses_at_the_output_limit_and_needs_no_input() {
    let mut host = TestHost::new();
    let mut config = SessionConfig::default();
    config.output_max = 10;
    let mut session = Session::new(config);
    let mut output = Vec::new();
    assert_eq!(
        session.process(NOW, b"pieces 9\r\n", &mut host, &mut output),
        10
    );
    for _ in 0..5 {
        assert_eq!(session.process(NOW, b"", &mut host, &mut output), 0);
    }
    assert_eq!(
        (output.len(), host.pieces),
        (14, 7),
        "two pieces are more than ten bytes"
    );
    output.clear();
    assert_eq!(session.process(NOW, b"", &mut host, &mut output), 0);
    assert_eq!((&output[..], host.pieces), (&b"piece\r\n"[..], 6));
}

#[test]
fn split_input_gives_the_same_replies_as_whole_input() {
    let said = b"pieces 3\r\nset k 0 0 1\r\nx\r\npieces 0\r\nget k\r\nfoo\r\n";
    let (whole, _) = converse(&mut TestHost::new(), said);
    let mut host = TestHost::new();
    let mut session = Session::new(SessionConfig::default());
    let (mut input, mut output) = (Vec::new(), Vec::new());
    for &byte in said {
        input.push(byte);
        loop {
            let used = session.process(NOW, &input, &mut host, &mut output);
            input.drain(..used);
            if used == 0 && !session.is_busy() {
                break;
            }
        }
    }
    assert_eq!(String::from_utf8(output).unwrap(), whole);
}

#[test]
fn input_after_output_only_or_close_is_ignored() {
    let (heard, session) = converse(&mut TestHost::new(), b"listen\r\nversion\r\nquit\r\n");
    assert_eq!(heard, "");
    assert!(!session.is_closed() && !session.is_busy());
    let (heard, session) = converse(&mut TestHost::new(), b"version\r\nclose\r\nversion\r\n");
    assert_eq!(heard, "VERSION 1.6.45\r\n");
    assert!(session.is_closed());
}

#[test]
fn a_host_that_wants_events_gets_one_for_each_request_with_a_key() {
    let mut host = TestHost::new();
    let said = "get k\r\nwatch on\r\nget k\r\nset k 0 0 2\r\nxx\r\nadd k 0 0 1\r\nx\r\n\
        SET k 0 1\r\nx\r\nGET k\r\nincr k 1\r\ntouch k 0\r\nmg k\r\nmg aw== b\r\nms k 1\r\n7\r\n\
        append k 0 0 1\r\nx\r\nreplace absent 0 0 1\r\nx\r\ncas k 0 0 1 99\r\nx\r\n\
        cas absent 0 0 1 99\r\nx\r\nset gone 0 -1 1\r\nx\r\ndelete k\r\nmd k\r\nflush_all\r\n\
        version\r\nstats reset\r\nwatch off\r\nget k\r\n";
    converse(&mut host, said.as_bytes());
    let expected = [
        "get k: NotFound, Get",
        "set k: NotFound, stored true",
        "add k: found 2, not_stored true",
        "set k: found 2, stored true",
        "get k: found 1, Get",
        "incr k: found 1, Change",
        "touch k: found 1, Change",
        "mg k: found 1, Get",
        "mg k: found 1, Get",
        "ms k: found 1, stored true",
        "append k: found 1, stored true",
        "replace absent: NotFound, not_stored false",
        "cas k: found 2, exists true",
        "cas absent: NotFound, not_found false",
        "set gone: NotFound, stored false",
        "delete k: found 2, Delete { deleted: true }",
        "md k: NotFound, Delete { deleted: false }",
    ];
    assert_eq!(host.events, expected);
    assert_eq!(host.resets, 1);
}

#[test]
fn an_event_shows_the_status_that_the_reply_shows() {
    let mut host = TestHost::new();
    host.watched = true;
    let long = "x".repeat(10_000);
    let said = format!(
        "set k 0 0 1\r\nx\r\nms k 1 MA C99\r\ny\r\nms k 1 C99\r\ny\r\nms k 1 MR C0 I\r\ny\r\n\
         set l 0 0 {0}\r\n{long}\r\nappend l 0 0 {0}\r\n{long}\r\nms l 2000000\r\n{1}\r\n\
         md k I\r\nmd k x\r\nmd k C99\r\nmd k q\r\nmd k\r\n",
        long.len(),
        "x".repeat(2_000_000)
    );
    let (heard, _) = converse(&mut host, said.as_bytes());
    let replies = "STORED\r\nEX\r\nEX\r\nHD\r\nSTORED\r\nNOT_STORED\r\n\
        SERVER_ERROR object too large for cache\r\nHD\r\nHD\r\nEX\r\nNF\r\n";
    assert_eq!(heard, replies);
    let expected = [
        "set k: NotFound, stored true",
        "ms k: found 1, exists true",
        "ms k: found 1, exists true",
        "ms k: found 1, stored true",
        "set l: NotFound, stored true",
        "append l: found 10000, too_large true",
        "ms l: found 10000, too_large false",
        "md k: found 1, Delete { deleted: false }",
        "md k: found 1, Delete { deleted: false }",
        "md k: found 0, Delete { deleted: false }",
        "md k: found 0, Delete { deleted: true }",
        "md k: NotFound, Delete { deleted: false }",
    ];
    assert_eq!(host.events, expected);
}

#[test]
fn an_event_shows_an_item_past_its_deadline_as_expired() {
    let mut host = TestHost::new();
    let mut session = Session::new(SessionConfig::default());
    let mut say = |millis, said: &[u8]| {
        let (now, mut output) = (Instant::from_millis(millis), Vec::new());
        assert_eq!(
            session.process(now, said, &mut host, &mut output),
            said.len()
        );
    };
    say(
        1000,
        b"watch on\r\nset a 0 5 1\r\nx\r\nset b 0 5 2\r\nyy\r\n",
    );
    say(5999, b"mg a\r\n");
    // The lookup that finds it too late is the last that does. A store finds it, too.
    say(6000, b"get a\r\nget a\r\nadd b 0 0 1\r\nz\r\nget b\r\n");
    let expected = [
        "set a: NotFound, stored true",
        "set b: NotFound, stored true",
        "mg a: found 1, Get",
        "get a: Expired, Get",
        "get a: NotFound, Get",
        "add b: Expired, stored true",
        "get b: found 1, Get",
    ];
    assert_eq!(host.events, expected);
}

#[test]
fn events_change_no_reply() {
    let said = "get k\r\nset k 0 0 2\r\nxx\r\nms k 2 c T9\r\nyy\r\nmg k v t c\r\nappend k 0 0 1\r\n\
        z\r\ngets k a\r\ndecr k 1\r\nset n 0 0 1\r\n5\r\nincr n 2\r\nmd k x\r\nmg k v s\r\n\
        delete n\r\ndelete n\r\nget n k\r\nstats\r\n";
    let mut quiet = TestHost::new();
    let mut watched = TestHost::new();
    watched.watched = true;
    let (quiet, _) = converse(&mut quiet, said.as_bytes());
    let (watched, _) = converse(&mut watched, said.as_bytes());
    assert_eq!(watched, quiet);
}

#[test]
fn a_host_that_allows_no_writes_has_them_refused_and_reads_served() {
    let mut host = TestHost::new();
    host.cache.set(NOW, "k", "5").unwrap();
    host.read_only = true;
    let refused = "CLIENT_ERROR this user may only read\r\n";
    for (request, reply) in [
        ("set k 0 0 1\r\nx\r\n", refused),
        ("SET k 0 1\r\nx\r\n", refused),
        ("delete k\r\n", refused),
        ("DELETE k\r\n", refused),
        ("incr k 1\r\n", refused),
        ("touch k 0\r\n", refused),
        ("gat 1 k k\r\n", refused),
        ("flush_all\r\n", refused),
        ("stats reset\r\n", refused),
        ("set k 0 0 1 noreply\r\nx\r\n", ""),
        ("delete k noreply\r\n", ""),
        ("flush_all noreply\r\n", ""),
        ("get k\r\n", "VALUE k 0 1\r\n5\r\nEND\r\n"),
        ("GET k\r\n", "VALUE k 1\r\n5\r\nEND\r\n"),
        ("version\r\n", "VERSION 1.6.45\r\n"),
    ] {
        assert_eq!(
            converse(&mut host, request.as_bytes()).0,
            reply,
            "{request}"
        );
    }
    if cfg!(feature = "meta") {
        for (request, reply) in [
            ("ms k 1\r\nx\r\n", refused),
            ("md k q\r\n", refused),
            ("ma k\r\n", refused),
            ("mg k v T1\r\n", refused),
            ("mg n N1\r\n", refused),
            ("mg k R9\r\n", refused),
            ("mg k v k\r\n", "VA 1 kk\r\n5\r\n"),
            ("mn\r\n", "MN\r\n"),
        ] {
            assert_eq!(
                converse(&mut host, request.as_bytes()).0,
                reply,
                "{request}"
            );
        }
    }
    assert_eq!((host.cache.stats().curr_items, host.resets), (1, 0));
    host.read_only = false;
    assert_eq!(converse(&mut host, b"delete k\r\n").0, "DELETED\r\n");
}
