//! The same bytes are said to memcached and to our server, and the replies are compared.
//!
//! Sessions are made up from a seed: valid and broken commands, cut anywhere. After every few
//! commands comes a fence, `mn`, so that it is known which reply belongs to what. A session whose
//! replies differ in a way that [`known`] does not explain is shrunk to what still differs, and
//! printed as a conversation that `core/tests/conversations` can play.
//!
//! `DIFFERENTIAL_COMMANDS` sets how many commands are compared, `DIFFERENTIAL_SEED` plays one
//! session.

mod broken;
mod commands;
mod known;
mod meta;
mod migration;
mod packets;
mod peers;
mod replies;
mod session;
mod shrink;
#[path = "../support/mod.rs"]
mod support;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use known::KNOWN;
use peers::Servers;
use session::{Differs, Session, Tally};

const COMMANDS: u64 = 1_000_000;
const PACKETS: u64 = 100_000;
/// Pairs of servers, each with its own sessions.
const PAIRS: usize = 2;
/// So many commands are enough for every known difference to show.
const ENOUGH: u64 = 300_000;

#[test]
fn replies_are_those_of_memcached() {
    let number = |name| {
        let text = std::env::var(name).ok()?;
        Some(text.parse::<u64>().expect("a number"))
    };
    let wanted = number("DIFFERENTIAL_COMMANDS").unwrap_or(COMMANDS);
    if let Some(seed) = number("DIFFERENTIAL_SEED") {
        let servers = Servers::start();
        let played = Session::new(seed).play(&servers, &mut Tally::default());
        played.unwrap_or_else(|differs| fail(&servers, seed, &differs));
        return;
    }
    let began = Instant::now();
    let run = Run {
        wanted,
        seed: AtomicU64::new(0),
        over: AtomicBool::new(false),
        tally: Mutex::default(),
    };
    thread::scope(|scope| {
        for _ in 0..PAIRS {
            scope.spawn(|| run.sessions());
        }
    });
    let tally = run.tally.into_inner().unwrap();
    println!(
        "{} commands in {} sessions, {:.1?}",
        tally.commands,
        tally.sessions,
        began.elapsed()
    );
    for (known, count) in KNOWN.iter().zip(tally.known) {
        println!("{count:8} times {}: {}", known.name, known.reason);
        assert!(
            count > 0 || wanted < ENOUGH,
            "it never shows: {}",
            known.name
        );
    }
}

/// `DIFFERENTIAL_PACKETS` sets how many packets are compared.
#[test]
fn packets_are_answered_as_by_memcached() {
    let number = |name| {
        let text = std::env::var(name).ok()?;
        Some(text.parse::<u64>().expect("a number"))
    };
    let servers = Servers::start();
    // Before 1.6.45 memcached looks for a minus behind a large number, in what other items left in
    // its memory. A difference that is one is also there when nothing was left.
    let play = |seed| {
        packets::play(&servers, seed)
            .or_else(|_| packets::play(&Servers::start(), seed))
            .unwrap_or_else(|differs| panic!("{differs}"))
    };
    if let Some(seed) = number("DIFFERENTIAL_SEED") {
        play(seed);
        return;
    }
    let wanted = number("DIFFERENTIAL_PACKETS").unwrap_or(PACKETS);
    let began = Instant::now();
    let (mut sessions, mut count) = (0, 0);
    while count < wanted {
        count += play(sessions);
        sessions += 1;
    }
    println!(
        "{count} packets in {sessions} sessions, {:.1?}",
        began.elapsed()
    );
}

/// Many sessions, until enough commands were compared.
struct Run {
    wanted: u64,
    seed: AtomicU64,
    over: AtomicBool,
    tally: Mutex<Tally>,
}

impl Run {
    fn sessions(&self) {
        let servers = Servers::start();
        while !self.over.load(Ordering::Relaxed) {
            let seed = self.seed.fetch_add(1, Ordering::Relaxed);
            let mut tally = Tally::default();
            if let Err(differs) = Session::new(seed).play(&servers, &mut tally) {
                self.over.store(true, Ordering::Relaxed);
                fail(&servers, seed, &differs);
            }
            let mut total = self.tally.lock().unwrap();
            total.add(&tally);
            if total.commands >= self.wanted {
                self.over.store(true, Ordering::Relaxed);
            }
        }
    }
}

fn fail(servers: &Servers, seed: u64, differs: &Differs) -> ! {
    let least = shrink::least(servers, Session::new(seed));
    panic!(
        "a difference that is not known, {differs}\n\
         to replay: DIFFERENTIAL_SEED={seed} make test-differential\n\n{least}"
    );
}
