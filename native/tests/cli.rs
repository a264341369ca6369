//! The commands of the binary that talk to a running server.

// A failed test panics with the reason.
#![allow(clippy::unwrap_used)]
#![cfg(feature = "cli")]

mod support;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dynamidb::RuntimeName;
use dynamidb_core::Instant;
use dynamidb_core::snapshot::{Clocks, Record, Writer};
use nix::pty::openpty;
use support::{Process, command, run};

/// A directory of a test's own.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let name = format!("dynamidb-cli-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().into()
    }

    fn write(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A server with a user who may write, and one who may only read.
fn with_users(dir: &Dir) -> Process {
    let users = dir.write("users", b"ada:love lace\n[read-only]\nbob:b\n");
    Process::start(RuntimeName::DEFAULT, &format!("-m 64 -Y {users}"))
}

#[test]
fn every_command_signs_in() {
    let dir = Dir::new("signs-in");
    let server = with_users(&dir);
    let address = server.address;
    let file = dir.path("items");
    // Only the first line is the password.
    let password = dir.write("password", b"love lace\r\nmore\n");
    let import = dir.write("imported", &snapshot());
    let options = format!("--address {address} --user ada --password-file {password}");
    for (command, start) in [
        (format!("ping {options}"), "VERSION 1.6.45\n"),
        (format!("import {import} {options}"), "3 items imported"),
        (format!("flush th {options}"), "OK\n"),
        (format!("export {file} {options}"), "2 items exported"),
    ] {
        let (status, text) = said(&command);
        assert_eq!(status, Some(0), "{command}: {text}");
        assert!(text.starts_with(&format!("{address}: {start}")), "{text}");
    }
}

#[test]
fn the_password_of_the_environment_is_used_without_a_file() {
    let dir = Dir::new("environment");
    let server = with_users(&dir);
    let flush = |user: &str, password: &str| {
        let mut flush = command();
        flush.args(["flush", "a", "--address", &server.address.to_string()]);
        let output = flush
            .args(["--user", user])
            .env("DYNAMIDB_PASSWORD", password)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let all = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(all).unwrap())
    };
    let address = server.address;
    assert_eq!(
        flush("ada", "love lace"),
        (Some(0), format!("{address}: OK\n"))
    );
    let refusal = "CLIENT_ERROR this user may only read";
    assert_eq!(
        flush("bob", "b"),
        (Some(1), format!("error: {address} answers \"{refusal}\"\n"))
    );
    assert_eq!(
        flush("ada", "lovelace"),
        (
            Some(1),
            format!("error: {address} does not know ada with this password\n")
        )
    );
    let missing = "--password-file FILE, or DYNAMIDB_PASSWORD";
    assert_eq!(
        flush("ada", ""),
        (
            Some(1),
            format!("error: the password of ada is missing: {missing}\n")
        )
    );
}

#[test]
fn a_server_with_users_asks_those_to_sign_in_who_have_not() {
    let dir = Dir::new("unauthenticated");
    let server = with_users(&dir);
    let address = server.address;
    let file = dir.path("items");
    let import = dir.write("imported", &snapshot());
    for command in [
        format!("flush a --address {address}"),
        format!("export {file} --address {address}"),
        format!("import {import} --address {address}"),
        format!("top {address}"),
    ] {
        let (status, text) = said(&command);
        let line = format!("error: {address} wants a user: --user NAME\n");
        assert!(text.ends_with(&line), "{command}: {text}");
        assert_eq!(status, Some(1), "{command}");
    }
    // It serves, which is all that a health check asks.
    let (status, text) = said(&format!("ping {address}"));
    assert_eq!(status, Some(0), "{text}");
    for (name, password) in [("empty", &b"\nmore"[..]), ("nothing", b"")] {
        let file = dir.write(name, password);
        let (status, text) = said(&format!("ping {address} --user a --password-file {file}"));
        assert_eq!(
            (status, text),
            (Some(1), format!("error: {file}: its first line is empty\n"))
        );
    }
}

