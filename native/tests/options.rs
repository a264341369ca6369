//! The binary's command line, environment, log and exit status.

// A failed test panics with the reason.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};

use dynamidb::RuntimeName;
use support::{Client, Process, command, run};

#[test]
fn help_is_grouped_and_complete() {
    let output = run("--help");
    assert_eq!(output.status.code(), Some(0));
    let help = String::from_utf8(output.stdout).unwrap();
    for heading in [
        "Usage: dynamidb",
        "\nNetwork:\n",
        "\nMemory:\n",
        "\nProcess:\n",
    ] {
        assert!(help.contains(heading), "{heading} is missing in\n{help}");
    }
    for (option, about) in [
        ("-p, --port <PORT>", "[default: 11212]"),
        ("-l, --listen <ADDRESSES>", "[default: 127.0.0.1"),
        ("-c, --max-connections <COUNT>", "[default: 10000"),
        ("--stall-timeout <SECONDS>", "[default: 30]"),
        ("--admin <HOST:PORT>", "[default: 127.0.0.1:11280"),
        ("--slow-log <MILLISECONDS>", "from readable to written"),
        (
            "--dialect <NAME>",
            "[possible values: auto, dynamidb, memcached]",
        ),
        ("--memcached-version <VERSION>", "[default: 1.6.45]"),
        ("-m, --memory <SIZE>", "[default: 64]"),
        ("--max-items <COUNT>", "[default: 1000"),
        ("-I, --max-item-size <SIZE>", "[default: 1m]"),
        (
            "--slab-sizes <SIZES>",
            "[default: 64,128,256,1024,4096; with --memory",
        ),
        (
            "-f, --slab-growth <FACTOR>",
            "memcached's options -f and -n",
        ),
        ("-n, --slab-min <BYTES>", "[default: 48]"),
        (
            "--policy <NAME>",
            "[possible values: lru, s3lru, density, density-full]",
        ),
        ("--lru-bump <NAME>", "[possible values: strict, lazy]"),
        (
            "-t, --threads <COUNT>",
            "[default: one for each processor, at most 4]",
        ),
        ("--state <FILE>", "written at a stop"),
        ("--runtime <NAME>", "[default: "),
        ("--io-uring <WHEN>", "[possible values: auto, on, off]"),
        (
            "-v, --verbose",
            "Log each connection that opens or ends, too",
        ),
    ] {
        let (_, rest) = help
            .split_once(option)
            .unwrap_or_else(|| panic!("{option}\n{help}"));
        let text = rest
            .split("\n  -")
            .next()
            .unwrap()
            .split("\n      --")
            .next()
            .unwrap();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(about), "{option}: {text}");
        if !option.contains("verbose") {
            assert!(text.contains("[env: DYNAMIDB_"), "{option}: {text}");
        }
    }
}

#[test]
fn the_version_is_the_package_s() {
    for flag in ["-V", "--version"] {
        let expected = format!("dynamidb {}\n", env!("CARGO_PKG_VERSION"));
        assert_eq!(String::from_utf8(run(flag).stdout).unwrap(), expected);
    }
}

