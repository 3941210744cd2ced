//! Conversion of tables to Parquet, in the background.

use std::time::Duration;

use rutter::config::Rates;
use rutter::types::{Role, Visibility};
use rutter_testing::{Engine, Person, Reply, Server, story};
use serde_json::{Value, json};

use super::{numbers, put, server};

const CONVERT: &str = "/api/v1/datasets/ada/data/convert";
const DERIVATIONS: &str = "/api/v1/datasets/ada/data/derivations";

/// A server whose jobs wait for [`run`], with a dataset of ada's.
async fn idle_server(engine: Engine) -> (Server, Person) {
    let server = Server::start_without_workers(engine, |config| config.rates = Rates::off()).await;
    let ada = server.person("ada").await;
    server.dataset("ada/data", Visibility::Private).await;
    (server, ada)
}

async fn run(server: &Server) {
    server.app.worker.run_due().await.unwrap();
}

async fn convert(server: &Server, token: &str, body: Value) -> Reply {
    server.call(Some(token), "POST", CONVERT, body).await
}

/// Begins a conversion; returns its id.
async fn begun(server: &Server, token: &str, body: Value) -> String {
    let reply = convert(server, token, body).await;
    assert_eq!(reply.status, 202, "{}", reply.text());
    assert_eq!(reply.headers["retry-after"], "1");
    reply.json()["id"].as_str().unwrap().to_owned()
}

