//! `ping`: whether a server serves.

use std::io::{self, Write};
use std::time::Duration;

use clap::Args;

use super::address::Address;
use super::connection::Connection;

#[derive(Args, Debug)]
pub(super) struct Ping {
    /// HOST, HOST:PORT or unix:PATH
    #[arg(default_value = "127.0.0.1")]
    address: Address,

    /// How many milliseconds to wait for each step
    #[arg(long, default_value_t = 1000, value_name = "MILLISECONDS")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
}

impl Ping {
    /// Prints what the server answers.
    ///
    /// # Errors
    /// A line that says what is wrong.
    pub(super) fn run(&self) -> Result<(), String> {
        let address = &self.address;
        let mut server = Connection::open(address, Duration::from_millis(self.timeout))?;
        // Every server of the protocol answers that.
        server.send(b"version\r\n")?;
        let said = server.text()?;
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
