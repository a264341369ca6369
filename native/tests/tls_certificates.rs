//! TLS: certificates of both sides, their files and options, reloads. On each runtime.

// A failed test panics with the reason.
#![allow(clippy::unwrap_used)]

mod support;
#[path = "support/tls.rs"]
mod tls;
#[path = "support/tls_server.rs"]
mod tls_server;

use std::fs::{self, File};
use std::io::Write;
use std::net::SocketAddr;
#[cfg(feature = "activation")]
use std::net::TcpListener;
#[cfg(feature = "activation")]
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use dynamidb::RuntimeName;
use rustls::version::{TLS12, TLS13};
#[cfg(feature = "activation")]
use support::{Client, hear};
use support::{PATIENCE, Process, command, run};
use tls::{Authority, TlsClient, Versions, replace};
use tls_server::{TlsServer, addresses, failure, on_each_runtime};

const TLS_1_2: Versions = &[&TLS12];
const TLS_1_3: Versions = &[&TLS13];

/// The certificate that the server shows.
fn shown(authority: &Authority, address: SocketAddr) -> Vec<u8> {
    let mut client = authority.connect(address);
    client.ask("version\r\n", "VERSION 1.6.45\r\n");
    client.stream.conn.peer_certificates().unwrap()[0].to_vec()
}

