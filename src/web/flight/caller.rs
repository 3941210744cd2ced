//! The sender of a call.

use crate::access::Actor;
use crate::types::Secret;
use crate::web::http::AuthedActor;

/// The caller, and the token of the call.
pub(super) struct Caller {
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
