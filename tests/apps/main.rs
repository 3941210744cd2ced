//! Installed apps in real containers: rutter, Docker Engine, and the probe of `tests/apps/probe`, which does what apps
//! do, and tries what they must not be able to do.
//!
//! `make test-apps` runs them in `scripts/docker.sh`, which has an engine and a registry. `RUTTER_TEST_APP_CRASHES`
//! says how often servers are killed, and `RUTTER_TEST_SEED` repeats the choices of an earlier run.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod attacks;
mod check;
mod clients;
mod confinement;
mod containers;
mod crashes;
mod first_use;
mod images;
mod processes;
mod replicas;
mod restarts;
mod samples;
mod states;
mod streams;
mod volumes;
mod world;

/// Declares a test that needs a container engine.
macro_rules! story {
    ($(#[$meta:meta])* async fn $name:ident() $body:block) => {
        $(#[$meta])*
        #[test]
        #[ignore = "needs a container engine: make test-apps"]
        fn $name() {
            rutter_testing::run(async $body);
        }
    };
}
pub(crate) use story;