#[test]
fn a_wrong_command_line_is_reported_in_one_line_with_status_2() {
    for (words, named) in [
        ("--nonsense", "--nonsense"),
        ("stray", "stray"),
        ("-p", "--port"),
        ("-p 70000", "--port"),
        ("-c 0", "--max-connections"),
        ("-c -1", "--max-connections"),
        ("-c 4294967295", "--max-connections"),
        ("-t 0", "--threads"),
        ("-t 65", "--threads"),
        ("-m 0", "--memory"),
        ("-m 1k", "--memory"),
        ("-m lots", "--memory"),
        ("-I 1000", "--max-item-size"),
        ("-I 1023", "--max-item-size"),
        ("-I 17m -m 1024", "--max-item-size"),
        ("-I 33m", "--max-item-size"),
        ("-m 4 -I 3m", "--max-item-size"),
        ("--max-items 0", "--max-items"),
        ("--slab-sizes 65", "--slab-sizes"),
        ("--slab-sizes 16", "--slab-sizes"),
        ("--slab-sizes 65552", "--slab-sizes"),
        ("--slab-sizes 128,64", "--slab-sizes"),
        ("--slab-sizes 64,64", "--slab-sizes"),
        ("--dialect redis", "--dialect"),
        ("--runtime none", "--runtime"),
        ("-l :11212", "--listen"),
        ("-d", "--daemon"),
        ("-U 11211", "--udp-port"),
        ("-o nonsense", "--extended"),
        ("-o slab_automove=9", "slab_automove"),
        ("-o modern,ssl_ciphers=x", "ssl_ciphers"),
        ("-B http", "--protocol"),
        ("-S", "--enable-sasl"),
        ("-S --sasl-pwdb /etc/passwd -B ascii", "--enable-sasl"),
        ("-S --sasl-pwdb /etc/passwd -B auto", "--enable-sasl"),
        ("-S --sasl-pwdb /no/such/file", "--sasl-pwdb"),
        ("-Z", "--enable-ssl"),
        ("-e /mnt/file", "--memory-file"),
        ("-a 778", "--unix-mask"),
        ("-a 1000", "--unix-mask"),
        ("-N 4", "--napi-ids"),
        ("-D ab", "--stat-prefix"),
    ] {
        let output = run(words);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{words}: {said}");
        assert_eq!(said.lines().count(), 1, "{words}: {said}");
        assert!(
            said.starts_with("error: ") && said.contains(named),
            "{words}: {said}"
        );
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_port_in_use_is_reported_in_one_line_with_status_1() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    for words in [format!("-l {address}"), format!("-p {}", address.port())] {
        let output = run(&words);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{words}: {said}");
        let expected = format!("error: cannot listen on {address}: ");
        assert!(
            said.starts_with(&expected) && said.lines().count() == 1,
            "{words}: {said}"
        );
    }
}

#[test]
fn a_port_is_not_shared_with_another_server() {
    let server = Process::start(RuntimeName::DEFAULT, "");
    let output = run(&format!("-l {}", server.address));
    assert_eq!(output.status.code(), Some(1));
    server.stop();
}

#[test]
fn an_address_of_another_host_is_an_error_with_status_1() {
    for address in ["192.0.2.77:0", "no-such-host.invalid:0"] {
        let output = run(&format!("-l {address}"));
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.starts_with(&format!("error: cannot listen on {address}: ")),
            "{said}"
        );
    }
}

/// A name that `/etc/hosts` has twice is asked for once, and `::1` is optional there.
#[test]
fn a_repeated_address_is_bound_once() {
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let words = format!(
        "-p {} -l 127.0.0.1,127.0.0.1 -l {free} -l localhost",
        free.port()
    );
    let server = Process::spawn(command().args(words.split(' ')));
    let log = server.log.join("\n");
    let expected = format!("listening on {free}");
    assert_eq!(log.matches(&expected).count(), 1, "{log}");
    server.stop();
}

#[test]
fn a_link_local_address_with_zone_is_bound() {
    let output = run("-l fe80::1%no-such-link");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let expected = "error: cannot listen on [fe80::1%no-such-link]:11212: ";
    assert!(said.starts_with(expected), "{said}");
}

#[test]
fn the_start_is_logged_with_addresses_limits_and_an_example() {
    let mut command = command();
    command.args("-p 0 -t 3 -m 8 --max-items 7 -I 2m -c 9 --slab-sizes 96,512".split(' '));
    let server = Process::spawn(&mut command);
    let log = server.log.join("\n");
    let port = server.address.port();
    for expected in [
        format!("listening on 127.0.0.1:{port}"),
        "memory 8m, 7 items of up to 2m, slab sizes [96, 512], 9 connections".into(),
        format!("runtime {}, threads: 3, shards: 1", RuntimeName::DEFAULT),
        format!(r"try: printf 'SET key1 30 5\r\nhello\r\nQUIT\r\n' | nc 127.0.0.1 {port}"),
    ] {
        assert!(log.contains(&expected), "{expected} is missing in\n{log}");
    }
    // Where the host has IPv6 it is on the same port.
    if TcpListener::bind("[::1]:0").is_ok() {
        assert!(log.contains(&format!("listening on [::1]:{port}")), "{log}");
        let v6 = Client::connect(([0, 0, 0, 0, 0, 0, 0, 1], port).into());
        assert_eq!(v6.converse("version\r\n"), "VERSION 1.6.45\r\n");
    }
    server.stop();
}

