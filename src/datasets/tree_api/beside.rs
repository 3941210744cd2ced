//! Adds files beside what is in a folder: none is replaced.

use std::collections::{HashMap, HashSet};
use std::slice::from_ref;

use datapackage::PACKAGE;
use metastore::{Content, Edit, FilePath, ObjectId, Reader};

use super::super::Datasets;
use super::super::commits::{CommitOutcome, exists, reading};
use super::super::idempotency::IdempotencyKey;
use super::super::revisions::{Change, CommitMeta};
use super::{expect_shown, path_of};
use crate::access::{Grant, Write};
use crate::error::Result;

/// Maximum number that is added to a name.
const NUMBERS: u32 = 10_000;

impl Datasets {
    /// Adds files to a folder, or to the root of the dataset, as one revision. Where a name is taken, the file gets one with
    /// a number: `name (2).csv`. So does a file that would describe the dataset. Repeating it with the same key adds nothing.
    ///
    /// # Errors
    /// Invalid for reserved names; as for [`Datasets::commit_operations`].
    pub(crate) async fn add_beside(
        &self,
        folder: &Grant<Write>,
        files: Vec<(String, Content)>,
        message: CommitMeta,
        once: &IdempotencyKey,
    ) -> Result<CommitOutcome> {
        let root = folder.path().map(|_| path_of(folder)).transpose()?;
        for (name, _) in &files {
            expect_shown(&inside(root.as_ref(), name)?)?;
        }
        let work = move |reader: &Reader, head: Option<ObjectId>| {
            let mut names = Names { reader, head, root: root.as_ref(), taken: HashSet::new(), next: HashMap::new() };
            let mut edits = Vec::with_capacity(files.len());
            for (name, content) in &files {
                let path = names.free(name)?;
                edits.push(Edit::Put { path, content: content.clone(), executable: false });
            }
            Ok(Change { edits, ..Change::default() })
        };
        self.revise(from_ref(folder), message, Some(once), reading(work)).await.map_err(|refusal| refusal.error)
    }
}

/// The names in a folder.
struct Names<'a> {
    reader: &'a Reader,
    head: Option<ObjectId>,
    /// The folder; `None` for the root of the dataset.
    root: Option<&'a FilePath>,
    /// Those of this revision.
    taken: HashSet<FilePath>,
    /// The number to try next, by name.
    next: HashMap<String, u32>,
}

impl Names<'_> {
    /// Returns the path for a file of this name: the name itself, or with the lowest number that is not taken.
    fn free(&mut self, name: &str) -> metastore::Result<FilePath> {
        let first = self.next.get(name).copied().unwrap_or(1);
        for number in first..=NUMBERS {
            let path = inside(self.root, &numbered(name, number))?;
            if self.root.is_none() && describes_dataset(path.as_str()) {
                continue;
            }
            let exists = self.head.map_or(Ok(false), |head| exists(self.reader, head, &path))?;
            if !exists && !self.taken.contains(&path) {
                self.next.insert(name.to_owned(), number + 1);
                self.taken.insert(path.clone());
                return Ok(path);
            }
        }
        Err(metastore::Error::Conflict("there are too many files with this name; rename the file".to_owned()))
    }
}

fn inside(root: Option<&FilePath>, name: &str) -> metastore::Result<FilePath> {
    match root {
        Some(root) => format!("{root}/{name}").parse(),
        None => name.parse(),
    }
}

/// Returns true for names that count as taken in the root of a dataset, whether they are or not: as `datapackage.json`, a
/// file would be applied to all others, and as a README, it would be the front page.
fn describes_dataset(name: &str) -> bool {
    let name = name.to_lowercase();
    name == PACKAGE || name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem) == "readme"
}

/// Returns a name with a number before its ending; that of an archive may be `.tar.gz`.
fn numbered(name: &str, number: u32) -> String {
    if number == 1 {
        return name.to_owned();
    }
    let dot = name.rfind('.').filter(|dot| *dot > 0).unwrap_or(name.len());
    let dot = name[..dot].strip_suffix(".tar").map_or(dot, |stem| if stem.is_empty() { dot } else { stem.len() });
    format!("{} ({number}){}", &name[..dot], &name[dot..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_others_never_describe_the_dataset() {
        for name in ["datapackage.json", "DataPackage.JSON", "README.md", "readme", "ReadMe.txt"] {
            assert!(describes_dataset(name), "{name}");
            assert!(!describes_dataset(&numbered(name, 2)), "{name}");
        }
        assert!(!describes_dataset("README.de.md") && !describes_dataset("a.json"));
    }

    #[test]
    fn a_number_stands_before_the_ending() {
        let cases = [
            ("a.csv", "a (2).csv"),
            ("a.b.csv", "a.b (2).csv"),
            ("a.tar.gz", "a (2).tar.gz"),
            (".tar.gz", ".tar (2).gz"),
            ("a", "a (2)"),
            (".profile", ".profile (2)"),
            ("ü.", "ü (2)."),
        ];
        for (name, expected) in cases {
            assert_eq!(numbered(name, 2), expected);
            assert_eq!(numbered(name, 1), name);
        }
    }
}
