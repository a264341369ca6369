//! A client: what it says, good and bad, and what each part of that must do.

use std::collections::VecDeque;

use dynamidb_core::Session;
use fastrand::Rng;

use super::model::Model;

const BAD_LINE: &[u8] = b"CLIENT_ERROR bad command line format\r\n";
const BAD_CHUNK: &[u8] = b"CLIENT_ERROR bad data chunk\r\n";
const TOO_LARGE: &[u8] = b"SERVER_ERROR object too large for cache\r\n";

/// Requests that change nothing, with their replies.
const HARMLESS: &[(&[u8], &[u8])] = &[
    (b"version\r\n", b"VERSION 1.6.45\r\n"),
    (b"mn\r\n", b"MN\r\n"),
    (b"bogus\r\n", b"ERROR\r\n"),
    (b"bogus noreply\r\n", b""),
    (b"get\n", BAD_LINE),
    (b"get k\x01\r\n", BAD_LINE),
    (b"set k 0 soon 3\r\nabc\r\n", BAD_LINE),
    (b"set k flags 0 6\r\nquit\r\n\r\n", BAD_LINE),
    (b"set k 0 soon 6 noreply\r\nquit\r\n\r\n", b""),
    (b"set k 0 0 2\r\nabcd", BAD_CHUNK),
    (b"cas k 0 0 11\r\nflush_all\r\n\r\n", BAD_LINE),
    (
        b"incr k x\r\n",
        b"CLIENT_ERROR invalid numeric delta argument\r\n",
    ),
    (
        b"touch k x\r\n",
        b"CLIENT_ERROR invalid exptime argument\r\n",
    ),
    (
        b"flush_all x\r\n",
        b"CLIENT_ERROR invalid exptime argument\r\n",
    ),
    (b"delete a b c d e\r\n", BAD_LINE),
    (b"GET\r\n", b"CLIENT_ERROR expected GET <key>...\r\n"),
    (b"mg k z\r\n", b"CLIENT_ERROR invalid flag\r\n"),
    (
        b"ma k Dx\r\n",
        b"CLIENT_ERROR invalid or duplicate flag\r\n",
    ),
    (b"ms k 4 z\r\nquit\r\n", b"CLIENT_ERROR invalid flag\r\n"),
    (b"ms k 2 v\r\nabcd", BAD_CHUNK),
    (b"md absent! k Oab\r\n", b"NF kabsent! Oab\r\n"),
    (b"PUT k\n", b"ERROR\r\n"),
    (b"SET k 0 2\r\nabcd\r\n", BAD_CHUNK),
    (
        b"SET k -1 6\nQUIT\r\n\r\n",
        b"CLIENT_ERROR expire_seconds is not a number of seconds\r\n",
    ),
];

/// How a found item is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    Bare,
    Flags,
    FlagsAndCas,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Mode {
    Set,
    Add,
    Replace,
    Append,
    Prepend,
    Cas(u64),
}

/// What happens when this many bytes of a client have been used.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    Hear(Vec<u8>),
    Forget(Vec<u8>),
    Get {
        key: Vec<u8>,
        form: Form,
        touch: Option<i64>,
    },
    /// One key of `mg`, with `v f c k`.
    MetaGet {
        key: Vec<u8>,
        touch: Option<i64>,
    },
    Store {
        /// Whether the reply is one to `ms`.
        meta: bool,
        mode: Mode,
        key: Vec<u8>,
        value: Vec<u8>,
        flags: u32,
        exptime: i64,
        noreply: bool,
    },
    Delete {
        key: Vec<u8>,
        noreply: bool,
    },
    Touch {
        key: Vec<u8>,
        exptime: i64,
    },
    Calculate {
        key: Vec<u8>,
        up: bool,
        delta: u64,
    },
    Flush {
        seconds: u64,
    },
    FlushPrefix {
        prefix: Vec<u8>,
    },
}

pub(crate) struct Client {
    pub(crate) session: Session,
    /// What has arrived and was not used yet.
    pub(crate) input: Vec<u8>,
    unsent: VecDeque<u8>,
    /// How many bytes were ever said, and used.
    said: usize,
    used: usize,
    /// In order: when this many bytes are used, this is done.
    actions: VecDeque<(usize, Action)>,
}

impl Client {
    pub(crate) fn new(session: Session) -> Self {
        let (input, unsent, actions) = (Vec::new(), VecDeque::new(), VecDeque::new());
        Self {
            session,
            input,
            unsent,
            said: 0,
            used: 0,
            actions,
        }
    }

    pub(crate) fn has_said_all(&self) -> bool {
        self.unsent.is_empty() && self.input.is_empty()
    }

