//! What a client says that knows the protocol: valid commands, weighted so that they meet.

use fastrand::Rng;

/// Few keys, so that commands meet; one of the greatest length, one that is no text.
const KEYS: &[&[u8]] = &[b"a", b"b", b"key1", b"x:y/z", b"k\xff\xfe", &[b'k'; 250]];
pub(crate) const FLAGS: &[&str] = &["0", "0", "0", "1", "123", "65536", "4294967295", "007"];
/// Times that do not pass while a session lasts, and times that have passed.
pub(crate) const EXPTIMES: &[&str] = &[
    "0",
    "0",
    "0",
    "0",
    "100",
    "1000",
    "2592000",
    "2147483647",
    "-1",
    "-100",
    "2592001",
];
const NUMBERS_SMALL: &[&str] = &["0", "1", "9", "10", "99", "100000"];
const NUMBERS: &[&str] = &[
    "0",
    "1",
    "9",
    "10",
    "99",
    "0009",
    "100000",
    "18446744073709551615",
    "18446744073709551614",
    "  5",
    "5 ab",
    "7       ",
    "9223372036854775808",
];
const NO_NUMBERS: &[&str] = &[
    "",
    "-1",
    "x",
    "18446744073709551616",
    "5x",
    "\t5",
    "+5",
    "0x10",
];
const DELTAS: &[&str] = &["0", "1", "1", "5", "10", "99", "123456789012", "00012"];
/// The key of an item that is always a small number.
const COUNTER: &[u8] = b"counter";
/// Values that a careless server takes for commands or a careless client for replies.
const LOOKALIKES: &[&[u8]] = &[
    b"\r\n",
    b"\n",
    b"END\r\n",
    b"MN\r\n",
    b"x\r\nflush_all\r\n",
    b"quit\r\n",
    b"VALUE a 0 1\r\nx",
];

/// One command, or a few that belong together, with its bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Command {
    pub(crate) bytes: Vec<u8>,
    /// Where the version that was last told for a key has to be filled in, and the key.
    pub(crate) version: Option<(usize, Vec<u8>)>,
}

impl From<Vec<u8>> for Command {
    fn from(bytes: Vec<u8>) -> Self {
        let version = None;
        Self { bytes, version }
    }
}

/// What is said between two fences.
pub(crate) type Step = Vec<Command>;

/// Makes up commands.
pub(crate) struct Speaker {
    pub(crate) rng: Rng,
}

