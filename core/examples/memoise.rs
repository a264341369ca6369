//! An HTTP client that caches each response for as long as the server allows.

use std::time::Duration;

use dynamidb_core::{Cache, Config, ConfigError, Expiry, Instant, Key, Value};

/// A server's response: a page, and how long it may be cached (`Cache-Control: max-age`).
struct Response {
    body: Vec<u8>,
    max_age: Duration,
}

/// Looks up a page in the cache, and calls `fetch` on a miss.
struct Client<F> {
    cache: Cache,
    fetch: F,
}

impl<F: FnMut(&str) -> Response> Client<F> {
    fn new(memory: usize, fetch: F) -> Result<Self, ConfigError> {
        let cache = Cache::new(Config::new(memory))?;
        Ok(Self { cache, fetch })
    }

    fn get(&mut self, now: Instant, url: &str) -> Vec<u8> {
        // URLs that are too long for a key are rare: they are not cached.
        if url.len() > Key::LEN_MAX {
            return (self.fetch)(url).body;
        }
        if let Some(page) = self.cache.get(now, url) {
            return page.value.to_vec();
        }
        let response = (self.fetch)(url);
        let value = Value::from(&response.body[..]).expire(Expiry::After(response.max_age));
        // A page that is too large for the cache is still returned.
        let _ = self.cache.set(now, url, value);
        response.body
    }
}

fn main() {
    let mut fetched = 0;
    let mut client = Client::new(1 << 20, |url| {
        fetched += 1;
        Response {
            body: format!("the page at {url}").into_bytes(),
            max_age: Duration::from_secs(60),
        }
    })
    .expect("a megabyte is enough");
    let url = "http://localhost/weather";
    for second in [0, 10, 59, 60, 100] {
        let page = client.get(Instant::from_secs(second), url);
        assert_eq!(page, b"the page at http://localhost/weather");
    }
    let long = format!("{url}?{}", "x".repeat(300));
    client.get(Instant::from_secs(100), &long);
    client.get(Instant::from_secs(100), &long);
    drop(client);
    assert_eq!(fetched, 4, "once a minute, and the long URL twice");
    println!("7 pages read, {fetched} fetched");
}

#[test]
fn it_runs() {
    main();
}
