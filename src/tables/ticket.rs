//! Tickets of queries: what a client keeps between asking for a query and fetching its rows.
//!
//! They are encrypted with a key that all servers of one database share, so any of them can continue, and none has to
//! remember anything. A ticket gives no rights: when it is used, access is checked again.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Tables;
use crate::access::Actor;
use crate::access::secret::{Sealer, ServerSecret};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::types::Millis;

/// What tickets are for, so that nothing else that is encrypted with the same key is one.
const CONTEXT: &str = "a query";

/// A query in normal form, and the values of its parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PreparedQuery {
    /// The query, with the commits of all tables.
    pub query: String,
    /// The values of `$1` (an array) or `$name` (an object).
    pub parameters: Value,
}

#[derive(Serialize, Deserialize)]
struct Ticket {
    /// The key of the actor who may use it.
    actor: String,
    prepared: PreparedQuery,
    expires: Millis,
}

/// Creates and reads tickets.
pub(super) struct Tickets {
    sealer: Sealer,
    clock: Clock,
    lifetime: Duration,
}

impl Tickets {
    pub(super) fn new(secret: &ServerSecret, clock: Clock, seconds: u64) -> Self {
        Self { sealer: secret.sealer("tickets of queries"), clock, lifetime: Duration::from_secs(seconds) }
    }
}

impl Tables {
    /// Creates a ticket for a query that this actor may read at present.
    ///
    /// # Errors
    /// Internal only.
    pub fn ticket(&self, actor: &Actor, prepared: PreparedQuery) -> Result<Vec<u8>> {
        let tickets = &self.0.tickets;
        let expires = tickets.clock.now().plus(tickets.lifetime);
        let ticket = Ticket { actor: actor.key(), prepared, expires };
        tickets.sealer.seal(CONTEXT, &serde_json::to_vec(&ticket).map_err(Error::internal)?)
    }

    /// Returns the query of a ticket. Access to its tables is still to be checked.
    ///
    /// # Errors
    /// Unauthenticated if it is not one of ours or has expired; forbidden if it is another actor's.
    pub fn query_of_ticket(&self, actor: &Actor, ticket: &[u8]) -> Result<PreparedQuery> {
        let tickets = &self.0.tickets;
        let plain = tickets.sealer.open(CONTEXT, ticket);
        let plain = plain.ok_or_else(|| Error::unauthenticated("invalid ticket; ask for the query again"))?;
        let Ticket { actor: owner, prepared, expires } = serde_json::from_slice(&plain).map_err(Error::internal)?;
        if owner != actor.key() {
            return Err(Error::forbidden("the ticket was issued to another user; ask for the query again"));
        }
        if expires <= tickets.clock.now() {
            return Err(Error::unauthenticated("the ticket has expired; ask for the query again"));
        }
        Ok(prepared)
    }
}
