//! The options that say which server a command talks to, and how it signs in there.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::address::Address;
use super::connection::Connection;
use super::password;
#[cfg(feature = "tls")]
use super::tls::{self, TlsArgs};

const HEADING: &str = "Server";

/// How to reach a server, also a memcached.
#[derive(Args, Debug)]
pub(super) struct ServerArgs {
    /// HOST, HOST:PORT or unix:PATH
    #[arg(long, default_value = "127.0.0.1", help_heading = HEADING)]
    address: Address,

    /// Sign in as this user
    #[arg(long, value_name = "NAME", help_heading = HEADING)]
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    user: Option<String>,

    /// The file whose first line is the password; without it DYNAMIDB_PASSWORD, or the terminal
    #[arg(long, value_name = "FILE", requires = "user", help_heading = HEADING)]
    password_file: Option<PathBuf>,

    #[cfg(feature = "tls")]
    #[command(flatten, next_help_heading = HEADING)]
    tls: TlsArgs,
}

/// A server that can be connected to, more than once: what has to be read or asked for is known.
pub(super) struct Server {
    address: Address,
    /// The name of the user and the password.
    user: Option<(String, Vec<u8>)>,
    #[cfg(feature = "tls")]
    tls: Option<tls::Client>,
}

impl ServerArgs {
    /// Reads the files, and asks for the password if it is nowhere. An address that is given
    /// otherwise counts.
    ///
    /// # Errors
    /// A line that says what is wrong.
    pub(super) fn server(&self, address: Option<&Address>) -> Result<Server, String> {
        let address = address.unwrap_or(&self.address).clone();
        #[cfg(feature = "tls")]
        let tls = self.tls.client(&address)?;
        let user = match &self.user {
            None => None,
            Some(name) => {
                let password = password::read(name, self.password_file.as_deref())?;
                Some((name.clone(), password))
            }
        };
        Ok(Server {
            address,
            user,
            #[cfg(feature = "tls")]
            tls,
        })
    }
}

impl Server {
    pub(super) const fn address(&self) -> &Address {
        &self.address
    }

    /// Connects and signs in. No step of the server may take longer than the timeout.
    ///
    /// # Errors
    /// A line that says what is wrong.
    pub(super) fn connect(&self, timeout: Duration) -> Result<Connection<'_>, String> {
        let mut connection = Connection::open(&self.address, timeout)?;
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            connection = connection.encrypt(tls)?;
        }
        if let Some((name, password)) = &self.user {
            connection.sign_in(name, password)?;
        }
        Ok(connection)
    }
}
