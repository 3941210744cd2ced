//! Queries: which tables they read, for whom, and what ends them.

use std::path::PathBuf;
use std::time::Duration;

use rutter::config::Rates;
use rutter::types::Visibility;
use rutter_testing::{Engine, Person, Reply, Server, TableClient, assert_hidden, files_below, table_engine};
use serde_json::{Value, json};

use super::{engines, numbers, put, server, until};

/// Runs a query by a token or anonymously.
async fn sql(server: &Server, token: Option<&str>, body: Value) -> Reply {
    server.call(token, "POST", "/api/v1/sql", body).await
}

/// The JSON of a successful query on ada/data.
async fn rows(server: &Server, who: &Person, query: &str) -> Value {
    let reply = sql(server, Some(&who.token), json!({"query": query, "default": "ada/data"})).await;
    assert_eq!(reply.status, 200, "{query}: {}", reply.text());
    reply.json()
}

#[tokio::test]
async fn tables_are_read_at_the_commits_that_the_response_names() {
    let (server, ada) = server().await;
    put(&server, &ada, "t.csv", "id,n\n1,10\n2,20\n").await;
    put(&server, &ada, "datapackage.json", json!({"resources": [{"name": "birds", "path": "t.csv"}]}).to_string())
        .await;
    let tags = "/api/v1/datasets/ada/data/tags";
    assert_eq!(server.call(Some(&ada.token), "POST", tags, json!({"name": "v1"})).await.status, 201);
    put(&server, &ada, "t.csv", "id,n\n1,10\n2,21\n3,30\n").await;
    let query = "SELECT new.id, old.n AS before, new.n AS after -- what changed\n\
                 FROM \"ada/data@v1\".\"t.csv\" old RIGHT JOIN \"t.csv\" new ON old.id = new.id \
                 WHERE old.n IS DISTINCT FROM new.n ORDER BY new.id";
    let page = rows(&server, &ada, query).await;
    assert_eq!(page["rows"], json!([[2, 20, 21], [3, null, 30]]));
    assert_eq!(page["fields"][1], json!({"name": "before", "type": "integer"}));
    let sources = page["sources"].as_array().unwrap();
    let revisions: Vec<_> = sources.iter().map(|source| source["revision"].as_str().unwrap()).collect();
    assert_eq!(revisions, ["v1", "HEAD"]);
    let canonical = page["canonical"].as_str().unwrap();
    for source in sources {
        assert!(canonical.contains(source["commit"].as_str().unwrap()), "{canonical}");
    }
    assert!(!canonical.contains("what changed"), "{canonical}");
    // Later versions do not change what the normal form returns.
    put(&server, &ada, "t.csv", "id,n\n9,9\n").await;
    assert_eq!(rows(&server, &ada, canonical).await["rows"], page["rows"]);
    // Names without quotes match in any case, as columns do.
    assert_eq!(rows(&server, &ada, "SELECT ID FROM birds").await["rows"], json!([[9]]));
    assert_eq!(rows(&server, &ada, "SELECT b.\"id\" FROM BIRDS AS b").await["rows"], json!([[9]]));
    let quoted =
        sql(&server, Some(&ada.token), json!({"query": "SELECT 1 FROM \"Birds\"", "default": "ada/data"})).await;
    assert_eq!(quoted.status, 404, "{}", quoted.text());
}

