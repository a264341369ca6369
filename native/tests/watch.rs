//! Clients that watch what others do, and lists that are long.

// A failed test panics with the reason.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use dynamidb::RuntimeName;
use socket2::SockRef;
use support::{Client, PATIENCE, Process};

/// A client that watches.
struct Watcher(BufReader<TcpStream>);

impl Watcher {
    fn new(server: &Process, kinds: &str) -> Self {
        let mut client = server.connect();
        client.ask(format!("watch {kinds}\r\n"), "OK\r\n");
        Self(BufReader::new(client.socket))
    }

    /// The next line, without its time and number.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        assert!(line.ends_with('\n'), "cut off: {line:?}");
        let words = line.trim_end().split(' ');
        let words = words.filter(|word| !word.starts_with("ts=") && !word.starts_with("gid="));
        words.collect::<Vec<_>>().join(" ")
    }

    /// Closes with unread input, so that the server is notified at once.
    fn leave(self) {
        SockRef::from(self.0.get_ref())
            .set_linger(Some(Duration::ZERO))
            .unwrap();
    }

    fn must_hear(&mut self, lines: &[&str]) {
        for line in lines {
            assert_eq!(self.line(), *line);
        }
    }
}

/// Runs a test against a server on each runtime.
fn on_each_runtime(words: &str, test: impl Fn(&Process)) {
    for &runtime in RuntimeName::ALL {
        let server = Process::start(runtime, words);
        test(&server);
        server.stop();
    }
}

#[test]
fn watchers_get_lines_of_the_kinds_they_asked_for() {
    on_each_runtime("-t 2", |server| {
        let mut gets = Watcher::new(server, "fetchers");
        let mut default = Watcher::new(server, "");
        let mut sets = Watcher::new(server, "mutations");
        let mut deletes = Watcher::new(server, "deletions");
        let mut all = Watcher::new(server, "fetchers mutations deletions");
        let said = "set k 0 0 4\r\nabcd\r\nget k absent\r\nadd k 0 0 1\r\nx\r\n\
            cas k 0 0 1 9\r\nx\r\ncas absent 0 60 1 9\r\nx\r\nset large 0 0 2000\r\n";
        let said = format!(
            "{said}{}\r\nset t,1 0 60 1\r\nx\r\ndelete k\r\n",
            "x".repeat(2000)
        );
        let client = server.connect();
        client.converse(said + "delete k\r\nincr k 1\r\ntouch t,1 5\r\n");
        // Connections have numbers; the client is the sixth of them.
        let found = "type=item_get key=k status=found clsid=1 cfd=6 size=4";
        let absent = "type=item_get key=k status=not_found clsid=0 cfd=6 size=0";
        let other = "type=item_get key=absent status=not_found clsid=0 cfd=6 size=0";
        let large = "type=item_get key=large status=not_found clsid=0 cfd=6 size=0";
        let fresh = "type=item_get key=t%2C1 status=not_found clsid=0 cfd=6 size=0";
        let touched = "type=item_get key=t%2C1 status=found clsid=1 cfd=6 size=1";
        let fetches = [absent, found, other, found, found, other, large, fresh];
        let fetches = [&fetches[..], &[found, absent, absent, touched]].concat();
        gets.must_hear(&fetches);
        default.must_hear(&fetches);
        let stores = [
            "type=item_store key=k status=stored cmd=set ttl=0 clsid=1 cfd=6 size=4",
            "type=item_store key=k status=not_stored cmd=add ttl=0 clsid=1 cfd=6 size=4",
            "type=item_store key=k status=exists cmd=cas ttl=0 clsid=1 cfd=6 size=4",
            "type=item_store key=absent status=not_found cmd=cas ttl=0 clsid=0 cfd=6 size=0",
            "type=item_store key=large status=stored cmd=set ttl=0 clsid=4 cfd=6 size=2000",
            "type=item_store key=t%2C1 status=stored cmd=set ttl=60 clsid=1 cfd=6 size=1",
        ];
        sets.must_hear(&stores);
        deletes.must_hear(&["type=deleted key=k cmd=delete clsid=1 size=4"]);
        all.must_hear(&[absent, stores[0], found, other, found, stores[1]]);
    });
}

