//! The interface as C calls it, under Miri too. `tests/cache.c` tests the header with a C compiler.

use core::ffi::{CStr, c_void};
use core::ptr::{null, null_mut};
use std::vec::Vec;

use crate::session::OUTPUT_MIN;
use crate::*;

const WORDS: usize = 2048;

/// A program's memory, and the cache in it.
pub(crate) struct Program {
    memory: Vec<u64>,
    pub(crate) handle: *mut Handle,
}

impl Program {
    pub(crate) fn new() -> Self {
        Self::with(null())
    }

    fn with(config: *const RawConfig) -> Self {
        let mut memory = vec![u64::MAX; WORDS];
        let mut handle = null_mut();
        let address = memory.as_mut_ptr().cast();
        let status = unsafe { dynamidb_init(address, 8 * WORDS, config, &mut handle) };
        assert_eq!(status, Status::Ok);
        Self { memory, handle }
    }

    pub(crate) fn set(&self, key: &str, value: &[u8], ttl: u64) -> Status {
        let (value, len) = (value.as_ptr().cast(), value.len());
        unsafe {
            dynamidb_set(
                self.handle,
                1,
                key.as_ptr().cast(),
                key.len(),
                value,
                len,
                ttl,
            )
        }
    }

    pub(crate) fn get(&self, now: u64, key: &str) -> Result<Vec<u8>, Status> {
        let (mut buffer, mut item) = (vec![0_u8; 4000], RawItem::default());
        let (address, len) = (buffer.as_mut_ptr().cast(), buffer.len());
        let (key, key_len) = (key.as_ptr().cast(), key.len());
        match unsafe { dynamidb_get(self.handle, now, key, key_len, address, len, &mut item) } {
            Status::Ok => {
                buffer.truncate(item.len);
                Ok(buffer)
            }
            status => Err(status),
        }
    }

    fn digest(&self) -> u64 {
        unsafe { (*self.handle).cache.digest() }
    }

    /// A pointer into the cache's memory.
    fn inside(&mut self) -> *mut c_void {
        self.memory.as_mut_ptr().wrapping_add(WORDS / 2).cast()
    }
}

#[test]
fn values_are_found_until_they_expire() {
    let program = Program::new();
    let long: Vec<u8> = (0..3000).map(|number| number as u8).collect();
    assert_eq!(program.set("brief", b"21.5", 1000), Status::Ok);
    assert_eq!(program.set("long", &long, NEVER), Status::Ok);
    assert_eq!(program.set("empty", b"", NEVER), Status::Ok);
    assert_eq!(program.get(1000, "brief"), Ok(b"21.5".to_vec()));
    assert_eq!(program.get(1001, "brief"), Err(Status::NotFound));
    assert_eq!(program.get(u64::MAX, "long"), Ok(long));
    assert_eq!(program.get(0, "empty"), Ok(Vec::new()));
}

