//! What goes into the cache ([`Value`]) and what comes out ([`Item`], [`Bytes`]).

#[cfg(feature = "alloc")]
use alloc::borrow::Cow;
#[cfg(feature = "alloc")]
use alloc::boxed::Box;
#[cfg(feature = "alloc")]
use alloc::string::String;
#[cfg(feature = "alloc")]
use alloc::vec::Vec;
use core::fmt;

use crate::storage::StoredValue;
use crate::{Cas, Expiry, Instant, Output};

/// What is stored under a key: bytes, the client's 32-bit flags, and when it ends.
///
/// Made from text or bytes as a [`Key`](crate::Key) is, and from a reference to a pair of either
/// and an [`Expiry`].
///
/// # Examples
/// ```
/// use core::time::Duration;
/// use dynamidb_core::{Expiry, Value};
///
/// let plain: Value = b"bytes".into();
/// assert_eq!(plain.expiry, Expiry::Never);
/// let brief = Value::from("text").expire(Expiry::After(Duration::from_secs(60))).flags(7);
/// assert_eq!((brief.bytes, brief.flags), (&b"text"[..], 7));
/// let pair = (format!("{}", 21.5), brief.expiry);
/// assert_eq!(Value::from(&pair), Value::from("21.5").expire(brief.expiry));
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Value<'v> {
    /// The bytes, any bytes.
    pub bytes: &'v [u8],
    /// A number that the cache keeps for the client and does not look at.
    pub flags: u32,
    /// When the item ends.
    pub expiry: Expiry,
}

impl Value<'_> {
    /// The same with these client flags.
    #[must_use]
    pub const fn flags(mut self, flags: u32) -> Self {
        self.flags = flags;
        self
    }

    /// The same with this expiry.
    #[must_use]
    pub const fn expire(mut self, expiry: Expiry) -> Self {
        self.expiry = expiry;
        self
    }
}

impl<'v> From<&'v [u8]> for Value<'v> {
    fn from(bytes: &'v [u8]) -> Self {
        Self {
            bytes,
            ..Self::default()
        }
    }
}

impl<'v, const N: usize> From<&'v [u8; N]> for Value<'v> {
    fn from(bytes: &'v [u8; N]) -> Self {
        bytes.as_slice().into()
    }
}

impl<'v> From<&'v str> for Value<'v> {
    fn from(text: &'v str) -> Self {
        text.as_bytes().into()
    }
}

#[cfg(feature = "alloc")]
impl<'v> From<&'v Vec<u8>> for Value<'v> {
    fn from(bytes: &'v Vec<u8>) -> Self {
        bytes.as_slice().into()
    }
}

#[cfg(feature = "alloc")]
impl<'v> From<&'v String> for Value<'v> {
    fn from(text: &'v String) -> Self {
        text.as_str().into()
    }
}

#[cfg(feature = "alloc")]
impl<'v> From<&'v Box<[u8]>> for Value<'v> {
    fn from(bytes: &'v Box<[u8]>) -> Self {
        Self::from(&**bytes)
    }
}

#[cfg(feature = "alloc")]
impl<'v> From<&'v Box<str>> for Value<'v> {
    fn from(text: &'v Box<str>) -> Self {
        Self::from(&**text)
    }
}

#[cfg(feature = "alloc")]
impl<'v> From<&'v Cow<'_, [u8]>> for Value<'v> {
    fn from(bytes: &'v Cow<'_, [u8]>) -> Self {
        Self::from(&**bytes)
    }
}

#[cfg(feature = "alloc")]
impl<'v> From<&'v Cow<'_, str>> for Value<'v> {
    fn from(text: &'v Cow<'_, str>) -> Self {
        Self::from(&**text)
    }
}

impl<'v> From<&'v &[u8]> for Value<'v> {
    fn from(bytes: &'v &[u8]) -> Self {
        Self::from(*bytes)
    }
}

impl<'v> From<&'v &str> for Value<'v> {
    fn from(text: &'v &str) -> Self {
        Self::from(*text)
    }
}

