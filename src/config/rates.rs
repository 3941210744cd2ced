//! Configuration of rate limits.

use serde::Deserialize;

use super::units;
use crate::error::{Error, Result};

/// Rate limits, so that no client can deny service to others.
///
/// Every request has a cost; one cost unit is about the work of serving one small object. Each client address, user and
/// token has its own budget, and a request must be within all of them. Each replica counts separately. 0: no limit.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rates {
    /// Request cost units per second for each client address; an IPv6 /64 counts as one address. Default: 20,000.
    pub address: u32,
    /// Request cost units per second for each user, all tokens together. Default: 10,000.
    pub user: u32,
    /// Request cost units per second for each token. Default: 5,000.
    pub token: u32,
    /// Burst size, in seconds' worth of cost units. Default: 30.
    #[serde(deserialize_with = "units::seconds")]
    pub burst_seconds: u32,
    /// Maximum delay of a request over a limit before it is refused, in seconds. Delaying helps git and many versions
    /// of git-lfs, which do not honour `Retry-After`. Default: 5.
    #[serde(deserialize_with = "units::seconds")]
    pub wait_seconds: u32,
    /// Wrong passwords and tokens per minute from one address. Users who signed in from it recently are still let in.
    /// Default: 120.
    pub failures_address: u32,
    /// Wrong passwords per minute for one account, from all addresses. Default: 20.
    pub failures_account: u32,
    /// Concurrent transfers of one address, out of `limits.transfers`; an IPv6 /48 counts as one address. 0: all.
    /// Default: a quarter, but at least 16.
    pub transfers_address: Option<usize>,
    /// Concurrent git processes of one address, out of `limits.git_processes`; as above. Default: half of them.
    pub git_address: Option<usize>,
    /// Concurrent connections of one address, out of `limits.connections`; as above. Default: a sixteenth, but at least
    /// 16.
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
    /// Highest rate with an effect: one unit per nanosecond.
    const MAX_RATE: u32 = 1_000_000_000;

    /// Returns rates without any limits.
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

    /// Returns the maximum number of concurrent transfers of one address, out of all `transfers`.
    pub fn transfers_address(&self, transfers: usize) -> usize {
        share(self.transfers_address, (transfers / 4).max(16))
    }

    /// Returns the maximum number of concurrent git processes of one address, out of all `processes`.
    pub fn git_address(&self, processes: usize) -> usize {
        share(self.git_address, processes.div_ceil(2))
    }

    /// Returns the maximum number of connections of one address, out of all `connections`.
    pub fn connections_address(&self, connections: usize) -> usize {
        share(self.connections_address, (connections / 16).max(16))
    }

    /// Checks the bounds.
    ///
    /// # Errors
    /// Invalid; the message names the key.
    pub(super) fn check(&self) -> Result<()> {
        let at_most = [
            ("rates.address", self.address, Self::MAX_RATE),
            ("rates.user", self.user, Self::MAX_RATE),
            ("rates.token", self.token, Self::MAX_RATE),
            ("rates.burst_seconds", self.burst_seconds, 3600),
            ("rates.wait_seconds", self.wait_seconds, 15),
            ("rates.failures_address", self.failures_address, Self::MAX_RATE),
            ("rates.failures_account", self.failures_account, Self::MAX_RATE),
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

/// Returns the configured share, where 0 means unlimited, or the default.
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
