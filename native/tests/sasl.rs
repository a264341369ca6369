//! Who may sign in by SASL, and how both protocols stand beside each other. On each runtime.

// A test that cannot go on says why by panicking.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::io::Read;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use support::{Client, PATIENCE, Process, command, on_each_runtime};

const REFUSED: u16 = 0x20;

/// A file that is gone at the end of the test.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("dynamidb-{name}-{}", std::process::id()));
        fs::write(&path, text).unwrap();
        Self(path)
    }

    fn path(&self) -> std::path::Display<'_> {
        self.0.display()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// A request of key and value, without extras.
fn packet(opcode: u8, key: &str, value: &str) -> Vec<u8> {
    let mut packet = vec![0x80, opcode];
    packet.extend((key.len() as u16).to_be_bytes());
    packet.extend([0; 4]);
    packet.extend(((key.len() + value.len()) as u32).to_be_bytes());
    packet.extend([0; 12]);
    packet.extend([key, value].concat().bytes());
    packet
}

/// So many bytes.
fn hear(client: &mut Client, len: usize) -> Vec<u8> {
    let mut heard = vec![0; len];
    client.socket.read_exact(&mut heard).unwrap();
    heard
}

/// The status of the reply, and its body.
fn ask(client: &mut Client, packet: &[u8]) -> (u16, Vec<u8>) {
    client.say(packet);
    let header = hear(client, 24);
    assert_eq!(header[..2], [0x81, packet[1]]);
    let body_len = u32::from_be_bytes(header[8..12].try_into().unwrap());
    let status = u16::from_be_bytes([header[6], header[7]]);
    (status, hear(client, body_len as usize))
}

fn sign_in(client: &mut Client, user: &str, password: &str) -> u16 {
    ask(
        client,
        &packet(0x21, "PLAIN", &format!("\0{user}\0{password}")),
    )
    .0
}

fn noop(client: &mut Client) -> u16 {
    ask(client, &packet(0x0a, "", "")).0
}

#[test]
fn with_users_both_protocols_sign_in_each_in_its_way() {
    let users = File::new("both", "ada:love lace\n");
    for words in [
        format!("-Y {}", users.path()),
        format!("-S -Y {}", users.path()),
    ] {
        on_each_runtime(&words, |server| {
            let mut packets = server.connect();
            assert_eq!(sign_in(&mut packets, "ada", "love"), REFUSED);
            assert_eq!(sign_in(&mut packets, "ada", "love lace"), 0);
            assert_eq!(noop(&mut packets), 0);
            assert_eq!(noop(&mut server.connect()), REFUSED);
            let mut text = server.connect();
            text.ask("get k\r\n", "CLIENT_ERROR unauthenticated\r\n");
            text.ask("set x 0 0 13\r\nada love lace\r\n", "STORED\r\n");
            text.ask("get k\r\n", "END\r\n");
            assert_eq!((text.stat("auth_cmds"), text.stat("auth_errors")), (4, 2));
            server.stop();
        });
    }
}

#[test]
fn with_memcached_s_file_alone_text_is_closed() {
    let passwords = File::new("pwdb", "ada:love:lace\nbob:\n");
    on_each_runtime(&format!("-S --sasl-pwdb {}", passwords.path()), |server| {
        for (user, password, status) in [
            ("ada", "love:lace", 0),
            ("ada", "love", 0),
            ("bob", "", 0),
            ("bob", "x", REFUSED),
            ("eve", "love", REFUSED),
        ] {
            let mut client = server.connect();
            assert_eq!(sign_in(&mut client, user, password), status, "{user}");
        }
        let mut text = server.connect();
        text.say("set k 0 0 30\r\nflush_all\r\n");
        assert_eq!(text.rest(), b"");
        server.stop();
    });
}

#[test]
fn the_file_may_be_named_by_memcached_s_variable() {
    let passwords = File::new("variable", "ada:x\n");
    let mut command = command();
    command.args(["-S", "-l", "127.0.0.1", "-p", "0"]);
    command.env("MEMCACHED_SASL_PWDB", &passwords.0);
    let server = Process::spawn(&mut command);
    assert_eq!(sign_in(&mut server.connect(), "ada", "x"), 0);
    server.stop();
}

#[test]
fn both_files_are_read_anew_when_the_server_is_told_to() {
    let users = File::new("users", "ada:old\n");
    let passwords = File::new("passwords", "bob:old\n");
    let words = format!("-S -Y {} --sasl-pwdb {}", users.path(), passwords.path());
    on_each_runtime(&words, |server| {
        let mut known = server.connect();
        assert_eq!(sign_in(&mut known, "ada", "old"), 0);
        assert_eq!(sign_in(&mut server.connect(), "bob", "old"), 0);
        fs::write(&users.0, "ada:new\n").unwrap();
        fs::write(&passwords.0, "bob:new\n").unwrap();
        server.signal("HUP");
        let deadline = Instant::now() + PATIENCE;
        while sign_in(&mut server.connect(), "ada", "new") != 0 {
            assert!(Instant::now() < deadline);
        }
        assert_eq!(sign_in(&mut server.connect(), "bob", "new"), 0);
        assert_eq!(sign_in(&mut server.connect(), "bob", "old"), REFUSED);
        // Who was let in stays.
        assert_eq!(noop(&mut known), 0);
        fs::write(&users.0, "ada:old\n").unwrap();
        fs::write(&passwords.0, "bob:old\n").unwrap();
        server.stop();
    });
}

