//! `--state`: the items outlive the server, and whatever happens to the file, the server starts.

// A failed test panics with the reason.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use dynamidb::RuntimeName;
use support::{PATIENCE, Process, command, run};

/// A directory for one test.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("dynamidb-state-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn file(&self) -> PathBuf {
        self.path("items")
    }

    /// The names of all files in it.
    fn names(&self) -> Vec<String> {
        let names = fs::read_dir(&self.0).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    fn start(&self, runtime: RuntimeName, words: &str) -> Process {
        let file = self.file();
        Process::start(runtime, &format!("--state {} {words}", file.display()))
    }

    fn start_default(&self, words: &str) -> Process {
        self.start(RuntimeName::DEFAULT, words)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn warnings(log: &[String]) -> Vec<&String> {
    log.iter().filter(|line| line.contains(" WARN ")).collect()
}

/// The line that says how many items were restored.
fn restored(server: &Process) -> &str {
    let line = server.log.iter().find(|line| line.contains("restored "));
    line.unwrap_or_else(|| panic!("{:#?}", server.log))
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn set_many(server: &Process, count: u32, size: usize) {
    let value = "v".repeat(size);
    let requests = (0..count).map(|n| format!("set key{n} 0 0 {size} noreply\r\n{value}\r\n"));
    let requests: String = requests.collect();
    let reply = server.connect().converse(requests + "mn\r\n");
    assert_eq!(reply, "MN\r\n");
}

#[test]
fn items_outlive_a_stop() {
    for &runtime in RuntimeName::ALL {
        let directory = Directory::new();
        let server = directory.start(runtime, "-m 64 -t 2");
        let missing = server
            .log
            .iter()
            .any(|line| line.contains("does not exist"));
        assert!(
            missing && warnings(&server.log).is_empty(),
            "{:#?}",
            server.log
        );
        let mut client = server.connect();
        client.ask("set one 7 0 5\r\nfirst\r\n", "STORED\r\n");
        client.ask("set two 0 1000 6\r\nsecond\r\n", "STORED\r\n");
        client.ask("ms a2V5 5 b E123456789012\r\nthird\r\n", "HD\r\n");
        client.ask("md two I T500\r\n", "HD\r\n");
        let log = server.stop().join("\n");
        assert!(log.contains("saved 3 items to "), "{log}");
        assert_eq!(directory.names(), ["items"]);
        let mode = fs::metadata(directory.file()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);

        let server = directory.start(runtime, "-m 64 -t 1");
        let line = restored(&server);
        assert!(line.contains("restored 3 items from "), "{line}");
        let mut client = server.connect();
        client.ask("get one\r\n", "VALUE one 7 5\r\nfirst\r\nEND\r\n");
        client.ask("mg a2V5 b v c\r\n", "VA 5 c123456789012\r\nthird\r\n");
        let reply = server.connect().converse("mg two v t\r\n");
        let time = reply
            .split(" t")
            .nth(1)
            .and_then(|rest| rest.split(' ').next());
        let time: u32 = time.unwrap().parse().unwrap();
        assert!(
            (1..=500).contains(&time) && reply.contains(" X W"),
            "{reply}"
        );
        // `cas` goes on: no number is given twice.
        client.ask("set one 7 0 5\r\nfirst\r\n", "STORED\r\n");
        server.stop();
    }
}

#[test]
fn items_come_back_with_other_memory_and_threads() {
    let directory = Directory::new();
    let server = directory.start_default("-m 64 -t 4");
    set_many(&server, 20_000, 300);
    server.stop();
    for (words, all) in [
        ("-m 64 -t 1", true),
        ("-m 128 -t 4", true),
        ("-m 2 -t 2", false),
    ] {
        let server = directory.start_default(words);
        let items = server.connect().stat("curr_items");
        assert_eq!(items == 20_000, all, "{words}: {items}");
        assert!(items > 3000, "{words}: {items}");
        server.connect().ask("mg key19999\r\n", "HD\r\n");
        server.stop();
    }
}

#[test]
fn items_come_back_with_and_without_cas() {
    let compact = |server: &Process| {
        let said = server.log.iter().any(|line| line.contains("are compact"));
        let settings = server.connect().converse("stats settings\r\n");
        assert_eq!(settings.contains("STAT compact_headers yes\r\n"), said);
        said
    };
    let directory = Directory::new();
    let server = directory.start_default("-m 64");
    assert!(!compact(&server));
    let mut client = server.connect();
    client.ask("set plain 0 0 5\r\nfirst\r\n", "STORED\r\n");
    client.ask("set flags 7 1000 6\r\nsecond\r\n", "STORED\r\n");
    client.ask("ms wide 5 E123456789012\r\nthird\r\n", "HD\r\n");
    server.stop();

    // The second one reads what the first has written.
    for _ in 0..2 {
        let server = directory.start_default("-m 64 -C");
        assert!(compact(&server));
        let mut client = server.connect();
        client.ask(
            "gets plain flags wide\r\n",
            "VALUE plain 0 5 0\r\nfirst\r\nVALUE flags 7 6 0\r\nsecond\r\n\
             VALUE wide 0 5 0\r\nthird\r\nEND\r\n",
        );
        client.ask("cas plain 0 0 5 1\r\nother\r\n", "EXISTS\r\n");
        server.stop();
    }

    let server = directory.start_default("-m 64");
    assert!(!compact(&server));
    let reply = server.connect().converse("gets plain flags wide\r\n");
    let lines = reply.lines().filter(|line| line.starts_with("VALUE "));
    let cas: Vec<u64> = lines
        .map(|line| line.rsplit(' ').next().unwrap().parse().unwrap())
        .collect();
    assert!(
        matches!(cas[..], [a, b, c] if a != b && b != c && a * b * c > 0),
        "{cas:?}"
    );
    let request = format!("cas plain 0 0 5 {}\r\nother\r\nmg flags f v\r\n", cas[0]);
    server
        .connect()
        .ask(&request, "STORED\r\nVA 6 f7\r\nsecond\r\n");
    server.stop();
}

#[test]
fn time_goes_on_while_the_server_does_not_run() {
    let directory = Directory::new();
    let server = directory.start_default("");
    let mut client = server.connect();
    client.ask(
        "set brief 0 1 1\r\n1\r\nset long 0 1000 1\r\n2\r\n",
        "STORED\r\nSTORED\r\n",
    );
    // Saved before a second has passed, or it is not in the file: either way it is gone then.
    server.stop();
    thread::sleep(Duration::from_millis(1100));
    let server = directory.start_default("");
    let line = restored(&server);
    assert!(line.contains("restored 1 items"), "{line}");
    server
        .connect()
        .ask("get brief long\r\n", "VALUE long 0 1\r\n2\r\nEND\r\n");
    server.stop();
}

#[test]
fn a_file_that_cannot_be_read_is_set_aside_and_the_server_starts_without_items() {
    let directory = Directory::new();
    let server = directory.start_default("-m 64");
    set_many(&server, 5000, 300);
    server.stop();
    let good = fs::read(directory.file()).unwrap();
    let mut corrupted = good.clone();
    let last = corrupted.len() - 500;
    corrupted[last] ^= 1;
    let mut newer = good.clone();
    newer[8] = 2;
    for (bytes, reason) in [
        (&good[..good.len() - 1], "its end is missing"),
        (&good[..10], "its end is missing"),
        (b"", "its end is missing"),
        (&[b'x'; 1000], "it is no snapshot"),
        (&corrupted, "it is corrupted"),
        (&newer, "its version is 2, and 1 is the latest known"),
    ] {
        fs::write(directory.file(), bytes).unwrap();
        let server = directory.start_default("-m 64");
        let warnings = warnings(&server.log);
        let expected = format!("{reason}; the server starts without items, and it is kept as ");
        assert_eq!(warnings.len(), 1, "{warnings:#?}");
        assert!(warnings[0].contains(&expected), "{warnings:#?}");
        assert_eq!(directory.names(), ["items.bad", "items.lock"]);
        assert_eq!(fs::read(directory.path("items.bad")).unwrap(), bytes);
        let mut client = server.connect();
        assert_eq!(
            (client.stat("curr_items"), client.stat("cmd_flush")),
            (0, 0)
        );
        client.ask("set k 0 0 1\r\nv\r\n", "STORED\r\n");
        server.stop();
        let server = directory.start_default("-m 64");
        server
            .connect()
            .ask("get k\r\n", "VALUE k 0 1\r\nv\r\nEND\r\n");
        server.stop();
    }
}

#[test]
fn sigusr2_saves_while_clients_are_served() {
    for &runtime in RuntimeName::ALL {
        let directory = Directory::new();
        let mut server = directory.start(runtime, "-m 64 -t 2");
        set_many(&server, 1000, 100);
        server.signal("USR2");
        let started = Instant::now();
        while !directory.file().exists() {
            server.connect().ask("mg key0\r\n", "HD\r\n");
            assert!(started.elapsed() < PATIENCE, "it is not saved");
        }
        server
            .connect()
            .ask("set later 0 0 1\r\nv\r\n", "STORED\r\n");
        server.signal("KILL");
        server.wait();
        let server = directory.start(runtime, "-m 64 -t 2");
        assert!(restored(&server).contains("restored 1000 items"));
        server.connect().ask("get later\r\n", "END\r\n");
        server.stop();
    }
}

#[test]
fn a_kill_in_mid_write_leaves_the_old_file_or_the_new_one() {
    let directory = Directory::new();
    let server = directory.start_default("-m 256");
    set_many(&server, 100, 100);
    server.stop();
    let old = fs::read(directory.file()).unwrap();
    let mut server = directory.start_default("-m 256");
    set_many(&server, 30_000, 3000);
    server.signal("TERM");
    let started = Instant::now();
    let temporary = directory.path("items.tmp");
    while !temporary.exists() && fs::read(directory.file()).unwrap() == old {
        assert!(started.elapsed() < PATIENCE, "it is not written");
    }
    server.signal("KILL");
    server.wait();
    let is_old = fs::read(directory.file()).unwrap() == old;
    eprintln!("killed before the new file was complete: {is_old}");
    let server = directory.start_default("-m 256");
    let expected = if is_old { 100 } else { 30_000 };
    let line = restored(&server);
    assert!(
        line.contains(&format!("restored {expected} items")),
        "{line}"
    );
    assert!(!temporary.exists(), "what was left is removed");
    server.stop();
}

#[test]
fn two_servers_cannot_have_one_file() {
    let directory = Directory::new();
    let server = directory.start_default("");
    let output = run(&format!(
        "-p 0 -l 127.0.0.1 --state {}",
        directory.file().display()
    ));
    assert_eq!(output.status.code(), Some(2));
    let error = said(&output);
    assert!(
        error.contains("error: --state: ") && error.contains("has locked"),
        "{error}"
    );
    server.stop();
    directory.start_default("").stop();
}

#[test]
fn a_path_that_is_no_regular_file_or_cannot_be_created_is_refused_at_the_start() {
    let directory = Directory::new();
    fs::create_dir(directory.path("folder")).unwrap();
    for (path, reason) in [
        (directory.path("folder"), "is not a regular file"),
        (PathBuf::from("/dev/null"), "is not a regular file"),
        (PathBuf::from("/"), "is not a regular file"),
        (directory.path("none/items"), "cannot be locked"),
    ] {
        let output = run(&format!("-p 0 -l 127.0.0.1 --state {}", path.display()));
        assert_eq!(output.status.code(), Some(2), "{path:?}");
        let error = said(&output);
        assert!(
            error.contains("error: --state: ") && error.contains(reason),
            "{error}"
        );
    }
    assert!(Path::new("/dev/null").exists());
}

#[test]
fn items_that_cannot_be_saved_are_an_error_and_the_old_file_stays() {
    let directory = Directory::new();
    let server = directory.start_default("-m 64");
    set_many(&server, 100, 100);
    server.stop();
    let old = fs::read(directory.file()).unwrap();
    // As on a full disk: no file may be larger than this.
    let mut command = std::process::Command::new("sh");
    let server = support::command();
    let program = server.get_program().to_str().unwrap();
    command.args([
        "-c",
        "trap '' XFSZ; ulimit -f 256; exec \"$@\"",
        "sh",
        program,
    ]);
    command.args(["-p", "0", "-l", "127.0.0.1", "-m", "64", "--state"]);
    let mut server = Process::spawn(command.arg(directory.file()));
    set_many(&server, 5000, 300);
    server.signal("USR2");
    server.await_log("was not written, and is as it was before");
    server.connect().ask("mg key4999\r\n", "HD\r\n");
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(1));
    server.await_log("error: cannot save the items: ");
    assert_eq!(fs::read(directory.file()).unwrap(), old);
    assert_eq!(directory.names(), ["items"]);

    let mut server = directory.start_default("-m 64");
    assert!(restored(&server).contains("restored 100 items"));
    fs::remove_dir_all(&directory.0).unwrap();
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(1));
}

#[test]
fn the_file_that_a_link_names_is_replaced_and_the_link_stays() {
    let directory = Directory::new();
    let elsewhere = Directory::new();
    let target = elsewhere.path("target");
    directory.start_default("").stop();
    fs::rename(directory.file(), &target).unwrap();
    symlink(&target, directory.file()).unwrap();
    let server = directory.start_default("");
    server.connect().ask("set k 0 0 1\r\nv\r\n", "STORED\r\n");
    server.stop();
    assert!(fs::symlink_metadata(directory.file()).unwrap().is_symlink());
    assert_eq!(elsewhere.names(), ["target"]);
    let server = directory.start_default("");
    server
        .connect()
        .ask("get k\r\n", "VALUE k 0 1\r\nv\r\nEND\r\n");
    server.stop();
}

#[test]
fn a_file_that_a_link_names_is_created_and_locked_there() {
    let (directory, elsewhere) = (Directory::new(), Directory::new());
    // A link beside it to a link to a file that does not exist yet.
    symlink(elsewhere.path("target"), elsewhere.path("second")).unwrap();
    symlink("second", elsewhere.path("first")).unwrap();
    symlink(elsewhere.path("first"), directory.file()).unwrap();
    let server = directory.start_default("");
    server.connect().ask("set k 0 0 1\r\nv\r\n", "STORED\r\n");
    assert_eq!(elsewhere.names(), ["first", "second", "target.lock"]);
    let other = format!("-p 0 --state {}", elsewhere.path("target").display());
    assert_eq!(run(&other).status.code(), Some(2), "the file is in use");
    server.stop();
    assert!(fs::symlink_metadata(directory.file()).unwrap().is_symlink());
    assert_eq!(elsewhere.names(), ["first", "second", "target"]);
    // Links in a circle name no file.
    let circle = elsewhere.path("circle");
    symlink(&circle, &circle).unwrap();
    let circle = format!("-p 0 --state {}", circle.display());
    assert_eq!(run(&circle).status.code(), Some(2));
}

#[test]
fn the_variable_names_the_file_too() {
    let directory = Directory::new();
    for items in [0, 1] {
        let mut command = command();
        command.env("DYNAMIDB_STATE", directory.file());
        let server = Process::spawn(command.args(["-p", "0", "-l", "127.0.0.1"]));
        assert_eq!(server.connect().stat("curr_items"), items);
        server.connect().ask("set k 0 0 1\r\nv\r\n", "STORED\r\n");
        server.stop();
    }
}
