//! The cache is disposable: at any moment, whatever is under way.

use crate::audit;
use crate::harness::story;
use crate::house::House;
use crate::ledger::Ledger;
use crate::people::{Author, Dice, Doom};

story! {
    async fn the_cache_may_be_deleted_while_the_server_is_down(engine: Engine) {
        let house = House::new(engine).await;
        let (ledger, doom) = (Ledger::default(), Doom::default());
        let running = house.serve().await;
        let mut author = Author::new(&house, "ada", "ada/data", true, 100_000, Dice(1));
        assert!(author.push_one(&ledger, &doom) && author.push_one(&ledger, &doom));
        running.kill();
        std::fs::remove_dir_all(house.data().join("cache")).unwrap();

        let _running = house.serve().await;
        assert!(author.push_one(&ledger, &doom));
        audit::look_at_everything(&house, &ledger).await;
    }
}

story! {
    async fn the_cache_may_be_deleted_while_the_server_runs(engine: Engine) {
        let house = House::new(engine).await;
        let (ledger, doom) = (Ledger::default(), Doom::default());
        let _running = house.serve().await;
        let mut author = Author::new(&house, "ada", "ada/data", true, 100_000, Dice(2));
        for _ in 0..3 {
            assert!(author.push_one(&ledger, &doom));
            std::fs::remove_dir_all(house.data().join("cache")).unwrap();
        }
        audit::look_at_everything(&house, &ledger).await;
        std::fs::remove_dir_all(house.data().join("cache")).unwrap();
        assert!(author.push_one(&ledger, &doom));
    }
}