#[test]
fn watch_shows_the_names_of_meta_commands() {
    on_each_runtime("-t 2", |server| {
        let mut watcher = Watcher::new(server, "fetchers mutations deletions");
        let said = "ms k 1 c\r\nx\r\nms k 1 ME\r\nx\r\nms Zm9v 1 b C5\r\nx\r\nmg k v\r\n";
        server
            .connect()
            .converse(format!("{said}mn\r\nmd k I\r\nmd k\r\n"));
        let get = |key, status, class, size| {
            format!("type=item_get key={key} status={status} clsid={class} cfd=2 size={size}")
        };
        let store = |key, status, class, size| {
            let place = format!("clsid={class} cfd=2 size={size}");
            format!("type=item_store key={key} status={status} cmd=ms ttl=0 {place}")
        };
        for line in [
            get("k", "not_found", 0, 0),
            store("k", "stored", 1, 1),
            get("k", "found", 1, 1),
            store("k", "not_stored", 1, 1),
            get("foo", "not_found", 0, 0),
            store("foo", "not_found", 0, 0),
            get("k", "found", 1, 1),
            get("k", "found", 1, 1),
            get("k", "found", 1, 1),
            "type=deleted key=k cmd=md clsid=1 size=1".into(),
        ] {
            assert_eq!(watcher.line(), line);
        }
    });
}

#[test]
fn a_failed_store_is_shown_with_its_reason() {
    on_each_runtime("-m 8 -I 4k -M -t 1", |server| {
        let mut watcher = Watcher::new(server, "mutations");
        let mut client = server.connect();
        let large = format!("set large 0 0 5000\r\n{}\r\n", "x".repeat(5000));
        client.ask(large, "SERVER_ERROR object too large for cache\r\n");
        let line = "type=item_store key=large status=too_large cmd=set ttl=0 clsid=0 cfd=2 size=0";
        watcher.must_hear(&[line]);
        for number in 0.. {
            client.say(format!("set {number} 0 0 3000\r\n{}\r\n", "x".repeat(3000)));
            let mut first = [0];
            client.socket.read_exact(&mut first).unwrap();
            if first == *b"S" && !watcher.line().contains("status=stored") {
                break;
            }
            assert!(number < 10_000, "8 MiB hold more than 30 MB");
            client.must_hear("TORED\r\n");
        }
    });
}

#[test]
fn watch_evictions_shows_the_age_of_items() {
    on_each_runtime("-t 1 --max-items 2", |server| {
        let mut watcher = Watcher::new(server, "evictions");
        let mut client = server.connect();
        client.ask(
            "set a 0 0 1\r\nx\r\nset b 0 90 2\r\nxx\r\nget a\r\n",
            "STORED\r\nSTORED\r\n",
        );
        client.must_hear("VALUE a 0 1\r\nx\r\nEND\r\n");
        client.ask(
            "set c 0 0 1\r\nx\r\nset d 0 0 1\r\nx\r\n",
            "STORED\r\nSTORED\r\n",
        );
        let line = watcher.line();
        let start = "type=eviction key=b fetch=no ttl=";
        assert!(
            line.starts_with(start) && line.ends_with(" clsid=1 size=2"),
            "{line}"
        );
        let line = watcher.line();
        assert!(
            line.starts_with("type=eviction key=a fetch=yes ttl=-1 la="),
            "{line}"
        );
        assert_eq!(client.stat("evictions"), 2);
        watcher.leave();
        client.await_stat("log_watchers", |count| count == 0);
    });
}

#[test]
fn evictions_beyond_the_limit_of_a_request_are_counted() {
    on_each_runtime("-t 1 -m 8", |server| {
        let mut watcher = Watcher::new(server, "evictions");
        let mut client = server.connect();
        for number in 0..200_000 {
            client.say(format!("set {number} 0 0 1 noreply\r\nx\r\n"));
        }
        client.say(format!(
            "set large 0 0 1000000 noreply\r\n{}\r\nmn\r\n",
            "x".repeat(1_000_000)
        ));
        client.must_hear("MN\r\n");
        let (evictions, skipped) = (client.stat("evictions"), client.stat("log_watcher_skipped"));
        let sent = client.stat("log_watcher_sent");
        assert!(skipped > 1000, "{skipped}");
        assert_eq!(evictions, sent + skipped);
        let mut lines = 0;
        while lines < sent {
            let line = watcher.line();
            lines += u64::from(line.starts_with("type=eviction "));
        }
    });
}

