//! Finds the ends of replies in a stream of bytes, without keeping values.

use crate::packet::{self, HEADER_LEN};
use crate::peer::Dialect;

/// What has been heard on one connection.
pub struct Replies {
    dialect: Dialect,
    /// The beginning of a line, or of a header, whose end is not there yet.
    line: Vec<u8>,
    /// Bytes of a value and its end that are to come.
    value: usize,
    /// Redis: elements of an array that are to come.
    elements: usize,
    /// Packets: whether the end of this value is that of a reply.
    is_last: bool,
    pub hits: u64,
    /// The first line that is neither a hit nor a miss nor "stored".
    pub error: Option<String>,
}

impl Replies {
    pub const fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            line: Vec::new(),
            value: 0,
            elements: 0,
            is_last: false,
            hits: 0,
            error: None,
        }
    }

    /// Takes the next bytes; returns how many replies end in them.
    pub fn take(&mut self, mut bytes: &[u8]) -> usize {
        if self.dialect == Dialect::Packets {
            return self.take_packets(bytes);
        }
        let mut complete = 0;
        while !bytes.is_empty() {
            if self.value > 0 {
                let skipped = self.value.min(bytes.len());
                self.value -= skipped;
                bytes = &bytes[skipped..];
                if self.value == 0 && self.dialect == Dialect::Redis {
                    complete += self.element();
                }
                continue;
            }
            let Some(end) = bytes.iter().position(|&byte| byte == b'\n') else {
                self.line.extend_from_slice(bytes);
                break;
            };
            let (head, rest) = bytes.split_at(end + 1);
            bytes = rest;
            if self.line.is_empty() {
                complete += self.line(head);
            } else {
                let mut line = std::mem::take(&mut self.line);
                line.extend_from_slice(head);
                complete += self.line(&line);
            }
        }
        complete
    }

    fn take_packets(&mut self, mut bytes: &[u8]) -> usize {
        let mut complete = 0;
        while !bytes.is_empty() {
            let wanted = if self.value > 0 {
                self.value
            } else {
                HEADER_LEN - self.line.len()
            };
            let (taken, rest) = bytes.split_at(wanted.min(bytes.len()));
            bytes = rest;
            if self.value > 0 {
                self.value -= taken.len();
            } else {
                self.line.extend_from_slice(taken);
                let Some(header) = self.line.first_chunk() else {
                    break;
                };
                let reply = packet::Reply::read(header);
                self.line.clear();
                self.hits += u64::from(reply.is_hit());
                if self.error.is_none() {
                    self.error = reply.error();
                }
                (self.value, self.is_last) = (reply.body_len, reply.is_last());
            }
            if self.value == 0 && self.is_last {
                complete += 1;
                self.is_last = false;
            }
        }
        complete
    }

    /// Looks at a whole line; returns the number of replies that it ends.
    fn line(&mut self, line: &[u8]) -> usize {
        match self.dialect {
            Dialect::Redis => self.redis(line),
            _ => self.memcached(line),
        }
    }

    fn memcached(&mut self, line: &[u8]) -> usize {
        if line.starts_with(b"VALUE ") {
            self.hits += 1;
            self.value = number(line.rsplit(|&byte| byte == b' ').next()) + 2;
            return 0;
        }
        if !matches!(line, b"END\r\n" | b"STORED\r\n") {
            self.fail(line);
        }
        1
    }

    fn redis(&mut self, line: &[u8]) -> usize {
        match line {
            b"+OK\r\n" => 1,
            b"$-1\r\n" => self.element(),
            [b'$', len @ ..] => {
                self.hits += 1;
                self.value = number(Some(len)) + 2;
                0
            }
            [b'*', count @ ..] => {
                self.elements = number(Some(count));
                0
            }
            _ => {
                self.fail(line);
                1
            }
        }
    }

    /// A value or its absence: a reply, or one of several that make one.
    const fn element(&mut self) -> usize {
        self.elements = self.elements.saturating_sub(1);
        (self.elements == 0) as usize
    }

    fn fail(&mut self, line: &[u8]) {
        if self.error.is_none() {
            self.error = Some(line.escape_ascii().to_string());
        }
    }
}

fn number(digits: Option<&[u8]>) -> usize {
    let digits = std::str::from_utf8(digits.unwrap_or_default()).unwrap_or_default();
    digits.trim().parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Wherever the bytes are cut, the same is heard.
    fn heard(dialect: Dialect, bytes: &[u8], complete: usize, hits: u64, failed: bool) {
        for cut in 0..bytes.len() {
            let mut replies = Replies::new(dialect);
            let found = replies.take(&bytes[..cut]) + replies.take(&bytes[cut..]);
            assert_eq!((found, replies.hits), (complete, hits), "cut at {cut}");
            assert_eq!(replies.error.is_some(), failed);
        }
    }

    #[test]
    fn memcached_replies_are_counted() {
        let values = b"VALUE k 0 5\r\nEND\r\n\r\nVALUE l 0 0\r\n\r\nEND\r\nEND\r\nSTORED\r\n";
        heard(Dialect::Memcached, values, 3, 2, false);
        heard(Dialect::Memcached, b"SERVER_ERROR\r\nEND\r\n", 2, 0, true);
    }

    #[test]
    fn replies_in_packets_are_counted_when_their_bodies_have_come() {
        let packet = |opcode, status, body: &[u8]| {
            let mut bytes = Vec::new();
            packet::push(&mut bytes, opcode, &[], &[], body);
            (bytes[0], bytes[7]) = (0x81, status);
            bytes
        };
        let (get, miss) = (
            packet(packet::GET, 0, b"flagvalue"),
            packet(packet::GET, 1, b"none"),
        );
        let batch = [
            packet(packet::GETKQ, 0, b"\x81\x00"),
            packet(packet::NOOP, 0, b""),
        ]
        .concat();
        let fine = [get, batch, miss, packet(packet::SET, 0, b"")].concat();
        heard(Dialect::Packets, &fine, 4, 2, false);
        heard(
            Dialect::Packets,
            &packet(packet::SET, 0x82, b"Out of memory"),
            1,
            0,
            true,
        );
    }

    #[test]
    fn redis_replies_are_counted() {
        let values = b"$5\r\n+OK\r\n\r\n$-1\r\n+OK\r\n*3\r\n$1\r\nx\r\n$-1\r\n$0\r\n\r\n+OK\r\n";
        heard(Dialect::Redis, values, 5, 3, false);
        heard(Dialect::Redis, b"-ERR no\r\n", 1, 0, true);
    }
}
