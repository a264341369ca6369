//! The DynamiDB server, for programs that hold one and for the binary of the same name.
//!
//! The cache and the protocol are in `dynamidb-core`; here they meet sockets, threads and a clock.
//!
//! [`SharedCache`] is the server's keyspace for the threads of a program, without the server. It is
//! all there is with `default-features = false`, and then needs no runtime.
//!
//! # Examples
//! A server on a free port, for as long as a test needs it:
//! ```
//! use std::io::{BufRead, BufReader, Write};
//! use std::net::TcpStream;
//!
//! use dynamidb::{Options, Server};
//!
//! let mut options = Options::default();
//! options.port = 0;
//! let server = Server::bind(&options)?;
//! let (address, stop) = (server.local_addrs()[0], server.stop_handle());
//! let running = std::thread::spawn(|| server.run());
//!
//! let mut client = TcpStream::connect(address)?;
//! client.write_all(b"nonsense\r\n")?;
//! let mut reply = String::new();
//! BufReader::new(client).read_line(&mut reply)?;
//! assert_eq!(reply, "ERROR\r\n");
//!
//! stop.stop();
//! running.join().expect("it does not panic")?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

#[cfg(feature = "server")]
mod admin;
#[cfg(feature = "server")]
mod auth;
#[cfg(feature = "server")]
mod buffers;
#[cfg(feature = "server")]
mod clock;
#[cfg(feature = "server")]
mod connection;
#[cfg(feature = "server")]
mod connections;
#[cfg(feature = "server")]
mod context;
#[cfg(feature = "server")]
mod error;
#[cfg(feature = "server")]
mod foreign;
#[cfg(feature = "server")]
mod host;
#[cfg(feature = "server")]
mod incident;
#[cfg(feature = "server")]
mod limits;
#[cfg(feature = "server")]
mod linger;
#[cfg(feature = "server")]
mod listen;
#[cfg(feature = "server")]
mod log;
#[cfg(feature = "server")]
mod options;
#[cfg(feature = "server")]
mod prefixes;
#[cfg(feature = "server")]
mod process;
#[cfg(feature = "server")]
mod ready;
mod region;
#[cfg(feature = "server")]
mod runtime;
mod seed;
#[cfg(feature = "server")]
mod server;
mod shards;
mod shared;
#[cfg(feature = "server")]
mod socket_file;
#[cfg(feature = "server")]
mod stop;
#[cfg(feature = "server")]
mod upkeep;
#[cfg(feature = "server")]
mod watch;
#[cfg(feature = "server")]
mod worker;

#[cfg(feature = "server")]
pub use error::Error;
#[cfg(feature = "server")]
pub use log::Log;
#[cfg(feature = "server")]
pub use options::{Listen, MemcachedOptions, Options};
#[cfg(feature = "server")]
pub use runtime::RuntimeName;
#[cfg(feature = "server")]
pub use server::{Server, StopHandle};
pub use shared::SharedCache;
