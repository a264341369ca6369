//! `dynamidb` as a client: commands that talk to a running server, or look at its files. Without
//! one of them the binary serves.

mod address;
mod advice;
mod clock;
mod connection;
mod editor;
mod export;
mod flush;
#[cfg(test)]
mod generated;
mod history;
mod import;
mod inspect;
mod key;
mod password;
mod ping;
mod printer;
mod progress;
mod repl;
mod request;
mod save;
mod screen;
mod server_args;
mod session;
mod snapshot_file;
#[cfg(feature = "tls")]
mod tls;
mod top;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// What the binary does instead of serving.
#[derive(Debug, Parser)]
#[command(name = "dynamidb", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Ask a server whether it serves: status 0 if it answers, 1 if not
    Ping(ping::Ping),
    /// Delete everything under keys that begin with a prefix
    Flush(flush::Flush),
    /// Verify a snapshot, and say what is in it
    Inspect(inspect::Inspect),
    /// Save the items of a running server, also of a memcached, as a snapshot
    Export(export::Export),
    /// Store the items of a snapshot in a running server, also in a memcached
    Import(import::Import),
    /// Show what a server does, second by second
    Top(top::Top),
    /// Have a server save its items to the file of its --state
    Save(save::Save),
    /// Converse with a server: type commands, read replies
    Cli(repl::Repl),
}

impl Cli {
    /// The commands' names.
    const NAMES: [&str; 8] = [
        "ping", "flush", "inspect", "export", "import", "top", "save", "cli",
    ];
}

/// Runs the command that is named first, if one is; returns the status to exit with.
pub(crate) fn run(words: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    let words: Vec<_> = words.collect();
    let first = words.get(1)?.to_str()?;
    if !Cli::NAMES.contains(&first) {
        return None;
    }
    let outcome = match Cli::parse_from(words).command {
        Command::Ping(ping) => ping.run(),
        Command::Flush(flush) => flush.run(),
        Command::Inspect(inspect) => inspect.run(),
        Command::Export(export) => export.run(),
        Command::Import(import) => import.run(),
        Command::Top(top) => top.run(),
        Command::Save(save) => save.run(),
        Command::Cli(repl) => repl.run(),
    };
    Some(match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn every_command_has_its_name_in_the_list() {
        let command = Cli::command();
        command.clone().debug_assert();
        let names: Vec<_> = command
            .get_subcommands()
            .map(clap::Command::get_name)
            .collect();
        assert_eq!(names, Cli::NAMES);
    }
}
