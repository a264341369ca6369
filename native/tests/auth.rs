//! Authentication, and clients that are idle. On each runtime.

// A failed test panics with the reason.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use support::{PATIENCE, Process, command, on_each_runtime};

/// Runs a test against servers that know a user.
fn with_a_user(test: impl Fn(Process)) {
    let name = thread::current().name().unwrap().to_owned();
    let path = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
    fs::write(&path, "ada:lovelace\n").unwrap();
    on_each_runtime(&format!("-Y {}", path.display()), test);
    fs::remove_file(&path).unwrap();
}

#[test]
fn requests_before_authentication_are_rejected() {
    with_a_user(|server| {
        let mut known = server.connect();
        // What follows in the same packet is served.
        known.ask(
            "set auth 0 0 12\r\nada lovelace\r\nset k 0 0 1\r\nv\r\n",
            "STORED\r\nSTORED\r\n",
        );
        for request in [
            "get k\r\n",
            "GET k\r\n",
            "delete k\r\n",
            "mg k v\r\n",
            "mn\r\n",
            "stats\r\n",
            "flush_all\r\n",
            "version\r\n",
            "quit\r\n",
            "\r\n",
        ] {
            server
                .connect()
                .ask(request, "CLIENT_ERROR unauthenticated\r\n");
        }
        let mut stranger = server.connect();
        stranger.ask(
            "set auth 0 0 12\r\nada LOVELACE\r\n",
            "CLIENT_ERROR authentication failure\r\n",
        );
        stranger.ask(
            "set auth 0 0 3\r\nada\r\n",
            "CLIENT_ERROR bad authentication token format\r\n",
        );
        stranger.ask(
            "set auth 0 0 7\r\nada barXX",
            "CLIENT_ERROR bad command line termination\r\n",
        );
        stranger.ask("set auth 0 0 12\r\nada lovelace\r\n", "STORED\r\n");
        stranger.ask("get k\r\n", "VALUE k 0 1\r\nv\r\nEND\r\n");
        assert_eq!(known.stat("auth_errors"), 13);
        assert_eq!(known.stat("auth_cmds"), 15);
        known.ask("stats reset\r\n", "RESET\r\n");
        assert_eq!(known.stat("auth_errors") + known.stat("auth_cmds"), 0);
        let log = server.stop().join("\n");
        assert_eq!(log.matches("auth_errors").count(), 1, "{log}");
    });
}

#[test]
fn the_fifth_failed_authentication_closes_the_connection() {
    with_a_user(|server| {
        let mut stranger = server.connect();
        stranger.say("get k\r\n".repeat(100));
        assert_eq!(
            stranger.rest(),
            b"CLIENT_ERROR unauthenticated\r\n".repeat(5)
        );
        let mut too_long = server.connect();
        too_long.say("set auth 0 0 2147483647\r\nset k 0 0 1\r\nv\r\n");
        assert_eq!(too_long.rest(), b"CLIENT_ERROR auth token too long\r\n");
        server.stop();
    });
}

#[test]
fn a_password_may_end_in_blanks_and_the_file_may_start_with_a_byte_order_mark() {
    let path = std::env::temp_dir().join(format!("blanks-{}", std::process::id()));
    fs::write(&path, "\u{feff}ada:love  \r\nbob:\tx\n").unwrap();
    on_each_runtime(&format!("-Y {}", path.display()), |server| {
        for (token, reply) in [
            ("ada love  ", "STORED\r\n"),
            ("ada love", "CLIENT_ERROR authentication failure\r\n"),
            ("bob \tx", "STORED\r\n"),
            (
                "\u{feff}ada love  ",
                "CLIENT_ERROR authentication failure\r\n",
            ),
        ] {
            let said = format!("set auth 0 0 {}\r\n{token}\r\n", token.len());
            assert_eq!(server.connect().converse(said), reply, "{token:?}");
        }
        server.stop();
    });
    fs::remove_file(&path).unwrap();
}

#[cfg(feature = "hashed")]
#[test]
fn a_hashed_password_is_printed_and_lets_its_user_in() {
    let mut hashing = command();
    let hashing = hashing.arg("--hash-password").stdin(Stdio::piped());
    let mut hashing = hashing.stdout(Stdio::piped()).spawn().unwrap();
    hashing
        .stdin
        .take()
        .unwrap()
        .write_all(b"love lace\n")
        .unwrap();
    let output = hashing.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let hash = String::from_utf8(output.stdout).unwrap();
    assert!(hash.starts_with("{SSHA256}"), "{hash}");
    let path = std::env::temp_dir().join(format!("hashed-{}", std::process::id()));
    fs::write(&path, format!("ada:{hash}bob:plain\n")).unwrap();
    on_each_runtime(&format!("-Y {}", path.display()), |server| {
        for (token, reply) in [
            ("ada love lace", "STORED\r\n"),
            ("bob plain", "STORED\r\n"),
            ("ada love lac", "CLIENT_ERROR authentication failure\r\n"),
            (
                &format!("ada {}", hash.trim()),
                "CLIENT_ERROR authentication failure\r\n",
            ),
        ] {
            let said = format!("set auth 0 0 {}\r\n{token}\r\n", token.len());
            assert_eq!(server.connect().converse(said), reply, "{token:?}");
        }
        server.stop();
    });
    fs::remove_file(&path).unwrap();
    let output = command()
        .arg("--hash-password")
        .stdin(Stdio::null())
        .output();
    assert_eq!(output.unwrap().status.code(), Some(1));
}

