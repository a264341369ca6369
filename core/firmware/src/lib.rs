//! The core on devices: the work of the programs, and their board support.
//!
//! The work is deterministic and has no input. The build script (`build.rs`) does it on the host,
//! too, so that a program can compare the outcomes.
#![cfg_attr(target_os = "none", no_std)]

#[cfg(feature = "heap")]
extern crate alloc;

#[cfg(target_os = "none")]
pub mod board;
#[cfg(all(target_os = "none", feature = "heap"))]
pub mod heap;
pub mod readings;
#[cfg(feature = "heap")]
pub mod replay;
