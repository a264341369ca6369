//! How often a server has to say no: the same requests to each, in the way caches are used. What is
//! asked for and not there is stored. Everything comes from a seed. Beside the servers stands what
//! [Belady's rule](belady) makes of it.

use std::collections::HashSet;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use rand_distr::{Distribution, LogNormal, Zipf};

use crate::belady;
use crate::peer::{Kind, Options, Peer};
use crate::report::head;

const REQUESTS: u32 = 1_000_000;
/// MiB.
const MEMORY: [usize; 3] = [16, 32, 64];
/// Bytes of a key, as `key` writes it.
const KEY_LEN: usize = 16;
/// So many keys are asked for at once.
const BATCH: usize = 64;
const SEED: u64 = 7;

/// Which keys are asked for, and how large their values are.
#[derive(Clone, Copy, Debug)]
enum Scene {
    /// Values of some 280 bytes, as in a social network's general cache.
    Small,
    /// Values of some 2.4 KB.
    Large,
    /// Small ones, but every second request is for a key that never comes again.
    Once,
    /// Values of 110 bytes, then of 900 under other keys, then both.
    Shift,
}

impl Scene {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Small, "small values, mean 280 B"),
        (Self::Large, "large values, mean 2.4 KB"),
        (Self::Once, "half the keys come once"),
        (Self::Shift, "sizes shift, 110 B to 900 B"),
    ];

    /// The keys in the order in which they are asked for.
    fn keys(self) -> impl Iterator<Item = u32> {
        let mut random = SmallRng::seed_from_u64(SEED);
        let (count, exponent) = match self {
            Self::Small | Self::Once => (300_000.0, 0.9),
            Self::Large => (200_000.0, 1.0),
            Self::Shift => (150_000.0, 0.8),
        };
        let popular = Zipf::new(count, exponent).expect("a law of popularity");
        (0..REQUESTS).map(move |number| {
            let key = popular.sample(&mut random) as u32;
            let third = number / (REQUESTS / 3).max(1);
            match self {
                Self::Once if random.random_bool(0.5) => 1 << 30 | number,
                Self::Shift if third == 1 => 1 << 29 | key,
                Self::Shift if third > 1 => u32::from(random.random_bool(0.5)) << 29 | key,
                _ => key,
            }
        })
    }

    /// A key always has a value of the same size.
    fn value_len(self, key: u32) -> usize {
        let (middle, spread) = match self {
            Self::Small | Self::Once => (136.0_f64, 1.2),
            Self::Large => (1480.0, 1.0),
            Self::Shift if key >> 29 == 0 => (106.0, 0.2),
            Self::Shift => (890.0, 0.2),
        };
        let sizes = LogNormal::new(middle.ln(), spread).expect("a law of sizes");
        let size = sizes.sample(&mut SmallRng::seed_from_u64(key.into()));
        size.clamp(1.0, 500_000.0) as usize
    }
}

/// How much was missed: requests, and bytes of their values.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Misses {
    pub requests: u64,
    pub bytes: u64,
}

impl Misses {
    pub const fn add(&mut self, value_len: usize) {
        self.requests += 1;
        self.bytes += value_len as u64;
    }

    /// As shares of these, which are all.
    fn share(self, all: Self) -> String {
        let share = |part: u64, all: u64| part as f64 / all as f64;
        let (requests, bytes) = (
            share(self.requests, all.requests),
            share(self.bytes, all.bytes),
        );
        format!("{requests:.4} {bytes:.4}")
    }
}

/// Prints a row for each scene and memory.
pub fn print(server: &Path) -> io::Result<()> {
    head(server);
    let policies = ["lru", "s3lru", "density", "density-full"];
    let ours = policies.map(|policy| (Kind::DynamiDb("tokio"), format!("--policy {policy}")));
    let servers = [&ours[..], &[(Kind::Memcached, String::new())]].concat();
    let installed = Kind::all();
    let names = policies.join(" | ");
    println!("Each cell: misses by requests, and by bytes.\n");
    println!("| load | MiB | {names} | memcached | Belady | RSS of the servers, MiB |");
    println!("|{}", "---|".repeat(policies.len() + 5));
    for (scene, name) in Scene::ALL {
        let mut all = Misses::default();
        scene.keys().for_each(|key| all.add(scene.value_len(key)));
        for memory in MEMORY {
            let mut cells = Vec::new();
            let mut resident = Vec::new();
            for (kind, more) in &servers {
                if !installed.contains(kind) {
                    cells.push("-".into());
                    continue;
                }
                let options = Options {
                    memory,
                    pinned: false,
                    more: more.clone(),
                    ..Options::default()
                };
                let peer = Peer::start(kind, server, &options)?;
                cells.push(play(&peer, scene)?.share(all));
                resident.push((peer.resident()? / 1024).to_string());
            }
            let keys: Vec<u32> = scene.keys().collect();
            let bound = belady::misses(&keys, |key| scene.value_len(key), KEY_LEN, memory << 20);
            cells.push(bound.share(all));
            let (cells, resident) = (cells.join(" | "), resident.join(", "));
            println!("| {name} | {memory} | {cells} | {resident} |");
        }
    }
    Ok(())
}