impl<'v> From<&'v Value<'_>> for Value<'v> {
    fn from(value: &'v Value<'_>) -> Self {
        *value
    }
}

impl<'v, T: AsRef<[u8]>> From<&'v (T, Expiry)> for Value<'v> {
    fn from((bytes, expiry): &'v (T, Expiry)) -> Self {
        Self::from(bytes.as_ref()).expire(*expiry)
    }
}

/// A look at a stored item. Borrows from the cache, copies nothing.
///
/// # Examples
/// ```
/// use dynamidb_core::{Cache, Config, Instant, Value};
///
/// let mut cache = Cache::new(Config::new(64 * 1024))?;
/// let now = Instant::from_secs(100);
/// cache.set(now, "key", Value::from("value").flags(7))?;
/// let item = cache.get(now, "key").unwrap();
/// assert_eq!((item.value.len(), item.flags, item.expires_at), (5, 7, None));
/// assert_eq!((item.last_used, item.fetched), (now, false));
/// assert!(cache.get(now, "key").unwrap().fetched);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Item<'c> {
    /// The value, where it lies.
    pub value: Bytes<'c>,
    /// The client's flags.
    pub flags: u32,
    /// Changes with every successful store under this key; `None` in a cache that is
    /// [`compact`](crate::Config::compact).
    pub cas: Option<Cas>,
    /// When it ends, if it does.
    pub expires_at: Option<Instant>,
    /// When it was last used before this, to the second, if that is less than 8.4 years ago. In a
    /// cache that is [`compact`](crate::Config::compact), the moment of its first operation.
    pub last_used: Instant,
    /// Whether it was read between its store and this.
    pub fetched: bool,
}

/// The bytes of a value, where they lie: one piece, or several if the item spans chunks.
///
/// # Examples
/// ```
/// use dynamidb_core::{Cache, Config, Instant};
///
/// let mut cache = Cache::new(Config::new(64 * 1024))?;
/// let now = Instant::from_secs(0);
/// let long = [b'v'; 3000];
/// cache.set(now, "long", &long)?;
/// let value = cache.get(now, "long").unwrap().value;
/// assert_eq!((value.len(), value.as_slice()), (3000, None));
/// assert!(value.pieces().count() > 1 && !value.is_empty());
/// assert_eq!(value.to_vec(), long);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Bytes<'c> {
    value: StoredValue<'c>,
}

