//! Plays the core's conversations with a playground, under WebAssembly: in whole messages and one
//! byte at a time.

#[path = "../../core/tests/conversations/mod.rs"]
mod conversations;

use std::collections::HashMap;

use conversations::{Conversation, Host, START_MILLIS};
use dynamidb_core::Protocol;
use dynamidb_web::{Dialect, Playground, Settings};
use wasm_bindgen_test::wasm_bindgen_test;

#[cfg(feature = "browser")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen_test]
fn conversations_get_the_expected_replies() {
    // A page has one client, who sees what there is: nobody signs in, and text is spoken too.
    let packets = conversations::all_binary().filter(|conversation| {
        let settings = &conversation.settings;
        !settings.sasl && settings.protocol == Protocol::Auto
    });
    for conversation in conversations::all().chain(packets) {
        play(&conversation, "whole", usize::MAX);
    }
}

#[wasm_bindgen_test]
fn conversations_sent_byte_by_byte_get_the_expected_replies() {
    for conversation in conversations::all().filter(|conversation| !conversation.settings.whole) {
        play(&conversation, "byte by byte", 1);
    }
}

fn play(conversation: &Conversation, how: &str, piece: usize) {
    let playground = Playground::with_settings(&settings(conversation), 0, START_MILLIS);
    let mut page = Page {
        playground: playground.expect("the settings of a conversation are valid"),
        replies: HashMap::new(),
        piece,
    };
    conversation.play(&mut page, how);
}

fn settings(conversation: &Conversation) -> Settings {
    let wanted = &conversation.settings;
    let mut settings = Settings::new(wanted.memory as u32);
    settings.max_items = wanted.max_items.map(|max| max as u32);
    settings.item_size_max = wanted.item_size_max as u32;
    settings.flush_enabled = wanted.flush_enabled;
    settings.cas_enabled = wanted.cas_enabled;
    settings.dialect = match wanted.dialect {
        dynamidb_core::Dialect::DynamiDb => Dialect::DynamiDb,
        dynamidb_core::Dialect::Memcached => Dialect::Memcached,
        _ => Dialect::Auto,
    };
    settings
}

/// A playground, and the replies to its clients, by their names.
struct Page {
    playground: Playground,
    replies: HashMap<char, Vec<u8>>,
    /// The number of bytes sent at once.
    piece: usize,
}

fn number(client: char) -> u32 {
    u32::from(client) - u32::from('a')
}

impl Host for Page {
    fn say(&mut self, client: char, bytes: &[u8]) {
        for piece in bytes.chunks(self.piece) {
            // A connection that the server has closed carries nothing more.
            if self.replies.contains_key(&client) && self.is_closed(client) {
                break;
            }
            let reply = self.playground.send(number(client), piece);
            self.replies.entry(client).or_default().extend(reply);
        }
    }

    fn hear(&mut self, client: char, _enough: &dyn Fn(&[u8]) -> bool) -> Vec<u8> {
        std::mem::take(self.replies.entry(client).or_default())
    }

    fn is_closed(&mut self, client: char) -> bool {
        !self.playground.is_connected(number(client))
    }

    fn wait(&mut self, millis: i64) {
        self.playground
            .set_clock(self.playground.now() + millis as f64);
    }
}
