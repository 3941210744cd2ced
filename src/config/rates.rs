//! How much one client may use in how much time.

use serde::Deserialize;

use super::units;
use crate::error::{Error, Result};

/// Limits on what one client may use in a time, so that nobody takes the server from the others.
///
/// What a request costs is counted in points; one point is about what it takes to serve one small
/// object. Each address, each user and each token has points of its own, and a request must be within
/// the limits of all that it comes from. Each replica counts for itself. 0 means: no limit.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rates {
    /// Points a second of one client address; a /64 of IPv6 counts as one address.
    pub address: u32,
    /// Points a second of one user, all tokens together.
    pub user: u32,
    /// Points a second of one token.
    pub token: u32,
    /// Who used little may use this many seconds' worth of points at once.
    #[serde(deserialize_with = "units::seconds")]
    pub burst_seconds: u32,
    /// Who is over a limit is held up for so many seconds at most, and refused only if it takes longer: git and many
    /// versions of git-lfs do not come back as they are told.
    #[serde(deserialize_with = "units::seconds")]
    pub wait_seconds: u32,
    /// Wrong passwords and tokens a minute from one address. Who signed in there lately is let in all the same.
    pub failures_address: u32,
    /// Wrong passwords a minute for one account, from wherever.
    pub failures_account: u32,
    /// Of `limits.transfers`, those of one address at one time; a /48 of IPv6 counts as one. Default: a quarter, but at
    /// least 16.
    pub transfers_address: Option<usize>,
    /// Of `limits.git_processes`, those of one address at one time, likewise. Default: half of them.
    pub git_address: Option<usize>,
    /// Of `limits.connections`, those of one address, likewise. Default: a sixteenth, but at least 16.
    pub connections_address: Option<usize>,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            address: 20_000,
            user: 10_000,
            token: 5_000,
            burst_seconds: 30,
            wait_seconds: 5,
            failures_address: 120,
            failures_account: 20,
            transfers_address: None,
            git_address: None,
            connections_address: None,
        }
    }
}

impl Rates {
    /// Highest number of points a second that means something: one each nanosecond.
    const MOST: u32 = 1_000_000_000;

    /// No limits at all.
    pub fn off() -> Self {
        Self {
            address: 0,
            user: 0,
            token: 0,
            burst_seconds: 1,
            wait_seconds: 0,
            failures_address: 0,
            failures_account: 0,
            transfers_address: Some(0),
            git_address: Some(0),
            connections_address: Some(0),
        }
    }

    /// Transfers of one address at one time, of this many in all.
    pub fn transfers_address(&self, transfers: usize) -> usize {
        share(self.transfers_address, (transfers / 4).max(16))
    }

    /// Git processes of one address at one time, of this many in all.
    pub fn git_address(&self, processes: usize) -> usize {
        share(self.git_address, processes.div_ceil(2))
    }

    /// Connections of one address, of this many in all.
    pub fn connections_address(&self, connections: usize) -> usize {
        share(self.connections_address, (connections / 16).max(16))
    }

    /// # Errors
    /// Invalid; the sentence names the key.
    pub(super) fn check(&self) -> Result<()> {
        let at_most = [
            ("rates.address", self.address, Self::MOST),
            ("rates.user", self.user, Self::MOST),
            ("rates.token", self.token, Self::MOST),
            ("rates.burst_seconds", self.burst_seconds, 3600),
            ("rates.wait_seconds", self.wait_seconds, 15),
            ("rates.failures_address", self.failures_address, Self::MOST),
            ("rates.failures_account", self.failures_account, Self::MOST),
        ];
        if let Some((key, value, most)) = at_most.into_iter().find(|(_, value, most)| value > most) {
            return Err(Error::invalid(format!("{key} is {value}, but must be at most {most}")));
        }
        if self.burst_seconds == 0 {
            return Err(Error::invalid("rates.burst_seconds is 0, but must be at least 1"));
        }
        Ok(())
    }
}

/// What the configuration says, where 0 is for all.
fn share(configured: Option<usize>, default: usize) -> usize {
    match configured {
        None => default,
        Some(0) => usize::MAX,
        Some(most) => most,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_but_at_least_sixteen_transfers_are_for_one_address() {
        let rates = Rates::default();
        for (all, one) in [(1, 16), (16, 16), (64, 16), (256, 64), (1000, 250)] {
            assert_eq!(rates.transfers_address(all), one, "{all}");
        }
        let few = Rates { transfers_address: Some(3), ..Rates::default() };
        assert_eq!(few.transfers_address(256), 3);
        assert_eq!(Rates::off().transfers_address(256), usize::MAX);
    }

    #[test]
    fn no_address_has_all_git_processes_or_all_connections() {
        let rates = Rates::default();
        for (all, one) in [(1, 1), (2, 1), (3, 2), (8, 4)] {
            assert_eq!(rates.git_address(all), one, "{all}");
        }
        for (all, one) in [(64, 16), (4096, 256)] {
            assert_eq!(rates.connections_address(all), one, "{all}");
        }
        assert_eq!((Rates::off().git_address(8), Rates::off().connections_address(64)), (usize::MAX, usize::MAX));
    }

    #[test]
    fn numbers_out_of_bounds_are_refused_by_name() {
        for (rates, key) in [
            (Rates { burst_seconds: 0, ..Rates::default() }, "rates.burst_seconds"),
            (Rates { burst_seconds: 3601, ..Rates::default() }, "rates.burst_seconds"),
            (Rates { token: 1_000_000_001, ..Rates::default() }, "rates.token"),
            (Rates { failures_account: u32::MAX, ..Rates::default() }, "rates.failures_account"),
        ] {
            let said = rates.check().unwrap_err().to_string();
            assert!(said.starts_with(key), "{said}");
        }
        Rates::default().check().unwrap();
        Rates::off().check().unwrap();
    }
}
