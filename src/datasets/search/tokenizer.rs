//! Tokenizer: splits text into words, the same way for indexing and for queries, on both database engines.

use std::iter::Peekable;
use std::ops::Range;
use std::str::CharIndices;

use sha2::{Digest as _, Sha256};
use unicode_normalization::UnicodeNormalization as _;

/// Maximum length of a word in characters; longer words are cut.
const MAX_WORD_CHARS: usize = 40;

/// Returns the words of a text: letters and digits, folded so that case, accents, width and a plural `s` make no
/// difference. Chinese and Japanese text has no spaces, so each character is a word.
pub(super) fn words(text: &str) -> impl Iterator<Item = String> {
    located_words(text).map(|(word, _)| word)
}

/// Returns the words of a text, each with its place in the text in bytes.
pub(super) fn located_words(text: &str) -> impl Iterator<Item = (String, Range<usize>)> {
    let mut chars = FoldedChars { chars: text.char_indices().peekable(), pending: Vec::new() }.peekable();
    std::iter::from_fn(move || {
        let (first, Range { start, mut end }) = chars.find(|(c, _)| c.is_alphanumeric())?;
        let mut word = String::from(first);
        if is_ideograph(first) {
            return Some((word, start..end));
        }
        let mut length = 1;
        while let Some((c, place)) = chars.next_if(|(c, _)| c.is_alphanumeric() && !is_ideograph(*c)) {
            if length < MAX_WORD_CHARS {
                word.push(c);
            }
            end = place.end;
            length += 1;
        }
        if length > 3 && word.ends_with('s') && !word.ends_with("ss") {
            word.pop();
        }
        Some((word, start..end))
    })
}

/// The characters of a text, decomposed (NFKD), in lower case and without accents, each with the place of the character
/// that it is from.
struct FoldedChars<'a> {
    chars: Peekable<CharIndices<'a>>,
    /// The other characters of a decomposition, the last one first.
    pending: Vec<(char, Range<usize>)>,
}

impl Iterator for FoldedChars<'_> {
    type Item = (char, Range<usize>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(pending) = self.pending.pop() {
                return Some(pending);
            }
            let (start, c) = self.chars.next()?;
            let mut end = start + c.len_utf8();
            // Accents that follow belong to it.
            while let Some((at, accent)) = self.chars.next_if(|(_, c)| is_accent(*c)) {
                end = at + accent.len_utf8();
            }
            if c.is_ascii() {
                return Some((c.to_ascii_lowercase(), start..end));
            }
            let folded = std::iter::once(c).nfkd().flat_map(char::to_lowercase).filter(|c| !is_accent(*c));
            self.pending.extend(folded.map(|c| (c, start..end)));
            self.pending.reverse();
        }
    }
}

/// Returns the index word for a facet value.
pub(super) fn value(kind: Kind, text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    format!("{}={}", kind.tag(), hex::encode(&digest[..16]))
}

/// Returns the additional index word for a word of the name or title.
pub(super) fn heading(word: &str) -> String {
    format!("={word}")
}

/// Returns the additional index word for a word of the path of a file.
pub(super) fn in_path(word: &str) -> String {
    format!("=={word}")
}

/// The kinds of facets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Owner of the dataset.
    Owner,
    /// Keyword of the package.
    Keyword,
    /// The format of a resource.
    Format,
    /// A license of the package.
    License,
    /// A git tag.
    Tag,
}

impl Kind {
    /// The facets that are counted besides the owner.
    pub(super) const COUNTED: [Self; 3] = [Self::Keyword, Self::Format, Self::License];

    /// Returns its one-character prefix in the index.
    pub(super) fn tag(self) -> char {
        match self {
            Self::Owner => 'o',
            Self::Keyword => 'k',
            Self::Format => 'f',
            Self::License => 'l',
            Self::Tag => 't',
        }
    }
}

/// Combining diacritical marks (Unicode, blocks U+0300, U+1AB0, U+1DC0 and U+20D0): accents, once characters are
/// decomposed.
fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}')
}

/// Kana and Han characters.
fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<String> {
        words(text).collect()
    }

    #[test]
    fn words_are_folded() {
        assert_eq!(list("Les Écoles d'Été, 2024"), ["les", "ecole", "d", "ete", "2024"]);
        assert_eq!(list("birth_date  first-class"), ["birth", "date", "first", "class"]);
        assert_eq!(list("ﬁle Ｗｉｄｅ Straße"), ["file", "wide", "straße"]);
        assert_eq!(list("人口 data ひと"), ["人", "口", "data", "ひ", "と"]);
        assert_eq!(list("\"' * \0 :()"), Vec::<String>::new());
        assert_eq!(list(&"x".repeat(500)), ["x".repeat(MAX_WORD_CHARS)]);
    }

    #[test]
    fn words_have_places() {
        let places = |text: &str| located_words(text).map(|(_, place)| text[place].to_owned()).collect::<Vec<_>>();
        assert_eq!(
            places("Les Écoles, E\u{301}te\u{301}! ﬁle人口"),
            ["Les", "Écoles", "E\u{301}te\u{301}", "ﬁle", "人", "口"]
        );
        assert_eq!(places(&"x".repeat(500)), ["x".repeat(500)]);
    }

    #[test]
    fn values_are_not_indexed() {
        let value = value(Kind::Keyword, "climate");
        assert_eq!(value.len(), 34);
        assert!(value.starts_with("k="));
        assert_eq!(list("k=climate"), ["k", "climate"]);
    }
}
