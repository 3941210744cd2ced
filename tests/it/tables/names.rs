//! What a table is: resources, files and folders, at any revision, for those who may see them.

use rutter::types::Visibility;
use rutter_testing::{Reply, parquet_file};
use serde_json::{Value, json};

use super::{empty, get, ok, put, server};

#[tokio::test]
async fn a_table_is_a_resource_a_file_or_a_folder() {
    let (server, ada) = server().await;
    let package = json!({"resources": [
        {"name": "birds", "path": ["parts/1.csv", "parts/2.csv"], "schema": {"fields": [
            {"name": "id", "type": "string"}, {"name": "count", "type": "integer"}], "missingValues": ["", "-99"]}},
        {"name": "codes", "path": "codes.data", "format": "csv", "dialect": {"delimiter": "|"}, "encoding": "iso-8859-1"},
        {"name": "web", "path": "https://example.org/x.csv"},
    ]});
    let put_file = |path: &str, content: &str| json!({"operation": "put", "path": path, "content": content});
    let body = json!({"message": "m", "operations": [
        put_file("parts/1.csv", "id,count\n007,1\n"), put_file("parts/2.csv", "id,count\n008,-99\n"),
        put_file("parts/README.md", "parts"), put_file("mixed/a.csv", "a\n1\n"), put_file("mixed/b.jsonl", "{\"a\":1}\n"),
        put_file("none/readme.md", "none"), put_file("codes.data", "a|b\n1|2\n"), put_file("datapackage.json", &package.to_string()),
    ]});
    let made = server.call(Some(&ada.token), "POST", "/api/v1/datasets/ada/data/commits", body).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let first = made.json()["revision"].as_str().unwrap().to_owned();
    put(&server, &ada, "parts/2.csv", "id,count\n009,3\n").await;

    let rows = async |revision: &str, table: &str| {
        let url = format!("/api/v1/datasets/ada/data/rows/{revision}/{table}");
        server.call(Some(&ada.token), "GET", &url, Value::Null).await
    };
    let page = rows("HEAD", "birds").await.json();
    assert_eq!(page["rows"], json!([["007", 1], ["009", 3]]), "the declared types: {page}");
    let page = rows(&first, "birds").await.json();
    assert_eq!((&page["rows"], &page["commit"]), (&json!([["007", 1], ["008", null]]), &json!(first)));
    assert_eq!(rows("main~1", "birds").await.json()["rows"], page["rows"]);
    assert_eq!(rows("HEAD", "codes").await.json()["rows"], json!([[1, 2]]));
    assert_eq!(rows("HEAD", "codes.data").await.json()["rows"], json!([[1, 2]]), "a file is read as its resource says");
    assert_eq!(ok(&server, &ada, "rows/codes.data").await["rows"], json!([[1, 2]]));
    assert_eq!(rows("HEAD", "parts/").await.json()["total"], 2, "a folder is the tables in it");
    for (revision, table, status, says) in [
        ("HEAD", "none", 404, "none"),
        ("HEAD", "none/", 404, "no tables"),
        ("HEAD", "mixed/", 422, "one format"),
        ("HEAD", "web", 422, "web"),
        ("HEAD", "parts", 404, "parts"),
        ("v9", "birds", 404, "v9"),
        ("HEAD", "README.md", 404, "README.md"),
        ("HEAD", "none/readme.md", 415, "csv"),
        ("HEAD", "..%2f..%2fetc%2fpasswd", 404, ""),
        ("HEAD", ".git/config", 404, ""),
    ] {
        let reply = rows(revision, table).await;
        assert_eq!(reply.status, status, "{table}: {}", reply.text());
        assert!(reply.text().contains(says), "{table}: {}", reply.text());
    }
}

