//! What all connections of a server and its upkeep share.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use dynamidb_core::SessionConfig;

use crate::server::auth::Users;
use crate::server::state::ServerState;
use crate::server::stop::Stop;
use crate::shards::Shards;

/// What all connections and the upkeep share.
#[derive(Debug)]
pub(crate) struct ServerContext {
    pub(crate) shards: Shards,
    pub(crate) server: ServerState,
    pub(crate) stop: Arc<Stop>,
    pub(crate) session: SessionConfig,
    pub(crate) stall_timeout: Option<Duration>,
    pub(crate) idle_timeout: Option<Duration>,
    /// Who may sign in, if clients have to.
    pub(crate) users: Option<Arc<Users>>,
}

/// One of the connections that `--max-connections` allows, for as long as it is held.
#[derive(Debug)]
pub(crate) struct ConnectionPermit {
    context: Arc<ServerContext>,
}

impl ConnectionPermit {
    /// `None` if there are as many as there may be.
    pub(crate) fn acquire(context: &Arc<ServerContext>) -> Option<Self> {
        context.server.admit().then(|| Self {
            context: Arc::clone(context),
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