#[test]
fn every_operation_returns_its_outcomes() {
    let program = Program::new();
    let (handle, key, one) = (program.handle, c"n".as_ptr().cast(), c"1".as_ptr().cast());
    let (mut number, mut steps) = (0, 9);
    let (mut item, mut stats) = (RawItem::default(), RawStats::default());
    let mut buffer = [0_u8; 4];
    let address = buffer.as_mut_ptr().cast();
    unsafe {
        assert_eq!(
            dynamidb_replace(handle, 1, key, 1, one, 1, 9),
            Status::NotFound
        );
        assert_eq!(
            dynamidb_compare_and_swap(handle, 1, key, 1, one, 1, 9, 1),
            Status::NotFound
        );
        assert_eq!(dynamidb_touch(handle, 1, key, 1, 9), Status::NotFound);
        assert_eq!(
            dynamidb_increment(handle, 1, key, 1, 1, &mut number),
            Status::NotFound
        );
        assert_eq!(dynamidb_add(handle, 1, key, 1, one, 1, NEVER), Status::Ok);
        assert_eq!(
            dynamidb_add(handle, 1, key, 1, one, 1, NEVER),
            Status::Exists
        );
        assert_eq!(
            dynamidb_replace(handle, 1, key, 1, one, 1, NEVER),
            Status::Ok
        );
        assert_eq!(
            dynamidb_increment(handle, 1, key, 1, 41, &mut number),
            Status::Ok
        );
        assert_eq!(
            (number, dynamidb_decrement(handle, 1, key, 1, 2, null_mut())),
            (42, Status::Ok)
        );
        assert_eq!(dynamidb_touch(handle, 1, key, 1, 9), Status::Ok);
        assert_eq!(
            dynamidb_get(handle, 1, key, 1, address, 4, &mut item),
            Status::Ok
        );
        assert_eq!((&buffer[..item.len], item.expires_at), (&b"40"[..], 10));
        let cas = item.cas;
        assert_eq!(
            dynamidb_compare_and_swap(handle, 1, key, 1, one, 1, 9, cas),
            Status::Ok
        );
        assert_eq!(
            dynamidb_compare_and_swap(handle, 1, key, 1, one, 1, 9, cas),
            Status::CasMismatch
        );
        assert_eq!(dynamidb_maintain(handle, 5000, 8, &mut steps), Status::Ok);
        assert!((1..8).contains(&steps));
        assert_eq!(dynamidb_delete(handle, 5000, key, 1), Status::NotFound);
        assert_eq!(
            dynamidb_add(handle, 5000, key, 1, one, 1, NEVER),
            Status::Ok
        );
        assert_eq!(dynamidb_delete(handle, 5000, key, 1), Status::Ok);
        assert_eq!(
            dynamidb_add(handle, 5000, key, 1, one, 1, NEVER),
            Status::Ok
        );
        assert_eq!(dynamidb_clear(handle), Status::Ok);
        assert_eq!(dynamidb_get_stats(handle, &mut stats), Status::Ok);
        assert_eq!((stats.items, stats.expired, stats.get_hits), (0, 1, 1));
        assert_eq!(dynamidb_release(handle), Status::Ok);
        assert_eq!(dynamidb_release(handle), Status::NotACache);
    }
}

#[test]
fn a_rejected_pointer_or_length_changes_nothing() {
    let mut program = Program::new();
    program.set("key", b"value", NEVER);
    let (handle, before) = (program.handle, program.digest());
    let inside = program.inside();
    let (key, value) = (c"key".as_ptr().cast(), c"v".as_ptr().cast());
    let (mut item, mut buffer) = (RawItem::default(), [0_u8; 5]);
    let address: *mut c_void = buffer.as_mut_ptr().cast();
    let misaligned = (&raw mut item).cast::<u8>().wrapping_add(1).cast();
    let end = core::ptr::without_provenance(usize::MAX);
    unsafe {
        let get =
            |key, len, address, size, item| dynamidb_get(handle, 1, key, len, address, size, item);
        assert_eq!(get(null(), 3, address, 5, &mut item), Status::NullPointer);
        assert_eq!(get(key, 3, null_mut(), 5, &mut item), Status::NullPointer);
        assert_eq!(get(key, 3, address, 5, null_mut()), Status::NullPointer);
        assert_eq!(get(key, 3, address, 5, misaligned), Status::Misaligned);
        assert_eq!(get(key, 0, address, 5, &mut item), Status::KeyLength);
        assert_eq!(get(key, 251, address, 5, &mut item), Status::KeyLength);
        assert_eq!(
            get(key, usize::MAX, address, 5, &mut item),
            Status::KeyLength
        );
        assert_eq!(get(end, 3, address, 5, &mut item), Status::KeyLength);
        assert_eq!(get(inside, 3, address, 5, &mut item), Status::Overlap);
        assert_eq!(get(key, 3, inside, 5, &mut item), Status::Overlap);
        assert_eq!(
            get(key, 3, address, usize::MAX, &mut item),
            Status::BufferTooSmall
        );
        assert_eq!(get(key, 3, address, 5, inside.cast()), Status::Overlap);
        assert_eq!(item, RawItem::default());
        assert_eq!(
            dynamidb_visit(handle, 1, key, 3, None, null_mut(), &mut item),
            Status::NullPointer
        );
        let set = |value, len| dynamidb_set(handle, 1, key, 3, value, len, NEVER);
        assert_eq!(set(null(), 1), Status::NullPointer);
        assert_eq!(set(value, usize::MAX / 2 + 1), Status::ValueTooLarge);
        assert_eq!(set(end, 2), Status::ValueTooLarge);
        assert_eq!(set(inside, 1), Status::Overlap);
        assert_eq!(dynamidb_get_stats(handle, null_mut()), Status::NullPointer);
    }
    assert_eq!((program.digest(), buffer), (before, [0; 5]));
    assert_eq!(
        program.set("key", &vec![0; 16 << 10], NEVER),
        Status::ValueTooLarge
    );
    assert_eq!(
        program.get(1, "key"),
        Err(Status::NotFound),
        "as the header says"
    );
}

