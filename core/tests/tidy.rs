//! The rules of the source tree that a text search can check: who may know whom, where clocks,
//! locks and randomness live, how long lines and files get, what has an example. Each rule says
//! why; a line that breaks one is printed as `file:line`.

#[path = "tidy/circles.rs"]
mod circles;
#[path = "tidy/links.rs"]
mod links;

use std::fs;
use std::io;
use std::path::Path;

/// A rule: in files whose path begins with one of `within`, but with none of `except`, no line of
/// code contains one of `words`.
struct Never {
    why: &'static str,
    within: &'static [&'static str],
    except: &'static [&'static str],
    words: &'static [&'static str],
}

/// For code: comments and the unit tests at the foot of a file are not looked at.
const NEVER_IN_CODE: &[Never] = &[
    Never {
        why: "the core runs where there is no std",
        within: &["core/src/"],
        except: &[],
        words: &["std::", "extern crate std", "println!", "dbg!"],
    },
    Never {
        why: "crates depend on the core, never on each other",
        within: &["core/sync/src/", "web/src/"],
        except: &[],
        words: &["dynamidb::"],
    },
    Never {
        why: "crates depend on the core, never on each other",
        within: &["native/src/"],
        except: &[],
        words: &["dynamidb_web"],
    },
    Never {
        why: "the cache for threads needs no server and no runtime",
        within: &["core/sync/src/"],
        except: &["core/sync/src/interleavings.rs"],
        words: &[
            "std::net",
            "dynamidb_core::Session",
            "spawn(",
            "tokio",
            "async_std",
        ],
    },
    Never {
        why: "storage knows nothing of the cache's rules or of commands",
        within: &["core/src/storage/"],
        except: &[],
        words: &[
            "crate::cache",
            "crate::Cache",
            "crate::protocol",
            "crate::Session",
            "Keyspace",
        ],
    },
    Never {
        why: "the protocol reaches items through the cache",
        within: &["core/src/protocol/"],
        except: &[],
        words: &["crate::storage"],
    },
    Never {
        why: "there is one clock: time is passed in everywhere else",
        within: &[
            "core/src/",
            "core/sync/src/",
            "native/src/",
            "web/src/",
            "www/src/",
        ],
        except: &[
            "core/sync/src/clock.rs",
            "native/src/cli/clock.rs",
            "native/src/server/clock.rs",
            "www/src/engine.ts",
            "www/src/frames.ts",
        ],
        words: &[
            "Instant::now",
            "SystemTime",
            "Date.now",
            "new Date",
            "performance.now",
        ],
    },
    Never {
        why: "there is one source of randomness: the seed is passed in everywhere else",
        within: &[
            "core/src/",
            "core/sync/src/",
            "native/src/",
            "web/src/",
            "www/src/",
        ],
        except: &["core/sync/src/seed.rs", "www/src/engine.ts"],
        words: &["RandomState", "getrandom", "Math.random", "getRandomValues"],
    },
    Never {
        why: "locks live where the items are, and where the server keeps lists",
        within: &["core/src/", "core/sync/src/", "native/src/", "web/src/"],
        except: &[
            "core/sync/src/loads.rs",
            "core/sync/src/primitives.rs",
            "core/sync/src/shards.rs",
            "core/sync/src/shards/budget.rs",
            "core/sync/src/shards/guard.rs",
            "native/src/server/auth.rs",
            "native/src/server/auth/sasl.rs",
            "native/src/server/auth/throttle.rs",
            "native/src/server/lock.rs",
            "native/src/server/state/clients.rs",
            "native/src/server/state/prefixes.rs",
            "native/src/server/tls/context.rs",
            "native/src/server/worker/ready.rs",
            "native/src/server/runtime/async_std/epoll.rs",
            "native/src/server/state/watchers.rs",
            "native/src/server/worker/inbox.rs",
        ],
        words: &["Mutex", "RwLock", "Condvar"],
    },
    Never {
        why: "JavaScript's types live in one file",
        within: &["core/src/", "core/sync/src/", "native/src/"],
        except: &[],
        words: &["wasm_bindgen", "js_sys", "web_sys", "JsValue"],
    },
    Never {
        why: "one file of the page knows that there is a WebAssembly module",
        within: &["www/src/"],
        except: &["www/src/engine.ts"],
        words: &["pkg/"],
    },
    Never {
        why: "what a client says is shown as text, never as markup",
        within: &["www/src/"],
        except: &[],
        words: &[
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
        ],
    },
    Never {
        why: "no `unsafe` but to prefetch, to ask for memory, return it, hand it to the kernel",
        within: &["core/src/", "core/sync/src/", "native/src/", "web/src/"],
        except: &[
            "core/src/storage/prefetch.rs",
            "core/sync/src/region.rs",
            "native/src/server/worker/ring.rs",
        ],
        words: &["unsafe {", "unsafe fn", "unsafe impl"],
    },
    Never {
        why: "unfinished",
        within: &["core/", "native/", "web/", "www/"],
        except: &["core/tests/tidy.rs"],
        words: &["todo!(", "unimplemented!(", "#[ignore"],
    },
];

