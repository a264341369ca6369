//! The server's process: options, log, signals, exit status.
#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::thread;

use dynamidb::{Error, Options, Server};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tracing::Level;

const LICENSE: &str = concat!(
    "DynamiDB is licensed under either of the Apache License, version 2.0, or this one:\n\n",
    include_str!("../../LICENSE-MIT"),
);

fn main() -> ExitCode {
    let options = Options::from_command_line();
    if options.memcached.license {
        println!("{LICENSE}");
        return ExitCode::SUCCESS;
    }
    let level = match options.verbose {
        0 => Level::INFO,
        1 => Level::DEBUG,
        _ => Level::TRACE,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_target(false)
        .with_writer(std::io::stderr)
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
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(|source| Error::System {
        what: "listen for signals",
        source,
    })?;
    let server = Server::bind(options)?;
    let stop = server.stop_handle();
    thread::spawn(move || {
        let mut signals = signals.forever();
        signals.next();
        tracing::info!("stopping; a second signal stops at once");
        stop.stop();
        signals.next();
        std::process::exit(1);
    });
    server.run()
}
