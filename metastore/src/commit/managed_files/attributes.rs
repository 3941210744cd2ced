//! The managed block in `.gitattributes` (gitattributes(5)).

use std::collections::BTreeSet;

use bytes::Bytes;

use super::put;
use crate::{ATTRIBUTES, Content, Edit, Error, FilePath, Result};

const BEGIN: &[u8] = b"# rutter: files that Git LFS keeps; these lines are rewritten on every save";
const END: &[u8] = b"# rutter: end";
const LFS: &str = " filter=lfs diff=lfs merge=lfs -text";

/// git ignores longer lines (`ATTR_MAX_LINE_LENGTH`).
const LINE_LIMIT: usize = 2048;

/// Returns the edit that updates the managed block of the file at `place`, if its content changes.
///
/// Our lines form a sorted block of their own; everything else stays as and where it is. A line of the block is only
/// removed together with its pointer file: without its line, a pointer file would be checked out as a pointer.
///
/// # Errors
///
/// [`Error::Invalid`] for a path that is too long for a line.
pub(super) fn edit<'p>(
    place: &FilePath,
    before: Option<Bytes>,
    tracked: impl Iterator<Item = &'p FilePath> + Clone,
    dropped: impl Iterator<Item = &'p FilePath>,
) -> Result<Option<Edit>> {
    if let Some(path) = tracked.clone().find(|path| line(path).len() >= LINE_LIMIT) {
        return Err(Error::Invalid(format!("{path} is too long for a line in {ATTRIBUTES}; choose a shorter path")));
    }
    let after = rewrite(before.as_deref(), tracked, dropped);
    Ok(match (before, after) {
        (Some(before), after) if before == after => None,
        (None, after) if after.is_empty() => None,
        (Some(_), after) if after.is_empty() => Some(Edit::Delete { path: place.clone() }),
        (_, after) => Some(put(place, Content::Bytes(after.into()))),
    })
}

/// Updates the managed block: removes the lines of `dropped`, adds those of `tracked`, and keeps everything else.
///
/// The block stays in place, or is appended to the file. Foreign lines in it are moved after it. A block
/// without an end marker ends at the first foreign line.
fn rewrite<'p>(
    before: Option<&[u8]>,
    tracked: impl Iterator<Item = &'p FilePath>,
    dropped: impl Iterator<Item = &'p FilePath>,
) -> Vec<u8> {
    let mut parts = Parts::read(before.unwrap_or_default());
    let mut ours = std::mem::take(&mut parts.ours);
    for path in dropped {
        ours.remove(line(path).as_bytes());
    }
    let tracked: Vec<String> = tracked.map(line).collect();
    ours.extend(tracked.iter().map(String::as_bytes));
    if ours.is_empty() {
        return [parts.ahead, parts.behind].concat().concat();
    }
    let mut file = parts.ahead.concat();
    if file.last().is_some_and(|last| *last != b'\n') {
        file.push(b'\n');
    }
    for line in [BEGIN].into_iter().chain(ours).chain([END]) {
        file.extend_from_slice(line);
        file.push(b'\n');
    }
    file.extend(parts.behind.concat());
    file
}

/// Returns the paths listed in the managed block.
pub(super) fn listed(file: &[u8]) -> Vec<FilePath> {
    Parts::read(file).ours.into_iter().filter_map(path_of).collect()
}

/// Returns the file without the managed block.
pub(super) fn of_others(file: &[u8]) -> Vec<u8> {
    let parts = Parts::read(file);
    [parts.ahead, parts.behind].concat().concat()
}

/// Merges three versions (base, ours, theirs): of the managed block, the lines that either side added, without those that
/// either side removed; of everything else, what `merge` makes of it, if it can.
pub(crate) fn merge(versions: [&[u8]; 3], merge: impl Fn(&[u8], &[u8], &[u8]) -> Option<Vec<u8>>) -> Option<Vec<u8>> {
    let [base, ours, theirs] = versions.map(|version| Parts::read(version).ours);
    let kept = |line: &&&[u8]| {
        let line = **line;
        !base.contains(line) || ours.contains(line) && theirs.contains(line)
    };
    let lines: BTreeSet<&[u8]> = ours.union(&theirs).filter(kept).copied().collect();
    let [base, ours, theirs] = versions.map(of_others);
    let others = merge(&base, &ours, &theirs)?;
    let paths: Vec<FilePath> = lines.iter().filter_map(|line| path_of(line)).collect();
    // A line of ours that does not name a path is foreign: nothing else would ever remove it.
    if paths.len() < lines.len() {
        return None;
    }
    Some(rewrite(Some(&others), paths.iter(), std::iter::empty()))
}

