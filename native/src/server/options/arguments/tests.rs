//! Command lines and what becomes of them; what the page for people from memcached says of them.

use clap::CommandFactory;
use dynamidb_core::{Config, SlabSizes};

use super::*;
use crate::server::options::extended;

fn parse(line: &str) -> Result<Options, String> {
    let words = std::iter::once("dynamidb").chain(line.split_whitespace());
    let arguments = Arguments::try_parse_from(words).map_err(|error| one_line(&error))?;
    let options = Options::from(arguments);
    options
        .check()
        .map_err(|error| error.to_string())
        .map(|()| options)
}

#[test]
fn an_empty_command_line_gives_the_default_options() {
    let (parsed, default) = (parse("").unwrap(), Options::default());
    assert_eq!(format!("{parsed:?}"), format!("{default:?}"));
}

#[test]
fn memcached_letters_mean_the_same_as_in_memcached() {
    let options = parse("-p 1 -l ::1 -m 128 -c 5 -t 2 -I 2m -vv").unwrap();
    assert_eq!((options.port, options.memory), (1, Some(128 << 20)));
    assert_eq!(
        (options.max_connections, options.threads),
        (Some(5), Some(2))
    );
    assert_eq!((options.max_item_size, options.verbose), (Some(2 << 20), 2));
    assert_eq!(options.listen, ["::1".parse().unwrap()]);
    assert_eq!(parse("-p -1").unwrap().port, 0);
    assert!(parse("-u nobody -U 0 -o modern,hashpower=20 -o relaxed_privileges").is_ok());
}

/// The options of memcached 1.6.45 with everything built in: letters, long names, and whether a
/// value follows.
const MEMCACHED: [(char, &str, bool); 37] = [
    ('a', "unix-mask", true),
    ('A', "enable-shutdown", false),
    ('b', "listen-backlog", true),
    ('B', "protocol", true),
    ('c', "conn-limit", true),
    ('C', "disable-cas", false),
    ('d', "daemon", false),
    // It has no long name there.
    ('D', "stat-prefix", true),
    ('e', "memory-file", true),
    ('f', "slab-growth-factor", true),
    ('F', "disable-flush-all", false),
    ('h', "help", false),
    ('i', "license", false),
    ('I', "max-item-size", true),
    ('k', "lock-memory", false),
    ('l', "listen", true),
    ('L', "enable-largepages", false),
    ('m', "memory-limit", true),
    ('M', "disable-evictions", false),
    ('n', "slab-min-size", true),
    ('N', "napi-ids", true),
    ('o', "extended", true),
    ('p', "port", true),
    ('P', "pidfile", true),
    ('r', "enable-coredumps", false),
    ('R', "max-reqs-per-event", true),
    ('s', "unix-socket", true),
    ('S', "enable-sasl", false),
    ('t', "threads", true),
    ('u', "user", true),
    ('U', "udp-port", true),
    ('v', "verbose", false),
    ('V', "version", false),
    ('W', "disable-watch", false),
    ('X', "disable-dumping", false),
    ('Y', "auth-file", true),
    ('Z', "enable-ssl", false),
];

#[test]
fn every_letter_and_long_name_of_memcached_means_one_option() {
    let mut command = Arguments::command();
    command.build();
    for (letter, name, takes_value) in MEMCACHED {
        let mut args = command.get_arguments();
        let Some(arg) = args.find(|arg| arg.get_short() == Some(letter)) else {
            panic!("-{letter}");
        };
        let aliases = arg.get_all_aliases().unwrap_or_default();
        assert!(
            arg.get_long() == Some(name) || aliases.contains(&name),
            "-{letter}: --{name}"
        );
        assert_eq!(arg.get_action().takes_values(), takes_value, "-{letter}");
    }
    let letters = command.get_arguments().filter_map(|arg| arg.get_short());
    assert_eq!(letters.count(), MEMCACHED.len());
}

#[test]
fn the_last_of_a_repeated_option_counts() {
    let options = parse("-m 64 -A -m 128 -A -p 1 -p 2").unwrap();
    assert_eq!((options.memory, options.port), (Some(128 << 20), 2));
    // Except for lists, which grow.
    let options = parse("-l ::1 -l 127.0.0.1 -o idle_timeout=1 -o idle_timeout=2").unwrap();
    assert_eq!(options.listen.len(), 2);
    assert_eq!(options.memcached.idle_timeout(), 2);
}

