//! The configuration file: what it sets, what is wrong with it, and what a reload changes.

// A failed test panics with the reason.
#![allow(clippy::unwrap_used)]
#![cfg(feature = "config")]

mod support;

use std::fs;
use std::path::PathBuf;
use std::process::Output;
use std::thread;
use std::time::{Duration, Instant};

use support::{PATIENCE, Process, command, on_each_runtime};

/// A file that is removed at the end of the test.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: impl AsRef<[u8]>) -> Self {
        let name = format!("dynamidb-config-{}-{name}.toml", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::write(&path, text).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn run(words: &[&str]) -> Output {
    command().args(words).output().unwrap()
}

/// The lines of errors that a file leads to, after `error: ` and without its path.
fn errors(text: impl AsRef<[u8]>, more: &[&str]) -> Vec<String> {
    let name = thread::current().name().unwrap().to_owned();
    let file = File::new(&name, text);
    let mut starts = Vec::new();
    for first in [&["--check-config"][..], &[]] {
        let output = run(&[first, &["--config", file.path()], more].concat());
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert_eq!(output.stdout, b"");
        starts.push(said.replace(file.path(), "FILE"));
    }
    assert_eq!(starts[0], starts[1], "a start and a check say the same");
    let lines = starts[0].lines();
    lines
        .map(|line| line.strip_prefix("error: ").unwrap_or(line).to_owned())
        .collect()
}

/// What `--print-config` prints.
fn printed(words: &[&str], variables: &[(&str, &str)]) -> String {
    let mut command = command();
    command.envs(variables.iter().copied());
    let output = command.args(words).arg("--print-config").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_command_line_wins_over_the_environment_and_that_over_the_file() {
    let file = File::new(
        "order",
        "memory = 64\nmax-items = 7\nstall-timeout = 5\nlisten = ['127.0.0.1', '::1']\n",
    );
    let path = file.path();
    let variables = [
        ("DYNAMIDB_CONFIG", path),
        ("DYNAMIDB_MAX_ITEMS", "8"),
        ("DYNAMIDB_STALL_TIMEOUT", "6"),
    ];
    let text = printed(&["--stall-timeout", "7", "-l", "127.0.0.2"], &variables);
    for line in [
        format!("memory = 64  # {path}:1"),
        "max-items = 8  # DYNAMIDB_MAX_ITEMS".into(),
        "stall-timeout = 7  # command line".into(),
        "listen = [\"127.0.0.2\"]  # command line".into(),
        "port = 11212  # default".into(),
        "#threads =  # default".into(),
        "enable-shutdown = false  # default".into(),
    ] {
        assert!(text.lines().any(|known| known == line), "{line}\n{text}");
    }
}

#[test]
fn a_printed_configuration_is_a_file_with_the_same_values() {
    let words = [
        "-m",
        "1.5g",
        "-A",
        "-vv",
        "-l",
        "unix:/tmp/a \"b\"",
        "-l",
        "::1",
        "-f",
        "1.25",
        "-o",
        "idle_timeout=5,modern",
        "-a",
        "770",
        "--memcached-version",
        "1.6.45",
    ];
    let first = printed(&words, &[]);
    assert!(first.contains("verbose = 2  # command line\n"), "{first}");
    assert!(
        first.contains("unix-mask = 770  # command line\n"),
        "{first}"
    );
    let file = File::new("printed", &first);
    let second = printed(&["--config", file.path()], &[]);
    let values = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines
            .map(|line| line.split("  # ").next().unwrap().to_owned())
            .collect()
    };
    assert_eq!(values(&first), values(&second));
    assert!(values(&first).len() > 20);
}

#[test]
fn numbers_strings_lists_and_switches_may_be_written_as_toml_has_them() {
    let text = "max-items = 1_000\nmemory = \"1.5g\"\nslab-growth = 1.25\nport = -1\n\
                unix-mask = '0770'\nlisten = '127.0.0.1,::1'\nenable-shutdown = 'on'\n\
                disable-watch = true\ndisable-dumping = 1\nverbose = 3\n";
    let file = File::new("values", text);
    let shown = printed(&["--config", file.path()], &[]);
    for line in [
        "max-items = 1000",
        "memory = \"1.5g\"",
        "slab-growth = \"1.25\"",
        "port = -1",
        "unix-mask = \"0770\"",
        "listen = [\"127.0.0.1\", \"::1\"]",
        "enable-shutdown = true",
        "disable-watch = true",
        "disable-dumping = true",
        "verbose = 3",
    ] {
        assert!(
            shown.contains(&format!("{line}  # {}:", file.path())),
            "{line}\n{shown}"
        );
    }
}

#[test]
fn every_error_is_a_line_with_file_line_and_nearest_name() {
    let text = "memroy = 64\nmemory = 'lots'\n\nenable-shutdown = 'perhaps'\nport = [1, 2]\n\
                max_items = 5\nconfig = 'x'\nprint-config = true\nmemory-limit = 6\n\
                [listen]\naddress = 1\n";
    let lines = errors(text, &[]);
    let expected = [
        "FILE:1: unknown key memroy; did you mean memory?",
        "FILE:2: invalid value 'lots' for '--memory <SIZE>': expected a size",
        "FILE:4: invalid value 'perhaps' for '--enable-shutdown': expected yes or no",
        "FILE:5: expected a string, a decimal number or a switch, not array",
        "FILE:6: unknown key max_items; did you mean max-items?",
        "FILE:7: config can be given on the command line only",
        "FILE:8: print-config can be given on the command line only",
        "FILE:9: unknown key memory-limit; did you mean memory?",
        "FILE:10: expected a string, a decimal number or a switch, not table",
    ];
    assert_eq!(lines.len(), expected.len(), "{lines:#?}");
    for (line, start) in lines.iter().zip(expected) {
        assert!(line.starts_with(start), "{start}\n{lines:#?}");
    }
}

#[test]
fn an_error_of_options_together_names_the_line_that_set_them() {
    for (text, more, start, end) in [
        (
            "# x\nthreads = 65",
            &[][..],
            "-t/--threads: ",
            "(from FILE:2)",
        ),
        (
            "slab-growth = 2.0",
            &["--slab-sizes", "64"],
            "the argument",
            "(from FILE:1)",
        ),
        (
            "max-item-size = '3m'",
            &["-m", "8"],
            "-I/--max-item-size: ",
            "(from FILE:1)",
        ),
        ("slab-sizes = [65]", &[], "--slab-sizes: ", "(from FILE:1)"),
        (
            "auth-file = '/no/such/file'",
            &[],
            "-Y/--auth-file: ",
            "(from FILE:1)",
        ),
    ] {
        let lines = errors(text, more);
        assert_eq!(lines.len(), 1, "{lines:#?}");
        assert!(
            lines[0].starts_with(start) && lines[0].ends_with(end),
            "{}",
            lines[0]
        );
    }
}

#[test]
fn a_file_that_cannot_be_read_is_one_line() {
    for (path, end) in [
        (
            "/no/such/file.toml",
            "No such file or directory (os error 2)",
        ),
        ("/tmp", "Is a directory (os error 21)"),
        ("/dev/zero", "more than 1 MiB is no configuration"),
    ] {
        let output = run(&["--check-config", "--config", path]);
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said, format!("error: --config: {path}: {end}\n"));
    }
    for (text, expected) in [
        (
            &b"memory = 1\nx = '\xff'\n"[..],
            "--config: FILE: line 2 is not text in UTF-8",
        ),
        (b"memory = 1\nmemory = 2\n", "FILE:2: duplicate key"),
        (b"memory = \n", "FILE:1: "),
        (b"memory\n= 1\n", "FILE:1: "),
    ] {
        let lines = errors(text, &[]);
        assert_eq!(lines.len(), 1, "{lines:#?}");
        assert!(lines[0].starts_with(expected), "{expected}: {}", lines[0]);
    }
}

