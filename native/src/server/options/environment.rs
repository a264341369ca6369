//! Options from the environment: variables become words of the command line, before those that were
//! typed.
//!
//! Other programs set variables too. An empty variable counts as unset, Kubernetes describes a
//! Service named `dynamidb` in `DYNAMIDB_PORT` and similar variables, and a name that no option has
//! is probably a typing error. None of them stops the server: a variable that is ignored is warned
//! of once.

use std::ffi::{OsStr, OsString};

use clap::{Arg, Command};

use crate::server::options::source::{Setting, Source, nearest};

const PREFIX: &str = "DYNAMIDB_";
/// Not an option, but what the commands for clients read: both may run in one container.
const CLIENT_PASSWORD: &str = "DYNAMIDB_PASSWORD";
/// memcached's only way to name its file of users, and what it is called here.
const PASSWORD_FILE: (&str, &str) = ("MEMCACHED_SASL_PWDB", "DYNAMIDB_SASL_PWDB");

/// The settings of variables, and warnings about those that are ignored. An error names its
/// variable.
pub(super) fn read(
    command: &Command,
    variables: impl Iterator<Item = (OsString, OsString)>,
    is_typed: impl Fn(&Arg) -> bool,
) -> Result<(Vec<Setting>, Vec<String>), clap::Error> {
    let mut settings = Vec::new();
    let mut warnings = Vec::new();
    let named = command.get_arguments();
    let options: Vec<_> = named.filter(|arg| arg.get_env().is_some()).collect();
    let mut variables: Vec<_> = variables
        .map(|(name, value)| (name.to_string_lossy().into_owned(), value))
        .filter(|(name, value)| own_name(name).is_some() && !value.is_empty())
        .collect();
    variables.sort();
    for (name, value) in variables {
        let Some(option) = options
            .iter()
            .find(|arg| arg.get_env() == own_name(&name).map(OsStr::new))
        else {
            if name != CLIENT_PASSWORD && !describes_service(&name, &value) {
                warnings.push(unknown(&name, &options));
            }
            continue;
        };
        if is_typed(option) {
            continue;
        }
        if is_service_address(&value) {
            let value = value.to_string_lossy();
            warnings.push(format!(
                "{name} is ignored: {value} is the address of a Service, as Kubernetes sets it"
            ));
            continue;
        }
        let source = Source::new(name, option);
        let words = source.words(option, &value);
        let words = words.map_err(|reason| source.error(&reason))?;
        settings.push(Setting { source, words });
    }
    Ok((settings, warnings))
}

/// What a variable is called here; `None` if it is not looked at.
fn own_name(name: &str) -> Option<&str> {
    let (theirs, ours) = PASSWORD_FILE;
    match name == theirs {
        true => Some(ours),
        false => Some(name).filter(|name| name.starts_with(PREFIX)),
    }
}

/// The warning about a variable that no option has.
fn unknown(name: &str, options: &[&Arg]) -> String {
    let names = options.iter().filter_map(|arg| arg.get_env()?.to_str());
    let names = names.map(|other| &other[PREFIX.len()..]);
    match nearest(&name[PREFIX.len()..], names) {
        Some(nearest) => {
            format!("{name} is ignored: no option has that name; did you mean {PREFIX}{nearest}?")
        }
        None => format!("{name} is ignored: no option has that name"),
    }
}

/// Whether Kubernetes sets a variable of this name and value for a Service whose name begins with
/// `dynamidb`, or Docker for a linked container.
fn describes_service(name: &str, value: &OsStr) -> bool {
    let is_port = |name: &str| {
        let mut parts = name.split('_');
        let number = parts.next().is_some_and(|part| part.parse::<u16>().is_ok());
        let protocol = matches!(parts.next(), Some("TCP" | "UDP" | "SCTP"));
        let detail = matches!(parts.next(), None | Some("PROTO" | "PORT" | "ADDR"));
        number && protocol && detail && parts.next().is_none()
    };
    name.ends_with("_SERVICE_HOST")
        || name.ends_with("_SERVICE_PORT")
        || name.contains("_SERVICE_PORT_")
        || name.ends_with("_PORT") && is_service_address(value)
        || name
            .rsplit_once("_PORT_")
            .is_some_and(|(_, port)| is_port(port))
}

