//! `slabs`, `lru` and most of `lru_crawler`, which tune memcached's engine. Ours has one LRU list
//! over all sizes, moves memory between slab classes by itself and finds expired items by their
//! deadlines. So these commands are checked and answered as tools expect, and change nothing.

use crate::server::admin::reply::{BAD_LINE, ERROR, OK, number};
use crate::server::view::View;

const BAD_CLASS: &str = "BADCLASS invalid class id\r\n";

/// The numbers that slab classes may have.
const CLASSES: std::ops::RangeInclusive<u32> = 1..=63;

/// `slabs reassign <from> <to>`, `slabs automove <level>` and its `ratio`, `freeratio`, `window`.
pub(super) fn slabs(view: &mut View<'_>, words: &[&[u8]]) -> &'static str {
    match words {
        [b"reassign", from, to, ..] => match (number::<i32>(from), number(to)) {
            (Some(from), Some(to)) => reassign(view, from, to),
            _ => BAD_LINE,
        },
        [b"automove", b"ratio" | b"freeratio", share, ..] => match number::<f64>(share) {
            Some(_) => OK,
            None => BAD_LINE,
        },
        [b"automove", b"window", count, ..] => match number::<u32>(count) {
            Some(3..=1800) => OK,
            Some(_) => "CLIENT_ERROR automove window too low or too high\r\n",
            None => BAD_LINE,
        },
        [b"automove", level, ..] => match number::<u32>(level) {
            Some(0..=2) => OK,
            Some(_) => ERROR,
            None => BAD_LINE,
        },
        _ => ERROR,
    }
}

/// Pages move to the slab class that needs them, so nothing is done here.
fn reassign(view: &mut View<'_>, from: i32, to: i32) -> &'static str {
    if from == to {
        return "SAME src and dst class are identical\r\n";
    }
    let slabs = view.slabs();
    let class = |number: i32| slabs.get(usize::try_from(number.checked_sub(1)?).ok()?);
    match (from, class(from), class(to)) {
        (-1, _, Some(_)) => OK,
        (_, Some((slab, _)), Some(_)) if slab.pages > 1 => OK,
        (_, Some(_), Some(_)) => "NOSPARE source class has no spare pages\r\n",
        _ => "BADCLASS invalid src or dst class id\r\n",
    }
}

/// `lru tune <hot> <warm> <hot age> <warm age>`, `lru mode <name>`, `lru temp_ttl <seconds>`.
pub(super) fn lru(words: &[&[u8]]) -> &'static str {
    match words {
        [b"tune", hot, warm, hot_age, warm_age, ..] => {
            let shares = number::<u32>(hot).zip(number::<u32>(warm));
            let ages = number::<f64>(hot_age).zip(number::<f64>(warm_age));
            match shares.zip(ages) {
                None => ERROR,
                Some(((hot, warm), _)) if hot.saturating_add(warm) > 80 => {
                    "ERROR hot and warm pcts must not exceed 80\r\n"
                }
                Some((_, (hot, warm))) if hot > 0.0 && warm > 0.0 => OK,
                Some(_) => "ERROR hot/warm age factors must be greater than 0\r\n",
            }
        }
        [b"mode", b"flat" | b"segmented", ..] => OK,
        [b"temp_ttl", seconds, ..] if number::<i32>(seconds).is_some() => OK,
        _ => ERROR,
    }
}

/// `lru_crawler enable`, `disable`, `sleep <microseconds>`, `tocrawl <count>`, `crawl <classes>`.
pub(super) fn lru_crawler(view: &View<'_>, words: &[&[u8]]) -> &'static str {
    let switches = view.host().switches();
    match words {
        [b"enable", ..] if switches.enable_crawler(true) => OK,
        [b"enable", ..] => "ERROR failed to start lru crawler thread\r\n",
        [b"disable", ..] if switches.enable_crawler(false) => OK,
        [b"disable", ..] => "ERROR failed to stop lru crawler thread\r\n",
        [b"sleep", micros, ..] => match number::<u32>(micros) {
            Some(0..=1_000_000) => OK,
            Some(_) => "CLIENT_ERROR sleep must be one second or less\r\n",
            None => BAD_LINE,
        },
        [b"tocrawl", count, ..] => match number::<u32>(count) {
            Some(_) => OK,
            None => BAD_LINE,
        },
        [b"crawl", which, ..] => match classes(view, which) {
            Ok(_) => OK,
            Err(refusal) => refusal,
        },
        _ => ERROR,
    }
}

/// The slab classes that `all`, `hash` or a list of numbers names, a bit for each; or the refusal.
pub(super) fn classes(view: &View<'_>, which: &[u8]) -> Result<u64, &'static str> {
    if !view.host().switches().crawler_enabled() {
        return Err("CLIENT_ERROR lru crawler disabled\r\n");
    }
    if matches!(which, b"all" | b"hash") {
        return Ok(u64::MAX);
    }
    let named = which.split(|&byte| byte == b',').map(|word| {
        let class = number::<u32>(word).filter(|class| CLASSES.contains(class));
        class.map(|class| 1 << class)
    });
    named
        .reduce(|all, class| Some(all? | class?))
        .flatten()
        .ok_or(BAD_CLASS)
}