/// Asks for everything and stores what is not there; returns how much that was.
fn play(peer: &Peer, scene: Scene) -> io::Result<Misses> {
    let mut socket = BufReader::with_capacity(1 << 18, TcpStream::connect(peer.endpoint.address)?);
    socket.get_ref().set_nodelay(true)?;
    let value = vec![b'v'; 500_000];
    let mut keys = scene.keys();
    let mut misses = Misses::default();
    loop {
        let batch: Vec<u32> = keys.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            return Ok(misses);
        }
        // As if requests came one by one: what misses is there when it is asked for again.
        let mut absent: Vec<u32> = Vec::new();
        let mut known = HashSet::new();
        let found = ask(&mut socket, &batch)?;
        for (key, found) in batch.into_iter().zip(found) {
            if !found && known.insert(key) {
                misses.add(scene.value_len(key));
                absent.push(key);
            }
        }
        store(&mut socket, scene, &absent, &value)?;
    }
}

/// Which of the keys are there.
fn ask(socket: &mut BufReader<TcpStream>, keys: &[u32]) -> io::Result<Vec<bool>> {
    let mut out = Vec::new();
    for key in keys {
        write!(out, "get key:{key:012}\r\n")?;
    }
    socket.get_mut().write_all(&out)?;
    keys.iter().map(|_| hear(socket)).collect()
}

/// Whether a reply to a `get` has a value.
fn hear(socket: &mut BufReader<TcpStream>) -> io::Result<bool> {
    let mut line = String::new();
    socket.read_line(&mut line)?;
    if line == "END\r\n" {
        return Ok(false);
    }
    let len = line
        .trim_end()
        .rsplit(' ')
        .next()
        .and_then(|len| len.parse::<u64>().ok());
    let len = len.ok_or_else(|| io::Error::other(format!("a get is answered by {line}")))?;
    io::copy(&mut socket.by_ref().take(len + 7), &mut io::sink())?;
    Ok(true)
}

fn store(
    socket: &mut BufReader<TcpStream>,
    scene: Scene,
    keys: &[u32],
    value: &[u8],
) -> io::Result<()> {
    let mut out = Vec::new();
    for &key in keys {
        let len = scene.value_len(key);
        write!(out, "set key:{key:012} 0 0 {len}\r\n")?;
        out.extend_from_slice(&value[..len]);
        out.extend_from_slice(b"\r\n");
    }
    socket.get_mut().write_all(&out)?;
    for _ in keys {
        let mut line = String::new();
        socket.read_line(&mut line)?;
        // memcached may refuse one although it could evict something; that is a miss the next time.
        if !matches!(&*line, "STORED\r\n") && !line.starts_with("SERVER_ERROR out of memory") {
            return Err(io::Error::other(format!("a set is answered by {line}")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_keys_and_sizes_come_every_time() {
        for (scene, _) in Scene::ALL {
            let keys: Vec<_> = scene.keys().take(1000).collect();
            assert!(keys.iter().copied().eq(scene.keys().take(1000)));
            assert_eq!(scene.value_len(keys[7]), scene.value_len(keys[7]));
        }
    }

    #[test]
    fn values_are_as_large_as_the_table_says() {
        let mean = |scene: Scene| {
            let lens = (0..20_000).map(|key| scene.value_len(key) as f64);
            lens.sum::<f64>() / 20_000.0
        };
        assert!((260.0..300.0).contains(&mean(Scene::Small)));
        assert!((2300.0..2560.0).contains(&mean(Scene::Large)));
        assert!((100.0..115.0).contains(&mean(Scene::Shift)));
    }
}
