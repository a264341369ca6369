//! `export` and `import` take items from memcached to our server, and back; `cli` talks to it.

use std::fs;
use std::io::{Read, Write};
use std::process::Stdio;

use dynamidb::RuntimeName;

use crate::peers::Memcached;
use crate::support::{Client, Process, command, run};

/// Enough for several batches.
const PLAIN: usize = 2000;

#[test]
fn items_move_from_memcached_to_our_server_and_back() {
    let theirs = Memcached::start();
    let ours = Process::start(RuntimeName::DEFAULT, "-m 64");
    let mut client = Client::connect(theirs.address);
    client.ask("lru_crawler enable\r\n", "OK\r\n");
    let binary: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    client.say("ms binary 100000 F4294967295\r\n");
    client.say(&binary);
    client.ask("\r\n", "HD\r\n");
    client.ask("ms YSBiCg== 2 b T1000 F7\r\nhi\r\n", "HD\r\n");
    for number in 0..PLAIN {
        client.say(format!("set key{number} 0 0 4 noreply\r\n{number:04}\r\n"));
    }
    client.ask("mn\r\n", "MN\r\n");

    let name = format!("dynamidb-migration-{}", std::process::id());
    let file = std::env::temp_dir().join(name);
    let moved = |from, to| {
        let file = file.to_str().unwrap();
        let count = PLAIN + 2;
        for (words, count) in [
            (
                format!("export {file} --address {from}"),
                format!("{from}: {count} items exported, 0 vanished meanwhile, 0 refused\n"),
            ),
            (
                format!("import {file} --address {to}"),
                format!("{to}: {count} items imported, 0 have expired, 0 refused\n"),
            ),
        ] {
            let output = run(&words);
            assert_eq!(String::from_utf8(output.stderr).unwrap(), count);
            assert!(output.status.success());
        }
        fs::remove_file(file).unwrap();
    };
    moved(theirs.address, ours.address);
    has_all(&mut ours.connect(), &binary);
    let back = Memcached::start();
    moved(ours.address, back.address);
    has_all(&mut Client::connect(back.address), &binary);
}

#[test]
fn cli_converses_with_memcached() {
    let theirs = Memcached::start();
    let mut cli = command();
    cli.args(["cli", &theirs.address.to_string()]);
    cli.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = cli.stderr(Stdio::null()).spawn().unwrap();
    let mut keys = child.stdin.take().unwrap();
    keys.write_all(b"set k 7 0\na\\n\nget k\nms m 2 q\nhi\nmn\nmg m v\nHELP\ntouch k 9\n")
        .unwrap();
    drop(keys);
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "STORED\r\nVALUE k 7 2\r\na\n\r\nEND\r\nMN\r\nVA 2\r\nhi\r\nERROR\r\nTOUCHED\r\n"
    );
    assert_eq!(output.status.code(), Some(1));
}

fn has_all(client: &mut Client, binary: &[u8]) {
    client.ask(
        "mg binary f t s v\r\n",
        "VA 100000 f4294967295 t-1 s100000\r\n",
    );
    client.must_hear(binary);
    client.must_hear("\r\n");
    client.ask("mg YSBiCg== b f v\r\n", "VA 2 f7\r\nhi\r\n");
    for number in [0, PLAIN / 2, PLAIN - 1] {
        let reply = format!("VALUE key{number} 0 4\r\n{number:04}\r\nEND\r\n");
        client.ask(format!("get key{number}\r\n"), reply);
    }
    client.say("mg YSBiCg== b t\r\n");
    let mut reply = [0; 64];
    let len = client.socket.read(&mut reply).unwrap();
    let reply = str::from_utf8(&reply[..len]).unwrap();
    let time = reply
        .split_whitespace()
        .find_map(|word| word.strip_prefix('t'));
    let left: u64 = time.unwrap().parse().unwrap();
    // As long as the test took, and a second of rounding for each move.
    assert!((800..=1002).contains(&left), "{left}");
}
