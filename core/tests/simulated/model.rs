//! What the cache must answer, as far as that can be known.

use std::collections::HashMap;

use fastrand::Rng;

use super::client::{Action, Form, Mode};

const NEVER: u64 = u64::MAX;
const OUT_OF_MEMORY: &str = "SERVER_ERROR out of memory storing object\r\n";
const TOO_LARGE: &str = "SERVER_ERROR object too large for cache\r\n";

#[derive(Clone, Debug)]
struct Entry {
    value: Vec<u8>,
    flags: u32,
    deadline: u64,
    /// Once it has been heard.
    cas: Option<u64>,
}

/// The items that may be there. If the cache is roomy, those that must be there.
#[derive(Debug)]
pub(crate) struct Model {
    /// Milliseconds since 1970.
    pub(crate) now: u64,
    /// When the cache began: it cannot tell earlier times apart, so items live on in them.
    began: u64,
    /// The latest time that there ever was: what expired then may have been given back.
    latest: u64,
    flush_at: u64,
    roomy: bool,
    item_size_max: usize,
    entries: HashMap<Vec<u8>, Entry>,
    /// How many lookups by `get` and `gets` there were, and how many of them found something.
    pub(crate) gets: u64,
    pub(crate) get_hits: u64,
}

impl Model {
    pub(crate) fn new(now: u64, roomy: bool, item_size_max: usize) -> Self {
        Self {
            now,
            began: now,
            latest: now,
            flush_at: NEVER,
            roomy,
            item_size_max,
            entries: HashMap::new(),
            gets: 0,
            get_hits: 0,
        }
    }

    /// Moves the clock. It seldom goes back, and not while it is waited for to flush everything.
    pub(crate) fn advance(&mut self, rng: &mut Rng) {
        self.now = match rng.u32(..20) {
            0 if self.flush_at == NEVER => self.now - rng.u64(..20_000),
            1..4 => self.now + rng.u64(..100_000),
            4..10 => self.now + rng.u64(..2_000),
            10 => self.now + 1,
            _ => self.now,
        };
        self.latest = self.latest.max(self.now);
    }

    /// The `cas` of a key, if it is known; else one that nothing has.
    pub(crate) fn cas(&self, key: &[u8]) -> u64 {
        self.entries
            .get(key)
            .and_then(|entry| entry.cas)
            .unwrap_or(u64::MAX)
    }

    pub(crate) const fn item_size_max(&self) -> usize {
        self.item_size_max
    }

    /// Takes the reply to `action` from the front of `replies` and says whether it may be so.
    pub(crate) fn judge(&mut self, action: &Action, replies: &mut Vec<u8>) {
        // What does not concern an item does not look at the time.
        if self.flush_at <= self.now && !matches!(action, Action::Hear(_)) {
            self.flush_at = NEVER;
            self.entries.clear();
        }
        match action {
            Action::Hear(reply) => assert_eq!(take(replies, reply.len()), *reply, "{action:?}"),
            Action::Forget(key) => drop(self.entries.remove(key)),
            Action::Get { key, form, touch } => self.judge_get(key, *form, *touch, replies),
            Action::Store {
                mode,
                key,
                noreply: true,
                ..
            } => {
                assert_eq!(*mode, Mode::Set, "others cannot be known");
                self.store(key, action);
            }
            Action::MetaGet { key, touch } => self.judge_meta_get(key, *touch, replies),
            Action::Store { meta: true, .. } => {
                let reply = line(replies);
                let classic = match &reply[..] {
                    "HD\r\n" => "STORED\r\n",
                    "NS\r\n" => "NOT_STORED\r\n",
                    "EX\r\n" => "EXISTS\r\n",
                    "NF\r\n" => "NOT_FOUND\r\n",
                    other => other,
                };
                self.judge_store(action, classic);
            }
            Action::Store { .. } => self.judge_store(action, &line(replies)),
            Action::Delete { key, noreply } => {
                if !noreply {
                    let found = outcome(&line(replies), "DELETED\r\n", "NOT_FOUND\r\n");
                    self.met(key, found);
                }
                self.entries.remove(key);
            }
            Action::Touch { key, exptime } => {
                let found = outcome(&line(replies), "TOUCHED\r\n", "NOT_FOUND\r\n");
                self.met(key, found);
                self.touch(key, *exptime);
            }
            Action::Calculate { key, up, delta } => {
                self.judge_calculation(key, *up, *delta, &line(replies));
            }
            Action::Flush { seconds: 0 } => {
                assert_eq!(line(replies), "OK\r\n");
                self.flush_at = NEVER;
                self.entries.clear();
            }
            Action::Flush { seconds } => {
                assert_eq!(line(replies), "OK\r\n");
                self.flush_at = self.now + seconds * 1000;
            }
            Action::FlushPrefix { prefix } => {
                let reply = line(replies);
                if reply == "OK\r\n" {
                    self.entries.retain(|key, _| !key.starts_with(prefix));
                } else {
                    assert_eq!(
                        reply,
                        "SERVER_ERROR too many flushes by prefix are under way\r\n"
                    );
                }
            }
        }
    }

