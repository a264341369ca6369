//! Snapshots as C makes and takes them, under Miri too.

use core::mem::MaybeUninit;
use core::ptr::null_mut;
use std::boxed::Box;
use std::vec::Vec;

use super::*;
use crate::tests::Program;
use crate::{NEVER, dynamidb_delete};

/// Some hours after the epoch, in milliseconds.
const UNIX_TIME: u64 = 10_000_000;

/// Items of all kinds: 40 small ones, one that takes a page and more, one that expires.
fn program() -> Program {
    let program = Program::new();
    for number in 0..40 {
        let (key, value) = (format!("key{number}"), [number; 30]);
        assert_eq!(program.set(&key, &value, NEVER), Status::Ok);
    }
    assert_eq!(program.set("large", &[7; 3000], NEVER), Status::Ok);
    assert_eq!(program.set("brief", b"value", 1000), Status::Ok);
    program
}

fn new_save() -> Box<MaybeUninit<SaveState>> {
    let mut save = Box::new(MaybeUninit::uninit());
    let status = unsafe { dynamidb_save_init(save.as_mut_ptr(), 1, UNIX_TIME) };
    assert_eq!(status, Status::Ok);
    save
}

fn next(program: &Program, save: *mut SaveState, buffer: &mut [u8]) -> (Status, usize) {
    let (address, size, mut len) = (buffer.as_mut_ptr().cast(), buffer.len(), 0);
    let status =
        unsafe { dynamidb_save_next(program.handle, save, 1, address, size, &raw mut len) };
    (status, len)
}

fn file(program: &Program, size: usize) -> Vec<u8> {
    let (mut save, mut buffer, mut file) = (new_save(), vec![0; size], Vec::new());
    loop {
        match next(program, save.as_mut_ptr(), &mut buffer) {
            (Status::Ok, len) => file.extend_from_slice(&buffer[..len]),
            (Status::BufferTooSmall, least) => {
                assert!(least > buffer.len());
                buffer.resize(least, 0);
            }
            (status, len) => {
                assert_eq!((status, len), (Status::Complete, 0));
                return file;
            }
        }
    }
}

/// Restores a file in pieces of this size. What the last call has said, and what became of items.
fn restore(program: &Program, file: &[u8], piece: usize, buffer: usize) -> (Status, RawRestored) {
    let mut state = Box::new(MaybeUninit::uninit());
    let (mut buffer, mut restored) = (vec![0_u8; buffer], RawRestored::default());
    let (address, size) = (buffer.as_mut_ptr().cast(), buffer.len());
    let later = UNIX_TIME + 500;
    let status = unsafe { dynamidb_restore_init(state.as_mut_ptr(), 7, later, address, size) };
    assert_eq!(status, Status::Ok);
    let mut status = Status::Ok;
    for piece in file.chunks(piece) {
        let (bytes, len) = (piece.as_ptr().cast(), piece.len());
        let output = &raw mut restored;
        status = unsafe {
            dynamidb_restore_next(program.handle, state.as_mut_ptr(), bytes, len, output)
        };
        if (status as i32) < 0 {
            break;
        }
    }
    (status, restored)
}

#[test]
fn a_file_cut_anywhere_restores_every_item() {
    let saved = program();
    for size in [100, 1000, 5000] {
        let file = file(&saved, size);
        for (piece, buffer) in [(1, 5000), (33, 5000), (1000, 5000), (usize::MAX, 0)] {
            let program = Program::new();
            let (status, restored) = restore(&program, &file, piece, buffer);
            assert_eq!((status, restored.stored), (Status::Complete, 42));
            for number in 0..40 {
                let value = program.get(7, &format!("key{number}"));
                assert_eq!(value, Ok(vec![number; 30]));
            }
            assert_eq!(program.get(7, "large"), Ok(vec![7; 3000]));
            assert_eq!(program.get(506, "brief"), Ok(b"value".to_vec()));
            assert_eq!(program.get(507, "brief"), Err(Status::NotFound));
        }
    }
}

#[test]
fn a_cache_that_goes_on_working_is_saved_without_what_is_deleted_meanwhile() {
    let saved = program();
    let (mut save, mut buffer, mut file) = (new_save(), vec![0; 5000], Vec::new());
    loop {
        let (status, len) = next(&saved, save.as_mut_ptr(), &mut buffer);
        file.extend_from_slice(&buffer[..len]);
        if status == Status::Complete {
            break;
        }
        unsafe { dynamidb_delete(saved.handle, 1, b"large".as_ptr().cast(), 5) };
    }
    let program = Program::new();
    let (status, restored) = restore(&program, &file, 100, 5000);
    assert_eq!((status, restored.stored), (Status::Complete, 41));
}

#[test]
fn truncated_corrupted_foreign_and_newer_files_are_told_apart() {
    let file = file(&program(), 1000);
    let result = |file: &[u8]| restore(&Program::new(), file, 50, 5000).0;
    for len in [1, 31, 32, 100, file.len() - 1] {
        assert_eq!(
            result(&file[..len]),
            Status::Ok,
            "{len}: there is more to come"
        );
    }
    assert_eq!(result(&file), Status::Complete);
    assert_eq!(
        result(&[&file[..], b"x"].concat()),
        Status::CorruptedSnapshot
    );
    for at in (8..file.len()).step_by(97) {
        let mut file = file.clone();
        file[at] ^= 1;
        let status = result(&file);
        let is_noticed = status == Status::CorruptedSnapshot || status == Status::NewerSnapshot;
        // A length that has become larger waits for more.
        assert!(
            is_noticed || status == Status::BufferTooSmall || status == Status::Ok,
            "{at}"
        );
    }
    assert_eq!(result(&[b'x'; 100]), Status::NotASnapshot);
    let mut newer = file;
    newer[8] = 2;
    assert_eq!(result(&newer), Status::NewerSnapshot);
}