#[test]
fn a_buffer_that_is_too_small_is_left_unchanged() {
    let program = Program::new();
    program.set("key", b"value", NEVER);
    let (mut buffer, mut item) = ([7_u8; 4], RawItem::default());
    let (key, address) = (c"key".as_ptr().cast(), buffer.as_mut_ptr().cast());
    let get = |address, size, item| unsafe {
        dynamidb_get(program.handle, 1, key, 3, address, size, item)
    };
    assert_eq!(get(address, 4, &mut item), Status::BufferTooSmall);
    assert_eq!((buffer, item.len), ([7; 4], 5));
    assert_eq!(get(null_mut(), 0, &mut item), Status::BufferTooSmall);
}

#[test]
fn a_handle_without_a_live_cache_is_rejected() {
    let mut program = Program::new();
    let mut number = 0;
    let maintain = |handle| unsafe { dynamidb_maintain(handle, 1, 1, null_mut()) };
    assert_eq!(maintain(null_mut()), Status::NullPointer);
    assert_eq!(
        maintain(program.handle.cast::<u8>().wrapping_add(4).cast()),
        Status::Misaligned
    );
    assert_eq!(maintain(program.handle), Status::Ok);
    let mut moved = program.memory.clone();
    assert_eq!(maintain(moved.as_mut_ptr().cast()), Status::NotACache);
    program.memory[..4].fill(0);
    assert_eq!(
        maintain(program.memory.as_mut_ptr().cast()),
        Status::NotACache,
        "overwritten"
    );
    let mut unused = vec![0_u64; WORDS];
    let handle = unused.as_mut_ptr().cast();
    let key = c"key".as_ptr().cast();
    let status = unsafe { dynamidb_increment(handle, 1, key, 3, 1, &mut number) };
    assert_eq!((status, number), (Status::NotACache, 0));
}

#[test]
fn a_visitor_gets_all_pieces_and_cannot_call_the_cache() {
    struct Seen {
        handle: *mut Handle,
        bytes: Vec<u8>,
        pieces: usize,
    }
    unsafe extern "C" fn see(context: *mut c_void, piece: *const c_void, len: usize) {
        let seen = unsafe { &mut *context.cast::<Seen>() };
        let piece = unsafe { core::slice::from_raw_parts(piece.cast(), len) };
        seen.bytes.extend_from_slice(piece);
        seen.pieces += 1;
        assert_eq!(unsafe { dynamidb_clear(seen.handle) }, Status::Busy);
        assert_eq!(unsafe { dynamidb_release(seen.handle) }, Status::Busy);
    }
    let program = Program::new();
    let value: Vec<u8> = (0..1000).map(|number| number as u8).collect();
    program.set("key", &value, NEVER);
    let (handle, key) = (program.handle, c"key".as_ptr().cast());
    let (bytes, pieces) = (Vec::new(), 0);
    let mut seen = Seen {
        handle,
        bytes,
        pieces,
    };
    let context = (&raw mut seen).cast();
    let visit = |item| unsafe { dynamidb_visit(handle, 1, key, 3, Some(see), context, item) };
    assert_eq!(visit(null_mut()), Status::Ok);
    assert!(seen.pieces > 1 && seen.bytes == value);
    assert_eq!(unsafe { dynamidb_clear(handle) }, Status::Ok);
}

