//! `ping`: whether a server serves.

use std::io::{self, Write};
use std::time::Duration;

use clap::Args;

use super::address::Address;
use super::server_args::ServerArgs;

#[derive(Args, Debug)]
pub(super) struct Ping {
    /// The same as --address
    #[arg(value_name = "ADDRESS", conflicts_with = "address")]
    at: Option<Address>,

    /// How many milliseconds to wait for each step
    #[arg(long, default_value_t = 1000, value_name = "MILLISECONDS")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,

    #[command(flatten)]
    server: ServerArgs,
}

impl Ping {
    /// Prints what the server answers.
    ///
    /// # Errors
    /// A line that says what is wrong.
    pub(super) fn run(&self) -> Result<(), String> {
        let server = self.server.server(self.at.as_ref())?;
        let address = server.address();
        let mut connection = server.connect(Duration::from_millis(self.timeout))?;
        let said = connection.version()?;
        // A server with users refuses, and serves.
        let is_answer = said.starts_with("VERSION ") || said.starts_with("CLIENT_ERROR ");
        if !is_answer {
            return Err(format!("{address} is no cache: it says {said:?}"));
        }
        // The reader may be gone.
        let _ = writeln!(io::stdout(), "{address}: {said}");
        Ok(())
    }
}
