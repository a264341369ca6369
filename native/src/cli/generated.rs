//! What is made of the declarations of commands: a page of the manual for each, and the completions
//! of shells, which have the server's options as well. They are kept in the tree for those who
//! package them; `make generate` writes them, and this test fails if one is out of date.

use std::fs;
use std::path::Path;

use clap::{Command, CommandFactory};
use clap_complete::{Shell, generate};
use clap_mangen::Man;
use dynamidb::Options;

use super::Cli;

/// If this variable is set, the files are written instead of compared.
const GENERATE: &str = "GENERATE";

/// The server's command with those for clients below it.
fn command() -> Command {
    let commands = Cli::command();
    let mut command = Options::command().subcommands(commands.get_subcommands().cloned());
    command = command.disable_help_subcommand(true);
    command.build();
    command
}

fn files() -> Vec<(String, String)> {
    let mut command = command();
    let mut files = Vec::new();
    for (shell, name) in [
        (Shell::Bash, "dynamidb.bash"),
        (Shell::Fish, "dynamidb.fish"),
        (Shell::Zsh, "_dynamidb"),
    ] {
        let mut script = Vec::new();
        generate(shell, &mut command, "dynamidb", &mut script);
        let path = format!("deploy/completions/{name}");
        files.push((path, String::from_utf8(script).unwrap()));
    }
    for command in command.get_subcommands() {
        // The name has the server's in front, as the page of `git add` does.
        let name = format!("dynamidb-{}", command.get_name());
        let mut page = Vec::new();
        let command = command.clone().display_name(name.clone());
        Man::new(command).render(&mut page).unwrap();
        let path = format!("deploy/man/{name}.1");
        files.push((path, String::from_utf8(page).unwrap()));
    }
    files
}

#[test]
fn generated_files_say_what_the_commands_are() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut stale = Vec::new();
    for (name, text) in files() {
        let path = root.join(name);
        if std::env::var_os(GENERATE).is_some() {
            fs::write(&path, text).unwrap();
        } else if fs::read_to_string(&path).ok() != Some(text) {
            stale.push(path);
        }
    }
    assert!(stale.is_empty(), "run `make generate`: {stale:?}");
}

#[test]
fn every_page_of_the_manual_is_of_a_command() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let known = files();
    for entry in fs::read_dir(root.join("deploy/man")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let path = format!("deploy/man/{name}");
        let is_known = name == "dynamidb.1" || known.iter().any(|(known, _)| *known == path);
        assert!(is_known, "{path}");
    }
}
