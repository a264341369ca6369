//! Where options come from if not from the command line, and how errors tell.

use std::ffi::{OsStr, OsString};

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};

/// The heading of options that print something and end the process. A variable or a file cannot set
/// them.
pub(super) const INSTEAD: &str = "Instead of serving";
/// Below this similarity, from 0 to 1, no name is suggested.
const SIMILARITY_MIN: f64 = 0.6;

/// What sets an option: a variable of the environment, or a line of the configuration file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Source {
    /// The variable, or the file and the line.
    pub(super) name: String,
    /// The option as it is written on the command line: `--port`.
    pub(super) option: String,
}

/// An option that a source sets, as words of the command line.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) source: Source,
    pub(super) words: Vec<OsString>,
}

impl Source {
    pub(super) fn new(name: String, option: &Arg) -> Self {
        let option = format!("--{}", option.get_long().unwrap_or_default());
        Self { name, option }
    }

    /// The words that give the option of this source a value; none if a switch is off.
    pub(super) fn words(&self, option: &Arg, value: &OsStr) -> Result<Vec<OsString>, String> {
        let words = |count| vec![OsString::from(&self.option); count];
        if option.get_action().takes_values() {
            let mut word = OsString::from(format!("{}=", self.option));
            word.push(value);
            return Ok(vec![word]);
        }
        let is_counted = matches!(option.get_action(), ArgAction::Count);
        let value = value.to_string_lossy().to_ascii_lowercase();
        match (&*value, value.parse::<u8>()) {
            ("true" | "yes" | "on", _) | (_, Ok(1)) => Ok(words(1)),
            ("false" | "no" | "off", _) | (_, Ok(0)) => Ok(words(0)),
            (_, Ok(count)) if is_counted => Ok(words(count.into())),
            _ => {
                let option = &self.option;
                let expected = if is_counted { "a number" } else { "yes or no" };
                Err(format!(
                    "invalid value '{value}' for '{option}': expected {expected}"
                ))
            }
        }
    }

    /// The error, which names this source.
    pub(super) fn error(&self, reason: &str) -> clap::Error {
        let said = format!("{reason} (from {})", self.name);
        clap::Error::raw(ErrorKind::InvalidValue, said)
    }
}

/// The options that a variable or a file can set: all but those that do something else than serve.
pub(super) fn options(command: &Command) -> impl Iterator<Item = &Arg> {
    let options = command.get_arguments().filter(|arg| {
        let prints = arg.get_help_heading() == Some(INSTEAD);
        arg.get_long().is_some() && !prints && !is_built_in(arg)
    });
    options.filter(|arg| arg.get_id() != "config")
}

/// Whether an option was given on the command line.
pub(super) fn is_typed(typed: &ArgMatches, option: &Arg) -> bool {
    typed.value_source(option.get_id().as_str()) == Some(ValueSource::CommandLine)
}

/// Whether this is clap's `--help` or `--version`.
fn is_built_in(arg: &Arg) -> bool {
    matches!(arg.get_id().as_str(), "help" | "version")
}

/// The name that is most like this one, if any is.
pub(super) fn nearest<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let similar = names.map(|other| (strsim::jaro_winkler(name, other), other));
    let similar = similar.filter(|(similarity, _)| *similarity >= SIMILARITY_MIN);
    let nearest = similar.max_by(|(one, _), (other, _)| one.total_cmp(other));
    nearest.map(|(_, nearest)| nearest)
}

/// The message, followed by the sources that have set the options in `options`.
pub(super) fn name_sources(options: &str, message: &str, sources: &[Source]) -> String {
    let words: Vec<_> = options
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
        .collect();
    let names: Vec<_> = sources
        .iter()
        .filter(|source| words.contains(&&*source.option))
        .map(|source| &*source.name)
        .collect();
    if names.is_empty() {
        message.into()
    } else {
        format!("{message} (from {})", names.join(", "))
    }
}
