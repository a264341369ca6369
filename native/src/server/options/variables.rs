//! The environment variables that have set options, for error messages.

/// A variable that has set an option.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Variable {
    pub(super) name: String,
    /// The option as it is written on the command line: `--port`.
    pub(super) option: String,
}

/// The message, followed by the variables that have set the options in `options`.
pub(super) fn name_variables(options: &str, message: &str, variables: &[Variable]) -> String {
    let words: Vec<_> = options
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
        .collect();
    let names: Vec<_> = variables
        .iter()
        .filter(|variable| words.contains(&&*variable.option))
        .map(|variable| &*variable.name)
        .collect();
    if names.is_empty() {
        message.into()
    } else {
        format!("{message} (from {})", names.join(", "))
    }
}
