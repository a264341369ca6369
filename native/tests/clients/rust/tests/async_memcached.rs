//! The crate `async-memcached`: classic commands.

use async_memcached::{AsciiProtocol, Client, Error, Status};

const MIB: usize = 1 << 20;

async fn client() -> Client {
    let port = std::env::var("PORT").expect("the server's port in PORT");
    let client = Client::new(format!("tcp://127.0.0.1:{port}")).await;
    client.unwrap()
}

/// What is kept at a key.
async fn kept(client: &mut Client, key: &str) -> Option<Vec<u8>> {
    let value = client.get(key).await.unwrap();
    value.and_then(|value| value.data)
}

#[tokio::test]
async fn set_get_delete() {
    let mut client = client().await;
    client.set("a_basic", "value", None, Some(7)).await.unwrap();
    let value = client.get("a_basic").await.unwrap().unwrap();
    assert_eq!(value.data.as_deref(), Some(&b"value"[..]));
    assert_eq!(value.flags, Some(7));
    client.delete("a_basic").await.unwrap();
    let again = client.delete("a_basic").await;
    assert!(matches!(again, Err(Error::Protocol(Status::NotFound))));
    assert_eq!(kept(&mut client, "a_basic").await, None);
}

#[tokio::test]
async fn add() {
    let mut client = client().await;
    client.delete_no_reply("a_add").await.unwrap();
    client.add("a_add", "first", None, None).await.unwrap();
    let again = client.add("a_add", "second", None, None).await;
    assert!(matches!(again, Err(Error::Protocol(Status::NotStored))));
    assert_eq!(
        kept(&mut client, "a_add").await.as_deref(),
        Some(&b"first"[..])
    );
}

#[tokio::test]
async fn increment_and_decrement() {
    let mut client = client().await;
    client.delete_no_reply("a_count").await.unwrap();
    assert!(client.increment("a_count", 1).await.is_err());
    client.set("a_count", 10_u64, None, None).await.unwrap();
    assert_eq!(client.increment("a_count", 32).await.unwrap(), 42);
    client.increment_no_reply("a_count", 8).await.unwrap();
    assert_eq!(client.decrement("a_count", 1).await.unwrap(), 49);
    client.decrement_no_reply("a_count", 100).await.unwrap();
    assert_eq!(client.increment("a_count", 1).await.unwrap(), 1);
}

#[tokio::test]
async fn many_keys_at_once() {
    let mut client = client().await;
    let keys: Vec<_> = (0..300).map(|i| format!("a_many{i}")).collect();
    let pairs: Vec<_> = keys
        .iter()
        .map(|key| (key.as_str(), key.as_str()))
        .collect();
    let stored = client.set_multi(&pairs, None, None).await.unwrap();
    assert!(stored.len() == 300 && stored.values().all(Result::is_ok));
    let found = client.get_multi(&keys).await.unwrap();
    assert_eq!(found.len(), 300);
    assert!(
        found
            .iter()
            .all(|value| value.data.as_ref() == Some(&value.key))
    );
    client.delete_multi_no_reply(&keys).await.unwrap();
    let none = client.get_multi(&keys).await;
    assert!(matches!(none, Err(Error::Protocol(Status::NotFound))));
}

#[tokio::test]
async fn values_of_every_size_and_any_bytes() {
    let mut client = client().await;
    for size in [0, 1, 4096, 100_000, MIB - 1024] {
        let value: Vec<u8> = (0..size).map(|i| (i * 7 % 256) as u8).collect();
        client.set("a_large", &value[..], None, None).await.unwrap();
        assert_eq!(
            kept(&mut client, "a_large").await.unwrap_or_default(),
            value
        );
    }
    let refused = client
        .set("a_large", &vec![0; 2 * MIB][..], None, None)
        .await;
    assert!(refused.is_err());
}

#[tokio::test]
async fn statistics_and_version() {
    let mut client = client().await;
    assert!(client.version().await.unwrap().starts_with("1."));
    let stats = client.stats().await.unwrap();
    assert!(stats.contains_key("limit_maxbytes"));
}
