//! Several servers on one database and one bucket, in front of them a proxy that does not care which of them it asks;
//! people with real git and git-lfs; and servers, stores and databases that go away in the middle of it.
//!
//! Needs a PostgreSQL (`RUTTER_TEST_POSTGRES`). The bucket is one of Garage where `RUTTER_TEST_S3` names one, and else
//! one of a small S3 server within the test, which checks signatures and checksums as the big ones do.
//! `make test-cloud` runs it all against the real things. `RUTTER_TEST_CLOUD_SECONDS` says for how long servers are
//! killed, `RUTTER_TEST_SEED` repeats the choices of an earlier run.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bucket;
mod check;
mod client;
mod cluster;
mod collect;
mod deferred_hashing;
mod direct;
mod drive;
mod flight;
mod hangs;
mod outages;
mod parts;
mod proxy;
mod quotas;
mod replicas;
mod s3_stub;
mod service;
mod store_check;
mod tables;
mod workload;