impl Speaker {
    pub(crate) fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.rng.usize(..of.len())]
    }

    pub(crate) fn once_in(&mut self, times: u32) -> bool {
        self.rng.u32(..times) == 0
    }

    /// Several commands. A number is changed in place or stored again depending on whether a reply
    /// with it is still being sent, so that nothing is read before it is changed.
    pub(crate) fn several(&mut self) -> Step {
        let mut step = Step::new();
        let mut reads = false;
        for _ in 0..self.rng.usize(1..=6) {
            step.push(match self.rng.u32(..140) {
                100.. => self.meta(&mut reads),
                0..40 => self.store(),
                40..60 if !reads => self.calculate(),
                60..80 => {
                    reads = true;
                    self.retrieve()
                }
                80..88 => self.delete(),
                88..95 => self.touch(),
                _ => self.other(),
            });
        }
        step
    }

    fn store(&mut self) -> Command {
        if self.once_in(20) {
            let number = self.one(NUMBERS_SMALL);
            return self.store_of("set", COUNTER, "0", "0", number.as_bytes());
        }
        let verb = self.one(&[
            "set", "set", "set", "add", "replace", "append", "prepend", "cas",
        ]);
        let (key, flags, exptime) = (self.key(), self.one(FLAGS), self.one(EXPTIMES));
        let value = self.value();
        self.store_of(verb, key, flags, exptime, &value)
    }

    pub(crate) fn store_of(
        &mut self,
        verb: &str,
        key: &[u8],
        flags: &str,
        exptime: &str,
        value: &[u8],
    ) -> Command {
        let size = value.len().to_string();
        let (verb, cas) = (verb.as_bytes(), verb == "cas");
        let mut words = vec![
            verb,
            key,
            flags.as_bytes(),
            exptime.as_bytes(),
            size.as_bytes(),
        ];
        let mark = b"<version>";
        let made_up = self.one(&["0", "18446744073709551614", "18446744073709551615"]);
        let told = cas && !self.once_in(5);
        match told {
            true => words.push(mark),
            false if cas => words.push(made_up.as_bytes()),
            false => {}
        }
        let mut bytes = self.line(&words, 6);
        let mut version = None;
        if told {
            let at = bytes
                .windows(mark.len())
                .position(|word| word == mark)
                .unwrap();
            bytes.drain(at..at + mark.len());
            version = Some((at, key.to_vec()));
        }
        bytes.extend_from_slice(value);
        bytes.extend_from_slice(b"\r\n");
        Command { bytes, version }
    }

    fn retrieve(&mut self) -> Command {
        let verb = self.one(&["get", "get", "gets", "gets", "gat", "gats"]);
        let mut words = vec![verb.as_bytes()];
        if verb.starts_with("gat") {
            words.push(self.one(EXPTIMES).as_bytes());
        }
        // A line of the others is not served by memcached if it is long and comes in pieces.
        let long = !verb.starts_with("gat") && self.once_in(30);
        let keys = if long { 40 } else { 4 };
        for _ in 0..self.rng.usize(1..=keys) {
            let key = self.key();
            words.push(if self.once_in(10) { COUNTER } else { key });
        }
        self.line(&words, 0).into()
    }

    /// What is changed silently is always a number, so that nothing depends on whether it was one.
    fn calculate(&mut self) -> Command {
        let (verb, delta) = (self.one(&["incr", "decr"]), self.one(DELTAS));
        let mut words = vec![verb.as_bytes(), self.key(), delta.as_bytes()];
        if self.once_in(6) {
            words[1] = COUNTER;
            words.push(b"noreply");
        }
        self.line(&words, 0).into()
    }

    fn delete(&mut self) -> Command {
        let key = self.key();
        match self.once_in(10) {
            true => self.line(&[b"delete", key, b"0"], 6).into(),
            false => self.line(&[b"delete", key], 6).into(),
        }
    }

    fn touch(&mut self) -> Command {
        let (key, exptime) = (self.key(), self.one(EXPTIMES));
        self.line(&[b"touch", key, exptime.as_bytes()], 6).into()
    }

    fn other(&mut self) -> Command {
        let words: &[&[u8]] = match self.rng.u32(..12) {
            0 => &[b"flush_all"],
            1 => &[b"flush_all", b"0"],
            2 => &[b"flush_all", b"-1"],
            3..6 => &[b"verbosity", b"1"],
            6 => &[b"bogus"],
            7 => &[b"getx", b"a"],
            8 => &[b"shutdown_"],
            9 => &[b"stats", b"reset"],
            _ => &[b"bogus", b"a", b"b"],
        };
        let noreply = if words[0] == b"flush_all" { 6 } else { 0 };
        self.line(words, noreply).into()
    }

    pub(crate) fn key(&mut self) -> &'static [u8] {
        self.one(KEYS)
    }

    pub(crate) fn value(&mut self) -> Vec<u8> {
        match self.rng.u32(..100) {
            0..30 => self.one(NUMBERS).as_bytes().to_vec(),
            30..35 => self.one(NO_NUMBERS).as_bytes().to_vec(),
            35..45 => self.one(LOOKALIKES).to_vec(),
            45..85 => self.bytes(40),
            85..99 => self.bytes(300),
            _ => self.bytes(9000),
        }
    }

    fn bytes(&mut self, below: usize) -> Vec<u8> {
        let len = self.rng.usize(..below);
        (0..len).map(|_| self.rng.u8(..)).collect()
    }

    /// A line of these words, once in `noreply` times with that word behind them. Now and then it
    /// has more spaces than it needs, or ends in LF alone.
    pub(crate) fn line(&mut self, words: &[&[u8]], noreply: u32) -> Vec<u8> {
        let mut line = Vec::new();
        let spaces = self.once_in(20);
        for (at, word) in words.iter().enumerate() {
            if at > 0 {
                line.extend_from_slice(if spaces { b"  " } else { b" " });
            }
            line.extend_from_slice(word);
        }
        if noreply > 0 && self.once_in(noreply) {
            line.extend_from_slice(b" noreply");
        }
        if spaces && self.rng.bool() {
            line.push(b' ');
        }
        line.extend_from_slice(if self.once_in(10) { b"\n" } else { b"\r\n" });
        line
    }
}
