//! Passages: the text of a dataset that search results quote, and what of it matches a query.

use std::fmt::Write as _;
use std::ops::Range;

use super::document::{SearchHit, Source, plain};
use super::tokenizer::located_words;

/// Maximum number of files and folders of which the paths are indexed, per dataset: the first ones in git's order.
pub(super) const PATHS: usize = 5000;

/// Maximum number of bytes of these paths.
pub(super) const PATH_BYTES: usize = 64 << 10;

/// Maximum number of bytes of the passages of a package, and of those of a README.
const TEXT_BYTES: usize = 24 << 10;

/// Maximum number of bytes of the keywords, tags and other values.
const VALUE_BYTES: usize = 4 << 10;

/// Number of bytes of a passage besides its text.
pub(super) const OVERHEAD: usize = 2;

/// Maximum length in bytes of a passage; longer text is split between words.
const PASSAGE_BYTES: usize = 400;

/// Maximum length in characters of a quotation, and of what precedes the first match in it.
const QUOTED: usize = 160;
const BEFORE: usize = 40;

/// Maximum number of matches that are returned of a dataset, and of those in its README.
const MATCHES: usize = 5;
const README_MATCHES: usize = 2;

/// Maximum number of files that are returned of a dataset if only files are searched.
const FILES: usize = 20;

/// What of a dataset matches a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// Its name or title.
    Title,
    /// A keyword, license, format, git tag, or its owner.
    Keyword,
    /// The path of a file.
    File,
    /// A column of a table.
    Column,
    /// Its description, or that of a resource.
    Description,
    /// A line of its README.
    Readme,
}

impl Field {
    const ALL: [Self; 6] = [Self::Title, Self::Keyword, Self::File, Self::Column, Self::Description, Self::Readme];

    /// The character of the field in the database.
    fn tag(self) -> char {
        match self {
            Self::Title => 't',
            Self::Keyword => 'k',
            Self::File => 'f',
            Self::Column => 'c',
            Self::Description => 'd',
            Self::Readme => 'r',
        }
    }
}

/// Text that matches, in parts: each with true if it is what was searched for. Together they are the text.
pub type Quotation = Vec<(String, bool)>;

/// What of a dataset matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// Where.
    pub field: Field,
    /// The text, or the part of it around the match.
    pub text: Quotation,
}

/// All of a dataset that matches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matches {
    /// The best ones, those with most of the words first.
    pub best: Vec<Match>,
    /// Number of files with all of the words in their path, of those that are indexed.
    pub files: usize,
}

/// Collects the passages of a dataset, one a line.
#[derive(Default)]
pub(super) struct Passages(String);

impl Passages {
    fn add(&mut self, field: Field, text: &str) {
        let text = text.trim();
        if !text.is_empty() {
            let _ = writeln!(self.0, "{}{}", field.tag(), plain(text));
        }
    }

    /// Adds text in pieces, which end at a space where there is one. Stops when `left` bytes are used up.
    fn add_text(&mut self, field: Field, text: &str, left: &mut usize) {
        for line in text.lines() {
            let mut line = line.trim_start_matches(['#', '>', '|', '-', '*', ' ', '\t']).trim_end();
            while !line.is_empty() && *left > 0 {
                let mut end = line.floor_char_boundary(PASSAGE_BYTES.min(*left));
                if end < line.len() {
                    end = line[..end].rfind(' ').filter(|space| *space > 0).unwrap_or(end);
                }
                if end == 0 {
                    // Not even one character is left.
                    *left = 0;
                    break;
                }
                self.add(field, &line[..end]);
                *left = left.saturating_sub(end + OVERHEAD);
                line = line[end..].trim_start();
            }
        }
    }

