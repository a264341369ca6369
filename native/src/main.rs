//! The server's process: options, log, signals, exit status.
#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::process::ExitCode;
use std::thread;

use dynamidb::{Error, Options, Server, StopHandle};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::Signals;
use tracing::Level;

/// Names a file that scripts and tests read the ports from that were picked.
const PORT_FILE_VARIABLE: &str = "MEMCACHED_PORT_FILENAME";

const LICENSE: &str = concat!(
    "DynamiDB is licensed under either of the Apache License, version 2.0, or this one:\n\n",
    include_str!("../../LICENSE-MIT"),
);

fn main() -> ExitCode {
    let options = Options::from_command_line();
    if options.memcached.license {
        // Whoever reads it may have seen enough.
        let _ = writeln!(io::stdout(), "{LICENSE}");
        return ExitCode::SUCCESS;
    }
    let level = match options.verbose {
        0 => Level::INFO,
        _ => Level::DEBUG,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_target(false)
        .with_writer(io::stderr)
        // Whoever reads the log may go. Complaining of that on the same stream would be a panic.
        .log_internal_errors(false)
        .init();
    match serve(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

fn serve(options: &Options) -> Result<(), Error> {
    // A script that sends SIGHUP to whoever might have something to read anew must not end a server
    // that has not, and with it all items. So with the two that mean nothing here.
    let signals = [SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2];
    let mut signals = Signals::new(signals).map_err(|source| Error::System {
        what: "listen for signals",
        source,
    })?;
    let has_users = options.auth_file.is_some();
    let server = Server::bind(options)?;
    write_ports(&server)?;
    let handle = server.stop_handle();
    let attend = move || {
        let mut stopping = false;
        for signal in signals.forever() {
            match signal {
                SIGHUP if has_users => reload_users(&handle),
                SIGHUP => tracing::info!("SIGHUP: there are no users to read anew"),
                SIGUSR1 => tracing::info!("SIGUSR1 is ignored"),
                SIGUSR2 => tracing::info!("SIGUSR2 is ignored"),
                _ if stopping => std::process::exit(1),
                _ => {
                    stopping = true;
                    tracing::info!("stopping; a second signal stops at once");
                    handle.stop();
                }
            }
        }
    };
    thread::Builder::new()
        .name("signals".into())
        .spawn(attend)
        .map_err(|source| Error::System {
            what: "start a thread",
            source,
        })?;
    server.run()
}

fn reload_users(handle: &StopHandle) {
    match handle.reload_users() {
        Ok(()) => tracing::info!("users were read anew"),
        Err(error) => tracing::warn!("users stay as they are: {error}"),
    }
}

/// Writes which ports are listened on, if the environment names a file for that. The file is there
/// at once with all that is in it.
fn write_ports(server: &Server) -> Result<(), Error> {
    let file = std::env::var_os(PORT_FILE_VARIABLE);
    let Some(file) = file.filter(|file| !file.is_empty()) else {
        return Ok(());
    };
    let lines = server.local_addrs().into_iter().map(|address| {
        let family = if address.is_ipv6() { "INET6" } else { "INET" };
        format!("TCP {family}: {}\n", address.port())
    });
    let mut unfinished = OsString::from(&file);
    unfinished.push(".lck");
    fs::write(&unfinished, lines.collect::<String>())
        .and_then(|()| fs::rename(&unfinished, &file))
        .map_err(|source| Error::System {
            what: "write the file that MEMCACHED_PORT_FILENAME names",
            source,
        })
}
