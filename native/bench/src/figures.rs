//! The figures of the table as a file: kept, so that a later run can be compared with them.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// What one run of the table measured.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Figures {
    /// When and where, and which versions.
    pub measured: String,
    pub rows: Vec<Row>,
}

/// One workload.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Row {
    pub workload: String,
    /// The median of each server's processor time per request, in microseconds.
    pub microseconds: BTreeMap<String, f64>,
}

impl Row {
    /// A server's processor time as a ratio to memcached's, if both were measured.
    pub fn ratio(&self, server: &str) -> Option<f64> {
        let memcached = self.microseconds.get("memcached")?;
        Some(self.microseconds.get(server)? / memcached)
    }
}

impl Figures {
    pub fn read(file: &Path) -> io::Result<Self> {
        let text = fs::read_to_string(file)?;
        serde_json::from_str(&text).map_err(|error| {
            let file = file.display();
            io::Error::new(io::ErrorKind::InvalidData, format!("{file}: {error}"))
        })
    }

    pub fn write(&self, file: &Path) -> io::Result<()> {
        let mut text = serde_json::to_string_pretty(self).map_err(io::Error::other)?;
        text.push('\n');
        fs::write(file, text)
    }
}

/// Prints each ratio to memcached before and after, and the change in percent. Ratios, because the
/// two runs may come from different machines.
pub fn compare(before: &Path, after: &Path) -> io::Result<()> {
    let (before, after) = (Figures::read(before)?, Figures::read(after)?);
    println!("Before: {}", before.measured);
    println!("After:  {}\n", after.measured);
    println!("| workload | server | before | after | change |");
    println!("|---|---|---|---|---|");
    for (old, new, server) in pairs(&before, &after) {
        if let (Some(old), Some(ratio)) = (old.ratio(server), new.ratio(server)) {
            let change = (ratio / old - 1.0) * 100.0;
            let workload = &new.workload;
            println!("| {workload} | {server} | {old:.2} | {ratio:.2} | {change:+.0} % |");
        }
    }
    Ok(())
}

/// The rows that both have, once for each server but memcached.
fn pairs<'f>(
    before: &'f Figures,
    after: &'f Figures,
) -> impl Iterator<Item = (&'f Row, &'f Row, &'f str)> {
    after.rows.iter().flat_map(move |new| {
        let same = |old: &&Row| old.workload == new.workload;
        let old = before.rows.iter().find(same);
        let servers = new.microseconds.keys().map(String::as_str);
        let servers = servers.filter(|server| *server != "memcached");
        servers.filter_map(move |server| Some((old?, new, server)))
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub fn figures(get: f64) -> Figures {
        let microseconds = [("memcached", 8.0), ("tokio", get)];
        let microseconds = microseconds.map(|(server, cost)| (server.to_owned(), cost));
        Figures {
            measured: "on a test".into(),
            rows: vec![Row {
                workload: "get".into(),
                microseconds: BTreeMap::from(microseconds),
            }],
        }
    }

    #[test]
    fn figures_survive_a_file() {
        let file = std::env::temp_dir().join(format!("figures-{}.json", std::process::id()));
        figures(6.0).write(&file).unwrap();
        let read = Figures::read(&file);
        fs::write(&file, "{").unwrap();
        let broken = Figures::read(&file).unwrap_err().to_string();
        fs::remove_file(&file).unwrap();
        assert_eq!(read.unwrap(), figures(6.0));
        assert!(broken.contains("figures-"), "{broken}");
    }

    #[test]
    fn pairs_are_rows_of_both_runs_without_memcached() {
        let (before, mut after) = (figures(6.0), figures(4.0));
        after.rows.push(Row {
            workload: "new".into(),
            microseconds: BTreeMap::from([("tokio".to_owned(), 1.0)]),
        });
        let pairs: Vec<_> = pairs(&before, &after).collect();
        assert_eq!(pairs.len(), 1);
        let (old, new, server) = pairs[0];
        assert_eq!(
            (server, old.ratio(server), new.ratio(server)),
            ("tokio", Some(0.75), Some(0.5))
        );
    }
}