fn await_shown(authority: &Authority, address: SocketAddr, expected: &[u8]) {
    let deadline = Instant::now() + PATIENCE;
    while shown(authority, address) != expected {
        assert!(Instant::now() < deadline, "the certificate stays");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn clients_show_certificates_where_they_have_to() {
    let (authority, other) = (Authority::new(), Authority::new());
    authority.sign("client.pem", "client-key.pem", 4000);
    let with = |cert: &Path, key: &Path| Arc::new(authority.config_with_cert(cert, key));
    let without = Arc::new(authority.config(rustls::ALL_VERSIONS));
    let unknown = with(&other.path("cert.pem"), &other.path("key.pem"));
    let known = with(
        &authority.path("client.pem"),
        &authority.path("client-key.pem"),
    );
    let files = format!("--tls-client-ca {}", authority.path("ca.pem").display());
    let setting = format!("-o ssl_ca_cert={}", authority.path("ca.pem").display());
    // Whether a client without, with an unknown and with a known certificate is served.
    for (prefix, options, served) in [
        ("tls", String::new(), [true; 3]),
        ("tls", files.clone(), [false, false, true]),
        ("btls", files.clone(), [true; 3]),
        ("mtls", setting.clone(), [false, false, true]),
        ("tls", setting.clone(), [true; 3]),
        (
            "tls",
            format!("{setting},ssl_verify_mode=1"),
            [true, false, true],
        ),
        (
            "tls",
            format!("{setting},ssl_verify_mode=2"),
            [false, false, true],
        ),
        ("tls", format!("{files} -o ssl_verify_mode=0"), [true; 3]),
    ] {
        for &runtime in RuntimeName::ALL {
            let all = format!("{} {options}", authority.options());
            let server = TlsServer::listen(runtime, &format!("{prefix}:127.0.0.1"), &all);
            for (config, served) in [&without, &unknown, &known].into_iter().zip(served) {
                if served {
                    let mut client = TlsClient::connect(server.tls, config);
                    client.ask("version\r\n", "VERSION 1.6.45\r\n");
                } else {
                    let said = failure(config, server.tls);
                    assert!(said.contains("fatal alert: "), "{prefix} {options}: {said}");
                }
            }
            let failed = served.iter().filter(|served| !**served).count() as u64;
            let mut plain = server.connect();
            plain.await_stat("ssl_handshake_errors", |count| count == failed);
            plain.await_stat("curr_connections", |count| count == 1);
        }
    }
}

#[test]
fn certificates_are_reloaded_in_three_ways_and_connections_stay() {
    let authority = Authority::new();
    on_each_runtime(&authority, "", |server| {
        let mut open = authority.connect(server.tls);
        open.ask("set k 0 0 1\r\nv\r\n", "STORED\r\n");
        let first = authority.sign("cert.pem", "key.pem", 4000);
        open.ask("refresh_certs\r\n", "OK\r\n");
        assert_eq!(shown(&authority, server.tls), &first[..]);
        let second = authority.sign("cert.pem", "key.pem", 4000);
        server.process.signal("HUP");
        await_shown(&authority, server.tls, &second);
        let third = authority.sign("cert.pem", "key.pem", 4000);
        await_shown(&authority, server.tls, &third);
        open.ask("get k\r\n", "VALUE k 0 1\r\nv\r\nEND\r\n");
        let log = server.process.stop().join("\n");
        assert!(log.contains("certificates were reloaded"), "{log}");
    });
}

#[test]
fn a_broken_new_file_leaves_the_old_certificate_in_use() {
    let authority = Authority::new();
    on_each_runtime(&authority, "", |server| {
        let before = authority.sign("cert.pem", "key.pem", 4000);
        let mut plain = server.connect();
        plain.ask("refresh_certs\r\n", "OK\r\n");
        let certificate = fs::read_to_string(authority.path("cert.pem")).unwrap();
        let path = authority.path("cert.pem");
        replace(&path, &certificate[..certificate.len() / 2]);
        plain.say("refresh_certs\r\n");
        plain.must_hear(format!("Error --tls-cert: {}: ", path.display()));
        assert_eq!(shown(&authority, server.tls), &before[..]);
        // A key without its certificate.
        authority.sign("other.pem", "key.pem", 4000);
        replace(&path, &certificate);
        server.process.signal("HUP");
        fs::remove_file(authority.path("key.pem")).unwrap();
        // It is seen without being told as well.
        thread::sleep(Duration::from_secs(3));
        assert_eq!(shown(&authority, server.tls), &before[..]);
        let log = server.process.stop().join("\n");
        assert!(log.contains("certificates are unchanged: "), "{log}");
        authority.sign("cert.pem", "key.pem", 4000);
    });
}

#[test]
fn no_handshake_fails_while_certificates_are_reloaded() {
    let authority = Authority::new();
    on_each_runtime(&authority, "", |server| {
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            let clients: Vec<_> = (0..2)
                .map(|_| {
                    scope.spawn(|| {
                        let mut count = 0;
                        while !stop.load(Ordering::SeqCst) {
                            shown(&authority, server.tls);
                            count += 1;
                        }
                        count
                    })
                })
                .collect();
            let mut plain = server.connect();
            for _ in 0..20 {
                authority.sign("cert.pem", "key.pem", 4000);
                plain.ask("refresh_certs\r\n", "OK\r\n");
                thread::sleep(Duration::from_millis(10));
            }
            stop.store(true, Ordering::SeqCst);
            let count: u32 = clients
                .into_iter()
                .map(|client| client.join().unwrap())
                .sum();
            assert!(count > 0);
        });
        assert_eq!(server.connect().stat("ssl_handshake_errors"), 0);
    });
}

#[test]
fn memcacheds_options_make_all_addresses_speak_tls_but_for_notls() {
    let authority = Authority::new();
    for &runtime in RuntimeName::ALL {
        let mut command = command();
        let files = format!(
            "ssl_chain_cert={},ssl_key={},ssl_min_version=3",
            authority.path("cert.pem").display(),
            authority.path("key.pem").display()
        );
        command.args([
            "-p",
            "0",
            "-l",
            "notls:127.0.0.1,127.0.0.1",
            "-Z",
            "-o",
            &files,
        ]);
        command.args(["--runtime", runtime.name()]);
        let process = Process::spawn(&mut command);
        let tls = addresses(&process.log).nth(1).unwrap();
        process.connect().ask("version\r\n", "VERSION 1.6.45\r\n");
        let mut client = TlsClient::connect(tls, &Arc::new(authority.config(TLS_1_3)));
        client.ask("version\r\n", "VERSION 1.6.45\r\n");
        let said = failure(&Arc::new(authority.config(TLS_1_2)), tls);
        assert!(said.contains("fatal alert: ProtocolVersion"), "{said}");
        process.stop();
    }
}

