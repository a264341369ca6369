//! The options as they are in effect, each with where it comes from: what `--print-config` shows,
//! and what a reload compares.

use std::fmt::{self, Display, Formatter, Write};

use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::server::options::source;

/// An option in effect.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Effective {
    /// Its long name, which is its key in a configuration file.
    pub(super) name: String,
    /// Its value in TOML; `None` if it has none, and something else decides.
    pub(super) value: Option<String>,
    /// Where the value comes from; `None` for the default.
    pub(super) origin: Option<String>,
}

impl Effective {
    /// All options that a configuration file can set.
    pub(super) fn all(
        command: &Command,
        matches: &ArgMatches,
        origin: impl Fn(&Arg) -> Option<String>,
    ) -> Vec<Self> {
        let options = source::options(command).map(|option| Self {
            name: option.get_long().unwrap_or_default().into(),
            value: value(option, matches),
            origin: origin(option),
        });
        options.collect()
    }

    /// What a reload logs.
    pub(super) fn change(&self) -> Change {
        Change {
            name: self.name.clone(),
            value: self.value.clone(),
        }
    }

    /// A line of TOML that says where the value comes from. An option without a value is a comment.
    pub(super) fn line(&self) -> String {
        let origin = self.origin.as_deref().unwrap_or("default");
        match &self.value {
            Some(value) => format!("{} = {value}  # {origin}\n", self.name),
            None => format!("#{} =  # {origin}\n", self.name),
        }
    }
}

/// An option whose value has changed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Change {
    pub(crate) name: String,
    /// The new value in TOML.
    value: Option<String>,
}

impl Display for Change {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let value = self.value.as_deref().unwrap_or("default");
        write!(f, "{} {value}", self.name)
    }
}

fn value(option: &Arg, matches: &ArgMatches) -> Option<String> {
    let id = option.get_id().as_str();
    let raw: Vec<_> = matches
        .get_raw(id)?
        .map(|value| value.to_string_lossy().into_owned())
        .collect();
    match option.get_action() {
        ArgAction::Append => {
            let values: Vec<_> = raw.iter().map(|value| text(value)).collect();
            Some(format!("[{}]", values.join(", ")))
        }
        ArgAction::Set => raw.last().map(|value| text(value)),
        // A switch, or how often it was given.
        _ => raw.last().cloned(),
    }
}

/// A string, or a number as people write it.
fn text(value: &str) -> String {
    let is_plain = |number: i64| number.to_string() == value;
    if value.parse().is_ok_and(is_plain) {
        return value.into();
    }
    let mut quoted = String::from("\"");
    for c in value.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                // Writing to a string does not fail.
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