/// For every line of every file.
const NEVER_ANYWHERE: &[Never] = &[Never {
    why: "what is true of one machine or one registry does not belong into the tree",
    within: &[""],
    except: &["core/tests/tidy.rs"],
    words: &[
        "crates.io",
        "registry.npmjs",
        "pypi.org",
        "pythonhosted",
        "/work/",
        "/home/",
        "/root/",
        "../shared",
    ],
}];

/// The first lines of each crate without `unsafe` must contain this.
const CRATE_ROOTS: &[&str] = &["native/src/main.rs", "web/npm/src/lib.rs", "web/src/lib.rs"];
const FORBID_UNSAFE: &str = "#![forbid(unsafe_code)]";

/// Of these kinds of file, no line is wider and no file is longer.
const MEASURED: &[&str] = &["rs", "ts", "css", "py"];
const COLUMNS_MAX: usize = 100;
const LINES_MAX: usize = 700;

/// What is public here is shown in an example that is a test.
const SHOWN: &[&str] = &["core/src/", "core/sync/src/"];
const ITEMS: &[&str] = &["fn", "struct", "enum", "trait", "type"];

/// What was made or fetched, wherever it is.
const NOT_SOURCES: &[&str] = &[
    "target",
    "node_modules",
    "dist",
    "dist-dashboard",
    "pkg",
    ".git",
    ".venv",
    "Cargo.lock",
];

impl Never {
    /// The breaches of this rule in a file, as `path:line: why`.
    fn breaches<'a>(
        &'a self,
        path: &'a str,
        lines: impl Iterator<Item = (usize, &'a str)> + 'a,
    ) -> impl Iterator<Item = String> + 'a {
        let any_starts = |parts: &[&str]| parts.iter().any(|part| path.starts_with(part));
        let applies = any_starts(self.within) && !any_starts(self.except);
        lines
            .filter(move |(_, line)| applies && self.words.iter().any(|word| contains(line, word)))
            .map(move |(number, _)| format!("{path}:{number}: {}", self.why))
    }
}

/// Whether `line` has `word`, and not only as the end of a longer one.
fn contains(line: &str, word: &str) -> bool {
    let starts_inside = |at: usize| line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
    line.match_indices(word)
        .any(|(at, _)| !word.starts_with(char::is_alphabetic) || !starts_inside(at))
}

/// The lines of code: no comments, and nothing of the unit tests at the foot.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    numbered(text)
        .take_while(|(_, line)| line.trim() != "#[cfg(test)]")
        .map(|(number, line)| (number, line.split("//").next().unwrap_or_default()))
}

fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(text.lines())
}

/// The lines of the examples that are tests, as their readers see them: no comments, and nothing
/// that is hidden.
fn examples(text: &str) -> Vec<(usize, &str)> {
    let mut lines = Vec::new();
    let mut fence = None;
    for (number, line) in numbered(text) {
        let line = line.trim();
        let Some(doc) = line
            .strip_prefix("///")
            .or_else(|| line.strip_prefix("//!"))
        else {
            fence = None;
            continue;
        };
        let doc = doc.trim();
        match (fence, doc.strip_prefix("```")) {
            (None, kind) => fence = kind,
            (Some(_), Some(_)) => fence = None,
            (Some(""), None) if !doc.starts_with("# ") => {
                lines.push((number, doc.split("//").next().unwrap_or_default()));
            }
            (Some(_), None) => {}
        }
    }
    lines
}