impl<'c> Bytes<'c> {
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) const fn new(value: StoredValue<'c>) -> Self {
        Self { value }
    }

    /// How many bytes there are.
    #[must_use]
    #[inline]
    pub const fn len(&self) -> usize {
        match &self.value {
            StoredValue::Whole(bytes) => bytes.len(),
            StoredValue::Split(pieces) => pieces.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The pieces in order. Together they have [`len`](Self::len) bytes; none is empty.
    #[inline]
    pub fn pieces(&self) -> impl Iterator<Item = &'c [u8]> + use<'c> {
        let (whole, split) = match self.value.clone() {
            StoredValue::Whole(bytes) => (Some(bytes).filter(|bytes| !bytes.is_empty()), None),
            StoredValue::Split(pieces) => (None, Some(pieces)),
        };
        whole.into_iter().chain(split.into_iter().flatten())
    }

    /// All bytes in place, if they are one piece.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Cache, Config, Instant};
    /// # let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// let now = Instant::from_secs(0);
    /// cache.set(now, "key", "value")?;
    /// assert_eq!(cache.get(now, "key").unwrap().value.as_slice(), Some(&b"value"[..]));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    #[inline]
    pub const fn as_slice(&self) -> Option<&'c [u8]> {
        match self.value {
            StoredValue::Whole(bytes) => Some(bytes),
            StoredValue::Split(_) => None,
        }
    }

    /// Copies the bytes to the beginning of `output` and returns that part of it; `None` if it is
    /// too short.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Cache, Config, Instant};
    /// # let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// let now = Instant::from_secs(0);
    /// cache.set(now, "key", "value")?;
    /// let mut output = [0; 8];
    /// let value = cache.get(now, "key").unwrap().value;
    /// assert_eq!(value.copy_to(&mut output), Some(&b"value"[..]));
    /// assert_eq!(value.copy_to(&mut [0; 4]), None);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub fn copy_to<'o>(&self, output: &'o mut [u8]) -> Option<&'o [u8]> {
        let Some(bytes) = self.as_slice() else {
            let output = output.get_mut(..self.len())?;
            self.clone().gather(output);
            return Some(output);
        };
        let output = output.get_mut(..bytes.len())?;
        output.copy_from_slice(bytes);
        Some(output)
    }

    #[cold]
    fn gather(self, mut output: &mut [u8]) {
        for piece in self.pieces() {
            if let Some(place) = output.split_off_mut(..piece.len()) {
                place.copy_from_slice(piece);
            }
        }
    }

    /// A copy of the bytes, if there are just as many: numbers and records of one size.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Cache, Config, Instant};
    /// # let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// let now = Instant::from_secs(0);
    /// cache.set(now, "reading", &21.5_f32.to_le_bytes())?;
    /// let value = cache.get(now, "reading").unwrap().value;
    /// assert_eq!(value.to_array().map(f32::from_le_bytes), Some(21.5));
    /// assert_eq!(value.to_array::<8>(), None);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn to_array<const N: usize>(&self) -> Option<[u8; N]> {
        if self.len() != N {
            return None;
        }
        let mut array = [0; N];
        self.copy_to(&mut array)?;
        Some(array)
    }

    /// The bytes in place if they are one piece, otherwise a copy of them.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Cache, Config, Instant};
    /// # let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// let now = Instant::from_secs(0);
    /// cache.set(now, "key", "value")?;
    /// assert_eq!(str::from_utf8(&cache.get(now, "key").unwrap().value.to_cow())?, "value");
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[cfg(feature = "alloc")]
    #[must_use]
    pub fn to_cow(&self) -> Cow<'c, [u8]> {
        match self.as_slice() {
            Some(bytes) => bytes.into(),
            None => self.to_vec().into(),
        }
    }

    /// Appends the bytes to `output`.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Cache, Config, Instant};
    /// # let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// let now = Instant::from_secs(0);
    /// cache.set(now, "name", "world")?;
    /// let mut output = b"hello ".to_vec();
    /// cache.get(now, "name").unwrap().value.append_to(&mut output);
    /// assert_eq!(output, b"hello world");
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub fn append_to(&self, output: &mut (impl Output + ?Sized)) {
        match self.as_slice() {
            Some(bytes) => output.extend_from_slice(bytes),
            None => self.clone().append_pieces(output),
        }
    }

    #[inline(never)]
    fn append_pieces(self, output: &mut (impl Output + ?Sized)) {
        self.pieces()
            .for_each(|piece| output.extend_from_slice(piece));
    }

    /// A copy of the bytes.
    #[cfg(feature = "alloc")]
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut copy = Vec::with_capacity(self.len());
        self.append_to(&mut copy);
        copy
    }
}

impl<'c> From<&'c [u8]> for Bytes<'c> {
    fn from(bytes: &'c [u8]) -> Self {
        Self::new(StoredValue::Whole(bytes))
    }
}

impl fmt::Debug for Bytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.pieces().flatten()).finish()
    }
}

impl PartialEq<[u8]> for Bytes<'_> {
    fn eq(&self, other: &[u8]) -> bool {
        let mut rest = other;
        let mut same = |piece: &[u8]| rest.split_off(..piece.len()) == Some(piece);
        self.pieces().all(&mut same) && rest.is_empty()
    }
}

impl PartialEq<&[u8]> for Bytes<'_> {
    fn eq(&self, other: &&[u8]) -> bool {
        *self == **other
    }
}

