//! Any cutting of the bytes leads to the same replies and the same items as all of them at once.
#![no_main]

use dynamidb_core::{Cache, Cas, Config, Dialect, Instant, Protocol, Session, SessionConfig};
use libfuzzer_sys::fuzz_target;

/// Longer lines of memcached's dialect may depend on how they are cut, as they do there.
const LINE_MAX: usize = 2048;
const NOW: Instant = Instant::from_secs(1_700_000_000);

fuzz_target!(|data: &[u8]| {
    let Some((&[settings, ref pieces @ ..], said)) = data.split_first_chunk::<9>() else {
        return;
    };
    // The first byte decides between packets and text, unless the settings do.
    let is_text = said.first() != Some(&0x80) && protocol(settings) != Protocol::Binary;
    if is_text
        && said
            .split(|&b| b == b'\n')
            .any(|line| line.len() > LINE_MAX)
    {
        return;
    }
    let whole = Conversation::new(settings).hold(said, [usize::MAX]);
    let cut = Conversation::new(settings).hold(said, pieces.map(usize::from));
    assert_eq!(
        whole.replies.escape_ascii().to_string(),
        cut.replies.escape_ascii().to_string()
    );
    assert_eq!(whole.session.is_closed(), cut.session.is_closed());
    assert_eq!(whole.items(), cut.items());
});

/// Mostly the default.
fn protocol(settings: u8) -> Protocol {
    match settings & 0x60 {
        0x20 => Protocol::Binary,
        _ => Protocol::Auto,
    }
}

struct Conversation {
    session: Session,
    cache: Cache,
    output_max: usize,
    replies: Vec<u8>,
}

impl Conversation {
    fn new(settings: u8) -> Self {
        let mut config = Config::new(16 * 1024);
        config.item_size_max = 600;
        config.max_items = Some(8);
        let mut session = SessionConfig::default();
        session.item_size_max = config.item_size_max;
        session.dialect =
            [Dialect::Auto, Dialect::DynamiDb, Dialect::Memcached][settings as usize % 3];
        session.protocol = protocol(settings);
        session.sasl = settings & 0xe0 == 0xe0;
        session.output_max = [1, 50, 10_000][settings as usize / 3 % 3];
        let output_max = session.output_max;
        let cache = Cache::new(config).expect("these limits are possible");
        Self {
            session: Session::new(session),
            cache,
            output_max,
            replies: Vec::new(),
        }
    }

    /// Says `bytes` in pieces of these sizes, over and over.
    fn hold<const N: usize>(mut self, mut bytes: &[u8], sizes: [usize; N]) -> Self {
        let mut input = Vec::new();
        for size in sizes.iter().cycle() {
            let room = self.session.input_max() - input.len();
            assert!(room > 0, "it asks for more than it says");
            let (piece, rest) = bytes.split_at((*size).clamp(1, room).min(bytes.len()));
            bytes = rest;
            input.extend_from_slice(piece);
            self.act(&mut input);
            if bytes.is_empty() {
                break;
            }
        }
        self.cache.check();
        self
    }

    fn act(&mut self, input: &mut Vec<u8>) {
        loop {
            let mut output = Vec::new();
            let used = self
                .session
                .process(NOW, input, &mut self.cache, &mut output);
            assert!(
                output.len() <= self.output_max + 5_000,
                "replies are bounded"
            );
            input.drain(..used);
            self.replies.extend_from_slice(&output);
            if used == 0 {
                break;
            }
        }
    }

    fn items(&self) -> Vec<(Vec<u8>, Vec<u8>, u64)> {
        let copy = |(key, item): (&[u8], dynamidb_core::Item<'_>)| {
            (
                key.to_vec(),
                item.value.to_vec(),
                item.cas.map_or(0, Cas::get),
            )
        };
        self.cache.iter().map(copy).collect()
    }
}