/// The kind and the name of the public item that a line begins.
fn public_item(line: &str) -> Option<(&str, &str)> {
    let rest = line.trim().strip_prefix("pub ")?;
    let head = rest.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ' ');
    let mut words = head.take(1).flat_map(|head| head.split(' '));
    let kind = words.find(|word| ITEMS.contains(word))?;
    Some((kind, words.next()?))
}

/// The public items that no example shows: neither one of their own nor one in their file that
/// names them or, if they are functions, calls them.
fn unshown(path: &str, text: &str) -> Vec<String> {
    let examples = examples(text);
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    let mut unshown = Vec::new();
    // The line above an item's comment and attributes.
    let mut above = 0;
    for (number, line) in code(text) {
        if lines[number - 1].starts_with("///") || line.trim().starts_with("#[") {
            continue;
        }
        if let Some((kind, name)) = public_item(line) {
            let use_of = if kind == "fn" {
                format!("{name}(")
            } else {
                name.into()
            };
            let shows = |(at, example): &(usize, &str)| {
                (above..number).contains(at) || contains(example, &use_of)
            };
            let is_hidden = lines[above..number].contains(&"#[doc(hidden)]");
            if !is_hidden && !examples.iter().any(shows) {
                unshown.push(format!("{path}:{number}: no example shows {name}"));
            }
        }
        above = number;
    }
    unshown
}

/// Everything that is wrong with one file.
fn breaches(path: &str, text: &str) -> Vec<String> {
    let in_code = NEVER_IN_CODE
        .iter()
        .flat_map(|rule| rule.breaches(path, code(text)));
    let anywhere = NEVER_ANYWHERE
        .iter()
        .flat_map(|rule| rule.breaches(path, numbered(text)));
    let mut breaches: Vec<_> = in_code.chain(anywhere).collect();
    if CRATE_ROOTS.contains(&path) && !text.contains(FORBID_UNSAFE) {
        breaches.push(format!("{path}:1: must say {FORBID_UNSAFE}"));
    }
    if SHOWN.iter().any(|folder| path.starts_with(folder)) {
        breaches.extend(unshown(path, text));
    }
    if MEASURED
        .iter()
        .any(|kind| path.ends_with(&format!(".{kind}")))
    {
        let too_wide = numbered(text).filter(|(_, line)| line.chars().count() > COLUMNS_MAX);
        breaches.extend(too_wide.map(|(n, _)| format!("{path}:{n}: over {COLUMNS_MAX} columns")));
        let lines = text.lines().count();
        if lines > LINES_MAX {
            breaches.push(format!("{path}:{lines}: over {LINES_MAX} lines"));
        }
    }
    breaches
}

/// The path, relative to `root`, and the text of every text file below it.
fn sources(root: &Path) -> io::Result<Vec<(String, String)>> {
    let mut sources = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if NOT_SOURCES.iter().any(|name| path.ends_with(name)) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(text) = fs::read_to_string(&path) {
                let relative = path.strip_prefix(root).unwrap_or(&path);
                sources.push((relative.to_string_lossy().replace('\\', "/"), text));
            }
        }
    }
    Ok(sources)
}

#[test]
fn the_tree_keeps_its_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let sources = sources(root).unwrap();
    assert!(sources.len() > 50, "too few files in {}", root.display());
    let found = |(path, text): &(String, String)| breaches(path, text);
    let breaches: Vec<_> = sources.iter().flat_map(found).collect();
    assert!(breaches.is_empty(), "\n{}", breaches.join("\n"));
}

#[test]
fn no_files_of_a_crate_import_each_other() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let sources = sources(root).unwrap();
    let circles: Vec<_> = circles::circles(&sources)
        .into_iter()
        .map(|(_, imports)| imports)
        .collect();
    assert!(circles.is_empty(), "circles:\n{}", circles.join("\n\n"));
}

#[test]
fn every_link_of_the_documentation_leads_to_a_file_and_a_heading() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let sources = sources(root).unwrap();
    let (broken, count) = links::broken(&sources, |path| root.join(path).exists());
    assert!(count > 50, "{count} links");
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

/// The versions of Rust that a file promises to work with.
fn msrvs<'a>(path: &str, text: &'a str) -> Vec<&'a str> {
    let before = match path.rsplit('/').next() {
        Some("Cargo.toml") => "rust-version = \"",
        Some("README.md") => "Rust 1.",
        _ => return Vec::new(),
    };
    let parts = text.split(before).skip(1);
    let minor = |part: &'a str| {
        let version = part.strip_prefix("1.").unwrap_or(part);
        version.split(|c: char| !c.is_ascii_digit()).next()
    };
    parts.filter_map(minor).collect()
}