#[test]
fn a_version_that_is_empty_or_not_visible_is_refused() {
    for wrong in ["", " ", "1.6 45", "1.6.45\r\n", "1\n", "\t", "é", "1\u{7f}"] {
        let words = ["dynamidb", "--memcached-version", wrong];
        let options = Options::from(Arguments::try_parse_from(words).unwrap());
        let said = options.check().unwrap_err().to_string();
        assert!(
            said.starts_with("--memcached-version: "),
            "{wrong:?}: {said}"
        );
    }
    parse("--memcached-version 1.6.45-x~").unwrap();
}

#[test]
fn a_socket_path_with_control_characters_is_refused() {
    for words in [["-s", "/tmp/a\r\nb"], ["-l", "unix:/tmp/\u{1b}[2J"]] {
        let words = ["dynamidb"].iter().chain(&words);
        let options = Options::from(Arguments::try_parse_from(words).unwrap());
        let said = options.check().unwrap_err().to_string();
        assert!(said.starts_with("-s/--unix-socket: "), "{said}");
    }
    parse("-s /tmp/é -l unix:/tmp/~").unwrap();
}

#[test]
fn growth_factor_gives_memcacheds_chunk_sizes() {
    let sizes = |line| parse(line).unwrap().config().slab_sizes;
    assert_eq!(sizes("-f 2")[..], [96, 192, 384, 768, 1536, 3072, 4096]);
    assert_eq!(sizes("-f 8 -n 16")[..], [64, 512, 4096]);
    assert!(sizes("-f 1.02 -n 1").len() <= Config::SLAB_SIZES_MAX);
}

#[test]
fn chunk_sizes_follow_the_memory_unless_they_are_given() {
    let sizes = |line| parse(line).unwrap().config().slab_sizes;
    let few = [32, 48, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096];
    assert_eq!(sizes("")[..], Config::SLAB_SIZES);
    assert_eq!(sizes("--max-items 5")[..], Config::SLAB_SIZES);
    assert_eq!(sizes("-m 128k")[..], few[..10]);
    assert_eq!(sizes("-m 16777215b")[..], few);
    assert_eq!(sizes("-m 16"), SlabSizes::page_fractions(4096));
    assert_eq!(sizes("-m 16").len(), 30);
    assert_eq!(sizes("-m 64 --slab-sizes 64,4096")[..], [64, 4096]);
    assert_eq!(sizes("-m 64 -f 8 -n 16")[..], [64, 512, 4096]);
}

#[test]
fn every_policy_is_chosen_by_its_name() {
    let policy = |line| parse(line).unwrap().config().policy;
    assert_eq!(policy(""), Policy::Lru);
    assert_eq!(policy("--policy lru"), Policy::Lru);
    assert_eq!(policy("--policy s3lru"), Policy::S3Lru);
    assert_eq!(policy("--policy density"), Policy::Density);
    assert_eq!(policy("--policy density-full"), Policy::DensityFull);
}

#[test]
fn an_error_is_one_line_that_names_the_option() {
    for (line, option) in [
        ("--prot 1", "--prot"),
        ("-p 65536", "--port"),
        ("-p -2", "--port"),
        ("-c 0", "--max-connections"),
        ("-c -1", "--max-connections"),
        ("-t 0", "--threads"),
        ("-t 65", "--threads"),
        ("--max-items 0", "--max-items"),
        ("-m x", "--memory"),
        ("-m 99999999999999999999", "--memory"),
        ("-m 99999999999999999", "--memory"),
        ("-I 1023", "--max-item-size"),
        ("-I 16777217", "--max-item-size"),
        ("-I 33m", "--max-item-size"),
        ("-m 8 -I 2097153", "--max-item-size"),
        ("-d", "--daemon"),
        ("-U 11211", "--udp-port"),
        ("-o no_such_thing", "--extended"),
        ("--slab-sizes 64,x", "--slab-sizes"),
        ("-f 1", "--slab-growth"),
        ("-f 1.25 -n 4096", "--slab-min"),
        ("-f 1.25 --slab-sizes 64", "--slab-sizes"),
        ("--policy fifo", "--policy"),
        ("--lru-bump never", "--lru-bump"),
        ("--dialect redis", "--dialect"),
        ("--runtime none", "--runtime"),
        ("--io-uring yes", "--io-uring"),
        ("-l :1", "--listen"),
        ("-l host:port", "--listen"),
        ("--admin 127.0.0.1", "--admin"),
        ("--admin on", "--admin"),
        ("--max-prefixes 100001", "--max-prefixes"),
        ("--slow-log 0", "--slow-log"),
        ("--slow-log -1", "--slow-log"),
        ("--admin :11280", "--admin"),
        ("--admin 127.0.0.1:65536", "--admin"),
    ] {
        let error = parse(line).unwrap_err();
        assert!(
            error.contains(option) && !error.contains('\n'),
            "{line}: {error}"
        );
    }
}

