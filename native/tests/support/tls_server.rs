//! A server with TLS, for the tests of it.

// Each test file uses its part of this.
#![allow(dead_code)]

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use dynamidb::RuntimeName;
use rustls::ClientConfig;

use crate::support::{Client, Process, command};
use crate::tls::{Authority, TlsClient};

/// A server with a listener for TLS, and a plain one, on which tests look at `stats`.
pub(crate) struct TlsServer {
    pub(crate) process: Process,
    pub(crate) tls: SocketAddr,
}

impl TlsServer {
    pub(crate) fn start(runtime: RuntimeName, options: &str) -> Self {
        Self::listen(runtime, "tls:127.0.0.1", options)
    }

    pub(crate) fn listen(runtime: RuntimeName, tls: &str, options: &str) -> Self {
        let listen = format!("127.0.0.1,{tls}");
        let mut command = command();
        command.args(["-p", "0", "-m", "64", "-t", "2", "-l", &listen]);
        command.args(["--runtime", runtime.name()]);
        command.args(options.split_whitespace());
        let process = Process::spawn(&mut command);
        let tls = addresses(&process.log).nth(1).unwrap();
        Self { process, tls }
    }

    pub(crate) fn connect(&self) -> Client {
        self.process.connect()
    }
}

pub(crate) fn addresses(log: &[String]) -> impl Iterator<Item = SocketAddr> {
    let listening = log
        .iter()
        .filter_map(|line| line.split("listening on ").nth(1));
    listening.filter_map(|address| address.parse().ok())
}

pub(crate) fn on_each_runtime(authority: &Authority, options: &str, test: impl Fn(TlsServer)) {
    for &runtime in RuntimeName::ALL {
        eprintln!("{runtime}");
        let options = format!("{} {options}", authority.options());
        test(TlsServer::start(runtime, &options));
    }
}

pub(crate) fn failure(config: &Arc<ClientConfig>, address: SocketAddr) -> String {
    let mut client = TlsClient::connect(address, config);
    // With TLS 1.3 the client is done before the server has looked at its certificate.
    let outcome = client.shake_hands().and_then(|()| {
        client.stream.write_all(b"get k\r\n")?;
        client.stream.read(&mut [0]).map(|_| ())
    });
    outcome.unwrap_err().to_string()
}