/// Whether the value looks like `tcp://10.0.0.1:11212`.
fn is_service_address(value: &OsStr) -> bool {
    let value = value.to_string_lossy();
    let address = ["tcp://", "udp://", "sctp://"]
        .iter()
        .find_map(|protocol| value.strip_prefix(protocol));
    let port = address.and_then(|address| address.rsplit_once(':'));
    port.is_some_and(|(_, port)| port.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::server::options::Options;
    use crate::server::options::arguments::Arguments;
    use crate::server::options::command_line::parse;

    /// The options and warnings for these words and variables.
    fn read(words: &str, variables: &[(&str, &str)]) -> Result<(Options, Vec<String>), String> {
        let words: Vec<_> = ["dynamidb"]
            .into_iter()
            .chain(words.split_whitespace())
            .map(OsString::from)
            .collect();
        let variables = variables
            .iter()
            .map(|(name, value)| (name.into(), value.into()));
        let parsed = parse(&words, variables).map_err(|failure| failure.lines().join("\n"))?;
        Ok((parsed.options, parsed.warnings))
    }

    #[test]
    fn an_empty_variable_counts_as_unset() {
        for option in Arguments::command().get_arguments() {
            let Some(name) = option.get_env().and_then(OsStr::to_str) else {
                continue;
            };
            let (options, warnings) = read("", &[(name, "")]).unwrap();
            assert_eq!(
                format!("{options:?}"),
                format!("{:?}", Options::default()),
                "{name}"
            );
            assert!(warnings.is_empty(), "{name}: {warnings:?}");
        }
    }

    #[test]
    fn memcached_s_variable_names_the_file_of_users_unless_another_does() {
        let path = |words: &str, variables: &[(&str, &str)]| {
            let (options, warnings) = read(words, variables).unwrap();
            assert!(warnings.is_empty(), "{warnings:?}");
            let path = options.memcached.sasl_pwdb.unwrap();
            path.into_os_string().into_string().unwrap()
        };
        let (theirs, ours) = (("MEMCACHED_SASL_PWDB", "a"), ("DYNAMIDB_SASL_PWDB", "b"));
        assert_eq!(path("-S", &[theirs]), "a");
        assert_eq!(path("-S", &[theirs, ours]), "b");
        assert_eq!(path("-S --sasl-pwdb c", &[theirs, ours]), "c");
    }

    #[test]
    fn every_option_has_a_variable_of_its_name() {
        for option in Arguments::command().get_arguments() {
            if let (Some(name), Some(long)) = (option.get_env(), option.get_long()) {
                let expected = format!("{PREFIX}{}", long.to_uppercase().replace('-', "_"));
                assert_eq!(name.to_str(), Some(&*expected));
            }
        }
    }

    #[test]
    fn a_flag_is_switched_by_every_spelling_of_yes_and_no() {
        for option in Arguments::command().get_arguments() {
            let (Some(name), false) = (option.get_env(), option.get_action().takes_values()) else {
                continue;
            };
            let (name, id) = (name.to_str().unwrap(), option.get_id().as_str());
            let shown = |options: &Options| {
                let shown = format!("{options:?}");
                [" true", " 1"]
                    .iter()
                    .any(|on| shown.contains(&format!("{id}:{on}")))
            };
            for on in ["1", "true", "TRUE", "yes", "Yes", "on", "oN"] {
                let (options, _) = read("", &[(name, on)]).unwrap();
                assert!(shown(&options), "{name}={on}");
            }
            for off in ["0", "false", "False", "no", "NO", "off"] {
                let (options, _) = read("", &[(name, off)]).unwrap();
                assert!(!shown(&options), "{name}={off}");
            }
            for wrong in ["256", "y", "enabled", " 1"] {
                let said = read("", &[(name, wrong)]).unwrap_err();
                assert!(said.contains(&format!("(from {name})")), "{said}");
            }
        }
    }

    #[test]
    fn variables_of_a_kubernetes_service_are_ignored() {
        let service = [
            ("DYNAMIDB_SERVICE_HOST", "10.0.0.1"),
            ("DYNAMIDB_SERVICE_PORT", "11212"),
            ("DYNAMIDB_SERVICE_PORT_MEMCACHE", "11212"),
            ("DYNAMIDB_PORT_11212_TCP", "tcp://10.0.0.1:11212"),
            ("DYNAMIDB_PORT_11212_TCP_PROTO", "tcp"),
            ("DYNAMIDB_PORT_11212_TCP_PORT", "11212"),
            ("DYNAMIDB_PORT_11212_TCP_ADDR", "10.0.0.1"),
            ("DYNAMIDB_CACHE_SERVICE_HOST", "10.0.0.2"),
            ("DYNAMIDB_CACHE_PORT", "tcp://10.0.0.2:11212"),
            ("DYNAMIDB_CACHE_PORT_11212_TCP_PORT", "11212"),
            ("DYNAMIDB_CACHE_PORT_53_UDP", "udp://10.0.0.2:53"),
        ];
        let (_, warnings) = read("", &service).unwrap();
        assert_eq!(warnings, [""; 0]);
        let port = ("DYNAMIDB_PORT", "tcp://[fd00::1]:11212");
        let (options, warnings) = read("", &[port]).unwrap();
        assert_eq!(options.port, Options::default().port);
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].starts_with("DYNAMIDB_PORT is ignored: tcp://[fd00::1]:11212 "));
        // A port on the command line wins, without a warning.
        assert_eq!(read("-p 7", &[port]).unwrap().1, [""; 0]);
        for wrong in [
            "tcp://",
            "tcp://10.0.0.1",
            "http://10.0.0.1:80",
            "10.0.0.1:80",
        ] {
            let said = read("", &[("DYNAMIDB_PORT", wrong)]).unwrap_err();
            assert!(said.ends_with("(from DYNAMIDB_PORT)"), "{said}");
        }
    }

    #[test]
    fn an_unknown_variable_is_warned_of_with_the_nearest_name() {
        for (name, nearest) in [
            ("DYNAMIDB_MEMRY", "DYNAMIDB_MEMORY"),
            ("DYNAMIDB_MEMORY_LIMIT", "DYNAMIDB_MEMORY"),
            ("DYNAMIDB_MAX_CONNECTION", "DYNAMIDB_MAX_CONNECTIONS"),
            ("DYNAMIDB_PORTS", "DYNAMIDB_PORT"),
            ("DYNAMIDB_PORT_11212_HTTP", "DYNAMIDB_PORT"),
        ] {
            let (_, warnings) = read("", &[(name, "1")]).unwrap();
            let expected =
                format!("{name} is ignored: no option has that name; did you mean {nearest}?");
            assert_eq!(warnings, [expected]);
        }
        let (_, warnings) = read(
            "",
            &[("DYNAMIDB_XQZ", "1"), ("DYNAMO", "1"), ("DYNAMIDB", "1")],
        )
        .unwrap();
        assert_eq!(
            warnings,
            ["DYNAMIDB_XQZ is ignored: no option has that name"]
        );
    }

    #[test]
    fn the_password_of_clients_is_no_unknown_variable() {
        let read = read("", &[("DYNAMIDB_PASSWORD", "secret")]);
        assert!(read.unwrap().1.is_empty());
    }

    #[test]
    fn the_command_line_wins_and_lists_are_not_merged() {
        let variables = [
            ("DYNAMIDB_LISTEN", "10.0.0.1,10.0.0.2"),
            ("DYNAMIDB_PORT", "x"),
            ("DYNAMIDB_MEMORY", "16"),
        ];
        let (options, _) = read("-l ::1 -p 5", &variables).unwrap();
        assert_eq!(options.listen, ["::1".parse().unwrap()]);
        assert_eq!((options.port, options.memory), (5, Some(16 << 20)));
        let (options, _) = read("-p 5", &variables).unwrap();
        assert_eq!(options.listen.len(), 2);
    }

    #[test]
    fn an_error_names_the_variable_that_caused_it() {
        for (words, name, value) in [
            ("", "DYNAMIDB_PORT", "65536"),
            ("", "DYNAMIDB_MEMORY", "lots"),
            ("", "DYNAMIDB_POLICY", "fifo"),
            ("", "DYNAMIDB_SLAB_SIZES", "64,x"),
            ("", "DYNAMIDB_UNIX_MASK", "9"),
            ("--slab-sizes 64", "DYNAMIDB_SLAB_GROWTH", "2"),
        ] {
            let said = read(words, &[(name, value)]).unwrap_err();
            assert!(
                said.starts_with("error: ") && said.ends_with(&format!("(from {name})")),
                "{said}"
            );
        }
        for (name, value) in [
            ("DYNAMIDB_THREADS", "0"),
            ("DYNAMIDB_MAX_CONNECTIONS", "0"),
            ("DYNAMIDB_MAX_ITEM_SIZE", "17m"),
            ("DYNAMIDB_MEMCACHED_VERSION", "1 2"),
        ] {
            let (options, _) = read("", &[(name, value)]).unwrap();
            let error = options.check().map_err(|error| options.name_source(error));
            let said = error.unwrap_err().to_string();
            assert!(said.ends_with(&format!("(from {name})")), "{said}");
        }
        // An error on the command line names no variable.
        let said = read("-p x", &[("DYNAMIDB_PORT", "1"), ("DYNAMIDB_MEMORY", "1")]).unwrap_err();
        assert!(!said.contains("DYNAMIDB"), "{said}");
    }
}