/// Whether a process may lock memory without limit; if not, the server has to report it.
fn may_lock_memory() -> bool {
    let mut command = command();
    let command = command.args(["-k", "-p", "0", "-m", "64", "-t", "1"]);
    let mut server = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    let mut stderr = server.stderr.take().unwrap();
    while !said.contains("try: ") {
        let mut buffer = [0; 4096];
        let len = stderr.read(&mut buffer).unwrap();
        if len == 0 {
            assert!(said.contains("error: cannot lock the memory: "), "{said}");
            assert_eq!(server.wait().unwrap().code(), Some(1));
            return false;
        }
        said.push_str(std::str::from_utf8(&buffer[..len]).unwrap());
    }
    server.kill().unwrap();
    server.wait().unwrap();
    true
}

#[test]
fn locked_memory_is_resident_and_cannot_grow() {
    if !may_lock_memory() {
        return;
    }
    let server = Process::start(RuntimeName::DEFAULT, "-k -m 64 -t 2");
    let resident = server.resident();
    assert!((64 << 10..256 << 10).contains(&resident), "{resident} KiB");
    let mut client = server.connect();
    client.ask("cache_memlimit 32\r\n", "OK\r\n");
    client.ask("cache_memlimit 64\r\n", "OK\r\n");
    client.say("cache_memlimit 65\r\n");
    client.must_hear("MEMLIMIT_ADJUST_FAILED out of bounds or unable to adjust\r\n");
    let log = server.stop();
    let refusal = log.iter().find(|line| line.contains("memory limit"));
    let refusal = refusal.expect("the log says why");
    let limit = refusal.split("at most ").nth(1);
    assert_eq!(limit, Some("67108864 bytes"), "{refusal}");
}

#[test]
fn the_defaults_are_as_documented() {
    let server = Process::spawn(command().args(["-p", "0"]));
    let log = server.log.join("\n");
    let limits = "memory 64m, 1000 items of up to 1m, slab sizes [64, 128, 256, 1024, 4096]";
    assert!(log.contains(limits), "{log}");
    server.stop();
}

#[test]
fn environment_variables_set_options_and_the_command_line_wins() {
    let mut command = command();
    for (name, value) in [
        ("PORT", "0"),
        ("LISTEN", "127.0.0.1,127.0.0.1:0"),
        ("MAX_CONNECTIONS", "77"),
        ("STALL_TIMEOUT", "5"),
        ("DIALECT", "memcached"),
        ("MEMCACHED_VERSION", "1.2.3"),
        ("MEMORY", "16"),
        ("MAX_ITEMS", "5"),
        ("MAX_ITEM_SIZE", "512k"),
        ("SLAB_SIZES", "64,4096"),
        ("THREADS", "2"),
        ("RUNTIME", &RuntimeName::DEFAULT.to_string()),
        ("IO_URING", "off"),
    ] {
        command.env(format!("DYNAMIDB_{name}"), value);
    }
    let server = Process::spawn(command.args(["--max-items", "6"]));
    let log = server.log.join("\n");
    for expected in [
        "memory 16m, 6 items of up to 512k, slab sizes [64, 4096], 77 connections",
        "threads: 2",
        "io_uring: no",
    ] {
        assert!(log.contains(expected), "{expected} is missing in\n{log}");
    }
    assert_eq!(log.matches("listening on 127.0.0.1:").count(), 2, "{log}");
    let reply = server.connect().converse("version\r\nGET x\r\n");
    assert_eq!(reply, "VERSION 1.2.3\r\nERROR\r\n");
    server.stop();

    let output = command_with_variable("DYNAMIDB_PORT", "x");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("--port"));
}

