//! What programs in Rust do with a cache, through the crates `memcache` and `async-memcached`: see
//! the tests.
