//! `stats conns`: all connections, some at a time.

use std::fmt::Write;

use dynamidb_core::Output;

use crate::server::admin::reply::END;
use crate::server::view::View;

/// How many connections are listed at once.
const CLIENTS: usize = 200;

/// A list in progress.
#[derive(Debug, Default)]
pub(crate) struct Conns {
    /// The number of the last client that was listed.
    last: u64,
}

impl Conns {
    /// Lists the listeners.
    pub(super) fn start(view: &View<'_>, output: &mut dyn Output) -> Self {
        for (number, address) in view.host().settings.addresses.iter().enumerate() {
            // Writing does not fail.
            let _ = write!(output, "STAT listen{number}:addr tcp:{address}\r\n");
            let _ = write!(output, "STAT listen{number}:state conn_listening\r\n");
        }
        let addresses = view.host().settings.addresses.len();
        let files = view.host().settings.options.unix_sockets();
        for (number, file) in (addresses..).zip(files) {
            let _ = write!(
                output,
                "STAT listen{number}:addr unix:{}\r\n",
                file.display()
            );
            let _ = write!(output, "STAT listen{number}:state conn_listening\r\n");
        }
        Self::default()
    }

    /// Lists some more connections; `false` if there are no more.
    pub(super) fn resume(&mut self, view: &View<'_>, output: &mut dyn Output) -> bool {
        let host = view.host();
        let clients = host.clients.after(self.last, CLIENTS);
        for client in &clients {
            self.last = client.number;
            let listeners = &host.settings.addresses;
            let _ = client.write_stats(host.clock.now(), listeners, output);
        }
        if clients.is_empty() {
            output.extend_from_slice(END.as_bytes());
        }
        !clients.is_empty()
    }
}