    /// Up to `size` bytes arrive, as far as there is room for them.
    pub(crate) fn send(&mut self, size: usize) {
        let room = self.session.input_max() - self.input.len();
        let size = size.min(room).min(self.unsent.len());
        self.input.extend(self.unsent.drain(..size));
    }

    /// Takes back what the session is done with; returns what that must have done.
    pub(crate) fn done(&mut self, used: usize) -> Vec<Action> {
        self.input.drain(..used);
        self.used += used;
        let done = self
            .actions
            .iter()
            .take_while(|(end, _)| *end <= self.used)
            .count();
        self.actions
            .drain(..done)
            .map(|(_, action)| action)
            .collect()
    }

    fn say(&mut self, bytes: impl AsRef<[u8]>) {
        self.unsent.extend(bytes.as_ref());
        self.said += bytes.as_ref().len();
    }

    fn then(&mut self, action: Action) {
        self.actions.push_back((self.said, action));
    }

    /// Adds a request to what there is to say.
    pub(crate) fn think(&mut self, rng: &mut Rng, model: &Model) {
        let key = some_key(rng);
        let name = String::from_utf8(key.clone()).expect("text");
        match rng.u32(..24) {
            0 => self.say_harmless(rng),
            1..7 => self.say_get(rng),
            7..13 => self.say_store(rng, model, key),
            13 => self.say_own_set(rng, model, key),
            14 => {
                self.say(format!("GET {name}\n"));
                self.then(Action::Get {
                    key,
                    form: Form::Bare,
                    touch: None,
                });
                self.then(Action::Hear(b"END\r\n".into()));
            }
            15 => {
                let noreply = rng.bool();
                self.say(format!(
                    "delete {name}{}\r\n",
                    if noreply { " noreply" } else { "" }
                ));
                self.then(Action::Delete { key, noreply });
            }
            16 => {
                let exptime = some_exptime(rng, model);
                self.say(format!("touch {name} {exptime}\r\n"));
                self.then(Action::Touch { key, exptime });
            }
            19 | 20 => {
                let touch = rng.bool().then_some(100);
                let flag = touch.map_or(String::new(), |exptime| format!("T{exptime}"));
                self.say(format!("mg {name} v f  c {flag} k\r\n"));
                self.then(Action::MetaGet { key, touch });
            }
            21 | 22 => self.say_meta_store(rng, model, key),
            17 | 18 => {
                let (up, delta) = (rng.bool(), rng.u64(..) >> rng.u32(..64));
                self.say(format!(
                    "{} {name} {delta}\r\n",
                    if up { "incr" } else { "decr" }
                ));
                self.then(Action::Calculate { key, up, delta });
            }
            _ => match rng.u32(..10) {
                0 => {
                    let seconds = rng.u64(..100);
                    self.say(format!("flush_all {seconds}\r\n"));
                    self.then(Action::Flush { seconds });
                }
                1..4 => self.say_flush_prefix(rng, key),
                _ => {}
            },
        }
    }

    fn say_flush_prefix(&mut self, rng: &mut Rng, mut key: Vec<u8>) {
        key.truncate(rng.usize(1..=key.len()));
        let verb = *rng.choice(&["flush_prefix ", "FLUSH "]).expect("not empty");
        self.say([verb.as_bytes(), &key, b"\r\n"].concat());
        self.then(Action::FlushPrefix { prefix: key });
    }

    fn say_harmless(&mut self, rng: &mut Rng) {
        let (request, reply) = rng.choice(HARMLESS).expect("not empty");
        self.say(request);
        self.then(Action::Hear(reply.to_vec()));
    }

    fn say_get(&mut self, rng: &mut Rng) {
        let (verb, form, touch) = match rng.u32(..4) {
            0 => ("gets", Form::FlagsAndCas, None),
            1 => ("gat 100", Form::Flags, Some(100)),
            2 => ("gats -1", Form::FlagsAndCas, Some(-1)),
            _ => ("get", Form::Flags, None),
        };
        self.say(verb);
        let last = *rng.choice(&[0, 3, 40]).expect("not empty");
        for place in 0..=last {
            let key = some_key(rng);
            self.say(" ".repeat(rng.usize(1..3)));
            self.say(&key);
            if place == last {
                self.say(rng.choice(["\n", "\r\n", "  \r\n"]).expect("not empty"));
            }
            self.then(Action::Get { key, form, touch });
        }
        self.then(Action::Hear(b"END\r\n".into()));
    }

