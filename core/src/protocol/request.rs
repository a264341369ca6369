//! A client's requests, with everything checked that can be checked without the cache.

use super::binary::{BinaryControl, BinaryRequest};
use super::meta::MetaRequest;
use super::reply::Form;
use super::{AdminCommand, Keyspace};
use crate::{Expiry, Key, SetMode, Value};

/// A request. Borrows from the input.
#[derive(Clone, Copy, Debug)]
pub(super) enum Request<'i> {
    /// One key of a retrieval; the last one also ends the reply.
    Get {
        key: &'i [u8],
        retrieval: Retrieval,
        last: bool,
    },
    Store {
        mode: SetMode,
        /// The `<unique>` of `cas`, whose mode is `Set`.
        compare: Option<u64>,
        key: &'i [u8],
        value: Value<'i>,
        noreply: bool,
    },
    /// A store whose value is refused because of its size, and skipped.
    TooLarge {
        mode: SetMode,
        compare: Option<u64>,
        key: &'i [u8],
    },
    Delete {
        key: &'i [u8],
        noreply: bool,
    },
    Arithmetic {
        key: &'i [u8],
        sign: Sign,
        delta: u64,
        noreply: bool,
    },
    Touch {
        key: &'i [u8],
        expiry: Expiry,
        noreply: bool,
    },
    /// Now, unless `at` is a moment to come.
    FlushAll {
        at: Option<Expiry>,
        noreply: bool,
    },
    /// What is stored under keys with this prefix.
    #[cfg(feature = "flush-prefix")]
    FlushPrefix {
        prefix: &'i [u8],
        noreply: bool,
    },
    #[cfg_attr(not(feature = "meta"), expect(dead_code, reason = "there is none"))]
    Meta(MetaRequest<'i>),
    /// In a packet.
    #[cfg_attr(not(feature = "binary"), expect(dead_code, reason = "there is none"))]
    Binary(BinaryRequest<'i>),
    /// In a packet; what it leads to decides what follows.
    #[cfg_attr(not(feature = "binary"), expect(dead_code, reason = "there is none"))]
    BinaryControl(BinaryControl<'i>),
    Stats,
    ResetStats,
    Version,
    /// What DynamiDB's commands are: verbs and lines.
    Help(&'static [(&'static [u8], &'static [u8])]),
    /// Something for the host to answer.
    AdminCommand(AdminCommand<'i>),
    /// An answer that the line alone decides, perhaps an empty one.
    Reply(&'static [u8]),
}

impl<'i> Request<'i> {
    /// Its key as it was written, with the hash of the decoded one; empty if it has none.
    #[inline]
    pub(super) fn key(&self, keyspace: &impl Keyspace) -> Key<'i> {
        match (self.key_bytes(), self) {
            ([], _) => Key::from(&[]),
            (_, Self::Meta(meta)) if meta.is_base64() => decoded(keyspace, meta),
            (bytes, _) => keyspace.key(bytes),
        }
    }

    /// The key as it was written; empty if there is none.
    const fn key_bytes(&self) -> &'i [u8] {
        match *self {
            Self::Get { key, .. }
            | Self::Store { key, .. }
            | Self::TooLarge { key, .. }
            | Self::Delete { key, .. }
            | Self::Arithmetic { key, .. }
            | Self::Touch { key, .. } => key,
            Self::Meta(meta) => meta.key(),
            Self::Binary(request) => request.key(),
            #[cfg(feature = "flush-prefix")]
            Self::FlushPrefix { .. } => &[],
            Self::FlushAll { .. }
            | Self::Stats
            | Self::ResetStats
            | Self::Version
            | Self::Help(_)
            | Self::AdminCommand(_)
            | Self::BinaryControl(_)
            | Self::Reply(_) => &[],
        }
    }

    /// Whether its reply tells of the whole cache or of the protocol, and it does nothing else.
    pub(super) const fn is_report(&self) -> bool {
        match self {
            Self::Stats | Self::Help(_) | Self::Version => true,
            Self::Binary(request) => request.is_report(),
            Self::BinaryControl(control) => control.is_report(),
            _ => false,
        }
    }

    /// Whether it would change an item, or what is counted.
    pub(super) fn writes(&self) -> bool {
        match self {
            Self::Get { retrieval, .. } => retrieval.touch.is_some(),
            Self::Store { .. }
            | Self::TooLarge { .. }
            | Self::Delete { .. }
            | Self::Arithmetic { .. }
            | Self::Touch { .. }
            | Self::FlushAll { .. }
            | Self::ResetStats => true,
            #[cfg(feature = "flush-prefix")]
            Self::FlushPrefix { .. } => true,
            Self::Meta(meta) => meta.writes(),
            Self::Binary(request) => request.writes(),
            Self::Stats
            | Self::Version
            | Self::Help(_)
            | Self::AdminCommand(_)
            | Self::BinaryControl(_)
            | Self::Reply(_) => false,
        }
    }

    /// What a request is called; `None` if it is about no key.
    pub(super) const fn verb(&self) -> Option<&'static str> {
        Some(match self {
            Self::Get { retrieval, .. } => match retrieval {
                Retrieval { touch: Some(_), .. } => "gat",
                Retrieval {
                    form: Form::FlagsAndCas,
                    ..
                } => "gets",
                _ => "get",
            },
            Self::Store { mode, compare, .. } | Self::TooLarge { mode, compare, .. } => {
                match mode {
                    SetMode::Set if compare.is_some() => "cas",
                    SetMode::Set => "set",
                    SetMode::Add => "add",
                    SetMode::Replace => "replace",
                    SetMode::Append => "append",
                    SetMode::Prepend => "prepend",
                }
            }
            Self::Delete { .. } => "delete",
            Self::Arithmetic { sign, .. } => match sign {
                Sign::Plus => "incr",
                Sign::Minus => "decr",
            },
            Self::Touch { .. } => "touch",
            Self::Meta(meta) => meta.verb(),
            Self::Binary(request) => return request.verb(),
            _ => return None,
        })
    }
}

#[cold]
fn decoded<'i>(keyspace: &impl Keyspace, meta: &MetaRequest<'i>) -> Key<'i> {
    let mut buffer = [0; Key::LEN_MAX];
    let key = keyspace.key(meta.key_bytes(&mut buffer));
    key.written(meta.key())
}

/// What is common to all keys of one retrieval.
#[derive(Clone, Copy, Debug)]
pub(super) struct Retrieval {
    pub(super) form: Form,
    /// The new expiry, of `gat` and `gats`.
    pub(super) touch: Option<Expiry>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Sign {
    Plus,
    Minus,
}
