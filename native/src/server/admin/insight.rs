//! `stats hotkeys`, `HOT` and `stats advice`.

use std::fmt::Write;

use dynamidb_core::{Output, push_percent_encoded};

use crate::server::admin::reply::{END, stat};
use crate::server::admin::task::Answer;
use crate::server::insight::{Advice, HotKeys};
use crate::server::view::View;

const NOT_ALLOWED: &str = "CLIENT_ERROR hot keys not allowed\r\n";
const OFF: &str = "CLIENT_ERROR switched off by --insight off\r\n";

/// The keys that were asked for most, if they may be seen.
fn seen(view: &mut View<'_>) -> Result<HotKeys, Answer> {
    let options = &view.host().settings.options;
    if options.memcached.disable_dumping {
        return Err(Answer::Reply(NOT_ALLOWED));
    }
    if !options.insight {
        return Err(Answer::Reply(OFF));
    }
    let now = view.host().clock.now();
    Ok(HotKeys::of(view, now))
}

/// `stats hotkeys`.
pub(super) fn hot_keys(view: &mut View<'_>, output: &mut dyn Output) -> Result<(), Answer> {
    let hot = seen(view)?;
    stat(output, "hotkeys:seconds", 60);
    stat(output, "hotkeys:samples", hot.samples);
    for (number, hot) in (1..).zip(&hot.keys) {
        output.extend_from_slice(format!("STAT {number}:key ").as_bytes());
        push_percent_encoded(output, &hot.key);
        output.extend_from_slice(b"\r\n");
        for (name, value) in [
            ("share", hot.share),
            ("error", hot.error),
            ("reads", hot.reads),
        ] {
            stat(
                output,
                format_args!("{number}:{name}"),
                format_args!("{value:.4}"),
            );
        }
    }
    Ok(())
}

/// `HOT`: a line for each key, with its share of the requests and of these the reads, in percent.
pub(super) fn hot(view: &mut View<'_>, output: &mut dyn Output) -> Answer {
    let hot = match seen(view) {
        Ok(hot) => hot,
        Err(answer) => return answer,
    };
    for hot in &hot.keys {
        output.extend_from_slice(b"KEY ");
        push_percent_encoded(output, &hot.key);
        let (share, reads) = (100.0 * hot.share, 100.0 * hot.reads);
        // Writing does not fail.
        let _ = write!(output, " {share:.2} {reads:.0}\r\n");
    }
    output.extend_from_slice(END.as_bytes());
    Answer::Done
}

/// `stats advice`.
pub(super) fn advice(view: &mut View<'_>, output: &mut dyn Output) -> Result<(), Answer> {
    let advice = Advice::of(view).ok_or(Answer::Reply(OFF))?;
    if let Some(measured) = advice.measured() {
        stat(output, "hit_ratio", format_args!("{measured:.4}"));
    }
    stat(output, "sampled_keys", advice.curve().keys());
    stat(output, "sampled_hits", advice.curve().samples());
    for (factor, predicted) in advice.predictions() {
        stat(
            output,
            format_args!("x{factor}:bytes"),
            advice.bytes(factor),
        );
        let (ratio, margin) = (predicted.hit_ratio, predicted.margin);
        stat(
            output,
            format_args!("x{factor}:hit_ratio"),
            format_args!("{ratio:.4}"),
        );
        stat(
            output,
            format_args!("x{factor}:margin"),
            format_args!("{margin:.4}"),
        );
    }
    stat(output, "advice", advice.sentence());
    Ok(())
}