#[test]
fn a_server_without_users_keeps_nothing_of_a_password() {
    let dir = Dir::new("no-users");
    let password = dir.write("password", b"secret");
    let server = Process::start(RuntimeName::DEFAULT, "");
    let address = server.address;
    let (status, text) = said(&format!(
        "ping {address} --user ada --password-file {password}"
    ));
    assert_eq!(status, Some(0), "{text}");
    let mut client = server.connect();
    client.ask("get dynamidb:sign-in\r\n", "END\r\n");
    assert_eq!(client.stat("curr_items"), 0);
}

fn said(words: &str) -> (Option<i32>, String) {
    let output = run(words);
    let all = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(all).unwrap())
}

#[test]
fn ping_ends_with_0_where_a_server_serves() {
    let server = Process::start(RuntimeName::DEFAULT, "");
    let (status, text) = said(&format!("ping {}", server.address));
    assert_eq!(text, format!("{}: VERSION 1.6.45\n", server.address));
    assert_eq!(status, Some(0));
    let address = server.address;
    server.stop();
    let (status, text) = said(&format!("ping {address}"));
    assert!(text.starts_with(&format!("error: {address}: ")), "{text}");
    assert_eq!(status, Some(1));
}

#[test]
fn ping_ends_with_1_where_nobody_answers_or_something_else_does() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // Nobody accepts: the connection is in the backlog.
    let (status, text) = said(&format!("ping {address} --timeout 50"));
    assert_eq!(
        (status, &*text),
        (
            Some(1),
            &*format!("error: {address} does not answer within 50 ms\n")
        )
    );
    let speak = thread::spawn(move || {
        // The first connection is that of before.
        let sockets: Vec<_> = listener.incoming().take(2).map(Result::unwrap).collect();
        for mut socket in sockets {
            let _ = socket.write_all(b"+PONG\r\n");
        }
    });
    let (status, text) = said(&format!("ping {address} --timeout 60000"));
    assert_eq!(
        (status, &*text),
        (
            Some(1),
            &*format!("error: {address} is no cache: it says \"+PONG\"\n")
        )
    );
    speak.join().unwrap();
}

#[test]
fn a_wrong_address_user_or_timeout_is_a_wrong_option() {
    for words in [
        "ping :1",
        "ping --user=",
        "ping host:x",
        "ping --timeout 0",
        "ping a b",
    ] {
        let (status, text) = said(words);
        assert_eq!(status, Some(2), "{words}: {text}");
    }
}

#[test]
fn flush_deletes_what_is_under_the_prefix_and_nothing_else() {
    let server = Process::start(RuntimeName::DEFAULT, "");
    let mut client = server.connect();
    client.ask(
        "set a:1 0 0 1\r\n1\r\nset b:1 0 0 1\r\n2\r\n",
        "STORED\r\nSTORED\r\n",
    );
    let address = server.address;
    let (status, text) = said(&format!("flush a: --address {address}"));
    assert_eq!((status, text), (Some(0), format!("{address}: OK\n")));
    client.ask("get a:1 b:1\r\n", "VALUE b:1 0 1\r\n2\r\nEND\r\n");
    drop(server);
    let refuses = Process::start(RuntimeName::DEFAULT, "-F");
    let (status, text) = said(&format!("flush a: --address {}", refuses.address));
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("CLIENT_ERROR"), "{text}");
    assert_eq!(said("flush").0, Some(2));
}

/// Three items: one expires, one has flags and was not used for two days.
fn snapshot() -> Vec<u8> {
    let mut writer = Writer::new(Clocks::new(Instant::from_secs(0)));
    let mut file = writer.header().to_vec();
    let mut buffer = [0; 1024];
    let mut block = writer.block(&mut buffer);
    let mut record = Record::new(b"first", b"1");
    record.flags = 5;
    record.idle = Duration::from_secs(2 * 86_400);
    block.push(&record).unwrap();
    let mut record = Record::new(b"second", b"22");
    record.expires_in = Some(Duration::from_secs(3600));
    block.push(&record).unwrap();
    file.extend_from_slice(writer.seal(block, 7));
    let mut block = writer.block(&mut buffer);
    block.push(&Record::new(b"third", b"333")).unwrap();
    file.extend_from_slice(writer.seal(block, 9));
    file.extend_from_slice(&writer.end());
    file
}