async fn state(server: &Server, token: &str, id: &str) -> Value {
    let reply = server.call(Some(token), "GET", &format!("{DERIVATIONS}/{id}"), Value::Null).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

/// Waits for the end of a conversion.
async fn finished(server: &Server, token: &str, id: &str) -> Value {
    for _ in 0..600 {
        let state = state(server, token, id).await;
        if !state["finished"].is_null() {
            return state;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it does not end");
}

/// Checks that a conversion has failed, with a reason that says something.
async fn assert_failed(server: &Server, token: &str, id: &str, says: &str) {
    let found = state(server, token, id).await;
    assert_eq!((&found["state"], &found["result"]), (&json!("failed"), &json!(null)), "{found}");
    assert!(found["error"].as_str().unwrap().contains(says), "{says}: {found}");
}

async fn rows(server: &Server, token: &str, table: &str) -> Value {
    let url = format!("/api/v1/datasets/ada/data/rows/HEAD/{table}?limit=1000");
    let reply = server.call(Some(token), "GET", &url, Value::Null).await;
    assert_eq!(reply.status, 200, "{table}: {}", reply.text());
    reply.json()["rows"].clone()
}

async fn package(server: &Server, token: &str) -> Value {
    let url = "/api/v1/datasets/ada/data/raw/HEAD/datapackage.json";
    server.call(Some(token), "GET", url, Value::Null).await.json()
}

async fn delete(server: &Server, token: &str, path: &str) {
    let body = json!({"message": "m", "operations": [{"operation": "delete", "path": path}]});
    let reply = server.call(Some(token), "POST", "/api/v1/datasets/ada/data/commits", body).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
}

#[tokio::test]
async fn a_table_gets_a_parquet_file_beside_it() {
    let (server, ada) = server().await;
    put(&server, &ada, "data/t.csv", numbers(500)).await;
    let id = begun(&server, &ada.token, json!({"path": "data/t.csv"})).await;
    let done = finished(&server, &ada.token, &id).await;
    assert_eq!(
        json!([
            done["kind"],
            done["state"],
            done["progress"],
            done["table"],
            done["path"],
            done["branch"],
            done["user"],
            done["rows"],
            done["error"]
        ]),
        json!(["convert", "done", 1.0, "data/t.csv", "data/t.parquet", "main", "ada", 500, null]),
        "{done}"
    );
    assert_eq!(rows(&server, &ada.token, "data/t.parquet").await, rows(&server, &ada.token, "data/t.csv").await);

    let made = package(&server, &ada.token).await;
    let resource = &made["resources"][0];
    assert_eq!(
        json!([resource["name"], resource["path"], resource["format"], resource["bytes"], resource["stats"]]),
        json!(["t", "data/t.parquet", "parquet", done["bytes"], {"rows": 500}]),
        "{made}"
    );
    let source = json!({"title": "data/t.csv", "path": "data/t.csv", "version": done["revision"]});
    assert_eq!(resource["sources"], json!([source]));
    let names: Vec<&Value> =
        resource["schema"]["fields"].as_array().unwrap().iter().map(|field| &field["name"]).collect();
    assert_eq!(names, ["id", "name", "square", "even"]);
    let commit = format!("/api/v1/datasets/ada/data/revisions/{}", done["result"].as_str().unwrap());
    let commit = server.call(Some(&ada.token), "GET", &commit, Value::Null).await.json();
    assert_eq!(
        (&commit["description"], &commit["author"]["name"]),
        (&json!("Convert data/t.csv to data/t.parquet"), &json!("ada"))
    );

    // The same again is the same, also after changes elsewhere.
    put(&server, &ada, "other.txt", "x").await;
    let again = convert(&server, &ada.token, json!({"path": "data/t.csv", "to": "data/t.parquet"})).await;
    assert_eq!((again.status, &again.json()["id"]), (200, &json!(id)), "{}", again.text());
    // A new table: the file is replaced only on demand.
    put(&server, &ada, "data/t.csv", numbers(3)).await;
    let refused = convert(&server, &ada.token, json!({"path": "data/t.csv"})).await;
    assert!(refused.status == 409 && refused.text().contains("data/t.parquet exists"), "{}", refused.text());
    let id = begun(&server, &ada.token, json!({"path": "data/t.csv", "overwrite": true})).await;
    assert_eq!(finished(&server, &ada.token, &id).await["rows"], 3);
    assert_eq!(rows(&server, &ada.token, "data/t.parquet").await.as_array().unwrap().len(), 3);
    assert_eq!(package(&server, &ada.token).await["resources"].as_array().unwrap().len(), 1);
    // What was deleted is made again.
    delete(&server, &ada.token, "data/t.parquet").await;
    let id = begun(&server, &ada.token, json!({"path": "data/t.csv"})).await;
    assert_eq!(finished(&server, &ada.token, &id).await["state"], "done");

    // A folder is one table, and another branch is another place.
    let branch = json!({"name": "work"});
    server.call(Some(&ada.token), "POST", "/api/v1/datasets/ada/data/branches", branch).await;
    put(&server, &ada, "parts/1.jsonl", "{\"a\": 1}\n").await;
    put(&server, &ada, "parts/2.jsonl", "{\"a\": 2}\n").await;
    let id = begun(&server, &ada.token, json!({"path": "parts/"})).await;
    assert_eq!(finished(&server, &ada.token, &id).await["path"], "parts.parquet");
    assert_eq!(rows(&server, &ada.token, "parts.parquet").await, json!([[1], [2]]));
    let id = begun(&server, &ada.token, json!({"path": "data/t.csv", "to": "x.parquet", "branch": "work"})).await;
    assert_eq!(finished(&server, &ada.token, &id).await["branch"], "work");
    assert_eq!(
        server.call(Some(&ada.token), "GET", "/api/v1/datasets/ada/data/rows/work/x.parquet", Value::Null).await.status,
        200
    );
    let main = "/api/v1/datasets/ada/data/rows/main/x.parquet";
    assert_eq!(server.call(Some(&ada.token), "GET", main, Value::Null).await.status, 404);

    let page = server.call(Some(&ada.token), "GET", &format!("{DERIVATIONS}?limit=2"), Value::Null).await.json();
    assert_eq!((page["items"].as_array().unwrap().len(), &page["items"][0]["id"]), (2, &json!(id)), "newest first");
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest =
        server.call(Some(&ada.token), "GET", &format!("{DERIVATIONS}?cursor={cursor}"), Value::Null).await.json();
    assert_eq!(rest["items"].as_array().unwrap().len(), 3);
    // They are not remembered for ever.
    server.clock.advance(Duration::from_hours(31 * 24));
    server.app.conversions.forget().await.unwrap();
    let ada = server.token("ada", &[]).await;
    let none = server.call(Some(&ada), "GET", DERIVATIONS, Value::Null).await.json();
    assert_eq!(none["items"], json!([]));
}

story! {
    async fn what_happens_meanwhile_decides(engine: Engine) {
        let (server, ada) = idle_server(engine).await;
        for name in ["changed", "taken", "fine", "declared"] {
            put(&server, &ada, &format!("{name}.csv"), "id,n\n1,2\n").await;
        }
        put(&server, &ada, "bad.csv", format!("{}x,y,z,u\n", numbers(20_000))).await;
        let request = async |body: Value| begun(&server, &ada.token, body).await;
        let changed = request(json!({"path": "changed.csv"})).await;
        let taken = request(json!({"path": "taken.csv"})).await;
        let fine = request(json!({"path": "fine.csv"})).await;
        let bad = request(json!({"path": "bad.csv"})).await;
        assert_eq!(request(json!({"path": "fine.csv"})).await, fine, "it is asked for once");
        assert_eq!(state(&server, &ada.token, &fine).await["state"], "waiting");
        put(&server, &ada, "changed.csv", "id,n\n1,3\n").await;
        put(&server, &ada, "taken.parquet", "of another user").await;
        run(&server).await;
        assert_failed(&server, &ada.token, &changed, "changed while it was converted").await;
        assert_failed(&server, &ada.token, &taken, "taken.parquet exists").await;
        assert_failed(&server, &ada.token, &bad, "row 20001, column \"id\"").await;
        assert_eq!(state(&server, &ada.token, &fine).await["state"], "done");
        // What failed can be asked for again.
        let again = request(json!({"path": "changed.csv"})).await;
        assert_ne!(again, changed);
        run(&server).await;
        assert_eq!(state(&server, &ada.token, &again).await["state"], "done");

        let over = request(json!({"path": "taken.csv", "to": "large.parquet"})).await;
        server.quota("ada/data", "1").await;
        run(&server).await;
        assert_failed(&server, &ada.token, &over, "quota").await;
        server.quota("ada/data", "none").await;

        // The dataset has another name, and then none.
        let moved = request(json!({"path": "declared.csv"})).await;
        let to = json!({"to": "ada/renamed"});
        assert_eq!(server.call(Some(&ada.token), "POST", "/api/v1/datasets/ada/data/move", to).await.status, 200);
        run(&server).await;
        let renamed = "/api/v1/datasets/ada/renamed";
        let found = server.call(Some(&ada.token), "GET", &format!("{renamed}/derivations/{moved}"), Value::Null).await;
        assert_eq!(found.json()["state"], "done", "{}", found.text());
        let last = json!({"path": "fine.csv", "to": "last.parquet"});
        let last = server.call(Some(&ada.token), "POST", &format!("{renamed}/convert"), last).await;
        assert_eq!(last.status, 202, "{}", last.text());
        assert_eq!(server.call(Some(&ada.token), "DELETE", renamed, Value::Null).await.status, 204);
        run(&server).await;
        server.dataset("ada/renamed", Visibility::Private).await;
        let gone = format!("{renamed}/derivations/{}", last.json()["id"].as_str().unwrap());
        assert_eq!(server.call(Some(&ada.token), "GET", &gone, Value::Null).await.status, 404);
    }
}

#[tokio::test]
async fn a_conversion_has_the_rights_of_its_user_when_it_runs() {
    let server = Server::start_without_workers(Engine::Sqlite, |config| config.rates = Rates::off()).await;
    let [olga, ben, sue] = [server.person("olga").await, server.person("ben").await, server.person("sue").await];
    server.organisation("ada", &[(&olga, Role::Owner), (&ben, Role::Writer), (&sue, Role::Writer)]).await;
    server.dataset("ada/data", Visibility::Private).await;
    put(&server, &olga, "t.csv", "secret\n42\n").await;
    let limited = server.token("ben", &["write:ada/data"]).await;
    let of_ben = begun(&server, &limited, json!({"path": "t.csv", "to": "ben.parquet"})).await;
    let of_sue = begun(&server, &sue.token, json!({"path": "t.csv", "to": "sue.parquet"})).await;
    server.app.accounts.set_member(&"ada".parse().unwrap(), &"ben".parse().unwrap(), Some(Role::Reader)).await.unwrap();
    server.app.accounts.suspend(&"sue".parse().unwrap()).await.unwrap();
    run(&server).await;
    assert_failed(&server, &olga.token, &of_ben, "ben may no longer change this dataset").await;
    assert_failed(&server, &olga.token, &of_sue, "sue may no longer change this dataset").await;
    for path in ["ben.parquet", "sue.parquet"] {
        let url = format!("/api/v1/datasets/ada/data/rows/HEAD/{path}");
        assert_eq!(server.call(Some(&olga.token), "GET", &url, Value::Null).await.status, 404);
    }
    // He is a reader now: he sees how it ended, and begins no other.
    assert_eq!(state(&server, &ben.token, &of_ben).await["state"], "failed");
    assert_eq!(convert(&server, &ben.token, json!({"path": "t.csv", "to": "x.parquet"})).await.status, 403);
}

#[tokio::test]
async fn requests_that_cannot_be_fulfilled_begin_nothing() {
    let (server, ada) = idle_server(Engine::Sqlite).await;
    let [ben, cleo] = [server.person("ben").await, server.person("cleo").await];
    put(&server, &ada, "t.csv", "a\n1\n").await;
    put(&server, &ada, "notes.txt", "x").await;
    put(&server, &ada, "t.parquet/x.csv", "a\n1\n").await;
    put(&server, &ada, "u.csv", "a\n1\n").await;
    for (body, status, says) in [
        (json!({"path": "t.csv"}), 409, "folder"),
        (json!({"path": "t.csv", "to": "t.csv/a.parquet"}), 409, "t.csv is a file"),
        (json!({"path": "t.csv", "to": "a.csv"}), 422, ".parquet"),
        (json!({"path": "t.csv", "to": "../a.parquet"}), 422, ""),
        (json!({"path": "t.csv", "to": "/a.parquet"}), 422, ""),
        (json!({"path": "t.csv", "to": ".git/a.parquet"}), 422, ""),
        (json!({"path": "../../etc/passwd"}), 404, ""),
        (json!({"path": "none.csv"}), 404, "none.csv"),
        (json!({"path": "notes.txt"}), 415, "csv"),
        (json!({"path": "u.csv", "branch": "none"}), 404, "none"),
        (json!({"path": ""}), 422, "1 to"),
        (json!({"path": "x".repeat(5000)}), 422, "4096"),
        (json!({"path": ["u.csv"]}), 422, ""),
        (json!({"path": "u.csv", "format": "csv"}), 422, "format"),
        (json!({}), 422, "path"),
    ] {
        let reply = convert(&server, &ada.token, body.clone()).await;
        assert_eq!(reply.status, status, "{body}: {}", reply.text());
        assert!(reply.text().contains(says), "{body}: {}", reply.text());
    }
    assert_eq!(convert(&server, &ben.token, json!({"path": "u.csv"})).await.status, 404, "a stranger");
    server.share(&ada, "ada/data", json!({"path": "u.csv", "with": {"user": "ben"}, "right": "edit"})).await;
    assert_eq!(convert(&server, &ben.token, json!({"path": "u.csv"})).await.status, 404, "a part is not enough");
    server.share(&ada, "ada/data", json!({"with": {"user": "cleo"}, "right": "view"})).await;
    assert_eq!(convert(&server, &cleo.token, json!({"path": "u.csv"})).await.status, 403, "a reader");
    let list = server.call(Some(&ada.token), "GET", DERIVATIONS, Value::Null).await.json();
    assert_eq!(list["items"], json!([]));

    // Ids of other datasets are not found, by anybody.
    let id = begun(&server, &ada.token, json!({"path": "u.csv"})).await;
    assert_eq!(state(&server, &cleo.token, &id).await["state"], "waiting");
    server.dataset("ben/own", Visibility::Private).await;
    for (token, dataset, id, status) in [
        (&ben.token, "ben/own", id.as_str(), 404),
        (&ada.token, "ada/data", "01920000-0000-7000-8000-000000000000", 404),
        (&ada.token, "ada/data", "x", 404),
        (&ben.token, "ada/data", &id, 404),
    ] {
        let url = format!("/api/v1/datasets/{dataset}/derivations/{id}");
        assert_eq!(server.call(Some(token), "GET", &url, Value::Null).await.status, status, "{url}");
    }
    // The queue of one user is limited.
    for number in 1..rutter::tables::MAX_OPEN {
        begun(&server, &ada.token, json!({"path": "u.csv", "to": format!("{number}.parquet")})).await;
    }
    let reply = convert(&server, &ada.token, json!({"path": "u.csv", "to": "more.parquet"})).await;
    assert!(reply.status == 429 && reply.text().contains("not finished"), "{}", reply.text());
    assert_eq!(convert(&server, &ada.token, json!({"path": "u.csv"})).await.status, 202, "that is there already");
}

#[tokio::test]
async fn what_is_unavailable_is_tried_again_and_a_hostile_file_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("rutter-tables");
    let install = || std::os::unix::fs::symlink(rutter_testing::table_engine(), &program).unwrap();
    install();
    let server = Server::start_without_workers(Engine::Sqlite, |config| {
        config.rates = Rates::off();
        config.tables.program = Some(program.clone());
    })
    .await;
    let ada = server.person("ada").await;
    server.dataset("ada/data", Visibility::Private).await;
    put(&server, &ada, "t.csv", "a\n1\n").await;
    put(&server, &ada, "hostile.parquet", "PAR1 nothing PAR1").await;
    let fine = begun(&server, &ada.token, json!({"path": "t.csv"})).await;
    std::fs::remove_file(&program).unwrap();
    run(&server).await;
    let waiting = state(&server, &ada.token, &fine).await;
    assert_eq!(waiting["state"], "waiting");
    assert!(waiting["error"].as_str().unwrap().contains("rutter-tables"), "{waiting}");
    install();
    server.clock.advance(Duration::from_secs(6));
    run(&server).await;
    let done = state(&server, &ada.token, &fine).await;
    assert_eq!((&done["state"], &done["error"]), (&json!("done"), &json!(null)));

    let hostile = begun(&server, &ada.token, json!({"path": "hostile.parquet", "to": "x.parquet"})).await;
    run(&server).await;
    assert_failed(&server, &ada.token, &hostile, "hostile.parquet").await;
    // It is not tried for ever.
    let never = begun(&server, &ada.token, json!({"path": "t.csv", "to": "never.parquet"})).await;
    std::fs::remove_file(&program).unwrap();
    for _ in 0..8 {
        run(&server).await;
        server.clock.advance(Duration::from_hours(1));
    }
    assert_failed(&server, &ada.token, &never, "given up after 8 attempts").await;
}
