//! Circles of imports: files that need each other cannot be read, tested or moved apart.
//!
//! A file imports another if one of its paths, in a `use` or elsewhere, names something that is
//! defined there. What a module only hands on (`pub use`) is followed to where it is defined, so
//! that a crate's root and a module's index are in no circle. A method of a type that another file
//! adds to it is not seen.

use std::collections::{BTreeMap, BTreeSet};

/// A module's path from the root of its crate.
type Module = Vec<String>;

/// The files of one crate, by module.
struct Crate<'s> {
    files: BTreeMap<Module, File<'s>>,
}

struct File<'s> {
    path: &'s str,
    /// Names that are handed on, and where they come from.
    handed_on: BTreeMap<&'s str, Vec<&'s str>>,
    /// Names that are imported, and where they come from.
    imported: BTreeMap<&'s str, Vec<&'s str>>,
    /// Paths outside of `use`, two names or longer.
    mentioned: Vec<Vec<&'s str>>,
}

/// What a path names.
enum Target {
    Module,
    /// Something that this module's file defines.
    Item(Module),
    /// Something of another crate.
    Foreign,
}

/// The circles among the files of all crates: for each, its files and the imports between them.
pub(crate) fn circles(sources: &[(String, String)]) -> Vec<(Vec<&str>, String)> {
    let roots = sources
        .iter()
        .filter_map(|(path, _)| path.strip_suffix("src/lib.rs"));
    roots
        .flat_map(|root| Crate::read(root, sources).circles())
        .collect()
}

impl<'s> Crate<'s> {
    fn read(root: &str, sources: &'s [(String, String)]) -> Self {
        let mut files = BTreeMap::new();
        for (path, text) in sources {
            let within = path
                .strip_prefix(root)
                .and_then(|path| path.strip_prefix("src/"));
            if let Some(name) = within.and_then(|path| path.strip_suffix(".rs")) {
                let mut module: Module = name.split('/').map(String::from).collect();
                if matches!(name, "lib") || name.ends_with("/mod") {
                    module.pop();
                }
                files.insert(module, File::read(path, text));
            }
        }
        Self { files }
    }

    /// What a path means in a file. `depth` ends a name that is handed on in a circle.
    fn resolve(&self, from: &[String], path: &[&str], depth: usize) -> Target {
        let Some((&first, rest)) = path.split_first() else {
            return Target::Module;
        };
        match first {
            "crate" => self.walk(Vec::new(), rest, depth),
            "self" => self.walk(from.to_vec(), rest, depth),
            "super" => {
                let parent = from[..from.len().saturating_sub(1)].to_vec();
                match rest.first() {
                    Some(&"super") => self.resolve(&parent, rest, depth),
                    _ => self.walk(parent, rest, depth),
                }
            }
            name => {
                let mut child = from.to_vec();
                child.push(name.into());
                if self.files.contains_key(&child) {
                    return self.walk(from.to_vec(), path, depth);
                }
                match self.files[from].imported.get(name) {
                    Some(origin) if depth > 0 && origin.first() != Some(&name) => {
                        let origin: Vec<_> = origin.iter().chain(rest).copied().collect();
                        self.resolve(from, &origin, depth - 1)
                    }
                    _ => Target::Foreign,
                }
            }
        }
    }

    /// Follows names from a module on.
    fn walk(&self, mut module: Module, path: &[&str], depth: usize) -> Target {
        for (at, &name) in path.iter().enumerate() {
            let Some(file) = self.files.get(&module) else {
                return Target::Foreign;
            };
            let is_last = at + 1 == path.len();
            let mut child = module.clone();
            child.push(name.into());
            let is_module = self.files.contains_key(&child);
            match file.handed_on.get(name) {
                Some(origin) if depth > 0 && (is_last || !is_module) => {
                    let origin: Vec<_> = origin.iter().chain(&path[at + 1..]).copied().collect();
                    return self.resolve(&module, &origin, depth - 1);
                }
                _ if is_module => module = child,
                _ => return Target::Item(module),
            }
        }
        Target::Module
    }

