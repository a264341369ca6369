//! Where replies go: a `Vec`, or a buffer of fixed size in a program without a heap.

#[cfg(feature = "alloc")]
use alloc::vec::Vec;
use core::fmt;

/// Bytes that a [`Session`](crate::Session) appends replies to: a `Vec<u8>`, which grows, or a
/// [`FixedOutput`].
///
/// # Examples
/// A program may have another kind, such as a buffer that is sent by DMA. A host formats text into
/// any of them by [`fmt::Write`]:
/// ```
/// use core::fmt::Write;
/// use dynamidb_core::{FixedOutput, Output};
///
/// let mut buffer = [0; 16];
/// let mut replies = FixedOutput::new(&mut buffer);
/// let output: &mut dyn Output = &mut replies;
/// write!(output, "STAT {} {}\r\n", "pages", 12)?;
/// assert_eq!((output.len(), output.available()), (15, 1));
/// assert_eq!(replies.as_bytes(), b"STAT pages 12\r\n");
/// # Ok::<(), core::fmt::Error>(())
/// ```
pub trait Output {
    /// How many bytes are in it.
    fn len(&self) -> usize;

    /// How many more bytes fit: `usize::MAX` if it grows.
    fn available(&self) -> usize;

    /// Appends bytes. If they do not fit, none of them is appended, and it has
    /// [overflowed](Self::has_overflowed).
    fn extend_from_slice(&mut self, bytes: &[u8]);

    /// Whether bytes were lost because they did not fit. A session never lets that happen; a host
    /// that writes more than is available does.
    fn has_overflowed(&self) -> bool;

    /// Removes all bytes behind the first `len`. It has not overflowed any more.
    fn truncate(&mut self, len: usize);

    /// Whether no byte is in it.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends a byte, as a slice of one.
    #[inline]
    fn push(&mut self, byte: u8) {
        self.extend_from_slice(&[byte]);
    }

    /// Appends the first `len` bytes of a word.
    #[inline]
    fn extend_from_word(&mut self, word: [u8; 8], len: usize) {
        self.extend_from_slice(word.get(..len).unwrap_or(&word));
    }

    /// Learns that this many bytes follow soon. Nothing has to be done.
    #[inline]
    fn reserve(&mut self, additional: usize) {
        let _ = additional;
    }
}

impl fmt::Write for dyn Output + '_ {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

#[cfg(feature = "alloc")]
impl Output for Vec<u8> {
    #[inline]
    fn len(&self) -> usize {
        self.len()
    }

    #[inline]
    fn available(&self) -> usize {
        usize::MAX
    }

    #[inline]
    fn extend_from_slice(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    #[inline]
    fn has_overflowed(&self) -> bool {
        false
    }

    #[inline]
    fn truncate(&mut self, len: usize) {
        self.truncate(len);
    }

    #[inline]
    fn push(&mut self, byte: u8) {
        self.push(byte);
    }

    /// Copies the whole word: a copy whose length is not known costs more.
    #[inline]
    fn extend_from_word(&mut self, word: [u8; 8], len: usize) {
        let end = self.len() + len;
        self.extend_from_slice(&word);
        self.truncate(end);
    }

    #[inline]
    fn reserve(&mut self, additional: usize) {
        self.reserve(additional);
    }
}

/// Replies in a buffer of the caller, whose size never changes.
///
/// A [`Session`](crate::Session) executes a request only when its reply fits: otherwise it stops
/// before it and goes on once the buffer has been emptied. A buffer of
/// [`Session::output_min`](crate::Session::output_min) bytes fits the reply to any request for an
/// item.
///
/// # Examples
/// ```
/// use dynamidb_core::{Cache, Config, FixedOutput, Instant, Session, SessionConfig};
///
/// let mut memory = [0; 16 * 1024];
/// let mut cache = Cache::with_memory(Config::new(memory.len()), &mut memory[..])?;
/// let mut session = Session::new(SessionConfig::default().with_item_size_max(100));
/// let mut buffer = [0; 1024];
/// assert!(buffer.len() >= session.output_min());
///
/// let mut output = FixedOutput::new(&mut buffer);
/// let input = b"set t1 0 60 4\r\n21.5\r\nget t1\r\n";
/// let used = session.process(Instant::from_secs(0), input, &mut cache, &mut output);
/// assert_eq!(used, input.len());
/// assert_eq!(output.as_bytes(), b"STORED\r\nVALUE t1 0 4\r\n21.5\r\nEND\r\n");
/// output.clear();
/// assert!(output.as_bytes().is_empty());
/// # Ok::<(), dynamidb_core::ConfigError>(())
/// ```
pub struct FixedOutput<'b> {
    buffer: &'b mut [u8],
    len: usize,
    overflowed: bool,
}

impl<'b> FixedOutput<'b> {
    /// An empty output in this buffer.
    #[must_use]
    pub const fn new(buffer: &'b mut [u8]) -> Self {
        Self {
            buffer,
            len: 0,
            overflowed: false,
        }
    }

    /// What has been written.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.buffer.get(..self.len).unwrap_or_default()
    }

    /// Removes all bytes, for instance because they have been sent.
    pub fn clear(&mut self) {
        self.truncate(0);
    }
}

impl Output for FixedOutput<'_> {
    fn len(&self) -> usize {
        self.len
    }

    fn available(&self) -> usize {
        self.buffer.len() - self.len
    }

    #[inline(never)]
    fn extend_from_slice(&mut self, bytes: &[u8]) {
        let rest = self.buffer.get_mut(self.len..).unwrap_or_default();
        match rest.get_mut(..bytes.len()) {
            Some(place) => {
                place.copy_from_slice(bytes);
                self.len += bytes.len();
            }
            None => self.overflowed = true,
        }
    }

    fn has_overflowed(&self) -> bool {
        self.overflowed
    }

    fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
        self.overflowed = false;
    }
}

/// How many bytes there are, never which: logs are read by many.
impl fmt::Debug for FixedOutput<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FixedOutput")
            .field("len", &self.len)
            .field("size", &self.buffer.len())
            .finish()
    }
}
