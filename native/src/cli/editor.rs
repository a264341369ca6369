//! The line that somebody edits on a terminal: history, completion, and the syntax of the command.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io::ErrorKind;

use dynamidb_core::help::COMMANDS;
use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::{Hint, Hinter};
use rustyline::history::MemHistory;
use rustyline::validate::Validator;
use rustyline::{CompletionType, Config, Context, Helper};

use super::history::{self, History};
use super::request::command_of;

pub(super) struct Editor {
    editor: rustyline::Editor<Syntax, MemHistory>,
    history: Option<History>,
    /// Lines that were pasted together.
    pasted: VecDeque<String>,
}

/// What somebody did at a prompt.
pub(super) enum Typed {
    Line(String),
    /// Ctrl-C: nothing of it.
    Cancelled,
    /// Ctrl-D, or the terminal is gone.
    End,
}

impl Editor {
    /// For a terminal, with the lines of the history.
    ///
    /// # Errors
    /// A line that says what is wrong.
    pub(super) fn new(has_history: bool) -> Result<Self, String> {
        let config = Config::builder()
            .completion_type(CompletionType::List)
            .auto_add_history(false)
            .max_history_size(history::LINES_MAX)
            .map_err(|error| failed(&error))?
            .build();
        let memory = MemHistory::with_config(&config);
        let editor = rustyline::Editor::with_history(config, memory);
        let mut editor = editor.map_err(|error| failed(&error))?;
        editor.set_helper(Some(Syntax));
        let history = match has_history.then(History::open).transpose() {
            Ok(history) => history,
            Err(error) => {
                eprintln!("warning: {error}");
                None
            }
        };
        let history = history.map(|(history, lines)| {
            for line in lines {
                let _ = editor.add_history_entry(line);
            }
            history
        });
        Ok(Self {
            editor,
            history,
            pasted: VecDeque::new(),
        })
    }

    /// A line with a command.
    pub(super) fn command(&mut self, prompt: &str) -> Result<Typed, String> {
        let typed = self.line(prompt)?;
        if let Typed::Line(line) = &typed
            && !line.trim().is_empty()
            && self
                .editor
                .add_history_entry(line)
                .is_ok_and(|is_new| is_new)
            && let Some(history) = &mut self.history
        {
            history.push(line);
        }
        Ok(typed)
    }

    /// A line that is a value, or a part of one. It is not remembered.
    pub(super) fn value(&mut self, prompt: &str) -> Result<Typed, String> {
        self.editor.set_helper(None);
        let typed = self.line(prompt);
        self.editor.set_helper(Some(Syntax));
        typed
    }

    fn line(&mut self, prompt: &str) -> Result<Typed, String> {
        if let Some(line) = self.pasted.pop_front() {
            return Ok(Typed::Line(line));
        }
        match self.editor.readline(prompt) {
            Ok(text) => {
                let mut lines = text.split('\n').map(str::to_owned);
                let first = lines.next().unwrap_or_default();
                self.pasted.extend(lines);
                Ok(Typed::Line(first))
            }
            Err(ReadlineError::Interrupted) => {
                self.pasted.clear();
                Ok(Typed::Cancelled)
            }
            Err(ReadlineError::Eof) => Ok(Typed::End),
            // Keys of a terminal with another encoding, or something pasted that is no text.
            Err(ReadlineError::Io(error)) if error.kind() == ErrorKind::InvalidData => {
                self.pasted.clear();
                eprintln!("error: the terminal sends what is no UTF-8; the line is dropped");
                Ok(Typed::Cancelled)
            }
            Err(error) => Err(failed(&error)),
        }
    }
}

fn failed(error: &ReadlineError) -> String {
    format!("the terminal: {error}")
}

/// Completes and explains by the table of commands.
struct Syntax;

impl Helper for Syntax {}
impl Validator for Syntax {}

impl Completer for Syntax {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        pos: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let typed = &line[..pos];
        let start = if typed.starts_with("help ") { 5 } else { 0 };
        Ok((start, completions(&typed[start..])))
    }
}

/// The verbs with this prefix, each with a blank if something follows.
fn completions(prefix: &str) -> Vec<Pair> {
    let mut pairs: Vec<Pair> = Vec::new();
    for command in COMMANDS
        .iter()
        .filter(|command| command.verb.starts_with(prefix))
    {
        // A verb may have two entries.
        if pairs.iter().all(|pair| pair.display != command.verb) {
            let blank = if command.words.is_empty() { "" } else { " " };
            pairs.push(Pair {
                display: command.verb.into(),
                replacement: format!("{}{blank}", command.verb),
            });
        }
    }
    if "help".starts_with(prefix) {
        pairs.push(Pair {
            display: "help".into(),
            replacement: "help ".into(),
        });
    }
    pairs
}

/// What is still to be typed: it is shown, and never becomes a part of the line.
struct Rest(String);

impl Hint for Rest {
    fn display(&self) -> &str {
        &self.0
    }

    fn completion(&self) -> Option<&str> {
        None
    }
}

impl Hinter for Syntax {
    type Hint = Rest;

    fn hint(&self, line: &str, pos: usize, _: &Context<'_>) -> Option<Rest> {
        (pos == line.len()).then(|| rest(line).map(Rest)).flatten()
    }
}

/// The words that follow a line, if its command is known.
fn rest(line: &str) -> Option<String> {
    let command = command_of(line.as_bytes())?;
    let typed = line.split_ascii_whitespace().count() - 1;
    let rest = command.words.get(typed..).unwrap_or_default();
    let blank = if line.ends_with(' ') { "" } else { " " };
    (!rest.is_empty()).then(|| format!("{blank}{}", rest.join(" ")))
}

impl Highlighter for Syntax {
    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        format!("\x1b[2m{hint}\x1b[0m").into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(prefix: &str) -> Vec<String> {
        let pairs = completions(prefix).into_iter();
        pairs.map(|pair| pair.replacement).collect()
    }

    #[test]
    fn verbs_are_completed_in_both_dialects() {
        assert_eq!(completed("S"), ["SET "]);
        assert_eq!(completed("ge"), ["get ", "gets "]);
        assert_eq!(completed("stat"), ["stats "]);
        assert_eq!(completed("QU"), ["QUIT"]);
        assert_eq!(completed("hel"), ["help "]);
        assert!(completed("xyz").is_empty());
    }

    #[test]
    fn the_words_that_are_missing_are_shown() {
        for (line, shown) in [
            ("SET", Some(" <key> <expire_seconds> <value_size>")),
            ("SET ", Some("<key> <expire_seconds> <value_size>")),
            ("SET k", Some(" <expire_seconds> <value_size>")),
            ("SET k 30 ", Some("<value_size>")),
            ("SET k 30 5", None),
            ("SET k 30 5 6", None),
            ("QUIT", None),
            ("nonsense ", None),
            ("", None),
        ] {
            assert_eq!(rest(line).as_deref(), shown, "{line}");
        }
    }
}
