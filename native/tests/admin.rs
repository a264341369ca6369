//! The admin port: what it answers, to whom, and what no client of it can do to the cache.

// A failed test panics with the reason.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use dynamidb::RuntimeName;
use serde_json::Value;
use support::{PATIENCE, Process, command};

const ADMIN: &str = "--admin 127.0.0.1:0";
/// Limits of the server.
const CONNECTIONS_MAX: usize = 16;
const HEAD_MAX: usize = 8 * 1024;

/// A response: status, headers, body.
struct Response {
    status: u16,
    head: String,
    body: String,
}

fn connect(address: SocketAddr) -> TcpStream {
    let socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// All that the server sends until it closes the connection.
fn rest(mut socket: TcpStream) -> String {
    let mut text = Vec::new();
    match socket.read_to_end(&mut text) {
        Ok(_) => {}
        // It closes a connection whose input it has not read.
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
    String::from_utf8(text).unwrap()
}

fn parse(text: &str) -> Response {
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
    Response {
        status: status.unwrap_or_else(|| panic!("no response: {text:?}")),
        head: head.into(),
        body: body.into(),
    }
}

fn ask(address: SocketAddr, request: impl AsRef<[u8]>) -> Response {
    let mut socket = connect(address);
    socket.write_all(request.as_ref()).unwrap();
    parse(&rest(socket))
}

fn get(address: SocketAddr, path: &str) -> Response {
    ask(
        address,
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n"),
    )
}

fn json(address: SocketAddr, path: &str) -> Value {
    let response = get(address, path);
    assert_eq!(response.status, 200, "{}", response.body);
    assert!(
        response
            .head
            .contains("\r\nContent-Type: application/json\r\n")
    );
    serde_json::from_str(&response.body).unwrap()
}

fn on_each_runtime(words: &str, test: impl Fn(&Process)) {
    for &runtime in RuntimeName::ALL {
        let server = Process::start(runtime, &format!("{ADMIN} {words}"));
        test(&server);
        server.stop();
    }
}

#[test]
fn the_admin_port_tells_health_and_what_runs() {
    on_each_runtime("-t 2 -m 64", |server| {
        let admin = server.admin();
        assert_eq!(
            (get(admin, "/healthz").status, get(admin, "/readyz").status),
            (200, 200)
        );
        assert_eq!(get(admin, "/").status, 200);
        for nothing in ["/nothing", "/../etc/passwd", "/api/stats/"] {
            assert_eq!(get(admin, nothing).status, 404, "{nothing}");
        }
        let about = json(admin, "/api/server");
        let listen = about["listen"][0].as_str().unwrap();
        assert_eq!(listen, server.address.to_string());
        assert_eq!(
            (&about["threads"], &about["shards"]),
            (&2.into(), &8.into())
        );
        assert_eq!(about["memory_limit"], 64 << 20);
        assert_eq!(
            (&about["read_only"], &about["policy"]),
            (&true.into(), &"lru".into())
        );
        assert_eq!(about["item_limit"], Value::Null);
    });
}

#[test]
fn the_statistics_are_those_of_the_commands() {
    on_each_runtime("-t 2 -m 64", |server| {
        let mut client = server.connect();
        for number in 0..100 {
            client.ask(format!("set {number} 0 0 3\r\nabc\r\n"), "STORED\r\n");
        }
        client.ask("get absent\r\n", "END\r\n");
        let all = json(server.admin(), "/api/stats");
        let stats = &all["stats"];
        assert_eq!(stats["curr_items"], 100);
        assert_eq!(
            (&stats["cmd_set"], &stats["get_misses"]),
            (&100.into(), &1.into())
        );
        assert_eq!(stats["version"], "1.6.45");
        assert_eq!(all["settings"]["cas_enabled"], "yes");
        let sum = |list: &Value, field: &str| {
            let list = list.as_array().unwrap().iter();
            list.map(|one| one[field].as_u64().unwrap()).sum::<u64>()
        };
        assert_eq!(all["shards"].as_array().unwrap().len(), 8);
        assert_eq!(sum(&all["shards"], "items"), 100);
        assert_eq!(sum(&all["shards"], "limit_bytes"), 64 << 20);
        assert_eq!(sum(&all["slabs"], "number"), 100);
        assert!(sum(&all["slabs"], "pages") > 0);
        let conns = all["conns"].as_array().unwrap();
        assert_eq!(conns.len(), 1);
        let address = client.socket.local_addr().unwrap().to_string();
        assert_eq!(conns[0]["addr"], address);
        assert!(conns[0]["age_s"].as_u64() >= conns[0]["idle_s"].as_u64());
    });
}

#[test]
fn sixty_four_connections_are_listed_at_most() {
    let server = Process::start(RuntimeName::DEFAULT, ADMIN);
    let mut clients = Vec::new();
    for (more, listed) in [(63, 63), (1, 64), (1, 64)] {
        clients.extend((0..more).map(|_| {
            let mut client = server.connect();
            // It is listed once its worker serves it.
            client.ask("version\r\n", "VERSION 1.6.45\r\n");
            client
        }));
        let all = json(server.admin(), "/api/stats");
        assert_eq!(all["conns"].as_array().unwrap().len(), listed);
    }
    server.stop();
}

#[test]
fn a_head_request_gets_the_headers_alone() {
    let server = Process::start(RuntimeName::DEFAULT, ADMIN);
    let head = ask(
        server.admin(),
        "HEAD /api/server HTTP/1.1\r\nHost: localhost\r\n\r\n",
    );
    assert_eq!((head.status, &*head.body), (200, ""));
    assert!(!head.head.contains("\r\nContent-Length: 0\r\n"));
    server.stop();
}

#[test]
fn a_page_of_another_site_can_neither_read_nor_embed_the_port() {
    let server = Process::start(RuntimeName::DEFAULT, ADMIN);
    let admin = server.admin();
    for host in ["rebound.example", "rebound.example:11280"] {
        let request = format!("GET /api/stats HTTP/1.1\r\nHost: {host}\r\n\r\n");
        assert_eq!(ask(admin, request).status, 421);
    }
    let request = "GET /api/stats HTTP/1.1\r\nHost: localhost\r\nOrigin: http://x.example\r\n\r\n";
    let response = ask(admin, request);
    assert!(
        !response.head.contains("Access-Control"),
        "{}",
        response.head
    );
    assert!(
        response.head.contains("frame-ancestors 'none'"),
        "{}",
        response.head
    );
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "CONNECT", "TRACE"] {
        let request =
            format!("{method} / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc");
        assert_eq!(ask(admin, request).status, 405, "{method}");
    }
    server.stop();
}

#[test]
fn keys_that_clients_have_to_sign_in_for_are_shown_only_if_asked_for() {
    let users = std::env::temp_dir().join(format!("admin-users-{}", std::process::id()));
    fs::write(&users, "ada:lovelace\n").unwrap();
    for (words, shown) in [("", false), ("--admin-keys", true)] {
        let words = format!("--admin 127.0.0.1:0 -Y {} {words}", users.display());
        let server = Process::start(RuntimeName::DEFAULT, &words);
        let admin = server.admin();
        assert_eq!(json(admin, "/api/server")["keys_shown"], shown, "{words}");
        let status = if shown { 200 } else { 404 };
        assert_eq!(get(admin, "/api/hotkeys").status, status, "{words}");
        server.stop();
    }
    fs::remove_file(&users).unwrap();
}

#[test]
fn keys_are_shown_on_loopback_or_if_asked_for_and_never_with_x() {
    for (words, shown) in [
        ("--admin 127.0.0.1:0", true),
        ("--admin 127.0.0.1:0 -X", false),
        ("--admin 0.0.0.0:0", false),
        ("--admin 0.0.0.0:0 --admin-keys", true),
        ("--admin 0.0.0.0:0 --admin-keys -X", false),
    ] {
        let server = Process::start(RuntimeName::DEFAULT, &format!("{words} -D :"));
        let admin = SocketAddr::from(([127, 0, 0, 1], server.admin().port()));
        server
            .connect()
            .ask("set tenant:1 0 0 1\r\nx\r\n", "STORED\r\n");
        assert_eq!(json(admin, "/api/server")["keys_shown"], shown, "{words}");
        for path in ["/metrics", "/api/stats"] {
            let body = get(admin, path).body;
            assert!(
                shown && path == "/metrics" || !body.contains("tenant"),
                "{words}: {body}"
            );
        }
        let expected = "dynamidb_prefix_commands_total{prefix=\"tenant\",command=\"set\"} 1\n";
        assert_eq!(
            get(admin, "/metrics").body.contains(expected),
            shown,
            "{words}"
        );
        let warns = server
            .log
            .iter()
            .any(|line| line.contains("can read statistics"));
        assert_eq!(warns, words.contains("0.0.0.0"), "{words}");
        server.stop();
    }
}

#[test]
fn a_port_that_is_taken_is_fatal_only_if_it_was_asked_for() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = command()
        .args(["-p", "0", "--admin", &address])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains(&format!("error: cannot listen on {address}: ")),
        "{said}"
    );
    // Whoever has the default port, it is taken.
    let _taken = TcpListener::bind("127.0.0.1:11280");
    let mut command = command();
    command
        .env_remove("DYNAMIDB_ADMIN")
        .args(["-l", "127.0.0.1:0"]);
    let server = Process::spawn(&mut command);
    let notice = "there is no admin port, 127.0.0.1:11280: ";
    assert!(
        server.log.iter().any(|line| line.contains(notice)),
        "{:?}",
        server.log
    );
    server.connect().ask("mn\r\n", "MN\r\n");
    server.stop();
}

