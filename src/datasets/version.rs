//! Natural ordering of version names.

use std::cmp::Ordering;

/// Compares names as versions: `v1.9` is before `v1.10`, and `v1.0-rc1` before `v1.0`. Only identical names are equal.
pub(super) fn by_version(one: &str, other: &str) -> Ordering {
    parts(one).cmp(parts(other)).then_with(|| one.cmp(other))
}

/// A component of a name. The variants are in the order in which components at the same position sort.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Part<'a> {
    /// A dash sorts before the end of a name, as for pre-releases (Semantic Versioning 2.0.0, 11).
    Dash,
    End,
    /// Digits without leading zeros, ordered by their count first.
    Number(usize, &'a str),
    Char(char),
}

fn parts(name: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = Some(name);
    std::iter::from_fn(move || {
        let text = rest?;
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let first = text.chars().next();
        rest = first.map(|c| &text[digits.max(c.len_utf8())..]);
        Some(match first {
            None => Part::End,
            Some('-') => Part::Dash,
            Some(_) if digits > 0 => {
                let number = text[..digits].trim_start_matches('0');
                Part::Number(number.len(), number)
            }
            Some(c) => Part::Char(c),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ordered_as_versions() {
        let ordered = [
            "0.9",
            "1.0-alpha",
            "1.0-beta.2",
            "1.0-beta.11",
            "1.0",
            "1.0.1",
            "1.2",
            "1.10",
            "2-rc",
            "2",
            "2026-2",
            "release-1",
            "release-12",
            "v01",
            "v1",
            "v1.9",
            "v1.10-rc1",
            "v1.10",
            "v99999999999999999999999",
            "ü",
        ];
        for (at, one) in ordered.iter().enumerate() {
            for (other_at, other) in ordered.iter().enumerate() {
                assert_eq!(by_version(one, other), at.cmp(&other_at), "{one} {other}");
            }
        }
    }
}
