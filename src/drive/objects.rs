//! Which files of a dataset name which LFS objects.

use std::collections::{HashMap, HashSet};

use lfs::Oid;
use metastore::RefName;

use super::Drive;
use crate::access::{Grant, Own, Read};
use crate::error::{Error, Result};

/// The most trees that are looked through for names.
const TREES: usize = 50;

/// The most files that are told by name.
const TOLD: usize = 5;

/// Where an object is named.
#[derive(Debug, Clone)]
pub struct Place {
    /// The file.
    pub path: String,
    /// The branch or tag that has it.
    pub name: RefName,
}

impl Drive {
    /// For these objects, a file each that names it: in the default branch, or else in another branch or a tag. Those
    /// that only earlier revisions name have none.
    pub async fn places(&self, grant: &Grant<Read>, oids: &[Oid]) -> Result<HashMap<Oid, Place>> {
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
                    // A tag of a blob; and a tree that is too large for a list has files without names here.
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

    /// Looks that no revision of any branch or tag names these objects. Gives the generation of the repository for
    /// which that is true.
    ///
    /// # Errors
    /// Conflict with those that are named.
    pub async fn expect_unnamed(&self, grant: &Grant<Own>, oids: &[Oid]) -> Result<u64> {
        let reached = self.reached(grant.id(), self.clock.now()).await?;
        let named: Vec<Oid> = oids.iter().copied().filter(|oid| reached.has(oid)).collect();
        if named.is_empty() {
            return Ok(reached.generation);
        }
        let places = self.places(&grant.narrow(), &named).await?;
        let told = named.iter().take(TOLD).map(|oid| match places.get(oid) {
            Some(place) => format!("{} (in {})", place.path, place.name.short()),
            None => format!("{oid} (in an earlier revision)"),
        });
        let told = told.collect::<Vec<_>>().join(", ");
        let more = if named.len() > TOLD { format!(" and {} more", named.len() - TOLD) } else { String::new() };
        Err(Error::conflict(format!(
            "revisions name these files still: {told}{more}. This server does not rewrite history to delete them: \
             delete them from each branch, super-squash the branches, delete the tags that have them, and try again"
        )))
    }
}
