//! `help`, and what was meant by a line that the server did not understand.

use std::fmt::Write;

use dynamidb_core::help::{COMMANDS, CommandHelp, Group, HABITS};

use super::request::words;

/// The syntax of a command: `SET <key> <expire_seconds> <value_size>`.
fn syntax(command: &CommandHelp) -> String {
    let mut text = command.verb.to_owned();
    for word in command.words {
        text.push(' ');
        text.push_str(word);
    }
    text
}

/// The answer to `help`: all commands, or those with one name in either dialect.
pub(super) fn help(verb: Option<&str>) -> String {
    let mut text = String::new();
    // Writing to a `String` does not fail.
    if let Some(verb) = verb {
        for command in COMMANDS {
            if command.verb.eq_ignore_ascii_case(verb) {
                let about = command.text.replace('`', "");
                let value = match command.value_size {
                    Some(_) => {
                        " The value comes on the next line; without its size, it is one line."
                    }
                    None => "",
                };
                let _ = writeln!(text, "{}\n  {about}{value}", syntax(command));
            }
        }
        if text.is_empty() {
            let _ = writeln!(text, "There is no command {verb}. Try: help");
        }
        return text;
    }
    for (group, title) in [
        (
            Group::DynamiDb,
            "DynamiDB's own commands, in capital letters:",
        ),
        (Group::Memcached, "memcached's commands, in small letters:"),
        (Group::Server, "Commands for operators:"),
    ] {
        let _ = writeln!(text, "{title}");
        for command in COMMANDS.iter().filter(|command| command.group == group) {
            let _ = writeln!(text, "  {}", syntax(command));
        }
    }
    text.push_str(
        "The value of a store comes on the next line. Without its size it is one line, in which \
         \\n, \\r, \\t, \\0, \\\\ and \\x00 are bytes. More: help <command>; exit ends.\n",
    );
    text
}

/// What a line means that the server has refused, if it can be told.
pub(super) fn advice(line: &[u8]) -> Option<String> {
    let line = str::from_utf8(line).ok()?;
    let words: Vec<_> = words(line.as_bytes())
        .map_while(|word| str::from_utf8(word).ok())
        .collect();
    let (verb, rest) = words.split_first()?;
    let (known, capitals) = (verb.to_ascii_lowercase(), verb.to_ascii_uppercase());
    let is_command = |verb: &str| COMMANDS.iter().any(|command| command.verb == verb);
    // One capital letter is enough for DynamiDB's dialect.
    let is_capitals = is_mixed(verb) && is_command(&capitals);
    let text = match (&*known, if is_capitals { &*capitals } else { verb }) {
        ("keys" | "scan", _) => "`lru_crawler metadump all` lists all keys.".into(),
        ("set" | "setex", "SET" | "SETEX" | "setex") => {
            "A store has the seconds to live, and the value is the next line: `SET key 60`.".into()
        }
        (known, verb) if is_mixed(verb) && is_command(known) => {
            format!("It is `{known}`, in small letters.")
        }
        (known, verb) => {
            let habit = HABITS.iter().find(|habit| habit.verb == known)?;
            // Written as it is here, it is wrong in another way.
            if is_command(verb) && rest.len() > 1 {
                return None;
            }
            let command = habit.command.replace("$*", &rest.join(" "));
            let command = command.replace("$1", rest.first().unwrap_or(&"key"));
            let command = command.replace("$2", rest.get(1).unwrap_or(&"60"));
            format!("{} Try: {command}", habit.text)
        }
    };
    Some(text.replace('`', ""))
}

/// Whether a verb has both capital and small letters.
fn is_mixed(verb: &str) -> bool {
    let has = |test: fn(&u8) -> bool| verb.as_bytes().iter().any(test);
    has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_lists_and_explains_every_command() {
        let all = help(None);
        for command in COMMANDS {
            assert!(all.contains(&format!("\n  {}\n", syntax(command))), "{all}");
            let one = help(Some(command.verb));
            assert!(one.contains(&command.text.replace('`', "")), "{one}");
        }
        assert_eq!(help(Some("get")), help(Some("GET")));
        assert!(help(Some("nonsense")).starts_with("There is no command nonsense"));
    }

    #[test]
    fn a_redis_command_is_answered_with_the_command_here() {
        for (line, told) in [
            ("DEL city", "Try: DELETE city"),
            ("EXPIRE city 9", "Try: touch city 9"),
            ("INCRBY visits 5", "Try: incr visits 5"),
            ("INCR visits", "Try: incr visits 1"),
            ("incr visits", "Try: incr visits 1"),
            ("MGET a b c", "Try: get a b c"),
            ("KEYS *", "metadump all lists all keys"),
            ("SET city Paris", "SET key 60"),
            ("SETEX city 60 Paris", "SET key 60"),
            ("Set city Paris", "SET key 60"),
            ("Get a", ""),
            ("TOUCHED", ""),
            ("Touch a 1", "It is touch, in small letters"),
            ("incr visits 1 2", ""),
            ("nonsense", ""),
            ("", ""),
        ] {
            let advice = advice(line.as_bytes()).unwrap_or_default();
            assert!(advice.contains(told), "{line}: {advice}");
            assert_eq!(advice.is_empty(), told.is_empty(), "{line}: {advice}");
            assert!(!advice.contains(['`', '\n']), "{advice}");
        }
    }
}