    /// A key was looked up and found, or not. Panics if it cannot be so.
    fn met(&mut self, key: &[u8], found: bool) {
        let deadline = self.entries.get(key).map(|entry| entry.deadline);
        if found {
            let alive = deadline.is_some_and(|end| end > self.now || self.now < self.began);
            let (key, now) = (key.escape_ascii(), self.now);
            assert!(alive, "found {key}, which ended at {deadline:?}, at {now}");
        } else {
            let gone = deadline.is_none_or(|deadline| deadline <= self.latest);
            let (key, now) = (key.escape_ascii(), self.now);
            assert!(
                gone || !self.roomy,
                "lost {key}, which ends at {deadline:?}, at {now}"
            );
        }
        if !found {
            self.entries.remove(key);
        }
    }

    fn touch(&mut self, key: &[u8], exptime: i64) {
        let deadline = self.deadline(exptime);
        if let Some(entry) = self.entries.get_mut(key) {
            entry.deadline = deadline;
        }
    }

    /// What is over at once ends now: should the clock go back, it may be seen again.
    fn deadline(&self, exptime: i64) -> u64 {
        match exptime {
            0 => NEVER,
            ..0 => self.now,
            1..=2_592_000 => self.now + exptime as u64 * 1000,
            _ => self.now.max(exptime as u64 * 1000),
        }
    }

    fn judge_get(&mut self, key: &[u8], form: Form, touch: Option<i64>, replies: &mut Vec<u8>) {
        let found = replies.starts_with(&[b"VALUE ", key, b" "].concat());
        self.met(key, found);
        self.gets += u64::from(touch.is_none());
        self.get_hits += u64::from(touch.is_none() && found);
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        let heard = line(replies);
        let words: Vec<&str> = heard.trim_end().split(' ').collect();
        let (flags, size) = (entry.flags.to_string(), entry.value.len().to_string());
        match (form, &words[2..]) {
            (Form::Bare, [heard_size]) => assert_eq!(*heard_size, size),
            (Form::Flags, words) => assert_eq!(words, [&flags, &size]),
            (Form::FlagsAndCas, [heard_flags, heard_size, cas]) => {
                assert_eq!([*heard_flags, *heard_size], [&flags, &size]);
                let cas = cas.parse().expect("a number");
                assert_eq!(*entry.cas.get_or_insert(cas), cas);
            }
            _ => panic!("{heard:?} is no {form:?}"),
        }
        assert_eq!(take(replies, entry.value.len()), entry.value);
        assert_eq!(take(replies, 2), b"\r\n");
        if let Some(exptime) = touch {
            self.touch(key, exptime);
        }
    }

    fn judge_meta_get(&mut self, key: &[u8], touch: Option<i64>, replies: &mut Vec<u8>) {
        let heard = line(replies);
        let found = heard != format!("EN k{}\r\n", key.escape_ascii());
        self.met(key, found);
        self.gets += u64::from(touch.is_none() || !found);
        self.get_hits += u64::from(touch.is_none() && found);
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        let (size, flags) = (entry.value.len(), entry.flags);
        let rest = heard.strip_prefix(&format!("VA {size} f{flags} c"));
        let cas = rest.and_then(|rest| rest.strip_suffix(&format!(" k{}\r\n", key.escape_ascii())));
        let cas = cas.and_then(|cas| cas.parse().ok());
        let cas = cas.unwrap_or_else(|| panic!("{heard:?} shows no {entry:?}"));
        assert_eq!(*entry.cas.get_or_insert(cas), cas);
        assert_eq!(take(replies, size), entry.value);
        assert_eq!(take(replies, 2), b"\r\n");
        if let Some(exptime) = touch {
            self.touch(key, exptime);
        }
    }