#[test]
fn a_file_may_be_empty_and_up_to_a_mebibyte() {
    let comment = |size: usize| format!("#{}\n", "x".repeat(size - 2));
    for text in [
        String::new(),
        "\u{feff}\n\n# nothing\n".into(),
        comment(1 << 20),
    ] {
        let file = File::new("sizes", text);
        let output = run(&["--check-config", "--config", file.path()]);
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(output.stdout, b"the configuration is valid\n");
        assert_eq!(output.stderr, b"");
    }
    let lines = errors(comment((1 << 20) + 1), &[]);
    assert_eq!(
        lines,
        ["--config: FILE: more than 1 MiB is no configuration"]
    );
    // As many keys as fit are told apart within a moment, and not all of them shown.
    let keys: String = (0..60_000)
        .map(|number| format!("k{number:05} = 1\n"))
        .collect();
    let lines = errors(&keys[..keys.len().min(1 << 20)], &[]);
    assert_eq!(lines.len(), 101);
    assert_eq!(lines[100], "FILE: further errors are left out");
}

#[test]
fn sighup_changes_limits_memory_and_log_level_and_names_the_rest() {
    let text = |memory, connections, verbose, threads| {
        format!(
            "memory = {memory}\nmax-connections = {connections}\nstall-timeout = {connections}\n\
             extended = ['idle_timeout={connections}']\nverbose = {verbose}\n\
             threads = {threads}\n"
        )
    };
    let file = File::new("reload", text(64, 100, 0, 2));
    on_each_runtime(&format!("--config {}", file.path()), |server| {
        let mut client = server.connect();
        let settings = |server: &Process| server.connect().converse("stats settings\r\n");
        let has =
            |server: &Process, line: &str| settings(server).contains(&format!("STAT {line}\r\n"));
        assert!(has(&server, "idle_timeout 100") && has(&server, "verbosity 0"));
        fs::write(&file.0, text(96, 200, 1, 3)).unwrap();
        server.signal("HUP");
        client.await_stat("limit_maxbytes", |bytes| bytes == 96 << 20);
        client.await_stat("max_connections", |count| count == 200);
        let deadline = Instant::now() + PATIENCE;
        while !(has(&server, "idle_timeout 200") && has(&server, "verbosity 1")) {
            assert!(Instant::now() < deadline, "{}", settings(&server));
            thread::sleep(Duration::from_millis(5));
        }
        assert!(has(&server, "stall_timeout 200") && has(&server, "num_threads 2"));
        // A wrong file changes nothing.
        fs::write(&file.0, "memory = 'x'\n").unwrap();
        server.signal("HUP");
        fs::write(&file.0, text(64, 100, 0, 2)).unwrap();
        let mut log = server.stop().join("\n");
        // The file may have been written before it was read.
        if !log.contains("options are unchanged: ") {
            log.push_str("options are unchanged: ");
        }
        for line in [
            "reloaded: max-connections 200, stall-timeout 200, memory 96",
            "idle_timeout 200",
            "verbose 1",
            "not changed before a restart: threads",
            // Of the new level.
            "DEBUG",
        ] {
            assert!(log.contains(line), "{line}\n{log}");
        }
    });
}

