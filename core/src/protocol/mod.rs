//! How clients speak: the DynamiDB dialect and memcached's text protocol, as bytes in, bytes out.

mod keyspace;
mod session;

pub use keyspace::Keyspace;
pub use session::{Dialect, Session, SessionConfig};
