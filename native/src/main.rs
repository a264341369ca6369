//! The server's binary: options, log, signals, exit status.
#![forbid(unsafe_code)]

#[cfg(feature = "cli")]
mod cli;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use dynamidb::{Error, Log, Options, ProcessLog, Server, ServiceManager, StopHandle};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

/// The variable that names a file for the ports that the server listens on.
const PORT_FILE_VARIABLE: &str = "MEMCACHED_PORT_FILENAME";

/// How long a signal waits for a server that is being started.
const START_TIMEOUT: Duration = Duration::from_secs(2);

const LICENSE: &str = concat!(
    "DynamiDB is licensed under either of the Apache License, version 2.0, or this one:\n\n",
    include_str!("../LICENSE-MIT"),
);

/// How long the end of the process waits for the last log line.
const LAST_LINE_TIMEOUT: Duration = Duration::from_secs(1);
/// How often a watchdog hears of the server in the time that it allows.
const BEATS: u32 = 3;
/// How often [`wait_until`] checks.
const POLL_PERIOD: Duration = Duration::from_millis(5);

/// Whether a signal is stopping the server and has not logged that yet.
static LAST_LINE_IS_DUE: AtomicBool = AtomicBool::new(false);

fn main() -> ExitCode {
    #[cfg(feature = "cli")]
    if let Some(code) = cli::run(std::env::args_os()) {
        return code;
    }
    let options = Options::from_command_line();
    if options.memcached.license {
        // The reader may have closed the pipe.
        let _ = writeln!(io::stdout(), "{LICENSE}");
        return ExitCode::SUCCESS;
    }
    let log = match Log::to_stderr() {
        Ok(log) => Arc::new(log.install(options.log_format, options.verbose)),
        Err(error) => {
            eprintln!("error: cannot start a thread for the log: {error}");
            return ExitCode::FAILURE;
        }
    };
    // The standard library's hook would wait for the log's reader.
    std::panic::set_hook(Box::new(|panic| {
        let backtrace = Backtrace::capture();
        match backtrace.status() {
            BacktraceStatus::Captured => tracing::error!("{panic}\n{backtrace}"),
            _ => tracing::error!("{panic}"),
        }
    }));
    let code = match serve(options, &log) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log.fatal(&error);
            ExitCode::from(error.exit_code())
        }
    };
    log.finish();
    code
}

fn serve(options: Options, log: &Arc<ProcessLog>) -> Result<(), Error> {
    // Scripts send SIGHUP to have files reloaded. It must not end a server that has none, and lose
    // all items; nor must the two signals that have no meaning here.
    let signals = [SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2];
    let signals = Signals::new(signals).map_err(|source| Error::System {
        what: "listen for signals",
        source,
    })?;
    let manager = Arc::new(ServiceManager::from_env());
    let handle = Arc::<OnceLock<StopHandle>>::default();
    let reloads = options.has_files().then(|| {
        let (reload, reloads) = mpsc::sync_channel(1);
        let (options, log) = (options.clone(), Arc::clone(log));
        let manager = Arc::clone(&manager);
        let run = move || reload_each_time(&reloads, options, &log, &manager);
        spawn("reload", run).map(|()| reload)
    });
    let reloads = reloads.transpose()?;
    let (signal_handle, signal_manager) = (Arc::clone(&handle), Arc::clone(&manager));
    let has_state = options.state.is_some();
    spawn("signals", move || {
        handle_signals(
            signals,
            &signal_handle,
            reloads.as_ref(),
            has_state,
            &signal_manager,
        );
    })?;
    let mut server = Server::bind(&options)?;
    write_ports(&server)?;
    if let Some(watchdog) = manager.watchdog() {
        let manager = Arc::clone(&manager);
        server.on_heartbeat(watchdog / BEATS, move || manager.alive());
    }
    // It is set only once.
    let _ = handle.set(server.stop_handle());
    // Connections that come before the workers run wait in the backlog.
    manager.ready("serving");
    let outcome = server.run();
    // A server without clients ends before the thread above has logged why.
    wait_until(LAST_LINE_TIMEOUT, || {
        !LAST_LINE_IS_DUE.load(Ordering::SeqCst)
    });
    outcome
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), Error> {
    let spawned = thread::Builder::new().name(name.into()).spawn(run);
    spawned.map(drop).map_err(|source| Error::System {
        what: "start a thread",
        source,
    })
}