    /// The modules whose files a file imports.
    fn imports(&self, from: &Module) -> BTreeSet<Module> {
        let file = &self.files[from];
        let paths = file.imported.values().chain(&file.mentioned);
        let targets = paths.filter_map(|path| match self.resolve(from, path, 8) {
            Target::Item(module) if module != *from => Some(module),
            _ => None,
        });
        targets.collect()
    }

    fn circles(&self) -> Vec<(Vec<&'s str>, String)> {
        let imports: BTreeMap<_, _> = self
            .files
            .keys()
            .map(|module| (module, self.imports(module)))
            .collect();
        let reached: BTreeMap<_, _> = imports
            .keys()
            .map(|&from| (from, reachable(from, &imports)))
            .collect();
        let mut circles = Vec::new();
        let mut seen = BTreeSet::new();
        for (&from, all) in &reached {
            let members: Vec<_> = all
                .iter()
                .copied()
                .filter(|to| reached[to].contains(from))
                .collect();
            if members.is_empty() || !seen.insert(members.clone()) {
                continue;
            }
            let path = |module: &Module| self.files[module].path;
            let between = members.iter().flat_map(|from| {
                let within = imports[from].iter().filter(|to| members.contains(to));
                within.map(move |to| format!("{} imports {}", path(from), path(to)))
            });
            let between: Vec<_> = between.collect();
            circles.push((members.into_iter().map(path).collect(), between.join("\n")));
        }
        circles
    }
}

/// The modules that a module imports, directly or not.
fn reachable<'m>(
    from: &'m Module,
    imports: &'m BTreeMap<&'m Module, BTreeSet<Module>>,
) -> BTreeSet<&'m Module> {
    let (mut reached, mut left) = (BTreeSet::new(), vec![from]);
    while let Some(module) = left.pop() {
        left.extend(imports[module].iter().filter(|&to| reached.insert(to)));
    }
    reached
}

impl<'s> File<'s> {
    fn read(path: &'s str, text: &'s str) -> Self {
        let tokens: Vec<_> = super::code(text)
            .flat_map(|(_, line)| tokens(line))
            .collect();
        let mut file = Self {
            path,
            handed_on: BTreeMap::new(),
            imported: BTreeMap::new(),
            mentioned: Vec::new(),
        };
        let mut at = 0;
        while at < tokens.len() {
            // Not `use<'a>`, which is a bound.
            if tokens[at] == "use" && tokens.get(at + 1) != Some(&"<") {
                let is_handed_on = is_public(&tokens[..at]);
                at += 1;
                let mut names = Vec::new();
                read_tree(&tokens, &mut at, &[], &mut names);
                let all = match is_handed_on {
                    true => &mut file.handed_on,
                    false => &mut file.imported,
                };
                all.extend(names);
            } else if is_name(tokens[at]) {
                let mut path = vec![tokens[at]];
                at += 1;
                while tokens.get(at) == Some(&"::")
                    && tokens.get(at + 1).is_some_and(|t| is_name(t))
                {
                    path.push(tokens[at + 1]);
                    at += 2;
                }
                if path.len() > 1 {
                    file.mentioned.push(path);
                }
            } else {
                at += 1;
            }
        }
        file
    }
}