#[test]
fn foreign_variables_do_not_stop_the_start() {
    let mut command = command();
    for (name, value) in [
        ("DYNAMIDB_SERVICE_HOST", "10.0.0.1"),
        ("DYNAMIDB_PORT", "tcp://10.0.0.1:11212"),
        ("DYNAMIDB_PORT_11212_TCP_ADDR", "10.0.0.1"),
        ("DYNAMIDB_MEMORY", ""),
        ("DYNAMIDB_DISABLE_CAS", "Yes"),
        ("DYNAMIDB_DISABLE_WATCH", "off"),
        ("DYNAMIDB_MAX_ITEM", "5"),
        ("MEMCACHED_PORT_FILENAME", ""),
    ] {
        command.env(name, value);
    }
    let server = Process::spawn(command.args(["-l", "127.0.0.1:0"]));
    let warnings: Vec<_> = server
        .log
        .iter()
        .filter(|line| line.starts_with("warning: "))
        .collect();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].contains("DYNAMIDB_MAX_ITEMS?"), "{warnings:?}");
    assert!(
        warnings[1].contains("DYNAMIDB_PORT is ignored"),
        "{warnings:?}"
    );
    let settings = server.connect().converse("stats settings\r\n");
    for line in ["cas_enabled no", "watch_enabled yes", "max_items 1000"] {
        let expected = format!("STAT {line}\r\n");
        assert!(settings.contains(&expected), "{line}: {settings}");
    }
    server.stop();
    for (name, value) in [
        ("DYNAMIDB_DISABLE_CAS", "maybe"),
        ("DYNAMIDB_THREADS", "65"),
        ("DYNAMIDB_MEMORY", "1k"),
    ] {
        let output = command_with_variable(name, value);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            (output.status.code(), said.lines().count()),
            (Some(2), 1),
            "{said}"
        );
        assert!(said.ends_with(&format!("(from {name})\n")), "{said}");
    }
}

fn command_with_variable(name: &str, value: &str) -> std::process::Output {
    command().env(name, value).output().unwrap()
}

#[test]
fn picked_ports_are_written_to_the_file_in_the_environment() {
    let file = std::env::temp_dir().join(format!("dynamidb-ports-{}", std::process::id()));
    let mut command = command();
    command.env("MEMCACHED_PORT_FILENAME", &file);
    let server = Process::spawn(command.args(["-p", "0", "-l", "127.0.0.1"]));
    assert_eq!(support::await_port(&file), server.address.port());
    server.stop();

    let mut command = support::command();
    command.env("MEMCACHED_PORT_FILENAME", "/no/such/folder/file");
    let output = command.args(["-p", "0"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("MEMCACHED_PORT_FILENAME"), "{said}");
}

#[test]
fn the_licence_can_be_printed() {
    let output = run("-i");
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("Apache License") && text.contains("MIT License"),
        "{text}"
    );
    // Also into a closed pipe.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = command().arg("-i").stdout(writer).status().unwrap();
    assert_eq!(status.code(), Some(0));
}

#[test]
fn options_of_memcached_start_scripts_are_accepted() {
    let words = "-u nobody -U 0 -o modern,relaxed_privileges,hashpower=20 -vv -t 2 -m 64 -c 1024";
    let server = Process::start(RuntimeName::DEFAULT, words);
    assert!(TcpStream::connect(server.address).is_ok());
    server.stop();
}

/// The output of `id` for a user.
fn id(words: &[&str]) -> String {
    let output = Command::new("id").args(words).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().into()
}

#[test]
fn dash_u_changes_the_user_of_root_only() {
    for &runtime in RuntimeName::ALL {
        let path = std::env::temp_dir().join(format!("dynamidb-{}-user", std::process::id()));
        let words = format!("-u nobody -t 3 -r -s {}", path.display());
        let server = Process::start(runtime, &words);
        let is_root = id(&["-u"]) == "0";
        let name: &[&str] = if is_root { &["nobody"] } else { &[] };
        let ids = [("Uid:", "-u"), ("Gid:", "-g")].map(|(line, flag)| {
            let id = id(&[&[flag], name].concat());
            format!("{line}\t{id}\t{id}\t{id}\t{id}")
        });
        server.connect().ask("version\r\n", "VERSION 1.6.45\r\n");
        let tasks = fs::read_dir(format!("/proc/{}/task", server.pid())).unwrap();
        let mut count = 0;
        for task in tasks.map(Result::unwrap) {
            let status = fs::read_to_string(task.path().join("status")).unwrap();
            for line in &ids {
                assert!(status.contains(line), "{line} in {status}");
            }
            if is_root {
                assert!(status.contains("CapPrm:\t0000000000000000"), "{status}");
                assert!(status.contains("CapEff:\t0000000000000000"), "{status}");
            }
            count += 1;
        }
        assert!(count >= 4, "{count}");
        let log = server.log.join("\n");
        assert_ne!(log.contains("-u nobody has no effect"), is_root, "{log}");
        let owner = fs::metadata(&path).unwrap().uid().to_string();
        assert_eq!(owner, id(&[&["-u"], name].concat()));
        server.stop();
    }
    if id(&["-u"]) == "0" {
        let output = run("-p 0 -u no-such-user");
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert_eq!(said, "error: -u/--user: there is no user no-such-user\n");
    }
}

