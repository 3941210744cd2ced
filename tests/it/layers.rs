//! The architecture, checked against the sources: the table in the comment of
//! `src/lib.rs` is the rule.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The sources of our crates.
pub(crate) const CRATES: [&str; 7] = [
    "src",
    "lfs/src",
    "lfs/xet/src",
    "metastore/src",
    "metastore/datapackage/src",
    "metastore/tables/src",
    "metastore/tables/wire/src",
];

/// All source files of the server: the path within `src`, and the text.
fn sources() -> Vec<(String, String)> {
    sources_in("src")
}

/// All source files of a crate: the path within its folder, and the text.
pub(crate) fn sources_in(folder: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
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
pub(crate) fn code(text: &str) -> String {
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
    let table = &sources.iter().find(|(name, _)| name == "lib.rs").unwrap().1.replace('`', "");
    let mut layers = BTreeMap::new();
    for row in
        table.lines().filter_map(|line| line.strip_prefix("//! | ")).filter(|row| row.starts_with(char::is_numeric))
    {
        let (layer, modules) = row.trim_end_matches(" |").split_once(" | ").unwrap();
        for module in modules.split_whitespace() {
            layers.insert(module.to_owned(), layer.split(' ').next().unwrap().parse::<u8>().unwrap());
        }
    }
    assert!(layers.len() > 10, "the table was not understood: {layers:?}");

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
            let allowed = to == from || below < layer;
            assert!(allowed, "{file} is in layer {layer} and must not import crate::{to} of layer {below}");
        }
    }
}

/// Whether the code names a crate, module or function: a whole word.
fn names(code: &str, name: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(name).any(|(at, _)| {
        !code[..at].ends_with(part) && (name.ends_with('_') || !code[at + name.len()..].starts_with(part))
    })
}

#[test]
fn each_technology_is_used_only_in_its_place() {
    // What is named, where it may be, and what to do instead. `x` stands for `x.rs` and all files below `x/`.
    let rules: &[(&str, &[&str], &str)] = &[
        ("sqlx", &["src/db", "src/types", "src/error"], "SQL belongs in src/db"),
        ("sqlx::query_with", &["src/db/query"], "use `query` of src/db/query.rs"),
        ("sqlx::query", &["src/db/query"], "use `query` of src/db/query.rs"),
        ("sqlx::query_as", &[], "use `query` of src/db/query.rs"),
        ("sqlx::query_scalar", &[], "use `query_scalar` of src/db/query.rs"),
        ("axum", &["src/web", "src/error"], "HTTP belongs in src/web"),
        (
            "std::env",
            &["src/cli/login", "src/config", "metastore/tables/src/confine"],
            "the environment is read in config",
        ),
        (
            "spawn_blocking",
            &["src/lib", "lfs/src/blocking", "metastore/src/blocking", "metastore/tables/src/blocking"],
            "use the crate's `blocking`",
        ),
        ("thread::spawn", &[], "use the crate's `blocking`"),
        ("lettre", &["src/mail"], "e-mail is sent by mail.rs"),
        ("openidconnect", &["src/accounts/providers"], "users come from the providers of accounts"),
        ("oauth2", &["src/accounts/providers"], "users come from the providers of accounts"),
        ("bollard", &["src/apps/docker", "src/cli"], "containers are run by apps/docker.rs"),
        ("kube", &["src/apps/kubernetes"], "Kubernetes belongs in apps/kubernetes.rs"),
        ("k8s_openapi", &["src/apps/kubernetes"], "Kubernetes belongs in apps/kubernetes.rs"),
        ("webauthn_rs", &["src/accounts/passkeys"], "passkeys belong in accounts/passkeys.rs"),
        ("OsRng", &["src/access/signing_keys"], "random bytes come from clock::random"),
        ("gix", &["metastore/src"], "git belongs in metastore"),
        ("gix_", &[], "name it through gix, in metastore"),
        (
            "object_store",
            &["metastore/src/store", "metastore/src/error", "lfs/src/store", "metastore/tables/src/source/provider"],
            "use CloudStore or PackStore",
        ),
        (
            "Command::new",
            &["metastore/src/git", "src/cli/login", "src/tables/process"],
            "programs are run by metastore's git.rs",
        ),
        ("datafusion", &["metastore/tables/src"], "tables are parsed by the table engine"),
        ("tonic", &["src/web/flight"], "gRPC belongs in src/web/flight"),
        ("arrow_flight", &["src/web/flight"], "gRPC belongs in src/web/flight"),
        ("arrow_ipc", &["src/web/flight"], "the server passes record batches on as they are"),
        ("arrow_ipc::reader", &[], "tables are parsed by the table engine"),
        ("arrow_flight::decode", &[], "tables are parsed by the table engine"),
    ];
    let mut used = BTreeSet::new();
    for folder in CRATES {
        for (file, text) in sources_in(folder) {
            let file = format!("{folder}/{file}");
            // Tests look at things from outside.
            if file.ends_with("tests.rs") || file.contains("/tests/") {
                continue;
            }
            let code = code(&text);
            let code = code.split("#[cfg(test)]\nmod tests {").next().unwrap();
            for (name, places, instead) in rules.iter().filter(|(name, ..)| names(code, name)) {
                let here =
                    |place: &&str| file.strip_prefix(*place).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'));
                assert!(places.iter().any(here), "{file} names {name}: {instead}");
                used.insert(*name);
            }
        }
    }
    for (name, places, _) in rules {
        let known = used.contains(name) || places.is_empty();
        assert!(known, "nothing names {name} any more: is the rule still about what it was?");
    }
}

