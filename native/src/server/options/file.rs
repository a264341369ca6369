//! Options from a configuration file in TOML: its keys are the long names of options, its values
//! become words of the command line. So the file needs no list of names.
//!
//! ```toml
//! memory = "512m"
//! listen = ["127.0.0.1", "noauth:unix:/run/dynamidb/socket"]
//! disable-flush-all = true
//! ```

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Command};
use toml::de::{DeTable, DeValue};

use crate::server::options::arguments::one_line;
use crate::server::options::source::{self, Setting, Source, is_typed, nearest};

/// The most errors that are told apart. All options together are fewer.
const ERRORS_MAX: usize = 100;
/// The largest file that is read. All options together need a few KiB.
const SIZE_MAX: u64 = 1 << 20;
/// What the word of the option is that names a file.
const CONFIG: &[u8] = b"--config=";
const BYTE_ORDER_MARK: char = '\u{feff}';

/// What a file says.
#[derive(Debug, Default)]
struct Contents {
    settings: Vec<Setting>,
    /// What is wrong with it, each with file and line.
    errors: Vec<String>,
}

/// Adds the settings of the file, if one is named, except for options that are set already. The
/// flag says whether one is.
pub(super) fn add(
    mut settings: Vec<Setting>,
    typed: &ArgMatches,
    command: &Command,
) -> Result<(Vec<Setting>, bool), Vec<String>> {
    let by_variable = || {
        let words = settings.iter().flat_map(|setting| &setting.words);
        let mut words = words.map(|word| word.as_bytes());
        words
            .find_map(|word| word.strip_prefix(CONFIG))
            .map(OsStr::from_bytes)
    };
    let path = typed
        .get_one::<PathBuf>("config")
        .map(|path| path.as_os_str());
    let Some(path) = path.or_else(by_variable) else {
        return Ok((settings, false));
    };
    let Contents {
        settings: own,
        errors,
    } = read(Path::new(path), command);
    if !errors.is_empty() {
        return Err(errors);
    }
    let is_set = |setting: &Setting| {
        let option = &setting.source.option;
        let mut typed_options = source::options(command).filter(|arg| is_typed(typed, arg));
        typed_options.any(|arg| arg.get_long() == option.strip_prefix("--"))
            || settings.iter().any(|other| other.source.option == *option)
    };
    let own: Vec<_> = own.into_iter().filter(|setting| !is_set(setting)).collect();
    settings.extend(own);
    Ok((settings, true))
}

/// Reads a file. An error of the system, or a file that is no text, is the only one then.
fn read(path: &Path, command: &Command) -> Contents {
    let shown = path.display();
    match read_text(path) {
        Ok(text) => parse(&shown.to_string(), &text, command),
        Err(reason) => Contents {
            errors: vec![format!("--config: {shown}: {reason}")],
            ..Contents::default()
        },
    }
}

fn read_text(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(SIZE_MAX + 1).read_to_end(&mut bytes));
    let size = read.map_err(|error| error.to_string())?;
    if size as u64 > SIZE_MAX {
        return Err("more than 1 MiB is no configuration".into());
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + valid.iter().filter(|&&byte| byte == b'\n').count();
        format!("line {line} is not text in UTF-8")
    })
}

fn parse(name: &str, text: &str, command: &Command) -> Contents {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let mut lines = Lines::of(text);
    let (table, syntax) = DeTable::parse_recoverable(text);
    let mut contents = Contents::default();
    if let [first, ..] = &syntax[..] {
        // What follows the first one may be wrong only because of it.
        let at = first.span().map_or(0, |span| span.start);
        let reason = first.message().replace('\n', "; ");
        contents
            .errors
            .push(format!("{name}:{}: {reason}", lines.number(at)));
        return contents;
    }
    let mut entries: Vec<_> = table.get_ref().iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    for (key, value) in entries {
        if contents.errors.len() == ERRORS_MAX {
            contents
                .errors
                .push(format!("{name}: further errors are left out"));
            break;
        }
        let place = format!("{name}:{}", lines.number(key.span().start));
        match setting(place.clone(), key.get_ref(), value.get_ref(), command) {
            Ok(setting) => contents.settings.push(setting),
            Err(reason) => contents.errors.push(format!("{place}: {reason}")),
        }
    }
    contents
}

/// The numbers of lines, for offsets that grow.
struct Lines<'t> {
    text: &'t [u8],
    offset: usize,
    number: usize,
}

impl<'t> Lines<'t> {
    fn of(text: &'t str) -> Self {
        let text = text.as_bytes();
        let (offset, number) = (0, 1);
        Self {
            text,
            offset,
            number,
        }
    }

    fn number(&mut self, offset: usize) -> usize {
        let passed = self.text.get(self.offset..offset).unwrap_or_default();
        self.number += passed.iter().filter(|&&byte| byte == b'\n').count();
        self.offset = self.offset.max(offset);
        self.number
    }
}

fn setting(
    place: String,
    key: &str,
    value: &DeValue<'_>,
    command: &Command,
) -> Result<Setting, String> {
    let Some(option) = source::options(command).find(|arg| arg.get_long() == Some(key)) else {
        return Err(unknown(key, command));
    };
    let source = Source::new(place, option);
    let is_list = matches!(option.get_action(), ArgAction::Append);
    let mut words = Vec::new();
    match value {
        DeValue::Array(values) if is_list => {
            for value in values.iter() {
                words.extend(source.words(option, text_of(value.get_ref())?)?);
            }
        }
        value => words = source.words(option, text_of(value)?)?,
    }
    // Alone, so that each error is found, and by itself.
    let whole = [OsString::from("dynamidb")]
        .into_iter()
        .chain(words.iter().cloned());
    if let Err(error) = command.clone().try_get_matches_from(whole) {
        let said = one_line(&error);
        return Err(said.strip_prefix("error: ").unwrap_or(&said).into());
    }
    Ok(Setting { source, words })
}

/// A value as it is written on the command line.
fn text_of<'v>(value: &'v DeValue<'_>) -> Result<&'v OsStr, String> {
    Ok(OsStr::new(match value {
        DeValue::String(text) => &**text,
        DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
        DeValue::Float(number) => number.as_str(),
        DeValue::Boolean(true) => "true",
        DeValue::Boolean(false) => "false",
        value => {
            let kind = value.type_str();
            return Err(format!(
                "expected a string, a decimal number or a switch, not {kind}"
            ));
        }
    }))
}

/// The error about a key that no option has.
fn unknown(key: &str, command: &Command) -> String {
    if command
        .get_arguments()
        .any(|arg| arg.get_long() == Some(key))
    {
        return format!("{key} can be given on the command line only");
    }
    let aliases = command.get_arguments().find_map(|arg| {
        let aliases = arg.get_all_aliases()?;
        aliases.contains(&key).then(|| arg.get_long()).flatten()
    });
    let dashed = key.replace('_', "-");
    let names = source::options(command).filter_map(Arg::get_long);
    match aliases.or_else(|| nearest(&dashed, names)) {
        Some(nearest) => format!("unknown key {key}; did you mean {nearest}?"),
        None => format!("unknown key {key}"),
    }
}
