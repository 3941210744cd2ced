//! What requests leave behind to be written down soon, off their path.

use tokio::sync::mpsc;

use super::Actor;
use crate::error::{Error, Kind};
use crate::types::{Id, RepoPath};

/// Something to be written down soon, off the path of the request.
pub enum Note {
    /// A token was used.
    Used(Id),
    /// Somebody known was refused.
    Refused {
        /// Who.
        actor: String,
        /// What.
        right: &'static str,
        /// On what.
        path: String,
        /// In which request.
        request: String,
    },
}

/// Takes notes. A full queue loses the note, never the request.
#[derive(Clone)]
pub(super) struct Notes(pub(super) mpsc::Sender<Note>);

impl Notes {
    pub(super) fn used(&self, token: Id) {
        let _ = self.0.try_send(Note::Used(token));
    }

    /// Gives the refusal back. Nobody in particular is not worth a note:
    /// anybody could fill the disk.
    pub(super) fn refused(&self, actor: &Actor, right: &'static str, path: &RepoPath, refusal: Error) -> Error {
        if matches!(refusal.kind(), Kind::Forbidden | Kind::NotFound) && !actor.is_anonymous() {
            let (actor, path, request) = (actor.key(), path.to_string(), crate::request::id());
            let _ = self.0.try_send(Note::Refused { actor, right, path, request });
        }
        refusal
    }
}
