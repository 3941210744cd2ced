//! The bucket stores against real servers: S3 is Garage (`scripts/garage.sh`), Azure is azurite
//! (`scripts/azurite.sh`), and Google is Garage behind a shim that translates its protocol. Run with both, as in
//! `make test-cloud`:
//!
//! ```sh
//! scripts/azurite.sh scripts/garage.sh cargo nextest run -p lfs --profile cloud
//! ```
//! ```

#![expect(clippy::unwrap_used, reason = "an unexpected value fails the test")]

mod away;
mod check;
mod life;
mod parts;
mod shim;
mod stores;
