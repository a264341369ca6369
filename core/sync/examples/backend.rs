//! A backend with a slow database behind: its threads ask for pages, and each is loaded once a
//! minute, however many ask for it at the same time.
//!
//! ```text
//! cargo run -p dynamidb-sync --example backend
//! ```

use std::error::Error;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use dynamidb_core::{Config, Expiry};
use dynamidb_sync::SharedCache;

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let cache = SharedCache::new(&Config::new(64 << 20), 4)?;
    let queries = AtomicU32::new(0);
    let query = |name: &str| -> Result<String, Failure> {
        queries.fetch_add(1, Ordering::Relaxed);
        thread::sleep(Duration::from_millis(10));
        Ok(format!("the page of {name}"))
    };
    let page = |name: &str| {
        let minute = Expiry::After(Duration::from_secs(60));
        cache.get_or_try_insert_with(name, || Ok::<_, Failure>((query(name)?, minute)))
    };
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for name in ["ada", "grace", "ada"] {
                    let page = page(name).expect("the database answers");
                    assert_eq!(page, format!("the page of {name}").as_bytes());
                }
            });
        }
    });
    assert_eq!(queries.load(Ordering::Relaxed), 2);
    println!("24 pages, 2 queries, {} hits", cache.stats().get_hits);
    Ok(())
}