#[test]
fn values_at_their_limits_are_accepted() {
    for line in [
        "-c 1",
        "-t 1",
        "-t 64",
        "--max-items 1",
        "-I 1024",
        "-I 16m",
        "-m 8 -I 2m",
        "-a 0",
        "-a 777",
    ] {
        parse(line).unwrap();
    }
}

#[test]
fn the_least_memory_that_an_error_names_is_enough_and_nothing_below_it() {
    for prefixes in [0, 1, 1000, 10_000, 100_000] {
        let check = |memory: usize| {
            let options = parse(&format!("-m {memory}k --max-prefixes {prefixes}")).unwrap();
            crate::Server::check(&options).map_err(|error| error.to_string())
        };
        let error = check(1).unwrap_err();
        let least = error
            .strip_suffix('k')
            .and_then(|error| error.rsplit(' ').next());
        let least = least.unwrap().parse().unwrap();
        assert_eq!(check(least), Ok(()), "{prefixes}");
        assert_eq!(check(least - 1), Err(error), "{prefixes}");
    }
}

#[test]
fn setting_the_memory_lifts_the_item_limit() {
    assert_eq!(parse("").unwrap().config().max_items, Some(1000));
    assert_eq!(parse("-m 64").unwrap().config().max_items, None);
    assert_eq!(
        parse("-m 64 --max-items 5").unwrap().config().max_items,
        Some(5)
    );
}

/// The first two columns of a table of `native/docs/from-memcached.md`.
fn rows(head: &str) -> Vec<(&'static str, &'static str)> {
    let page = include_str!("../../../../docs/from-memcached.md");
    let table = page.split(head).nth(1).unwrap();
    let rows = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with("| "));
    rows.map(|row| {
        let mut cells = row.split('|').map(str::trim).skip(1);
        (
            cells.next().unwrap().trim_matches('`'),
            cells.next().unwrap(),
        )
    })
    .collect()
}

fn assert_is_documented(line: &str, verdict: &str) {
    match (parse(line), verdict) {
        (Ok(_), "same" | "differs" | "no effect") | (Err(_), "refused") => {}
        (parsed, _) => panic!("{line}: {verdict}, says the page, but it is {parsed:?}"),
    }
}

#[test]
fn from_memcached_md_is_true_of_every_flag() {
    let flags = rows("| flag | here | |");
    assert!(flags.len() > 25);
    for (line, verdict) in &flags {
        if line.starts_with("-Z") && !cfg!(feature = "tls") {
            continue;
        }
        assert_is_documented(line, verdict);
    }
    let settings = rows("| `-o` | here | |");
    for (setting, verdict) in &settings {
        assert_is_documented(&format!("-o {setting}"), verdict);
    }
    // It names every option that has a letter, and every setting.
    let command = Arguments::command();
    let letters = command.get_arguments().filter_map(|arg| arg.get_short());
    for letter in letters.filter(|letter| !"hV".contains(*letter)) {
        let named = |(line, _): &(&str, &str)| line.starts_with(&format!("-{letter}"));
        assert!(flags.iter().any(named), "-{letter} is not on the page");
    }
    for name in extended::names() {
        let named = |(setting, _): &(&str, &str)| setting.split('=').next() == Some(name);
        assert!(settings.iter().any(named), "{name} is not on the page");
    }
}
