//! Three-way merge of texts by lines, as `git merge-file` does it.

use gix::{
    diff::blob::{Algorithm, InternedInput},
    merge::blob::{
        Resolution,
        builtin_driver::{
            text,
            text::{Conflict, Labels, Options},
        },
    },
};

/// git takes a file for binary if it has a NUL byte among these first bytes.
const SAMPLE: usize = 8000;

/// Returns true if git takes the content for binary, and merges no lines of it.
pub(super) fn is_binary(content: &[u8]) -> bool {
    content.iter().take(SAMPLE).any(|byte| *byte == 0)
}

/// Merges the lines of two versions; `None` if both changed the same lines, or adjacent ones.
pub(super) fn merge_lines(base: &[u8], ours: &[u8], theirs: &[u8]) -> Option<Vec<u8>> {
    match merge_with(Conflict::default(), base, ours, theirs) {
        (Resolution::Complete, merged) => Some(merged),
        (Resolution::CompleteWithAutoResolvedConflict | Resolution::Conflict, _) => None,
    }
}

/// Like [`merge_lines`], for texts whose lines are independent of each other: lines that both added at the same place are
/// kept one after the other. `None` if one of the sides removed or changed a line of the base.
pub(super) fn merge_added_lines(base: &[u8], ours: &[u8], theirs: &[u8]) -> Option<Vec<u8>> {
    if !only_adds(base, ours) || !only_adds(base, theirs) {
        return None;
    }
    Some(merge_with(Conflict::ResolveWithUnion, base, ours, theirs).1)
}

fn merge_with(conflict: Conflict, base: &[u8], ours: &[u8], theirs: &[u8]) -> (Resolution, Vec<u8>) {
    let (mut merged, mut input) = (Vec::new(), InternedInput::default());
    // The algorithm of git's own merge of trees. Where lines repeat, there can be several shortest diffs, and git may take
    // another one: then one of the two can see a conflict where the other sees none.
    let options = Options { diff_algorithm: Algorithm::Histogram, conflict };
    let resolution = text(&mut merged, &mut input, Labels::default(), ours, base, theirs, options);
    (resolution, merged)
}

/// Returns true if every line of `before` is in `after`, in the same order.
fn only_adds(before: &[u8], after: &[u8]) -> bool {
    let mut lines = after.split(|byte| *byte == b'\n');
    before.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).all(|line| lines.any(|other| other == line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_far_from_each_other_are_merged() {
        let base = b"a\nb\nc\nd\ne\n";
        assert_eq!(merge_lines(base, b"A\nb\nc\nd\ne\n", b"a\nb\nc\nd\nE\n").unwrap(), b"A\nb\nc\nd\nE\n");
        assert_eq!(merge_lines(base, b"A\nb\nc\nd\ne\n", b"A\nb\nc\nd\ne\n").unwrap(), b"A\nb\nc\nd\ne\n");
        assert_eq!(merge_lines(base, b"A\nb\nc\nd\ne\n", b"X\nb\nc\nd\ne\n"), None);
    }

    #[test]
    fn added_lines_are_kept_one_after_the_other() {
        let merged = merge_added_lines(b"a\n", b"a\nb\n", b"a\nc\n").unwrap();
        assert_eq!(merged, b"a\nb\nc\n");
        assert_eq!(merge_added_lines(b"a\nb\n", b"a\n", b"a\nb\nc\n"), None, "one side removed a line");
        assert_eq!(merge_added_lines(b"a\nb\n", b"b\na\n", b"a\nb\nc\n"), None, "one side changed the order");
    }

    #[test]
    fn a_zero_byte_makes_a_file_binary() {
        assert!(is_binary(b"a\0b"));
        assert!(!is_binary("ü\n".as_bytes()));
    }
}
