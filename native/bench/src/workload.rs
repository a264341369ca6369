//! What is asked for: which keys, how often, how large, how many at once.

use std::fmt::Write as _;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use rand_distr::{Distribution, Zipf};

use crate::packet;
use crate::peer::Dialect;

/// A kind of load.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// How many keys there are. All have 16 bytes.
    pub keys: u32,
    pub value_len: usize,
    /// The exponent of Zipf's law, or `None` if all keys are equally popular.
    pub zipf: Option<f64>,
    /// The share of requests that store.
    pub sets: f64,
    pub keys_per_get: usize,
    pub connections: usize,
    /// Requests that a connection sends without waiting for replies.
    pub pipeline: usize,
    /// In memcached's binary protocol, where several keys are a batch of quiet gets.
    pub packets: bool,
    pub tls: bool,
}

impl Workload {
    /// Single gets of small items.
    pub const GET: Self = Self {
        keys: 1_000_000,
        value_len: 64,
        zipf: None,
        sets: 0.0,
        keys_per_get: 1,
        connections: 50,
        pipeline: 1,
        packets: false,
        tls: false,
    };
}

/// Writes one request after the other.
pub struct Requests {
    workload: Workload,
    dialect: Dialect,
    zipf: Option<Zipf<f64>>,
    random: SmallRng,
    value: Vec<u8>,
    key: String,
}

impl Requests {
    pub fn new(workload: &Workload, dialect: Dialect, seed: u64) -> Self {
        let law = |exponent| Zipf::new(f64::from(workload.keys), exponent).expect("a law");
        Self {
            workload: *workload,
            dialect,
            zipf: workload.zipf.map(law),
            random: SmallRng::seed_from_u64(seed),
            value: vec![b'v'; workload.value_len],
            key: String::new(),
        }
    }

    /// Appends the next request.
    pub fn push(&mut self, out: &mut Vec<u8>) {
        if self.workload.sets > 0.0 && self.random.random_bool(self.workload.sets) {
            let number = self.number();
            self.push_set(number, out);
            return;
        }
        let count = self.workload.keys_per_get;
        match self.dialect {
            Dialect::Memcached => out.extend_from_slice(b"get"),
            Dialect::Packets => {}
            Dialect::Redis if count == 1 => out.extend_from_slice(b"*2\r\n$3\r\nGET\r\n"),
            Dialect::Redis => {
                out.extend_from_slice(format!("*{}\r\n$4\r\nMGET\r\n", count + 1).as_bytes());
            }
        }
        for _ in 0..count {
            let number = self.number();
            self.write_key(number);
            match self.dialect {
                Dialect::Memcached => {
                    out.push(b' ');
                    out.extend_from_slice(self.key.as_bytes());
                }
                Dialect::Packets => {
                    let opcode = if count == 1 {
                        packet::GET
                    } else {
                        packet::GETKQ
                    };
                    packet::push(out, opcode, &[], self.key.as_bytes(), &[]);
                }
                Dialect::Redis => {
                    out.extend_from_slice(b"$16\r\n");
                    out.extend_from_slice(self.key.as_bytes());
                    out.extend_from_slice(b"\r\n");
                }
            }
        }
        match self.dialect {
            Dialect::Memcached => out.extend_from_slice(b"\r\n"),
            Dialect::Packets if count > 1 => packet::push(out, packet::NOOP, &[], &[], &[]),
            _ => {}
        }
    }

    /// Appends a store of the key with this number.
    pub fn push_set(&mut self, number: u32, out: &mut Vec<u8>) {
        self.write_key(number);
        let (key, len) = (&self.key, self.value.len());
        let head = match self.dialect {
            Dialect::Memcached => format!("set {key} 0 0 {len}\r\n"),
            Dialect::Packets => {
                packet::push(out, packet::SET, &[0; 8], key.as_bytes(), &self.value);
                return;
            }
            Dialect::Redis => format!("*3\r\n$3\r\nSET\r\n$16\r\n{key}\r\n${len}\r\n"),
        };
        out.extend_from_slice(head.as_bytes());
        out.extend_from_slice(&self.value);
        out.extend_from_slice(b"\r\n");
    }

    fn number(&mut self) -> u32 {
        let keys = self.workload.keys;
        let Some(zipf) = &self.zipf else {
            return self.random.random_range(0..keys);
        };
        // Popular keys are not neighbours in memory. The factor is a prime.
        let rank = zipf.sample(&mut self.random) as u64 - 1;
        u32::try_from(rank * 2_654_435_761 % u64::from(keys)).expect("less than the keys")
    }

    fn write_key(&mut self, number: u32) {
        self.key.clear();
        write!(self.key, "key:{number:012}").expect("memory");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_as_each_dialect_writes_them() {
        let mut workload = Workload::GET;
        (workload.keys, workload.value_len) = (1, 3);
        for (dialect, sets, keys_per_get, expected) in [
            (Dialect::Memcached, 0.0, 1, "get key:000000000000\r\n"),
            (
                Dialect::Memcached,
                0.0,
                2,
                "get key:000000000000 key:000000000000\r\n",
            ),
            (
                Dialect::Memcached,
                1.0,
                1,
                "set key:000000000000 0 0 3\r\nvvv\r\n",
            ),
            (
                Dialect::Redis,
                0.0,
                1,
                "*2\r\n$3\r\nGET\r\n$16\r\nkey:000000000000\r\n",
            ),
            (
                Dialect::Redis,
                1.0,
                1,
                "*3\r\n$3\r\nSET\r\n$16\r\nkey:000000000000\r\n$3\r\nvvv\r\n",
            ),
        ] {
            (workload.sets, workload.keys_per_get) = (sets, keys_per_get);
            let mut out = Vec::new();
            Requests::new(&workload, dialect, 0).push(&mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }

    #[test]
    fn packets_are_gets_stores_and_batches_that_a_noop_ends() {
        let mut workload = Workload::GET;
        (workload.keys, workload.value_len) = (1, 3);
        for (sets, keys_per_get, opcodes, len) in [
            (0.0, 1, &[0x00][..], 24 + 16),
            (0.0, 2, &[0x0d, 0x0d, 0x0a], 3 * 24 + 2 * 16),
            (1.0, 1, &[0x01], 24 + 8 + 16 + 3),
        ] {
            (workload.sets, workload.keys_per_get) = (sets, keys_per_get);
            let mut out = Vec::new();
            Requests::new(&workload, Dialect::Packets, 0).push(&mut out);
            assert_eq!(out.len(), len);
            let starts = (0..out.len()).filter(|&at| out[at] == 0x80);
            assert!(starts.map(|at| out[at + 1]).eq(opcodes.iter().copied()));
        }
    }

    #[test]
    fn zipf_makes_the_first_key_as_popular_as_the_law_says() {
        let mut workload = Workload::GET;
        (workload.keys, workload.zipf) = (1000, Some(0.99));
        let mut requests = Requests::new(&workload, Dialect::Memcached, 1);
        let draws = 200_000;
        let first = (0..draws).filter(|_| requests.number() == 0).count();
        let all: f64 = (1..=1000).map(|rank| f64::from(rank).powf(-0.99)).sum();
        let expected = f64::from(draws) / all;
        assert!(
            (first as f64 / expected - 1.0).abs() < 0.03,
            "{first} {expected}"
        );
    }
}
