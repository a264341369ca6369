//! The memory of the binary where the system limits it. `ulimit` of a shell sets the limits.

// A failed test panics with the reason.
#![allow(clippy::unwrap_used)]
#![cfg(target_os = "linux")]

mod support;

use std::fs;
use std::process::{Command, Stdio};

use support::{Client, Process};

/// 4.2 GiB: above what a server needs, and below what one shard can be enlarged to and more.
const BELOW_TWO_SHARDS: &str = "4404019";
/// 8.25 GiB.
const ABOVE_TWO_SHARDS: &str = "8650752";

/// The binary with a limit in KiB: `-v` of addresses, `-d` of private memory.
fn limited(limit: &str, kibibytes: &str, words: &str) -> Command {
    let mut command = Command::new("sh");
    command.args([
        "-c",
        r#"ulimit "$0" "$1" && shift && exec "$@""#,
        limit,
        kibibytes,
    ]);
    let server = support::command();
    command.arg(server.get_program());
    command.args(["-l", "127.0.0.1", "-p", "0"]);
    command.args(words.split_whitespace());
    for (name, value) in server.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

fn store(client: &mut Client, key: &str, len: usize) {
    let value = "v".repeat(len);
    client.ask(format!("set {key} 0 0 {len}\r\n{value}\r\n"), "STORED\r\n");
}

#[test]
fn an_address_space_limit_below_what_shards_can_grow_to_does_not_stop_the_start() {
    for limit in ["-v", "-d"] {
        for words in ["", "-m 64 -t 4", "-m 1024", "-m 1024 -t 64", "-m 3500 -t 2"] {
            let server = Process::spawn(&mut limited(limit, BELOW_TWO_SHARDS, words));
            let mut client = server.connect();
            store(&mut client, "k", 10_000);
            client.ask("get none\r\n", "END\r\n");
            server.stop();
        }
    }
}

#[test]
fn an_address_space_limit_leaves_memory_for_the_buffers_of_many_clients() {
    for limit in ["-v", "-d"] {
        let command = &mut limited(limit, ABOVE_TWO_SHARDS, "-m 64 -t 4 --stall-timeout 0");
        let server = Process::spawn(command);
        let half = "v".repeat(1_000_000);
        // All that is kept for half-sent requests, and more.
        let clients: Vec<_> = (0..300)
            .map(|_| {
                let mut client = server.connect();
                client.say(format!("set k 0 0 1000001\r\n{half}"));
                client
            })
            .collect();
        let mut client = server.connect();
        client.await_stat("buffered", |bytes| bytes > 200 << 20);
        drop(clients);
        client.await_stat("buffered", |bytes| bytes == 0);
        store(&mut client, "k", 10_000);
        server.stop();
    }
}

#[test]
fn a_budget_that_cannot_be_mapped_is_refused_and_the_old_one_stays() {
    for limit in ["-v", "-d"] {
        let server = Process::spawn(&mut limited(limit, BELOW_TWO_SHARDS, "-m 64 -t 2"));
        let mut client = server.connect();
        for number in 0..1000 {
            store(&mut client, &format!("k{number}"), 10_000);
        }
        let size = || {
            let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
            let line = status.lines().find_map(|line| line.strip_prefix("VmSize:"));
            let kibibytes = line.unwrap().trim().trim_end_matches(" kB");
            kibibytes.parse::<u64>().unwrap() / 1024
        };
        let before = size();
        for megabytes in [4000, 100_000] {
            let refusal = "MEMLIMIT_ADJUST_FAILED out of bounds or unable to adjust\r\n";
            client.ask(format!("cache_memlimit {megabytes}\r\n"), refusal);
            assert_eq!(client.stat("limit_maxbytes"), 64 << 20);
            // What some shards got before another did not is given back.
            assert!(size() < before + 300, "{} MiB, before {before}", size());
        }
        client.ask("cache_memlimit 1024\r\n", "OK\r\n");
        assert_eq!(client.stat("limit_maxbytes"), 1 << 30);
        for number in 1000..20_000 {
            store(&mut client, &format!("k{number}"), 10_000);
        }
        assert_eq!(client.stat("curr_items"), 20_000);
        let value = "v".repeat(10_000);
        client.ask(
            "get k0\r\n",
            format!("VALUE k0 0 10000\r\n{value}\r\nEND\r\n"),
        );
        let log = server.stop();
        assert!(
            log.iter()
                .any(|line| line.contains("the memory limit is unchanged")),
            "{log:?}"
        );
    }
}

#[test]
fn a_budget_that_leaves_no_memory_for_clients_is_an_error_at_the_start() {
    for (limit, words) in [
        ("-v", "-m 4200"),
        ("-d", "-m 4200"),
        ("-v", "-m 100000 -t 64"),
    ] {
        let mut command = limited(limit, BELOW_TWO_SHARDS, words);
        let output = command.stdin(Stdio::null()).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{words}: {text}");
        assert!(
            text.starts_with("error: ") && text.lines().count() == 1,
            "{text}"
        );
    }
}

#[test]
fn a_budget_above_the_machines_memory_logs_a_warning_with_both_figures() {
    let text = fs::read_to_string("/proc/meminfo").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let total: u64 = line
        .unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap();
    let megabytes = total / 1024 + 1000;
    if megabytes > 256 << 10 {
        // No server can be given more than that.
        return;
    }
    let start = |megabytes: u64| {
        let mut command = support::command();
        command.args(["-l", "127.0.0.1", "-p", "0", "-t", "64"]);
        command.args(["-m", &megabytes.to_string()]);
        Process::spawn(&mut command)
    };
    let is_warned = |line: &&String| line.contains("may kill this process");
    let server = start(megabytes);
    let warning = server.log.iter().find(is_warned).unwrap();
    assert!(
        warning.contains(&format!("memory {megabytes}m ")),
        "{warning}"
    );
    // A cgroup may be tighter than the machine.
    let limit = warning.split("more than the ").nth(1).unwrap();
    assert!(
        limit.starts_with(|digit: char| digit.is_ascii_digit()),
        "{warning}"
    );
    server.stop();
    let server = start(256);
    assert_eq!(server.log.iter().find(is_warned), None);
    let mut client = server.connect();
    client.ask(format!("cache_memlimit {megabytes}\r\n"), "OK\r\n");
    let log = server.stop();
    assert!(log.iter().any(|line| is_warned(&line)), "{log:?}");
}

#[test]
fn addresses_reserved_for_growth_are_in_no_core_file() {
    let mut command = support::command();
    command.args(["-l", "127.0.0.1", "-p", "0", "-m", "64", "-t", "2"]);
    let server = Process::spawn(&mut command);
    let dumped = || {
        let text = fs::read_to_string(format!("/proc/{}/smaps", server.pid())).unwrap();
        let mut size = 0;
        let mut sum = 0;
        for line in text.lines() {
            match line.split_once(':') {
                Some(("Size", text)) => {
                    size = text.trim().trim_end_matches(" kB").parse().unwrap();
                }
                // `dd` stands for "do not dump".
                Some(("VmFlags", flags)) if flags.split(' ').all(|flag| flag != "dd") => {
                    sum += size;
                }
                _ => {}
            }
        }
        sum / 1024
    };
    // Stacks and the heaps of threads among it.
    let before: u64 = dumped();
    assert!(before < 2000, "{before} MiB");
    let mut client = server.connect();
    client.ask("cache_memlimit 4096\r\n", "OK\r\n");
    let after = dumped();
    assert!((4000..8000).contains(&after), "{after} MiB");
    server.stop();
}
