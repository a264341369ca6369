//! What the packets up to here mean for the bytes from here.

use super::header::{Echo, Status};

/// How far a client has come with signing in.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::protocol) struct Login {
    pub(super) signed_in: bool,
    /// It was told to go on.
    pub(super) goes_on: bool,
    /// How often it was refused since it was signed in.
    pub(super) refusals: u8,
}

impl Login {
    /// Of a client that has said nothing yet.
    pub(super) const NONE: Self = Self {
        signed_in: false,
        goes_on: false,
        refusals: 0,
    };
}

/// What is passed over unread after a refusal, and then answered.
#[derive(Clone, Copy, Debug)]
pub(in crate::protocol) struct PacketSkip {
    pub(super) login: Login,
    /// So many bytes.
    pub(super) left: u32,
    pub(super) echo: Echo,
    pub(super) status: Status,
}

/// What the host has not finished its answer to.
#[derive(Clone, Copy, Debug)]
pub(in crate::protocol) struct PendingStat {
    pub(super) login: Login,
    pub(super) echo: Echo,
}