#[test]
fn init_rejects_memory_before_writing_to_it() {
    let mut memory = vec![u64::MAX; WORDS];
    let address: *mut c_void = memory.as_mut_ptr().cast();
    let mut handle = null_mut();
    let mut least = 0;
    let zero = RawConfig {
        max_items: 0,
        item_size_max: 0,
        page_size: 0,
        slab_sizes: null(),
        slab_sizes_len: 0,
        hash_seed: [0; 2],
        policy: 0,
        compact: 0,
        flush_prefix_max: 0,
    };
    unsafe {
        assert_eq!(dynamidb_memory_min(&zero, &mut least), Status::Ok);
        assert!(least > size_of::<Handle>() && least < 8 * WORDS, "{least}");
        let mut init =
            |address, size, config: &RawConfig| dynamidb_init(address, size, config, &mut handle);
        for size in [0, 1, size_of::<Handle>(), least - 1] {
            assert_eq!(init(address, size, &zero), Status::MemoryTooSmall, "{size}");
        }
        assert_eq!(init(null_mut(), least, &zero), Status::NullPointer);
        assert_eq!(
            init(address.wrapping_byte_add(1), least, &zero),
            Status::Misaligned
        );
        assert_eq!(
            init(address, usize::MAX & !7, &zero),
            Status::MemoryTooLarge
        );
        for (config, status) in [
            (RawConfig { policy: 3, ..zero }, Status::BadPolicy),
            (
                RawConfig {
                    flush_prefix_max: 64,
                    ..zero
                },
                Status::BadFlushPrefixMax,
            ),
            (
                RawConfig {
                    page_size: 500,
                    ..zero
                },
                Status::BadPageSize,
            ),
            (
                RawConfig {
                    item_size_max: 1 << 25,
                    ..zero
                },
                Status::BadItemSize,
            ),
            (
                RawConfig {
                    slab_sizes_len: 1,
                    ..zero
                },
                Status::NullPointer,
            ),
            (
                RawConfig {
                    slab_sizes: &33,
                    slab_sizes_len: 1,
                    ..zero
                },
                Status::BadSlabSizes,
            ),
            (
                RawConfig {
                    slab_sizes: &32,
                    slab_sizes_len: 63,
                    ..zero
                },
                Status::BadSlabSizes,
            ),
        ] {
            assert_eq!(init(address, 8 * WORDS, &config), status, "{config:?}");
        }
        let inside = address.cast();
        assert_eq!(
            dynamidb_init(address, 8 * WORDS, &zero, inside),
            Status::Overlap
        );
        assert_eq!(
            dynamidb_init(address, 8 * WORDS, &zero, null_mut()),
            Status::NullPointer
        );
        let misaligned = (&raw const zero).wrapping_byte_add(1);
        assert_eq!(
            dynamidb_init(address, 8 * WORDS, misaligned, &mut handle),
            Status::Misaligned
        );
        assert!(handle.is_null() && memory.iter().all(|&word| word == u64::MAX));
        let address = memory.as_mut_ptr().cast();
        assert_eq!(
            dynamidb_init(address, least, &zero, &mut handle),
            Status::Ok
        );
    }
}

#[test]
fn init_applies_the_configuration() {
    let sizes = [32, 64];
    let config = RawConfig {
        max_items: 3,
        item_size_max: 100,
        page_size: 512,
        slab_sizes: sizes.as_ptr(),
        slab_sizes_len: sizes.len(),
        hash_seed: [1, 2],
        policy: 1,
        compact: 1,
        flush_prefix_max: 0,
    };
    let program = Program::with(&config);
    for key in ["a", "b", "c", "d", "e"] {
        // The most that fits a chunk of 32 bytes behind a compact item header and the key.
        assert_eq!(program.set(key, &[b'v'; 15], NEVER), Status::Ok);
    }
    assert_eq!(program.set("f", &[0; 100], NEVER), Status::ValueTooLarge);
    let mut stats = RawStats::default();
    unsafe { dynamidb_get_stats(program.handle, &mut stats) };
    assert_eq!((stats.items, stats.evictions, stats.bytes), (3, 2, 96));
}

