//! Commands of the binary that speak TLS: whom they trust, what they show, what they say if it does
//! not fit.

// A failed test panics with the reason.
#![allow(clippy::unwrap_used)]

mod support;
#[path = "support/tls.rs"]
mod tls;
#[path = "support/tls_server.rs"]
mod tls_server;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use dynamidb::RuntimeName;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, date_time_ymd};
use support::{hear, run};
use tls::Authority;
use tls_server::TlsServer;

/// The status and all that is said.
fn said(words: &str) -> (Option<i32>, String) {
    let output = run(words);
    let all = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(all).unwrap())
}

fn serve(authority: &Authority, options: &str) -> TlsServer {
    let options = format!("{} {options}", authority.options());
    TlsServer::start(RuntimeName::DEFAULT, &options)
}

/// The end of the line that says what is wrong.
fn assert_refused(words: &str, address: SocketAddr, reason: &str) {
    let (status, text) = said(words);
    let line = text.strip_prefix(&format!("error: {address}"));
    let line = line.unwrap_or_else(|| panic!("{words}: {text}"));
    assert!(line.contains(reason), "{words}: {line}");
    assert_eq!(line.matches('\n').count(), 1, "{line}");
    assert_eq!(status, Some(1));
}

fn shown(path: &Path) -> std::path::Display<'_> {
    path.display()
}

#[test]
fn every_command_speaks_tls_with_a_server_that_it_trusts() {
    let authority = Authority::new();
    let server = serve(&authority, "");
    let mut client = server.connect();
    client.ask("set tenant:1 0 0 1\r\n1\r\n", "STORED\r\n");
    let (address, ca) = (server.tls, authority.path("ca.pem"));
    let options = format!("--address {address} --tls-ca {}", shown(&ca));
    let file = authority.path("items");
    let file = shown(&file);
    for (command, start) in [
        (format!("ping {options}"), "VERSION 1.6.45\n"),
        (format!("export {file} {options}"), "1 items exported"),
        (format!("flush tenant: {options}"), "OK\n"),
        (format!("import {file} {options}"), "1 items imported"),
    ] {
        let (status, text) = said(&command);
        assert_eq!(status, Some(0), "{command}: {text}");
        assert!(text.starts_with(&format!("{address}: {start}")), "{text}");
    }
    client.ask("get tenant:1\r\n", "VALUE tenant:1 0 1\r\n1\r\nEND\r\n");
    // The same by the name of the host.
    let by_name = format!("localhost:{} --tls-ca {}", address.port(), shown(&ca));
    assert_eq!(said(&format!("ping {by_name}")).0, Some(0));
}

#[test]
fn a_conversation_by_tls_goes_on_over_several_commands() {
    let authority = Authority::new();
    let server = serve(&authority, "");
    let mut cli = support::command();
    cli.args(["cli", &server.tls.to_string(), "--tls-ca"]);
    cli.arg(authority.path("ca.pem")).stdin(Stdio::piped());
    let mut child = cli.stdout(Stdio::piped()).spawn().unwrap();
    let mut keys = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || lines.next().unwrap().unwrap();
    // A ticket of TLS that comes between two commands is no reply and no end.
    keys.write_all(b"set k 0 0 1\n1\n").unwrap();
    assert_eq!(next(), "STORED");
    keys.write_all(b"get k\nversion\n").unwrap();
    assert_eq!([next(), next(), next()], ["VALUE k 0 1", "1", "END"]);
    assert_eq!(next(), "VERSION 1.6.45");
    drop(keys);
    assert!(child.wait().unwrap().success());
    // The same connection served all of them.
    let mut client = server.connect();
    let resumed = client.stat("tls_resumed_sessions");
    assert_eq!(client.stat("ssl_new_sessions") + resumed, 1);
}

#[test]
fn a_server_that_is_not_trusted_or_has_another_name_is_refused() {
    let (authority, other) = (Authority::new(), Authority::new());
    let server = serve(&authority, "");
    let address = server.tls;
    let ca = authority.path("ca.pem");
    let foreign = other.path("ca.pem");
    assert_refused(
        &format!("ping {address} --tls-ca {}", shown(&foreign)),
        address,
        "no trusted authority has signed its certificate; --tls-ca FILE",
    );
    assert_refused(
        &format!(
            "ping {address} --tls-ca {} --tls-server-name cache",
            shown(&ca)
        ),
        address,
        "for another name; --tls-server-name",
    );
    let name = "--tls-server-name localhost";
    let (status, text) = said(&format!("ping {address} --tls-ca {} {name}", shown(&ca)));
    assert_eq!(status, Some(0), "{text}");
}

