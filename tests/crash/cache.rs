//! The cache may be deleted at any time.

use rutter_testing::{Author, Installation, Ledger, Random, StopSignal, audit, story};

story! {
    async fn the_cache_may_be_deleted_while_the_server_is_down(engine: Engine) {
        let installation = Installation::new(engine).await;
        let (ledger, signal) = (Ledger::default(), StopSignal::default());
        let running = installation.serve().await;
        let mut author = Author::new(&installation, "ada", "ada/data", true, 100_000, Random(1));
        assert!(author.push_one(&ledger, &signal) && author.push_one(&ledger, &signal));
        running.kill();
        std::fs::remove_dir_all(installation.data().join("cache")).unwrap();

        let _running = installation.serve().await;
        assert!(author.push_one(&ledger, &signal));
        audit::check_all(&installation, &ledger).await;
    }
}

story! {
    async fn the_cache_may_be_deleted_while_the_server_runs(engine: Engine) {
        let installation = Installation::new(engine).await;
        let (ledger, signal) = (Ledger::default(), StopSignal::default());
        let _running = installation.serve().await;
        let mut author = Author::new(&installation, "ada", "ada/data", true, 100_000, Random(2));
        for _ in 0..3 {
            assert!(author.push_one(&ledger, &signal));
            std::fs::remove_dir_all(installation.data().join("cache")).unwrap();
        }
        audit::check_all(&installation, &ledger).await;
        std::fs::remove_dir_all(installation.data().join("cache")).unwrap();
        assert!(author.push_one(&ledger, &signal));
    }
}
