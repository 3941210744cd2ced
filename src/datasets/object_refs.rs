//! References to LFS objects: which files of a dataset point to which object.

use std::collections::{HashMap, HashSet};

use lfs::Oid;
use metastore::RefName;

use super::Datasets;
use crate::access::{DatasetGrant, Own, Read};
use crate::error::{Error, Result};

/// Maximum number of trees that are searched for file names.
const TREES: usize = 50;

/// Maximum number of files that an error message lists.
const MAX_NAMED: usize = 5;

/// A reference to an object.
#[derive(Debug, Clone)]
pub struct Place {
    /// Path of the file.
    pub path: String,
    /// The branch or tag that contains the file.
    pub name: RefName,
}

impl Datasets {
    /// Finds a file for each of these objects that points to it: in the default branch, or else in another branch or a
    /// tag. Objects that only earlier revisions refer to are left out.
    pub async fn places(&self, grant: &DatasetGrant<Read>, oids: &[Oid]) -> Result<HashMap<Oid, Place>> {
        let snapshot = self.snapshot(grant).await?;
        let oids = oids.to_vec();
        let found = snapshot.read_long(move |reader| {
            let mut wanted: HashSet<Oid> = oids.iter().copied().collect();
            let head = &reader.state().head;
            let mut refs: Vec<_> =
                reader.state().refs.iter().filter(|each| each.name.is_branch() || each.name.is_tag()).collect();
            refs.sort_by_key(|each| (each.name != *head, each.name.is_tag()));
            let (mut places, mut seen) = (HashMap::new(), HashSet::new());
            for each in refs {
                let target = each.peeled.unwrap_or(each.target);
                if wanted.is_empty() || seen.len() >= TREES {
                    break;
                }
                if !seen.insert(target) {
                    continue;
                }
                let entries = match reader.tree(target, None, true) {
                    Ok(entries) => entries,
                    // The tag of a blob has no files; those of a tree that is too large to list are not named.
                    Err(metastore::Error::NotFound(_) | metastore::Error::TooLarge(_)) => continue,
                    Err(error) => return Err(error),
                };
                for entry in entries {
                    if let Some(pointer) = entry.pointer.filter(|pointer| wanted.remove(&pointer.oid)) {
                        places.insert(pointer.oid, Place { path: entry.path, name: each.name.clone() });
                    }
                }
            }
            Ok(places)
        });
        Ok(found.await?)
    }

    /// Checks that no revision of any branch or tag refers to these objects. Returns the generation of the repository
    /// for which this is true.
    ///
    /// # Errors
    /// Conflict, with the files that refer to the objects.
    pub async fn expect_unnamed(&self, grant: &DatasetGrant<Own>, oids: &[Oid]) -> Result<u64> {
        let reached = self.reached(grant.id(), self.clock.now()).await?;
        let named: Vec<Oid> = oids.iter().copied().filter(|oid| reached.has(oid)).collect();
        if named.is_empty() {
            return Ok(reached.generation);
        }
        let places = self.places(&grant.narrow(), &named).await?;
        let list = named.iter().take(MAX_NAMED).map(|oid| match places.get(oid) {
            Some(place) => format!("{} (in {})", place.path, place.name.short()),
            None => format!("{oid} (in an earlier revision)"),
        });
        let list = list.collect::<Vec<_>>().join(", ");
        let more =
            if named.len() > MAX_NAMED { format!(" and {} more", named.len() - MAX_NAMED) } else { String::new() };
        Err(Error::conflict(format!(
            "these files are still in the history: {list}{more}. This server does not rewrite history to delete them: \
             delete them from each branch, super-squash the branches, delete the tags that have them, and try again"
        )))
    }
}
