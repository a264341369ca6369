//! Checks the commands and statistics of `native/docs/from-memcached.md` with a server.

// A failed test panics with the reason.
#![allow(clippy::unwrap_used)]

mod support;

use std::io::{BufRead, BufReader};

use dynamidb::RuntimeName;
use support::Process;

const PAGE: &str = include_str!("../docs/from-memcached.md");

/// The first two cells of each row of the table with this head.
fn rows(head: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let table = PAGE.split(head).nth(1).unwrap();
    let rows = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with("| "));
    rows.map(|row| {
        let mut cells = row.split('|').map(str::trim).skip(1);
        (cells.next().unwrap(), cells.next().unwrap())
    })
}

#[test]
fn each_command_has_the_reply_that_the_page_shows() {
    let server = Process::start(RuntimeName::DEFAULT, "-m 32");
    let mut count = 0;
    for (command, reply) in rows("| command | reply | |") {
        let (command, reply) = (command.trim_matches('`'), reply.trim_matches('`'));
        let mut client = server.connect();
        client.say(format!("{command}\r\n"));
        let first = BufReader::new(client.socket).lines().next();
        let first = first.unwrap().unwrap();
        let right = match reply.strip_suffix('*') {
            Some(start) => first.starts_with(start),
            None => *first == *reply,
        };
        assert!(right, "{command}: {first}");
        count += 1;
    }
    assert!(count > 25, "{count}");
    server.stop();
}

#[test]
fn each_statistic_on_the_page_is_there() {
    let server = Process::start(RuntimeName::DEFAULT, "");
    let stats = server.connect().converse("stats\r\n");
    let mut count = 0;
    for (names, _) in rows("What to look at, in `stats`:\n\n| name | |") {
        for name in names.split(", ").map(|name| name.trim_matches('`')) {
            assert!(stats.contains(&format!("STAT {name} ")), "{name}");
            count += 1;
        }
    }
    assert!(count > 20, "{count}");
    server.stop();
}