#[tokio::test]
async fn tables_of_others_look_like_missing_ones() {
    let (server, ada) = server().await;
    let mallory = server.person("mallory").await;
    server.dataset("mallory/own", Visibility::Private).await;
    put(&server, &ada, "a/secret.csv", "secret\n42\n").await;
    server.share(&ada, "ada/data", json!({"path": "a", "with": {"user": "mallory"}, "right": "view"})).await;
    let (_, link) = server.create_link(&ada, "ada/data", json!({"path": "a", "right": "view"})).await;
    let bearer = server.link_token(&link).await;
    for query in [
        "SELECT * FROM \"ada/data\".\"a/secret.csv\"",
        "SELECT * FROM \"ada/data@main\".\"a/secret.csv\", \"mallory/own\".\"none.csv\"",
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM \"ada/data\".\"a/secret.csv\" WHERE secret = 42)",
        "SELECT * FROM row_diff('mallory/own', 'ada/data', 'a/secret.csv')",
        "WITH t AS (SELECT * FROM \"ada/data\".\"a/secret.csv\") SELECT count(*) FROM t",
    ] {
        for token in [&mallory.token, &bearer] {
            let refused = sql(&server, Some(token), json!({"query": query})).await;
            let other = query.replace("ada/data", "ada/none");
            let missing = sql(&server, Some(token), json!({"query": other})).await;
            assert!(matches!(refused.status, 401 | 404), "{query}: {}", refused.text());
            let (refused, missing) = (refused.json()["detail"].clone(), missing.json()["detail"].clone());
            assert_eq!(refused.as_str().unwrap(), missing.as_str().unwrap().replace("ada/none", "ada/data"));
        }
        assert_eq!(sql(&server, None, json!({"query": query})).await.status, 401, "{query}");
    }
    let metrics = server.request("GET", "/metrics", None).send().await.unwrap().text().await.unwrap();
    let read = metrics.lines().find(|line| line.starts_with("rutter_table_read_bytes_total "));
    assert!(read.is_none_or(|line| line.ends_with(" 0")), "something was read: {read:?}");
    // Saved queries are files of the dataset.
    let saved = json!({"saved": "a/secret.csv", "default": "ada/data"});
    assert_eq!(sql(&server, Some(&mallory.token), saved).await.status, 404);
    // What is public is for everybody.
    server.dataset("ada/open", Visibility::Public).await;
    let request = server.request("PUT", "/api/v1/drive/ada/open/files/t.csv", Some(&ada.token)).body("a\n1\n");
    assert_eq!(Reply::of(request).await.status, 201);
    let open = sql(&server, None, json!({"query": "SELECT a FROM \"ada/open\".\"t.csv\""})).await;
    assert_eq!((open.status, open.json()["rows"].clone()), (200, json!([[1]])), "{}", open.text());
    // What was cached for ada is not for others.
    let query = json!({"query": "SELECT * FROM \"ada/data\".\"a/secret.csv\""});
    assert_eq!(sql(&server, Some(&ada.token), query.clone()).await.status, 200);
    assert_eq!(sql(&server, Some(&mallory.token), query).await.status, 404);
}

#[tokio::test]
async fn only_queries_are_run() {
    let (server, ada) = server().await;
    put(&server, &ada, "t.csv", "a\n1\n").await;
    for query in [
        "INSERT INTO \"t.csv\" VALUES (1)",
        "COPY \"t.csv\" TO '/tmp/x.csv'",
        "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'",
        "CREATE TABLE x AS SELECT 1",
        "DROP TABLE \"t.csv\"",
        "SET datafusion.execution.batch_size = 1",
        "SELECT 1; SELECT 2",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM \"/etc/passwd\"",
        "SELECT * FROM \"ada/data\".\"../../etc/passwd\"",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM \"a\".\"b\".\"c\".\"d\"",
        "SELECT nothing FROM \"t.csv\"",
        "SELECT 1 +",
        "SELEKT 1",
        "",
    ] {
        let reply = sql(&server, Some(&ada.token), json!({"query": query, "default": "ada/data"})).await;
        assert!(matches!(reply.status, 404 | 422), "{query}: {} {}", reply.status, reply.text());
        let text = reply.text();
        for internal in ["root:", "DataFusion", "datafusion::", ".rs:", "table://"] {
            assert!(!text.contains(internal), "{query}: {text}");
        }
    }
    for (body, says) in [
        (json!({"default": "ada/data"}), "query"),
        (json!({"query": "SELECT 1", "saved": "x.sql"}), "either"),
        (json!({"query": "SELECT * FROM t"}), "default"),
        (json!({"query": "SELECT * FROM t", "default": "birds"}), "OWNER/DATASET"),
        (json!({"query": "SELECT 1", "limit": 0}), "limit"),
        (json!({"query": "SELECT 1", "limit": 100_001}), "100000"),
        (json!({"query": "SELECT $1", "parameters": [[1]]}), "parameters"),
        (json!({"query": "SELECT $1", "parameters": 1}), "parameters"),
        (json!({"query": "SELECT $1"}), "$1"),
        (json!({"query": "SELECT 1", "format": "xml"}), "format"),
        (json!({"query": format!("SELECT '{}'", "x".repeat(70_000))}), "65536"),
    ] {
        let reply = sql(&server, Some(&ada.token), body.clone()).await;
        assert_eq!(reply.status, 422, "{}: {}", body.to_string().chars().take(80).collect::<String>(), reply.text());
        assert!(reply.text().contains(says), "{says}: {}", reply.text());
    }
    // Plans tell what is read, but not from where.
    let plan = rows(&server, &ada, "EXPLAIN SELECT a FROM \"t.csv\" WHERE a > 1").await.to_string();
    assert!(!plan.contains("objects") && !plan.contains(server.url.as_str()) && !plan.contains("table://"), "{plan}");
}