#[test]
fn the_oldest_rust_has_the_same_version_in_every_manifest_and_readme() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let sources = sources(root).unwrap();
    let promised = env!("CARGO_PKG_RUST_VERSION").strip_prefix("1.").unwrap();
    let mut count = 0;
    for (path, text) in &sources {
        for version in msrvs(path, text) {
            assert_eq!(version, promised, "{path}");
            count += 1;
        }
    }
    assert!(count >= 2, "{count}");
}

#[test]
fn every_published_package_has_the_same_version() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let version = env!("CARGO_PKG_VERSION");
    for (path, line) in [
        ("Cargo.toml", format!("\nversion = \"{version}\"\n")),
        (
            "Cargo.toml",
            format!("dynamidb-core = {{ path = \"core\", version = \"{version}\" }}\n"),
        ),
        (
            "Cargo.toml",
            format!("dynamidb-sync = {{ path = \"core/sync\", version = \"{version}\" }}\n"),
        ),
        (
            "core/capi/Cargo.toml",
            format!("\nversion = \"{version}\"\n"),
        ),
        (
            "web/npm/entry/package.json",
            format!("\n  \"version\": \"{version}\",\n"),
        ),
    ] {
        let text = fs::read_to_string(root.join(path)).unwrap();
        assert!(text.contains(&line), "{path} does not have {line}");
    }
}

#[test]
fn a_breach_of_each_rule_is_found() {
    for rule in NEVER_IN_CODE.iter().chain(NEVER_ANYWHERE) {
        for folder in rule.within {
            for word in rule.words {
                let path = format!("{folder}sample.rs");
                let found = breaches(&path, &format!("\nlet x = {word};\n"));
                let breach = format!("{path}:2: {}", rule.why);
                assert!(found.contains(&breach), "{folder} {word}");
            }
        }
    }
    let wide = "x".repeat(COLUMNS_MAX + 1);
    assert_eq!(breaches("a.rs", &wide).len(), 1);
    assert_eq!(breaches("a.rs", &wide[1..]).len(), 0);
    assert_eq!(breaches("a.ts", &"\n".repeat(LINES_MAX + 1)).len(), 1);
    assert_eq!(breaches("a.ts", &"\n".repeat(LINES_MAX)).len(), 0);
    assert_eq!(breaches("web/src/lib.rs", "").len(), 1);
}

#[test]
fn comments_tests_and_longer_words_are_no_breach() {
    for harmless in [
        "// std::mem",
        "#[cfg(test)]\nuse std::mem;",
        "use my_std::mem;",
    ] {
        assert!(
            breaches("core/src/sample.rs", harmless).is_empty(),
            "{harmless}"
        );
    }
}

#[test]
fn a_public_item_is_shown_by_an_example_of_its_own_or_of_its_file() {
    let found = |text: &str| breaches("core/src/sample.rs", text);
    for kind in ITEMS {
        let item = format!("pub {kind} sample(\n");
        assert_eq!(
            found(&format!("/// What it does.\n{item}")),
            ["core/src/sample.rs:2: no example shows sample"]
        );
        let own = format!("/// ```\n/// let x = 1;\n/// ```\n#[must_use]\n{item}");
        assert_eq!(found(&own), [""; 0]);
        let above = format!("/// ```\n/// x.sample();\n/// ```\npub mod other;\n{item}");
        assert_eq!(found(&above), [""; 0]);
        assert_eq!(found(&above.replace("x.", "x.re")).len(), 1);
        assert_eq!(found(&above.replace("x.", "// ")).len(), 1);
        assert_eq!(found(&above.replace("x.", "# ")).len(), 1);
        assert_eq!(found(&above.replacen("```", "```text", 1)).len(), 1);
        assert_eq!(found(&format!("#[doc(hidden)]\n{item}")), [""; 0]);
        assert_eq!(found(&item.replace("pub", "pub(crate)")), [""; 0]);
    }
    let named = "/// ```\n/// let sample = 1;\n/// ```\npub mod other;\npub const fn sample(\n";
    assert_eq!(found(named).len(), 1);
}