/// Handles signals. Nothing here takes long, so that the next signal is handled soon.
fn handle_signals(
    mut signals: Signals,
    handle: &OnceLock<StopHandle>,
    reloads: Option<&SyncSender<StopHandle>>,
    has_state: bool,
    manager: &ServiceManager,
) {
    let mut stopping = false;
    for signal in signals.forever() {
        if signal == SIGUSR1 {
            tracing::info!("SIGUSR1 is ignored");
            continue;
        }
        match (signal, await_server(handle)) {
            (SIGUSR2, Some(handle)) if has_state => save(handle.clone()),
            (SIGUSR2, _) if has_state => tracing::warn!("SIGUSR2 is ignored during the start"),
            (SIGUSR2, _) => tracing::info!("SIGUSR2 is ignored: there is no file to save to"),
            (SIGHUP, None) => tracing::warn!("SIGHUP is ignored during the start"),
            (SIGHUP, Some(handle)) => match reloads.map(|to| to.try_send(handle.clone())) {
                Some(Ok(())) => {}
                Some(Err(_)) => tracing::warn!("SIGHUP is ignored: files are still being reloaded"),
                None => tracing::info!("SIGHUP is ignored: there is no file to reload"),
            },
            (_, Some(handle)) if !stopping => {
                stopping = true;
                LAST_LINE_IS_DUE.store(true, Ordering::SeqCst);
                manager.stopping();
                handle.stop();
                tracing::info!("stopping; a second signal ends the process at once");
                LAST_LINE_IS_DUE.store(false, Ordering::SeqCst);
            }
            (_, Some(handle)) if handle.abandon_save() => {
                tracing::warn!("the save is abandoned; a further signal ends the process at once");
            }
            (_, Some(_)) => std::process::exit(1),
            // Before there is anything to lose.
            (signal, None) => {
                // The default handler ends the process; if not, exit does.
                let _ = emulate_default_handler(signal);
                std::process::exit(1);
            }
        }
    }
}

/// The server's handle, if it starts soon. The start may wait for a name or a file forever.
fn await_server(handle: &OnceLock<StopHandle>) -> Option<&StopHandle> {
    wait_until(START_TIMEOUT, || handle.get().is_some());
    handle.get()
}

/// Waits until a condition is met, or for as long as `timeout`.
fn wait_until(timeout: Duration, condition: impl Fn() -> bool) {
    let mut waited = Duration::ZERO;
    while !condition() && waited < timeout {
        thread::sleep(POLL_PERIOD);
        waited += POLL_PERIOD;
    }
}

/// Reloads whenever it is told to, in a separate thread: a file may be a pipe that nobody writes
/// to. What is wrong stays as it was.
fn reload_each_time(
    reloads: &Receiver<StopHandle>,
    mut current: Options,
    log: &ProcessLog,
    manager: &ServiceManager,
) {
    for handle in reloads {
        manager.reloading();
        match handle.reload_users() {
            Ok(()) if current.has_users() => tracing::info!("users were reloaded"),
            Ok(()) => {}
            Err(error) => tracing::warn!("users are unchanged: {error}"),
        }
        match handle.reload_certificates() {
            Ok(()) if handle.has_certificates() => tracing::info!("certificates were reloaded"),
            Ok(()) => {}
            Err(error) => tracing::warn!("certificates are unchanged: {error}"),
        }
        match Options::read_again() {
            Ok(new) => {
                log.set_verbose(new.verbose);
                handle.reload(&mut current, new);
            }
            Err(errors) => {
                for error in errors {
                    tracing::warn!("options are unchanged: {error}");
                }
            }
        }
        manager.ready("serving");
    }
}

/// Saves the items in a separate thread: the disk may be slow.
fn save(handle: StopHandle) {
    let thread = thread::Builder::new().name("save".into());
    let spawned = thread.spawn(move || {
        if let Err(error) = handle.save() {
            tracing::warn!("{error}");
        }
    });
    if let Err(error) = spawned {
        tracing::warn!("the items are not saved: {error}");
    }
}

/// Writes the ports that the server listens on to the file that the environment names, if any. The
/// file appears with all its content at once.
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

/// Replaces a file without opening the old one, which could be a pipe that nobody reads or a link.
/// A device is not replaced.
fn write_file(file: &OsString, text: &str) -> io::Result<()> {
    if fs::metadata(file).is_ok_and(|metadata| !metadata.is_file()) {
        return Err(io::Error::new(
            ErrorKind::InvalidInput,
            "it is not a regular file",
        ));
    }
    let mut temporary = file.clone();
    temporary.push(".lck");
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    File::create_new(&temporary)?.write_all(text.as_bytes())?;
    fs::rename(&temporary, file)
}
