//! The least of a session that still shows a difference, as a conversation.

use std::fmt::Write;
use std::time::Duration;

use crate::peers::Servers;
use crate::session::{Differs, Session, Tally};

/// While shrinking, a server that is silent for so long has nothing to say.
const PATIENCE: Duration = Duration::from_millis(500);

/// Leaves out of the session what can be left out, and prints the rest.
pub(crate) fn least(servers: &Servers, mut session: Session) -> String {
    session.patience = PATIENCE;
    let Some(mut differs) = played(servers, &session) else {
        return "It did not differ when it was said again.".to_owned();
    };
    let mut size = session.steps.len();
    while size > 0 {
        let mut at = 0;
        while at < session.steps.len() {
            let mut shorter = session.clone();
            shorter.steps.drain(at..session.steps.len().min(at + size));
            match played(servers, &shorter) {
                Some(found) => (session, differs) = (shorter, found),
                None => at += size,
            }
        }
        size /= 2;
    }
    for step in 0..session.steps.len() {
        let mut at = 0;
        while at < session.steps[step].len() && session.steps[step].len() > 1 {
            let mut shorter = session.clone();
            shorter.steps[step].remove(at);
            match played(servers, &shorter) {
                Some(found) => (session, differs) = (shorter, found),
                None => at += 1,
            }
        }
    }
    conversation(&session, &differs)
}

fn played(servers: &Servers, session: &Session) -> Option<Box<Differs>> {
    session.play(servers, &mut Tally::default()).err()
}

/// What is said, and what memcached answers last. A version stands where it was filled in.
fn conversation(session: &Session, differs: &Differs) -> String {
    let mut text = format!("== as memcached, seed {}\n", session.seed);
    for step in session.steps.iter().chain([&session.farewell]) {
        for command in step {
            let mut bytes = command.bytes.clone();
            if let Some((at, _)) = &command.version {
                bytes.splice(at..at, *b"{version}");
            }
            say(&mut text, ">>", &bytes);
        }
    }
    let _ = writeln!(text, "# ours was: {}", escaped(&differs.ours.bytes));
    say(&mut text, "<<", &differs.theirs.bytes);
    text
}

fn say(text: &mut String, mark: &str, bytes: &[u8]) {
    let _ = writeln!(text, "{mark} {}", escaped(bytes));
}

/// As conversations spell bytes: `{x*250}` for a long run of one.
pub(crate) fn escaped(bytes: &[u8]) -> String {
    let mut text = String::new();
    for run in bytes.chunk_by(|a, b| a == b) {
        let byte = match run[0] {
            b'\r' => "\\r".to_owned(),
            b'\n' => "\\n".to_owned(),
            b'\t' => "\\t".to_owned(),
            b'\\' => "\\\\".to_owned(),
            b'{' => "\\{".to_owned(),
            byte @ 32..127 => char::from(byte).to_string(),
            byte => format!("\\x{byte:02x}"),
        };
        match run.len() {
            len @ 10.. => {
                let _ = write!(text, "{{{byte}*{len}}}");
            }
            len => text.push_str(&byte.repeat(len)),
        }
    }
    text
}