#[test]
fn system_certificates_are_trusted_without_a_file() {
    let authority = Authority::new();
    let server = serve(&authority, "");
    let ping = |trusted: &Path| {
        let mut ping = support::command();
        ping.args(["ping", "--tls", &server.tls.to_string()]);
        let output = ping.env("SSL_CERT_FILE", trusted).output().unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    assert_eq!(ping(&authority.path("ca.pem")).0, Some(0));
    let (status, text) = ping(Path::new("/nowhere"));
    assert_eq!(status, Some(1));
    assert!(text.starts_with("error: /nowhere: "), "{text}");
    let other = Authority::new();
    let (status, text) = ping(&other.path("ca.pem"));
    assert_eq!(status, Some(1));
    assert!(text.contains("no trusted authority"), "{text}");
}

/// Writes a certificate that has signed itself, as `openssl req -x509` makes it.
fn sign_itself(cert: &Path, key: &Path, name: &str, year: i32) {
    let pair = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![name.into()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.not_after = date_time_ymd(year, 12, 31);
    fs::write(cert, params.self_signed(&pair).unwrap().pem()).unwrap();
    fs::write(key, pair.serialize_pem()).unwrap();
}

#[test]
fn a_certificate_that_has_signed_itself_is_trusted_if_the_file_has_it() {
    let authority = Authority::new();
    let (cert, key) = (authority.path("cert.pem"), authority.path("key.pem"));
    sign_itself(&cert, &key, "localhost", 4000);
    let server = serve(&authority, "");
    let port = server.tls.port();
    let ping = format!("ping localhost:{port} --tls-ca {}", shown(&cert));
    let (status, text) = said(&ping);
    assert_eq!(status, Some(0), "{text}");
    let (status, text) = said(&format!("{ping} --tls-server-name cache"));
    assert_eq!(status, Some(1));
    assert!(text.contains("for another name"), "{text}");
    // One like it, with another key.
    let other = Authority::new();
    let (cert, key) = (other.path("cert.pem"), other.path("key.pem"));
    sign_itself(&cert, &key, "localhost", 4000);
    let (status, text) = said(&format!("ping localhost:{port} --tls-ca {}", shown(&cert)));
    assert_eq!(status, Some(1));
    assert!(text.contains("one of an authority"), "{text}");
}

#[test]
fn a_certificate_is_shown_where_the_server_wants_one() {
    let authority = Authority::new();
    authority.sign("client.pem", "client-key.pem", 4000);
    let ca = authority.path("ca.pem");
    let server = serve(&authority, &format!("--tls-client-ca {}", shown(&ca)));
    let address = server.tls;
    let ping = format!("ping {address} --tls-ca {}", shown(&ca));
    assert_refused(&ping, address, "it wants a certificate: --tls-cert FILE");
    let (cert, key) = (
        authority.path("client.pem"),
        authority.path("client-key.pem"),
    );
    let shows = format!("--tls-cert {} --tls-key {}", shown(&cert), shown(&key));
    let (status, text) = said(&format!("{ping} {shows}"));
    assert_eq!(status, Some(0), "{text}");
    // Both in one file.
    let both = authority.path("both.pem");
    let text = [cert, key].map(|path| fs::read_to_string(path).unwrap());
    fs::write(&both, text.concat()).unwrap();
    let (status, text) = said(&format!("{ping} --tls-cert {}", shown(&both)));
    assert_eq!(status, Some(0), "{text}");
    let foreign = Authority::new();
    let (cert, key) = (foreign.path("cert.pem"), foreign.path("key.pem"));
    let shows = format!("--tls-cert {} --tls-key {}", shown(&cert), shown(&key));
    assert_refused(
        &format!("{ping} {shows}"),
        address,
        "it refuses TLS with us",
    );
}

#[test]
fn tls_on_a_plain_port_and_the_reverse_are_told() {
    let authority = Authority::new();
    let server = serve(&authority, "");
    let ca = authority.path("ca.pem");
    let (plain, tls) = (server.process.address, server.tls);
    let file = authority.path("items");
    for command in ["ping", "flush a", &format!("export {}", shown(&file))] {
        let words = format!("{command} --address {tls}");
        assert_refused(&words, tls, "speaks TLS: --tls");
        let words = format!("{command} --address {plain} --tls-ca {}", shown(&ca));
        assert_refused(&words, plain, "maybe it does not speak TLS");
    }
}

#[test]
fn a_file_without_a_certificate_or_key_is_named() {
    let authority = Authority::new();
    let (cert, key) = (authority.path("cert.pem"), authority.path("key.pem"));
    let (cert, key) = (shown(&cert), shown(&key));
    for (options, reason) in [
        ("--tls-ca /nowhere".into(), "/nowhere: ".into()),
        (
            format!("--tls-ca {key}"),
            format!("{key}: there is no certificate in PEM\n"),
        ),
        (
            format!("--tls-cert {cert}"),
            format!("{cert}: there is no private key in PEM; --tls-key names its file\n"),
        ),
        (
            format!("--tls-cert {cert} --tls-key {cert}"),
            format!("{cert}: there is no private key in PEM, or it is encrypted\n"),
        ),
        (
            "--tls --tls-server-name a\u{2026}".into(),
            "a certificate cannot be for ".into(),
        ),
    ] {
        let (status, text) = said(&format!("ping {options}"));
        assert_eq!(status, Some(1), "{text}");
        assert!(text.starts_with(&format!("error: {reason}")), "{text}");
    }
    let (status, text) = said(&format!("ping --tls-key {key}"));
    assert_eq!(status, Some(2), "{text}");
}
