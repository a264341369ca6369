//! What a client signs in with.

/// The name and the password that a client has sent, any bytes but NUL.
///
/// # Examples
/// ```
/// use dynamidb_core::Credentials;
///
/// let shown = Credentials::new(b"ada", b"secret");
/// assert_eq!((shown.user, shown.password), (&b"ada"[..], &b"secret"[..]));
/// assert_eq!(format!("{shown:?}"), "Credentials { .. }");
/// ```
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Credentials<'i> {
    /// The name; not empty.
    pub user: &'i [u8],
    /// The password.
    pub password: &'i [u8],
}

impl core::fmt::Debug for Credentials<'_> {
    /// Without the password: logs are read by many.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

impl<'i> Credentials<'i> {
    /// A name and a password, for tests of a host.
    #[must_use]
    pub const fn new(user: &'i [u8], password: &'i [u8]) -> Self {
        Self { user, password }
    }
}
