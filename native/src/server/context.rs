//! What all workers of a server share.

use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;

use dynamidb_core::SessionConfig;

use crate::server::auth::Users;
use crate::server::auth::sasl::Accounts;
use crate::server::listen::ListenerOptions;
use crate::server::options::Options;
use crate::server::state::ServerState;
use crate::server::state::limits::Limits;
use crate::server::state::settings::Settings;
use crate::server::state_file::StateFile;
use crate::server::stop::Stop;
use crate::server::tls::Tls;
use dynamidb_sync::Shards;

/// Shared by the acceptor, the workers and the upkeep.
#[derive(Debug)]
pub(crate) struct ServerContext {
    pub(crate) shards: Shards,
    pub(crate) server: ServerState,
    pub(crate) stop: Arc<Stop>,
    pub(crate) session: SessionConfig,
    /// The users, if clients of the text protocol have to sign in.
    pub(crate) users: Option<Arc<Users>>,
    /// Who may sign in by SASL, if clients of the binary protocol have to.
    pub(crate) accounts: Option<Arc<Accounts>>,
    /// What keeps the items while the server does not run.
    pub(crate) state_file: Option<Arc<StateFile>>,
}

impl ServerContext {
    /// The context of a server with these shards, users, accounts and listening addresses.
    pub(crate) fn new(
        options: &Options,
        shards: Shards,
        users: Option<Arc<Users>>,
        accounts: Option<Arc<Accounts>>,
        addresses: Vec<SocketAddr>,
        max_connections: usize,
    ) -> Self {
        let settings = Settings {
            options: options.clone(),
            port: addresses.first().map_or(options.port, SocketAddr::port),
            addresses,
        };
        let limits = Limits::new(options, max_connections);
        let server = ServerState::new(settings, limits);
        Self {
            shards,
            stop: Arc::clone(&server.stop),
            server,
            session: session_config(options, accounts.is_some()),
            users,
            accounts,
            state_file: None,
        }
    }
}

fn session_config(options: &Options, sasl: bool) -> SessionConfig {
    let mut session = SessionConfig::default();
    session.dialect = options.dialect;
    session.protocol = options.protocol();
    session.sasl = sasl;
    session.item_size_max = options.config().item_size_max;
    session.output_max = options.output_max;
    // Leaked, so that sessions are cheap to copy: a process has one or two servers.
    session.version = options.memcached_version.clone().leak();
    session.flush_enabled = !options.memcached.disable_flush_all;
    session.cas_enabled = !options.memcached.disable_cas;
    session
}

/// Permission for one of the connections that `--max-connections` allows, while it is held.
#[derive(Debug)]
pub(crate) struct ConnectionPermit {
    context: Arc<ServerContext>,
    /// Those of the listener that accepted the connection.
    pub(crate) listener: ListenerOptions,
    /// The start of its TLS, for the connection to take.
    pub(crate) tls: Option<Box<Tls>>,
}

impl ConnectionPermit {
    /// `None` if the limit is reached.
    pub(crate) fn acquire(context: &Arc<ServerContext>, listener: ListenerOptions) -> Option<Self> {
        context.server.admit().then(|| Self {
            context: Arc::clone(context),
            listener,
            tls: None,
        })
    }
}

impl Deref for ConnectionPermit {
    type Target = Arc<ServerContext>;

    fn deref(&self) -> &Self::Target {
        &self.context
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        self.context.server.dismiss();
    }
}
