//! One client's session, said to both servers.

use std::fmt;
use std::time::Duration;

use fastrand::Rng;

use crate::commands::{Command, Speaker, Step};
use crate::known::{self, KNOWN};
use crate::peers::{End, Heard, Peer, Servers};
use crate::replies::{self, Versions, words};
use crate::support::PATIENCE;

/// What is said without waiting for replies fits the buffers of the sockets.
const BATCH_SIZE_MAX: usize = 32 * 1024;
const BATCH_STEPS_MAX: usize = 40;
const FENCE: &[u8] = b"mn\r\n";

/// What is said, step by step.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) seed: u64,
    pub(crate) steps: Vec<Step>,
    /// Said last, with no fence behind it that could be relied on.
    pub(crate) farewell: Step,
    pub(crate) patience: Duration,
}

/// What was found in sessions without an unknown difference.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) commands: u64,
    pub(crate) sessions: u64,
    /// How often each known difference explained something.
    pub(crate) known: Vec<u64>,
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Self) {
        self.commands += other.commands;
        self.sessions += other.sessions;
        for (at, count) in other.known.iter().enumerate() {
            self.count(at, *count);
        }
    }

    fn count(&mut self, known: usize, times: u64) {
        self.known.resize(KNOWN.len(), 0);
        self.known[known] += times;
    }
}

/// A difference that nothing explains.
pub(crate) struct Differs {
    pub(crate) said: Vec<u8>,
    pub(crate) theirs: Heard,
    pub(crate) ours: Heard,
}

impl fmt::Display for Differs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = self.said.escape_ascii();
        let (theirs, ours) = (
            self.theirs.bytes.escape_ascii(),
            self.ours.bytes.escape_ascii(),
        );
        writeln!(f, "after {:.600}", said.to_string())?;
        writeln!(
            f,
            "memcached: {:.600} ({:?})",
            theirs.to_string(),
            self.theirs.end
        )?;
        writeln!(
            f,
            "we:        {:.600} ({:?})",
            ours.to_string(),
            self.ours.end
        )
    }
}

impl Session {
    pub(crate) fn new(seed: u64) -> Self {
        let mut speaker = Speaker {
            rng: Rng::with_seed(seed),
        };
        let steps = (0..speaker.rng.usize(20..200))
            .map(|_| match speaker.rng.u32(..12) {
                0..2 => vec![speaker.mistake()],
                2 => vec![speaker.meta_with_version()],
                _ => speaker.several(),
            })
            .collect();
        let farewell = match speaker.rng.bool() {
            true => vec![speaker.farewell()],
            false => vec![],
        };
        Self {
            seed,
            steps,
            farewell,
            patience: PATIENCE,
        }
    }

    /// Says all of it to both servers and compares what they answer, as long as they are in step.
    pub(crate) fn play(&self, servers: &Servers, tally: &mut Tally) -> Result<(), Box<Differs>> {
        tally.sessions += 1;
        let mut talk = Talk::new(servers, self, tally);
        let forget = vec![Command::from(b"flush_all\r\n".to_vec())];
        let mut batch = vec![&forget];
        let mut size = 0;
        for step in &self.steps {
            let step_size: usize = step.iter().map(|command| command.bytes.len()).sum();
            if size + step_size > BATCH_SIZE_MAX || batch.len() == BATCH_STEPS_MAX {
                if !talk.exchange(&batch)? {
                    return Ok(());
                }
                batch.clear();
                size = 0;
            }
            size += step_size;
            batch.push(step);
        }
        if talk.exchange(&batch)? && !self.farewell.is_empty() {
            talk.part(&self.farewell)?;
        }
        Ok(())
    }
}

/// A session that is being held.
struct Talk<'t> {
    theirs: Peer,
    ours: Peer,
    versions: Versions,
    rng: Rng,
    tally: &'t mut Tally,
}

impl<'t> Talk<'t> {
    fn new(servers: &Servers, session: &Session, tally: &'t mut Tally) -> Self {
        let (theirs, ours) = servers.connect(session.patience);
        let (versions, rng) = (Versions::default(), Rng::with_seed(session.seed));
        Self {
            theirs,
            ours,
            versions,
            rng,
            tally,
        }
    }

    /// Says these steps to both without waiting and compares the replies to each. Says whether the
    /// servers are in step after them.
    fn exchange(&mut self, steps: &[&Step]) -> Result<bool, Box<Differs>> {
        let (mut to_them, mut to_us) = (Vec::new(), Vec::new());
        let mut said = Vec::new();
        for step in steps {
            let (them, us) = render(step, &self.versions);
            to_them.extend_from_slice(&[&them, FENCE].concat());
            to_us.extend_from_slice(&[&us, FENCE].concat());
            said.push(us);
        }
        let pieces = *self.rng.choice(&[1, 1, 2, 5, 20]).unwrap();
        self.theirs.say(&to_them, pieces, &mut self.rng);
        self.ours.say(&to_us, pieces, &mut self.rng);
        let mut theirs = self.theirs.hear(steps.len()).into_iter();
        let mut ours = self.ours.hear(steps.len()).into_iter();
        for (step, said) in steps.iter().zip(&said) {
            let heard = (
                theirs.next().unwrap_or_default(),
                ours.next().unwrap_or_default(),
            );
            if !self.compare(step, said, heard)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Says the last step in one piece and hears everything up to the end of the connections.
    fn part(&mut self, farewell: &Step) -> Result<bool, Box<Differs>> {
        let (to_them, to_us) = render(farewell, &self.versions);
        let mut last = |peer: &mut Peer, bytes: &[u8]| {
            peer.say(bytes, 1, &mut self.rng);
            peer.say_no_more();
            peer.hear(1).pop().unwrap_or_default()
        };
        let heard = (
            last(&mut self.theirs, &to_them),
            last(&mut self.ours, &to_us),
        );
        self.compare(farewell, &to_us, heard)
    }

    /// Compares the replies to one step, theirs and ours.
    fn compare(
        &mut self,
        step: &Step,
        said: &[u8],
        (theirs, ours): (Heard, Heard),
    ) -> Result<bool, Box<Differs>> {
        self.tally.commands += step.len() as u64;
        let key = words(said).nth(1).unwrap_or_default();
        let same = replies::same(&theirs.bytes, &ours.bytes, key, &mut self.versions);
        if same && theirs.end == ours.end && ours.end != End::Silence {
            return Ok(true);
        }
        match known::explanation(said, &theirs, &ours) {
            Some(known) => {
                self.tally.count(known, 1);
                Ok(KNOWN[known].in_step)
            }
            None => {
                let said = said.to_vec();
                Err(Box::new(Differs { said, theirs, ours }))
            }
        }
    }
}

/// What has to be said to them and to us.
pub(crate) fn render(step: &Step, versions: &Versions) -> (Vec<u8>, Vec<u8>) {
    let (mut to_them, mut to_us) = (Vec::new(), Vec::new());
    for command in step {
        let Some((at, key)) = &command.version else {
            to_them.extend_from_slice(&command.bytes);
            to_us.extend_from_slice(&command.bytes);
            continue;
        };
        let (before, after) = command.bytes.split_at(*at);
        let (theirs, ours) = versions.last(key);
        to_them.extend([before, theirs.to_string().as_bytes(), after].concat());
        to_us.extend([before, ours.to_string().as_bytes(), after].concat());
    }
    (to_them, to_us)
}
