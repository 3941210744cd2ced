//! Sort orders of the results, and cursors within them.

use crate::types::Id;

/// Sort order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Matches in the name or title first; then by last update.
    Relevance,
    /// Most recently updated first.
    Updated,
    /// Most recently created first.
    Created,
    /// Most stars first.
    Stars,
    /// Like `Updated`, but only datasets with all words as prefixes in the name or title.
    Names,
}

/// Cursor: the position of the last result of the previous page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Among matches in the name or title, those below this number.
    Heading(i64),
    /// Among the other matches, those below this number.
    Other(i64),
    /// Among all matches, those created before this dataset.
    Created(Id),
    /// Among all matches, those after the dataset with this number of stars and this id.
    Stars(u64, Id),
}

impl Place {
    /// Encodes the position as a cursor. It holds nothing that the last item of the page does not show.
    pub fn cursor(self) -> String {
        match self {
            Self::Heading(number) => format!("h{number:x}"),
            Self::Other(number) => format!("o{number:x}"),
            Self::Created(id) => format!("c{id}"),
            Self::Stars(stars, id) => format!("s{stars:x}-{id}"),
        }
    }

    /// Decodes a cursor of a list with this sort order.
    pub fn from_cursor(cursor: &str, sort: Sort) -> Option<Self> {
        let mut rest = cursor.chars();
        let kind = rest.next()?;
        let rest = rest.as_str();
        let number = || i64::from_str_radix(rest, 16).ok().filter(|number| *number >= 0);
        match (kind, sort) {
            ('c', Sort::Created) => rest.parse().ok().map(Self::Created),
            ('s', Sort::Stars) => {
                let (stars, id) = rest.split_once('-')?;
                let stars = i64::from_str_radix(stars, 16).ok().and_then(|stars| u64::try_from(stars).ok())?;
                Some(Self::Stars(stars, id.parse().ok()?))
            }
            ('h', Sort::Relevance) => number().map(Self::Heading),
            ('o', Sort::Relevance | Sort::Updated | Sort::Names) => number().map(Self::Other),
            _ => None,
        }
    }
}