#[test]
fn connections_above_the_limit_are_refused_until_others_end() {
    on_each_runtime("", |server| {
        let admin = server.admin();
        // The last of those that are allowed is served while the others wait.
        let mut waiting: Vec<_> = (1..CONNECTIONS_MAX).map(|_| connect(admin)).collect();
        assert_eq!(get(admin, "/readyz").status, 200);
        let deadline = Instant::now() + PATIENCE;
        // One that was answered counts until it has closed its side.
        while get(admin, "/readyz").status != 503 {
            assert!(Instant::now() < deadline, "{} wait", waiting.len());
            waiting.push(connect(admin));
        }
        drop(waiting);
        while get(admin, "/readyz").status != 200 {
            assert!(Instant::now() < deadline, "nobody is served any more");
            thread::sleep(Duration::from_millis(5));
        }
        let metrics = get(admin, "/metrics").body;
        assert!(
            !metrics.contains("\ndynamidb_admin_rejected_total 0\n"),
            "{metrics}"
        );
    });
}

#[test]
fn the_size_of_a_request_is_limited() {
    let server = Process::start(RuntimeName::DEFAULT, ADMIN);
    let request = |size: usize| {
        let begin = "GET /readyz HTTP/1.1\r\nHost: localhost\r\nX: ";
        let filler = "x".repeat(size - begin.len() - 4);
        ask(server.admin(), format!("{begin}{filler}\r\n\r\n")).status
    };
    assert_eq!(request(HEAD_MAX - 1), 200);
    assert_eq!(request(HEAD_MAX), 200);
    assert_eq!(request(HEAD_MAX + 1), 431);
    server.stop();
}

