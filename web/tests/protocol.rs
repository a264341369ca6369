//! Plays the core's conversations against a playground, under WebAssembly: whole and byte by byte.

#[path = "../../core/tests/conversations/mod.rs"]
mod conversations;

use std::collections::HashMap;

use conversations::{Conversation, Host, START_MILLIS};
use dynamidb_web::{Dialect, Playground, Settings};
use wasm_bindgen_test::wasm_bindgen_test;

#[cfg(feature = "browser")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen_test]
fn conversations_go_as_written() {
    for conversation in conversations::all() {
        play(&conversation, "whole", usize::MAX);
    }
}

#[wasm_bindgen_test]
fn conversations_go_the_same_byte_by_byte() {
    for conversation in conversations::all().filter(|conversation| !conversation.settings.whole) {
        play(&conversation, "byte by byte", 1);
    }
}

fn play(conversation: &Conversation, how: &str, piece: usize) {
    let made = Playground::new(&settings(conversation), &[0; 16]).ok();
    let playground = made.expect("the settings of a conversation are possible");
    let mut page = Page {
        playground,
        clients: HashMap::new(),
        millis: START_MILLIS,
        piece,
    };
    conversation.play(&mut page, how);
}

fn settings(conversation: &Conversation) -> Settings {
    let wanted = &conversation.settings;
    let mut settings = Settings::new(wanted.memory as u32);
    settings.max_items = wanted.max_items.map(|max| max as u32);
    settings.item_size_max = wanted.item_size_max as u32;
    settings.dialect = match wanted.dialect {
        dynamidb_core::Dialect::DynamiDb => Dialect::DynamiDb,
        dynamidb_core::Dialect::Memcached => Dialect::Memcached,
        _ => Dialect::Auto,
    };
    settings
}

/// A playground with its clients by name, and what they have heard.
struct Page {
    playground: Playground,
    clients: HashMap<char, (u32, Vec<u8>)>,
    millis: u64,
    /// How many bytes are sent at once.
    piece: usize,
}

impl Page {
    fn client(&mut self, name: char) -> &mut (u32, Vec<u8>) {
        let playground = &mut self.playground;
        self.clients
            .entry(name)
            .or_insert_with(|| (playground.open(), Vec::new()))
    }
}

impl Host for Page {
    fn say(&mut self, client: char, bytes: &[u8]) {
        let session = self.client(client).0;
        for piece in bytes.chunks(self.piece) {
            let reply = self.playground.send(session, self.millis as f64, piece);
            self.client(client).1.extend(reply);
        }
    }

    fn hear(&mut self, client: char, _enough: &dyn Fn(&[u8]) -> bool) -> Vec<u8> {
        std::mem::take(&mut self.client(client).1)
    }

    fn is_closed(&mut self, client: char) -> bool {
        let session = self.client(client).0;
        !self.playground.is_open(session)
    }

    fn wait(&mut self, millis: i64) {
        self.millis = self.millis.saturating_add_signed(millis);
    }
}
