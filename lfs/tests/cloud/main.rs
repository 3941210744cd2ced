//! The bucket stores against real stores: S3 is Garage (`scripts/garage.sh`), Azure is azurite
//! (`scripts/azurite.sh`), and Google is Garage behind what understands its words. With both, as `make test-cloud` does it:
//!
//! ```sh
//! scripts/azurite.sh scripts/garage.sh cargo nextest run -p lfs --profile cloud
//! ```

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod away;
mod check;
mod life;
mod parts;
mod shim;
mod stores;
