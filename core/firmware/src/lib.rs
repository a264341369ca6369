//! The core on devices: the work of the programs, and their board support.
//!
//! The work is deterministic and has no input. The build script (`build.rs`) does it on the host,
//! too, so that a program can compare the outcomes.
#![cfg_attr(target_os = "none", no_std)]

extern crate alloc;

#[cfg(target_os = "none")]
pub mod board;
pub mod readings;
pub mod replay;
