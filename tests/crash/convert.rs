//! Conversions of tables go on after the server was killed.

use std::time::Duration;

use rutter_testing::{Installation, Random, assert_success, audit, story};
use serde_json::{Value, json};

const ROWS: usize = 200_000;

story! {
    async fn a_conversion_survives_kill_9(engine: Engine) {
        let installation = Installation::new(engine).await;
        let mut random = Random(u64::from_le_bytes(rutter::clock::random()));
        let running = installation.serve().await;
        let api = |rest: &str| format!("{}/api/v1/{rest}", installation.url);
        let table = (0..ROWS).fold("id,name\n".to_owned(), |text, id| text + &format!("{id},name of {id}\n"));
        let create = installation.http.post(api("datasets")).bearer_auth(&installation.token);
        assert_eq!(create.json(&json!({"id": "ada/data"})).send().await.unwrap().status(), 201);
        let put = installation.http.put(api("drive/ada/data/files/t.csv")).bearer_auth(&installation.token).body(table);
        assert_eq!(put.send().await.unwrap().status(), 201);
        let convert = installation.http.post(api("datasets/ada/data/convert")).bearer_auth(&installation.token);
        let begun = convert.json(&json!({"path": "t.csv"})).send().await.unwrap();
        assert_eq!(begun.status(), 202);
        let begun: Value = begun.json().await.unwrap();
        let url = api(&format!("datasets/ada/data/derivations/{}", begun["id"].as_str().unwrap()));
        let get = async |url: &str| -> Value {
            installation.http.get(url).bearer_auth(&installation.token).send().await.unwrap().json().await.unwrap()
        };
        tokio::time::sleep(Duration::from_millis(random.below(800))).await;
        running.kill();
        for _ in 0..4 {
            // The lease of the job ends.
            installation.age_by_nine_hours().await;
            let running = installation.serve().await;
            tokio::time::sleep(Duration::from_millis(random.below(800))).await;
            running.kill();
        }
        installation.age_by_nine_hours().await;
        let running = installation.serve().await;
        let mut state = get(&url).await;
        for _ in 0..600 {
            if !state["finished"].is_null() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            state = get(&url).await;
        }
        assert_eq!((&state["state"], &state["rows"]), (&json!("done"), &json!(ROWS)), "{state}");
        // Once, whenever it was killed.
        let log = get(&api("datasets/ada/data/revisions")).await;
        let messages: Vec<&Value> = log["items"].as_array().unwrap().iter().map(|commit| &commit["description"]).collect();
        assert_eq!(messages, [&json!("Convert t.csv to t.parquet"), &json!("Add t.csv")]);
        let page = get(&api("datasets/ada/data/rows/HEAD/t.parquet?offset=199999")).await;
        assert_eq!(page["rows"], json!([[199_999, "name of 199999"]]));
        audit::wait_for_jobs(&installation, "").await;
        running.kill();
        assert_success(&installation.rutter(&["fsck"]), "rutter fsck");
        audit::compare_store_and_rows(&installation).await;
    }
}
