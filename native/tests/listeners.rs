//! Listeners of several kinds at once, each with its own options.

// A failed test panics with the reason.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::io::Read;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;

use dynamidb::RuntimeName;
use support::{Client, Process, command, converse_at, run};

const SIGN_IN: &str = "set auth 0 0 12\r\nada lovelace\r\n";
/// `noop` of the binary protocol.
const NOOP: [u8; 24] = {
    let mut packet = [0; 24];
    (packet[0], packet[1]) = (0x80, 0x0a);
    packet
};

fn path(name: &str) -> PathBuf {
    let name = format!("dynamidb-{}-listen-{name}", std::process::id());
    std::env::temp_dir().join(name)
}

fn addresses(log: &[String]) -> Vec<SocketAddr> {
    let listening = log
        .iter()
        .filter_map(|line| line.split("listening on ").nth(1));
    listening
        .filter_map(|address| address.parse().ok())
        .collect()
}

/// The status of the reply to `noop`.
fn noop(client: &mut Client) -> u16 {
    client.say(NOOP);
    let mut header = [0; 24];
    client.socket.read_exact(&mut header).unwrap();
    u16::from_be_bytes([header[6], header[7]])
}

#[test]
fn each_listener_asks_for_users_unless_it_is_noauth() {
    let users = path("users");
    fs::write(&users, "ada:lovelace\n").unwrap();
    for &runtime in RuntimeName::ALL {
        let (open, closed) = (path("open"), path("closed"));
        let listen = format!(
            "127.0.0.1,noauth:127.0.0.1,noauth:unix:{},unix:{}",
            open.display(),
            closed.display()
        );
        let server = Process::spawn(
            command()
                .args(["-p", "0", "-l", &listen, "-Y"])
                .arg(&users)
                .args(["--runtime", runtime.name()]),
        );
        let addresses = addresses(&server.log);
        let [guarded, free] = addresses[..] else {
            panic!("{addresses:?}");
        };
        let mut client = Client::connect(guarded);
        client.ask("get k\r\n", "CLIENT_ERROR unauthenticated\r\n");
        client.ask(SIGN_IN, "STORED\r\n");
        client.ask("set k 0 0 1\r\nv\r\n", "STORED\r\n");
        assert_eq!(noop(&mut Client::connect(guarded)), 0x20);
        Client::connect(free).ask("get k\r\n", "VALUE k 0 1\r\nv\r\nEND\r\n");
        assert_eq!(noop(&mut Client::connect(free)), 0);
        let found = "VALUE k 0 1\r\nv\r\nEND\r\n";
        assert_eq!(converse_at(&open, "get k\r\nquit\r\n"), found);
        let refused = "CLIENT_ERROR unauthenticated\r\n".repeat(5);
        assert_eq!(converse_at(&closed, &"get k\r\n".repeat(9)), refused);
        let log = server.log.join("\n");
        let free = format!("clients of {free} need not sign in");
        assert!(log.contains(&free), "{log}");
        assert_eq!(log.matches("need not sign in").count(), 2, "{log}");
        server.stop();
    }
    fs::remove_file(&users).unwrap();
}

#[test]
fn a_listener_named_twice_with_different_options_is_refused() {
    let file = path("twice");
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    for listen in [
        format!("127.0.0.1:{port},noauth:127.0.0.1:{port}"),
        format!("unix:{0},noauth:unix:{0}", file.display()),
        format!("noauth:unix:{0} -s {0}", file.display()),
    ] {
        let output = run(&format!("-l {listen}"));
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            said.contains("is named both with and without a prefix"),
            "{said}"
        );
        assert!(!file.exists());
    }
}