/// Parses the path of a line in the managed block.
fn path_of(text: &[u8]) -> Option<FilePath> {
    let pattern = str::from_utf8(text.strip_suffix(LFS.as_bytes())?).ok()?;
    let unescaped = |text: &str| {
        let mut chars = text.chars();
        let mut plain = String::with_capacity(text.len());
        while let Some(c) = chars.next() {
            plain.extend(if c == '\\' { chars.next() } else { Some(c) });
        }
        plain
    };
    let path = match pattern.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(quoted) => unescaped(&unescaped(quoted)),
        None => unescaped(pattern),
    };
    path.strip_prefix('/').unwrap_or(&path).parse().ok().filter(|path| line(path).as_bytes() == text)
}

/// A parsed file. Foreign lines include their line endings, ours do not.
#[derive(Default)]
struct Parts<'f> {
    ahead: Vec<&'f [u8]>,
    ours: BTreeSet<&'f [u8]>,
    behind: Vec<&'f [u8]>,
}

impl<'f> Parts<'f> {
    fn read(file: &'f [u8]) -> Self {
        let lines: Vec<&[u8]> = file.split_inclusive(|byte| *byte == b'\n').collect();
        let mut parts = Self::default();
        let (mut inside, mut seen) = (false, false);
        // The last end marker; a block that starts after it has none.
        let last = lines.iter().rposition(|line| bare(line) == END);
        for (index, line) in lines.into_iter().enumerate() {
            let text = bare(line);
            let ours = text.ends_with(LFS.as_bytes());
            if text == BEGIN {
                (inside, seen) = (true, true);
            } else if inside && text == END {
                inside = false;
            } else if inside && ours {
                parts.ours.insert(text);
            } else {
                inside = inside && last.is_some_and(|last| index < last);
                if seen { &mut parts.behind } else { &mut parts.ahead }.push(line);
            }
        }
        parts
    }
}

