//! Who may sign in by SASL: the users of `-Y`, and with `-S` those of memcached's password file.

use std::fmt;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use dynamidb_core::Credentials;

use crate::server::auth::{Access, Users, is_same};
use crate::server::error::Error;
use crate::server::lock::lock;

const OPTION: &str = "--sasl-pwdb";
/// The largest password file that is read.
const FILE_SIZE_MAX: u64 = 1 << 20;

/// All that a client's credentials are compared with.
#[derive(Debug)]
pub(crate) struct Accounts {
    users: Option<Arc<Users>>,
    passwords: Option<PasswordFile>,
}

impl Accounts {
    /// `None` if there is nobody.
    pub(crate) fn load(
        users: Option<Arc<Users>>,
        passwords: Option<&Path>,
    ) -> Result<Option<Self>, Error> {
        let passwords = passwords.map(PasswordFile::load).transpose()?;
        let is_any = users.is_some() || passwords.is_some();
        Ok(is_any.then_some(Self { users, passwords }))
    }

    /// Reads the files again. Of one with which something is wrong, the users stay as they were.
    pub(crate) fn reload(&self) -> Result<(), Error> {
        let users = self.users.as_ref().map_or(Ok(()), |users| users.reload());
        let passwords = self.passwords.as_ref();
        let passwords = passwords.map_or(Ok(()), PasswordFile::reload);
        users.and(passwords)
    }

    /// Takes as long for a wrong password as for a right one.
    /// What they may do is the answer; `None` if they are nobody's.
    pub(crate) fn access(&self, shown: &Credentials<'_>) -> Option<Access> {
        let token = [shown.user, b" ", shown.password].concat();
        let users = self.users.as_ref();
        let access = users.and_then(|users| users.access(&token));
        let passwords = self.passwords.as_ref();
        let is_known = passwords.is_some_and(|passwords| passwords.accept(shown));
        match access {
            None if is_known => Some(Access::ReadWrite),
            access => access,
        }
    }
}

/// memcached's file of names and passwords.
struct PasswordFile {
    path: PathBuf,
    /// What is put behind a name without `@`, as memcached's library does it.
    realm: Vec<u8>,
    entries: Mutex<Vec<Entry>>,
}

struct Entry {
    name: Vec<u8>,
    /// The rest of the line. As in memcached, the text behind a colon may belong to it or not.
    password: Vec<u8>,
}

impl fmt::Debug for PasswordFile {
    /// A server may be shown in a log, and passwords must not.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordFile")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl PasswordFile {
    fn load(path: &Path) -> Result<Self, Error> {
        let host = nix::unistd::gethostname().unwrap_or_default();
        let realm = [b"@", host.as_encoded_bytes()].concat();
        let entries = Self::read(path)?;
        Ok(Self {
            path: path.to_owned(),
            realm,
            entries: Mutex::new(entries),
        })
    }

    fn reload(&self) -> Result<(), Error> {
        let entries = Self::read(&self.path)?;
        *lock(&self.entries) = entries;
        Ok(())
    }

    /// Reads the lines `name:password`; others are nobody's.
    fn read(path: &Path) -> Result<Vec<Entry>, Error> {
        let failed = |reason: String| Error::Option {
            name: OPTION,
            reason: format!("{}: {reason}", path.display()),
        };
        let mut text = Vec::new();
        let read = fs::File::open(path)
            .and_then(|file| file.take(FILE_SIZE_MAX + 1).read_to_end(&mut text));
        let size = read.map_err(|error| failed(error.to_string()))?;
        if size as u64 > FILE_SIZE_MAX {
            return Err(failed("more than 1 MiB is no list of users".into()));
        }
        let lines = text.split(|&byte| byte == b'\n');
        let entries: Vec<_> = lines.filter_map(Entry::read).collect();
        if entries.is_empty() {
            return Err(failed("it names nobody".into()));
        }
        Ok(entries)
    }

    /// The first line with a name counts.
    fn accept(&self, shown: &Credentials<'_>) -> bool {
        let completed = match shown.user.contains(&b'@') {
            true => Vec::new(),
            false => [shown.user, &self.realm].concat(),
        };
        let entries = lock(&self.entries);
        let accepts = |name: &[u8]| {
            let judge = |(known, accepted): (bool, bool), entry: &Entry| {
                let first = is_same(&entry.name, name) & !known;
                let fits = entry.fits(shown.password);
                (known | first, accepted | (first & fits))
            };
            entries.iter().fold((false, false), judge).1
        };
        accepts(shown.user) | accepts(&completed)
    }
}

impl Entry {
    fn read(line: &[u8]) -> Option<Self> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let colon = line.iter().position(|&byte| byte == b':')?;
        let (name, password) = (&line[..colon], &line[colon + 1..]);
        (!name.is_empty()).then(|| Self {
            name: name.to_vec(),
            password: password.to_vec(),
        })
    }

    /// Whether this is the password, or all of it up to one of its colons.
    fn fits(&self, password: &[u8]) -> bool {
        let colons = self.password.iter().enumerate();
        let colons = colons.filter(|&(_, &byte)| byte == b':').map(|(at, _)| at);
        let ends = colons.chain([self.password.len()]);
        ends.fold(false, |any, end| {
            any | is_same(&self.password[..end], password)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> PasswordFile {
        let entries = text.as_bytes().split(|&byte| byte == b'\n');
        PasswordFile {
            path: PathBuf::new(),
            realm: b"@here".to_vec(),
            entries: Mutex::new(entries.filter_map(Entry::read).collect()),
        }
    }

    #[test]
    fn names_and_passwords_are_compared_as_memcached_does() {
        let file =
            file("ada:love:lace\r\nbob:\neve@realm:x y\ndan@here:d\nada:second\n:nobody\n\n");
        for (user, password, accepted) in [
            ("ada", "love:lace", true),
            ("ada", "love", true),
            ("ada", "lov", false),
            ("ada", "love:", false),
            ("ada", "love:lac", false),
            ("ada", "second", false),
            ("ad", "love", false),
            ("ada@realm", "love", false),
            ("bob", "", true),
            ("bob", "b", false),
            ("eve@realm", "x y", true),
            ("eve", "x y", false),
            ("dan", "d", true),
            ("dan@here", "d", true),
            ("dan@there", "d", false),
            ("", "nobody", false),
        ] {
            let shown = Credentials::new(user.as_bytes(), password.as_bytes());
            assert_eq!(file.accept(&shown), accepted, "{user} {password}");
        }
    }

    #[test]
    fn no_password_is_shown() {
        assert_eq!(
            format!("{:?}", file("ada:x")),
            r#"PasswordFile { path: "", .. }"#
        );
    }

    #[test]
    fn a_file_without_users_or_of_more_than_a_mebibyte_is_refused() {
        let path = std::env::temp_dir().join(format!("dynamidb-pwdb-{}", std::process::id()));
        for (text, count) in [
            ("ada:b\nx\n".to_owned(), Some(1)),
            ("x\n".to_owned(), None),
            (String::new(), None),
            ("a:b\n".repeat(1 << 18), Some(1 << 18)),
            ("a:b\n".repeat(1 << 18) + "\n", None),
        ] {
            fs::write(&path, &text).unwrap();
            let read = PasswordFile::read(&path).ok().map(|entries| entries.len());
            assert_eq!(read, count, "{:.9}", text);
        }
        fs::remove_file(&path).unwrap();
        assert!(PasswordFile::load(&path).is_err());
    }
}
