//! Authentication as memcached has it for the text protocol.
//!
//! Every request is rejected until the client has sent a user name and its password as the value of
//! a `set` of any key: `set auth 0 0 11\r\nuser secret\r\n`.

mod password;
pub(crate) mod sasl;
pub(crate) mod throttle;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

#[cfg(feature = "hashed")]
pub(crate) use crate::server::auth::password::hashed;
use crate::server::auth::password::{Password, is_same};
use crate::server::error::Error;
use crate::server::lock::lock;

const OPTION: &str = "-Y/--auth-file";
/// memcached's limit.
const USERS_MAX: usize = 8;
/// The longest first line. A client that sends more without a line end is disconnected.
const LINE_MAX: usize = 2048;
/// The longest name and password together.
pub(crate) const TOKEN_MAX: usize = 16 * 1024;

/// The reply to a name and a password that do not belong together.
pub(crate) const WRONG_PASSWORD: &[u8] = b"CLIENT_ERROR authentication failure\r\n";

/// What editors of some systems put in front of a text in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The line that heads users who may only read, and the one that ends them.
const READ_ONLY: &[u8] = b"[read-only]";
const READ_WRITE: &[u8] = b"[read-write]";

/// The users of a file.
pub(crate) struct Users {
    path: PathBuf,
    users: Mutex<Vec<User>>,
}

struct User {
    name: Vec<u8>,
    password: Password,
    access: Access,
}

/// What a user may do.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Access {
    #[default]
    ReadWrite,
    ReadOnly,
}

/// What the input of a client that is not authenticated yet calls for.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum AuthOutcome {
    /// More input.
    Incomplete,
    /// The first bytes, this many, are the name and password of a user who may do this.
    Authenticated(usize, Access),
    /// The first bytes, this many, are rejected with this reply.
    Rejected(usize, &'static [u8]),
    /// The end of the request cannot be found: this reply, and the connection is closed.
    Close(&'static [u8]),
}

impl fmt::Debug for Users {
    /// Without passwords: a server may be shown in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Users")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Users {
    pub(crate) fn load(path: &Path) -> Result<Self, Error> {
        Ok(Self {
            path: path.to_owned(),
            users: Mutex::new(Self::read(path)?),
        })
    }

    /// Reads the file again. On an error the users stay as they were.
    pub(crate) fn reload(&self) -> Result<(), Error> {
        let users = Self::read(&self.path)?;
        *lock(&self.users) = users;
        Ok(())
    }

    /// Reads the lines `name:password`, and those that say what the users below them may do.
    /// Trailing blanks belong to a password that is not hashed.
    fn read(path: &Path) -> Result<Vec<User>, Error> {
        let failed = |reason| Error::Option {
            name: OPTION,
            reason,
        };
        let shown = path.display();
        let text = fs::read(path).map_err(|error| failed(format!("{shown}: {error}")))?;
        if text.contains(&0) {
            return Err(failed(format!("{shown} is not text in ASCII or UTF-8")));
        }
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&text);
        let lines = text.split(|&byte| byte == b'\n');
        let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line).trim_ascii_start());
        let (mut users, mut access) = (Vec::new(), Access::ReadWrite);
        for (number, line) in (1..).zip(lines).filter(|(_, line)| !line.is_empty()) {
            match line.trim_ascii_end() {
                READ_ONLY => access = Access::ReadOnly,
                READ_WRITE => access = Access::ReadWrite,
                _ => match User::read(line, access) {
                    Ok(user) => users.push(user),
                    Err(reason) => return Err(failed(format!("{shown}: line {number}: {reason}"))),
                },
            }
        }
        match users.len() {
            0 => Err(failed(format!("{shown} has no users"))),
            1..=USERS_MAX => Ok(users),
            _ => Err(failed(format!("{shown} has more than {USERS_MAX} users"))),
        }
    }

    /// Looks at the start of the input of a client that is not authenticated yet.
    pub(crate) fn authenticate(&self, input: &[u8]) -> AuthOutcome {
        let Some(end) = input.iter().position(|&byte| byte == b'\n') else {
            return if input.len() > LINE_MAX {
                AuthOutcome::Close(b"")
            } else {
                AuthOutcome::Incomplete
            };
        };
        let head = end + 1;
        let line = input[..end].strip_suffix(b"\r").unwrap_or(&input[..end]);
        let Some(len) = token_len(line) else {
            return AuthOutcome::Rejected(head, b"CLIENT_ERROR unauthenticated\r\n");
        };
        if len > TOKEN_MAX {
            // The value is not waited for, and must not be taken for a command.
            return AuthOutcome::Close(b"CLIENT_ERROR auth token too long\r\n");
        }
        let whole = head + len + 2;
        let Some(data) = input.get(head..whole) else {
            return AuthOutcome::Incomplete;
        };
        let (token, line_end) = data.split_at(len);
        if line_end != b"\r\n" {
            let reply = b"CLIENT_ERROR bad command line termination\r\n";
            return AuthOutcome::Rejected(whole, reply);
        }
        if !token.contains(&b' ') {
            return AuthOutcome::Rejected(
                whole,
                b"CLIENT_ERROR bad authentication token format\r\n",
            );
        }
        match self.access(token) {
            Some(access) => AuthOutcome::Authenticated(whole, access),
            None => AuthOutcome::Rejected(whole, WRONG_PASSWORD),
        }
    }

    /// What the user may do whose name and password, with a blank between them, this is. Takes as
    /// long for a wrong password as for a right one.
    pub(crate) fn access(&self, token: &[u8]) -> Option<Access> {
        lock(&self.users).iter().fold(None, |found, user| {
            let known = user.is(token).then_some(user.access);
            found.or(known)
        })
    }
}