/// Reads what follows `use`, or one entry between braces: each name with its path.
fn read_tree<'s>(
    tokens: &[&'s str],
    at: &mut usize,
    before: &[&'s str],
    names: &mut Vec<(&'s str, Vec<&'s str>)>,
) {
    let mut path = before.to_vec();
    while let Some(&token) = tokens.get(*at) {
        *at += 1;
        match token {
            "::" => {}
            "{" => {
                while !matches!(tokens.get(*at), None | Some(&"}" | &";")) {
                    read_tree(tokens, at, &path, names);
                    *at += usize::from(tokens.get(*at) == Some(&","));
                }
                *at += 1;
                return;
            }
            "as" => {
                let alias = tokens.get(*at).copied().unwrap_or_default();
                *at += 1;
                names.push((alias, path));
                return;
            }
            "self" if !path.is_empty() => {}
            "," | "}" | ";" => {
                *at -= 1;
                names.extend(path.last().copied().map(|name| (name, path.clone())));
                return;
            }
            name => path.push(name),
        }
    }
}

/// Whether what follows these tokens is visible to other files.
fn is_public(before: &[&str]) -> bool {
    match before.last() {
        Some(&"pub") => true,
        Some(&")") => {
            let open = before.iter().rposition(|&token| token == "(");
            open.is_some_and(|open| open > 0 && before[open - 1] == "pub")
        }
        _ => false,
    }
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// The names and signs of a line, without what is between quotes.
fn tokens(line: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let len = match first {
            _ if rest.starts_with("::") => 2,
            '"' => {
                let mut escaped = false;
                let end = rest[1..].find(|c| {
                    let ends = c == '"' && !escaped;
                    escaped = c == '\\' && !escaped;
                    ends
                });
                rest = end.map_or("", |end| &rest[end + 2..]);
                continue;
            }
            '\'' if rest.starts_with("'\"'") => {
                rest = &rest[3..];
                continue;
            }
            c if c.is_alphanumeric() || c == '_' => rest
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        let (token, after) = rest.split_at(len);
        if !token.trim().is_empty() {
            tokens.push(token);
        }
        rest = after;
    }
    tokens
}

/// The files of the circles among these, given as name and text.
fn found(files: &[(&str, &str)]) -> Vec<Vec<String>> {
    let sources: Vec<_> = files
        .iter()
        .map(|(name, text)| (format!("x/src/{name}"), String::from(*text)))
        .collect();
    let names = |(files, _): (Vec<&str>, _)| {
        let names = files.iter().map(|path| path["x/src/".len()..].to_owned());
        names.collect()
    };
    circles(&sources).into_iter().map(names).collect()
}

#[test]
fn two_files_that_import_each_other_are_a_circle() {
    for (a, b) in [
        ("use crate::b::B;", "use crate::a::A;"),
        ("use super::b::B;", "use crate::{c::C, a::{A, Other}};"),
        ("use crate::B;", "use crate::A as Another;"),
        (
            "use crate::b; fn f() { b::f() }",
            "fn f() { crate::a::f() }",
        ),
        ("use crate::b::{self, B};", "use super::a::*;"),
    ] {
        let root = ("lib.rs", "mod a; mod b; pub use a::A; pub use b::{B};");
        let files = [root, ("a.rs", a), ("b.rs", b)];
        assert_eq!(found(&files), [["a.rs", "b.rs"]], "{a} {b}");
    }
}

#[test]
fn a_circle_of_three_and_one_of_parent_and_child_are_found() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c;"),
        ("a.rs", "use crate::b::B;"),
        ("b.rs", "use crate::c::C;"),
        ("c.rs", "mod d; use crate::a::A; fn f() { d::f() }"),
        ("c/d.rs", "use super::C;"),
    ];
    assert_eq!(found(&files), [["a.rs", "b.rs", "c.rs", "c/d.rs"]]);
    let files = [files[0], ("c/mod.rs", files[3].1), files[4]];
    assert_eq!(found(&files), [["c/mod.rs", "c/d.rs"]]);
}

#[test]
fn imports_in_one_direction_are_no_circle() {
    for (a, b) in [
        ("use crate::b::B;", "struct B;"),
        ("use crate::b::B;", "// use crate::a::A;"),
        ("use crate::b::B;", "const A: &str = \"crate::a::A\";"),
        (
            "use crate::b::B;",
            "#[cfg(test)]\nmod tests { use crate::a::A; }",
        ),
        ("use crate::b::B;", "use other::a::A;"),
        // What is handed on is defined elsewhere.
        ("pub use crate::b::B;", "use crate::a::B as Same;"),
        ("pub(crate) use crate::c::C;", "use crate::a::C;"),
    ] {
        let root = ("lib.rs", "mod a; mod b; mod c; pub use a::A; pub use b::B;");
        let files = [root, ("a.rs", a), ("b.rs", b), ("c.rs", "struct C;")];
        assert_eq!(found(&files), [[""; 0]; 0], "{a} {b}");
    }
}
