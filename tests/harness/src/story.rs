//! The macro `story!`.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Runs a story to its end. A story that has failed ends at once: it does not wait for its threads, which may be waiting
/// for what the story would have done.
pub fn run(story: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| runtime.block_on(story))) {
        runtime.shutdown_background();
        resume_unwind(panic);
    }
}

/// Declares a test that runs on both engines, each as a test of its own: with
/// a server of the default configuration, or, where it asks for the engine,
/// with what it starts itself. Without a PostgreSQL server the second one prints
/// that and passes, except under `CI`, where it fails.
///
/// `on(sqlite)` marks one that does not depend on the database. On
/// PostgreSQL it runs only with ignored tests:
/// `scripts/test.sh --run-ignored all`.
#[macro_export]
macro_rules! story {
    ($(#[$meta:meta])* $(on($only:ident))? async fn $name:ident($server:ident: Server) $body:block) => {
        $crate::story! {
            $(#[$meta])*
            $(on($only))? async fn $name(engine: Engine) {
                let $server = $crate::Server::start(engine).await;
                $body
            }
        }
    };
    ($(#[$meta:meta])* on(sqlite) async fn $name:ident($engine:ident: Engine) $body:block) => {
        $crate::story! {
            @ [$(#[$meta])*] [#[ignore = "on SQLite alone: the story is not about the database"]]
            $name $engine $body
        }
    };
    ($(#[$meta:meta])* async fn $name:ident($engine:ident: Engine) $body:block) => {
        $crate::story! { @ [$(#[$meta])*] [] $name $engine $body }
    };
    (@ [$($meta:tt)*] [$($also:tt)*] $name:ident $engine:ident $body:block) => {
        async fn $name($engine: $crate::Engine) $body

        mod $name {
            $($meta)*
            #[test]
            fn sqlite() {
                $crate::run(super::$name($crate::Engine::Sqlite));
            }

            $($meta)*
            $($also)*
            #[test]
            fn postgres() {
                if $crate::postgres().is_none() {
                    assert!($crate::environment("CI").is_none(), "CI must test on PostgreSQL: set RUTTER_TEST_POSTGRES");
                    eprintln!("skipped: RUTTER_TEST_POSTGRES is not set");
                    return;
                }
                $crate::run(super::$name($crate::Engine::Postgres));
            }
        }
    };
}
