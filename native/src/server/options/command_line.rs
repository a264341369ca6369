//! The options of this process.

use crate::server::log::log_and_flush;
use crate::server::options::arguments::one_line;
use crate::server::options::{Options, environment};

impl Options {
    /// Reads the process's command line and environment. Prints and exits for `--help` and
    /// `--version`, and with one line and status 2 on an error. Warns of variables that are
    /// ignored.
    #[must_use]
    pub fn from_command_line() -> Self {
        let words: Vec<_> = std::env::args_os().collect();
        match environment::parse(&words, std::env::vars_os()) {
            Ok((options, warnings)) => {
                for warning in warnings {
                    log_and_flush(&format!("warning: {warning}"));
                }
                options
            }
            Err(error) if error.use_stderr() => {
                log_and_flush(&one_line(&error));
                std::process::exit(2)
            }
            Err(error) => error.exit(),
        }
    }
}