/// Nothing else shows that its host is gone. TCP probes other clients after two hours.
#[cfg(target_os = "linux")]
#[test]
fn a_half_closed_watcher_is_probed_by_tcp() {
    on_each_runtime("", |server| {
        let mut watcher = server.connect();
        watcher.ask("watch fetchers\r\n", "OK\r\n");
        let port = watcher.socket.local_addr().unwrap().port();
        // In how many hundredths of a second TCP probes from the server's side of the connection.
        let next_probe = || {
            let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
            let line = table.lines().find(|line| {
                let ports: Vec<_> = line.split_whitespace().skip(1).take(2).collect();
                let is = |at: usize, port| {
                    let address = ports.get(at);
                    address.is_some_and(|address| address.ends_with(&format!(":{port:04X}")))
                };
                is(0, server.address.port()) && is(1, port)
            });
            let timer = line.and_then(|line| line.split_whitespace().nth(5));
            let (kind, left) = timer.unwrap().split_once(':').unwrap();
            let left = u64::from_str_radix(left, 16).unwrap();
            (kind == "02").then_some(left)
        };
        assert!(next_probe().is_none_or(|left| left > 6000));
        watcher.socket.shutdown(Shutdown::Write).unwrap();
        let deadline = Instant::now() + PATIENCE;
        while next_probe().is_none_or(|left| left > 3000) {
            assert!(Instant::now() < deadline, "it is not probed");
            thread::sleep(Duration::from_millis(10));
        }
    });
}

#[test]
fn a_half_closed_watcher_gets_lines_until_it_leaves() {
    on_each_runtime("-t 2 -o idle_timeout=3", |server| {
        let mut client = server.connect();
        let mut watchers: Vec<_> = (0..3)
            .map(|number| {
                let mut watcher = server.connect();
                if number == 0 {
                    // In one packet, as `printf … | nc -N` does.
                    watcher.say("watch fetchers\r\n");
                    watcher.socket.shutdown(Shutdown::Write).unwrap();
                    watcher.must_hear("OK\r\n");
                } else {
                    watcher.ask("watch fetchers\r\n", "OK\r\n");
                    watcher.socket.shutdown(Shutdown::Write).unwrap();
                }
                Watcher(BufReader::new(watcher.socket))
            })
            .collect();
        // For longer than the time of a client that has nothing to say.
        for round in 0..35 {
            client.ask(format!("get k{round}\r\n"), "END\r\n");
            for watcher in &mut watchers {
                let start = format!("type=item_get key=k{round} status=not_found ");
                assert!(watcher.line().starts_with(&start));
            }
            thread::sleep(Duration::from_millis(100));
        }
        assert_eq!(client.stat("idle_kicks"), 0);
        let ticks = server.ticks();
        let third = watchers.pop();
        drop(watchers);
        // The next line shows which watcher has left.
        client.ask("get k\r\n", "END\r\n");
        client.await_stat("log_watchers", |count| count == 1);
        let mut third = third.unwrap();
        assert!(third.line().starts_with("type=item_get key=k "));
        thread::sleep(Duration::from_secs(1));
        assert!(server.ticks() - ticks < 20, "it spins");
        let mut client = server.connect();
        // This one has not read its last line, so the server is notified at once.
        client.ask("get last\r\n", "END\r\n");
        assert_eq!(third.0.get_ref().peek(&mut [0]).unwrap(), 1);
        drop(third);
        client.await_stat("log_watchers", |count| count == 0);
    });
}

#[test]
fn watch_connevents_shows_opened_and_closed_connections() {
    on_each_runtime("-t 1 --stall-timeout 1", |server| {
        let mut watcher = Watcher::new(server, "connevents");
        let client = server.connect();
        let port = client.socket.local_addr().unwrap().port();
        let peer = format!("rip=127.0.0.1 rport={port} transport=tcp");
        watcher.must_hear(&[&format!("type=conn_new {peer} cfd=2")]);
        client.converse("quit\r\n");
        watcher.must_hear(&[&format!("type=conn_close {peer} reason=normal cfd=2")]);
        let mut slow = server.connect();
        slow.say("get half");
        assert!(watcher.line().starts_with("type=conn_new "));
        assert!(watcher.line().ends_with(" reason=idle_timeout cfd=3"));
    });
}