/// An item that expired while nobody served it, and one that did not.
fn old_snapshot() -> Vec<u8> {
    let long_ago = Instant::from_secs(1_000_000_000);
    let mut writer = Writer::new(Clocks::new(Instant::from_secs(0)).unix(long_ago));
    let mut file = writer.header().to_vec();
    let mut buffer = [0; 1024];
    let mut block = writer.block(&mut buffer);
    let mut record = Record::new(b"gone", b"1");
    record.expires_in = Some(Duration::from_secs(3600));
    block.push(&record).unwrap();
    block.push(&Record::new(b"stays", b"2")).unwrap();
    file.extend_from_slice(writer.seal(block, 0));
    file.extend_from_slice(&writer.end());
    file
}

#[test]
fn inspect_counts_what_is_in_a_snapshot() {
    let dir = Dir::new("inspect");
    let path = dir.write("items", &snapshot());
    let (status, text) = said(&format!("inspect {path}"));
    assert_eq!(status, Some(0), "{text}");
    let size = snapshot().len();
    let expected = format!(
        "\
{path}: a snapshot, version 1, {size} bytes
saved at        unknown: there was no clock
order           of use
verified        all 2 blocks
items           3
bytes of keys   16
bytes of values 6
largest value   3
with flags      1
last cas        9

items              expire in  unused for
up to a minute             0           2
up to an hour              1           0
up to a day                0           0
up to a week               0           1
up to 30 days              0           0
more                       0           0
never                      2
have expired               0
"
    );
    assert_eq!(text, expected);
}

#[test]
fn inspect_says_in_a_line_what_is_wrong_with_a_file() {
    let dir = Dir::new("wrong");
    let right = snapshot();
    let mut flipped = right.clone();
    flipped[70] ^= 1;
    let mut newer = right.clone();
    newer[8] = 2;
    let mut longer = right.clone();
    longer.push(0);
    for (name, bytes, why) in [
        ("empty", &[][..], "its end is missing"),
        ("foreign", &[b'x'; 4096], "it is no snapshot"),
        ("cut", &right[..right.len() - 1], "its end is missing"),
        ("flipped", &flipped, "it is corrupted"),
        ("longer", &longer, "it is corrupted"),
        (
            "newer",
            &newer,
            "its version is 2, and 1 is the latest known",
        ),
    ] {
        let path = dir.write(name, bytes);
        let (status, text) = said(&format!("inspect {path}"));
        assert_eq!((status, text), (Some(1), format!("error: {path}: {why}\n")));
    }
    let (status, text) = said("inspect /nowhere/items");
    assert_eq!(status, Some(1));
    assert!(text.starts_with("error: /nowhere/items: "), "{text}");
}

#[test]
fn items_move_from_one_server_to_another_as_they_are() {
    let dir = Dir::new("moves");
    let file = dir.path("items");
    let source = Process::start(RuntimeName::DEFAULT, "-m 64");
    let mut client = source.connect();
    let binary: Vec<u8> = (0..=255).cycle().take(10_000).collect();
    client.say(b"ms binary 10000 F4294967295\r\n");
    client.say(&binary);
    client.ask("\r\n", "HD\r\n");
    // A key with blanks and a line break, one that expires, one that is out of date.
    client.ask("ms YSBiCg== 2 b T100\r\nhi\r\n", "HD\r\n");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let date = now.as_secs() + 5_000_000;
    client.ask(format!("ms month 1 T{date}\r\n1\r\n"), "HD\r\n");
    client.ask("ms stale 1 F3\r\ns\r\nmd stale I\r\n", "HD\r\nHD\r\n");
    let address = source.address;
    let (status, text) = said(&format!("export {file} --address {address}"));
    assert_eq!(status, Some(0), "{text}");
    let start = format!("{address}: 4 items exported, 0 vanished meanwhile, 0 refused\n");
    assert_eq!(text, start);
    assert!(!fs::exists(format!("{file}.part")).unwrap());
    client.ask("mg binary h\r\n", "HD h0\r\n");

    let target = Process::start(RuntimeName::DEFAULT, "-m 64");
    let address = target.address;
    let (status, text) = said(&format!("import {file} --address {address}"));
    assert_eq!(status, Some(0), "{text}");
    let counts = format!("{address}: 4 items imported, 0 have expired, 0 refused\n");
    assert_eq!(text, counts);
    let mut client = target.connect();
    client.ask(
        "mg binary f t s v\r\n",
        "VA 10000 f4294967295 t-1 s10000\r\n",
    );
    client.must_hear(&binary);
    client.must_hear("\r\n");
    client.ask("mg YSBiCg== b k f v\r\n", "VA 2 kYSBiCg== b f0\r\nhi\r\n");
    client.ask("mg stale f v\r\n", "VA 1 f3 X W\r\ns\r\n");
    for (key, time) in [("YSBiCg== b", 100), ("month", 5_000_000)] {
        client.say(format!("mg {key} t\r\n"));
        let mut reply = [0; 64];
        let len = client.socket.read(&mut reply).unwrap();
        let reply = str::from_utf8(&reply[..len]).unwrap();
        let left: u64 = reply.trim().strip_prefix("HD t").unwrap().parse().unwrap();
        // As long as the test took, and a second of rounding.
        assert!((time - 90..=time + 1).contains(&left), "{key}: {left}");
    }
}