#[test]
fn a_request_may_come_in_pieces_and_only_the_first_of_several_is_answered() {
    let server = Process::start(RuntimeName::DEFAULT, ADMIN);
    let mut socket = connect(server.admin());
    for byte in b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n" {
        socket.write_all(&[*byte]).unwrap();
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(parse(&rest(socket)).status, 200);
    let two = "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(2);
    let response = ask(server.admin(), two);
    assert_eq!((response.status, &*response.body), (200, "ready\n"));
    server.stop();
}

#[test]
fn a_client_that_sends_too_slowly_is_told_so_and_delays_nobody() {
    let server = Process::start(RuntimeName::DEFAULT, ADMIN);
    let slow: Vec<_> = ["", "GET /met", "GET / HTTP/1.1\r\nHost: localhost\r\n"]
        .into_iter()
        .map(|begin| {
            let mut socket = connect(server.admin());
            socket.write_all(begin.as_bytes()).unwrap();
            socket
        })
        .collect();
    assert_eq!(get(server.admin(), "/healthz").status, 200);
    server.connect().ask("mn\r\n", "MN\r\n");
    for socket in slow {
        assert_eq!(parse(&rest(socket)).status, 408);
    }
    server.stop();
}

#[test]
fn a_client_that_hangs_does_not_delay_the_end_of_the_server() {
    for &runtime in RuntimeName::ALL {
        let mut server = Process::start(runtime, ADMIN);
        let hanging: Vec<_> = (0..8).map(|_| connect(server.admin())).collect();
        assert_eq!(get(server.admin(), "/healthz").status, 200);
        server.signal("TERM");
        assert_eq!(server.wait().code(), Some(0));
        for socket in hanging {
            assert_eq!(rest(socket), "");
        }
    }
}