#[test]
fn a_connection_that_breaks_the_protocol_closes_with_reason_error() {
    on_each_runtime("-t 1", |server| {
        let mut watcher = Watcher::new(server, "connevents");
        let long = "a".repeat(3000);
        let said = [
            "quit\r\n",
            "QUIT\r\n",
            "",
            "Host: example.com\r\n",
            &long,
            "set k 0 0 many\r\n",
            "SET k 10 -1\r\n",
            "ms k many\r\n",
        ];
        for (number, said) in said.into_iter().enumerate() {
            server.connect().converse(said);
            assert!(watcher.line().starts_with("type=conn_new "));
            let reason = if number < 3 { "normal" } else { "error" };
            let end = format!(" reason={reason} cfd={}", number + 2);
            let line = watcher.line();
            assert!(line.ends_with(&end), "{said}: {line}");
        }
    });
}

#[test]
fn lines_that_a_watcher_does_not_read_are_skipped_without_delaying_others() {
    on_each_runtime("-t 2 -m 64", |server| {
        let lazy = Watcher::new(server, "fetchers");
        let mut client = server.connect();
        let many = "get k\r\n".repeat(1000);
        let replies = "END\r\n".repeat(1000);
        let mut rounds = 0;
        while client.stat("log_watcher_skipped") == 0 {
            client.ask(&many, &replies);
            rounds += 1;
            assert!(rounds < 2000, "nothing is ever left out");
        }
        let (sent, skipped) = (
            client.stat("log_watcher_sent"),
            client.stat("log_watcher_skipped"),
        );
        assert_eq!(sent + skipped, 1000 * rounds);
        assert!(server.resident() < 100 << 10, "{} KiB", server.resident());
        lazy.leave();
        client.await_stat("log_watchers", |count| count == 0);
        client.ask("get k\r\n", "END\r\n");
        assert_eq!(client.stat("log_worker_written"), 1000 * rounds);
    });
}

#[test]
fn the_twenty_first_watcher_is_refused() {
    on_each_runtime("-t 2", |server| {
        let mut watchers: Vec<_> = (0..20).map(|_| Watcher::new(server, "fetchers")).collect();
        let full = "WATCHER_TOO_MANY log watcher limit reached\r\n";
        let mut client = server.connect();
        client.ask("watch\r\n", full);
        client.ask("watch fetchers nonsense\r\n", "ERROR\r\n");
        client.ask("get k\r\n", "END\r\n");
        for watcher in &mut watchers {
            assert!(watcher.line().starts_with("type=item_get key=k "));
        }
        watchers.pop().unwrap().leave();
        client.await_stat("log_watchers", |count| count == 19);
        client.ask(
            "watch sysevents rawcmds proxyreqs proxyevents proxyuser\r\n",
            "OK\r\n",
        );
        // It only watches now, whatever it sends.
        client.say("get k\r\nquit\r\n");
        assert_eq!(server.connect().stat("log_watchers"), 20);
    });
}

#[test]
fn stats_conns_lists_connections() {
    on_each_runtime("-t 1", |server| {
        let _watcher = Watcher::new(server, "connevents");
        let mut half = server.connect();
        half.say("get half");
        let mut client = server.connect();
        client.await_stat("buffered", |size| size > 0);
        let port = client.socket.local_addr().unwrap().port();
        let listed = client.converse("stats conns\r\nversion\r\n");
        for line in [
            format!("STAT listen0:addr tcp:{}\r\n", server.address),
            "STAT listen0:state conn_listening\r\n".into(),
            "STAT 1:state conn_watch\r\n".into(),
            "STAT 2:state conn_nread\r\n".into(),
            format!("STAT 3:addr tcp:127.0.0.1:{port}\r\n"),
            format!("STAT 3:listen_addr tcp:{}\r\n", server.address),
            "STAT 3:secs_since_last_cmd 0\r\n".into(),
        ] {
            assert!(listed.contains(&line), "{line} is missing in\n{listed}");
        }
        assert!(listed.ends_with("END\r\nVERSION 1.6.45\r\n"), "{listed}");
    });
}

