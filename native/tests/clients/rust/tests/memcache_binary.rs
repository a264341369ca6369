//! The crate `memcache` in its default protocol, the binary one.

use std::collections::HashMap;
use std::thread;
use std::time::Duration;

use memcache::Client;

const MIB: usize = 1 << 20;

fn client() -> Client {
    let port = std::env::var("PORT").expect("the server's port in PORT");
    Client::connect(format!("memcache://127.0.0.1:{port}?timeout=20")).unwrap()
}

#[test]
fn set_get_delete() {
    let client = client();
    client.set("b_basic", "value", 0).unwrap();
    assert_eq!(client.get("b_basic").unwrap(), Some("value".to_owned()));
    assert!(client.delete("b_basic").unwrap());
    assert!(!client.delete("b_basic").unwrap());
    assert_eq!(client.get::<String>("b_basic").unwrap(), None);
}

#[test]
fn append_and_prepend() {
    let client = client();
    client.set("b_modes", "middle", 0).unwrap();
    client.append("b_modes", "-end").unwrap();
    client.prepend("b_modes", "start-").unwrap();
    let joined = Some("start-middle-end".to_owned());
    assert_eq!(client.get("b_modes").unwrap(), joined);
}

#[test]
fn compare_and_swap_and_many_keys() {
    let client = client();
    client.set("b_cas", "old", 0).unwrap();
    let keys = ["b_cas", "b_absent"];
    let found: HashMap<String, (Vec<u8>, u32, Option<u64>)> = client.gets(&keys).unwrap();
    assert_eq!(found.len(), 1);
    let version = found["b_cas"].2.expect("gets tells the version");
    assert!(client.cas("b_cas", "new", 0, version).unwrap());
    assert!(!client.cas("b_cas", "newer", 0, version).unwrap());
    assert_eq!(client.get("b_cas").unwrap(), Some("new".to_owned()));
}

#[test]
fn increment_makes_what_is_missing() {
    let client = client();
    client.delete("b_count").unwrap();
    assert_eq!(client.increment("b_count", 5).unwrap(), 0);
    assert_eq!(client.increment("b_count", 42).unwrap(), 42);
    assert_eq!(client.decrement("b_count", 50).unwrap(), 0);
}

#[test]
fn touch_and_expiry() {
    let client = client();
    client.delete("b_touch").unwrap();
    assert!(!client.touch("b_touch", 100).unwrap());
    client.set("b_touch", "value", 2).unwrap();
    client.set("b_short", "value", 2).unwrap();
    assert!(client.touch("b_touch", 100).unwrap());
    thread::sleep(Duration::from_millis(3100));
    assert_eq!(client.get("b_touch").unwrap(), Some("value".to_owned()));
    assert_eq!(client.get::<String>("b_short").unwrap(), None);
}

#[test]
fn values_of_every_size_and_the_version() {
    let client = client();
    for size in [0, 1, 4096, 100_000, MIB - 1024] {
        let value: Vec<u8> = (0..size).map(|at| at as u8).collect();
        client.set("b_size", &value[..], 0).unwrap();
        assert_eq!(client.get::<Vec<u8>>("b_size").unwrap(), Some(value));
    }
    assert!(client.set("b_size", &vec![0; 2 * MIB][..], 0).is_err());
    let versions = client.version().unwrap();
    assert!(
        versions
            .iter()
            .all(|(_, version)| version.starts_with("1."))
    );
}