#[test]
fn export_and_import_by_pipes_take_everything() {
    let source = Process::start(RuntimeName::DEFAULT, "-m 64");
    let mut client = source.connect();
    // More than a batch of requests, and values of more than a block.
    let value = "x".repeat(700_000);
    client.ask(format!("set large 0 0 700000\r\n{value}\r\n"), "STORED\r\n");
    for number in 0..3000 {
        client.say(format!("set key{number} 0 0 4 noreply\r\n{number:04}\r\n"));
    }
    client.await_stat("curr_items", |items| items == 3001);
    let words = ["export", "-", "--address", &source.address.to_string()];
    let exported = command().args(words).output().unwrap();
    assert!(exported.status.success(), "{exported:?}");
    let target = Process::start(RuntimeName::DEFAULT, "-m 64 -I 600k");
    let mut import = command();
    import.args(["import", "-", "--address", &target.address.to_string()]);
    let import = import.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut import = import.unwrap();
    let mut stdin = import.stdin.take().unwrap();
    stdin.write_all(&exported.stdout).unwrap();
    drop(stdin);
    let output = import.wait_with_output().unwrap();
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        format!(
            "{}: 3000 items imported, 0 have expired, 1 refused (the first: SERVER_ERROR object \
             too large for cache)\n",
            target.address
        )
    );
    assert!(output.status.success());
    let mut client = target.connect();
    for number in [0, 1499, 2999] {
        let reply = format!("VALUE key{number} 0 4\r\n{number:04}\r\nEND\r\n");
        client.ask(format!("get key{number}\r\n"), reply);
    }
    // Nobody reads what is exported.
    let mut export = command();
    let export = export.args(words).stdout(Stdio::piped());
    let mut export = export.stderr(Stdio::piped()).spawn().unwrap();
    drop(export.stdout.take());
    let output = export.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.starts_with("error: -: "), "{text}");
}

#[test]
fn an_export_that_fails_leaves_the_file_as_it_was() {
    let dir = Dir::new("fails");
    let file = dir.write("items", b"precious");
    let server = Process::start(RuntimeName::DEFAULT, "-X");
    let (status, text) = said(&format!("export {file} --address {}", server.address));
    assert_eq!(status, Some(1));
    assert!(text.contains("metadump not allowed"), "{text}");
    assert_eq!(fs::read(&file).unwrap(), b"precious");
    assert!(!fs::exists(format!("{file}.part")).unwrap());
}

#[test]
fn import_stores_what_comes_before_the_damage_and_says_so() {
    let dir = Dir::new("damage");
    let mut bytes = snapshot();
    let end = bytes.len() - 1;
    bytes[end] ^= 1;
    let file = dir.write("items", &bytes);
    let server = Process::start(RuntimeName::DEFAULT, "");
    let address = server.address;
    let (status, text) = said(&format!("import {file} --address {address}"));
    assert_eq!(status, Some(1));
    let expected = format!(
        "{address}: 3 items imported, 0 have expired, 0 refused\nerror: {file}: it is corrupted\n"
    );
    assert_eq!(text, expected);
    let mut client = server.connect();
    client.ask("get first\r\n", "VALUE first 5 1\r\n1\r\nEND\r\n");
}

