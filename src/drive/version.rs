//! The order of names that are versions.

use std::cmp::Ordering;

/// Names as versions: `v1.9` is before `v1.10`, and `v1.0-rc1` before `v1.0`. Only equal names are equal.
pub(super) fn by_version(one: &str, other: &str) -> Ordering {
    parts(one).cmp(parts(other)).then_with(|| one.cmp(other))
}

/// A piece of a name, in the order of pieces at one place.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Part<'a> {
    /// What follows makes it earlier, as in versions that are not final (Semantic Versioning 2.0.0, 11).
    Dash,
    End,
    /// Digits without zeros before them, by how many they are.
    Number(usize, &'a str),
    Letter(char),
}

fn parts(name: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = Some(name);
    std::iter::from_fn(move || {
        let text = rest?;
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let first = text.chars().next();
        rest = first.map(|letter| &text[digits.max(letter.len_utf8())..]);
        Some(match first {
            None => Part::End,
            Some('-') => Part::Dash,
            Some(_) if digits > 0 => {
                let number = text[..digits].trim_start_matches('0');
                Part::Number(number.len(), number)
            }
            Some(letter) => Part::Letter(letter),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_tags() {
        for good in ["v1.0", "1.0.0", "ünï", "a/b", "x+y", "a,b", "_"] {
            assert!(tag_name(good).is_ok(), "{good}");
        }
        let id = "a".repeat(40);
        for bad in
            ["", "with space", "with!", "with\n", "a\tb", "a..b", ".a", "a.", "/a", "a/", "a.lock", "-a", "HEAD", &id]
        {
            assert_eq!(tag_name(bad).unwrap_err().kind(), Kind::Invalid, "{bad}");
        }
    }

    #[test]
    fn patterns_keep_to_their_folder() {
        let protects =
            |pattern: &str, name: &str| GlobSet::new(glob(&full_pattern(pattern).unwrap())).unwrap().is_match(name);
        assert!(protects("main", "refs/heads/main"));
        assert!(protects("release/*", "refs/heads/release/1"));
        assert!(!protects("release/*", "refs/heads/release/1/x"));
        assert!(protects("release/**", "refs/heads/release/1/x"));
        assert!(protects("refs/tags/v*", "refs/tags/v1"));
        for bad in ["", "[", "refs/notes/x", "a\nb"] {
            assert!(full_pattern(bad).is_err(), "{bad}");
        }
    }
}
