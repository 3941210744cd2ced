//! Cells in the format of daff.

/// Returns the text between old and new values in a row with these cells: `->`, with more dashes if one of them has it.
pub(super) fn separator<'c>(cells: impl Iterator<Item = &'c str>) -> String {
    let mut longest = 0;
    for cell in cells {
        let mut dashes = 0;
        for byte in cell.bytes() {
            if byte == b'>' {
                longest = longest.max(dashes);
            }
            dashes = if byte == b'-' { dashes + 1 } else { 0 };
        }
    }
    format!("{}>", "-".repeat(longest + 1))
}

/// Returns a cell whose value changed.
pub(super) fn changed(old: &str, new: &str, separator: &str) -> String {
    // daff reads NULL as a missing value, which is the same as an empty one when it looks for the row.
    format!("{}{separator}{}", missing(old), escaped(new))
}

/// Escapes a text that daff would read as a missing value, or as an escaped one.
pub(super) fn escaped(text: &str) -> String {
    let is_reserved =
        text.strip_suffix("NULL").is_some_and(|start| !start.is_empty() && start.bytes().all(|byte| byte == b'_'));
    if is_reserved { format!("_{text}") } else { text.to_owned() }
}

/// Returns true if `daff patch` can set the new value: it marks spaces in cells of which nothing else changed.
pub(super) fn is_patchable(old: &str, new: &str) -> bool {
    let without_spaces = |text: &str| text.replace(' ', "");
    old == new || without_spaces(missing(old)) != without_spaces(new)
}

/// Returns the text of a cell; that of a missing one is empty.
pub(super) fn missing(cell: &str) -> &str {
    if cell == "NULL" { "" } else { cell }
}

/// Returns the text by which daff compares a cell when it looks for a row.
pub(super) fn compared(cell: &str) -> &str {
    if ["NULL", "null", "undefined"].contains(&cell) { "" } else { cell }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cells_are_written_as_daff_does() {
        assert_eq!(separator(["a", "b->c", "->", "x-->"].into_iter()), "--->");
        assert_eq!(separator(["a>", "--", "- >"].into_iter()), "->");
        assert_eq!(changed("a", "b", "->"), "a->b");
        assert_eq!(
            (changed("NULL", "NULL", "->"), changed("_NULL", "__NULL", "->")),
            ("->NULL".into(), "_NULL->___NULL".into())
        );
        assert!(is_patchable("a", "b") && is_patchable("a b", "a c") && is_patchable("", "x"));
        assert!(!is_patchable("a b", "ab") && !is_patchable("", " ") && !is_patchable("NULL", " "));
    }

    proptest! {
        #[test]
        fn changed_cells_are_split_where_they_were_joined(old in "[->a]{0,8}", new in "[->a]{0,8}") {
            let separator = separator([old.as_str(), new.as_str()].into_iter());
            let cell = changed(&old, &new, &separator);
            prop_assert_eq!(cell.split_once(&separator), Some((old.as_str(), new.as_str())));
        }
    }
}