#[test]
fn wrong_passwords_slow_down_the_answers_to_their_address_in_both_protocols() {
    let users = File::new("slow", "ada:lovelace\n");
    on_each_runtime(&format!("-Y {}", users.path()), |server| {
        let mut known = server.connect();
        known.ask("set x 0 0 12\r\nada lovelace\r\n", "STORED\r\n");
        let begun = Instant::now();
        let strangers = (0..18).map(|number| {
            let mut stranger = server.connect();
            stranger.say(match number % 2 {
                0 => packet(0x21, "PLAIN", "\0ada\0wrong"),
                _ => b"set x 0 0 9\r\nada wrong\r\n".to_vec(),
            });
            stranger
        });
        let strangers: Vec<_> = strangers.collect();
        known.await_stat("auth_errors", |count| count == 18);
        // Each wrong one costs half a second, and five seconds are given.
        let owed = || Duration::from_secs(4).saturating_sub(begun.elapsed());
        for said in [
            packet(0x21, "PLAIN", "\0ada\0lovelace"),
            b"set x 0 0 12\r\nada lovelace\r\n".to_vec(),
        ] {
            let mut client = server.connect();
            let least = owed().min(Duration::from_secs(3));
            let asked = Instant::now();
            client.say([&said[..], &said[..]].concat());
            hear(&mut client, 8);
            assert!(
                asked.elapsed() >= least,
                "{:?} < {least:?}",
                asked.elapsed()
            );
        }
        // Who has signed in before is served at once, and the server need not wait to stop.
        known.ask("get k\r\n", "END\r\n");
        drop(strangers);
        server.stop();
    });
}

#[test]
fn a_read_only_user_of_the_binary_protocol_changes_nothing() {
    let users = File::new("roles", "ada:a\n[read-only]\nbob:b\n");
    on_each_runtime(&format!("-Y {}", users.path()), |server| {
        let (mut ada, mut bob) = (server.connect(), server.connect());
        assert_eq!(sign_in(&mut ada, "ada", "a"), 0);
        assert_eq!(sign_in(&mut bob, "bob", "b"), 0);
        let with_extras = |opcode, extras: &[u8], value: &str| {
            let mut packet = packet(opcode, "k", value);
            packet[4] = extras.len() as u8;
            packet[11] += extras.len() as u8;
            packet.splice(24..24, extras.iter().copied());
            packet
        };
        let set = |opcode| with_extras(opcode, &[0; 8], "1");
        assert_eq!(ask(&mut ada, &set(0x01)).0, 0);
        for refused in [
            // set, add, replace, and quiet ones
            set(0x01),
            set(0x02),
            set(0x03),
            set(0x11),
            // append, prepend, delete, incr, touch, gat, gatq, flush
            packet(0x0e, "k", "x"),
            packet(0x0f, "k", "x"),
            packet(0x04, "k", ""),
            with_extras(0x05, &[0; 20], ""),
            with_extras(0x1c, &[0; 4], ""),
            with_extras(0x1d, &[0; 4], ""),
            with_extras(0x1e, &[0; 4], ""),
            packet(0x08, "", ""),
        ] {
            let (status, text) = ask(&mut bob, &refused);
            assert_eq!(status, REFUSED, "{:#x}", refused[1]);
            assert_eq!(text, b"This user may only read");
        }
        assert_eq!(ask(&mut bob, &packet(0x10, "reset", "")).0, 4);
        assert_eq!(noop(&mut bob), 0);
        let (status, body) = ask(&mut bob, &packet(0x00, "k", ""));
        assert_eq!((status, &body[4..]), (0, &b"1"[..]));
        // Signed in again as somebody else, the same client may.
        assert_eq!(sign_in(&mut bob, "ada", "a"), 0);
        assert_eq!(ask(&mut bob, &packet(0x04, "k", "")).0, 0);
        assert_eq!(sign_in(&mut bob, "bob", "b"), 0);
        assert_eq!(ask(&mut bob, &set(0x01)).0, REFUSED);
        server.stop();
    });
}

#[test]
fn passwords_that_would_leave_the_host_are_warned_of_or_refused() {
    let users = File::new("plain", "ada:lovelace\n");
    let start = |words: &str| {
        let mut command = command();
        command.args(["-p", "0", "-Y"]).arg(&users.0);
        command.args(words.split_whitespace());
        command
    };
    let server = Process::spawn(&mut start("-l 0.0.0.0"));
    let log = server.log.join("\n");
    assert_eq!(log.matches("reads names and passwords").count(), 1, "{log}");
    let server = Process::spawn(&mut start("-l 127.0.0.1 --require-tls-auth"));
    let log = server.log.join("\n");
    assert_eq!(log.matches("reads names and passwords").count(), 0, "{log}");
    let output = start("-l 0.0.0.0 --require-tls-auth").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("--require-tls-auth"), "{said}");
}