#[tokio::test]
async fn the_tables_of_a_revision_are_listed() {
    let (server, ada) = server().await;
    let schema = json!({"fields": [{"name": "id", "type": "integer"}]});
    let package = json!({"resources": [
        {"name": "birds", "path": ["parts/1.csv", "parts/2.csv"], "title": "Birds", "description": "All.", "schema": schema},
        {"name": "codes", "path": "codes.data", "format": "csv", "schema": "schemas/codes.json"},
        {"name": "gone", "path": "gone.parquet"},
        {"name": "mixed", "path": ["b.csv", "c.jsonl"]},
        {"name": "web", "path": "https://example.org/x.csv"},
        {"name": "text", "path": "README.md"},
    ]});
    let put_file = |path: &str, content: &str| json!({"operation": "put", "path": path, "content": content});
    let body = json!({"message": "m", "operations": [
        put_file("parts/1.csv", "id\n1\n"), put_file("parts/2.csv", "id\n22\n"), put_file("codes.data", "a\n1\n"),
        put_file("b.csv", "a\n1\n"), put_file("c.jsonl", "{\"a\":1}\n"), put_file("d.ndjson.gz", ""), put_file("README.md", "x"),
        put_file("datapackage.json", &package.to_string()),
    ]});
    let made = server.call(Some(&ada.token), "POST", "/api/v1/datasets/ada/data/commits", body).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let first = made.json()["revision"].as_str().unwrap().to_owned();
    put(&server, &ada, "new.tsv", "a\n1\n").await;

    let list = async |revision: &str, rest: &str| {
        let url = format!("/api/v1/datasets/ada/data/tables/{revision}{rest}");
        server.call(Some(&ada.token), "GET", &url, Value::Null).await
    };
    let page = list(&first, "").await;
    assert_eq!(page.headers["rutter-sources"], format!("ada/data@{first}"));
    let page = page.json();
    assert_eq!(
        page["items"],
        json!([
            {"name": "birds", "paths": ["parts/1.csv", "parts/2.csv"], "format": "csv", "bytes": 11, "title": "Birds",
                "description": "All.", "schema": schema},
            {"name": "codes", "paths": ["codes.data"], "format": "csv", "bytes": 4},
            {"name": "d.ndjson.gz", "paths": ["d.ndjson.gz"], "format": "jsonl", "bytes": 0},
            {"name": "gone", "paths": ["gone.parquet"], "format": "parquet", "bytes": null},
            {"name": "mixed", "paths": ["b.csv", "c.jsonl"], "format": null, "bytes": 12},
        ])
    );
    // A page at a time, of the revision at which the list began.
    let page = list("main", "?limit=5").await.json();
    assert_eq!(page["items"].as_array().unwrap().len(), 5);
    put(&server, &ada, "a.csv", "a\n1\n").await;
    let next = page["next_cursor"].as_str().unwrap();
    let rest = list("main", &format!("?limit=5&cursor={next}")).await.json();
    assert_eq!((&rest["items"][0]["name"], &rest["items"][1]), (&json!("new.tsv"), &Value::Null));
    assert!(rest.get("next_cursor").is_none(), "{rest}");
    for (rest, status) in [("?cursor=x", 422), ("?cursor=main.1", 422), ("?limit=0", 422)] {
        assert_eq!(list("main", rest).await.status, status, "{rest}");
    }
    assert_eq!(list("v9", "").await.status, 404);
}

#[tokio::test]
async fn only_those_who_may_download_see_rows() {
    let (server, ada) = server().await;
    let [ben, cleo] = [server.person("ben").await, server.person("cleo").await];
    put(&server, &ada, "a/t.parquet", parquet_file()).await;
    put(&server, &ada, "b/secret.csv", "secret\n42\n").await;
    let whole = "/api/v1/datasets/ada/data/rows/HEAD/a/t.parquet";
    server.share(&ada, "ada/data", json!({"path": "a", "with": {"user": "ben"}, "right": "view"})).await;
    let (id, link) = server.create_link(&ada, "ada/data", json!({"path": "a", "right": "view"})).await;
    let bearer = server.link_token(&link).await;
    for token in [&ben.token, &bearer] {
        let page = get(&server, Some(token), "rows/a/t.parquet").await;
        assert_eq!(page.status, 200, "{}", page.text());
        assert_eq!(page.json()["rows"].as_array().unwrap().len(), 2);
        assert_eq!(get(&server, Some(token), "statistics/a/t.parquet").await.status, 200);
        assert!(matches!(get(&server, Some(token), "rows/b/secret.csv").await.status, 401 | 404));
        let status = server.call(Some(token), "GET", whole, Value::Null).await.status;
        assert!(matches!(status, 401 | 404), "a part of the dataset has no named tables: {status}");
    }
    for rest in ["rows/a/t.parquet", "statistics/a/t.parquet", "rows/no.csv"] {
        assert_eq!(get(&server, Some(&cleo.token), rest).await.status, 404, "{rest}");
        assert_eq!(get(&server, None, rest).await.status, 401, "{rest}");
    }
    // What is cached is returned only to those who may still see it.
    let revoked =
        server.call(Some(&ada.token), "DELETE", &format!("/api/v1/datasets/ada/data/shares/{id}"), Value::Null).await;
    assert!(revoked.status < 300, "{}", revoked.text());
    let reply = get(&server, Some(&bearer), "rows/a/t.parquet").await;
    assert!(matches!(reply.status, 401 | 404), "{} {}", reply.status, reply.text());
    // Without the right to download there are no rows.
    let scoped = server.token("ada", &["read"]).await;
    let reply = get(&server, Some(&scoped), "rows/a/t.parquet").await;
    assert!(matches!(reply.status, 200 | 403), "{} {}", reply.status, reply.text());
}

#[tokio::test]
async fn public_tables_are_for_everybody() {
    let (server, ada) = server().await;
    server.dataset("ada/open", Visibility::Public).await;
    let request = server.request("PUT", "/api/v1/drive/ada/open/files/t.csv", Some(&ada.token)).body("a\n1\n");
    assert_eq!(Reply::of(request).await.status, 201);
    let reply = server.call(None, "GET", "/api/v1/datasets/ada/open/rows/main/t.csv", Value::Null).await;
    assert_eq!((reply.status, reply.json()["rows"] != empty()), (200, true), "{}", reply.text());
}