impl<const N: usize> PartialEq<&[u8; N]> for Bytes<'_> {
    fn eq(&self, other: &&[u8; N]) -> bool {
        *self == other[..]
    }
}

impl<const N: usize> PartialEq<[u8; N]> for Bytes<'_> {
    fn eq(&self, other: &[u8; N]) -> bool {
        *self == other[..]
    }
}

impl PartialEq<str> for Bytes<'_> {
    fn eq(&self, other: &str) -> bool {
        *self == *other.as_bytes()
    }
}

impl PartialEq<&str> for Bytes<'_> {
    fn eq(&self, other: &&str) -> bool {
        *self == **other
    }
}

#[cfg(feature = "alloc")]
impl PartialEq<String> for Bytes<'_> {
    fn eq(&self, other: &String) -> bool {
        *self == **other
    }
}

#[cfg(feature = "alloc")]
impl PartialEq<Vec<u8>> for Bytes<'_> {
    fn eq(&self, other: &Vec<u8>) -> bool {
        *self == **other
    }
}

impl PartialEq for Bytes<'_> {
    /// Whatever pieces they come in.
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.pieces().flatten().eq(other.pieces().flatten())
    }
}

impl Eq for Bytes<'_> {}

#[cfg(feature = "alloc")]
impl From<Bytes<'_>> for Vec<u8> {
    fn from(bytes: Bytes<'_>) -> Self {
        bytes.to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cache, Config};

    const NOW: Instant = Instant::from_secs(0);

    /// A value of this length in one of several pieces.
    fn with_value(len: usize, look: impl Fn(&[u8], Bytes<'_>)) {
        let mut cache = Cache::new(Config::new(64 * 1024)).unwrap();
        let bytes: Vec<_> = (0..len).map(|at| b'a' + (at % 26) as u8).collect();
        cache.set(NOW, "key", &bytes).unwrap();
        look(&bytes, cache.get(NOW, "key").unwrap().value);
    }

    #[test]
    fn values_are_equal_to_the_same_text_and_bytes_in_any_number_of_pieces() {
        for len in [0, 1, 30, 3000] {
            with_value(len, |bytes, value| {
                assert_eq!(value.as_slice().is_none(), len == 3000);
                let text = String::from_utf8(bytes.to_vec()).unwrap();
                assert!(value == *text && value == text.as_str() && value == text);
                let same = Bytes::from(bytes);
                assert!(value == bytes.to_vec() && value == same);
                assert_eq!(Vec::from(value.clone()), bytes);
                let longer = text + "x";
                assert!(value != *longer && value != longer && value != longer.as_str());
                let other = Bytes::from(longer.as_bytes());
                assert!(value != other && value != longer.clone().into_bytes());
            });
        }
        with_value(3, |_, value| {
            assert!(value == *b"abc" && value == b"abc" && value == b"abc"[..]);
            assert!(value != *b"abd" && value != b"abd" && value != b"abd"[..]);
        });
        with_value(3000, |bytes, value| {
            let mut other = bytes.to_vec();
            other[2999] ^= 1;
            let changed = Bytes::from(&other[..]);
            assert!(value != other && value != changed);
        });
    }

    #[test]
    fn to_array_wants_the_exact_length() {
        with_value(30, |bytes, value| {
            assert_eq!(value.to_array::<30>().map(Vec::from), Some(bytes.to_vec()));
            assert_eq!(
                (value.to_array::<29>(), value.to_array::<31>()),
                (None, None)
            );
        });
        with_value(3000, |bytes, value| {
            assert_eq!(
                value.to_array::<3000>().map(Vec::from),
                Some(bytes.to_vec())
            );
        });
    }

    #[test]
    fn to_cow_borrows_one_piece_and_copies_several() {
        with_value(30, |bytes, value| {
            assert!(matches!(value.to_cow(), Cow::Borrowed(same) if same == bytes));
        });
        with_value(3000, |bytes, value| {
            assert!(matches!(value.to_cow(), Cow::Owned(same) if same == bytes));
        });
    }
}