    fn say_store(&mut self, rng: &mut Rng, model: &Model, key: Vec<u8>) {
        let name = String::from_utf8(key.clone()).expect("text");
        let (verb, mode) = match rng.u32(..8) {
            0 => ("add", Mode::Add),
            1 => ("replace", Mode::Replace),
            2 => ("append", Mode::Append),
            3 => ("prepend", Mode::Prepend),
            4 => ("cas", Mode::Cas(model.cas(&key))),
            _ => ("set", Mode::Set),
        };
        let value = some_value(rng, model, &key);
        let (flags, exptime) = (rng.u32(..) >> rng.u32(..32), some_exptime(rng, model));
        let noreply = mode == Mode::Set && rng.bool();
        let words = match mode {
            Mode::Cas(cas) => format!(" {cas}"),
            _ if noreply => " noreply".into(),
            _ => String::new(),
        };
        self.say(format!(
            "{verb} {name} {flags} {exptime} {}{words}\r\n",
            value.len()
        ));
        if key.len() + value.len() > model.item_size_max() {
            self.say_too_large(mode, key, &[&value[..], b"\r\n"].concat(), noreply);
            return;
        }
        self.say(&value);
        self.say("\r\n");
        self.then(Action::Store {
            meta: false,
            mode,
            key,
            value,
            flags,
            exptime,
            noreply,
        });
    }

    fn say_meta_store(&mut self, rng: &mut Rng, model: &Model, key: Vec<u8>) {
        let name = String::from_utf8(key.clone()).expect("text");
        let (flag, mode) = match rng.u32(..7) {
            0 => ("ME".into(), Mode::Add),
            1 => ("MR".into(), Mode::Replace),
            2 => ("MA".into(), Mode::Append),
            3 => ("MP".into(), Mode::Prepend),
            4 => {
                let cas = model.cas(&key);
                (format!("C{cas}"), Mode::Cas(cas))
            }
            _ => ("MS".into(), Mode::Set),
        };
        let value = some_value(rng, model, &key);
        let (flags, exptime) = (rng.u32(..), some_exptime(rng, model));
        let size = value.len();
        self.say(format!("ms {name} {size} T{exptime} {flag} F{flags}\r\n"));
        if key.len() + size > model.item_size_max() {
            // Here the old item is gone whatever the mode.
            self.say_too_large(Mode::Set, key, &[&value[..], b"\r\n"].concat(), false);
            return;
        }
        self.say(&value);
        self.say("\r\n");
        self.then(Action::Store {
            meta: true,
            mode,
            key,
            value,
            flags,
            exptime,
            noreply: false,
        });
    }

    /// The old item of a `set` is gone when the line has been read; the reply comes later.
    fn say_too_large(&mut self, mode: Mode, key: Vec<u8>, block: &[u8], noreply: bool) {
        if mode == Mode::Set {
            self.then(Action::Forget(key));
        }
        self.say(block);
        self.then(Action::Hear(if noreply {
            Vec::new()
        } else {
            TOO_LARGE.to_vec()
        }));
    }

    fn say_own_set(&mut self, rng: &mut Rng, model: &Model, key: Vec<u8>) {
        let name = String::from_utf8(key.clone()).expect("text");
        let value = some_value(rng, model, &key);
        let exptime = rng.i64(0..100);
        self.say(format!("SET {name} {exptime} {}\n", value.len()));
        if key.len() + value.len() > model.item_size_max() {
            let value: Vec<u8> = value.iter().map(|b| b | 0x20).collect();
            return self.say_too_large(Mode::Set, key, &[&value[..], b"\n"].concat(), false);
        }
        self.say(&value);
        self.say(rng.choice(["\n", "\r\n"]).expect("not empty"));
        let (mode, flags, noreply) = (Mode::Set, 0, false);
        self.then(Action::Store {
            meta: false,
            mode,
            key,
            value,
            flags,
            exptime,
            noreply,
        });
        // A blank line after one of these is nothing.
        self.say(rng.choice(["", "\n", "\r\n\r\n"]).expect("not empty"));
    }
}

fn some_key(rng: &mut Rng) -> Vec<u8> {
    let number = rng.u32(..50);
    match number {
        0 => vec![b'k'; 250],
        1..10 => format!("{number}-{}", "long".repeat(20)).into_bytes(),
        _ => format!("key{number}").into_bytes(),
    }
}

fn some_value(rng: &mut Rng, model: &Model, key: &[u8]) -> Vec<u8> {
    let largest = model.item_size_max() - key.len();
    let size = match rng.u32(..12) {
        0..4 => return rng.u64(..).to_string().into_bytes(),
        4 => 0,
        5 => largest,
        6 => largest + rng.usize(1..1000),
        7 => rng.usize(..largest),
        _ => rng.usize(..60),
    };
    (0..size).map(|_| rng.u8(..)).collect()
}

fn some_exptime(rng: &mut Rng, model: &Model) -> i64 {
    match rng.u32(..8) {
        0 => -1,
        1 => rng.i64(1..100),
        2 => (model.now / 1000) as i64 + rng.i64(-5..50),
        3 => 2_592_000,
        _ => 0,
    }
}