#[test]
fn every_status_has_the_name_of_the_header() {
    let name = |status| {
        unsafe { CStr::from_ptr(dynamidb_status_name(status)) }
            .to_str()
            .unwrap()
    };
    let header = include_str!("../include/dynamidb.h");
    let mut names = 0;
    for status in -100..100 {
        if name(status) != "unknown" {
            assert!(
                header.contains(&std::format!("    {} = {status}", name(status))),
                "{status}"
            );
            names += 1;
        }
    }
    assert_eq!(names, 29);
}

/// A visitor of items that counts them.
unsafe extern "C" fn count(
    context: *mut c_void,
    _: *const c_void,
    _: usize,
    _: *const RawItem,
) -> i32 {
    unsafe { *context.cast::<usize>() += 1 };
    1
}

#[test]
fn items_are_visited_in_place() {
    let program = Program::new();
    for key in ["a", "b", "c"] {
        assert_eq!(program.set(key, b"v", NEVER), Status::Ok);
    }
    let mut visited = 0_usize;
    let context = (&raw mut visited).cast();
    assert_eq!(
        unsafe { dynamidb_for_each(program.handle, 1, Some(count), context) },
        Status::Ok
    );
    assert_eq!(visited, 3);
}

#[test]
fn a_session_writes_replies_to_the_buffer_and_nothing_behind_it() {
    let program = Program::new();
    let mut session = core::mem::MaybeUninit::<SessionHandle>::uninit();
    let session = session.as_mut_ptr();
    assert_eq!(unsafe { dynamidb_session_init(session, 100) }, Status::Ok);
    let said = b"set k 0 0 50\r\n01234567890123456789012345678901234567890123456789\r\nget k\r\n";
    let (mut used, mut len, mut at) = (0, 0, 0);
    let mut heard = Vec::new();
    while at < said.len() {
        let mut buffer = [0xA5_u8; 200];
        let status = unsafe {
            dynamidb_session_process(
                program.handle,
                session,
                0,
                said[at..].as_ptr().cast(),
                said.len() - at,
                &mut used,
                buffer.as_mut_ptr().cast(),
                140,
                &mut len,
            )
        };
        assert_eq!(status, Status::Ok);
        assert!(buffer[140..].iter().all(|&byte| byte == 0xA5));
        heard.extend_from_slice(&buffer[..len]);
        at += used;
    }
    assert!(
        heard.starts_with(b"STORED\r\nVALUE k 0 50\r\n01") && heard.ends_with(b"89\r\nEND\r\n")
    );
}

#[test]
fn a_session_that_lies_in_another_argument_is_rejected() {
    let program = Program::new();
    let mut memory = [0_u64; 200];
    let session: *mut SessionHandle = memory.as_mut_ptr().cast();
    let inside: *mut c_void = session.cast();
    let behind = inside.wrapping_byte_add(size_of::<SessionHandle>());
    assert_eq!(unsafe { dynamidb_session_init(session, 100) }, Status::Ok);
    let process = |input, output, used, len| unsafe {
        dynamidb_session_process(
            program.handle,
            session,
            0,
            input,
            5,
            used,
            output,
            OUTPUT_MIN,
            len,
        )
    };
    let (said, mut used, mut len) = (c"mn\r\nx".as_ptr().cast(), 0, 0);
    let (used, len) = (&raw mut used, &raw mut len);
    let last = behind.wrapping_byte_sub(1);
    assert_eq!(process(last, behind, used, len), Status::Overlap);
    assert_eq!(process(said, last, used, len), Status::Overlap);
    assert_eq!(process(said, inside, used, len), Status::Overlap);
    assert_eq!(process(said, behind, inside.cast(), len), Status::Overlap);
    assert_eq!(process(said, behind, used, inside.cast()), Status::Overlap);
    assert_eq!(process(said, behind, used, len), Status::Ok);
}

#[test]
fn an_item_that_never_expires_is_visited_at_the_end_of_time() {
    let program = Program::new();
    assert_eq!(program.set("a", b"1", NEVER), Status::Ok);
    let mut visited = 0_usize;
    let context = (&raw mut visited).cast();
    let status = unsafe { dynamidb_for_each(program.handle, u64::MAX, Some(count), context) };
    assert_eq!((status, visited), (Status::Ok, 1));
}
