//! The core on devices: what the programs do, and what they need for it.
//!
//! What they do is a function of nothing, done on the host as well when this is built
//! (`build.rs`), so that a program can compare.
#![cfg_attr(target_os = "none", no_std)]

extern crate alloc;

#[cfg(target_os = "none")]
pub mod board;
pub mod readings;
pub mod talk;
