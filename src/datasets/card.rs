//! The dataset card: the YAML front matter of a README, between two lines of `---`, as used by the Hugging Face Hub.

use serde_json::{Map, Value};
use serde_saphyr::{alias_limits, budget, options};

/// Maximum size in bytes of a README whose front matter is read.
pub const MAX_README_BYTES: u64 = 2 << 20;

/// Maximum size of the front matter in bytes.
const HEADER: usize = 1 << 20;

/// Maximum number of YAML values in the front matter, and maximum nesting depth.
const VALUES: usize = 100_000;
const LEVELS: usize = 64;

/// Maximum number of values that YAML aliases may expand to: a few lines of nested aliases can stand for billions of
/// values ("billion laughs"), and no card written by hand needs more.
const REPEATED: usize = 10_000;

/// Fields whose values the Hub API shows as tags, in the form `field:value`.
const TAGGED: &[&str] = &[
    "task_categories",
    "task_ids",
    "annotations_creators",
    "language_creators",
    "language",
    "license",
    "multilinguality",
    "size_categories",
    "source_datasets",
    "modality",
];

/// Parses the card of a README; `None` if it has no front matter.
///
/// # Errors
/// A message for users that says what is wrong with the front matter.
pub fn read(readme: &str) -> Result<Option<Map<String, Value>>, String> {
    let Some(header) = header_of(readme)? else { return Ok(None) };
    if header.len() > HEADER {
        return Err(format!("the YAML front matter of the README is longer than {HEADER} bytes"));
    }
    let options = options! {
        with_snippet: false,
        budget: budget! {
            max_depth: LEVELS, max_nodes: VALUES, max_events: 3 * VALUES, max_documents: 1, max_aliases: REPEATED,
            max_merge_keys: REPEATED,
        },
        alias_limits: alias_limits! { max_total_replayed_events: REPEATED, max_replay_stack_depth: LEVELS },
    };
    if header.trim().is_empty() {
        return Ok(Some(Map::new()));
    }
    match serde_saphyr::from_str_with_options(header, options) {
        Ok(Value::Object(card)) => Ok(Some(card)),
        Ok(Value::Null) => Ok(Some(Map::new())),
        Ok(_) => Err("the YAML front matter of the README is not a mapping; write `name: value` lines".to_owned()),
        Err(error) => Err(format!("the front matter of the README is not valid YAML: {error}")),
    }
}

/// Returns the tags of the card, for the Hub API.
pub fn tags(card: &Map<String, Value>) -> Vec<String> {
    let named = TAGGED.iter().flat_map(|name| texts(card, name).map(move |text| format!("{name}:{text}")));
    named.chain(texts(card, "tags").map(str::to_owned)).collect()
}

/// Returns the values of a field that is a string or a list of strings.
fn texts<'a>(card: &'a Map<String, Value>, name: &str) -> impl Iterator<Item = &'a str> {
    let value = card.get(name);
    value.and_then(Value::as_array).into_iter().flatten().chain(value).filter_map(Value::as_str)
}

/// Metadata from the card, used where the package does not state it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stated {
    /// `pretty_name`.
    pub title: Option<String>,
    /// `license`; `other` is replaced with the value of `license_name`.
    pub licenses: Vec<String>,
    /// `tags`.
    pub keywords: Vec<String>,
}

/// Maximum length in characters of a value taken from a card, and maximum number of values of one kind.
const MAX_TEXT_CHARS: usize = 500;
const MAX_TEXTS: usize = 30;

impl Stated {
    /// Reads the metadata from a README; empty if the front matter cannot be read.
    pub fn of(readme: &str) -> Self {
        let card = read(readme).ok().flatten().unwrap_or_default();
        let cut = |text: &str| text.trim().chars().take(MAX_TEXT_CHARS).collect::<String>();
        let list = |name: &str| {
            texts(&card, name).map(cut).filter(|text| !text.is_empty()).take(MAX_TEXTS).collect::<Vec<String>>()
        };
        let named = list("license_name").into_iter().next();
        let licenses = list("license").into_iter().map(|license| match &named {
            Some(name) if license.eq_ignore_ascii_case("other") => name.clone(),
            _ => license,
        });
        Self { title: list("pretty_name").into_iter().next(), licenses: licenses.collect(), keywords: list("tags") }
    }