fn refused(options: &str) -> String {
    let Output { status, stderr, .. } = run(&format!("-p 0 {options}"));
    let said = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(2), "{options}: {said}");
    let lines: Vec<_> = said
        .lines()
        .filter(|line| line.starts_with("error: "))
        .collect();
    assert_eq!(lines.len(), 1, "{options}: {said}");
    lines[0].into()
}

#[test]
fn files_that_cannot_be_used_are_refused_by_one_line() {
    let authority = Authority::new();
    let path = |name: &str| authority.path(name).display().to_string();
    let server = |cert: &str, key: &str| {
        let (cert, key) = (path(cert), path(key));
        format!("-l tls:127.0.0.1 --tls-cert {cert} --tls-key {key}")
    };
    fs::write(authority.path("empty.pem"), "").unwrap();
    fs::write(authority.path("rubbish.pem"), [0xff; 5000]).unwrap();
    let text = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    fs::write(authority.path("short.pem"), text).unwrap();
    authority.sign("expired.pem", "expired-key.pem", 2020);
    authority.sign("other.pem", "other-key.pem", 4000);
    let ca = |name: &str| {
        let files = server("cert.pem", "key.pem");
        format!("{files} --tls-client-ca {}", path(name))
    };
    for (options, expected) in [
        (server("none.pem", "key.pem"), "none.pem: No such file"),
        (server("cert.pem", "none.pem"), "none.pem: No such file"),
        (ca("none.pem"), "--tls-client-ca: "),
        (server("", "key.pem"), "Is a directory"),
        (
            server("empty.pem", "key.pem"),
            "there is no certificate in PEM",
        ),
        (server("rubbish.pem", "key.pem"), "rubbish.pem: "),
        (server("short.pem", "key.pem"), "short.pem: "),
        (
            server("cert.pem", "empty.pem"),
            "there is no private key in PEM",
        ),
        (
            server("cert.pem", "cert.pem"),
            "there is no private key in PEM",
        ),
        (ca("short.pem"), "short.pem: "),
        (ca("empty.pem"), "there is no certificate in PEM"),
        (
            server("cert.pem", "other-key.pem"),
            "other-key.pem: it is not the key of the certificate",
        ),
        (
            server("expired.pem", "expired-key.pem"),
            "expired.pem: the certificate has expired",
        ),
    ] {
        let said = refused(&options);
        assert!(said.contains(expected), "{options}: {said}");
    }
}

#[test]
fn a_file_of_a_mebibyte_is_read_and_a_larger_one_is_refused() {
    let authority = Authority::new();
    let path = authority.path("cert.pem");
    let certificate = fs::read_to_string(&path).unwrap();
    let padded = |size: usize| certificate.clone() + &"\n".repeat(size - certificate.len());
    let options = format!("-l tls:127.0.0.1 {}", authority.options());
    for size in [(1 << 20) - 1, 1 << 20] {
        fs::write(&path, padded(size)).unwrap();
        let mut command = command();
        command.args(["-p", "0"]).args(options.split_whitespace());
        Process::spawn(&mut command).stop();
    }
    fs::write(&path, padded((1 << 20) + 1)).unwrap();
    let said = refused(&options);
    assert!(said.contains("larger than 1 MiB"), "{said}");
}

#[test]
fn a_key_that_everybody_can_read_and_a_certificate_that_ends_soon_are_warned_of() {
    let authority = Authority::new();
    let key = authority.path("key.pem");
    let warnings = |mode| {
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        let server = TlsServer::start(RuntimeName::DEFAULT, &authority.options());
        let log = server.process.log.join("\n");
        assert!(log.contains("the certificate expires in "), "{log}");
        log.contains("every user of this host can read the key")
    };
    assert!(warnings(0o604));
    assert!(!warnings(0o640));
    assert!(!warnings(0o600));
}