#[test]
fn a_read_only_user_reads_and_changes_nothing() {
    let path = std::env::temp_dir().join(format!("roles-{}", std::process::id()));
    fs::write(&path, "ada:a\n[read-only]\nbob:b\n").unwrap();
    let words = format!("-Y {} -A -m 64 -D :", path.display());
    on_each_runtime(&words, |server| {
        let mut ada = server.connect();
        ada.ask("set auth 0 0 5\r\nada a\r\n", "STORED\r\n");
        ada.ask("set k 0 0 1\r\n5\r\n", "STORED\r\n");
        let mut bob = server.connect();
        bob.ask("set auth 0 0 5\r\nbob b\r\n", "STORED\r\n");
        let refused = "CLIENT_ERROR this user may only read\r\n";
        for request in [
            "set k 0 0 1\r\nx\r\n",
            "add n 0 0 1\r\nx\r\n",
            "replace k 0 0 1\r\nx\r\n",
            "append k 0 0 1\r\nx\r\n",
            "prepend k 0 0 1\r\nx\r\n",
            "cas k 0 0 1 1\r\nx\r\n",
            "SET k 0 1\r\nx\r\n",
            "DELETE k\r\n",
            "delete k\r\n",
            "incr k 1\r\n",
            "decr k 1\r\n",
            "touch k 1\r\n",
            "gat 1 k n\r\n",
            "gats 1 k\r\n",
            "ms k 1\r\nx\r\n",
            "md k q\r\n",
            "ma k\r\n",
            "mg k v T1\r\n",
            "mg n v N1\r\n",
            "mg k v R100\r\n",
            "flush_all\r\n",
            "flush_all 10\r\n",
            "flush_prefix k\r\n",
            "FLUSH k\r\n",
            "refresh_certs\r\n",
            "stats reset\r\n",
            "stats detail off\r\n",
            "stats sizes_disable\r\n",
            "cache_memlimit 32\r\n",
            "verbosity 1\r\n",
            "slabs automove 0\r\n",
            "lru mode flat\r\n",
            "lru_crawler disable\r\n",
            "shutdown\r\n",
        ] {
            bob.ask(request, refused);
        }
        // Requests that want no reply get none, and what is too large its own.
        bob.say("set k 0 0 1 noreply\r\nx\r\ndelete k noreply\r\nflush_all noreply\r\n");
        bob.say(format!(
            "set k 0 0 2000000\r\n{}\r\n",
            "x".repeat(2_000_000)
        ));
        bob.must_hear("SERVER_ERROR object too large for cache\r\n");
        // What is read ahead together is judged one by one.
        bob.ask(
            "get k\r\nset k 0 0 1\r\nx\r\nget k\r\n",
            format!("VALUE k 0 1\r\n5\r\nEND\r\n{refused}VALUE k 0 1\r\n5\r\nEND\r\n"),
        );
        bob.ask("mg k v\r\n", "VA 1\r\n5\r\n");
        bob.ask("mn\r\n", "MN\r\n");
        bob.ask("version\r\n", "VERSION 1.6.45\r\n");
        bob.ask("lru_crawler mgdump all\r\n", "OK\r\nmg k\r\nEN\r\n");
        assert_eq!(bob.stat("curr_items"), 1);
        ada.ask("get k\r\n", "VALUE k 0 1\r\n5\r\nEND\r\n");
        // Nothing that he tried was counted or came into effect.
        assert_eq!(ada.stat("cmd_flush"), 0);
        assert_eq!(ada.stat("limit_maxbytes"), 64 << 20);
        ada.ask("delete k\r\n", "DELETED\r\n");
        server.stop();
    });
    fs::remove_file(&path).unwrap();
}

#[test]
fn a_read_only_user_sees_hot_keys_and_advice() {
    let path = std::env::temp_dir().join(format!("reader-{}", std::process::id()));
    fs::write(&path, "[read-only]\nbob:b\n").unwrap();
    on_each_runtime(&format!("-Y {}", path.display()), |server| {
        for request in ["stats hotkeys", "stats advice", "HOT"] {
            let said = format!("set auth 0 0 5\r\nbob b\r\n{request}\r\nquit\r\n");
            let heard = server.connect().converse(said);
            assert!(heard.ends_with("END\r\n"), "{request}: {heard}");
        }
        server.stop();
    });
    fs::remove_file(&path).unwrap();
}

