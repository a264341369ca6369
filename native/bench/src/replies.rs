//! Finds the ends of replies in a stream of bytes, without keeping values.

use crate::peer::Dialect;

/// What has been heard on one connection.
pub struct Replies {
    dialect: Dialect,
    /// The beginning of a line whose end is not there yet.
    line: Vec<u8>,
    /// Bytes of a value and its end that are to come.
    value: usize,
    /// Redis: elements of an array that are to come.
    elements: usize,
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
            hits: 0,
            error: None,
        }
    }

    /// Takes the next bytes; returns how many replies end in them.
    pub fn take(&mut self, mut bytes: &[u8]) -> usize {
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

    /// Looks at a whole line; returns the number of replies that it ends.
    fn line(&mut self, line: &[u8]) -> usize {
        match self.dialect {
            Dialect::Memcached => self.memcached(line),
            Dialect::Redis => self.redis(line),
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
    fn redis_replies_are_counted() {
        let values = b"$5\r\n+OK\r\n\r\n$-1\r\n+OK\r\n*3\r\n$1\r\nx\r\n$-1\r\n$0\r\n\r\n+OK\r\n";
        heard(Dialect::Redis, values, 5, 3, false);
        heard(Dialect::Redis, b"-ERR no\r\n", 1, 0, true);
    }
}