#[test]
fn a_connection_is_listed_with_the_address_that_its_listener_is_bound_to() {
    // Beside the listener on 127.0.0.1 that every server here has.
    on_each_runtime("-t 1 -l 0.0.0.0", |server| {
        let listed = server.connect().converse("stats conns\r\n");
        let bound = listed
            .lines()
            .find_map(|line| line.strip_prefix("STAT listen1:addr tcp:0.0.0.0:"));
        let port: u16 = bound.unwrap().parse().unwrap();
        let client = Client::connect(([127, 0, 0, 1], port).into());
        let listed = client.converse("stats conns\r\n");
        let line = format!("STAT 2:listen_addr tcp:0.0.0.0:{port}\r\n");
        assert!(listed.contains(&line), "{line} is missing in\n{listed}");
    });
}

#[test]
fn stats_conns_lists_hundreds_of_connections() {
    on_each_runtime("-t 2", |server| {
        let clients: Vec<_> = (0..450).map(|_| server.connect()).collect();
        let mut client = server.connect();
        client.await_stat("curr_connections", |count| count == 451);
        let listed = client.converse("stats conns\r\n");
        assert_eq!(
            listed.matches(":secs_since_last_cmd ").count(),
            clients.len() + 1
        );
    });
}

#[test]
fn a_long_dump_lists_every_item_that_is_not_removed_meanwhile() {
    const LASTING: usize = 50_000;
    on_each_runtime("-t 2 -m 64", |server| {
        let mut client = server.connect();
        for number in 0..LASTING {
            client.say(format!("set lasting-{number} 0 0 1 noreply\r\nx\r\n"));
        }
        client.ask("mn\r\n", "MN\r\n");
        client.say("lru_crawler metadump all\r\nversion\r\n");
        let mut busy = server.connect();
        for number in 0..20_000 {
            busy.say(format!("set passing-{number} 0 0 1 noreply\r\nx\r\n"));
        }
        busy.ask("mn\r\n", "MN\r\n");
        let mut lines = BufReader::new(client.socket).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "OK");
        let mut listed = HashSet::new();
        for line in lines.by_ref().map(Result::unwrap) {
            if line == "END" {
                break;
            }
            let key = line
                .split(' ')
                .next()
                .and_then(|word| word.strip_prefix("key="));
            let key = key.unwrap_or_else(|| panic!("{line}"));
            listed.extend(key.strip_prefix("lasting-").map(String::from));
        }
        assert_eq!(listed.len(), LASTING);
        assert_eq!(lines.next().unwrap().unwrap(), "VERSION 1.6.45");
    });
}

#[test]
fn an_unread_dump_takes_little_memory_and_ends_with_the_server() {
    on_each_runtime("-t 1 -m 64", |server| {
        let mut client = server.connect();
        for number in 0..200_000 {
            client.say(format!("set number-{number} 0 0 1 noreply\r\nx\r\n"));
        }
        client.ask("mn\r\n", "MN\r\n");
        let before = server.resident();
        let lazy: Vec<_> = (0..20)
            .map(|_| {
                let mut client = server.connect();
                client.say("lru_crawler metadump all\r\n");
                client
            })
            .collect();
        client.ask("get number-1\r\n", "VALUE number-1 0 1\r\nx\r\nEND\r\n");
        thread::sleep(Duration::from_millis(300));
        let kept = server.resident().saturating_sub(before);
        assert!(kept < 20 << 10, "{kept} KiB for {} dumps", lazy.len());
    });
}

