//! `save`: has a server save its items to the file of its `--state`, and waits until that is done.

use std::io::{self, Write};
use std::thread;
use std::time::Duration;

use clap::Args;

use super::address::Address;
use super::connection::{Connection, TIMEOUT};
use super::server_args::ServerArgs;

/// How often it looks whether the server is done.
const PERIOD: Duration = Duration::from_millis(50);

#[derive(Args, Debug)]
pub(super) struct Save {
    /// The same as --address
    #[arg(value_name = "ADDRESS", conflicts_with = "address")]
    at: Option<Address>,

    #[command(flatten)]
    server: ServerArgs,
}

impl Save {
    /// Prints that the items are saved.
    ///
    /// # Errors
    /// A line that says what is wrong.
    pub(super) fn run(&self) -> Result<(), String> {
        let server = self.server.server(self.at.as_ref())?;
        let address = server.address();
        let mut connection = server.connect(TIMEOUT)?;
        let before = State::of(&mut connection)?;
        connection.send(b"save\r\n")?;
        match &*connection.text()? {
            "OK" => {}
            "ERROR" => return Err(format!("{address} does not know how to save")),
            refusal => return Err(connection.unexpected(refusal.as_bytes())),
        }
        loop {
            let state = State::of(&mut connection)?;
            if state.is_saving {
                thread::sleep(PERIOD);
                continue;
            }
            if state.failures > before.failures {
                return Err(format!(
                    "{address} could not save its items; its log says why"
                ));
            }
            let _ = writeln!(io::stdout(), "{address}: saved");
            return Ok(());
        }
    }
}

/// What `stats` says of saves.
#[derive(Default)]
struct State {
    is_saving: bool,
    failures: u64,
}

impl State {
    fn of(connection: &mut Connection<'_>) -> Result<Self, String> {
        let mut state = Self::default();
        connection.stats(|name, value| match name {
            "state_saving" => state.is_saving = value == "1",
            "state_save_failures" => state.failures = value.parse().unwrap_or_default(),
            _ => {}
        })?;
        Ok(state)
    }
}
