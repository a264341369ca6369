//! SASL: how a client signs in, by the mechanism PLAIN of RFC 4616.

use super::super::{Credentials, Host};
use super::header::Status;
use super::state::Login;

/// The only mechanism there is.
pub(super) const MECHANISM: &[u8] = b"PLAIN";
/// What is said to whom has signed in.
pub(super) const WELCOME: &[u8] = b"Authenticated";
/// The longest name of a mechanism; a longer one is refused for its length.
const MECHANISM_LEN_MAX: usize = 32;
/// After how many refusals in a row the conversation is over.
pub(super) const REFUSALS_MAX: u8 = 5;

/// What a client has sent to sign in.
pub(super) struct Attempt<'i> {
    /// It goes on with what it had begun.
    pub(super) step: bool,
    pub(super) mechanism: &'i [u8],
    pub(super) data: &'i [u8],
}

impl Attempt<'_> {
    /// What is answered, and how far the client is then. One who was signed in and is refused is
    /// signed out.
    pub(super) fn judge(&self, login: Login, host: &mut impl Host) -> (Status, Login) {
        if self.mechanism.len() > MECHANISM_LEN_MAX {
            return (Status::InvalidArguments, login);
        }
        let is_known = self.mechanism.eq_ignore_ascii_case(MECHANISM);
        if is_known && !self.step && self.data.is_empty() {
            let goes_on = true;
            return (Status::AuthContinue, Login { goes_on, ..login });
        }
        let is_expected = is_known && (!self.step || login.goes_on);
        let credentials = is_expected.then(|| read(self.data)).flatten();
        let signed_in = host.authenticate(credentials) && credentials.is_some();
        let login = Login {
            signed_in,
            goes_on: false,
            refusals: match signed_in {
                true => 0,
                false => login.refusals.saturating_add(1),
            },
        };
        let status = match signed_in {
            true => Status::Ok,
            false => Status::AuthFailure,
        };
        (status, login)
    }
}

/// Reads a message of PLAIN: who it is for, NUL, the user, NUL, the password. It is for the
/// user who sends it, and nobody else.
fn read(message: &[u8]) -> Option<Credentials<'_>> {
    let mut parts = message.split(|&byte| byte == 0);
    let (identity, user, password) = (parts.next()?, parts.next()?, parts.next()?);
    let is_own = identity.is_empty() || identity == user;
    let is_whole = parts.next().is_none() && !user.is_empty();
    (is_own && is_whole).then(|| Credentials::new(user, password))
}
