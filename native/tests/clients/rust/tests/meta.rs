//! The meta commands as both crates use them: flags, leases, quiet pipelines.

use async_memcached::MetaProtocol;
use memcache::exp::{Get, Meta, MetaClient, MutationStatus, Set, Ttl};

fn server() -> String {
    let port = std::env::var("PORT").expect("the server's port in PORT");
    format!("127.0.0.1:{port}")
}

fn client() -> MetaClient {
    MetaClient::connect(server()).unwrap()
}

#[test]
fn set_get_delete_in_every_mode() {
    let client = client();
    client.delete("x_basic").send().unwrap();
    let absent = client.set("x_basic", "0").replace().send().unwrap();
    assert_eq!(absent.status, MutationStatus::NotFound);
    assert!(
        client
            .set("x_basic", "middle")
            .add()
            .send()
            .unwrap()
            .applied()
    );
    let present = client.set("x_basic", "other").add().send().unwrap();
    assert_eq!(present.status, MutationStatus::AlreadyExists);
    assert!(
        client
            .set("x_basic", "-end")
            .append()
            .send()
            .unwrap()
            .applied()
    );
    assert!(
        client
            .set("x_basic", "start-")
            .prepend()
            .send()
            .unwrap()
            .applied()
    );
    let found = client.get("x_basic").send().unwrap();
    assert_eq!(found.value.as_deref(), Some(&b"start-middle-end"[..]));
    assert!(client.delete("x_basic").send().unwrap().applied());
    assert!(!client.get("x_basic").send().unwrap().hit());
}

#[test]
fn compare_and_swap() {
    let client = client();
    let version = client
        .set("x_cas", "one")
        .return_cas()
        .send()
        .unwrap()
        .cas
        .unwrap();
    let swap = |value| {
        client
            .set("x_cas", value)
            .compare_cas(version)
            .send()
            .unwrap()
    };
    assert!(swap("two").applied());
    assert_eq!(swap("three").status, MutationStatus::CasMismatch);
}

#[test]
fn attributes_of_an_item_are_returned() {
    let client = client();
    client
        .set("x_facts", "abc")
        .ttl(Ttl::secs(100))
        .client_flags(7)
        .send()
        .unwrap();
    let wanted = Meta::NONE.cas().ttl().size();
    let found = client.get("x_facts").meta(wanted).send().unwrap();
    assert_eq!((found.client_flags, found.item.size), (Some(7), Some(3)));
    assert!(found.item.cas.is_some() && matches!(found.item.ttl, Some(90..=100)));
}

#[test]
fn arithmetic() {
    let client = client();
    client.delete("x_count").send().unwrap();
    assert_eq!(
        client.increment("x_count").send().unwrap().status,
        MutationStatus::NotFound
    );
    assert_eq!(
        client
            .increment("x_count")
            .initial(40, 60)
            .send()
            .unwrap()
            .value,
        Some(40)
    );
    assert_eq!(
        client.increment("x_count").delta(2).send().unwrap().value,
        Some(42)
    );
    assert_eq!(
        client.decrement("x_count").delta(100).send().unwrap().value,
        Some(0)
    );
}

#[test]
fn keys_of_any_bytes() {
    let client = client();
    let key = "x with spaces \u{1} and \r\n";
    assert!(client.set(key, "value").send().unwrap().applied());
    let found = client.get(key).send().unwrap();
    assert_eq!(found.value.as_deref(), Some(&b"value"[..]));
    assert!(client.delete(key).send().unwrap().applied());
}

#[test]
fn one_of_many_readers_fills_a_miss() {
    let client = client();
    client.delete("x_lease").send().unwrap();
    let winner = client.get("x_lease").lease_ttl(30).send().unwrap();
    assert!(winner.won_lease());
    let other = client.get("x_lease").lease_ttl(30).send().unwrap();
    assert!(!other.won_lease() && other.lease_busy());
    let version = winner.item.cas.unwrap();
    let filled = client
        .set("x_lease", "fresh")
        .compare_cas(version)
        .send()
        .unwrap();
    assert!(filled.applied());
    let found = client.get("x_lease").send().unwrap();
    assert_eq!(found.value.as_deref(), Some(&b"fresh"[..]));
}

#[test]
fn one_of_many_readers_refreshes_what_is_stale() {
    let client = client();
    client.set("x_stale", "old").send().unwrap();
    let invalidated = client
        .delete("x_stale")
        .invalidate()
        .stale_for(Ttl::secs(30))
        .send();
    assert!(invalidated.unwrap().applied());
    let first = client.get("x_stale").lease_ttl(30).send().unwrap();
    assert!(first.is_stale() && first.won_lease());
    assert_eq!(first.value.as_deref(), Some(&b"old"[..]));
    let second = client.get("x_stale").lease_ttl(30).send().unwrap();
    assert!(second.is_stale() && !second.won_lease());
    client.set("x_stale", "new").send().unwrap();
    assert!(!client.get("x_stale").send().unwrap().is_stale());
}

#[test]
fn many_at_once() {
    let client = client();
    let keys: Vec<_> = (0..300).map(|i| format!("x_many{i}")).collect();
    let stored = client.run_many(keys.iter().map(|key| Set::new(key.as_str(), key.as_str())));
    assert!(
        stored
            .unwrap()
            .iter()
            .all(|stored| stored.as_ref().unwrap().applied())
    );
    let found = client
        .run_many(keys.iter().map(|key| Get::new(key.as_str())))
        .unwrap();
    for (key, found) in keys.iter().zip(found) {
        assert_eq!(found.unwrap().value.as_deref(), Some(key.as_bytes()));
    }
    client.noop().unwrap();
}

#[tokio::test]
async fn async_memcached_sends_quiet_pipelines() {
    let client = async_memcached::Client::new(format!("tcp://{}", server())).await;
    let mut client = client.unwrap();
    let keys: Vec<_> = (0..300).map(|i| format!("y_many{i}")).collect();
    let pairs: Vec<_> = keys
        .iter()
        .map(|key| (key.as_str(), key.as_str()))
        .collect();
    let flags = Some(&["T300", "F42"][..]);
    assert!(
        client
            .meta_set_multi(&pairs, flags)
            .await
            .unwrap()
            .is_empty()
    );
    let flags = Some(&["v", "k", "f", "t"][..]);
    let found = client.meta_get_multi(&keys, flags).await.unwrap();
    assert_eq!(found.len(), keys.len());
    assert!(
        found
            .iter()
            .all(|value| value.data == value.key && value.flags == Some(42))
    );
}

#[tokio::test]
async fn async_memcached_calculates_quietly_and_with_opaque_tokens() {
    let client = async_memcached::Client::new(format!("tcp://{}", server())).await;
    let mut client = client.unwrap();
    client
        .meta_set("y_count", "5", true, None, None)
        .await
        .unwrap();
    client
        .meta_increment("y_count", true, None, Some(10), None)
        .await
        .unwrap();
    let found = client
        .meta_get("y_count", false, Some(b"7"), Some(&["v"]))
        .await;
    let found = found.unwrap().expect("it was stored");
    assert_eq!(found.data.as_deref(), Some(&b"15"[..]));
    assert_eq!(found.opaque_token.as_deref(), Some(&b"7"[..]));
    client
        .meta_delete("y_count", true, None, None)
        .await
        .unwrap();
    assert!(
        client
            .meta_get("y_count", false, None, Some(&["v"]))
            .await
            .unwrap()
            .is_none()
    );
}
