//! What a client says that does not know the protocol, or means no good: every way to get a command
//! wrong. Each stands alone between two fences.

use crate::commands::{Command, EXPTIMES, FLAGS, Speaker};

const BAD_NUMBERS: &[&str] = &[
    "abc",
    "x1",
    "1x",
    "1.5",
    "0x10",
    "-",
    "+",
    "-1",
    "-2147483649",
    "+5",
    "4294967295",
    "4294967296",
    "2147483647",
    "2147483648",
    "99999999999",
    "18446744073709551615",
    "18446744073709551616",
    "000000000000001",
    "00000000000000000000000001",
];
const STORES: &[&str] = &["set", "add", "replace", "append", "prepend", "cas"];
/// Commands of one line with all their words. What they would change is not there, because it
/// depends on the version whether they do.
const LINES: &[&[&str]] = &[
    &["get", "none"],
    &["gets", "nil", "none"],
    &["gat", "0", "none"],
    &["gats", "100", "none", "no"],
    &["incr", "none", "1"],
    &["decr", "none", "1"],
    &["touch", "none", "0"],
    &["delete", "none"],
    &["verbosity", "1"],
];
const MAX: usize = 1 << 20;

impl Speaker {
    /// One mistake, after which both servers are still in step.
    pub(crate) fn mistake(&mut self) -> Command {
        match self.rng.u32(..1200) {
            1000.. => self.odd_meta(),
            0..150 => self.few_words(),
            150..350 => self.bad_number(),
            350..450 => self.bad_store(),
            450..550 => self.long_key(),
            550..600 => self.control_key(),
            600..650 => self.more_words(),
            650..750 => self.bad_block(),
            750..755 => self.too_large(),
            755..800 => self.odd_line(),
            800..850 => self.capitals(),
            _ => self.mutated(),
        }
    }

    /// The last thing that is said: one of the servers, or both, hang up; or they differ from here
    /// on in what they hold.
    pub(crate) fn farewell(&mut self) -> Command {
        let key = self.key();
        let value = b"quit\r\n\r\n".to_vec();
        let exptime = self.one(EXPTIMES);
        let text = match self.rng.u32(..13) {
            11 => "set a 0 0 2\r\n99\r\nma a T100\r\nmg a t\r\n".to_owned(),
            0 => "quit\r\nget a\r\n".to_owned(),
            1 => "quit now noreply\r\nget a\r\n".to_owned(),
            2 => self
                .one(&["GET / HTTP/1.1\r\n", "DELETE HTTP/1.0\r\n", "foo HTTP/1\n"])
                .to_owned(),
            3 => "Host: localhost\r\n".to_owned(),
            4 => self
                .one(&[
                    "set a 0 0\r\n",
                    "cas a 0 0\r\n",
                    "add\r\n",
                    "append a\r\n",
                    "HTTP/1.1\r\n",
                ])
                .to_owned(),
            5 => {
                let size = self.one(&["abc", "-1", "2147483646", "4294967296", "1.5", "+3", "3x"]);
                let noreply = self.one(&["", " noreply"]);
                format!("{} a 0 {exptime} {size}{noreply}\r\n", self.one(STORES))
            }
            6 => format!(
                "set a {} 0 1\r\nx\r\nget a\r\n",
                self.one(&["4294967296", "5000000000"])
            ),
            7 => format!(
                "set a 0 {} 1\r\nx\r\nget a\r\n",
                self.one(&[
                    "2147483648",
                    "4292375296",
                    "4294967295",
                    "4294967296",
                    "9223372036854775807"
                ])
            ),
            8 => self
                .one(&["SET a 0 1\r\nx\r\nget a\r\n", "SET a\r\n"])
                .to_owned(),
            9 => "flush_all\r\nflush_all 1000\r\nget a b key1\r\n".to_owned(),
            10 => format!(
                "{} {}",
                self.one(&["incr", "set", "foo", "mg"]),
                "a".repeat(2100)
            ),
            _ => return self.store_of("set", key, "0", "0 0 0 0", &value),
        };
        text.into_bytes().into()
    }

    fn few_words(&mut self) -> Command {
        if self.once_in(20) {
            return self
                .one(&[
                    "\r\n",
                    "\n",
                    " \r\n",
                    "a\r\n",
                    "ab\n",
                    "cas a 0 0 1\r\nx\r\n",
                ])
                .as_bytes()
                .to_vec()
                .into();
        }
        let words = self.one(LINES);
        let count = self.rng.usize(1..words.len());
        self.line_of(&words[..count])
    }

    fn line_of(&mut self, words: &[&str]) -> Command {
        let words: Vec<_> = words.iter().map(|word| word.as_bytes()).collect();
        self.line(&words, 8).into()
    }

    fn bad_number(&mut self) -> Command {
        let bad = self.one(BAD_NUMBERS);
        let words: &[&str] = match self.rng.u32(..8) {
            0 => &["incr", "none", bad],
            1 => &["decr", "none", bad],
            2 => &["touch", "none", bad],
            3 => &["gat", bad, "none"],
            4 => &["gats", bad, "none"],
            5 => &["verbosity", bad],
            6 => &["flush_all", self.one(&["abc", "1x", "x", "+", "-", "1.5"])],
            _ => &["delete", "none", bad],
        };
        self.line_of(words)
    }