#[test]
fn options_that_need_a_restart_are_named_until_the_file_has_the_old_value() {
    let text = |threads, connections| {
        format!(
            "memory = 64\npolicy = 'density'\nthreads = {threads}\n\
             max-connections = {connections}\n"
        )
    };
    let file = File::new("pending", text(2, 100));
    on_each_runtime(&format!("--config {}", file.path()), |server| {
        // The number of connections shows when the reload has taken place.
        let reload = |threads, connections, memory: &str| {
            let text = text(threads, connections).replace("memory = 64", memory);
            fs::write(&file.0, text).unwrap();
            server.signal("HUP");
            let line = format!("reloaded: max-connections {connections}");
            server.await_log(&line)
        };
        let pending = "not changed before a restart: threads";
        reload(3, 101, "memory = 64");
        server.await_log(pending);
        reload(3, 102, "memory = 64");
        server.await_log(pending);
        reload(2, 103, "memory = 64");
        // With this policy memory cannot grow: it is tried each time, and not taken for changed.
        reload(2, 104, "memory = 96");
        reload(2, 105, "memory = 64");
        let log = server.stop().join("\n");
        assert!(
            !log.contains(pending) && !log.contains("memory 64"),
            "{log}"
        );
        fs::write(&file.0, text(2, 100)).unwrap();
    });
}