    /// Collects the passages of a dataset. Their size is limited, whatever is in the dataset.
    pub(super) fn of(name: &str, card: &SearchHit, source: &Source<'_>) -> Self {
        let mut passages = Self::default();
        for text in [Some(name), card.title.as_deref()].into_iter().flatten() {
            passages.add(Field::Title, text);
        }
        let values = [&card.keywords, &card.licenses, &card.formats].into_iter().flatten().map(String::as_str);
        let mut left = VALUE_BYTES;
        for value in values.chain([source.owner]).chain(source.tags.iter().rev().map(String::as_str)) {
            if value.len() + OVERHEAD > left {
                break;
            }
            left -= value.len() + OVERHEAD;
            passages.add(Field::Keyword, value);
        }
        for path in source.paths {
            passages.add(Field::File, path);
        }
        let (mut columns, mut texts) = (TEXT_BYTES / 2, TEXT_BYTES / 2);
        if let Some(text) = source.package["description"].as_str() {
            passages.add_text(Field::Description, text, &mut texts);
        }
        for resource in source.package["resources"].as_array().into_iter().flatten() {
            for field in ["name", "title", "description"] {
                resource[field]
                    .as_str()
                    .into_iter()
                    .for_each(|text| passages.add_text(Field::Description, text, &mut texts));
            }
            for column in resource["schema"]["fields"].as_array().into_iter().flatten() {
                for text in ["name", "title"].into_iter().filter_map(|field| column[field].as_str()) {
                    passages.add_text(Field::Column, text, &mut columns);
                }
            }
        }
        passages.add_text(Field::Readme, source.readme, &mut { TEXT_BYTES });
        passages
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }
}

/// The words of a query, each with true if it is a prefix.
type QueryWords<'a> = &'a [(String, bool)];

/// Returns which of the words are in a text, as bits, and where.
fn occurrences(words: QueryWords<'_>, text: &str) -> (u32, Vec<Range<usize>>) {
    let (mut found, mut places) = (0, Vec::new());
    for (word, place) in located_words(text) {
        let mut bits = 0_u32;
        for (index, (wanted, is_prefix)) in words.iter().enumerate() {
            if word == *wanted || *is_prefix && word.starts_with(wanted.as_str()) {
                bits |= 1 << (index % 32);
            }
        }
        if bits != 0 {
            found |= bits;
            places.push(place);
        }
    }
    (found, places)
}

/// Finds what of a dataset matches, in its passages. With `only_files`, only files with all of the words in their path.
pub(super) fn find(words: QueryWords<'_>, passages: &str, only_files: bool) -> Matches {
    let all = words.iter().enumerate().fold(0_u32, |all, (index, _)| all | 1 << (index % 32));
    let mut files = 0;
    let mut found: Vec<(u32, Field, &str, Vec<Range<usize>>)> = Vec::new();
    for line in passages.lines() {
        let Some(field) = Field::ALL.into_iter().find(|field| line.starts_with(field.tag())) else { continue };
        if only_files && field != Field::File {
            continue;
        }
        let text = &line[1..];
        let (bits, places) = occurrences(words, text);
        if field == Field::File && bits == all {
            files += 1;
        }
        if bits != 0 && (!only_files || bits == all && found.len() < FILES) {
            found.push((bits, field, text, places));
        }
    }
    // Stable: what comes first in the dataset comes first here.
    found.sort_by_key(|(bits, field, ..)| (std::cmp::Reverse(bits.count_ones()), *field));
    let mut best: Vec<Match> = Vec::new();
    let most = if only_files { FILES } else { MATCHES };
    for (_, field, text, places) in found {
        if best.len() == most {
            break;
        }
        let of_field = best.iter().filter(|known| known.field == field).count();
        let text = quote(text, &places, field != Field::File);
        let is_known = best.iter().any(|known| known.field == field && known.text == text);
        if !is_known && (field != Field::Readme || of_field < README_MATCHES) {
            best.push(Match { field, text });
        }
    }
    Matches { best, files }
}