impl User {
    fn read(line: &[u8], access: Access) -> Result<Self, &'static str> {
        let colon = line.iter().position(|&byte| byte == b':');
        let colon = colon.ok_or("it is not name:password")?;
        Ok(Self {
            name: line[..colon].to_vec(),
            password: Password::read(&line[colon + 1..])?,
            access,
        })
    }

    /// Whether these are the name, a blank and the password.
    fn is(&self, token: &[u8]) -> bool {
        let (name, rest) = token.split_at(self.name.len().min(token.len()));
        let (blank, password) = rest.split_at(rest.len().min(1));
        is_same(&self.name, name) & is_same(b" ", blank) & self.password.is(password)
    }
}

/// The size of the value in the line of a `set`.
fn token_len(line: &[u8]) -> Option<usize> {
    let mut words = line
        .split(|&byte| byte == b' ')
        .filter(|word| !word.is_empty());
    if words.next() != Some(b"set") {
        return None;
    }
    let size = words.nth(3)?;
    std::str::from_utf8(size).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users() -> Users {
        let lines = [&b"ada:lovelace"[..], b"bob:a b"];
        let users = lines.map(|line| User::read(line, Access::ReadWrite).unwrap());
        Users {
            path: PathBuf::new(),
            users: Mutex::new(users.into()),
        }
    }

    #[test]
    fn only_a_user_name_with_its_password_authenticates() {
        let users = users();
        for (input, outcome) in [
            (
                "set auth 0 0 12\r\nada lovelace\r\nget",
                AuthOutcome::Authenticated(31, Access::ReadWrite),
            ),
            (
                "set auth 0 0 7\r\nbob a b\r\n",
                AuthOutcome::Authenticated(25, Access::ReadWrite),
            ),
            (
                "set  x  1 2 12 noreply\nada lovelace\r\n",
                AuthOutcome::Authenticated(37, Access::ReadWrite),
            ),
            ("", AuthOutcome::Incomplete),
            ("set auth 0 0 12\r\nada lovelace\r", AuthOutcome::Incomplete),
        ] {
            assert_eq!(users.authenticate(input.as_bytes()), outcome, "{input}");
        }
        for (input, reason) in [
            ("get k\r\n", "unauthenticated"),
            ("\r\n", "unauthenticated"),
            ("set auth 0 0\r\n", "unauthenticated"),
            ("set auth 0 0 -1\r\n", "unauthenticated"),
            ("set auth 0 0 99999999999999999999\r\n", "unauthenticated"),
            ("ms auth 12\r\n", "unauthenticated"),
            (
                "set auth 0 0 12\r\nada lovelacX\r\n",
                "authentication failure",
            ),
            (
                "set auth 0 0 11\r\nada lovelac\r\n",
                "authentication failure",
            ),
            (
                "set auth 0 0 13\r\nada lovelace \r\n",
                "authentication failure",
            ),
            ("set auth 0 0 5\r\nbob a\r\n", "authentication failure"),
            (
                "set auth 0 0 3\r\nada\r\n",
                "bad authentication token format",
            ),
            ("set auth 0 0 3\r\na bcd", "bad command line termination"),
            ("set auth 0 0 0\r\n\r\n", "bad authentication token format"),
        ] {
            let line = format!("CLIENT_ERROR {reason}\r\n");
            let expected = AuthOutcome::Rejected(input.len(), line.leak().as_bytes());
            assert_eq!(users.authenticate(input.as_bytes()), expected, "{input}");
        }
    }

    #[test]
    fn debug_output_has_no_passwords() {
        let users = users();
        let shown = format!("{users:?}");
        assert_eq!(shown, r#"Users { path: "", .. }"#);
    }

    #[test]
    fn a_line_or_token_above_its_limit_closes_the_connection() {
        let (users, line) = (users(), "x".repeat(LINE_MAX));
        assert_eq!(users.authenticate(line.as_bytes()), AuthOutcome::Incomplete);
        assert_eq!(
            users.authenticate((line + "x").as_bytes()),
            AuthOutcome::Close(b"")
        );
        let too_long = AuthOutcome::Close(b"CLIENT_ERROR auth token too long\r\n");
        for (len, outcome) in [
            (TOKEN_MAX, AuthOutcome::Incomplete),
            (TOKEN_MAX + 1, too_long),
        ] {
            let head = format!("set auth 0 0 {len}\r\n");
            assert_eq!(users.authenticate(head.as_bytes()), outcome, "{len}");
        }
    }

    #[test]
    fn a_file_has_one_to_eight_users() {
        let path = std::env::temp_dir().join(format!("dynamidb-users-{}", std::process::id()));
        for (text, users) in [
            ("ada:lovelace\r\n\nbob:a b\n", Some(2)),
            ("a:b\n".repeat(8).leak(), Some(8)),
            ("a:b\n".repeat(9).leak(), None),
            ("ada\n", None),
            ("\u{feff}ada:b\n", Some(1)),
            ("\u{feff}", None),
            (" \t\r\n \n", None),
            ("a\0:\0b\0", None),
            ("\n", None),
            ("[read-only]\n", None),
            ("[read-only]\na:b\n[read-write]\nc:d\n", Some(2)),
            ("[administrators]\na:b\n", None),
            ("a:{SSHA256}x\n", None),
        ] {
            fs::write(&path, text).unwrap();
            let loaded = Users::read(&path).ok().map(|users| users.len());
            assert_eq!(loaded, users, "{text}");
        }
        fs::remove_file(&path).unwrap();
        assert!(Users::load(&path).is_err());
    }

    #[test]
    fn a_password_keeps_its_blanks_and_a_name_has_no_byte_order_mark() {
        let path = std::env::temp_dir().join(format!("dynamidb-blanks-{}", std::process::id()));
        let text = "\u{feff}ada:love lace \t\r\n  bob:\t x  \ncleo:  ";
        fs::write(&path, text).unwrap();
        let users = Users::load(&path).unwrap();
        fs::remove_file(&path).unwrap();
        for token in ["ada love lace \t", "bob \t x  ", "cleo   "] {
            assert_eq!(users.access(token.as_bytes()), Some(Access::ReadWrite));
            assert_eq!(users.access(&token.as_bytes()[..token.len() - 1]), None);
        }
    }

    #[test]
    fn users_below_read_only_may_not_write() {
        let path = std::env::temp_dir().join(format!("dynamidb-roles-{}", std::process::id()));
        let text = "ada:b\n [read-only] \nbob:b\n[read-write]\ncleo:b\n[read-only]\nada:c\n";
        fs::write(&path, text).unwrap();
        let users = Users::load(&path).unwrap();
        fs::remove_file(&path).unwrap();
        for (token, access) in [
            ("ada b", Some(Access::ReadWrite)),
            ("bob b", Some(Access::ReadOnly)),
            ("cleo b", Some(Access::ReadWrite)),
            ("ada c", Some(Access::ReadOnly)),
            ("bob c", None),
            ("bobb", None),
            ("bob", None),
            ("", None),
        ] {
            assert_eq!(users.access(token.as_bytes()), access, "{token}");
        }
    }
}
