//! The memory a cache works in: provided by the caller, or its own `Vec`.

#[cfg(feature = "alloc")]
use alloc::boxed::Box;
#[cfg(feature = "alloc")]
use alloc::vec::Vec;
use core::ops::Range;

use crate::ConfigError;

/// Bytes that a cache may use for all it keeps.
///
/// Implemented for `Vec<u8>` (what [`Cache::new`](crate::Cache::new) makes), `Box<[u8]>` and
/// `&mut [u8]` (a static buffer on a device, a mapped region in a server). Without the feature
/// `alloc` only the last one is there.
///
/// # Examples
/// ```
/// use dynamidb_core::{Cache, Config, Instant, Memory};
///
/// /// Another kind of memory: here, of words.
/// struct Words(Vec<[u8; 8]>);
///
/// impl Memory for Words {
///     fn capacity(&self) -> usize {
///         8 * self.0.len()
///     }
///     fn bytes(&self) -> &[u8] {
///         self.0.as_flattened()
///     }
///     fn bytes_mut(&mut self) -> &mut [u8] {
///         self.0.as_flattened_mut()
///     }
///     fn extend_to(&mut self, _len: usize) {}
/// }
///
/// let memory = Words(vec![[0; 8]; 2048]);
/// let mut cache = Cache::with_memory(Config::new(memory.capacity()), memory)?;
/// cache.set(Instant::from_secs(0), "key", "value")?;
/// assert_eq!(cache.len(), 1);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub trait Memory {
    /// How many bytes there are to use in all.
    fn capacity(&self) -> usize;
    /// The bytes in use so far.
    fn bytes(&self) -> &[u8];
    /// The bytes in use so far, to write.
    fn bytes_mut(&mut self) -> &mut [u8];
    /// Makes at least the first `len` bytes usable. `len` never exceeds
    /// [`capacity`](Self::capacity). Memory that was never asked for need not be backed by
    /// anything yet.
    fn extend_to(&mut self, len: usize);
    /// Makes sure that [`extend_to`](Self::extend_to) can reach `len`, before the budget allows it;
    /// the bytes may move for that. Asked once where a budget is set, never where items are stored.
    ///
    /// # Errors
    /// [`ConfigError::OutOfMemory`] if it cannot; the budget stays as it is then.
    fn reserve(&mut self, len: usize) -> Result<(), ConfigError> {
        let _ = len;
        Ok(())
    }
    /// Hears that nothing behind the first `len` bytes is in use any more, after a smaller budget;
    /// what is there need not be kept. Nothing has to be done.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{Cache, Config, Instant, Memory};
    ///
    /// /// Memory that gives its end back to the allocator.
    /// struct Shrinking(Vec<u8>, usize);
    ///
    /// impl Memory for Shrinking {
    ///     fn capacity(&self) -> usize {
    ///         self.1
    ///     }
    ///     fn bytes(&self) -> &[u8] {
    ///         &self.0
    ///     }
    ///     fn bytes_mut(&mut self) -> &mut [u8] {
    ///         &mut self.0
    ///     }
    ///     fn extend_to(&mut self, len: usize) {
    ///         self.0.resize(len.max(self.0.len()), 0);
    ///     }
    ///     fn release(&mut self, len: usize) {
    ///         self.0.truncate(len);
    ///         self.0.shrink_to_fit();
    ///     }
    /// }
    ///
    /// let memory = Shrinking(Vec::with_capacity(1 << 20), 1 << 20);
    /// let mut cache = Cache::with_memory(Config::new(1 << 20), memory)?;
    /// let now = Instant::from_secs(0);
    /// for number in 0..5000_u32 {
    ///     cache.set(now, &number.to_le_bytes(), &[0; 200])?;
    /// }
    /// cache.set_memory(1 << 19)?;
    /// while cache.free_excess(now, 8) > 0 {}
    /// cache.set(now, "key", "value")?;
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    fn release(&mut self, len: usize) {
        let _ = len;
    }
    /// Hears that items and index lie in this range of it from now on; some bytes behind it may be
    /// in use for a while yet. Nothing has to be done.
    fn limit_to(&mut self, range: Range<usize>) {
        let _ = range;
    }
}

#[cfg(feature = "alloc")]
impl Memory for Vec<u8> {
    fn capacity(&self) -> usize {
        Self::capacity(self)
    }
    fn bytes(&self) -> &[u8] {
        self
    }
    fn bytes_mut(&mut self) -> &mut [u8] {
        self
    }
    fn extend_to(&mut self, len: usize) {
        if self.len() < len {
            self.resize(len, 0);
        }
    }
}

/// The memory of a cache that nobody names. Without the feature `alloc` there is none.
#[cfg(feature = "alloc")]
pub(crate) type DefaultMemory = Vec<u8>;
#[cfg(not(feature = "alloc"))]
pub(crate) type DefaultMemory = core::convert::Infallible;

impl Memory for &mut [u8] {
    fn capacity(&self) -> usize {
        self.len()
    }
    fn bytes(&self) -> &[u8] {
        self
    }
    fn bytes_mut(&mut self) -> &mut [u8] {
        self
    }
    fn extend_to(&mut self, _len: usize) {}
}

#[cfg(feature = "alloc")]
impl Memory for Box<[u8]> {
    fn capacity(&self) -> usize {
        self.len()
    }
    fn bytes(&self) -> &[u8] {
        self
    }
    fn bytes_mut(&mut self) -> &mut [u8] {
        self
    }
    fn extend_to(&mut self, _len: usize) {}
}
