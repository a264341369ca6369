//! The memory limit of this process: the machine's memory, or less in a cgroup.

use std::fs;
use std::path::{Path, PathBuf};

use crate::server::options::size_text;

/// An upper limit of the memory.
#[derive(Clone, Debug, Eq, PartialEq)]
struct MemoryLimit {
    bytes: u64,
    /// Where it is set: the machine, or the file of a cgroup.
    source: String,
}

/// Logs a warning if the memory for items exceeds the limit.
pub(crate) fn warn_if_exceeded(memory: usize) {
    let limit = memory_limit(Path::new("/"));
    if let Some(limit) = limit.filter(|limit| memory as u64 > limit.bytes) {
        tracing::warn!(
            "memory {} is more than the {} of {}: the system may kill this process",
            size_text(memory),
            size_text(limit.bytes as usize),
            limit.source,
        );
    }
}

/// The lowest limit, if the system shows any. `root` is `/` except in tests.
fn memory_limit(root: &Path) -> Option<MemoryLimit> {
    let machine = machine_memory(root).map(|bytes| MemoryLimit {
        bytes,
        source: "the machine".into(),
    });
    let all = cgroup_files(root).filter_map(|file| {
        let bytes = fs::read_to_string(root.join(&file)).ok()?;
        Some(MemoryLimit {
            // `max` is not a number; version 1 has a number that no machine reaches.
            bytes: bytes.trim().parse().ok()?,
            source: Path::new("/").join(file).display().to_string(),
        })
    });
    // The first of equal limits: the machine comes before cgroups.
    machine
        .into_iter()
        .chain(all)
        .min_by_key(|limit| limit.bytes)
}

fn machine_memory(root: &Path) -> Option<u64> {
    let text = fs::read_to_string(root.join("proc/meminfo")).ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// The files that may limit this process: of its cgroup and all above it, in versions 2 and 1 of
/// cgroups. In a container the path may be the host's, of which only the end or the root is
/// visible.
fn cgroup_files(root: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let text = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let files = text.lines().filter_map(|line| {
        // `0::/path`, or `4:cpu,memory:/path`.
        let (_, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        let (mount, file) = match controllers {
            "" => ("sys/fs/cgroup", "memory.max"),
            _ if controllers.split(',').any(|name| name == "memory") => {
                ("sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => return None,
        };
        let path = PathBuf::from(path.trim_start_matches('/'));
        let levels = path
            .ancestors()
            .map(|level| Path::new(mount).join(level).join(file));
        Some(levels.collect::<Vec<_>>())
    });
    files.flatten().collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The limit of a host with these files.
    fn host(name: &str, files: &[(&str, &str)]) -> Option<(u64, String)> {
        let name = format!("dynamidb-limits-{}-{name}", std::process::id());
        let root = std::env::temp_dir().join(name);
        for (file, text) in files {
            let file = root.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        let limit = memory_limit(&root);
        fs::remove_dir_all(&root).unwrap();
        limit.map(|limit| (limit.bytes, limit.source))
    }

    const MEMINFO: (&str, &str) = (
        "proc/meminfo",
        "MemTotal:        8000000 kB\nMemFree:         100 kB\n",
    );
    const MACHINE: u64 = 8_000_000 * 1024;

    #[test]
    fn the_machine_is_the_limit_where_no_cgroup_is_tighter() {
        let machine = Some((MACHINE, "the machine".into()));
        assert_eq!(host("none", &[MEMINFO]), machine);
        let second = ("proc/self/cgroup", "0::/a/b\n");
        let unlimited = ("sys/fs/cgroup/a/b/memory.max", "max\n");
        assert_eq!(host("max", &[MEMINFO, second, unlimited]), machine);
        let first = ("proc/self/cgroup", "4:memory:/\n");
        let all = "9223372036854771712\n";
        let unlimited = ("sys/fs/cgroup/memory/memory.limit_in_bytes", all);
        assert_eq!(host("all", &[MEMINFO, first, unlimited]), machine);
    }

    #[test]
    fn the_tightest_cgroup_up_to_the_root_counts() {
        for (name, cgroup, file) in [
            ("own", "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max"),
            ("parent", "0::/a/b\n", "sys/fs/cgroup/a/memory.max"),
            ("root", "0::/a/b\n", "sys/fs/cgroup/memory.max"),
            ("namespace", "0::/\n", "sys/fs/cgroup/memory.max"),
            (
                "first",
                "5:cpu:/x\n4:hugetlb,memory:/a/b\n0::/\n",
                "sys/fs/cgroup/memory/a/memory.limit_in_bytes",
            ),
            (
                "docker",
                "4:memory:/docker/0123\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes",
            ),
        ] {
            let files = [MEMINFO, ("proc/self/cgroup", cgroup), (file, "1048576\n")];
            let expected = Some((1 << 20, format!("/{file}")));
            assert_eq!(host(name, &files), expected, "{name}");
        }
        let nested = [
            MEMINFO,
            ("proc/self/cgroup", "0::/a/b\n"),
            ("sys/fs/cgroup/a/b/memory.max", "3000\n"),
            ("sys/fs/cgroup/a/memory.max", "2000\n"),
        ];
        assert_eq!(host("nested", &nested).unwrap().0, 2000);
    }

    #[test]
    fn without_proc_files_there_is_no_memory_limit() {
        assert_eq!(host("empty", &[("etc/motd", "")]), None);
        assert_eq!(host("odd", &[("proc/meminfo", "MemTotal: x kB\n")]), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_host_has_a_limit() {
        assert!(memory_limit(Path::new("/")).unwrap().bytes > 1 << 20);
    }
}