#[test]
fn users_need_tls_beyond_this_host_if_that_is_required() {
    let authority = Authority::new();
    let users = authority.path("users");
    fs::write(&users, "ada:lovelace\n").unwrap();
    let options = format!(
        "--require-tls-auth -Y {} {}",
        users.display(),
        authority.options()
    );
    let said = refused(&format!("-l tls:0.0.0.0,notls:0.0.0.0:0 {options}"));
    assert!(said.contains("without TLS"), "{said}");
    let server = TlsServer::listen(RuntimeName::DEFAULT, "tls:0.0.0.0", &options);
    let log = server.process.log.join("\n");
    assert!(!log.contains("reads names and passwords"), "{log}");
    let address = SocketAddr::from(([127, 0, 0, 1], server.tls.port()));
    let mut client = authority.connect(address);
    client.ask("get k\r\n", "CLIENT_ERROR unauthenticated\r\n");
    client.ask("set auth 0 0 12\r\nada lovelace\r\n", "STORED\r\n");
    client.ask("get k\r\n", "END\r\n");
}

#[test]
fn files_that_a_client_has_reloaded_slowly_hold_up_no_other_client() {
    let authority = Authority::new();
    let cert = authority.path("cert.pem");
    let text = fs::read(&cert).unwrap();
    on_each_runtime(&authority, "", |server| {
        // Each has its own worker.
        let (mut one, mut other) = (server.connect(), server.connect());
        other.ask("set k 0 0 1\r\nv\r\n", "STORED\r\n");
        fs::remove_file(&cert).unwrap();
        let made = Command::new("mkfifo").arg(&cert).status();
        assert!(made.unwrap().success());
        one.say("get k\r\nrefresh_certs\r\n");
        // It is open when the server reads it.
        let mut pipe = File::options().write(true).open(&cert).unwrap();
        other.ask("get k\r\n", "VALUE k 0 1\r\nv\r\nEND\r\n");
        pipe.write_all(&text).unwrap();
        drop(pipe);
        one.must_hear("VALUE k 0 1\r\nv\r\nEND\r\nOK\r\n");
        fs::remove_file(&cert).unwrap();
        fs::write(&cert, &text).unwrap();
    });
}

#[test]
fn a_check_of_the_configuration_reads_certificates() {
    let authority = Authority::new();
    let check = || run(&format!("--check-config -Z {}", authority.options()));
    assert_eq!(check().status.code(), Some(0));
    fs::write(authority.path("cert.pem"), "no certificate").unwrap();
    let output = check();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.starts_with("error: --tls-cert: "), "{said}");
}

#[cfg(feature = "activation")]
#[test]
fn sockets_that_are_handed_over_speak_tls_with_z_unless_their_name_says_no() {
    let authority = Authority::new();
    let sockets = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let [tls, plain] = sockets
        .each_ref()
        .map(|socket| socket.local_addr().unwrap());
    let [first, second] = sockets.map(OwnedFd::from);
    // Descriptors 3 and 4 of the server.
    let script = format!(
        "exec 3<&0 4<&1 </dev/null >/dev/null; LISTEN_PID=$$ LISTEN_FDS=2 \
         LISTEN_FDNAMES=cache:cache-notls exec {} -Z {}",
        env!("CARGO_BIN_EXE_dynamidb"),
        authority.options(),
    );
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).stdin(first).stdout(second);
    let server = Process::spawn_with_input(&mut shell);
    let mut client = authority.connect(tls);
    client.ask("version\r\n", "VERSION 1.6.45\r\n");
    let mut client = Client::connect(plain);
    client.ask("version\r\n", "VERSION 1.6.45\r\n");
    server.stop();
}