#[test]
fn import_passes_over_what_has_expired_since_the_save() {
    let dir = Dir::new("old");
    let file = dir.write("items", &old_snapshot());
    let (status, text) = said(&format!("inspect {file}"));
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("2001-09-09T01:46:40Z\n"), "{text}");
    assert!(text.ends_with("have expired               1\n"), "{text}");
    let server = Process::start(RuntimeName::DEFAULT, "");
    let address = server.address;
    let (status, text) = said(&format!("import {file} --address {address}"));
    assert_eq!(status, Some(0));
    let expected = format!("{address}: 1 items imported, 1 have expired, 0 refused\n");
    assert_eq!(text, expected);
    let mut client = server.connect();
    client.ask("get gone stays\r\n", "VALUE stays 0 1\r\n2\r\nEND\r\n");
}

#[test]
fn save_ends_when_the_items_are_in_the_file() {
    let dir = Dir::new("save");
    let state = dir.path("items");
    let users = dir.write("users", b"ada:a\n[read-only]\nbob:b\n");
    let server = Process::start(
        RuntimeName::DEFAULT,
        &format!("-m 64 --state {state} -Y {users}"),
    );
    let address = server.address;
    let as_user = |name: &str| {
        let password = dir.write("password", &name.as_bytes()[..1]);
        format!("--user {name} --password-file {password}")
    };
    let mut client = server.connect();
    client.ask("set auth 0 0 5\r\nada a\r\n", "STORED\r\n");
    assert_eq!(client.stat("state_saves"), 0);
    for count in 1..=2 {
        client.ask(format!("set k{count} 0 0 1\r\nv\r\n"), "STORED\r\n");
        let (status, text) = said(&format!("save {address} {}", as_user("ada")));
        assert_eq!((status, text), (Some(0), format!("{address}: saved\n")));
        let (status, text) = said(&format!("inspect {state}"));
        assert_eq!(status, Some(0), "{text}");
        assert!(
            text.contains(&format!("items           {count}\n")),
            "{text}"
        );
        assert_eq!(client.stat("state_saves"), count);
    }
    let (status, text) = said(&format!("save {address} {}", as_user("bob")));
    assert_eq!(status, Some(1));
    assert!(text.contains("may only read"), "{text}");
    // No file can be created any more.
    fs::create_dir(dir.path("items.tmp")).unwrap();
    let (status, text) = said(&format!("save {address} {}", as_user("ada")));
    let line = format!("error: {address} could not save its items; its log says why\n");
    assert_eq!((status, text), (Some(1), line));
    assert_eq!(client.stat("state_save_failures"), 1);
    assert_eq!(client.stat("state_saving"), 0);
    server.await_log("was not written");
}

#[test]
fn save_says_that_there_is_no_file() {
    let server = Process::start(RuntimeName::DEFAULT, "");
    let (status, text) = said(&format!("save {}", server.address));
    assert_eq!(status, Some(1));
    assert!(
        text.contains("there is no file to save to: --state"),
        "{text}"
    );
    assert!(
        !server
            .connect()
            .converse("stats\r\n")
            .contains("state_saving")
    );
}

#[test]
fn an_export_shows_a_bar_on_a_terminal() {
    let dir = Dir::new("bar");
    let server = Process::start(RuntimeName::DEFAULT, "");
    let mut client = server.connect();
    client.ask(
        "set a 0 0 1\r\n1\r\nset b 0 0 1\r\n1\r\n",
        "STORED\r\nSTORED\r\n",
    );
    let pair = openpty(None, None).unwrap();
    let mut export = command();
    export.args(["export", &dir.path("items"), "--address"]);
    export.arg(server.address.to_string());
    export.stdin(Stdio::null()).stderr(pair.slave);
    assert!(export.status().unwrap().success());
    // The other side is closed, so that there is an end.
    drop(export);
    let mut shown = Vec::new();
    let _ = File::from(pair.master).read_to_end(&mut shown);
    let shown = String::from_utf8_lossy(&shown);
    assert!(shown.contains("50%  1 of 2 items"), "{shown:?}");
    assert!(shown.contains("\r\x1b[K"), "{shown:?}");
    assert!(shown.contains("2 items exported"), "{shown:?}");
}
