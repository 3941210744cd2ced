//! Names of files: marks what a search for names has found.

use std::ops::Range;

use super::passages::{Quotation, quote};
use crate::datasets::sorted::folded;

/// Splits a path at the places where its name contains the words, as `Datasets::find_names` compares them.
pub fn mark_name(words: &str, path: &str) -> Quotation {
    let name = path.rfind('/').map_or(0, |slash| slash + 1);
    let mut text = String::new();
    // For each byte of the folded text, the character that it is from.
    let mut origins: Vec<Range<usize>> = Vec::new();
    for (at, c) in path[name..].char_indices() {
        let (start, end) = (name + at, name + at + c.len_utf8());
        let part = folded(c.encode_utf8(&mut [0; 4]));
        match origins.last_mut() {
            // An accent belongs to the character before it.
            Some(last) if part.is_empty() => last.end = end,
            _ => origins.extend(part.bytes().map(|_| start..end)),
        }
        text.push_str(&part);
    }
    let mut places: Vec<Range<usize>> = Vec::new();
    for word in words.split_whitespace().map(folded).filter(|word| !word.is_empty()) {
        for (at, found) in text.match_indices(&word) {
            places.push(origins[at].start..origins[at + found.len() - 1].end);
        }
    }
    places.sort_by_key(|place| (place.start, place.end));
    let mut apart: Vec<Range<usize>> = Vec::with_capacity(places.len());
    for place in places {
        match apart.last_mut() {
            Some(last) if place.start <= last.end => last.end = last.end.max(place.end),
            _ => apart.push(place),
        }
    }
    quote(path, &apart, false)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(words: &str, path: &str) -> String {
        mark_name(words, path)
            .iter()
            .map(|(text, is_match)| if *is_match { format!("[{text}]") } else { text.clone() })
            .collect()
    }

    #[test]
    fn names_are_marked_where_they_match() {
        assert_eq!(shown("census", "a/census/Census 2024.csv"), "a/census/[Census] 2024.csv");
        assert_eq!(shown("ete CSV", "E\u{301}te\u{301}.csv"), "[E\u{301}te\u{301}].[csv]");
        assert_eq!(shown("école", "Ecole"), "[Ecole]");
        assert_eq!(shown("aba bab", "ababab"), "[abab]ab");
        assert_eq!(shown("x", "a"), "a");
    }

    proptest! {
        #[test]
        fn nothing_of_a_path_is_lost(words in "\\PC{0,20}", path in "\\PC{0,40}") {
            let whole: String = mark_name(&words, &path).into_iter().map(|(text, _)| text).collect();
            prop_assert_eq!(whole, path);
        }
    }
}
