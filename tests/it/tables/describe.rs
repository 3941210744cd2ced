//! Describing tables: what is inferred is added to `datapackage.json`.

use rutter::config::Rates;
use rutter::types::Visibility;
use rutter_testing::{Engine, Person, Reply, Server, parquet_file};
use serde_json::{Value, json};

use super::{put, server};

/// Describes tables of ada's dataset.
async fn describe(server: &Server, who: &Person, body: Value) -> Reply {
    server.call(Some(&who.token), "POST", "/api/v1/datasets/ada/data/describe", body).await
}

async fn described(server: &Server, who: &Person, body: Value) -> Value {
    let reply = describe(server, who, body).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

/// The text of `datapackage.json`.
async fn package(server: &Server, who: &Person) -> String {
    let url = "/api/v1/datasets/ada/data/raw/HEAD/datapackage.json";
    server.call(Some(&who.token), "GET", url, Value::Null).await.text()
}

async fn head(server: &Server, who: &Person) -> Value {
    let url = "/api/v1/datasets/ada/data/revisions?limit=1";
    server.call(Some(&who.token), "GET", url, Value::Null).await.json()["items"][0]["revision"].clone()
}

/// Table and property of each item of a list.
fn places(list: &Value) -> Vec<String> {
    let place = |item: &Value| format!("{} {}", item["table"].as_str().unwrap(), item["property"].as_str().unwrap());
    list.as_array().unwrap().iter().map(place).collect()
}

#[tokio::test]
async fn all_tables_of_a_dataset_are_described_as_one_revision() {
    let (server, ada) = server().await;
    let nothing = described(&server, &ada, json!({})).await;
    assert_eq!((&nothing["from"], &nothing["added"]), (&json!(null), &json!([])), "an empty dataset");
    put(&server, &ada, "data/Birds.csv", "id;name;seen\n1;Wren;01.02.2024\n2;;03.02.2024\n").await;
    put(&server, &ada, "codes.tsv", "a\tb\n1\tx\n").await;
    put(&server, &ada, "all.parquet", parquet_file()).await;
    put(&server, &ada, "broken.parquet", "PAR1 is not all").await;
    put(&server, &ada, "notes.txt", "no table").await;
    let before = head(&server, &ada).await;

    let plan = described(&server, &ada, json!({"dry_run": true})).await;
    assert_eq!((&plan["dry_run"], &plan["revision"], &plan["from"]), (&json!(true), &json!(null), &before));
    assert_eq!(head(&server, &ada).await, before, "a dry run changes nothing");
    let done = described(&server, &ada, json!({})).await;
    assert_eq!(done["added"], plan["added"], "and says what will be done");
    assert_eq!(places(&done["added"]), ["all.parquet ", "codes.tsv ", "data/Birds.csv "]);
    let failed = done["failed"].as_array().unwrap();
    assert!(failed.len() == 1 && failed[0]["table"] == "broken.parquet", "{done}");
    assert!(failed[0]["detail"].as_str().unwrap().contains("broken.parquet"), "{done}");
    assert_eq!((&done["more"], &done["conflicts"]), (&json!(false), &json!([])));
    assert_eq!(done["revision"], head(&server, &ada).await);

    let text = package(&server, &ada).await;
    let made: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&made["name"], made["resources"].as_array().unwrap().len()), (&json!("data"), 3));
    let birds = &made["resources"][2];
    let content = "id;name;seen\n1;Wren;01.02.2024\n2;;03.02.2024\n";
    let sha256 = format!("sha256:{}", lfs::Oid::of(&parquet_file()));
    // A hash stands for an object in Git LFS.
    assert_eq!((&birds["hash"], &made["resources"][0]["hash"]), (&json!(null), &json!(sha256)));
    assert_eq!(
        json!([
            birds["name"],
            birds["path"],
            birds["type"],
            birds["format"],
            birds["encoding"],
            birds["bytes"],
            birds["dialect"]["delimiter"],
            birds["stats"]["rows"]
        ]),
        json!(["birds", "data/Birds.csv", "table", "csv", "utf-8", content.len(), ";", 2]),
        "{birds}"
    );
    let types: Vec<&str> =
        birds["schema"]["fields"].as_array().unwrap().iter().map(|field| field["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["integer", "string", "date"]);
    assert_eq!((&made["resources"][1]["format"], &made["resources"][0]["format"]), (&json!("tsv"), &json!("parquet")));

    // What was described is complete, and is read as before.
    let again = described(&server, &ada, json!({"tables": ["birds", "codes.tsv", "all"]})).await;
    assert_eq!((&again["added"], &again["conflicts"], &again["revision"]), (&json!([]), &json!([]), &json!(null)));
    let rows = "/api/v1/datasets/ada/data/rows/HEAD/birds";
    let rows = server.call(Some(&ada.token), "GET", rows, Value::Null).await.json();
    assert_eq!(rows["rows"], json!([[1, "Wren", "2024-02-01"], [2, null, "2024-02-03"]]));
    assert_eq!(package(&server, &ada).await, text);
}

#[tokio::test]
async fn what_authors_wrote_stays() {
    let (server, ada) = server().await;
    let text = "{\r\n    \"title\": \"B\\u00e4ume\", \"x-own\": {\"n\": 1.50},\r\n    \"resources\": [\r\n        {\"name\": \"trees\", \
                \"path\": \"trees.csv\",\r\n         \"schema\": {\"fields\": [{\"name\": \"id\", \"title\": \"Nr.\"}, {\"name\": \
                \"height\", \"type\": \"string\"}]}, \"bytes\": 1},\r\n        {\"path\": \"https://example.org/a.csv\", \"name\": \
                \"web\"}\r\n    ],\r\n    \"version\": \"1.0\"\r\n}\r\n";
    let put_file = |path: &str, content: &str| json!({"operation": "put", "path": path, "content": content});
    let body = json!({"message": "m", "operations": [put_file("trees.csv", "id,height\n1,2.5\n"), put_file("parts/1.csv", "a\n1\n"),
        put_file("parts/2.csv", "a\n2\n"), put_file("datapackage.json", text)]});
    let made = server.call(Some(&ada.token), "POST", "/api/v1/datasets/ada/data/commits", body).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let body = json!({"tables": ["trees", "parts/", "web", "trees"], "message": "Describe trees"});
    let done = described(&server, &ada, body).await;
    assert_eq!(places(&done["added"])[..2], ["trees /format".to_owned(), "trees /encoding".to_owned()], "{done}");
    assert_eq!(places(&done["conflicts"]), ["trees /schema/fields/1/type", "trees /bytes"]);
    let conflict = &done["conflicts"][0];
    assert_eq!((&conflict["existing"], &conflict["inferred"]), (&json!("string"), &json!("number")));
    assert!(places(&done["added"]).contains(&"trees /schema/fields/0/type".to_owned()), "{done}");
    assert_eq!(done["failed"][0]["table"], "web");

    let now = package(&server, &ada).await;
    // Without what was added, it is what it was.
    for kept in [
        "{\r\n    \"title\": \"B\\u00e4ume\", \"x-own\": {\"n\": 1.50},\r\n    \"resources\": [\r\n        {\"name\": \"trees\"",
        "{\"name\": \"id\", \"title\": \"Nr.\", \"type\": \"integer\"}, {\"name\": \"height\", \"type\": \"string\"}]",
        "\"bytes\": 1,",
        "{\"path\": \"https://example.org/a.csv\", \"name\": \"web\"},\r\n        {\r\n            \"name\": \"parts\"",
        "\r\n    ],\r\n    \"version\": \"1.0\"\r\n}\r\n",
    ] {
        assert!(now.contains(kept), "{kept}\n{now}");
    }
    let made: Value = serde_json::from_str(&now).unwrap();
    let parts = &made["resources"][2];
    assert_eq!(
        json!([parts["path"], parts["bytes"], parts["hash"]]),
        json!([["parts/1.csv", "parts/2.csv"], null, null])
    );
    let revision = done["revision"].as_str().unwrap();
    let url = format!("/api/v1/datasets/ada/data/revisions/{revision}");
    let commit = server.call(Some(&ada.token), "GET", &url, Value::Null).await.json();
    assert_eq!(
        (&commit["description"], &commit["author"]["name"]),
        (&json!("Describe trees"), &json!("ada")),
        "{commit}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_cannot_be_fulfilled_change_nothing() {
    let (server, ada) = server().await;
    let ben = server.person("ben").await;
    put(&server, &ada, "t.csv", "a\n1\n").await;
    let before = head(&server, &ada).await;
    let many: Vec<String> = (0..101).map(|number| format!("{number}.csv")).collect();
    for (body, status, says) in [
        (json!({"tables": many}), 422, "100"),
        (json!({"tables": [""]}), 422, "1 to"),
        (json!({"tables": ["x".repeat(5000)]}), 422, "4096"),
        (json!({"tables": "t.csv"}), 422, "tables"),
        (json!({"paths": ["t.csv"]}), 422, "paths"),
        (json!({"branch": "none"}), 404, "none"),
        (json!({"branch": "../x"}), 422, ""),
        (json!({"base_revision": "none"}), 404, "none"),
    ] {
        let reply = describe(&server, &ada, body.clone()).await;
        assert_eq!(reply.status, status, "{body}: {}", reply.text());
        assert!(reply.text().contains(says), "{body}: {}", reply.text());
    }
    // Paths elsewhere do not exist.
    let odd = ["../../etc/passwd", "/etc/passwd", ".git/config", "ada/data/t.csv", "none/", "t.csv\u{0}"];
    let done = described(&server, &ada, json!({"tables": odd})).await;
    assert_eq!((done["failed"].as_array().unwrap().len(), &done["revision"]), (odd.len(), &json!(null)), "{done}");
    assert_eq!(describe(&server, &ben, json!({})).await.status, 404, "a stranger");
    let reader = server.token("ada", &["read"]).await;
    let reply = server.call(Some(&reader), "POST", "/api/v1/datasets/ada/data/describe", json!({})).await;
    assert_eq!(reply.status, 403, "{}", reply.text());
    server.share(&ada, "ada/data", json!({"path": "t.csv", "with": {"user": "ben"}, "right": "edit"})).await;
    assert_eq!(describe(&server, &ben, json!({"tables": ["t.csv"]})).await.status, 404, "a part is not enough");
    assert_eq!(head(&server, &ada).await, before);

    // A package that cannot be read is not replaced.
    for (text, says) in [("{\"resources\": [", "JSON"), ("[]", "object"), ("{\"resources\": {}}", "resources")] {
        let tree = server.clone(&ada, "ada/data", &format!("bad{}", text.len()));
        tree.write("datapackage.json", text);
        tree.commit("a malformed package");
        tree.git(&["push", "-q", "origin", "HEAD"]);
        let reply = describe(&server, &ada, json!({})).await;
        assert_eq!(reply.status, 422, "{text}: {}", reply.text());
        assert!(reply.text().contains(says), "{text}: {}", reply.text());
        assert_eq!(package(&server, &ada).await, text);
    }
}

#[tokio::test]
async fn concurrent_changes_are_kept() {
    let (server, ada) = server().await;
    for number in 0..4 {
        put(&server, &ada, &format!("t{number}.csv"), format!("a,b\n{number},2\n")).await;
    }
    let describing =
        async |number: usize| described(&server, &ada, json!({"tables": [format!("t{number}.csv")]})).await;
    let writing = async {
        for number in 0..5 {
            put(&server, &ada, "other.txt", format!("{number}")).await;
        }
    };
    tokio::join!(describing(0), describing(1), describing(2), describing(3), writing);
    let made: Value = serde_json::from_str(&package(&server, &ada).await).unwrap();
    let mut names: Vec<&str> =
        made["resources"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["t0", "t1", "t2", "t3"]);
}

#[tokio::test]
async fn without_the_program_nothing_is_described_or_converted() {
    let server = Server::start_with(Engine::Sqlite, |config| {
        config.rates = Rates::off();
        config.tables.program = Some("/none/rutter-tables".into());
    })
    .await;
    let ada = server.person("ada").await;
    server.dataset("ada/data", Visibility::Private).await;
    put(&server, &ada, "t.csv", "a\n1\n").await;
    for (route, body) in [("describe", json!({})), ("convert", json!({"path": "t.csv"}))] {
        let url = format!("/api/v1/datasets/ada/data/{route}");
        let reply = server.call(Some(&ada.token), "POST", &url, body).await;
        assert_eq!(reply.status, 503, "{route}: {}", reply.text());
        assert!(reply.text().contains("rutter-tables") && !reply.text().contains("/none"), "{}", reply.text());
    }
    let missing = json!({"path": "none.csv"});
    let reply = server.call(Some(&ada.token), "POST", "/api/v1/datasets/ada/data/convert", missing).await;
    assert_eq!(reply.status, 404, "what does not exist, first");
}