    fn judge_store(&mut self, action: &Action, reply: &str) {
        let Action::Store {
            mode, key, value, ..
        } = action
        else {
            unreachable!()
        };
        let joins = matches!(mode, Mode::Append | Mode::Prepend);
        match (reply, mode) {
            (OUT_OF_MEMORY | TOO_LARGE, _) => {
                assert!(!self.roomy, "there is room");
                // What `set` did not replace must not be read any more.
                if *mode == Mode::Set {
                    self.entries.remove(key);
                }
                return;
            }
            ("STORED\r\n", Mode::Set) => {}
            ("STORED\r\n", Mode::Add) => self.met(key, false),
            ("STORED\r\n", Mode::Cas(cas)) => {
                self.met(key, true);
                assert!(self.entries[key].cas.is_none_or(|known| known == *cas));
            }
            ("STORED\r\n", _) => self.met(key, true),
            ("NOT_STORED\r\n", Mode::Add) => return self.met(key, true),
            ("NOT_STORED\r\n", _) if joins && self.is_too_long(key, value) => return,
            ("NOT_STORED\r\n", Mode::Replace | Mode::Append | Mode::Prepend)
            | ("NOT_FOUND\r\n", Mode::Cas(_)) => return self.met(key, false),
            ("EXISTS\r\n", Mode::Cas(cas)) => {
                self.met(key, true);
                return assert_ne!(self.entries[key].cas, Some(*cas));
            }
            _ => panic!("{reply:?} to {mode:?}"),
        }
        self.store(key, action);
    }

    fn is_too_long(&self, key: &[u8], value: &[u8]) -> bool {
        let old = self.entries.get(key).map_or(0, |entry| entry.value.len());
        // In a small memory items must be smaller than was asked for.
        !self.roomy || key.len() + old + value.len() > self.item_size_max
    }

    fn store(&mut self, key: &[u8], action: &Action) {
        let Action::Store {
            mode,
            value,
            flags,
            exptime,
            ..
        } = action
        else {
            unreachable!()
        };
        let old = self.entries.remove(key);
        let entry = match (mode, old) {
            (Mode::Append, Some(old)) => Entry {
                value: [&old.value[..], value].concat(),
                ..old
            },
            (Mode::Prepend, Some(old)) => Entry {
                value: [value, &old.value[..]].concat(),
                ..old
            },
            _ => {
                let deadline = self.deadline(*exptime);
                Entry {
                    value: value.clone(),
                    flags: *flags,
                    deadline,
                    cas: None,
                }
            }
        };
        self.entries
            .insert(key.to_vec(), Entry { cas: None, ..entry });
    }

    fn judge_calculation(&mut self, key: &[u8], up: bool, delta: u64, reply: &str) {
        if reply == OUT_OF_MEMORY {
            return assert!(!self.roomy, "there is room");
        }
        self.met(key, reply != "NOT_FOUND\r\n");
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        let Some(number) = number(&entry.value) else {
            assert!(
                reply.starts_with("CLIENT_ERROR cannot increment"),
                "{reply:?}"
            );
            return;
        };
        let result = if up {
            number.wrapping_add(delta)
        } else {
            number.saturating_sub(delta)
        };
        assert_eq!(reply, format!("{result}\r\n"));
        let width = entry.value.len();
        entry.value = format!("{result:<width$}").into_bytes();
        entry.cas = None;
    }
}

/// The number that a value begins with, as memcached reads it.
fn number(value: &[u8]) -> Option<u64> {
    let mut words = value
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty());
    let word = words.next().filter(|_| value.len() <= 20)?;
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// Which of two replies it is.
fn outcome(reply: &str, yes: &str, no: &str) -> bool {
    assert!(reply == yes || reply == no, "{reply:?}");
    reply == yes
}

fn line(replies: &mut Vec<u8>) -> String {
    let end = replies.iter().position(|&b| b == b'\n').expect("a reply");
    String::from_utf8(take(replies, end + 1)).expect("replies without values are text")
}

fn take(replies: &mut Vec<u8>, len: usize) -> Vec<u8> {
    assert!(
        len <= replies.len(),
        "a reply is cut off: {}",
        replies.escape_ascii()
    );
    replies.drain(..len).collect()
}