#[test]
fn bytes_that_are_no_http_are_refused_at_once() {
    let server = Process::start(RuntimeName::DEFAULT, ADMIN);
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"\x80\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
        b"get k\r\n",
        b"\0\0\0\0",
        b"\r\n\r\n\r\n",
        b"GET /metrics\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nbroken\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let status = ask(server.admin(), bytes).status;
        let shown = bytes.escape_ascii();
        assert!(matches!(status, 400 | 505), "{shown}: {status}");
    }
    server.connect().ask("mn\r\n", "MN\r\n");
    server.stop();
}

#[test]
fn a_thousand_connections_and_rubbish_leave_the_cache_and_its_files_alone() {
    on_each_runtime("-t 2", |server| {
        let admin = server.admin();
        let mut client = server.connect();
        client.ask("set k 0 0 1\r\nv\r\n", "STORED\r\n");
        assert_eq!(get(admin, "/healthz").status, 200);
        let files = server.files();
        let mut random = fastrand::Rng::with_seed(20);
        for round in 0..1000 {
            let mut socket = connect(admin);
            let len = random.usize(..2000);
            let bytes: Vec<u8> = (0..len).map(|_| random.u8(..)).collect();
            // The server may have refused it by then.
            let _ = match round % 4 {
                0 => socket.write_all(&bytes),
                1 => socket.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"),
                2 => socket.shutdown(Shutdown::Write),
                _ => socket.write_all(b"GET / HTTP"),
            };
            if round % 50 == 0 {
                client.ask("get k\r\n", "VALUE k 0 1\r\nv\r\nEND\r\n");
            }
        }
        let deadline = Instant::now() + PATIENCE;
        while server.files() > files || get(admin, "/readyz").status != 200 {
            assert!(
                Instant::now() < deadline,
                "{} files, not {files}",
                server.files()
            );
            thread::sleep(Duration::from_millis(10));
        }
        client.ask("get k\r\n", "VALUE k 0 1\r\nv\r\nEND\r\n");
    });
}

#[test]
fn a_server_that_drains_is_alive_and_not_ready() {
    for &runtime in RuntimeName::ALL {
        let mut server = Process::start(runtime, &format!("{ADMIN} -m 256 -I 16m"));
        let (mut client, len) = (server.connect(), 16_000_000);
        client.say(format!("set k 0 0 {len}\r\n"));
        client.say(vec![b'x'; len]);
        client.ask("\r\n", "STORED\r\n");
        // More than the system's buffers take.
        client.say("get k\r\nget k\r\n");
        client.must_hear("VALUE");
        server.signal("TERM");
        let deadline = Instant::now() + PATIENCE;
        loop {
            let ready = get(server.admin(), "/readyz");
            if ready.status == 503 {
                assert_eq!(ready.body, "stopping\n");
                break;
            }
            assert!(Instant::now() < deadline, "it is ready");
        }
        assert_eq!(get(server.admin(), "/healthz").status, 200);
        drop(client);
        assert_eq!(server.wait().code(), Some(0));
    }
}

#[test]
fn requests_are_measured_by_what_they_are_for() {
    on_each_runtime("-t 1", |server| {
        let mut client = server.connect();
        for _ in 0..600 {
            client.ask("set k 0 0 1\r\nv\r\n", "STORED\r\n");
            client.ask("get k\r\n", "VALUE k 0 1\r\nv\r\nEND\r\n");
            client.ask("delete absent\r\n", "NOT_FOUND\r\n");
        }
        let latency = &json(server.admin(), "/api/stats")["latency"];
        for class in ["get", "set", "other"] {
            let counts = latency[class]["count"].as_array().unwrap();
            assert_eq!(
                counts.len(),
                1 + latency[class]["le_us"].as_array().unwrap().len()
            );
            let count: u64 = counts.iter().map(|count| count.as_u64().unwrap()).sum();
            // One turn in 97; a request may take two.
            assert!((3..=40).contains(&count), "{class}: {count}");
            assert!(latency[class]["sum_us"].as_u64().unwrap() > 0);
        }
        client.ask("stats reset\r\n", "RESET\r\n");
    });
}

