//! Several servers on one database and one bucket, in front of them a proxy that does not care which of them it asks;
//! people with real git and git-lfs; and servers, stores and databases that go away in the middle of it.
//!
//! Needs a PostgreSQL (`RUTTER_TEST_POSTGRES`). The bucket is one of Garage where `RUTTER_TEST_S3` names one, and else
//! one of a small S3 server within the test, which checks signatures and checksums as the big ones do.
//! `make test-cloud` runs it all against the real things. `RUTTER_TEST_CLOUD_SECONDS` says for how long servers are
//! killed, `RUTTER_TEST_SEED` repeats the choices of an earlier run.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../crash/audit.rs"]
#[expect(dead_code, reason = "the tests of crashes use the rest")]
mod audit;
mod away;
mod bucket;
mod check;
mod client;
mod collect;
mod crew;
mod direct;
mod drive;
#[path = "../it/harness.rs"]
#[expect(unused_macros, unused_imports, reason = "other stories are told of both databases")]
mod harness;
#[path = "../crash/house.rs"]
#[expect(dead_code, reason = "the tests of crashes use the rest")]
mod house;
mod inspect;
#[path = "../crash/ledger.rs"]
#[expect(dead_code, reason = "the tests of crashes use the rest")]
mod ledger;
mod light;
mod parts;
#[path = "../crash/people.rs"]
#[expect(dead_code, reason = "the tests of crashes use the rest")]
mod people;
mod proof;
mod proxy;
mod quotas;
#[path = "../it/race.rs"]
mod race;
mod replicas;
mod scene;
mod service;
mod silent;
