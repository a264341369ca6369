//! Options from all their sources: the command line wins over the environment, and that over the
//! file. What a variable or the file sets becomes words before those that were typed, so that clap
//! checks them all alike.

use std::ffi::OsString;
use std::io::{self, Write};
#[cfg(feature = "hashed")]
use std::io::{BufRead, Read};

use clap::builder::Resettable;
use clap::{ArgMatches, CommandFactory, FromArgMatches};

#[cfg(feature = "hashed")]
use crate::server::auth::TOKEN_MAX;
use crate::server::error::Error;
use crate::server::log::log_and_flush;
use crate::server::options::arguments::{Arguments, one_line};
use crate::server::options::effective::Effective;
#[cfg(feature = "config")]
use crate::server::options::file;
use crate::server::options::source::{Source, is_typed, name_sources};
use crate::server::options::{Options, Origin, environment};

/// The exit status for a wrong option, on the command line or elsewhere.
const WRONG_OPTION: i32 = 2;

/// What the command line, the environment and the file come to.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) options: Options,
    pub(super) warnings: Vec<String>,
    /// What to do instead of serving.
    instead: Option<Instead>,
}

#[derive(Clone, Copy, Debug)]
enum Instead {
    Check,
    Print,
    #[cfg(feature = "hashed")]
    HashPassword,
}

/// Why there are no options.
#[derive(Debug)]
pub(super) enum Failure {
    /// An error of the command line or the environment; or help, which is none.
    CommandLine(clap::Error),
    /// Errors of the file, a line each.
    #[cfg(feature = "config")]
    File(Vec<String>),
}

impl Failure {
    /// What to say, a line for each error.
    pub(super) fn lines(&self) -> Vec<String> {
        match self {
            Self::CommandLine(error) => vec![one_line(error)],
            #[cfg(feature = "config")]
            Self::File(errors) => {
                let lines = errors.iter().map(|error| format!("error: {error}"));
                lines.collect()
            }
        }
    }
}

impl Options {
    /// The declarations of all options, for completions of shells.
    #[doc(hidden)]
    #[must_use]
    pub fn command() -> clap::Command {
        Arguments::command()
    }

    /// Reads the process's command line, environment and configuration file. Prints and exits for
    /// `--help`, `--version`, `--check-config` and `--print-config`, and with a line for each error
    /// and status 2 if something is wrong. Warns of variables that are ignored.
    #[must_use]
    pub fn from_command_line() -> Self {
        let words: Vec<_> = std::env::args_os().collect();
        match parse(&words, std::env::vars_os()) {
            Ok(parsed) => {
                for warning in &parsed.warnings {
                    log_and_flush(&parsed.options.log_format.early_line("warning", warning));
                }
                if let Some(instead) = parsed.instead {
                    std::process::exit(parsed.options.instead(instead));
                }
                parsed.options
            }
            Err(Failure::CommandLine(error)) if !error.use_stderr() => error.exit(),
            Err(failure) => {
                log_and_flush(&failure.lines().join("\n"));
                std::process::exit(WRONG_OPTION)
            }
        }
    }

    /// Reads them again, as for a reload: nothing is printed and nothing exits.
    ///
    /// # Errors
    /// A line for each error.
    pub fn read_again() -> Result<Self, Vec<String>> {
        let words: Vec<_> = std::env::args_os().collect();
        let parsed = parse(&words, std::env::vars_os());
        let options = parsed.map_err(|failure| failure.lines())?.options;
        match options.check() {
            Ok(()) => Ok(options),
            Err(error) => Err(vec![options.name_source(error).to_string()]),
        }
    }

    /// Does something else than serve; returns the exit status. The reader may be gone.
    fn instead(&self, instead: Instead) -> i32 {
        let said = match instead {
            Instead::Check => self.checked(),
            Instead::Print => self.check().map(|()| self.effective_text()),
            #[cfg(feature = "hashed")]
            Instead::HashPassword => hashed_password(),
        };
        match said {
            Ok(said) => {
                let _ = io::stdout().write_all(said.as_bytes());
                0
            }
            Err(error) => {
                let error = self.name_source(error);
                log_and_flush(&format!("error: {error}"));
                error.exit_code().into()
            }
        }
    }