#[tokio::test]
async fn no_response_says_where_data_is() {
    let (server, ada) = server().await;
    let client = TableClient { http: &server.http, url: &server.url, token: &ada.token };
    client.create_tables().await;
    let folder = server.folder.path().to_str().unwrap().to_owned();
    let program = table_engine().parent().unwrap().to_str().unwrap().to_owned();
    let mut hidden = vec![folder, program];
    hidden.extend(["objects/", "No such file", "os error", "table://", "engine-"].map(str::to_owned));
    for table in ["t.csv", "t.parquet", "damaged.parquet", "damaged.csv", "missing.csv"] {
        let replies = client.responses(table).await;
        assert_hidden(&replies, &hidden);
        assert!(replies.iter().all(|(_, reply)| reply.status < 500), "{table}");
    }
    // The next table has not been read yet.
    let objects = server.app.config.data.join("store/objects");
    let is_object = |file: &PathBuf| file.file_name().unwrap().len() >= 64;
    let files: Vec<PathBuf> = files_below(&objects).into_iter().filter(is_object).collect();
    assert!(files.len() >= 8, "{files:?}");
    for file in files {
        std::fs::remove_file(file).unwrap();
    }
    let replies = client.responses("lost.csv").await;
    assert!(replies.iter().filter(|(_, reply)| reply.status >= 404).count() > 10, "nothing can be read");
    assert_hidden(&replies, &hidden);
}

#[tokio::test]
async fn what_takes_too_much_ends_with_the_name_of_the_limit() {
    let server = Server::start_with(Engine::Sqlite, |config| {
        config.rates = Rates::off();
        config.tables.seconds = 2;
        config.tables.memory_bytes = 64 << 20;
        config.tables.scratch_bytes = 64 << 20;
    })
    .await;
    let ada = server.person("ada").await;
    server.dataset("ada/data", Visibility::Private).await;
    put(&server, &ada, "t.csv", numbers(50_000)).await;
    for (query, keys) in [
        ("WITH RECURSIVE n AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n", "tables."),
        ("SELECT count(*) FROM \"t.csv\" a, \"t.csv\" b, \"t.csv\" c WHERE a.id + b.id = c.id", "tables."),
        ("SELECT repeat('x', 2000000000) FROM \"t.csv\"", "tables.memory_bytes"),
        ("SELECT a.name, b.name FROM \"t.csv\" a, \"t.csv\" b ORDER BY a.name || b.name", "tables."),
        ("SELECT array_agg(a.name || b.name) FROM \"t.csv\" a, \"t.csv\" b", "tables."),
    ] {
        let reply = sql(&server, Some(&ada.token), json!({"query": query, "default": "ada/data", "limit": 10})).await;
        assert_eq!(reply.status, 422, "{query}: {}", reply.text());
        assert!(reply.text().contains(keys), "{query}: {}", reply.text());
    }
    // Nothing of them stays on the disk, and the server goes on.
    let cache = server.app.config.cache().join("tables");
    let is_temporary = |path: &PathBuf| path.to_string_lossy().contains("/engine-");
    until("temporary files are removed", || !files_below(&cache).iter().any(is_temporary)).await;
    assert_eq!(rows(&server, &ada, "SELECT count(*) FROM \"t.csv\"").await["rows"], json!([[50_000]]));
}

