//! No circles: what the modules of a folder use of each other, as far as their paths tell. A module stands for its file
//! and everything below it; a name that a module imports stands for the module that defines it.

use std::collections::{BTreeMap, BTreeSet};

use crate::layers::{CRATES, code, sources_in};

/// Where a module is: `["store", "cloud"]` for `store/cloud.rs`; empty for the root of the crate.
type Place = Vec<String>;

/// The modules of a crate: the code without tests, and what the names that it imports stand for.
struct Modules(BTreeMap<Place, (String, BTreeMap<String, Place>)>);

impl Modules {
    fn of(folder: &str) -> Self {
        let is_test = |file: &str| file == "main.rs" || file.ends_with("tests.rs") || file.contains("tests/");
        let read = |(file, text): (String, String)| {
            let place = file.trim_end_matches(".rs").split('/').map(str::to_owned);
            let place = if file == "lib.rs" { Place::new() } else { place.collect() };
            let code = code(&text).split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned();
            let names = paths(&code, "use ").into_iter().map(|(path, name)| (name, path)).collect();
            (place, (code, names))
        };
        Self(sources_in(folder).into_iter().filter(|(file, _)| !is_test(file)).map(read).collect())
    }

    /// The module that defines what a path names, through imports; `None` if it is of another crate.
    fn find(&self, from: &[String], path: &[String], depth: usize) -> Option<Place> {
        let mut place = from.to_vec();
        for (index, name) in path.iter().enumerate() {
            let mut child = place.clone();
            child.push(name.clone());
            match name.as_str() {
                "crate" => place.clear(),
                "super" => _ = place.pop(),
                "self" => {}
                _ if self.0.contains_key(&child) => place = child,
                _ => match self.0[&place].1.get(name).filter(|_| depth > 0) {
                    Some(import) => place = self.find(&place, import, depth - 1)?,
                    None if index == 0 => return None,
                    None => break,
                },
            }
        }
        Some(place)
    }

    /// For each folder: which of its modules uses which other one, and in which file.
    fn uses(&self) -> BTreeMap<String, BTreeMap<String, BTreeMap<String, String>>> {
        let mut uses: BTreeMap<_, BTreeMap<_, BTreeMap<_, _>>> = BTreeMap::new();
        for (from, (code, _)) in &self.0 {
            let mut named = paths(code, "crate::");
            named.extend(paths(code, "super::"));
            for (path, _) in named {
                let Some(to) = self.find(from, &path, 9) else { continue };
                let common = from.iter().zip(&to).take_while(|(from, to)| from == to).count();
                if let (Some(user), Some(used)) = (from.get(common), to.get(common)) {
                    let folder = uses.entry(from[..common].join("/")).or_default();
                    folder.entry(user.clone()).or_default().insert(used.clone(), from.join("/"));
                }
            }
        }
        uses
    }
}

/// The paths in a text that start with this word, each with the name that an import gives it.
fn paths(code: &str, word: &str) -> Vec<(Place, String)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices(word).filter(|(at, _)| !code[..*at].ends_with(|c| is_name(c) || c == ':')) {
        tree(code[at..].trim_start_matches("use "), &[], &mut found);
    }
    found
}

/// Reads `a::b`, `a as b` or `a::{b, c::d}`, and returns the rest of the text.
fn tree<'c>(text: &'c str, above: &[String], found: &mut Vec<(Place, String)>) -> &'c str {
    if let Some(mut list) = text.strip_prefix('{') {
        while !list.is_empty() && !list.starts_with('}') {
            list = tree(list.trim_start(), above, found).trim_start_matches([',', ' ', '\n']);
        }
        return list.strip_prefix('}').unwrap_or(list);
    }
    let (name, rest) = word(text);
    let path = [above, &[name.to_owned()]].concat();
    match (rest.strip_prefix("::"), rest.strip_prefix(" as ")) {
        _ if name.is_empty() => text.get(1..).unwrap_or_default(),
        (Some(below), _) if below.starts_with(|c| is_name(c) || c == '{') => tree(below, &path, found),
        (_, Some(alias)) => {
            let (alias, rest) = word(alias);
            found.push((path, alias.to_owned()));
            rest
        }
        _ => {
            let alias = if name == "self" { above.last().map_or(name, String::as_str) } else { name };
            found.push((path, alias.to_owned()));
            rest
        }
    }
}

fn word(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c| !is_name(c)).unwrap_or(text.len()))
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// A way from a module back to itself, if there is one.
fn circle(uses: &BTreeMap<String, BTreeMap<String, String>>) -> Option<Vec<String>> {
    let mut left: BTreeSet<&String> = uses.keys().collect();
    // Whatever uses only modules that are in no circle is in none.
    while let Some(done) = left.iter().find(|user| !uses[**user].keys().any(|used| left.contains(used))).copied() {
        left.remove(done);
    }
    let mut way = vec![*left.first()?];
    loop {
        let next = uses[*way.last()?].keys().find(|used| left.contains(used))?;
        if let Some(at) = way.iter().position(|user| *user == next) {
            way.push(next);
            let steps =
                way[at..].windows(2).map(|step| format!("{} → {} ({}.rs)", step[0], step[1], uses[step[0]][step[1]]));
            return Some(steps.collect());
        }
        way.push(next);
    }
}

#[test]
fn no_module_uses_itself_through_others() {
    let (mut found, mut modules) = (BTreeMap::new(), 0);
    for folder in CRATES {
        for (below, uses) in Modules::of(folder).uses() {
            modules += uses.len();
            if let Some(circle) = circle(&uses) {
                found.insert(format!("{folder}/{below}").trim_end_matches('/').to_owned(), circle);
            }
        }
    }
    assert!(modules > 200, "the sources were not understood: {modules}");
    assert!(found.is_empty(), "move what both need to where it belongs: {found:#?}");
}
