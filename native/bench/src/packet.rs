//! Packets of memcached's binary protocol: a header of 24 bytes, and a body of extras, key and
//! value.

/// How long a header is.
pub const HEADER_LEN: usize = 24;

/// The opcodes that are used here.
pub const GET: u8 = 0x00;
pub const SET: u8 = 0x01;
/// Ends a batch of quiet requests.
pub const NOOP: u8 = 0x0a;
/// The key is sent back, and a miss is not answered.
pub const GETKQ: u8 = 0x0d;

const OK: u16 = 0;
const NOT_FOUND: u16 = 1;

/// Appends a request.
pub fn push(out: &mut Vec<u8>, opcode: u8, extras: &[u8], key: &[u8], value: &[u8]) {
    let body_len = extras.len() + key.len() + value.len();
    let key_len = u16::try_from(key.len()).expect("a short key");
    let mut header = [0; HEADER_LEN];
    (header[0], header[1]) = (0x80, opcode);
    header[2..4].copy_from_slice(&key_len.to_be_bytes());
    header[4] = u8::try_from(extras.len()).expect("short extras");
    let body_len = u32::try_from(body_len).expect("a body below 4 GiB");
    header[8..12].copy_from_slice(&body_len.to_be_bytes());
    out.extend_from_slice(&header);
    for part in [extras, key, value] {
        out.extend_from_slice(part);
    }
}

/// What the header of a reply says.
pub struct Reply {
    pub opcode: u8,
    pub body_len: usize,
    status: u16,
}

impl Reply {
    pub const fn read(header: &[u8; HEADER_LEN]) -> Self {
        let [_, opcode, _, _, _, _, s0, s1, b0, b1, b2, b3, ..] = *header;
        Self {
            opcode,
            status: u16::from_be_bytes([s0, s1]),
            body_len: u32::from_be_bytes([b0, b1, b2, b3]) as usize,
        }
    }

    pub const fn is_hit(&self) -> bool {
        matches!(self.opcode, GET | GETKQ) && self.status == OK
    }

    /// Whether nothing more comes for its request, which may be a batch.
    pub const fn is_last(&self) -> bool {
        self.opcode != GETKQ
    }

    /// What is wrong; a miss is not.
    pub fn error(&self) -> Option<String> {
        let fine = matches!(self.status, OK | NOT_FOUND);
        (!fine).then(|| format!("status {:#04x} to opcode {:#04x}", self.status, self.opcode))
    }
}