    /// Returns true if no field is set.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Returns the block between two lines of `---` at the beginning, if there is one.
fn header_of(readme: &str) -> Result<Option<&str>, String> {
    let readme = readme.strip_prefix('\u{feff}').unwrap_or(readme);
    let Some(rest) = readme.strip_prefix("---\n").or_else(|| readme.strip_prefix("---\r\n")) else { return Ok(None) };
    let mut end = 0;
    for line in rest.split_inclusive('\n') {
        if line.trim_end() == "---" {
            return Ok(Some(&rest[..end]));
        }
        end += line.len();
    }
    Err("the YAML front matter of the README is not closed; end it with a line of `---`".to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use serde_json::json;

    use super::*;

    fn card(header: &str) -> Result<Value, String> {
        read(&format!("---\n{header}---\n# Title\n")).map(|card| card.map_or(Value::Null, Value::Object))
    }

    #[test]
    fn headers_of_a_card_must_end() {
        assert_eq!(header_of("# Title\n"), Ok(None));
        assert_eq!(header_of("---\nlicense: mit\n---\n# Title\n"), Ok(Some("license: mit\n")));
        assert!(header_of("---\nlicense: mit\n").is_err());
    }

    #[test]
    fn cards_are_read_as_they_are_written() {
        assert_eq!(read("# Title\n"), Ok(None));
        assert_eq!(card(""), Ok(json!({})));
        assert_eq!(card("# nothing\n"), Ok(json!({})));
        let read = card(
            "license: mit\nlanguage: [en, 'no']\ntags:\n- birds\n- 3\nconfigs:\n- config_name: default\n  data_files:\n  - split: train\n    path: data/*.csv\n",
        );
        let expected = json!({
            "license": "mit", "language": ["en", "no"], "tags": ["birds", 3],
            "configs": [{"config_name": "default", "data_files": [{"split": "train", "path": "data/*.csv"}]}],
        });
        assert_eq!(read, Ok(expected.clone()));
        assert_eq!(tags(expected.as_object().unwrap()), ["language:en", "language:no", "license:mit", "birds"]);
        assert_eq!(card("a: &x [1, 2]\nb: *x\n"), Ok(json!({"a": [1, 2], "b": [1, 2]})));
    }

    #[test]
    fn fields_of_a_package_are_read_from_a_card() {
        let stated = |header: &str| Stated::of(&format!("---\n{header}---\n# Title\n"));
        let full = stated("pretty_name: ' Birds '\nlicense: cc-by-4.0\ntags: [owls, 3, '', '2024']\n");
        let expected = Stated {
            title: Some("Birds".into()),
            licenses: vec!["cc-by-4.0".into()],
            keywords: vec!["owls".into(), "2024".into()],
        };
        assert_eq!(full, expected);
        assert_eq!(stated("license: [mit, other]\nlicense_name: mine\ntags: one\n").licenses, ["mit", "mine"]);
        assert_eq!(stated("tags: one\n").keywords, ["one"]);
        assert_eq!(stated(&format!("tags: [{}]\n", "x,".repeat(100))).keywords.len(), MAX_TEXTS);
        assert_eq!(stated(&format!("pretty_name: {}\n", "x".repeat(9000))).title.unwrap().len(), MAX_TEXT_CHARS);
        for nothing in ["", "pretty_name: [1]\nlicense: {a: b}\ntags: 7\n", "a: [1\n"] {
            assert!(stated(nothing).is_empty(), "{nothing}");
        }
        assert!(Stated::of("# Title\n").is_empty());
    }

    #[test]
    fn an_invalid_card_is_reported() {
        for bad in
            ["- a\n", "text\n", "a: b: c\n", "a: [1\n", "a: 1\na: 2\n", "a: *nothing\n", "? [a]\n: 1\n", "a: \u{0}\n"]
        {
            assert!(card(bad).is_err(), "{bad:?}: {:?}", card(bad));
        }
    }

    #[test]
    fn aliases_in_a_card_are_bounded() {
        let begun = Instant::now();
        let laugh = |level: usize| {
            let names = vec![format!("*a{}", level - 1); 10].join(", ");
            format!("a{level}: &a{level} [{names}]\n")
        };
        let laughs: String = (1..12).map(laugh).collect();
        assert!(card(&format!("a0: &a0 [lol, lol, lol]\n{laughs}")).is_err());
        let merge = |level: usize| format!("a{level}: &a{level} {{x: {{<<: *a{0}}}, y: {{<<: *a{0}}}}}\n", level - 1);
        let merged: String = (1..40).map(merge).collect();
        assert!(card(&format!("a0: &a0 {{k: 1}}\n{merged}")).is_err());
        for deep in ["[".repeat(100_000), "- ".repeat(100_000), "{a: ".repeat(100_000)] {
            assert!(card(&format!("a: {deep}\n")).is_err());
        }
        assert!(card(&format!("a: {}\n", "x".repeat(HEADER))).is_err());
        assert!(card(&format!("a: [{}]\n", "1,".repeat(VALUES + 1))).is_err());
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    }
}