/// Splits a text at these places. If it is long and can be cut, only the part around the first one is returned.
pub(super) fn quote(text: &str, places: &[Range<usize>], can_cut: bool) -> Quotation {
    let first = places.first().map_or(0, |place| place.start);
    let (mut start, mut end) = (0, text.len());
    if can_cut && text.chars().count() > QUOTED {
        let before = text[..first].char_indices().rev().nth(BEFORE).map_or(0, |(at, _)| at);
        start = if before == 0 { 0 } else { text[before..first].find(' ').map_or(before, |space| before + space + 1) };
        end = text[start..].char_indices().nth(QUOTED).map_or(text.len(), |(at, _)| start + at);
    }
    let mut parts = Vec::new();
    let mut add = |text: &str, is_match: bool| {
        if !text.is_empty() {
            parts.push((text.to_owned(), is_match));
        }
    };
    if start > 0 {
        add("… ", false);
    }
    let mut at = start;
    for place in places.iter().filter(|place| place.end <= end) {
        add(&text[at..place.start], false);
        add(&text[place.clone()], true);
        at = place.end;
    }
    add(&text[at..end], false);
    if end < text.len() {
        add(" …", false);
    }
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn query(text: &str) -> Vec<(String, bool)> {
        let words = text.split(' ').map(|word| (word.trim_end_matches('*').to_owned(), word.ends_with('*')));
        words.collect()
    }

    fn passages(paths: &[&str], readme: &str) -> String {
        let package = json!({
            "description": "Counted at dawn", "resources": [{"schema": {"fields": [{"name": "wing_span"}, {"name": "n"}]}}],
        });
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        let source = Source {
            owner: "ada",
            name: "census",
            package: &package,
            readme,
            tags: &[],
            paths: &paths,
            bytes: None,
            table: None,
        };
        let card =
            SearchHit { title: Some("Birds, counted".into()), keywords: vec!["owl".into()], ..SearchHit::default() };
        Passages::of("census", &card, &source).into_text()
    }

    /// The matches as text, with brackets around what was searched for.
    fn shown(words: &str, passages: &str, only_files: bool) -> Vec<String> {
        let marked = |(text, is_match): &(String, bool)| if *is_match { format!("[{text}]") } else { text.clone() };
        let line = |one: &Match| format!("{:?}: {}", one.field, one.text.iter().map(marked).collect::<String>());
        find(&query(words), passages, only_files).best.iter().map(line).collect()
    }

    #[test]
    fn matches_say_where_and_what() {
        let text =
            passages(&["data/owls.csv", "data/Wing span.csv", "x"], "# About owls\n\nMore on the span of wings.\n");
        assert_eq!(shown("owl", &text, false), ["Keyword: [owl]", "File: data/[owls].csv", "Readme: About [owls]"]);
        let both = ["File: data/[Wing] [span].csv", "Column: [wing]_[span]", "Readme: More on the [span] of [wings]."];
        assert_eq!(shown("wing span", &text, false), both);
        assert_eq!(shown("wing span", &text, true), both[..1]);
        assert_eq!(shown("count*", &text, false), ["Title: Birds, [counted]", "Description: [Counted] at dawn"]);
        assert_eq!(shown("csv", &text, true).len(), 2);
        assert_eq!(shown("data bird", &text, true), [""; 0], "not all of the words are in a path");
        assert_eq!(shown("data bird", &text, false)[0], "Title: [Birds], counted");
        assert_eq!(find(&query("csv"), &text, false).files, 2);
    }

    #[test]
    fn long_text_is_cut_around_the_match() {
        let readme = format!("{}needle {}", "hay ".repeat(50), "hay ".repeat(100));
        let text = passages(&[], &readme);
        let found = shown("needle", &text, false);
        assert_eq!(found.len(), 1);
        assert!(
            found[0].starts_with("Readme: … hay ")
                && found[0].contains(" hay [needle] hay ")
                && found[0].ends_with(" …"),
            "{found:?}"
        );
        assert!(found[0].chars().count() < 200);
        let many = passages(&[], &"needle\n".repeat(100));
        assert_eq!(shown("needle", &many, false).len(), 1, "the same text once");
    }

    #[test]
    fn passages_are_limited_whatever_a_dataset_has() {
        let (many, fields) = ("ü\n".repeat(100_000), vec![json!({"name": "x"}); 50_000]);
        let package = json!({"description": many, "resources": [{"title": many, "schema": {"fields": fields}}]});
        let tags = vec!["v1".to_owned(); 50_000];
        let source = Source {
            owner: "ada",
            name: "a",
            package: &package,
            readme: &many,
            tags: &tags,
            paths: &[],
            bytes: None,
            table: None,
        };
        let size = Passages::of("a", &SearchHit::default(), &source).into_text().len();
        assert!((TEXT_BYTES..2 * TEXT_BYTES + VALUE_BYTES + 1000).contains(&size), "{size}");
    }

    proptest! {
        #[test]
        fn passages_are_limited_and_quotations_are_parts_of_the_text(readme in "\\PC{0,60}[é \n-]{0,3}\\PC{0,500}", word in "[a-z]{1,2}") {
            let text = passages(&[], &readme);
            prop_assert!(text.len() < 2 * TEXT_BYTES);
            for one in find(&[(word, true)], &text, false).best {
                let quoted: String = one.text.iter().map(|(text, _)| text.as_str()).collect();
                let quoted = quoted.trim_start_matches("… ").trim_end_matches(" …");
                prop_assert!(text.contains(quoted), "{quoted:?}");
                prop_assert!(one.text.iter().any(|(_, is_match)| *is_match));
            }
        }
    }
}