    fn checked(&self) -> Result<String, Error> {
        crate::Server::check(self).map(|()| "the configuration is valid\n".into())
    }

    fn effective_text(&self) -> String {
        self.origin.effective.iter().map(Effective::line).collect()
    }
}

/// Parses a command line, the environment and the file that one of them names.
pub(super) fn parse(
    words: &[OsString],
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> Result<Parsed, Failure> {
    let named = Arguments::command();
    // clap does not read the environment itself.
    let command = named
        .clone()
        .mut_args(|arg| arg.env(Resettable::<clap::builder::OsStr>::Reset));
    let typed = match command.clone().try_get_matches_from(words) {
        Ok(typed) => typed,
        Err(error) if error.use_stderr() => return Err(Failure::CommandLine(error)),
        // Help names the variables, whatever their values.
        Err(error) => {
            let help = named.try_get_matches_from(words);
            return Err(Failure::CommandLine(help.err().unwrap_or(error)));
        }
    };
    let read = environment::read(&named, variables, |arg| is_typed(&typed, arg));
    let (settings, warnings) = read.map_err(Failure::CommandLine)?;
    #[cfg(feature = "config")]
    let (settings, has_config_file) =
        file::add(settings, &typed, &command).map_err(Failure::File)?;
    #[cfg(not(feature = "config"))]
    let has_config_file = false;
    let mut all: Vec<_> = words.iter().take(1).cloned().collect();
    all.extend(
        settings
            .iter()
            .rev()
            .flat_map(|setting| setting.words.iter().cloned()),
    );
    all.extend(words.iter().skip(1).cloned());
    let sources: Vec<_> = settings.into_iter().map(|setting| setting.source).collect();
    let parsed = command
        .clone()
        .try_get_matches_from(all)
        .and_then(|matches| {
            let effective = Effective::all(&command, &matches, |id| origin(id, &typed, &sources));
            Arguments::from_arg_matches(&matches).map(|arguments| (arguments, effective))
        });
    let (arguments, effective) = parsed.map_err(|error| {
        let said = one_line(&error);
        let said = said.strip_prefix("error: ").unwrap_or(&said);
        let said = name_sources(said, said, &sources);
        Failure::CommandLine(clap::Error::raw(error.kind(), said))
    })?;
    let instead = match () {
        #[cfg(feature = "hashed")]
        () if arguments.hash_password => Some(Instead::HashPassword),
        () if arguments.check_config => Some(Instead::Check),
        () if arguments.print_config => Some(Instead::Print),
        () => None,
    };
    let mut options = Options::from(arguments);
    options.origin = Origin {
        sources,
        effective,
        has_config_file,
    };
    Ok(Parsed {
        options,
        warnings,
        instead,
    })
}

/// A line of standard input, hashed.
#[cfg(feature = "hashed")]
fn hashed_password() -> Result<String, Error> {
    let failed = |source| Error::System {
        what: "read the password from standard input",
        source,
    };
    let mut password = Vec::new();
    io::stdin()
        .lock()
        .take(TOKEN_MAX as u64)
        .read_until(b'\n', &mut password)
        .map_err(failed)?;
    let password = password.strip_suffix(b"\n").unwrap_or(&password);
    let password = password.strip_suffix(b"\r").unwrap_or(password);
    if password.is_empty() {
        return Err(failed(io::ErrorKind::UnexpectedEof.into()));
    }
    Ok(format!("{}\n", crate::server::auth::hashed(password)))
}

/// Where the value of an option comes from; `None` for its default.
fn origin(option: &clap::Arg, typed: &ArgMatches, sources: &[Source]) -> Option<String> {
    if is_typed(typed, option) {
        return Some("command line".into());
    }
    let own = |source: &&Source| source.option.strip_prefix("--") == option.get_long();
    sources.iter().find(own).map(|source| source.name.clone())
}
