//! `rutter usage`.

use std::process::ExitCode;

use rutter::app::App;
use rutter::error::{Error, Result};
use rutter::storage::quota::{OwnerUsage, Subject};
use rutter::types::amount;
use serde_json::json;

pub(super) async fn run(app: &App, subject: Option<Subject>, json: bool, recount: bool) -> Result<ExitCode> {
    if recount {
        for (path, bytes, objects) in app.storage.recount().await? {
            println!("{path}: corrected by {objects:+} objects, {bytes:+} bytes");
        }
        return Ok(ExitCode::SUCCESS);
    }
    let owners = app.storage.usage_and_stored(subject.as_ref()).await?;
    let (objects, bytes) = owners.iter().fold((0, 0), |sum, owner| (sum.0 + owner.objects, sum.1 + owner.bytes));
    let stored = owners.iter().map(|owner| owner.stored_bytes).sum::<Option<u64>>();
    if json {
        let report =
            json!({ "owners": owners, "total": { "objects": objects, "bytes": bytes, "stored_bytes": stored } });
        println!("{}", serde_json::to_string_pretty(&report).map_err(Error::internal)?);
        return Ok(ExitCode::SUCCESS);
    }
    println!("{:40}  {:>9}  {:>11}  {:>11}  {:>11}  {:>5}", "PATH", "OBJECTS", "SIZE", "STORED", "QUOTA", "USED");
    for OwnerUsage { owner, objects, bytes, stored_bytes, quota_bytes, datasets, .. } in &owners {
        line(owner, *objects, *bytes, *stored_bytes, *quota_bytes);
        for dataset in datasets {
            line(&dataset.path, dataset.objects, dataset.bytes, dataset.stored_bytes, dataset.quota_bytes);
        }
    }
    if subject.is_none() {
        line("total", objects, bytes, stored, None);
    }
    Ok(ExitCode::SUCCESS)
}

fn line(path: &str, objects: u64, bytes: u64, stored: Option<u64>, quota: Option<u64>) {
    let stored = stored.map_or_else(|| "-".to_owned(), amount);
    let (limit, used) = match quota {
        Some(quota) => (amount(quota), format!("{}%", percent(bytes, quota))),
        None => ("-".to_owned(), "-".to_owned()),
    };
    println!("{path:40}  {objects:>9}  {:>11}  {stored:>11}  {limit:>11}  {used:>5}", amount(bytes));
}

/// Returns the percentage, rounded down: 100 is full. A quota of zero is always full.
fn percent(bytes: u64, quota: u64) -> u128 {
    (u128::from(bytes) * 100).checked_div(u128::from(quota)).unwrap_or(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_usage_is_100_percent() {
        assert_eq!(percent(0, 10), 0);
        assert_eq!(percent(999, 1000), 99);
        assert_eq!(percent(1000, 1000), 100);
        assert_eq!(percent(u64::MAX, 1 << 40), 1_677_721_599);
        assert_eq!(percent(0, 0), 100);
    }
}
