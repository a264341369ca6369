//! Many clients on one small cache: requests cut anywhere, clients that vanish in the middle, time
//! that jumps, stands still and goes back. Every reply is checked against a model, as far as the
//! model can know it: an item may be gone because there was no room, but what is there must be
//! what was stored last, and must not be past its deadline.
//!
//! Everything follows from a seed, which a failure prints. `SIMULATION_SEED` replays one,
//! `SIMULATION_RUNS` sets how many there are.

mod simulated;

use dynamidb_core::{Cache, Config, Instant, Session, SessionConfig};
use fastrand::Rng;
use simulated::client::Client;
use simulated::model::Model;

/// In 2023, so that Unix times and times from now can be told apart.
const START_MILLIS: u64 = 1_700_000_000_000;
const RUNS: u64 = 300;
const STEPS: usize = 2_000;

#[test]
fn replies_are_right_whatever_happens() {
    let number = |name| {
        std::env::var(name)
            .ok()
            .map(|text| text.parse().expect("a number"))
    };
    let seeds = match number("SIMULATION_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SIMULATION_RUNS").unwrap_or(RUNS),
    };
    for seed in seeds {
        let _printed = Printed(seed);
        World::new(seed).run();
    }
}

/// Prints the seed if the test fails.
struct Printed(u64);

impl Drop for Printed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "to replay: SIMULATION_SEED={} cargo test --test simulation",
                self.0
            );
        }
    }
}

struct World {
    rng: Rng,
    cache: Cache,
    model: Model,
    session: SessionConfig,
    clients: Vec<Client>,
    max_items: Option<usize>,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        // Either there is room for everything that the clients ever store, or for very little.
        let roomy = rng.bool();
        let mut config = Config::new(if roomy {
            4 << 20
        } else {
            rng.usize(20_000..200_000)
        });
        config.max_items = (!roomy && rng.bool()).then(|| rng.usize(1..30));
        config.item_size_max = *rng.choice(&[300, 1_000, 5_000]).expect("not empty");
        config.hash_seed = rng.u128(..);
        let mut session = SessionConfig::default();
        session.item_size_max = config.item_size_max;
        session.output_max = *rng.choice(&[1, 100, 64 * 1024]).expect("not empty");
        let max_items = config.max_items;
        let model = Model::new(START_MILLIS, roomy, config.item_size_max);
        // Whatever the features, the fields of `Cache` take nothing of this memory.
        let memory = Vec::with_capacity(config.memory);
        let mut cache = Cache::with_memory(config, memory).expect("these limits are possible");
        cache.maintain(Instant::from_millis(START_MILLIS), 0);
        Self {
            rng,
            cache,
            model,
            session,
            clients: Vec::new(),
            max_items,
        }
    }

    fn run(mut self) {
        for _ in 0..self.rng.usize(1..6) {
            self.clients.push(self.newcomer());
        }
        for step in 0..STEPS {
            self.step();
            assert!(self.max_items.is_none_or(|max| self.cache.len() <= max));
            if step % 100 == 0 {
                self.cache.check();
            }
        }
        for index in 0..self.clients.len() {
            while !self.clients[index].has_said_all() {
                self.talk(index, usize::MAX);
            }
        }
        self.cache.check();
        let stats = self.cache.stats();
        assert_eq!(
            (stats.cmd_get, stats.get_hits),
            (self.model.gets, self.model.get_hits)
        );
        assert_eq!(stats.curr_items, self.cache.len() as u64);
    }

    fn newcomer(&self) -> Client {
        Client::new(Session::new(self.session.clone()))
    }

    fn step(&mut self) {
        let index = self.rng.usize(..self.clients.len());
        match self.rng.u32(..100) {
            0 => self.clients[index] = self.newcomer(),
            1..10 => self.model.advance(&mut self.rng),
            10..15 => {
                let limit = self.rng.usize(..20);
                self.cache.maintain(self.now(), limit);
            }
            15..50 => self.clients[index].think(&mut self.rng, &self.model),
            _ => {
                let longest = *self.rng.choice(&[3, 50, 10_000]).expect("not empty");
                let size = self.rng.usize(..longest);
                self.talk(index, size);
            }
        }
    }

    /// Lets some bytes of a client arrive and the session act once.
    fn talk(&mut self, index: usize, size: usize) {
        let now = self.now();
        let client = &mut self.clients[index];
        client.send(size);
        let mut replies = Vec::new();
        let used = client
            .session
            .process(now, &client.input, &mut self.cache, &mut replies);
        let bound = self.session.output_max + self.session.item_size_max + 400;
        assert!(replies.len() <= bound, "replies are bounded");
        for action in client.done(used) {
            self.model.judge(&action, &mut replies);
        }
        assert!(
            replies.is_empty(),
            "nobody asked for {}",
            replies.escape_ascii()
        );
    }

    fn now(&self) -> Instant {
        Instant::from_millis(self.model.now)
    }
}
