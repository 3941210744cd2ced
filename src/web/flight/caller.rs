//! The sender of a call.

use crate::access::Actor;
use crate::app::App;
use crate::types::Secret;
use crate::web::http::AuthedActor;

/// The caller, and the token of the call.
pub(super) struct Caller {
    /// The server that was called.
    pub(super) app: App,
    pub(super) visitor: AuthedActor,
    /// The token.
    pub(super) secret: Option<Secret>,
}

impl Caller {
    pub(super) fn actor(&self) -> &Actor {
        &self.visitor.actor
    }

    /// Charges the rate limit for work beyond the fixed cost of the call.
    pub(super) fn charge(&self, points: usize) {
        self.visitor.charge(points);
    }
}
