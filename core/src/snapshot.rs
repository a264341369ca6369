//! A cache as a file: a list of its items, the least recently used first, that any cache can store
//! again, on any platform, in any memory, over any number of shards.
//!
//! Nothing of the cache's own layout is in it. A file that somebody has changed can therefore store
//! other items and do nothing else: each passes through the same operation as a client's.
//!
//! ```
//! use core::time::Duration;
//! use dynamidb_core::snapshot::{self, Clocks, Restore};
//! use dynamidb_core::{Cache, Config, Expiry, Instant, Value};
//!
//! let mut cache = Cache::new(Config::new(64 * 1024))?;
//! let now = Instant::from_secs(100);
//! let minute = Value::from("value").expire(Expiry::After(Duration::from_secs(60)));
//! cache.set(now, "key", minute)?;
//!
//! // To a file, piece by piece.
//! let mut buffer = [0; 4096];
//! let mut file = Vec::new();
//! let mut save = cache.save(Clocks::new(now));
//! while let piece @ [_, ..] = save.next(&mut buffer)? {
//!     file.extend_from_slice(piece);
//! }
//!
//! // And back, whatever the other cache's size is and wherever its clock begins.
//! let mut cache = Cache::new(Config::new(128 * 1024))?;
//! let now = Instant::from_secs(0);
//! let mut restore = Restore::new(Clocks::new(now));
//! let mut rest = &file[..];
//! while let used @ 1.. = restore.feed(now, &mut cache, rest)? {
//!     rest = &rest[used..];
//! }
//! assert_eq!(restore.finish()?.stored, 1);
//! let item = cache.get(now, "key").unwrap();
//! assert_eq!(item.value, b"value");
//! assert_eq!(item.expires_at, Some(Instant::from_secs(60)));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! # Which type is for what
//!
//! | you want | use |
//! |---|---|
//! | to save a cache that nobody changes meanwhile, in the order of use | [`Cache::save`] |
//! | to save a cache that goes on working | [`LiveSave`] |
//! | to restore a cache | [`Restore`] |
//! | to look into a file, or to store its items elsewhere | [`Reader`] |
//! | to write items that are in no cache | [`Writer`] |
//!
//! [`Cache::save`]: crate::Cache::save
//!
//! # The file
//!
//! Numbers are little-endian. A checksum is rapidhash (version 3, nano) of the bytes that it
//! covers, seeded with the number of the block, so that no block can be missing, twice or elsewhere
//! unnoticed. It finds accidents, not forgeries.
//!
//! ```text
//! header, 32 bytes
//!  0  [8]  89 'DynDB' 0D 0A
//!  8  u16  version, 1
//! 10  u16  bit 0: the items are in the order of use; otherwise in none
//! 12  u32  about how many items there are; 0 if nobody knew
//! 16  u64  the wall clock at the save, in milliseconds since 1970; 0 if there was none
//! 24  u64  checksum of bytes 0..24, seed 0
//!
//! block, from number 1 on; one without items is the end
//!  0  u64  checksum of the rest of the block
//!  8  u32  bytes of the payload
//! 12  u32  how many items it has
//! 16  u64  the last `cas` that the cache had given, 0 if it gives none
//! 24       the items; at the end a u64: how many items there are in all blocks
//!
//! item
//!  0  u8   bits: 0 client flags, 1 expires, 2 cas, 3 fetched, 4 stale, 5 won, 6 base64, 7 queued
//!  1  u8   bytes of the key
//!  2  u32  bytes of the value
//!  6  u32  seconds since it was last used
//! 10 [u32] client flags, with bit 0
//!    [u64] in how many milliseconds it expires, with bit 1
//!    [u64] cas, with bit 2
//!          key, value
//! ```
//!
//! Times count from the start of the save. Where both sides had a wall clock, the time in between
//! counts too; where one had none, or it was set back, items live longer by that time.
//!
//! A reader reads all versions up to its own and refuses later ones.

mod format;
mod live;
mod reader;
mod record;
mod restore;
mod save;
mod writer;

pub use format::{BLOCK_SIZE_MAX, END_SIZE, HEADER_SIZE, VERSION, buffer_size};
pub use live::LiveSave;
pub use reader::{Block, Header, Part, ReadError, Reader};
pub use record::{Clocks, Record};
pub use restore::{Restore, Restored, Sorting};
pub use save::Save;
pub use writer::{BlockWriter, BufferTooSmall, Writer};
