//! The DynamiDB server, for programs that hold one and for the binary of the same name.
//!
//! The cache and the protocol are in `dynamidb-core`; here they meet sockets, threads and a clock.
//!
//! Programs that want the cache without a server use `dynamidb-sync`.
//!
//! # Examples
//! A server on a free port, for as long as a test needs it:
//! ```
//! use std::io::{BufRead, BufReader, Write};
//! use std::net::TcpStream;
//!
//! use dynamidb::{Admin, Options, Server};
//!
//! let mut options = Options::default();
//! options.port = 0;
//! options.admin = Admin::Off;
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

#[cfg(feature = "server")]
mod server;

#[cfg(feature = "server")]
pub use server::{
    Admin, Error, IoUring, Listen, ListenAddress, Log, LogFormat, MemcachedOptions, Options,
    ProcessLog, RuntimeName, Security, Server, ServiceManager, StopHandle,
};
