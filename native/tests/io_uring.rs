//! io_uring: asked for, refused by the system, and with clients that vanish.

#![cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
// A failed test panics with the reason.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use dynamidb::RuntimeName;
use nix::libc;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};
use socket2::SockRef;
use support::{Client, Process, on_each_runtime, run};

/// Whether this system has io_uring. If not, the tests fail unless `IO_URING=absent` admits it.
fn is_present() -> bool {
    let server = Process::start(RuntimeName::DEFAULT, "");
    let log = server.log.join("\n");
    if log.contains("io_uring: yes") {
        return true;
    }
    let admitted = std::env::var_os("IO_URING").is_some_and(|value| value == "absent");
    assert!(admitted, "{log}\nif that is right, set IO_URING=absent");
    eprintln!("not tested: {log}");
    false
}

/// Runs something in a thread whose child processes are refused a call of the system, as in a
/// container.
fn without<T: Send>(call: libc::c_long, run: impl FnOnce() -> T + Send) -> T {
    let filter = SeccompFilter::new(
        BTreeMap::from([(call, Vec::new())]),
        SeccompAction::Allow,
        SeccompAction::Errno(libc::EPERM as u32),
        std::env::consts::ARCH.try_into().unwrap(),
    );
    let filter: BpfProgram = filter.unwrap().try_into().unwrap();
    thread::scope(|scope| {
        let thread = scope.spawn(move || {
            apply_filter(&filter).unwrap();
            run()
        });
        thread.join().unwrap()
    })
}

#[test]
fn where_the_system_refuses_io_uring_auto_starts_without_it_and_on_does_not_start() {
    for call in [libc::SYS_io_uring_setup, libc::SYS_io_uring_enter] {
        let server = without(call, || Process::start(RuntimeName::DEFAULT, ""));
        let reasons = server
            .log
            .iter()
            .filter(|line| line.contains("no io_uring"));
        assert_eq!(reasons.count(), 1, "{:#?}", server.log);
        assert!(server.log.join("\n").contains("io_uring: no"));
        let mut client = server.connect();
        client.ask("get k\r\n", "END\r\n");
        assert_eq!(client.stat("io_uring_threads"), 0);
        server.stop();

        let output = without(call, || run("--io-uring on -l 127.0.0.1 -p 0"));
        assert_eq!(output.status.code(), Some(1));
        let log = String::from_utf8(output.stderr).unwrap();
        assert!(log.contains("error: cannot use io_uring: "), "{log}");
    }
}

#[test]
fn stats_say_how_many_threads_use_it() {
    if !is_present() {
        return;
    }
    for (words, setting, threads) in [
        ("-t 3", "auto", 3),
        ("-t 2 --io-uring on", "on", 2),
        ("-t 2 --io-uring off", "off", 0),
    ] {
        on_each_runtime(words, |server| {
            let mut client = server.connect();
            client.await_stat("io_uring_threads", |count| count == threads);
            client.say("stats settings\r\nquit\r\n");
            let settings = String::from_utf8(client.rest()).unwrap();
            let line = format!("STAT io_uring {setting}\r\n");
            assert!(settings.contains(&line), "{settings}");
            server.stop();
        });
    }
}

/// A value that only this key has.
fn value(client: usize, round: usize) -> Vec<u8> {
    format!("{client}.{round} ")
        .repeat(1 + (client * 31 + round * 17) % 300)
        .into_bytes()
}

/// Stores and reads values over many connections at a time, each of which has its own keys.
fn check_replies(address: SocketAddr, numbers: std::ops::Range<usize>, rounds: usize) {
    let mut clients: Vec<_> = numbers
        .map(|number| (number, Client::connect(address)))
        .collect();
    for round in 0..rounds {
        // All requests are on their way before a reply is read.
        for (number, client) in &mut clients {
            let value = value(*number, round);
            let head = format!("set key{number} 0 0 {}\r\n", value.len());
            client.say([head.as_bytes(), &value, b"\r\n"].concat());
        }
        for (_, client) in &mut clients {
            client.must_hear("STORED\r\n");
        }
        for (number, client) in &mut clients {
            client.say(format!("get key{number}\r\n"));
        }
        for (number, client) in &mut clients {
            let value = value(*number, round);
            let head = format!("VALUE key{number} 0 {}\r\n", value.len());
            client.must_hear([head.as_bytes(), &value, b"\r\nEND\r\n"].concat());
        }
    }
}

/// Comes again and again, sends something, and vanishes without reading.
fn vanish(address: SocketAddr, seed: u64, end: &AtomicBool) {
    let mut random = fastrand::Rng::with_seed(seed);
    while !end.load(Ordering::Relaxed) {
        let Ok(mut socket) = TcpStream::connect(address) else {
            continue;
        };
        socket
            .set_write_timeout(Some(Duration::from_millis(100)))
            .unwrap();
        let requests: &[u8] = match random.usize(0..4) {
            0 => b"get large\r\n",
            1 => b"set half 0 0 1000\r\nhalf of it",
            2 => &b"get key1 key2 key3\r\n".repeat(2000),
            _ => b"get",
        };
        // The server may be slower.
        let _ = socket.write_all(requests);
        if random.bool() {
            // A reset.
            SockRef::from(&socket)
                .set_linger(Some(Duration::ZERO))
                .unwrap();
        }
    }
}

#[test]
fn clients_that_vanish_in_the_middle_of_an_operation_harm_no_others() {
    const CLIENTS: usize = 96;
    const THREADS: usize = 4;
    if !is_present() {
        return;
    }
    on_each_runtime("-m 64 -t 2 -c 1000 --io-uring on", |server| {
        let mut observer = server.connect();
        let large = "x".repeat(500_000);
        observer.ask(format!("set large 0 0 500000\r\n{large}\r\n"), "STORED\r\n");
        let end = AtomicBool::new(false);
        let address = server.address;
        thread::scope(|scope| {
            let vanishing: Vec<_> = (0..4)
                .map(|seed| {
                    scope.spawn({
                        let end = &end;
                        move || vanish(address, seed, end)
                    })
                })
                .collect();
            let share = CLIENTS / THREADS;
            let checking: Vec<_> = (0..THREADS)
                .map(|number| {
                    let numbers = number * share..(number + 1) * share;
                    scope.spawn(move || check_replies(address, numbers, 100))
                })
                .collect();
            let checked = checking.into_iter().map(|thread| thread.join().is_ok());
            let checked: Vec<_> = checked.collect();
            end.store(true, Ordering::Relaxed);
            for thread in vanishing {
                thread.join().unwrap();
            }
            assert_eq!(checked, [true; THREADS]);
        });
        observer.await_stat("curr_connections", |count| count <= 2);
        observer.await_stat("buffered", |size| size == 0);
        assert_eq!(observer.stat("io_uring_threads"), 2);
        server.stop();
    });
}