    /// A line that is refused although it says how long its block is.
    fn bad_store(&mut self) -> Command {
        let verb = self.one(STORES);
        let key = self.key();
        let value = b"harmless".to_vec();
        let (flags, exptime) = match self.rng.u32(..3) {
            0 => (
                self.one(&["abc", "-1", "1x", "18446744073709551616", "1.5", "-"]),
                "0",
            ),
            1 => ("0", self.one(&["abc", "1x", "1.5", "-", "soon", "+"])),
            _ => ("+5", "+5"),
        };
        self.store_of(verb, key, flags, exptime, &value)
    }

    fn long_key(&mut self) -> Command {
        let key = vec![b'k'; self.rng.usize(251..400)];
        match self.rng.u32(..8) {
            0 => self.line(&[b"get", &key], 0).into(),
            1 => self.line(&[b"gets", b"none", &key, b"b"], 0).into(),
            2 => self.line(&[b"gat", b"0", b"none", &key], 0).into(),
            3 => self.line(&[b"delete", &key], 6).into(),
            4 => self.line(&[b"incr", &key, b"1"], 6).into(),
            5 => self.line(&[b"touch", &key, b"1"], 6).into(),
            _ => {
                let verb = self.one(STORES);
                self.store_of(verb, &key, "0", "0", b"harmless")
            }
        }
    }

    fn control_key(&mut self) -> Command {
        let mut key = b"control".to_vec();
        key.insert(
            self.rng.usize(..=key.len()),
            self.one(b"\0\t\x01\x1b\x7f\x0b"),
        );
        match self.rng.u32(..5) {
            0 => self.line(&[b"get", b"none", &key], 0).into(),
            1 => self.line(&[b"delete", &key], 6).into(),
            2 => self.line(&[b"incr", &key, b"1"], 6).into(),
            _ => self.store_of("set", &key, "0", "0", b"harmless"),
        }
    }

    fn more_words(&mut self) -> Command {
        let mut words = self.one(LINES).to_vec();
        for _ in 0..self.one(&[1, 1, 2, 3, 4, 20, 30]) {
            words.push(self.one(&["c", "0", "noreply", "NOREPLY", "-1"]));
        }
        self.line_of(&words)
    }

    /// A block that is longer or shorter than was said; if it is shorter it eats what follows.
    fn bad_block(&mut self) -> Command {
        let verb = self.one(&STORES[..5]);
        let (key, flags) = (self.key(), self.one(FLAGS));
        let mut value = self.value();
        let mut command = self.store_of(verb, key, flags, "0", &value);
        match self.rng.u32(..3) {
            0 => {
                let more = self.one(&["x", "xyz", "\n", "\r", "abc def", "\r\n\r\n", "get a b"]);
                let end = command.bytes.len() - 2;
                command.bytes.splice(end..end, more.bytes());
            }
            1 => {
                let end = command.bytes.len();
                command.bytes.drain(end - 2..end - 1);
            }
            _ => {
                let missing = self.rng.usize(1..=60);
                value.truncate(5);
                command = self.store_of(verb, key, flags, "0", &vec![b'v'; value.len() + missing]);
                let end = command.bytes.len() - 2;
                command.bytes.drain(end - missing..end);
            }
        }
        // What is left over, or eaten.
        for _ in 0..6 {
            command.bytes.extend_from_slice(b"touch absent 0\r\n");
        }
        command
    }

    /// Sizes around the greatest. What is stored is deleted, because it may be in one server only.
    fn too_large(&mut self) -> Command {
        let verb = self.one(&STORES[..5]);
        let size = self.one(&[
            MAX - 400,
            MAX - 320,
            MAX - 59,
            MAX - 58,
            MAX - 40,
            MAX,
            MAX + 1,
            2 * MAX,
        ]);
        let mut command = self.store_of(verb, b"large", "0", "0", &vec![b'v'; size]);
        command.bytes.extend_from_slice(b"delete large\r\n");
        command
    }

    fn odd_line(&mut self) -> Command {
        let line = self.one(&[
            &b" get none\r\n"[..],
            b"  \r\n",
            b"get\ta\r\n",
            b"get none\r\r\n",
            b"\x80\r\n\r\n",
            b"\xff\xff\xff\xff\n",
            b"bogus noreply\r\n",
            b"bget none\r\n",
            b"stats noreply\r\n",
            b"stats bogus\r\n",
            b"get HTTP/1.1\r\n",
            b"gett none\r\n",
            b"\0\0\0\0\r\n",
            b"incr none 1 noreply noreply\r\n",
            b"delete none NOREPLY\r\n",
            b"verbosity 1 noreply\r\n",
            b"flush_all noreply\r\n",
            b"flush_all 0 noreply\r\n",
            b"set\r\r\n",
            b"get none \r\r\n",
        ]);
        line.to_vec().into()
    }

    /// No command of memcached's has capitals, ours do.
    fn capitals(&mut self) -> Command {
        let line = self.one(&[
            "GET absent\r\n",
            "DELETE absent\r\n",
            "Get absent\r\n",
            "PUT a b\r\n",
            "GET\r\n",
        ]);
        line.as_bytes().to_vec().into()
    }

    /// A command of one line, of which a byte or two are others.
    fn mutated(&mut self) -> Command {
        let words = self.one(LINES);
        let mut bytes = self.line_of(words).bytes;
        for _ in 0..self.rng.usize(1..=2) {
            let at = self.rng.usize(..bytes.len() - 2);
            let byte = match self.once_in(4) {
                true => self.one(b"\0\x01\r\t\x7f\x80\xff  "),
                false => self.one(b"abcgt019 -+ nxyz"),
            };
            match self.rng.u32(..3) {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => {
                    bytes.remove(at);
                }
            }
        }
        bytes.into()
    }
}
