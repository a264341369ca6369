//! Prometheus' text format and OpenMetrics'. A name means the same in both, so that dashboards work
//! with either.

use std::fmt::{Display, Write};

use crate::server::state::latency::Distribution;

/// What a metric is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// It only grows, until the server restarts or `stats reset`.
    Counter,
    Gauge,
    Histogram,
}

/// A text that metrics are appended to.
#[derive(Debug)]
pub(super) struct Exposition {
    text: String,
    open_metrics: bool,
    /// The name of the metric that samples belong to.
    name: &'static str,
}

impl Exposition {
    pub(super) fn new(open_metrics: bool) -> Self {
        Self {
            text: String::with_capacity(64 * 1024),
            open_metrics,
            name: "",
        }
    }

    /// Begins a metric. What follows are its samples.
    pub(super) fn metric(&mut self, name: &'static str, kind: Kind, help: &str) {
        let (family, kind) = match (kind, self.open_metrics) {
            (Kind::Counter, false) => (name, "counter"),
            // The samples of a counter have to end in `_total` there, and its name must not.
            (Kind::Counter, true) => match name.strip_suffix("_total") {
                Some(family) => (family, "counter"),
                None => (name, "unknown"),
            },
            (Kind::Gauge, _) => (name, "gauge"),
            (Kind::Histogram, _) => (name, "histogram"),
        };
        self.name = name;
        // Writing to a `String` does not fail.
        let _ = writeln!(self.text, "# HELP {family} {help}");
        let _ = writeln!(self.text, "# TYPE {family} {kind}");
    }

    /// A sample of the metric. Labels are written as `name="value"`, with commas in between.
    pub(super) fn sample(&mut self, labels: &str, value: impl Display) {
        self.sample_of("", labels, value);
    }

    /// A histogram of the metric, whose values count in this unit.
    pub(super) fn histogram(&mut self, labels: &str, distribution: &Distribution, unit: f64) {
        let bounds = Distribution::bounds().map(|bound| number(bound as f64 * unit));
        let bounds = bounds.chain(["+Inf".into()]);
        let comma = if labels.is_empty() { "" } else { "," };
        let mut total = 0;
        for (bound, count) in bounds.zip(distribution.counts) {
            total += count;
            self.sample_of("_bucket", &format!("{labels}{comma}le=\"{bound}\""), total);
        }
        self.sample_of("_sum", labels, number(distribution.sum as f64 * unit));
        self.sample_of("_count", labels, total);
    }

    fn sample_of(&mut self, suffix: &str, labels: &str, value: impl Display) {
        let name = self.name;
        let _ = match labels {
            "" => writeln!(self.text, "{name}{suffix} {value}"),
            labels => writeln!(self.text, "{name}{suffix}{{{labels}}} {value}"),
        };
    }

    pub(super) fn finish(mut self) -> String {
        if self.open_metrics {
            self.text.push_str("# EOF\n");
        }
        self.text
    }
}

/// The value of a label, in quotes.
pub(super) fn quoted(value: &str) -> String {
    let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", escaped.replace('\n', "\\n"))
}

/// A number as Go writes it, whose spelling OpenMetrics asks for in labels.
pub(super) fn number(value: f64) -> String {
    let text = format!("{value:?}");
    let small = value != 0.0 && value.abs() < 1e-4;
    match format!("{value:e}").split_once("e-") {
        Some((digits, exponent)) if small => format!("{digits}e-{exponent:0>2}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(open_metrics: bool) -> String {
        let mut exposition = Exposition::new(open_metrics);
        exposition.metric("gets_total", Kind::Counter, "Gets.");
        exposition.sample("", 5);
        exposition.metric("uptime_seconds", Kind::Counter, "Time.");
        exposition.sample(r#"a="b",c="d""#, 1.5);
        exposition.metric("size", Kind::Histogram, "Sizes.");
        let mut sizes = Distribution::default();
        (sizes.counts[0], sizes.counts[2], sizes.sum) = (5, 2, 9);
        exposition.histogram(r#"a="b""#, &sizes, 0.5);
        exposition.finish()
    }

    #[test]
    fn samples_have_the_same_names_in_both_formats() {
        let samples = |text: String| {
            let lines = text.lines().filter(|line| !line.starts_with('#'));
            lines.map(String::from).collect::<Vec<_>>()
        };
        let plain = samples(written(false));
        assert_eq!(plain, samples(written(true)));
        let expected = [
            "gets_total 5",
            "uptime_seconds{a=\"b\",c=\"d\"} 1.5",
            "size_bucket{a=\"b\",le=\"0.5\"} 5",
            "size_bucket{a=\"b\",le=\"1.0\"} 5",
            "size_bucket{a=\"b\",le=\"2.0\"} 7",
        ];
        assert_eq!(plain[..5], expected);
        let expected = [
            "size_bucket{a=\"b\",le=\"+Inf\"} 7",
            "size_sum{a=\"b\"} 4.5",
            "size_count{a=\"b\"} 7",
        ];
        assert_eq!(plain[plain.len() - 3..], expected);
    }

    #[test]
    fn open_metrics_has_its_own_types_and_an_end() {
        let (plain, open) = (written(false), written(true));
        assert!(plain.contains("# TYPE gets_total counter\n") && !plain.contains("EOF"));
        assert!(plain.contains("# TYPE uptime_seconds counter\n"));
        assert!(open.contains("# TYPE gets counter\n") && open.ends_with("\n# EOF\n"));
        assert!(open.contains("# TYPE uptime_seconds unknown\n"));
    }

    #[test]
    fn numbers_are_spelled_as_go_does() {
        for (value, text) in [
            (0.000_001, "1e-06"),
            (0.000_016, "1.6e-05"),
            (0.000_128, "0.000128"),
            (0.5, "0.5"),
            (0.0, "0.0"),
            (8.388_608, "8.388608"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn label_values_are_escaped() {
        assert_eq!(quoted("a\\b\"c\nd"), r#""a\\b\"c\nd""#);
    }
}