#[test]
fn sign_ins_are_logged_with_vv_alone() {
    let path = std::env::temp_dir().join(format!("signs-in-{}", std::process::id()));
    fs::write(&path, "ada:a\n[read-only]\nbob:b\n").unwrap();
    for (words, count) in [("", 0), ("-v", 0), ("-vv", 2)] {
        on_each_runtime(&format!("-Y {} {words}", path.display()), |server| {
            for user in ["ada a", "bob b"] {
                let said = format!("set auth 0 0 5\r\n{user}\r\n");
                assert_eq!(server.connect().converse(said), "STORED\r\n");
            }
            let log = server.stop().join("\n");
            assert_eq!(log.matches(" has signed in, Read").count(), count, "{log}");
            assert_eq!(log.contains(" has signed in, ReadOnly"), count > 0, "{log}");
        });
    }
    fs::remove_file(&path).unwrap();
}

#[test]
fn sighup_reloads_users() {
    let path = std::env::temp_dir().join(format!("users-{}", std::process::id()));
    let write = |text| fs::write(&path, text).unwrap();
    write("ada:lovelace\n");
    on_each_runtime(&format!("-Y {}", path.display()), |server| {
        let may_come_in = |token: &str| {
            let said = format!("set auth 0 0 {}\r\n{token}\r\n", token.len());
            server.connect().converse(said) == "STORED\r\n"
        };
        let mut known = server.connect();
        known.ask("set auth 0 0 12\r\nada lovelace\r\n", "STORED\r\n");
        write("alan:turing\n");
        assert!(may_come_in("ada lovelace") && !may_come_in("alan turing"));
        server.signal("HUP");
        let deadline = Instant::now() + PATIENCE;
        while !may_come_in("alan turing") {
            assert!(Instant::now() < deadline);
        }
        assert!(!may_come_in("ada lovelace"));
        known.ask("get k\r\n", "END\r\n");
        write("nobody\n");
        server.signal("HUP");
        let log = server.stop().join("\n");
        assert!(
            log.contains("users are unchanged: -Y/--auth-file: "),
            "{log}"
        );
        write("ada:lovelace\n");
    });
    fs::remove_file(&path).unwrap();
}

#[test]
fn sighup_without_users_is_ignored() {
    on_each_runtime("-m 64", |server| {
        let mut client = server.connect();
        client.ask("set k 0 0 1\r\nv\r\n", "STORED\r\n");
        for _ in 0..10 {
            server.signal("HUP");
            client.ask("get k\r\n", "VALUE k 0 1\r\nv\r\nEND\r\n");
        }
        let log = server.stop().join("\n");
        assert!(
            log.contains("SIGHUP is ignored: there is no file to reload"),
            "{log}"
        );
    });
}

#[test]
fn sighup_before_the_server_has_started_is_ignored() {
    let path = std::env::temp_dir().join(format!("slow-users-{}", std::process::id()));
    let made = Command::new("mkfifo").arg(&path).status();
    assert!(made.unwrap().success());
    let mut command = command();
    command.args(["-p", "0", "-Y"]).arg(&path);
    let mut server = command.stderr(Stdio::piped()).spawn().unwrap();
    let signal = |name: &str, pid: u32| {
        let sent = Command::new("kill").args([name, &pid.to_string()]).status();
        assert!(sent.unwrap().success());
    };
    // It is open when the server reads it, which then handles signals already.
    let mut users = support::await_reader(&path);
    signal("-HUP", server.id());
    let mut lines = BufReader::new(server.stderr.take().unwrap()).lines();
    let mut is_said = |text: &str| lines.any(|line| line.unwrap().contains(text));
    assert!(is_said("SIGHUP is ignored during the start"));
    users.write_all(b"ada:lovelace\n").unwrap();
    drop(users);
    assert!(is_said("try: "));
    signal("-TERM", server.id());
    assert_eq!(server.wait().unwrap().code(), Some(0));
    fs::remove_file(&path).unwrap();
}

#[test]
fn an_idle_client_is_disconnected_after_idle_timeout() {
    on_each_runtime("-m 64 -o idle_timeout=3", |server| {
        let mut watcher = server.connect();
        watcher.ask("watch evictions\r\n", "OK\r\n");
        let mut silent = server.connect();
        let mut busy = server.connect();
        let deadline = Instant::now() + PATIENCE;
        while !silent.is_closed_within(Duration::from_millis(100)) {
            assert!(Instant::now() < deadline);
            busy.ask("get k\r\n", "END\r\n");
        }
        // Who watches has nothing to say.
        assert!(!watcher.is_closed_within(Duration::from_millis(1)));
        busy.ask("version\r\n", "VERSION 1.6.45\r\n");
        assert_eq!(busy.stat("idle_kicks"), 1);
        busy.ask("stats reset\r\n", "RESET\r\n");
        assert_eq!(busy.stat("idle_kicks"), 0);
        server.stop();
    });
}
