//! `lru_crawler metadump`, `lru_crawler mgdump` and `stats cachedump`: lists of items.

use std::fmt::Write;

use base64ct::{Base64, Encoding};
use dynamidb_core::view::ItemView;
use dynamidb_core::{Cas, Key, Output, push_percent_encoded};

use crate::server::admin::reply::{BAD_LINE, END, number};
use crate::server::admin::scan::Scan;
use crate::server::admin::tuning;
use crate::server::clock::Wall;
use crate::server::view::View;

/// A list that is being sent.
#[derive(Debug)]
pub(crate) struct Dump {
    scan: Scan,
    form: Form,
    /// The slab classes whose items are listed, a bit for each.
    classes: u64,
    /// How many more items are listed at most.
    left: usize,
}

#[derive(Clone, Copy, Debug)]
enum Form {
    Metadata,
    Keys,
    Cachedump,
}

impl Dump {
    /// `metadump <classes>`: a line for each item with everything but its value.
    pub(super) fn metadata(view: &View<'_>, which: &[u8]) -> Result<Self, &'static str> {
        let refusal = "ERROR metadump not allowed\r\n";
        Self::start(view, which, Form::Metadata, refusal)
    }

    /// `mgdump <classes>`: for each item the command that gets it.
    pub(super) fn keys(view: &View<'_>, which: &[u8]) -> Result<Self, &'static str> {
        Self::start(view, which, Form::Keys, "ERROR key dump not allowed\r\n")
    }

    fn start(
        view: &View<'_>,
        which: &[u8],
        form: Form,
        refusal: &'static str,
    ) -> Result<Self, &'static str> {
        if view.host().settings.options.memcached.disable_dumping {
            return Err(refusal);
        }
        Ok(Self {
            scan: Scan::default(),
            form,
            classes: tuning::classes(view, which)?,
            left: usize::MAX,
        })
    }

    /// `cachedump <class> <limit>`: up to `limit` items of one slab class, or all if it is 0.
    pub(super) fn cachedump(view: &View<'_>, words: &[&[u8]]) -> Result<Self, &'static str> {
        if view.host().settings.options.memcached.disable_dumping {
            return Err("CLIENT_ERROR stats cachedump not allowed\r\n");
        }
        let &[class, limit, ..] = words else {
            return Err("CLIENT_ERROR bad command line\r\n");
        };
        let (class, limit) = match (number::<u32>(class), number::<u32>(limit)) {
            (Some(class @ ..64), Some(limit)) => (class, limit),
            (Some(_), Some(_)) => return Err("CLIENT_ERROR Illegal slab id\r\n"),
            _ => return Err(BAD_LINE),
        };
        Ok(Self {
            scan: Scan::default(),
            form: Form::Cachedump,
            classes: 1 << class,
            left: match limit {
                0 => usize::MAX,
                limit => limit as usize,
            },
        })
    }

    /// Lists some more items; `false` if there are no more.
    pub(super) fn resume(&mut self, view: &mut View<'_>, output: &mut dyn Output) -> bool {
        let Self {
            scan,
            form,
            classes,
            left,
        } = self;
        let wall = view.host().clock.wall();
        let has_more = scan.step(view, |item| {
            if *classes >> (item.class + 1) & 1 == 1 && *left > 0 {
                *left -= 1;
                form.line(item, &wall, output);
            }
        });
        if has_more && self.left > 0 {
            return true;
        }
        output.extend_from_slice(self.form.end().as_bytes());
        false
    }
}

impl Form {
    fn line(self, view: &ItemView<'_>, wall: &Wall, output: &mut dyn Output) {
        let item = &view.item;
        let ends = item.expires_at.map(|end| wall.second(end));
        // Writing does not fail.
        let _ = match self {
            Self::Metadata => {
                output.extend_from_slice(b"key=");
                push_percent_encoded(output, view.key);
                let ends = ends.map_or(-1, |second| second.cast_signed());
                let used = wall.date(item.last_used).as_secs();
                let fetched = if item.fetched { "yes" } else { "no" };
                let class = view.class + 1;
                let (size, flags) = (view.size, item.flags);
                let cas = item.cas.map_or(0, Cas::get);
                write!(output, " exp={ends} la={used} cas={cas} fetch={fetched}")
                    .and_then(|()| writeln!(output, " cls={class} size={size} flags={flags} "))
            }
            Self::Keys => {
                output.extend_from_slice(b"mg ");
                push_key(output, view);
                output.write_str("\r\n")
            }
            Self::Cachedump => {
                output.extend_from_slice(b"ITEM ");
                push_key(output, view);
                let (size, ends) = (item.value.len(), ends.unwrap_or(0));
                write!(output, " [{size} b; {ends} s]\r\n")
            }
        };
    }

    const fn end(self) -> &'static str {
        match self {
            Self::Metadata | Self::Cachedump => END,
            Self::Keys => "EN\r\n",
        }
    }
}

/// Appends a key as a meta command names it: in base64 if it was stored so, or if it came in a
/// packet and text would take it for two words.
fn push_key(output: &mut dyn Output, view: &ItemView<'_>) {
    if !view.base64 && !view.key.contains(&b' ') {
        output.extend_from_slice(view.key);
        return;
    }
    let mut buffer = [0; Key::LEN_MAX.div_ceil(3) * 4];
    // It fits: no key exceeds the limit.
    let text = Base64::encode(view.key, &mut buffer).unwrap_or_default();
    output.extend_from_slice(text.as_bytes());
    output.extend_from_slice(b" b");
}