#[test]
fn a_thread_that_cannot_start_is_reported_in_one_line_with_status_1() {
    for &runtime in RuntimeName::ALL {
        // The limit counts all processes of a user, and does not hold for root.
        let command = command();
        let server = command.get_program().to_owned();
        let limited = Command::new("prlimit")
            .arg("--nproc=1")
            .env("DYNAMIDB_ADMIN", "off")
            .arg(server)
            .args([
                "-u",
                "nobody",
                "-t",
                "3",
                "-l",
                "127.0.0.1:0",
                "--runtime",
                &runtime.to_string(),
            ])
            .output()
            .unwrap();
        let said = String::from_utf8(limited.stderr).unwrap();
        assert_eq!(limited.status.code(), Some(1), "{said}");
        let errors = said
            .lines()
            .filter(|line| line.starts_with("error: cannot serve: a thread cannot be started: "));
        assert_eq!(errors.count(), 1, "{said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}

#[test]
fn verbose_logs_connections() {
    for &runtime in RuntimeName::ALL {
        for (words, expected) in [("", 0), ("-v", 4), ("-vv", 4), ("-vvv", 4)] {
            let server = Process::start(runtime, words);
            let client = server.connect();
            let peer = client.socket.local_addr().unwrap();
            assert_eq!(client.converse("get k\r\nquit\r\n"), "END\r\n");
            // It ends once it has taken its time to say goodbye.
            let mut other = server.connect();
            other.await_stat("curr_connections", |count| count == 1);
            drop(other);
            let log = server.stop();
            let said: Vec<_> = log
                .iter()
                .filter(|line| line.contains("connection "))
                .collect();
            assert_eq!(said.len(), expected, "{words}: {log:#?}");
            if expected > 0 {
                let of_peer = |end| format!("connection 1 of {peer} {end}");
                assert!(said[0].ends_with(&of_peer("opens")), "{log:#?}");
                assert!(
                    said.iter().any(|line| line.ends_with(&of_peer("ends"))),
                    "{log:#?}"
                );
            }
            assert!(!log.iter().any(|line| line.contains("TRACE")), "{log:#?}");
        }
    }
}

#[test]
fn sigusr1_and_sigusr2_are_ignored() {
    for &runtime in RuntimeName::ALL {
        let server = Process::start(runtime, "");
        server.signal("USR1");
        server.signal("USR2");
        server.connect().ask("version\r\n", "VERSION 1.6.45\r\n");
        let log = server.stop().join("\n");
        for name in ["SIGUSR1", "SIGUSR2"] {
            assert!(log.contains(&format!("{name} is ignored")), "{log}");
        }
    }
}

#[test]
fn each_dialect_can_be_selected_alone() {
    for (dialect, reply) in [
        ("auto", "END\r\nEND\r\nVERSION 1.6.45\r\n"),
        ("dynamidb", "END\r\nEND\r\nERROR\r\n"),
        ("memcached", "ERROR\r\nEND\r\nVERSION 1.6.45\r\n"),
    ] {
        let server = Process::start(RuntimeName::DEFAULT, &format!("--dialect {dialect}"));
        let heard = server.connect().converse("GET k\r\nget k\r\nversion\r\n");
        assert_eq!(heard, reply, "{dialect}");
        server.stop();
    }
}

#[test]
fn max_connections_may_use_all_open_files_except_those_reserved() {
    let limited = |connections: &str| {
        let server = command().get_program().to_owned();
        let mut limited = Command::new("prlimit");
        limited.arg("--nofile=256:256").arg(server);
        limited.env("DYNAMIDB_ADMIN", "off");
        limited.args(["-l", "127.0.0.1:0", "-c", connections]);
        limited
    };
    Process::spawn(&mut limited("172")).stop();
    let refused = limited("173").output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(
        said.contains("the limit of 256 open files is enough for 172 connections"),
        "{said}"
    );
}
