//! The crate `memcache` signs in by SASL, with a name and a password in the address.

use std::env::var;

use memcache::{Client, MemcacheError};

fn client(user: &str, password: &str) -> Result<Client, MemcacheError> {
    let port = var("PORT").expect("the server's port in PORT");
    Client::connect(format!("memcache://{user}:{password}@127.0.0.1:{port}?timeout=20"))
}

#[test]
fn a_client_that_has_signed_in_is_served() {
    let name = |variable| var(variable).expect("a name and a password");
    let client = client(&name("SASL_USER"), &name("SASL_PASSWORD")).unwrap();
    client.set("key", "value", 0).unwrap();
    assert_eq!(client.get("key").unwrap(), Some("value".to_owned()));
}

#[test]
fn a_wrong_password_is_refused() {
    let refused = client("ada", "wrong").and_then(|client| client.get::<String>("key"));
    assert!(refused.is_err());
}
