//! The server's process: options, log, signals, exit status.
#![forbid(unsafe_code)]

use std::backtrace::{Backtrace, BacktraceStatus};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use dynamidb::{Error, Log, Options, Server, StopHandle};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use tracing::Level;

/// Names a file that scripts and tests read the ports from that were picked.
const PORT_FILE_VARIABLE: &str = "MEMCACHED_PORT_FILENAME";

/// How long a signal waits for a server that is being started.
const START_ROUND: Duration = Duration::from_millis(20);
const START_ROUNDS: u32 = 100;

const LICENSE: &str = concat!(
    "DynamiDB is licensed under either of the Apache License, version 2.0, or this one:\n\n",
    include_str!("../../LICENSE-MIT"),
);

/// Whether a signal has stopped the server and the log does not say so yet.
static LAST_LINE_IS_DUE: AtomicBool = AtomicBool::new(false);
/// How often the end of the process looks whether it does, and for how long at most.
const LAST_LINE_ROUND: Duration = Duration::from_millis(1);
const LAST_LINE_ROUNDS: u32 = 1000;

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
    let log = match Log::to_stderr() {
        Ok(log) => Arc::new(log),
        Err(error) => {
            eprintln!("error: cannot start a thread for the log: {error}");
            return ExitCode::FAILURE;
        }
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_target(false)
        .with_writer(Arc::clone(&log))
        // Whoever reads the log may go. Complaining of that on the same stream would be a panic.
        .log_internal_errors(false)
        .init();
    // The hook of the standard library would wait for whoever reads the log.
    std::panic::set_hook(Box::new(|panic| {
        let backtrace = Backtrace::capture();
        match backtrace.status() {
            BacktraceStatus::Captured => tracing::error!("{panic}\n{backtrace}"),
            _ => tracing::error!("{panic}"),
        }
    }));
    let code = match serve(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let line = format!("error: {error}\n");
            // It never fails.
            let _ = (&*log).write_all(line.as_bytes());
            ExitCode::from(error.exit_code())
        }
    };
    log.finish();
    code
}

fn serve(options: &Options) -> Result<(), Error> {
    // A script that sends SIGHUP to whoever might have something to read anew must not end a server
    // that has not, and with it all items. So with the two that mean nothing here.
    let signals = [SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2];
    let signals = Signals::new(signals).map_err(|source| Error::System {
        what: "listen for signals",
        source,
    })?;
    let handle = Arc::<OnceLock<StopHandle>>::default();
    let has_users = options.auth_file.is_some();
    let of_signals = Arc::clone(&handle);
    thread::Builder::new()
        .name("signals".into())
        .spawn(move || follow_signals(signals, &of_signals, has_users))
        .map_err(|source| Error::System {
            what: "start a thread",
            source,
        })?;
    let server = Server::bind(options)?;
    write_ports(&server)?;
    // It is the first one.
    let _ = handle.set(server.stop_handle());
    let outcome = server.run();
    // A server without clients ends before the thread above has said why.
    let mut rounds = 0..LAST_LINE_ROUNDS;
    while LAST_LINE_IS_DUE.load(Ordering::SeqCst) && rounds.next().is_some() {
        thread::sleep(LAST_LINE_ROUND);
    }
    outcome
}

/// Acts on signals, and does nothing that could take long, so that the next one is heard.
fn follow_signals(mut signals: Signals, handle: &OnceLock<StopHandle>, has_users: bool) {
    let mut stopping = false;
    for signal in signals.forever() {
        if let SIGUSR1 | SIGUSR2 = signal {
            let name = if signal == SIGUSR1 {
                "SIGUSR1"
            } else {
                "SIGUSR2"
            };
            tracing::info!("{name} is ignored");
            continue;
        }
        match (signal, await_server(handle)) {
            (SIGHUP, Some(handle)) if has_users => reload_users(handle.clone()),
            (SIGHUP, _) => tracing::info!("SIGHUP: there are no users to read anew"),
            (_, Some(handle)) if !stopping => {
                stopping = true;
                LAST_LINE_IS_DUE.store(true, Ordering::SeqCst);
                handle.stop();
                tracing::info!("stopping; a second signal stops at once");
                LAST_LINE_IS_DUE.store(false, Ordering::SeqCst);
            }
            (_, Some(_)) => std::process::exit(1),
            (signal, None) => {
                // It ends the process, and if it does not, this does.
                let _ = emulate_default_handler(signal);
                std::process::exit(1);
            }
        }
    }
}

/// The server, if it serves soon. One that does not may be waiting for a name or a file for ever.
fn await_server(handle: &OnceLock<StopHandle>) -> Option<&StopHandle> {
    let mut rounds = 0..START_ROUNDS;
    while handle.get().is_none() && rounds.next().is_some() {
        thread::sleep(START_ROUND);
    }
    handle.get()
}

/// Reads the users in a thread of its own: the file may be a pipe into which nobody writes.
fn reload_users(handle: StopHandle) {
    static READING: AtomicBool = AtomicBool::new(false);
    if READING.swap(true, Ordering::AcqRel) {
        tracing::warn!("users are still being read");
        return;
    }
    let thread = thread::Builder::new().name("users".into());
    let spawned = thread.spawn(move || {
        match handle.reload_users() {
            Ok(()) => tracing::info!("users were read anew"),
            Err(error) => tracing::warn!("users stay as they are: {error}"),
        }
        READING.store(false, Ordering::Release);
    });
    if let Err(error) = spawned {
        READING.store(false, Ordering::Release);
        tracing::warn!("users stay as they are: {error}");
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
    write_file(&file, &lines.collect::<String>()).map_err(|source| Error::System {
        what: "write the file that MEMCACHED_PORT_FILENAME names",
        source,
    })
}

/// Never opens what was there before: it could be a pipe that nobody reads, or a link elsewhere.
/// Nor is a device replaced.
fn write_file(file: &OsString, text: &str) -> io::Result<()> {
    if fs::metadata(file).is_ok_and(|metadata| !metadata.is_file()) {
        return Err(io::Error::new(
            ErrorKind::InvalidInput,
            "it is no regular file",
        ));
    }
    let mut unfinished = file.clone();
    unfinished.push(".lck");
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    File::create_new(&unfinished)?.write_all(text.as_bytes())?;
    fs::rename(&unfinished, file)
}
