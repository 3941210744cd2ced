//! A proposal is merged and its branch moves, or neither, also if the server is killed.

use std::collections::BTreeSet;
use std::time::Duration;

use rutter_testing::{Installation, Random, assert_success, audit, story};
use serde_json::{Value, json};

const PROPOSALS: i64 = 24;

story! {
    async fn merges_survive_kill_9(engine: Engine) {
        let installation = Installation::new(engine).await;
        let mut random = Random(u64::from_le_bytes(rutter::clock::random()));
        let mut running = installation.serve().await;
        let dataset = format!("{}/api/v1/datasets/ada/data", installation.url);
        let post = async |url: String, body: Value| -> Option<Value> {
            let request = installation.http.post(url).bearer_auth(&installation.token).json(&body);
            let reply = request.send().await.ok()?;
            let (status, text) = (reply.status(), reply.text().await.ok()?);
            assert!(status.is_success() || status == 409, "{status} {text}");
            status.is_success().then(|| serde_json::from_str(&text).unwrap())
        };
        let get = async |rest: String| -> Value {
            let url = format!("{dataset}{rest}");
            installation.http.get(url).bearer_auth(&installation.token).send().await.unwrap().json().await.unwrap()
        };
        let commit = async |branch: &str, path: &str| {
            let put = json!({"operation": "put", "path": path, "content": path});
            let body = json!({"branch": branch, "message": path, "operations": [put]});
            post(format!("{dataset}/commits"), body).await.unwrap();
        };
        post(format!("{}/api/v1/datasets", installation.url), json!({"id": "ada/data"})).await.unwrap();
        commit("main", "first").await;
        for number in 1..=PROPOSALS {
            let name = format!("branch-{number}");
            post(format!("{dataset}/branches"), json!({"name": name})).await.unwrap();
            commit(&name, &name).await;
            let made = post(format!("{dataset}/discussions"), json!({"title": name, "source": name})).await.unwrap();
            assert_eq!(made["number"], number);
        }

        let (mut acknowledged, mut last) = (BTreeSet::new(), 0);
        for crash in 0..=4 {
            let merges = async {
                for number in last + 1..=PROPOSALS {
                    last = number;
                    let url = format!("{dataset}/discussions/{number}/merge");
                    if post(url, json!({"comment": "Merged"})).await.is_none() {
                        break;
                    }
                    acknowledged.insert(number);
                }
            };
            if crash < 4 {
                let moment = Duration::from_millis(20 + random.below(400));
                let _ = tokio::time::timeout(moment, merges).await;
                running.kill();
                running = installation.serve().await;
            } else {
                merges.await;
            }
            let log = get("/revisions?limit=1000".to_owned()).await;
            let messages: Vec<&str> =
                log["items"].as_array().unwrap().iter().map(|item| item["description"].as_str().unwrap()).collect();
            let shown = get("/discussions?limit=100".to_owned()).await;
            for proposal in shown["items"].as_array().unwrap() {
                let (number, title) = (proposal["number"].as_i64().unwrap(), proposal["title"].as_str().unwrap());
                let is_merged = messages.contains(&title);
                assert_eq!(proposal["state"], if is_merged { "merged" } else { "open" }, "{proposal}");
                assert_eq!(proposal["comments"], i32::from(is_merged), "{proposal}");
                assert!(is_merged || !acknowledged.contains(&number), "{number} was acknowledged");
            }
        }
        // What was cut off is merged once more, and once only.
        for number in 1..=PROPOSALS {
            post(format!("{dataset}/discussions/{number}/merge"), json!({})).await;
            assert_eq!(get(format!("/discussions/{number}")).await["state"], "merged");
        }
        installation.age_by_nine_hours().await;
        audit::wait_for_jobs(&installation, "").await;
        running.kill();
        assert_success(&installation.rutter(&["fsck"]), "rutter fsck");
        audit::compare_store_and_rows(&installation).await;
    }
}