/// A client that reads its 16 MB late, so that the reply takes long to be written.
fn read_late(server: &Process, late: Duration) {
    let (mut client, len) = (server.connect(), 16_000_000);
    client.say(format!("set slow:key 0 0 {len}\r\n"));
    client.say(vec![b'x'; len]);
    client.ask("\r\n", "STORED\r\n");
    client.say("get slow:key\r\n");
    thread::sleep(late);
    client.must_hear(format!("VALUE slow:key 0 {len}\r\n"));
    client.must_hear(vec![b'x'; len]);
    client.must_hear("\r\nEND\r\n");
}

#[test]
fn a_slow_request_is_logged_and_watched_with_its_cause() {
    for &runtime in RuntimeName::ALL {
        for (words, key) in [("", "key=slow%3Akey "), ("-X", "")] {
            let words = format!("{ADMIN} -m 256 -I 16m --slow-log 100 {words}");
            let server = Process::start(runtime, &words);
            let mut watcher = server.connect();
            watcher.ask("watch slow\r\n", "OK\r\n");
            read_late(&server, Duration::from_secs(1));
            let lines = BufReader::new(watcher.socket).lines();
            // On a busy machine the store may be slow as well.
            let mut gets = lines
                .map(Result::unwrap)
                .filter(|line| line.contains("cmd=get"));
            let line = gets.next().unwrap();
            assert!(
                line.contains(&format!("type=slow {key}cmd=get us=")),
                "{line}"
            );
            assert!(
                line.contains(" cause=output ") && line.contains(" in=14 "),
                "{line}"
            );
            let mut client = server.connect();
            client.await_stat("slow_requests", |count| count >= 1);
            let log = server.stop();
            let slow = log
                .iter()
                .find(|line| line.contains("slow: get of connection"));
            let slow = slow.unwrap_or_else(|| panic!("{log:?}"));
            assert!(slow.contains("most of it for output"), "{slow}");
            assert!(
                !slow.contains("slow:key") && !slow.contains("slow%3A"),
                "{slow}"
            );
        }
    }
}

#[test]
fn without_a_slow_log_nothing_is_slow_unless_somebody_watches() {
    let server = Process::start(RuntimeName::DEFAULT, &format!("{ADMIN} -m 256 -I 16m"));
    read_late(&server, Duration::from_millis(300));
    assert_eq!(server.connect().stat("slow_requests"), 0);
    assert!(!server.stop().iter().any(|line| line.contains("slow: ")));
}

/// The names of all metrics of a server, also of those that need something to count.
fn metrics() -> BTreeSet<String> {
    let server = Process::start(RuntimeName::DEFAULT, &format!("{ADMIN} -D :"));
    server
        .connect()
        .ask("set tenant:1 0 0 1\r\nx\r\n", "STORED\r\n");
    let text = get(server.admin(), "/metrics").body;
    server.stop();
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types
        .map(|line| line.split(' ').next().unwrap().into())
        .collect()
}

#[test]
fn every_metric_has_a_row_on_the_page_and_every_row_a_metric() {
    let page = include_str!("../docs/metrics.md");
    let rows = page.lines().filter_map(|line| {
        let name = line.strip_prefix("| `")?.split('`').next()?;
        (name.starts_with("memcached_") || name.starts_with("dynamidb_")).then(|| name.into())
    });
    assert_eq!(rows.collect::<BTreeSet<String>>(), metrics());
}

#[test]
fn dashboards_and_alerts_name_only_metrics_that_exist() {
    let known = metrics();
    for (file, count) in [
        (include_str!("../monitoring/grafana.json"), 20),
        (include_str!("../monitoring/alerts.yml"), 10),
    ] {
        let words = file.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let named =
            words.filter(|word| word.starts_with("memcached_") || word.starts_with("dynamidb_"));
        let named: BTreeSet<_> = named.collect();
        assert!(named.len() >= count, "{named:?}");
        for name in named {
            let ends = ["_bucket", "_sum", "_count"];
            let histogram = ends.iter().find_map(|end| name.strip_suffix(end));
            let exists = known.contains(name) || histogram.is_some_and(|name| known.contains(name));
            assert!(exists, "{name}");
        }
    }
    let dashboard: Value =
        serde_json::from_str(include_str!("../monitoring/grafana.json")).unwrap();
    assert!(dashboard["panels"].as_array().unwrap().len() > 10);
}