#[tokio::test]
async fn streamed_responses_have_a_maximum_number_of_rows() {
    let server = Server::start_with(Engine::Sqlite, |config| {
        config.rates = Rates::off();
        config.tables.rows = Some(5);
    })
    .await;
    let ada = server.person("ada").await;
    server.dataset("ada/data", Visibility::Private).await;
    put(&server, &ada, "t.csv", numbers(10)).await;
    let query = async |query: &str, rest: Value| {
        let mut body = json!({"query": query, "default": "ada/data"});
        body.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        sql(&server, Some(&ada.token), body).await
    };
    let (all, some) = ("SELECT id FROM \"t.csv\"", "SELECT id FROM \"t.csv\" LIMIT 5");
    // JSON has a limit of its own.
    assert_eq!(query(all, json!({})).await.json()["rows"].as_array().unwrap().len(), 10);
    for format in ["csv", "parquet", "arrow"] {
        assert_eq!(query(some, json!({"format": format})).await.status, 200, "{format}");
        assert_eq!(query(all, json!({"format": format, "limit": 5})).await.status, 200, "{format}");
        // The second time, it is in the cache.
        for _ in 0..2 {
            let refused = query(all, json!({"format": format})).await;
            assert!(refused.status == 422 && refused.text().contains("tables.rows"), "{format}: {}", refused.text());
        }
        let refused = query(some, json!({"format": format, "limit": 6})).await;
        assert!(refused.status == 422 && refused.text().contains("tables.rows"), "{format}: {}", refused.text());
    }
    let rows = async |rest: &str| {
        let url = format!("/api/v1/datasets/ada/data/rows/HEAD/t.csv?{rest}");
        server.call(Some(&ada.token), "GET", &url, Value::Null).await
    };
    assert_eq!(rows("").await.json()["rows"].as_array().unwrap().len(), 10);
    assert_eq!(rows("format=csv&offset=3").await.text().lines().count(), 6);
    let refused = rows("format=csv&limit=6").await;
    assert!(refused.status == 422 && refused.text().contains("tables.rows"), "{}", refused.text());
}

#[tokio::test]
async fn the_tables_of_a_query_have_limits_together() {
    let (server, ada) = server().await;
    put(&server, &ada, "t.csv", "a\n1\n").await;
    let field = json!({"name": "a", "type": "integer", "description": "x".repeat(1_500_000)});
    let package = json!({"resources": [{"name": "t", "path": "t.csv", "schema": {"fields": [field]}}]});
    put(&server, &ada, "datapackage.json", package.to_string()).await;
    // The same table by several names.
    let tables = |names: &[&str]| {
        let names: Vec<_> = names.iter().map(|name| format!("SELECT a FROM \"ada/data@{name}\".t")).collect();
        names.join(" UNION ALL ")
    };
    assert_eq!(rows(&server, &ada, &tables(&["main", "HEAD"])).await["rows"], json!([[1], [1]]));
    let three = json!({"query": tables(&["main", "HEAD", "main~0"])});
    let reply = sql(&server, Some(&ada.token), three).await;
    assert!(reply.status == 422 && reply.text().contains("together"), "{}", reply.text());
}

#[tokio::test]
async fn a_query_ends_with_its_connection_and_a_result_is_computed_once() {
    let server = Server::start_with(Engine::Sqlite, |config| {
        config.rates = Rates::off();
        config.tables.idle_seconds = 0;
    })
    .await;
    let ada = server.person("ada").await;
    server.dataset("ada/data", Visibility::Private).await;
    put(&server, &ada, "t.csv", numbers(100_000)).await;
    let long = "SELECT count(*) FROM \"t.csv\" a, \"t.csv\" b WHERE a.square % 7 = b.square % 11";
    let request = server.request("POST", "/api/v1/sql", Some(&ada.token)).header("content-type", "application/json");
    let request = request.body(json!({"query": long, "default": "ada/data"}).to_string()).send();
    assert!(tokio::time::timeout(Duration::from_secs(2), request).await.is_err(), "it takes long");
    until("the engine of a closed connection ends", || engines().is_empty()).await;

    let first = rows(&server, &ada, "SELECT sum(id) FROM \"t.csv\"").await;
    until("an engine that is not kept ends", || engines().is_empty()).await;
    assert_eq!(rows(&server, &ada, "SELECT sum(id) FROM \"t.csv\"").await, first);
    assert!(engines().is_empty(), "a repeated query needs no engine");
    // Unless its result depends on more than the tables.
    let volatile = "SELECT random() FROM \"t.csv\" LIMIT 1";
    assert_ne!(rows(&server, &ada, volatile).await["rows"], rows(&server, &ada, volatile).await["rows"]);
}
