//! `cli`: a conversation with a server in a pipe, and on a terminal.

// A failed test panics with the reason.
#![allow(clippy::unwrap_used)]
#![cfg(feature = "cli")]

mod support;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Instant;

use dynamidb::RuntimeName;
use nix::pty::{Winsize, openpty};
use support::{PATIENCE, Process, command, wait};

/// A home of a test's own.
struct Home(PathBuf);

impl Home {
    fn new(name: &str) -> Self {
        let name = format!("dynamidb-repl-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn history(&self) -> PathBuf {
        self.0.join(".local/state/dynamidb/history")
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn serve(words: &str) -> Process {
    Process::start(RuntimeName::DEFAULT, words)
}

/// What comes of these lines.
fn piped(address: SocketAddr, options: &str, lines: &[u8]) -> Output {
    let mut cli = command();
    cli.args(["cli", &address.to_string()]);
    cli.args(options.split_whitespace());
    cli.stdin(Stdio::piped());
    cli.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = cli.spawn().unwrap();
    // It may have ended before it has read everything.
    let _ = child.stdin.take().unwrap().write_all(lines);
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.into()).unwrap()
}

/// The replies, if nothing was refused.
fn replies(server: &Process, lines: &[u8]) -> Vec<u8> {
    let output = piped(server.address, "", lines);
    assert_eq!(text(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
    output.stdout
}

#[test]
fn replies_in_a_pipe_are_those_of_the_server() {
    let server = serve("");
    let lines = b"set k 7 0 8\r\na\nMN\r\n\0\xff\r\nget k none\nget none\n\nms m 2\nhi\nmg m v s\n\
                  incr k 1 noreply\nmd k q\nmn\nMN\nversion";
    let output = piped(server.address, "", lines);
    assert_eq!(
        output.stdout.escape_ascii().to_string(),
        b"STORED\r\nVALUE k 7 8\r\na\nMN\r\n\0\xff\r\nEND\r\nEND\r\nHD\r\nVA 2 s2\r\nhi\r\n\
          MN\r\nERROR\r\nVERSION 1.6.45\r\n"
            .escape_ascii()
            .to_string()
    );
    assert_eq!(text(&output.stderr), "error: a request was refused\n");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        replies(&server, b"SET d 0 5\nhello\nGET d\nDELETE d\n"),
        b"STORED\r\nVALUE d 5\r\nhello\r\nEND\r\nDELETED\r\n"
    );
}

#[test]
fn a_size_that_is_missing_is_computed() {
    let server = serve("");
    let lines = b"SET a 30\nhello\nset b 5 0\n\\x00\\n\\\\\nms c T30\n\nget a b c\n";
    assert_eq!(
        replies(&server, lines).escape_ascii().to_string(),
        b"STORED\r\nSTORED\r\nHD\r\nVALUE a 0 5\r\nhello\r\nVALUE b 5 3\r\n\0\n\\\r\nVALUE c 0 0\
          \r\n\r\nEND\r\n"
            .escape_ascii()
            .to_string()
    );
}

#[test]
fn a_server_with_dynamidbs_dialect_alone_is_understood() {
    let server = serve("--dialect dynamidb");
    let all = text(&replies(&server, b"HELP\nSET k 0\nv\nHelp help\nget k\n"));
    assert_eq!(all.matches("HELP [").count(), 2, "{all}");
    let end = "END\r\nVALUE k 1\r\nv\r\nEND\r\n";
    assert!(all.contains("END\r\nSTORED\r\nHELP ["), "{all}");
    assert!(all.ends_with(end), "{all}");
}

#[test]
fn a_value_is_not_sent_to_a_server_that_would_take_it_for_a_command() {
    for (dialect, line, other) in [
        ("memcached", "SET k 0", "small"),
        ("memcached", "SET k 0 9", "small"),
        ("dynamidb", "add k 0 0", "capital"),
        ("dynamidb", "ms k", "capital"),
    ] {
        let server = serve(&format!("--dialect {dialect}"));
        let verb = line.split(' ').next().unwrap();
        let output = piped(
            server.address,
            "",
            format!("{line}\nflush_all\n").as_bytes(),
        );
        assert_eq!(
            text(&output.stderr),
            format!(
                "error: {} does not know {verb}: its commands have {other} letters\n",
                server.address
            )
        );
        assert_eq!((output.status.code(), output.stdout), (Some(1), vec![]));
        let all = piped(server.address, "", b"HELP\nversion\n");
        assert!(all.stdout.starts_with(if dialect == "memcached" {
            b"ERROR"
        } else {
            b"SET <"
        }));
    }
}

#[test]
fn a_redis_command_gets_a_hint() {
    let server = serve("");
    let output = piped(
        server.address,
        "",
        b"KEYS *\nEXPIRE k 9\nINCRBY k 5\nget k\n",
    );
    assert_eq!(output.stdout, b"ERROR\r\nERROR\r\nERROR\r\nEND\r\n");
    assert_eq!(
        text(&output.stderr),
        "hint: lru_crawler metadump all lists all keys.\n\
         hint: Here it is touch, with seconds. Try: touch k 9\n\
         hint: Here it is incr, with the number to add. Try: incr k 5\n\
         error: 3 requests were refused\n"
    );
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_pipe_ends_where_it_says_or_the_server_closes_the_connection() {
    let server = serve("");
    assert_eq!(replies(&server, b"get k\nQUIT\nget k\n"), b"END\r\nBYE\r\n");
    assert_eq!(replies(&server, b"get k\nquit\nget k\n"), b"END\r\n");
    assert_eq!(replies(&server, b"get k\nexit\nget k\n"), b"END\r\n");
    assert!(replies(&server, b"").is_empty());
    // The next line may be the value of a store that the server has given up.
    let output = piped(server.address, "", b"SET k\nflush_all\n");
    let said = text(&output.stdout);
    assert!(said.starts_with("CLIENT_ERROR expected SET"), "{said}");
    assert_eq!(said.matches("\r\n").count(), 1, "{said}");
    let why = "error: the server has closed the connection\n";
    assert!(text(&output.stderr).ends_with(why));
    assert_eq!(output.status.code(), Some(1));
    for (lines, why) in [
        (
            &b"set k 0 0 5\nabc"[..],
            "it ends before a value is complete",
        ),
        (
            b"set k 0 0 2\nabc\n",
            "longer than the 2 bytes that its line says",
        ),
        (b"SET k 30\n", "it ends before a value is complete"),
    ] {
        let output = piped(server.address, "", lines);
        let said = text(&output.stderr);
        assert!(said.starts_with("error: the standard input: "), "{said}");
        assert!(said.contains(why), "{said}");
        assert_eq!((output.status.code(), output.stdout), (Some(1), vec![]));
    }
    let address = server.address;
    server.stop();
    let output = piped(address, "", b"get k\n");
    let said = text(&output.stderr);
    assert!(said.starts_with(&format!("error: {address}: ")), "{said}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn the_value_of_a_refused_store_is_sent() {
    let server = serve("");
    let lines = b"set k x 0 9\nflush_all\nset k 0 x 9\nflush_all\nget k\n";
    let output = piped(server.address, "", lines);
    assert_eq!(
        text(&output.stdout),
        "CLIENT_ERROR bad command line format\r\n".repeat(2) + "END\r\n"
    );
    let said = text(&output.stderr);
    assert!(said.ends_with("error: 2 requests were refused\n"), "{said}");
}

#[test]
fn a_verb_with_one_capital_letter_takes_a_value() {
    let server = serve("");
    let lines = b"Set k 0 2\nhi\nsET m 0\nhello\nGet k m\nHelp Quit\nget k\n";
    let said = text(&replies(&server, lines));
    let values = "STORED\r\nSTORED\r\nVALUE k 2\r\nhi\r\nVALUE m 5\r\nhello\r\nEND\r\n";
    assert!(said.starts_with(values), "{said}");
    assert!(
        said.ends_with("END\r\nVALUE k 0 2\r\nhi\r\nEND\r\n"),
        "{said}"
    );
}

#[test]
fn spaces_before_a_command_are_not_sent() {
    let server = serve("");
    let lines = b"  mn\n set k 0 0 9\nflush_all\n get k\n";
    assert_eq!(
        text(&replies(&server, lines)),
        "MN\r\nSTORED\r\nVALUE k 0 9\r\nflush_all\r\nEND\r\n"
    );
}

/// The address of a server that replies with this to what is asked after a session has begun.
fn liar(reply: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (socket, _) = listener.accept().unwrap();
        let mut requests = BufReader::new(&socket).lines();
        for reply in [&b"MN\r\n"[..], b"ERROR\r\n", reply] {
            requests.next().unwrap().unwrap();
            (&socket).write_all(reply).unwrap();
        }
        // Until the command leaves.
        while let Some(Ok(_)) = requests.next() {}
    });
    address
}

#[test]
fn a_value_that_no_server_can_have_ends_the_session() {
    for (reply, why) in [
        (
            &b"VALUE k 0 18446744073709551615\r\nab"[..],
            "sends a value of 18446744073709551615 bytes; 1 GiB is the limit",
        ),
        (
            b"VALUE k 0 18446744073709551614\r\nEND\r\nMN\r\n",
            "sends a value of 18446744073709551614 bytes; 1 GiB is the limit",
        ),
        (
            b"VA 1073741825\r\n",
            "sends a value of 1073741825 bytes; 1 GiB is the limit",
        ),
        (
            b"VALUE k 0 3\r\nabcdefgEND\r\nMN\r\n",
            "sends a value longer than 3 bytes",
        ),
    ] {
        let address = liar(reply);
        let output = piped(address, "", b"get k\n");
        let said = text(&output.stderr);
        assert_eq!(said, format!("error: {address} {why}\n"));
        assert_eq!(output.status.code(), Some(1));
    }
}

#[test]
fn a_watcher_is_shown_what_happens_until_the_server_stops() {
    let server = serve("");
    let mut cli = command();
    cli.args(["cli", &server.address.to_string()]);
    cli.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = cli.stderr(Stdio::null()).spawn().unwrap();
    let stdin = child.stdin.as_mut().unwrap();
    stdin
        .write_all(b"watch nonsense\nwatch mutations\n")
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "ERROR");
    assert_eq!(lines.next().unwrap().unwrap(), "OK");
    server.connect().ask("set k 0 0 1\r\nv\r\n", "STORED\r\n");
    let line = lines.next().unwrap().unwrap();
    assert!(line.contains("type=item_store key=k"), "{line}");
    drop(server);
    assert_eq!(wait(&mut child).code(), Some(1));
}

#[test]
fn a_pipe_signs_in() {
    let home = Home::new("signs-in");
    let users = home.0.join("users");
    fs::write(&users, "ada:love lace\n").unwrap();
    let password = home.0.join("password");
    fs::write(&password, "love lace\n").unwrap();
    let server = serve(&format!("-Y {}", users.display()));
    let options = format!("--user ada --password-file {}", password.display());
    let output = piped(server.address, &options, b"get k\n");
    assert_eq!(
        (output.status.code(), &*output.stdout),
        (Some(0), &b"END\r\n"[..])
    );
    let output = piped(server.address, "", b"get k\n");
    let line = format!("error: {} wants a user: --user NAME\n", server.address);
    assert_eq!(
        (output.status.code(), text(&output.stderr)),
        (Some(1), line)
    );
}

/// A terminal in which it runs.
struct Terminal {
    child: Child,
    keys: File,
    chunks: Receiver<Vec<u8>>,
    /// What was shown and not waited for.
    shown: String,
}

const CTRL_C: &str = "\x03";
const CTRL_D: &str = "\x04";
const UP: &str = "\x1b[A";

impl Terminal {
    fn open(address: impl ToString, home: &Home, options: &str) -> Self {
        let size = Winsize {
            ws_row: 24,
            ws_col: 100,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let pair = openpty(Some(&size), None).unwrap();
        let (keys, terminal) = (File::from(pair.master), File::from(pair.slave));
        let mut cli = command();
        cli.args(["cli", &address.to_string()]);
        cli.args(options.split_whitespace());
        cli.env("HOME", &home.0).env("TERM", "xterm");
        cli.env_remove("XDG_STATE_HOME").env_remove("NO_COLOR");
        cli.stdin(terminal.try_clone().unwrap());
        cli.stdout(terminal.try_clone().unwrap()).stderr(terminal);
        let child = cli.spawn().unwrap();
        // Only the child has the other side now, so that its end is seen.
        drop(cli);
        let (tell, chunks) = mpsc::channel();
        let mut screen = keys.try_clone().unwrap();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(len @ 1..) = screen.read(&mut buffer) {
                if tell.send(buffer[..len].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self {
            child,
            keys,
            chunks,
            shown: String::new(),
        }
    }

    /// Waits until this is shown; returns it and what came before.
    fn await_text(&mut self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.shown.find(text) {
                let rest = self.shown.split_off(at + text.len());
                return std::mem::replace(&mut self.shown, rest);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let chunk = self.chunks.recv_timeout(left);
            let chunk = chunk.unwrap_or_else(|_| panic!("no {text:?} in {:?}", self.shown));
            self.shown.push_str(&String::from_utf8_lossy(&chunk));
        }
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits for the next prompt: keys that are pressed before it may be lost.
    fn await_prompt(&mut self, prompt: &str) {
        // The prompt is shown again with each key, but this only once.
        self.await_text("\x1b[?2004h");
        self.await_text(prompt);
    }

    /// Waits for the prompt and types a line.
    fn type_line(&mut self, prompt: &str, line: &str) {
        self.await_prompt(prompt);
        self.press(line);
        self.press("\r");
    }

    fn end(mut self) {
        self.await_prompt("> ");
        self.press(CTRL_D);
        assert_eq!(wait(&mut self.child).code(), Some(0));
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_terminal_asks_for_values_and_shows_replies_to_read() {
    let server = serve("");
    let home = Home::new("values");
    let mut terminal = Terminal::open(server.address, &home, "");
    let prompt = format!("{}> ", server.address);
    terminal.type_line(&prompt, "SET k 30");
    terminal.type_line("value> ", "a\\x1b[2J");
    terminal.await_text("STORED");
    terminal.type_line(&prompt, "get k");
    let shown = terminal.await_text("END");
    // A value must not command the terminal.
    assert!(shown.contains("a\\x1b[2J"), "{shown:?}");
    assert!(!shown.contains("\x1b[2J"), "{shown:?}");
    server
        .connect()
        .ask("get k\r\n", "VALUE k 0 5\r\na\x1b[2J\r\nEND\r\n");
    // With its size a value has as many lines as it takes, as they are.
    terminal.type_line(&prompt, "set lines 0 0 5");
    terminal.type_line("0 of 5 bytes> ", "a");
    terminal.type_line("2 of 5 bytes> ", "\\n!");
    terminal.await_text("STORED");
    server
        .connect()
        .ask("get lines\r\n", "VALUE lines 0 5\r\na\n\\n!\r\nEND\r\n");
    terminal.type_line(&prompt, "set long 0 0 2");
    terminal.type_line("0 of 2 bytes> ", "abc");
    terminal.await_text("The value has 3 bytes instead of 2; nothing was sent.");
    terminal.type_line(&prompt, "SET cancelled 30");
    terminal.await_prompt("value> ");
    terminal.press(CTRL_C);
    terminal.type_line(&prompt, "get long cancelled");
    terminal.await_text("END");
    terminal.type_line(&prompt, "EXPIRE k 9");
    terminal.await_text("hint: Here it is touch, with seconds. Try: touch k 9");
    terminal.type_line(&prompt, "SET k hello");
    terminal.await_text("the next command opens another");
    terminal.type_line(&prompt, "help touch");
    terminal.await_text("touch <key> <exptime> [noreply]");
    terminal.end();
}

#[test]
fn verbs_are_completed_and_their_syntax_is_shown() {
    let server = serve("");
    let home = Home::new("completes");
    let mut terminal = Terminal::open(server.address, &home, "");
    terminal.await_prompt("> ");
    terminal.press("vers\t\r");
    terminal.await_text("VERSION 1.6.45");
    terminal.await_prompt("> ");
    terminal.press("SET key ");
    terminal.await_text("<expire_seconds> <value_size>");
    terminal.press(CTRL_C);
    terminal.await_prompt("> ");
    // Several begin so.
    terminal.press("flush_\t\t");
    terminal.await_text("flush_all");
    terminal.await_text("flush_prefix");
    terminal.press(CTRL_C);
    terminal.end();
}

#[test]
fn commands_are_remembered_in_a_file_that_nobody_else_can_read() {
    let server = serve("");
    let home = Home::new("history");
    let mut terminal = Terminal::open(server.address, &home, "--no-history");
    terminal.type_line("> ", "version");
    terminal.await_text("VERSION");
    terminal.end();
    assert!(!home.history().exists());
    let mut terminal = Terminal::open(server.address, &home, "");
    terminal.type_line("> ", "SET secret 30");
    terminal.type_line("value> ", "value");
    terminal.await_text("STORED");
    terminal.type_line("> ", "version");
    terminal.await_text("VERSION");
    terminal.end();
    assert_eq!(
        fs::read_to_string(home.history()).unwrap(),
        "SET secret 30\nversion\n"
    );
    let mode = fs::metadata(home.history()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let mut terminal = Terminal::open(server.address, &home, "");
    terminal.await_prompt("> ");
    terminal.press(UP);
    terminal.await_text("version");
    terminal.press("\r");
    terminal.await_text("VERSION 1.6.45");
    terminal.end();
    // The same command again is no new line. Of too many lines the last are kept.
    let lines = (0..2000).map(|number| format!("get {number}\n"));
    fs::write(home.history(), lines.collect::<String>()).unwrap();
    let terminal = Terminal::open(server.address, &home, "");
    terminal.end();
    let text = fs::read_to_string(home.history()).unwrap();
    assert!(text.starts_with("get 1000\n") && text.ends_with("get 1999\n"));
    let mode = fs::metadata(home.history()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn the_next_command_reconnects_to_a_restarted_server() {
    let home = Home::new("reconnects");
    // A port could be somebody else's by then.
    let socket = home.0.join("socket");
    let start = || Process::spawn(command().arg("-s").arg(&socket));
    let address = format!("unix:{}", socket.display());
    let server = start();
    let mut terminal = Terminal::open(&address, &home, "");
    terminal.type_line("> ", "get k");
    terminal.await_text("END");
    server.stop();
    terminal.type_line("> ", "get k");
    terminal.await_text(&format!("error: {address}: "));
    let server = start();
    terminal.type_line("> ", "get k");
    terminal.await_text("END");
    // Nobody sees that it was restarted in between.
    server.stop();
    let _server = start();
    terminal.type_line("> ", "get k");
    let shown = terminal.await_text("END");
    assert!(!shown.contains("error"), "{shown:?}");
    terminal.end();
}

#[test]
fn a_key_that_is_no_text_drops_the_line_and_not_the_session() {
    let home = Home::new("encoding");
    let server = serve("");
    let mut terminal = Terminal::open(server.address, &home, "");
    terminal.await_prompt("> ");
    terminal.keys.write_all(b"get \xff").unwrap();
    terminal.await_text("no UTF-8");
    terminal.type_line("> ", "get k");
    terminal.await_text("END");
    terminal.end();
}

#[test]
fn a_password_is_asked_for_on_a_terminal_and_not_shown() {
    let home = Home::new("password");
    let users = home.0.join("users");
    fs::write(&users, "ada:love lace\n").unwrap();
    let server = serve(&format!("-Y {}", users.display()));
    let open = || Terminal::open(server.address, &home, "--no-history --user ada");
    let mut terminal = open();
    terminal.await_text("Password of ada: ");
    terminal.press("love lace\r");
    let shown = terminal.await_text("\x1b[?2004h");
    assert!(!shown.contains("love"), "{shown:?}");
    terminal.await_text("> ");
    terminal.press("version\r");
    terminal.await_text("VERSION 1.6.45");
    terminal.end();
    let refused = "does not know ada with this password";
    for (keys, reason) in [
        ("lovelace\r", refused),
        ("\r", "no password was typed"),
        // It ends the line, as it ends a program otherwise.
        (&*format!("love{CTRL_C}"), "no password was typed"),
    ] {
        let mut terminal = open();
        terminal.await_text("Password of ada: ");
        terminal.press(keys);
        terminal.await_text(reason);
        assert_eq!(wait(&mut terminal.child).code(), Some(1));
    }
}
