//! How a line of the log is written: for people, or as a JSON object.

use std::fmt::{self, Debug, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// How the log is written.
///
/// # Examples
/// ```
/// let mut options = dynamidb::Options::default();
/// options.log_format = dynamidb::LogFormat::Json;
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum LogFormat {
    /// Time, level and message, for people.
    #[default]
    Text,
    /// A JSON object in each line: `time`, `level`, `message` and further fields.
    Json,
}

impl LogFormat {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }

    /// A line that is written before the log of the process is set up. Without time, unless it is
    /// an object.
    pub(crate) fn early_line(self, level: &str, message: &str) -> String {
        let mut line = String::new();
        // Writing to a string does not fail.
        let _ = match self {
            Self::Text => write!(line, "{level}: {message}"),
            Self::Json => begin(&mut Writer::new(&mut line), level)
                .and_then(|()| field(&mut Writer::new(&mut line), "message", message))
                .and_then(|()| line.write_char('}')),
        };
        line
    }
}

/// Writes events as JSON objects.
#[derive(Debug)]
pub(super) struct JsonLines;

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        begin(&mut writer, event.metadata().level().as_str())?;
        let mut fields = Fields {
            writer: &mut writer,
            outcome: Ok(()),
        };
        event.record(&mut fields);
        fields.outcome?;
        writer.write_str("}\n")
    }
}

/// The fields that every line has.
fn begin(writer: &mut Writer<'_>, level: &str) -> fmt::Result {
    writer.write_str("{\"time\":\"")?;
    tracing_subscriber::fmt::time().format_time(writer)?;
    write!(writer, "\",\"level\":\"{}\"", level.to_ascii_lowercase())
}

struct Fields<'f, 'w> {
    writer: &'f mut Writer<'w>,
    outcome: fmt::Result,
}

impl Visit for Fields<'_, '_> {
    fn record_debug(&mut self, name: &Field, value: &dyn Debug) {
        self.record_str(name, &format!("{value:?}"));
    }

    fn record_str(&mut self, name: &Field, value: &str) {
        if self.outcome.is_ok() {
            self.outcome = field(self.writer, name.name(), value);
        }
    }
}

/// A field whose value is a string.
fn field(writer: &mut Writer<'_>, name: &str, value: &str) -> fmt::Result {
    writer.write_char(',')?;
    string(writer, name)?;
    writer.write_char(':')?;
    string(writer, value)
}

fn string(writer: &mut Writer<'_>, text: &str) -> fmt::Result {
    writer.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                writer.write_char('\\')?;
                writer.write_char(c)?;
            }
            '\n' => writer.write_str("\\n")?,
            c if c.is_control() => write!(writer, "\\u{:04x}", u32::from(c))?,
            c => writer.write_char(c)?,
        }
    }
    writer.write_char('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_json_line_escapes_what_json_reserves() {
        let line = LogFormat::Json.early_line("error", "a \"b\" \\ c\nd\u{1b}é");
        let (_, rest) = line.split_once("Z\",").unwrap();
        assert!(line.starts_with("{\"time\":\"20"), "{line}");
        assert_eq!(
            rest,
            r#""level":"error","message":"a \"b\" \\ c\nd\u001bé"}"#
        );
    }

    #[test]
    fn an_early_line_of_text_begins_with_its_level() {
        assert_eq!(LogFormat::Text.early_line("warning", "x"), "warning: x");
    }
}
