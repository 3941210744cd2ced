//! The architecture, checked against the sources: the table in the comment of
//! `src/lib.rs` is the rule.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// All source files of the server: the path within `src`, and the text.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                found.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// The text without comments.
fn code(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n")
}

/// The module of the crate's root that a file belongs to: `web` for `web/git.rs`.
fn module(file: &str) -> &str {
    file.split(['/', '.']).next().unwrap()
}

/// The modules that a file names after `crate::`.
fn named(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        let list = match rest.strip_prefix('{') {
            Some(group) => group.split('}').next().unwrap().split(',').collect(),
            None => vec![rest],
        };
        for item in list {
            let name: String = item.trim().chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            found.insert(name);
        }
    }
    found
}

#[test]
fn imports_go_down() {
    let sources = sources();
    let table = &sources.iter().find(|(name, _)| name == "lib.rs").unwrap().1;
    let mut layers = BTreeMap::new();
    for row in
        table.lines().filter_map(|line| line.strip_prefix("//! | ")).filter(|row| row.starts_with(char::is_numeric))
    {
        let (layer, modules) = row.trim_end_matches(" |").split_once(" | ").unwrap();
        for module in modules.split_whitespace() {
            layers.insert(module.to_owned(), layer[..1].parse::<u8>().unwrap());
        }
    }
    let within = table.split_once("Within a layer only:").unwrap().1.split_once('.').unwrap().0.replace("//!", " ");
    let within: BTreeSet<(String, String)> = within
        .split(',')
        .filter_map(|pair| pair.split_once('→'))
        .map(|(from, to)| (from.trim().into(), to.trim().into()))
        .collect();
    assert!(layers.len() > 10 && within.len() > 3, "the table was not understood: {layers:?} {within:?}");

    let mut used = BTreeSet::new();
    for (file, text) in &sources {
        let from = module(file);
        // The composition of the program, and its command line, are above all layers.
        if matches!(from, "lib" | "main" | "cli") {
            continue;
        }
        let layer = layers.get(from).unwrap_or_else(|| panic!("{file}: the table has no module `{from}`"));
        for to in named(&code(text)) {
            let Some(below) = layers.get(&to) else {
                assert_eq!(to, "blocking", "{file} names crate::{to}, which the table does not have");
                continue;
            };
            let pair = (from.to_owned(), to.clone());
            let allowed = to == from || below < layer || within.contains(&pair);
            assert!(allowed, "{file} is in layer {layer} and must not import crate::{to} of layer {below}");
            used.insert(pair);
        }
    }
    for pair in within {
        assert!(used.contains(&pair), "nothing uses {} → {} any more: take it out of the table", pair.0, pair.1);
    }
}

#[test]
fn each_technology_has_its_place() {
    for (file, text) in sources() {
        let code = code(&text);
        let place = module(&file);
        assert!(!code.contains("sqlx::query") || place == "db", "{file}: SQL belongs in src/db");
        assert!(!code.contains("axum::") || matches!(place, "web" | "error"), "{file}: HTTP belongs in src/web");
        assert!(
            !code.contains("std::env") || matches!(place, "config" | "cli"),
            "{file}: the environment is read in config"
        );
        assert!(!code.contains("spawn_blocking") || file == "lib.rs", "{file}: use crate::blocking");
    }
}

#[test]
fn files_fit_into_a_head() {
    for (file, text) in sources() {
        assert!(text.lines().count() <= 500 || file.ends_with("tests.rs"), "{file} has more than 500 lines");
    }
}