/// A hostile file can end the process of the table engine, and must not reach the server.
#[test]
fn the_server_has_no_parser_of_tables() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["", "lfs", "lfs/xet", "metastore", "metastore/datapackage", "metastore/tables/wire"] {
        let manifest = std::fs::read_to_string(root.join(folder).join("Cargo.toml")).unwrap();
        let dependencies = manifest.split("\n[dependencies]\n").nth(1).unwrap().split("\n[").next().unwrap();
        for line in dependencies.lines() {
            let name = line.split(['.', ' ', '=']).next().unwrap();
            let is_parser = ["csv", "parquet", "datafusion"].contains(&name) || name.starts_with("arrow");
            // For Arrow Flight, which describes its own answers with them and forwards those of the engine.
            let is_flight =
                folder.is_empty() && ["arrow-array", "arrow-flight", "arrow-ipc", "arrow-schema"].contains(&name);
            let is_parser = is_parser && !is_flight;
            assert!(!is_parser, "{folder}/Cargo.toml: {name} belongs in metastore/tables");
        }
    }
}

#[test]
fn web_does_not_use_the_database() {
    for (file, text) in sources().iter().filter(|(file, _)| module(file) == "web") {
        assert!(!named(&code(text)).contains("db"), "{file} must not name crate::db: a feature answers instead");
        assert!(!names(&code(text), "db"), "{file} must not reach for the database: a feature answers instead");
    }
}

/// The APIs share what is in `web/http`, and nothing else; `web.rs` puts them together.
#[test]
fn apis_import_http_and_not_each_other() {
    let mut found = 0;
    for (file, text) in sources().iter().filter(|(file, _)| file.starts_with("web/")) {
        let code = code(text);
        let code = code.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let module: Vec<&str> = file.trim_end_matches(".rs").split('/').collect();
        // The path from this module to `web`.
        let up = "super::".repeat(module.len() - 1);
        for path in ["crate::web::", &up] {
            for (at, _) in code.match_indices(path) {
                let named: String = code[at + path.len()..].chars().take_while(|c| c.is_alphanumeric()).collect();
                assert!(named == "http" || named == module[1], "{file} must not import web::{named}");
                found += 1;
            }
        }
    }
    assert!(found > 50, "the imports were not understood: {found}");
}

/// An example with `compile_fail` passes for any error, also for a name that does not exist: then it proves nothing.
#[test]
fn examples_that_must_not_compile_name_existing_items() {
    let sources = sources();
    let access = sources.iter().filter(|(file, _)| module(file) == "access");
    let declared: String = access.clone().map(|(_, text)| code(text)).collect();
    let mut found = 0;
    for (file, text) in access {
        for list in text.lines().filter_map(|line| line.strip_prefix("//! use rutter::access::{")) {
            for name in list.split('}').next().unwrap().split(',').map(str::trim) {
                let kinds = ["struct", "trait", "enum", "fn"];
                let is_declared = kinds.iter().any(|kind| names(&declared, &format!("pub {kind} {name}")));
                // Rights are declared by a macro, by their name at the beginning of a line.
                let is_right = declared.lines().any(|line| line.trim_start().starts_with(&format!("{name},")));
                assert!(is_declared || is_right, "{file}: an example names {name}, which does not exist");
                found += 1;
            }
        }
    }
    assert!(found > 20, "the examples were not understood: {found}");
}

#[test]
fn source_files_have_at_most_500_lines() {
    for (file, text) in sources() {
        assert!(text.lines().count() <= 500 || file.ends_with("tests.rs"), "{file} has more than 500 lines");
    }
}

/// The document has one schema for each name: of two types with one name, one would be described as the other.
#[test]
fn no_two_schemas_have_one_name() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for folder in CRATES {
        for (file, text) in sources_in(folder) {
            let mut derived = false;
            for line in text.lines().map(str::trim) {
                derived |= line.starts_with("#[derive(") && line.contains("ToSchema");
                derived |= line.starts_with("impl ToSchema for ");
                let mut declared = ["pub struct ", "struct ", "pub enum ", "enum ", "impl ToSchema for "].iter();
                let words =
                    line.strip_prefix("pub(super) ").or_else(|| line.strip_prefix("pub(crate) ")).unwrap_or(line);
                let Some(rest) = declared.find_map(|word| words.strip_prefix(word)) else { continue };
                // A macro declares the rest.
                if std::mem::take(&mut derived) && !rest.starts_with('$') {
                    let name = rest.split(|c: char| !c.is_alphanumeric()).next().unwrap();
                    places.entry(name.to_owned()).or_default().push(format!("{folder}/{file}"));
                }
            }
        }
    }
    assert!(places.len() > 100, "the sources were not understood: {places:?}");
    places.retain(|_, files| files.len() > 1);
    assert_eq!(places, BTreeMap::new(), "name them for what they are, or use one for both");
}

#[test]
fn the_readme_lists_each_key_once_and_architecture_each_module() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let section = readme.split("\n## Configuration\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let keys: Vec<_> = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    assert!(keys.len() > 40, "{keys:?}");
    let mut seen = BTreeSet::new();
    let twice: Vec<_> = keys.iter().filter(|key| !seen.insert(**key)).collect();
    assert_eq!(twice, Vec::<&&str>::new());

    let map = std::fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let layers = map.split("\n## Layers of `src/`\n").nth(1).unwrap().split("\n## ").next().unwrap();
    for (file, _) in sources() {
        let module = module(&file);
        assert!(module == "lib" || layers.contains(&format!("`{module}`")), "ARCHITECTURE.md does not name `{module}`");
    }
}
