//! `stats conns`: every connection, some at a time.

use std::io::Write;

use super::{Answer, END, Task};
use crate::shards::View;

/// Connections that are told about at once.
const CLIENTS: usize = 200;

/// A list that is being sent.
#[derive(Debug, Default)]
pub(crate) struct Conns {
    /// The number of the last connection in it.
    last: u64,
}

impl Conns {
    pub(super) fn begin(view: &View<'_>, output: &mut Vec<u8>) -> Answer {
        for (number, address) in view.host().settings.addresses.iter().enumerate() {
            // Writing to a `Vec` does not fail.
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
        Answer::Begun("", Task::Conns(Self::default()))
    }

    /// Tells about some more connections; `false` if that was all.
    pub(super) fn resume(&mut self, view: &View<'_>, output: &mut Vec<u8>) -> bool {
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
