//! The crate `memcache`: classic commands, and meta commands.

use std::collections::HashMap;
use std::thread;
use std::time::Duration;

use memcache::{Client, CommandError, MemcacheError};

const MIB: usize = 1 << 20;

fn port() -> String {
    std::env::var("PORT").expect("the server's port in PORT")
}

fn client() -> Client {
    let url = format!("memcache://127.0.0.1:{}?protocol=ascii&timeout=20", port());
    Client::connect(url).unwrap()
}

#[test]
fn set_get_delete() {
    let client = client();
    client.set("m_basic", "value", 0).unwrap();
    assert_eq!(client.get("m_basic").unwrap(), Some("value".to_owned()));
    assert!(client.delete("m_basic").unwrap());
    assert!(!client.delete("m_basic").unwrap());
    assert_eq!(client.get::<String>("m_basic").unwrap(), None);
}

#[test]
fn add_replace_append_prepend() {
    let client = client();
    client.delete("m_modes").unwrap();
    // The crate does not tell whether these two stored anything.
    client.replace("m_modes", "0", 0).unwrap();
    client.add("m_modes", "middle", 0).unwrap();
    client.add("m_modes", "other", 0).unwrap();
    client.append("m_modes", "-end").unwrap();
    client.prepend("m_modes", "start-").unwrap();
    assert_eq!(
        client.get("m_modes").unwrap(),
        Some("start-middle-end".to_owned())
    );
}

#[test]
fn compare_and_swap() {
    let client = client();
    client.set("m_cas", "old", 0).unwrap();
    let found: HashMap<String, (Vec<u8>, u32, Option<u64>)> = client.gets(&["m_cas"]).unwrap();
    let version = found["m_cas"].2.expect("gets tells the version");
    assert!(client.cas("m_cas", "new", 0, version).unwrap());
    assert!(!client.cas("m_cas", "newer", 0, version).unwrap());
    assert_eq!(client.get("m_cas").unwrap(), Some("new".to_owned()));
}

#[test]
fn increment_and_decrement() {
    let client = client();
    client.delete("m_count").unwrap();
    let absent = client.increment("m_count", 1);
    assert!(matches!(
        absent,
        Err(MemcacheError::CommandError(CommandError::KeyNotFound))
    ));
    client.set("m_count", 10, 0).unwrap();
    assert_eq!(client.increment("m_count", 32).unwrap(), 42);
    assert_eq!(client.decrement("m_count", 50).unwrap(), 0);
}

#[test]
fn many_keys_at_once() {
    let client = client();
    let keys: Vec<_> = (0..300).map(|i| format!("m_many{i}")).collect();
    for key in &keys {
        client.set(key, key.as_str(), 0).unwrap();
    }
    let keys: Vec<_> = keys.iter().map(String::as_str).collect();
    let found: HashMap<String, String> = client.gets(&keys).unwrap();
    assert_eq!(found.len(), 300);
    assert!(found.iter().all(|(key, value)| key == value));
}

#[test]
fn values_of_every_size_and_any_bytes() {
    let client = client();
    for size in [0, 1, 4096, 100_000, MIB - 1024] {
        let value: Vec<u8> = (0..size).map(|i| (i * 7 % 256) as u8).collect();
        client.set("m_large", &value[..], 0).unwrap();
        assert_eq!(client.get::<Vec<u8>>("m_large").unwrap(), Some(value));
    }
    assert!(client.set("m_large", &vec![0; 2 * MIB][..], 0).is_err());
}

#[test]
fn items_expire_and_are_touched() {
    let client = client();
    client.set("m_short", "1", 2).unwrap();
    client.set("m_touched", "1", 2).unwrap();
    assert!(client.touch("m_touched", 100).unwrap());
    thread::sleep(Duration::from_millis(3100));
    assert_eq!(client.get::<String>("m_short").unwrap(), None);
    assert_eq!(client.get("m_touched").unwrap(), Some("1".to_owned()));
}

#[test]
fn the_version() {
    let [(_, version)] = &client().version().unwrap()[..] else {
        panic!("one server has one version")
    };
    assert!(version.starts_with("1."));
}