#[test]
fn disabled_commands_are_refused() {
    on_each_runtime("-W -X", |server| {
        let mut client = server.connect();
        client.ask("watch\r\n", "CLIENT_ERROR watch commands not allowed\r\n");
        client.ask(
            "watch nonsense\r\n",
            "CLIENT_ERROR watch commands not allowed\r\n",
        );
        client.ask(
            "stats cachedump 1 1\r\n",
            "CLIENT_ERROR stats cachedump not allowed\r\n",
        );
        client.ask(
            "stats detail on\r\n",
            "CLIENT_ERROR stats detail not allowed\r\n",
        );
        client.ask(
            "lru_crawler metadump all\r\n",
            "ERROR metadump not allowed\r\n",
        );
        client.ask(
            "lru_crawler mgdump all\r\n",
            "ERROR key dump not allowed\r\n",
        );
    });
}

#[test]
fn shutdown_stops_the_server_if_enabled() {
    for (mode, &runtime) in ["", " graceful"]
        .iter()
        .zip(RuntimeName::ALL.iter().cycle())
    {
        let mut server = Process::start(runtime, "-A");
        let mut client = server.connect();
        client.ask("shutdown now\r\n", "CLIENT_ERROR invalid shutdown mode\r\n");
        client.say(format!("set k 0 0 1\r\nx\r\nshutdown{mode}\r\n"));
        client.must_hear("STORED\r\n");
        assert_eq!(client.rest(), b"");
        assert_eq!(server.wait().code(), Some(0));
    }
}

#[test]
fn stats_sizes_counts_items_with_track_sizes() {
    on_each_runtime("-t 2 -o track_sizes", |server| {
        let mut client: Client = server.connect();
        client.ask("stats sizes\r\n", "END\r\n");
        let large = format!("set large 0 0 100\r\n{}\r\n", "x".repeat(100));
        client.ask(large, "STORED\r\n");
        client.ask("set a 0 0 1\r\nx\r\nset b 0 0 31\r\n", "STORED\r\n");
        client.ask(
            format!("{}\r\nset c 0 0 32\r\n", "x".repeat(31)),
            "STORED\r\n",
        );
        client.ask(format!("{}\r\n", "x".repeat(32)), "STORED\r\n");
        client.ask(
            "stats sizes\r\n",
            "STAT 32 1\r\nSTAT 64 2\r\nSTAT 160 1\r\nEND\r\n",
        );
    });
}

#[test]
fn prefixes_are_counted_from_the_start_and_by_any_character() {
    on_each_runtime("-t 2 -D /", |server| {
        let said = "set a/b 0 0 1\r\nx\r\nget a/b a/c b:d/e none\r\ndelete a/b\r\nincr a/b 1\r\n";
        let heard = server
            .connect()
            .converse(format!("{said}stats detail dump\r\n"));
        let dump = "PREFIX a get 2 hit 1 set 1 del 1\r\nPREFIX b:d get 1 hit 0 set 0 del 0\r\n";
        assert!(
            heard.ends_with(&format!("NOT_FOUND\r\n{dump}END\r\n")),
            "{heard}"
        );
    });
}

#[test]
fn as_many_prefixes_are_counted_as_max_prefixes_says() {
    on_each_runtime("-t 2 -D : --max-prefixes 2", |server| {
        let mut client = server.connect();
        client.ask("get c:1 a:1 b:1 a:2\r\n", "END\r\n");
        assert_eq!(client.stat("detail_uncounted"), 1);
        let dump =
            "PREFIX a get 2 hit 0 set 0 del 0\r\nPREFIX c get 1 hit 0 set 0 del 0\r\nEND\r\n";
        client.ask("stats detail dump\r\n", dump);
    });
}

#[test]
fn a_thousand_prefixes_are_counted_and_others_as_uncounted() {
    on_each_runtime("-t 2 -D :", |server| {
        let mut client = server.connect();
        for number in 0..1003 {
            client.say(format!("get {number}:key\r\n"));
        }
        client.must_hear("END\r\n".repeat(1003));
        client.ask("get 999:other\r\n", "END\r\n");
        assert_eq!(client.stat("detail_uncounted"), 3);
        let dump = server.connect().converse("stats detail dump\r\n");
        assert_eq!(dump.lines().count(), 1001);
        assert!(dump.contains("PREFIX 999 get 2 hit 0 set 0 del 0\r\n"));
        client.ask("stats reset\r\n", "RESET\r\n");
        assert_eq!(client.stat("detail_uncounted"), 0);
        client.ask("stats detail dump\r\n", "END\r\n");
    });
}