/// Returns a line without its line ending.
fn bare(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Returns the attributes line of a path.
///
/// A pattern that contains a slash is relative to the folder of the file, one without a slash matches in
/// every folder; a leading slash prevents the latter. It also keeps the first character from having a special
/// meaning. Glob characters are escaped, and a pattern with whitespace or quotes is quoted, with doubled
/// backslashes.
pub(super) fn line(path: &FilePath) -> String {
    let path = path.as_str();
    let mut pattern = String::with_capacity(path.len() + LFS.len() + 1);
    if !path.contains('/') || path.starts_with(['#', '!', '"', '[', ' ']) {
        pattern.push('/');
    }
    for c in path.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    if pattern.contains([' ', '"']) {
        pattern = format!("\"{}\"", pattern.replace('\\', "\\\\").replace('"', "\\\""));
    }
    pattern + LFS
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write as _,
        process::{Command, Stdio},
    };

    use proptest::prelude::*;

    use super::*;

    fn path(text: &str) -> FilePath {
        text.parse().expect(text)
    }

    fn rewritten(before: &str, tracked: &[&str], dropped: &[&str]) -> String {
        let tracked: Vec<_> = tracked.iter().map(|text| path(text)).collect();
        let dropped: Vec<_> = dropped.iter().map(|text| path(text)).collect();
        String::from_utf8(rewrite(Some(before.as_bytes()), tracked.iter(), dropped.iter())).unwrap()
    }

    fn block(lines: &[&str]) -> String {
        let lines: Vec<String> = lines.iter().map(|line| format!("{line}{LFS}\n")).collect();
        let lines = lines.concat();
        format!("{}\n{lines}{}\n", str::from_utf8(BEGIN).unwrap(), str::from_utf8(END).unwrap())
    }

    #[test]
    fn patterns_are_escaped_and_quoted() {
        for (text, pattern) in [
            ("data/a.csv", "data/a.csv"),
            ("a.csv", "/a.csv"),
            ("a b.csv", "\"/a b.csv\""),
            ("d/[1]*?.csv", r"d/\[1\]\*\?.csv"),
            ("d/a [1].csv", r#""d/a \\[1\\].csv""#),
            ("#a/b", "/#a/b"),
            ("!a/b", "/!a/b"),
            ("\"a\"/b", r#""/\"a\"/b""#),
            ("[attr]a/b", r"/\[attr\]a/b"),
        ] {
            assert_eq!(line(&path(text)), format!("{pattern}{LFS}"));
            assert_eq!(path_of(line(&path(text)).as_bytes()), Some(path(text)));
        }
    }

    #[test]
    fn the_lines_of_others_stay() {
        let user = "*.png binary\r\n\n# mine\n* text=auto";
        assert_eq!(rewritten(user, &[], &[]), user);
        let once = rewritten(user, &["d/b", "d/a"], &[]);
        assert_eq!(once, format!("{user}\n{}", block(&["d/a", "d/b"])));
        let more = format!("{once}*.txt -text\n");
        assert_eq!(rewritten(&more, &["d/a", "d/b"], &[]), more);
        let next = rewritten(&more, &["d/b", "d/c"], &["d/a"]);
        assert_eq!(next, format!("{user}\n{}*.txt -text\n", block(&["d/b", "d/c"])));
        assert_eq!(rewritten(&next, &[], &["d/b", "d/c"]), format!("{user}\n*.txt -text\n"));
        assert_eq!(rewritten("", &["a"], &[]), block(&["/a"]));
        assert_eq!(rewritten(&block(&["/a"]), &[], &["a"]), "");
    }

    #[test]
    fn a_block_that_others_edited_is_put_right() {
        let begin = str::from_utf8(BEGIN).unwrap();
        let end = str::from_utf8(END).unwrap();
        let edited = format!("{begin}\nd/a{LFS}\n*.md text\nd/b{LFS}\n{end}\nrest\n");
        assert_eq!(rewritten(&edited, &[], &[]), format!("{}*.md text\nrest\n", block(&["d/a", "d/b"])));
        let endless = format!("mine\n{begin}\nd/a{LFS}\n*.md text\n*.zip{LFS}\n");
        assert_eq!(rewritten(&endless, &[], &[]), format!("mine\n{}*.md text\n*.zip{LFS}\n", block(&["d/a"])));
        let twice = format!("{}x\n{}", block(&["d/a"]), block(&["d/b"]));
        assert_eq!(rewritten(&twice, &[], &[]), format!("{}x\n", block(&["d/a", "d/b"])));
        assert_eq!(rewritten(&format!("{end}\n"), &[], &[]), format!("{end}\n"));
    }

    /// Returns the `filter` attribute of each path according to git, with our file in the root of a repository.
    fn filters(file: &[u8], paths: &[String]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let git = |arguments: &[&str]| {
            let mut command = Command::new("git");
            command.args(arguments).current_dir(folder.path());
            command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
            command
        };
        assert!(git(&["init", "-q"]).status().unwrap().success());
        std::fs::write(folder.path().join(".gitattributes"), file).unwrap();
        let mut child = git(&["check-attr", "-z", "--stdin", "filter"]);
        let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let input: String = paths.iter().flat_map(|path| [path, "\0"]).collect();
        let mut stdin = child.stdin.take().unwrap();
        let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()).unwrap());
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "git complains");
        let text = String::from_utf8(output.stdout).unwrap();
        let words: Vec<&str> = text.split_terminator('\0').collect();
        let found = words.chunks(3).map(|found| (found[0].to_owned(), found[2].to_owned()));
        let found: Vec<_> = found.collect();
        assert!(found.iter().map(|(path, _)| path).eq(paths), "{found:?}");
        found.into_iter().map(|(_, value)| value).collect()
    }

    #[test]
    fn git_finds_these_files_and_no_others() {
        let tracked = [
            "a.csv",
            "with space.csv",
            "two  spaces/ x ",
            "star*.csv",
            "what?",
            "[abc]",
            "a]b",
            "!bang",
            "#hash",
            "\"quote\".csv",
            "mid\"quote",
            "dir/#x",
            "!dir/x",
            "#dir/x",
            "[attr]x/y",
            "\"d\"/y",
            "ünï/çø.csv",
            "日本/語",
            "d/*",
            "d/**/x",
            "trailing ",
            "-text",
            "tab/a=b",
            "a,b;c",
            "$x/`y`",
            "filter=lfs",
            "d/a\u{a0}b",
        ];
        let others = [
            "sub/a.csv",
            "starry.csv",
            "whats",
            "a",
            "b",
            "c",
            "bang",
            "hash",
            "d/x",
            "d/y/x",
            "d/q/r/x",
            "with",
            "text",
            "space.csv\"",
            "dir/with space.csv",
            "trailing",
            "two",
        ];
        let paths: Vec<FilePath> = tracked.iter().map(|text| path(text)).collect();
        let file = rewrite(None, paths.iter(), std::iter::empty());
        let all: Vec<String> = tracked.iter().chain(&others).map(|text| (*text).to_owned()).collect();
        let found = filters(&file, &all);
        for (path, value) in all.iter().zip(&found) {
            assert_eq!(value == "lfs", tracked.contains(&path.as_str()), "{path:?} has the filter {value}");
        }
    }

    #[test]
    fn the_file_is_edited_only_if_it_changes() {
        let edited = |before: Option<&Bytes>, tracked: &[FilePath], dropped: &[FilePath]| {
            edit(&path(ATTRIBUTES), before.cloned(), tracked.iter(), dropped.iter()).unwrap()
        };
        let paths = [path("a.csv")];
        let Some(Edit::Put { content: Content::Bytes(file), .. }) = edited(None, &paths, &[]) else { panic!() };
        assert!(edited(Some(&file), &paths, &[]).is_none());
        assert!(matches!(edited(Some(&file), &[], &paths), Some(Edit::Delete { .. })));
        assert!(edited(Some(&Bytes::from("* text")), &[], &paths).is_none());
        assert!(edited(None, &[], &paths).is_none());
    }

    #[test]
    fn the_longest_line_that_fits_is_read() {
        let long = |length: usize| {
            let mut text = "a".repeat(length);
            for slash in (200..length).step_by(200) {
                text.replace_range(slash..=slash, "/");
            }
            text
        };
        let limit = LINE_LIMIT - LFS.len() - 1;
        let paths = [path(&long(limit)), path(&long(limit - 2))];
        let no_line = edit(&path(ATTRIBUTES), None, [path(&long(limit + 1))].iter(), std::iter::empty());
        assert!(matches!(no_line, Err(Error::Invalid(_))));
        let file = rewrite(None, paths.iter(), std::iter::empty());
        assert_eq!(filters(&file, &paths.map(|path| path.to_string())), ["lfs", "lfs"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn git_agrees_on_any_path(texts in prop::collection::vec("[ab *?!#\"\\[\\]/.é^{}~$=-]{1,9}|\\PC{1,12}", 1..80)) {
            let paths: BTreeSet<FilePath> = texts.iter().filter_map(|text| text.parse().ok()).collect();
            // Every second path is tracked.
            let tracked: Vec<&FilePath> = paths.iter().step_by(2).collect();
            let file = rewrite(Some(b"* text=auto"), tracked.iter().copied(), std::iter::empty());
            let found = filters(&file, &paths.iter().map(FilePath::to_string).collect::<Vec<_>>());
            for (path, value) in paths.iter().zip(found) {
                prop_assert_eq!(value == "lfs", tracked.contains(&path), "{}", path);
            }
        }
    }

    proptest! {
        #[test]
        fn a_second_save_changes_nothing(
            lines in prop::collection::vec(prop_oneof![
                Just(str::from_utf8(BEGIN).unwrap().to_owned()), Just(str::from_utf8(END).unwrap().to_owned()),
                "[ab]\\.csv filter=lfs diff=lfs merge=lfs -text\r?", "\\PC{0,10}\r?",
            ], 0..12),
            end in "\n?", tracked in prop::collection::btree_set("[ab]/[cd]", 0..4), dropped in "[ab]/[cd]",
        ) {
            let before = lines.join("\n") + &end;
            let tracked: Vec<&str> = tracked.iter().map(String::as_str).collect();
            let once = rewritten(&before, &tracked, &[&dropped]);
            prop_assert_eq!(&rewritten(&once, &tracked, &[]), &once);
            // Foreign lines are kept in order.
            let others = |text: &str| -> Vec<String> {
                let ours = |line: &&str| *line == str::from_utf8(BEGIN).unwrap() || *line == str::from_utf8(END).unwrap() || line.ends_with(LFS);
                text.split('\n').filter(|line| !line.is_empty() && !ours(&line.trim_end_matches('\r'))).map(str::to_owned).collect()
            };
            prop_assert_eq!(others(&once), others(&before));
            for path in &tracked {
                let line = format!("{path}{LFS}\n");
                prop_assert!(once.contains(&line));
            }
        }

        #[test]
        fn lines_lead_back_to_their_paths(text in "[ab *?!#\"\\[\\]/.é^{}~$=-]{1,9}|\\PC{1,12}") {
            if let Ok(path) = text.parse::<FilePath>() {
                prop_assert_eq!(path_of(line(&path).as_bytes()), Some(path));
            }
        }

        #[test]
        fn any_bytes_are_taken_apart(before in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(rewrite(Some(&before), std::iter::empty(), std::iter::empty()), before);
        }
    }
}
