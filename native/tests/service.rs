//! What a service manager and the server say to each other: sockets that are handed over, and
//! notifications.

// A failed test panics with the reason.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
#[cfg(feature = "activation")]
#[cfg(feature = "activation")]
use std::net::TcpListener;
#[cfg(feature = "activation")]
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
#[cfg(feature = "activation")]
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
#[cfg(feature = "activation")]
use std::process::{Command, Stdio};

use dynamidb::RuntimeName;
use support::{PATIENCE, Process, command};

/// A service manager that hears what the server says.
struct Manager {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Manager {
    fn new(name: &str) -> Self {
        let name = format!("dynamidb-notify-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = fs::remove_file(&path);
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { socket, path }
    }

    fn hear(&self) -> String {
        let mut buffer = [0; 4096];
        let len = self.socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..len].to_vec()).unwrap()
    }

    /// The next message that is no sign of life.
    fn hear_change(&self) -> String {
        loop {
            let message = self.hear();
            if message != "WATCHDOG=1" {
                return message;
            }
        }
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[test]
fn a_service_manager_is_told_of_readiness_reload_life_and_stop() {
    let users = std::env::temp_dir().join(format!("dynamidb-notify-users-{}", std::process::id()));
    fs::write(&users, "ada:lovelace\n").unwrap();
    for &runtime in RuntimeName::ALL {
        let manager = Manager::new("states");
        let mut command = command();
        command
            .env("NOTIFY_SOCKET", &manager.path)
            .env("WATCHDOG_USEC", "300000");
        command.args(["-p", "0", "-t", "3", "--runtime", runtime.name(), "-Y"]);
        let server = Process::spawn(command.arg(&users));
        assert_eq!(manager.hear_change(), "READY=1\nSTATUS=serving");
        for _ in 0..3 {
            assert_eq!(manager.hear(), "WATCHDOG=1");
        }
        server.signal("HUP");
        let reloading = manager.hear_change();
        let micros = reloading
            .strip_prefix("RELOADING=1\nMONOTONIC_USEC=")
            .unwrap();
        assert!(micros.parse::<u64>().unwrap() > 0, "{reloading}");
        assert_eq!(manager.hear_change(), "READY=1\nSTATUS=serving");
        // A process that stands still is not alive.
        server.signal("STOP");
        server.await_stopped();
        manager.socket.set_nonblocking(true).unwrap();
        while manager.socket.recv(&mut [0; 64]).is_ok() {}
        manager.socket.set_nonblocking(false).unwrap();
        server.signal("CONT");
        assert_eq!(manager.hear(), "WATCHDOG=1");
        server.stop();
        assert_eq!(manager.hear_change(), "STOPPING=1");
    }
    fs::remove_file(&users).unwrap();
}

#[test]
fn a_watchdog_of_another_process_hears_nothing() {
    let manager = Manager::new("other");
    let mut command = command();
    command.env("NOTIFY_SOCKET", &manager.path);
    command
        .env("WATCHDOG_USEC", "1000")
        .env("WATCHDOG_PID", "1");
    let server = Process::spawn(command.args(["-p", "0"]));
    assert_eq!(manager.hear(), "READY=1\nSTATUS=serving");
    server.connect().ask("version\r\n", "VERSION 1.6.45\r\n");
    server.stop();
    assert_eq!(manager.hear(), "STOPPING=1");
}

#[test]
fn a_service_manager_that_cannot_be_reached_does_not_stop_the_server() {
    for name in [
        "/no/such/socket",
        "@no-such-abstract-socket",
        "relative",
        "",
    ] {
        let mut command = command();
        let server = Process::spawn(command.env("NOTIFY_SOCKET", name).args(["-p", "0"]));
        server.connect().ask("version\r\n", "VERSION 1.6.45\r\n");
        server.stop();
    }
}

/// A shell that hands two sockets of ours over to the server, as its descriptors 3 and 4.
#[cfg(feature = "activation")]
fn activated(sockets: [OwnedFd; 2], names: &str, words: &str) -> Command {
    let binary = env!("CARGO_BIN_EXE_dynamidb");
    let [first, second] = sockets;
    let script = format!(
        "exec 3<&0 4<&1 </dev/null >/dev/null; \
         LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES={names} exec {binary} {words}"
    );
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).stdin(first).stdout(second);
    shell
}

#[cfg(feature = "activation")]
#[test]
fn sockets_that_are_handed_over_are_served_each_with_its_options() {
    let users = std::env::temp_dir().join(format!("dynamidb-handed-{}", std::process::id()));
    let path = std::env::temp_dir().join(format!("dynamidb-handed-{}.sock", std::process::id()));
    fs::write(&users, "ada:lovelace\n").unwrap();
    for &runtime in RuntimeName::ALL {
        let _ = fs::remove_file(&path);
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = tcp.local_addr().unwrap();
        let unix = UnixListener::bind(&path).unwrap();
        let words = format!("-Y {} --runtime {runtime} -t 2", users.display());
        let sockets = [tcp.into(), unix.into()];
        let server = Process::spawn_with_input(&mut activated(sockets, "tcp:unix-noauth", &words));
        assert_eq!(server.address, address);
        let log = server.log.join("\n");
        // Nothing else is listened on.
        assert_eq!(log.matches("listening on ").count(), 2, "{log}");
        server
            .connect()
            .ask("get k\r\n", "CLIENT_ERROR unauthenticated\r\n");
        assert_eq!(support::converse_at(&path, "get k\r\nquit\r\n"), "END\r\n");
        server.stop();
        // It is the service manager's, who starts the next server with it.
        assert!(path.exists());
    }
    fs::remove_file(&path).unwrap();
    fs::remove_file(&users).unwrap();
}

#[cfg(feature = "activation")]
#[test]
fn a_descriptor_that_is_no_listening_socket_is_an_error_with_status_1() {
    let (one, other) = UnixStream::pair().unwrap();
    let sockets = [one.into(), other.into()];
    let output = activated(sockets, "", "-p 0")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let output = output.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(
        said,
        "error: cannot use a socket of LISTEN_FDS: it does not listen\n"
    );
}
