//! A stateless git engine over immutable packs.
//!
//! A repository is a [`State`] (refs and pack rows, read in one database transaction) plus immutable pack
//! files in a [`PackStore`]. An [`Engine`] turns a state into a [`Snapshot`] for reading. Every write
//! produces a [`RefTransaction`], at most one new pack plus ref edits, which the caller stores and then commits in
//! one database transaction. The engine itself keeps no state that it could not rebuild.

mod attributes;
mod blocking;
mod cache;
mod check;
mod commit;
mod diff;
mod effort;
mod engine;
mod error;
mod garbage;
mod git;
mod history;
mod maintain;
mod merge;
mod pack;
mod path;
mod pointers;
mod reachability;
mod read;
mod repository;
mod revert;
mod snapshot;
mod spool;
mod state;
mod store;
mod temp_dir;
pub mod wire;

pub use attributes::ATTRIBUTES;
pub use cache::{CacheStats, ProcessDir};
pub use commit::{
    Changeset, Content, CopiedTree, Edit, EditError, LFS_CONFIG, ManagedEdits, ManagedFiles, Manifest, MergeManifest,
};
pub use diff::{Change, ChangeKind};
pub use effort::Effort;
pub use engine::{Engine, Options, Turn};
pub use error::{Error, Result};
pub use garbage::{Garbage, Keep, Repacked};
pub use gix::ObjectId;
pub use history::{History, LastCommits};
pub use maintain::consolidation;
pub use merge::{ConflictKind, Merge, MergeConflict};
pub use pack::{INLINE_LIMIT, NewPack, Pack, PackBytes, PackData, PackFiles, PackId};
pub use path::FilePath;
pub use pointers::PointerTarget;
pub use read::{CommitInfo, Entry, EntryKind, Reader, Side, Signature, Summary, TagInfo, TreePage, Weight};
pub use snapshot::Snapshot;
pub use state::{InlinePacks, Ref, RefEdit, RefName, RefTransaction, RepoKey, State, check_edits, judge_edits};
pub use store::{PackStore, StoredFile};
pub use temp_dir::TempDir;