#[test]
fn a_buffer_that_is_smaller_than_a_block_is_refused() {
    let file = file(&program(), 1000);
    assert_eq!(
        restore(&Program::new(), &file, 50, 3000).0,
        Status::BufferTooSmall
    );
    assert_eq!(
        restore(&Program::new(), &file, 50, 31).0,
        Status::BufferTooSmall
    );
    assert_eq!(
        restore(&Program::new(), &file, 50, 0).0,
        Status::BufferTooSmall
    );
}

#[test]
fn wrong_arguments_are_rejected() {
    let (program, mut len, mut buffer) = (program(), 0, vec![0_u8; 5000]);
    let (save, mut other) = (new_save(), Box::new(MaybeUninit::<SaveState>::zeroed()));
    let address: *mut c_void = buffer.as_mut_ptr().cast();
    let mut save = save;
    let next = |save, buffer, size, len| unsafe {
        dynamidb_save_next(program.handle, save, 1, buffer, size, len)
    };
    let good = save.as_mut_ptr();
    assert_eq!(
        next(null_mut(), address, 5000, &raw mut len),
        Status::NullPointer
    );
    assert_eq!(
        next(good, null_mut(), 5000, &raw mut len),
        Status::NullPointer
    );
    assert_eq!(next(good, address, 5000, null_mut()), Status::NullPointer);
    let inside: *mut c_void = program.handle.cast();
    assert_eq!(next(good, inside, 100, &raw mut len), Status::Overlap);
    assert_eq!(
        next(program.handle.cast(), address, 5000, &raw mut len),
        Status::Overlap
    );
    assert_eq!(
        next(other.as_mut_ptr(), address, 5000, &raw mut len),
        Status::NotInitialized
    );
    // A copy elsewhere is none.
    unsafe { other.as_mut_ptr().copy_from_nonoverlapping(good, 1) };
    assert_eq!(
        next(other.as_mut_ptr(), address, 5000, &raw mut len),
        Status::NotInitialized
    );
    assert_eq!(next(good, address, 5000, &raw mut len), Status::Ok);

    let mut state = Box::new(MaybeUninit::<RestoreState>::zeroed());
    let init = |state, buffer| unsafe { dynamidb_restore_init(state, 1, 0, buffer, 5000) };
    assert_eq!(init(null_mut(), address), Status::NullPointer);
    assert_eq!(init(state.as_mut_ptr(), null_mut()), Status::NullPointer);
    let next = |state, bytes, len| unsafe {
        dynamidb_restore_next(program.handle, state, bytes, len, null_mut())
    };
    assert_eq!(
        next(state.as_mut_ptr(), address, 10),
        Status::NotInitialized
    );
    assert_eq!(init(state.as_mut_ptr(), address), Status::Ok);
    assert_eq!(
        next(state.as_mut_ptr(), null_mut(), 10),
        Status::NullPointer
    );
    assert_eq!(next(state.as_mut_ptr(), inside, 10), Status::Overlap);
    assert_eq!(next(state.as_mut_ptr(), address, 10), Status::Overlap);
    let last = address.wrapping_byte_add(4999);
    assert_eq!(next(state.as_mut_ptr(), last, 1), Status::Overlap);
    assert_eq!(next(state.as_mut_ptr(), null_mut(), 0), Status::Ok);
    // In the cache's memory no buffer can be.
    assert_eq!(init(state.as_mut_ptr(), inside), Status::Ok);
    assert_eq!(next(state.as_mut_ptr(), address, 10), Status::Overlap);
}

#[test]
fn a_state_that_lies_in_another_argument_is_rejected() {
    let program = program();
    let (mut memory, mut len) = (vec![0_u64; 1000], 0);
    let start: *mut c_void = memory.as_mut_ptr().cast();
    let save: *mut SaveState = start.cast();
    let next =
        |buffer, len| unsafe { dynamidb_save_next(program.handle, save, 1, buffer, 5000, len) };
    assert_eq!(
        unsafe { dynamidb_save_init(save, 1, UNIX_TIME) },
        Status::Ok
    );
    let behind = start.wrapping_byte_add(size_of::<SaveState>());
    assert_eq!(
        next(behind.wrapping_byte_sub(1), &raw mut len),
        Status::Overlap
    );
    assert_eq!(next(behind, start.cast()), Status::Overlap);
    assert_eq!(next(behind, &raw mut len), Status::Ok);

    let state: *mut RestoreState = start.cast();
    let behind = start.wrapping_byte_add(size_of::<RestoreState>());
    let last = behind.wrapping_byte_sub(1);
    let init = |buffer| unsafe { dynamidb_restore_init(state, 1, 0, buffer, 5000) };
    assert_eq!(init(last), Status::Overlap);
    let nothing = unsafe { dynamidb_restore_next(program.handle, null_mut(), last, 0, null_mut()) };
    assert_eq!(nothing, Status::NullPointer);
    assert_eq!(init(behind), Status::Ok);
    let next = |bytes, restored| unsafe {
        dynamidb_restore_next(program.handle, state, bytes, 1, restored)
    };
    assert_eq!(next(last, null_mut()), Status::Overlap);
    let bytes = c"x".as_ptr().cast();
    assert_eq!(next(bytes, start.cast()), Status::Overlap);
    assert_eq!(next(bytes, null_mut()), Status::Ok);
}
