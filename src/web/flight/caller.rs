//! The caller of a call, whom the handler has authenticated.

use std::sync::Arc;

use tonic::{Request, Status};

use super::status::status;
use crate::access::Actor;
use crate::error::Error;
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

/// Returns the caller.
///
/// # Errors
/// Internal only.
pub(super) fn caller<T>(request: &Request<T>) -> Result<Arc<Caller>, Status> {
    let caller = request.extensions().get::<Arc<Caller>>().cloned();
    caller.ok_or_else(|| status(&Error::internal("a call without a caller")))
}
