//! The table as a picture: horizontal bars, a group for each workload. It follows the reader's
//! light or dark theme.

use std::fmt::Write;
use std::io;
use std::path::Path;

use crate::figures::{Figures, Row};

/// The servers in the order of their bars: the name in the figures, the name in the picture, and
/// the class that colours it.
const SERVERS: [(&str, &str, &str); 3] = [
    ("tokio", "DynamiDB", "ours"),
    ("memcached", "memcached", "peer"),
    ("redis", "Redis", "other"),
];

const WIDTH: u32 = 720;
/// Where the bars begin: left of it are the names of the workloads.
const LEFT: u32 = 230;
/// What is free for the figures behind the longest bar.
const RIGHT: u32 = 110;
const BAR: u32 = 14;
const GAP: u32 = 14;
const TOP: u32 = 64;

const STYLE: &str = "text{font:13px system-ui,sans-serif;fill:#1f2328}\
    .title{font-weight:600;font-size:15px}.note{fill:#59636e;font-size:12px}\
    .ours{fill:#0b7a75}.peer{fill:#8c959f}.other{fill:#c4cad0}\
    @media(prefers-color-scheme:dark){text{fill:#e6edf3}.note{fill:#9198a1}\
    .ours{fill:#2dbdb4}.peer{fill:#6e7681}.other{fill:#444c56}}";

/// Prints the picture of the figures in a file.
pub fn print(file: &Path) -> io::Result<()> {
    print!("{}", draw(&Figures::read(file)?));
    Ok(())
}

fn draw(figures: &Figures) -> String {
    let rows: Vec<_> = figures
        .rows
        .iter()
        .filter(|row| bars(row).count() > 1)
        .collect();
    let longest = rows.iter().flat_map(|row| bars(row)).map(|bar| bar.ratio);
    let longest = longest.fold(1.0, f64::max);
    let mut svg = String::new();
    let mut y = TOP;
    for row in rows {
        draw_row(&mut svg, row, &mut y, longest);
    }
    let (height, measured) = (y + 8, &figures.measured);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         aria-label=\"Server processor time per request, memcached = 1\">\n<style>{STYLE}</style>\n\
         <text class=\"title\" x=\"0\" y=\"18\">Server CPU time per request, memcached = 1 \
         (less is better)</text>\n\
         <text class=\"note\" x=\"0\" y=\"38\">{}</text>\n{svg}</svg>\n",
        escape(measured),
    )
}

struct Bar {
    name: &'static str,
    class: &'static str,
    ratio: f64,
}

fn bars(row: &Row) -> impl Iterator<Item = Bar> + '_ {
    SERVERS.into_iter().filter_map(|(server, name, class)| {
        let ratio = row.ratio(server)?;
        Some(Bar { name, class, ratio })
    })
}

fn draw_row(svg: &mut String, row: &Row, y: &mut u32, longest: f64) {
    let scale = f64::from(WIDTH - LEFT - RIGHT) / longest;
    let middle = *y + BAR * bars(row).count() as u32 / 2 + 4;
    let name = escape(&row.workload);
    let _ = writeln!(svg, "<text x=\"0\" y=\"{middle}\">{name}</text>");
    for Bar { name, class, ratio } in bars(row) {
        let (length, text) = (ratio * scale, *y + BAR - 3);
        let behind = f64::from(LEFT) + length + 6.0;
        let bar = BAR - 2;
        let _ = writeln!(
            svg,
            "<rect class=\"{class}\" x=\"{LEFT}\" y=\"{y}\" width=\"{length:.1}\" height=\"{bar}\">\
             <title>{name}</title></rect>\
             <text class=\"note\" x=\"{behind:.1}\" y=\"{text}\">{ratio:.2} {name}</text>",
        );
        *y += BAR;
    }
    *y += GAP;
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::tests::figures;

    #[test]
    fn bars_are_as_long_as_their_ratios() {
        let svg = draw(&figures(4.0));
        let widths: Vec<f64> = svg
            .split("<rect")
            .skip(1)
            .map(|rect| rect.split("width=\"").nth(1).unwrap())
            .map(|rest| rest.split('"').next().unwrap().parse().unwrap())
            .collect();
        assert_eq!(widths.len(), 2, "ours and memcached, no redis: {svg}");
        assert!((widths[0] * 2.0 - widths[1]).abs() < 0.2, "{widths:?}");
        assert!(
            svg.contains("0.50 DynamiDB") && svg.contains("1.00 memcached"),
            "{svg}"
        );
    }

    #[test]
    fn text_cannot_break_the_picture() {
        let mut figures = figures(4.0);
        figures.measured = "a < b & c".into();
        assert!(draw(&figures).contains("a &lt; b &amp; c"));
    }
}
