//! `flush`: deletes everything under keys that begin with a prefix.

use std::io::{self, Write};

use clap::Args;

use super::connection::TIMEOUT;
use super::key::KEY_MAX;
use super::server_args::ServerArgs;

#[derive(Args, Debug)]
pub(super) struct Flush {
    /// What the keys begin with
    #[arg(value_parser = prefix)]
    prefix: String,

    #[command(flatten)]
    server: ServerArgs,
}

impl Flush {
    /// Prints that the server has done it.
    ///
    /// # Errors
    /// A line that says what is wrong.
    pub(super) fn run(&self) -> Result<(), String> {
        let target = self.server.server(None)?;
        let mut server = target.connect(TIMEOUT)?;
        server.send(format!("flush_prefix {}\r\n", self.prefix).as_bytes())?;
        match &*server.text()? {
            "OK" => {
                let _ = writeln!(io::stdout(), "{}: OK", target.address());
                Ok(())
            }
            refusal => Err(server.unexpected(refusal.as_bytes())),
        }
    }
}

/// A line break in it would be a command more.
fn prefix(text: &str) -> Result<String, String> {
    let is_part_of_key = |byte: u8| byte > b' ' && byte != 0x7f;
    if !(1..=KEY_MAX).contains(&text.len()) || !text.bytes().all(is_part_of_key) {
        let why = "expected 1 to 250 bytes without blanks and control characters";
        return Err(why.into());
    }
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_what_a_key_may_begin_with() {
        let longest = "x".repeat(KEY_MAX);
        for right in ["a", "tenant:", "straße", &longest] {
            assert_eq!(prefix(right).as_deref(), Ok(right));
        }
        for wrong in ["", "a b", "a\r\nflush_all", "\x7f", &format!("{longest}x")] {
            assert!(prefix(wrong).is_err(), "{wrong:?}");
        }
    }
}
