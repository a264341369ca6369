//! The links of the documentation: each leads to a file of the tree, and to a heading in it.

use std::collections::{HashMap, HashSet};

/// The links that lead nowhere, as `path: link`, and how many links there are. A link may also lead
/// to a folder, and to a file that is no text.
pub(crate) fn broken(
    sources: &[(String, String)],
    exists: impl Fn(&str) -> bool,
) -> (Vec<String>, usize) {
    let pages = sources.iter().filter(|(path, _)| path.ends_with(".md"));
    let pages: HashMap<&str, &str> = pages.map(|(path, text)| (&path[..], &text[..])).collect();
    let mut broken = Vec::new();
    let mut count = 0;
    for (path, text) in &pages {
        for link in links(text) {
            count += 1;
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() {
                Some((*path).to_string())
            } else {
                beside(path, file)
            };
            let leads = target.is_some_and(|target| {
                let has_heading = |page: &&str| anchors(page).contains(heading);
                exists(&target)
                    && (heading.is_empty() || pages.get(&target[..]).is_none_or(has_heading))
            });
            if !leads {
                broken.push(format!("{path}: {link}"));
            }
        }
    }
    broken.sort();
    (broken, count)
}

/// The lines outside of blocks of code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}

/// What `[…](…)` names, but for pages elsewhere. A text may go on in a second line, a link may not.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let ends = prose(text).flat_map(|line| line.split("](").skip(1));
    ends.filter_map(|end| end.split([')', ' ']).next())
        .filter(|link| !link.starts_with("http") && !link.starts_with("mailto:"))
}

/// The headings of a page as links name them: small letters, `-` for a blank, no punctuation.
fn anchors(text: &str) -> HashSet<String> {
    let headings = prose(text).filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let name = line.trim_start_matches('#').trim().to_lowercase();
            name.chars()
                .filter(|c| c.is_alphanumeric() || "-_ ".contains(*c))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect()
        })
        .collect()
}

/// The path of `file` as the page at `path` names it; nothing if that is outside of the tree.
fn beside(path: &str, file: &str) -> Option<String> {
    let mut parts: Vec<_> = path.split('/').collect();
    parts.pop();
    for part in file.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[test]
fn a_link_to_a_missing_file_or_heading_is_found() {
    let page = "# One thing, `two` things\n\
                [a](b.md) [a](../c.md#d) [a](#one-thing-two-things) [a](https://example.com/)\n\
                ```sh\n# no heading\n[a](no-link)\n```\n\
                [missing](e.md) [missing](#no-heading) [missing](b.md#one)\n\
                [missing](../../f.md)";
    let sources = [("docs/a.md", page), ("docs/b.md", ""), ("c.md", "## D")];
    let sources = sources.map(|(path, text)| (path.to_string(), text.to_string()));
    let exists = |path: &str| sources.iter().any(|(name, _)| name == path);
    let missing = ["#no-heading", "../../f.md", "b.md#one", "e.md"];
    let missing = missing.map(|link| format!("docs/a.md: {link}"));
    assert_eq!(broken(&sources, exists), (missing.to_vec(), 7));
}
