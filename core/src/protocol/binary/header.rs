//! The header in front of every packet.

/// How long it is.
pub(super) const LEN: usize = 24;
/// The first byte of every reply.
pub(super) const RESPONSE: u8 = 0x81;

/// A request's header. Data type and virtual bucket are not looked at.
pub(super) struct Header {
    pub(super) magic: u8,
    pub(super) opcode: u8,
    pub(super) key_len: usize,
    pub(super) extras_len: usize,
    pub(super) body_len: u32,
    pub(super) opaque: [u8; 4],
    pub(super) cas: u64,
}

/// What a reply repeats of its request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Echo {
    pub(super) opcode: u8,
    pub(super) opaque: [u8; 4],
}

/// What a request came to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u16)]
pub(super) enum Status {
    Ok = 0x00,
    NotFound = 0x01,
    Exists = 0x02,
    TooLarge = 0x03,
    InvalidArguments = 0x04,
    NotStored = 0x05,
    NotANumber = 0x06,
    AuthFailure = 0x20,
    AuthContinue = 0x21,
    UnknownCommand = 0x81,
    OutOfMemory = 0x82,
}

impl Status {
    /// The body of a reply that says so.
    pub(super) const fn text(self) -> &'static [u8] {
        match self {
            Self::Ok | Self::AuthContinue => b"",
            Self::NotFound => b"Not found",
            Self::Exists => b"Data exists for key.",
            Self::TooLarge => b"Too large.",
            Self::InvalidArguments => b"Invalid arguments",
            Self::NotStored => b"Not stored.",
            Self::NotANumber => b"Non-numeric server-side value for incr or decr",
            Self::AuthFailure => b"Auth failure.",
            Self::UnknownCommand => b"Unknown command",
            Self::OutOfMemory => b"Out of memory",
        }
    }
}

impl Status {
    /// What this number is called in a view of packets.
    pub(super) const fn name(number: u64) -> &'static str {
        match number {
            0x00 => "ok",
            0x01 => "not found",
            0x02 => "exists",
            0x03 => "too large",
            0x04 => "invalid arguments",
            0x05 => "not stored",
            0x06 => "not a number",
            0x20 => "authentication failed",
            0x21 => "authentication continues",
            0x81 => "unknown command",
            0x82 => "out of memory",
            _ => "unknown",
        }
    }
}

impl Header {
    /// `None` if it is not complete.
    pub(super) fn read(input: &[u8]) -> Option<Self> {
        let &[magic, opcode, key, key2, extras, _, _, _, ref rest @ ..] =
            input.first_chunk::<LEN>()?;
        let (body_len, rest) = rest.split_first_chunk()?;
        let (opaque, rest) = rest.split_first_chunk()?;
        let cas = rest.first_chunk()?;
        Some(Self {
            magic,
            opcode,
            key_len: u16::from_be_bytes([key, key2]).into(),
            extras_len: extras.into(),
            body_len: u32::from_be_bytes(*body_len),
            opaque: *opaque,
            cas: u64::from_be_bytes(*cas),
        })
    }

    /// How long extras and key are together.
    pub(super) const fn front_len(&self) -> usize {
        self.extras_len + self.key_len
    }

    pub(super) const fn echo(&self) -> Echo {
        let (opcode, opaque) = (self.opcode, self.opaque);
        Echo { opcode, opaque }
    }
}

/// The lengths of a reply's parts; extras are the client's flags or nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lengths {
    pub(super) extras: u8,
    pub(super) key: usize,
    pub(super) value: usize,
}

impl Echo {
    /// The header of a reply, in words of eight bytes. Keys have at most 250 bytes and values
    /// 16 MiB, so that no length is cut off.
    #[inline]
    pub(super) const fn reply(self, status: Status, lengths: Lengths, cas: u64) -> [[u8; 8]; 3] {
        let Lengths { extras, key, value } = lengths;
        let body = extras as u64 + key as u64 + value as u64;
        let kind = (RESPONSE as u64) << 56 | (self.opcode as u64) << 48 | (key as u64) << 32;
        let kind = kind | (extras as u64) << 24 | status as u64;
        let sizes = body << 32 | u32::from_be_bytes(self.opaque) as u64;
        [kind.to_be_bytes(), sizes.to_be_bytes(), cas.to_be_bytes()]
    }
}
