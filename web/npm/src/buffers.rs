//! What JavaScript writes before a call and reads after it. It does so in the module's memory, so
//! that a key, a value and a result cross the border as an address and a length, without a copy
//! in between.

use core::cell::RefCell;

use dynamidb_core::{Item, Key};

/// One set of buffers for all caches: none is in use between two calls.
pub(crate) struct Buffers {
    key: [u8; Key::LEN_MAX],
    input: Vec<u8>,
    /// A value that spans chunks, joined.
    output: Vec<u8>,
    /// The address and the length of the value that was read.
    found: [u32; 2],
}

thread_local! {
    static BUFFERS: RefCell<Buffers> = const {
        RefCell::new(Buffers {
            key: [0; Key::LEN_MAX],
            input: Vec::new(),
            output: Vec::new(),
            found: [0; 2],
        })
    };
}

/// The largest joined value whose memory is kept for the next one.
const OUTPUT_KEPT: usize = 64 * 1024;

pub(crate) fn with<R>(action: impl FnOnce(&mut Buffers) -> R) -> R {
    BUFFERS.with_borrow_mut(action)
}

impl Buffers {
    /// The key that was written: of no bytes if it is too long.
    #[inline]
    pub(crate) fn key(&self, len: usize) -> &[u8] {
        self.key.get(..len).unwrap_or_default()
    }

    /// The value that was written.
    #[inline]
    pub(crate) fn input(&self, len: usize) -> &[u8] {
        self.input.get(..len).unwrap_or(&self.input)
    }

    /// A key, and where to write what is found under it.
    #[inline]
    pub(crate) fn lookup(&mut self, len: usize) -> (&[u8], Reply<'_>) {
        let key = self.key.get(..len).unwrap_or_default();
        let reply = Reply {
            output: &mut self.output,
            found: &mut self.found,
        };
        (key, reply)
    }

    pub(crate) fn key_address(&mut self) -> u32 {
        self.key.as_mut_ptr() as u32
    }

    pub(crate) fn found_address(&self) -> u32 {
        self.found.as_ptr() as u32
    }

    /// Makes the buffer for values `len` bytes long, and says where it is. `None` if there is not
    /// that much memory.
    pub(crate) fn resize_input(&mut self, len: usize) -> Option<u32> {
        self.input = Vec::new();
        self.input.try_reserve_exact(len).ok()?;
        self.input.resize(len, 0);
        Some(self.input.as_mut_ptr() as u32)
    }

    /// Writes a text for JavaScript.
    pub(crate) fn message(&mut self, text: &str) {
        self.output = text.into();
        self.found = location(&self.output);
    }
}

/// Where a value that was read is written.
pub(crate) struct Reply<'b> {
    output: &'b mut Vec<u8>,
    found: &'b mut [u32; 2],
}

impl Reply<'_> {
    /// Writes where the value is: in the cache's own memory if it is one piece. Returns 0 if there
    /// is none, otherwise 1 more than its client flags.
    #[inline]
    pub(crate) fn write(mut self, item: Option<Item<'_>>) -> u32 {
        let Some(item) = item else {
            return 0;
        };
        *self.found = match item.value.as_slice() {
            Some(bytes) => location(bytes),
            None => self.join(&item),
        };
        item.flags + 1
    }

    #[cold]
    fn join(&mut self, item: &Item<'_>) -> [u32; 2] {
        self.output.clear();
        self.output.shrink_to(OUTPUT_KEPT);
        item.value.append_to(self.output);
        location(self.output)
    }
}

/// The address and the length of bytes, which fit 32 bits each.
#[inline]
pub(crate) fn location(bytes: &[u8]) -> [u32; 2] {
    [bytes.as_ptr() as u32, bytes.len() as u32]
}
