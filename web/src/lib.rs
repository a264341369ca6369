//! The playground engine.
