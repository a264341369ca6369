//! Where the time of a request goes.

/// A request that is measured: where its time goes, in microseconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Measured {
    /// When it could be read.
    pub(crate) since: u64,
    /// What it is called; `None` if it is about no key.
    pub(crate) verb: Option<&'static str>,
    /// Its key, if it may be told.
    pub(crate) key: Option<Box<[u8]>>,
    /// How long others had their turn first.
    pub(crate) queued: u64,
    /// How long it waited for the lock of its shard.
    pub(crate) locked: u64,
    /// How long it was executed, with all that the client sent together.
    pub(crate) executed: u64,
    /// Bytes that the client sent together, and bytes of the replies.
    pub(crate) input: usize,
    pub(crate) output: usize,
}
