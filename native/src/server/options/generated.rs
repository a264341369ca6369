//! Files made of the declarations of options: the manual and the page of options; and for the
//! playground the table of commands. They are kept in the tree for packagers; `make generate`
//! writes them, and this test fails if one is not what the declarations say.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, Command, CommandFactory};
use clap_mangen::Man;
use dynamidb_core::help::{COMMANDS, Group, HABITS};
use serde_json::{Map, Value, json};

use crate::server::options::arguments::Arguments;

/// If this variable is set, the files are written instead of compared.
const GENERATE: &str = "GENERATE";

const PAGE_HEAD: &str = "\
# Options

Each option can be given on the command line, by an environment variable, or in a file in TOML
that `--config` names, where its key is the long name without dashes: `memory = \"512m\"`. The
command line wins over the environment, and that over the file. `dynamidb --print-config` shows
all options with where each value comes from, and `dynamidb --check-config` says all that is wrong
with a file. This page is made by `make generate`.
";

fn files() -> Vec<(&'static str, String)> {
    let mut command = Arguments::command();
    command.build();
    let mut manual = Vec::new();
    // Writing to memory does not fail.
    Man::new(command.clone()).render(&mut manual).unwrap();
    vec![
        ("deploy/man/dynamidb.1", String::from_utf8(manual).unwrap()),
        ("docs/options.md", page(&command)),
        ("../www/src/commands.json", commands()),
    ]
}

/// What the playground's terminal knows of commands.
fn commands() -> String {
    let command = COMMANDS.iter().filter_map(|command| {
        let dialect = match command.group {
            Group::DynamiDb => "DynamiDB",
            Group::Memcached => "memcached",
            // The page has no server.
            _ => return None,
        };
        let mut entry = json!({
            "dialect": dialect,
            "verb": command.verb,
            "words": command.words,
            "help": command.text,
        });
        if let Some(size) = command.value_size {
            entry["size"] = size.into();
        }
        Some(entry)
    });
    let habits = HABITS.iter().map(|habit| {
        let meant = json!([habit.command, habit.text]);
        (habit.verb.to_owned(), meant)
    });
    let commands = command.collect::<Vec<_>>();
    let habits: Map<_, Value> = habits.collect();
    let table = json!({ "commands": commands, "habits": habits });
    format!("{table:#}\n")
}

/// A table for each heading of `--help`.
fn page(command: &Command) -> String {
    let mut page = PAGE_HEAD.to_owned();
    let shown: Vec<_> = command
        .get_arguments()
        .filter(|arg| !arg.is_hide_set())
        .collect();
    let heading = |arg: &Arg| arg.get_help_heading().unwrap_or("Help").to_owned();
    let mut headings: Vec<String> = Vec::new();
    for arg in &shown {
        if !headings.contains(&heading(arg)) {
            headings.push(heading(arg));
        }
    }
    for name in headings {
        let _ = write!(
            page,
            "\n## {name}\n\n| option | variable | default | |\n|---|---|---|---|\n"
        );
        for arg in shown.iter().filter(|arg| heading(arg) == name) {
            row(&mut page, arg);
        }
    }
    page
}

fn row(page: &mut String, arg: &Arg) {
    let mut names = Vec::new();
    names.extend(arg.get_short().map(|letter| format!("`-{letter}`")));
    let value = match arg.get_value_names() {
        Some([value, ..]) if arg.get_action().takes_values() => format!(" {value}"),
        _ => String::new(),
    };
    names.extend(arg.get_long().map(|long| format!("`--{long}{value}`")));
    let variable = arg
        .get_env()
        .map(|name| format!("`{}`", name.to_string_lossy()));
    let is_switch = !matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
    let defaults = arg.get_default_values().iter().filter(|_| !is_switch);
    let defaults: Vec<_> = defaults
        .map(|value| format!("`{}`", value.to_string_lossy()))
        .collect();
    let mut about = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let values: Vec<_> = arg
        .get_possible_values()
        .iter()
        .filter(|_| !is_switch)
        .map(|value| format!("`{}`", value.get_name()))
        .collect();
    if !values.is_empty() {
        let _ = write!(about, ". One of {}", values.join(", "));
    }
    let _ = writeln!(
        page,
        "| {} | {} | {} | {} |",
        names.join(", "),
        variable.unwrap_or_default(),
        defaults.join(", "),
        about.replace('|', "\\|").replace('\n', " "),
    );
}

#[test]
fn the_manual_and_the_pages_say_what_the_options_are() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut stale: Vec<PathBuf> = Vec::new();
    for (name, text) in files() {
        let path = root.join(name);
        if std::env::var_os(GENERATE).is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
        } else if fs::read_to_string(&path).ok() != Some(text) {
            stale.push(path);
        }
    }
    assert!(stale.is_empty(), "run `make generate`: {stale:?}");
}
