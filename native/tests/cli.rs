//! The commands of the binary that talk to a running server.

// A failed test panics with the reason.
#![allow(clippy::unwrap_used)]
#![cfg(feature = "cli")]

mod support;

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use dynamidb::RuntimeName;
use dynamidb_core::Instant;
use dynamidb_core::snapshot::{Clocks, Record, Writer};
use support::{Process, run};

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
fn a_wrong_address_or_timeout_is_a_wrong_option() {
    for words in ["ping :1", "ping host:x", "ping --timeout 0", "ping a b"] {
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
