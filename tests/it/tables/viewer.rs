//! The dataset viewer API of the Hugging Face Hub: formats, and requests that try to get more than they may.

use rutter::types::Visibility;
use rutter_testing::{Person, Reply, Server, parquet_file};
use serde_json::{Value, json};

use super::{numbers, put, query, server};

const SPLIT: &str = "dataset=ada/data&config=default&split=train";

async fn get(server: &Server, token: Option<&str>, rest: &str) -> Reply {
    Reply::of(server.request("GET", &format!("/viewer/{rest}"), token)).await
}

async fn ok(server: &Server, who: &Person, rest: &str) -> Value {
    let reply = get(server, Some(&who.token), rest).await;
    assert_eq!(reply.status, 200, "{rest}: {}", reply.text());
    assert_eq!(reply.header("x-revision").len(), 40, "{rest}");
    reply.json()
}

/// A feature that is not nested.
fn value(dtype: &str) -> Value {
    json!({"dtype": dtype, "_type": "Value"})
}

fn numbers_of(page: &Value) -> Vec<u64> {
    page["rows"].as_array().unwrap().iter().map(|row| row["row_idx"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn rows_have_the_format_of_the_hub() {
    let (server, ada) = server().await;
    put(&server, &ada, "birds.csv", numbers(1000)).await;
    let page = ok(&server, &ada, &format!("rows?{SPLIT}&offset=990&length=2")).await;
    let row = |id: u64| {
        let row = json!({"id": id, "name": format!("n{id:07}"), "square": id * id, "even": id.is_multiple_of(2)});
        json!({"row_idx": id, "row": row, "truncated_cells": []})
    };
    let feature = |at: usize, name: &str, dtype: &str| json!({"feature_idx": at, "name": name, "type": value(dtype)});
    let features = json!([
        feature(0, "id", "int64"),
        feature(1, "name", "string"),
        feature(2, "square", "int64"),
        feature(3, "even", "bool")
    ]);
    let expected = json!({"features": features, "rows": [row(990), row(991)], "num_rows_total": 1000,
        "num_rows_per_page": 100, "partial": false});
    assert_eq!(page, expected);
    let all = ok(&server, &ada, &format!("rows?{SPLIT}")).await;
    assert_eq!((numbers_of(&all).len(), &all["num_rows_total"]), (100, &json!(1000)));
    let behind = ok(&server, &ada, &format!("rows?{SPLIT}&offset=5000")).await;
    assert_eq!((&behind["rows"], &behind["num_rows_total"]), (&json!([]), &json!(1000)));

    let first = ok(&server, &ada, &format!("first-rows?{SPLIT}")).await;
    assert_eq!(
        (&first["dataset"], &first["config"], &first["split"]),
        (&json!("ada/data"), &json!("default"), &json!("train"))
    );
    assert_eq!(
        (&first["features"], numbers_of(&first), &first["truncated"]),
        (&features, (0..100).collect(), &json!(true))
    );

    // Filtered rows keep their numbers, and all of them are counted.
    let filter = query(&[("where", "even AND id >= 500"), ("orderby", "\"square\" DESC"), ("length", "3")]);
    let page = ok(&server, &ada, &format!("filter?{SPLIT}&{filter}")).await;
    assert_eq!((numbers_of(&page), &page["num_rows_total"]), (vec![998, 996, 994], &json!(250)));
    assert_eq!((&page["rows"][0], &page["features"]), (&row(998), &features));
    let page =
        ok(&server, &ada, &format!("filter?{SPLIT}&offset=249&{}", query(&[("where", "even AND id >= 500")]))).await;
    assert_eq!((numbers_of(&page), &page["num_rows_total"]), (vec![998], &json!(250)));
    let page = ok(&server, &ada, &format!("filter?{SPLIT}&length=2&orderby=even,id%20DESC")).await;
    assert_eq!((numbers_of(&page), &page["num_rows_total"]), (vec![999, 997], &json!(1000)));
    let found = ok(&server, &ada, &format!("search?{SPLIT}&query=N000009&length=4")).await;
    assert_eq!((numbers_of(&found), &found["num_rows_total"]), (vec![90, 91, 92, 93], &json!(10)), "in any case");

    let summary = ok(&server, &ada, &format!("statistics?{SPLIT}")).await;
    assert_eq!((&summary["num_examples"], &summary["partial"]), (&json!(1000), &json!(false)));
    let kinds: Vec<_> = summary["statistics"].as_array().unwrap().iter().map(|column| &column["column_type"]).collect();
    assert_eq!(json!(kinds), json!(["int", "string_text", "int", "bool"]));
    let of_id = &summary["statistics"][0]["column_statistics"];
    assert_eq!(
        (&of_id["min"], &of_id["max"], &of_id["median"], &of_id["nan_count"]),
        (&json!(0), &json!(999), &json!(499.5), &json!(0))
    );
    assert_eq!(of_id["histogram"]["hist"], json!(vec![100; 10]));
    assert_eq!(of_id["histogram"]["bin_edges"].as_array().unwrap().len(), 11);
    let of_name = &summary["statistics"][1]["column_statistics"];
    let histogram = json!({"hist": [1000], "bin_edges": [8, 8]});
    assert_eq!((&of_name["min"], &of_name["mean"], &of_name["histogram"]), (&json!(8), &json!(8.0), &histogram));
    let frequencies = json!({"False": 500, "True": 500});
    assert_eq!(summary["statistics"][3]["column_statistics"]["frequencies"], frequencies);
}

#[tokio::test]
async fn nested_and_long_values() {
    let (server, ada) = server().await;
    let line = |id: u64| {
        json!({"id": id, "tags": ["ä".repeat(60), "b"], "at": {"lat": 1.5}, "text": "x".repeat(9000)}).to_string()
    };
    let lines: Vec<String> = (0..200).map(|at| line(at + 9_007_199_254_740_993)).collect();
    put(&server, &ada, "lines.jsonl", lines.join("\n")).await;
    let page = ok(&server, &ada, &format!("rows?{SPLIT}&length=1")).await;
    let types: Vec<_> = page["features"].as_array().unwrap().iter().map(|feature| &feature["type"]).collect();
    let list = json!({"feature": value("string"), "_type": "List"});
    assert_eq!(json!(types), json!([value("int64"), list, {"lat": value("float64")}, value("string")]));
    let row = &page["rows"][0]["row"];
    assert_eq!(
        (&row["id"], &row["tags"][1], &row["at"]),
        (&json!(9_007_199_254_740_993_u64), &json!("b"), &json!({"lat": 1.5}))
    );

    let first = ok(&server, &ada, &format!("first-rows?{SPLIT}")).await;
    assert_eq!((numbers_of(&first).len(), &first["truncated"]), (100, &json!(true)), "100 rows are short enough");
    let long: Vec<String> = (0..20).map(|id| json!({"id": id, "text": "é".repeat(90_000)}).to_string()).collect();
    put(&server, &ada, "lines.jsonl", long.join("\n")).await;
    let first = ok(&server, &ada, &format!("first-rows?{SPLIT}")).await;
    let rows = first["rows"].as_array().unwrap();
    assert_eq!((rows.len(), &first["truncated"]), (10, &json!(true)));
    assert_eq!((&rows[0]["truncated_cells"], &rows[9]["truncated_cells"]), (&json!([]), &json!(["text"])));
    assert_eq!(rows[9]["row"]["text"].as_str().unwrap().len(), 99, "a quote and whole characters");

    let summary = ok(&server, &ada, &format!("statistics?{SPLIT}")).await;
    assert_eq!(summary["statistics"][1]["column_type"], "string_label");
}

#[tokio::test]
async fn datasets_are_described() {
    let (server, ada) = server().await;
    put(&server, &ada, "sub dir/a.parquet", parquet_file()).await;
    let reply = get(&server, Some(&ada.token), "parquet?dataset=ada/data").await;
    let commit = reply.header("x-revision").to_owned();
    let size = parquet_file().len();
    let url = format!("{}/datasets/ada/data/resolve/{commit}/sub%20dir/a.parquet", server.url);
    let file = json!({"dataset": "ada/data", "config": "default", "split": "train", "url": url, "filename": "a.parquet", "size": size});
    assert_eq!(reply.json(), json!({"parquet_files": [file], "pending": [], "failed": [], "partial": false}));
    let moved = Reply::of(server.http.get(&url).basic_auth("x", Some(&ada.token))).await;
    let bytes = Reply::of(server.http.get(moved.header("location"))).await;
    assert_eq!(bytes.body, parquet_file());

    let info = ok(&server, &ada, "info?dataset=ada/data").await;
    assert_eq!((&info["partial"], &info["pending"], &info["failed"]), (&json!(false), &json!([]), &json!([])));
    let of_default = &info["dataset_info"]["default"];
    assert_eq!(of_default["features"], json!({"id": value("int64"), "seen": value("timestamp[us, tz=UTC]")}));
    assert_eq!(of_default["splits"], json!({"train": {"name": "train", "num_examples": 2, "dataset_name": null}}));
    assert_eq!((&of_default["builder_name"], &of_default["download_size"]), (&json!("parquet"), &json!(size)));
    let one = ok(&server, &ada, "info?dataset=ada/data&config=default").await;
    assert_eq!(&one["dataset_info"], of_default);
    let named =
        ok(&server, &ada, &format!("rows?dataset=ada/data&split=train&{}", query(&[("config", "sub dir/a.parquet")])))
            .await;
    assert_eq!(numbers_of(&named), [0, 1], "a table by its name");

    put(&server, &ada, "more.csv", "a,b\n1,x\n2,\n3,y\n").await;
    put(&server, &ada, "broken.parquet", "PAR1 no PAR1").await;
    let name = |config: &str| json!({"dataset": "ada/data", "config": config, "split": "train"});
    let splits = ok(&server, &ada, "splits?dataset=ada/data").await;
    let all = json!([name("broken.parquet"), name("more.csv"), name("sub dir/a.parquet")]);
    assert_eq!(splits, json!({"splits": all, "pending": [], "failed": []}));
    let parquet = ok(&server, &ada, "parquet?dataset=ada/data").await;
    assert_eq!(
        (parquet["parquet_files"].as_array().unwrap().len(), &parquet["failed"][0]["config"]),
        (2, &json!("more.csv"))
    );
    assert!(parquet["failed"][0]["error"]["error"].as_str().unwrap().contains("convert it to Parquet"), "{parquet}");
    let info = ok(&server, &ada, "info?dataset=ada/data").await;
    assert_eq!((&info["partial"], &info["failed"][0]["config"]), (&json!(true), &json!("broken.parquet")));
    assert_eq!(info["dataset_info"]["more.csv"]["features"], json!({"a": value("int64"), "b": value("string")}));
    let sizes = ok(&server, &ada, "size?dataset=ada/data").await;
    let whole = &sizes["size"]["dataset"];
    assert_eq!((&whole["num_rows"], &whole["num_bytes_parquet_files"]), (&json!(5), &json!(size)));
    assert_eq!(whole["num_bytes_original_files"], json!(size + 15));
    assert_eq!(sizes["size"]["configs"][0]["num_columns"], 2);
    assert_eq!(
        (&sizes["size"]["splits"][0]["num_rows"], &sizes["failed"][0]["config"]),
        (&json!(3), &json!("broken.parquet"))
    );
    let all = json!({"preview": true, "viewer": true, "search": true, "filter": true, "statistics": true});
    assert_eq!(ok(&server, &ada, "is-valid?dataset=ada/data").await, all);
    // An older revision still has one table only.
    let before = ok(&server, &ada, &format!("splits?dataset=ada/data&revision={commit}")).await;
    assert_eq!(before["splits"], json!([name("default")]));

    // As the card says.
    let card = "---\nconfigs:\n- config_name: own\n  data_files:\n  - split: test\n    path: 'sub*/*.parquet'\n---\n";
    put(&server, &ada, "README.md", card).await;
    let splits = ok(&server, &ada, "splits?dataset=ada/data").await;
    assert_eq!(splits["splits"], json!([{"dataset": "ada/data", "config": "own", "split": "test"}]));
    let page = ok(&server, &ada, "rows?dataset=ada/data&config=own&split=test").await;
    assert_eq!(page["num_rows_total"], 2);
    assert_eq!(get(&server, Some(&ada.token), "rows?dataset=ada/data&config=own&split=train").await.status, 404);
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one server, and all that is refused")]
async fn nothing_is_reached_that_is_not_allowed() {
    let (server, ada) = server().await;
    let mallory = server.person("mallory").await;
    put(&server, &ada, "t.csv", "id,o'clock,\"say \"\"x\"\"\"\n1,a%b_c,noon\n2,A'B,\\\n3,,midnight\n").await;
    server.dataset("ada/public", Visibility::Public).await;
    let routes =
        ["is-valid", "splits", "first-rows", "rows", "search", "filter", "statistics", "size", "parquet", "info"];
    for route in routes {
        // A dataset that one may not see is like one that does not exist.
        for dataset in ["ada/data", "ada/none", "no/%2e%2e", "x", "a/b/c/d"] {
            let url = format!("{route}?dataset={dataset}&config=default&split=train&query=a");
            for (token, status, code) in [
                (None, 401, "ExternalUnauthenticatedError"),
                (Some(&*mallory.token), 404, "ExternalAuthenticatedError"),
                (Some("rut_wrong"), 401, "ExternalUnauthenticatedError"),
            ] {
                let reply = get(&server, token, &url).await;
                assert_eq!((reply.status, reply.header("x-error-code")), (status, code), "{url} {}", reply.text());
                assert!(reply.json()["error"].is_string() && reply.header("x-revision").is_empty(), "{url}");
            }
        }
        let missing = get(&server, None, route).await;
        assert_eq!((missing.status, missing.header("x-error-code")), (422, "MissingRequiredParameter"), "{route}");
        // On the other host it is the same, and no other URL is there.
        let on_host = |path: String, host: &str| server.request("GET", &path, Some(&ada.token)).header("host", host);
        let host = format!("datasets-server.{}", server.url.strip_prefix("http://").unwrap());
        let rest = format!("{route}?{SPLIT}&query=a");
        let direct = get(&server, Some(&ada.token), &rest).await;
        let reply = Reply::of(on_host(format!("/{rest}"), &host)).await;
        assert_eq!((reply.status, reply.json()), (200, direct.json()), "{route}");
        let private = Reply::of(server.request("GET", &format!("/{rest}"), None).header("host", &host)).await;
        assert_eq!(private.status, 401, "{route}");
        for other in [&host["datasets-server.".len()..], "xdatasets-server.a", "a.datasets-server.b", "datasets-server"]
        {
            let reply = Reply::of(on_host(format!("/{rest}"), other)).await;
            // Nothing, or a page of the same name.
            let is_page = reply.header("content-type").starts_with("text/html");
            assert!(reply.header("x-revision").is_empty() && (is_page || reply.status == 404), "{route} {other}");
        }
    }
    let host = "datasets-server.localhost";
    for (path, status) in
        [("/api/v1/user", 200), ("/viewer/rows", 422), ("/rows/x", 404), ("/viewer/no", 404), ("/nothing", 404)]
    {
        let reply = Reply::of(server.request("GET", path, Some(&ada.token)).header("host", host)).await;
        assert_eq!(reply.status, status, "{path}: {}", reply.text());
    }
    let post = Reply::of(server.request("POST", "/rows", Some(&ada.token)).header("host", host)).await;
    assert_eq!(post.status, 405);

    for (rest, status, code) in [
        ("rows?dataset=ada/data", 422, "MissingRequiredParameter"),
        ("rows?dataset=ada/data&config=default", 422, "MissingRequiredParameter"),
        ("search?dataset=ada/data&config=default&split=train", 422, "MissingRequiredParameter"),
        ("rows?dataset=ada/data&config=none&split=train", 404, "ResponseNotFound"),
        ("rows?dataset=ada/data&config=default&split=test", 404, "ResponseNotFound"),
        ("rows?dataset=ada/data&config=../t.csv&split=train", 404, "ResponseNotFound"),
        ("splits?dataset=ada/data&config=none", 404, "ResponseNotFound"),
        ("splits?dataset=ada/data&revision=none", 404, "ResponseNotFound"),
        ("splits?dataset=ada/public", 404, "ResponseNotFound"),
    ] {
        let reply = get(&server, Some(&ada.token), rest).await;
        // A config that does not exist is only looked up as a table when it is read.
        assert_eq!((reply.status, reply.header("x-error-code")), (status, code), "{rest}: {}", reply.text());
    }
    for bad in [
        "length=101",
        "length=-1",
        "length=99999999999999999999",
        "offset=-1",
        "offset=18446744073709551615",
        "offset=x",
        "length=",
    ] {
        let reply = get(&server, Some(&ada.token), &format!("rows?{SPLIT}&{bad}")).await;
        assert_eq!((reply.status, reply.header("x-error-code")), (422, "InvalidParameter"), "{bad}: {}", reply.text());
    }
    let last = ok(&server, &ada, &format!("rows?{SPLIT}&offset=9007199254740991")).await;
    assert_eq!((&last["rows"], &last["num_rows_total"]), (&json!([]), &json!(3)));

    // A text to search for is never part of the expression.
    for (text, expected) in [
        ("%", vec![0]),
        ("_", vec![0]),
        ("a'b", vec![1]),
        ("\\", vec![1]),
        ("NIGHT", vec![2]),
        ("') OR true OR contains('a", vec![]),
        ("'; DROP TABLE t; --", vec![]),
        ("\"id\"", vec![]),
        ("1", vec![]),
        ("'", vec![1]),
    ] {
        let found = ok(&server, &ada, &format!("search?{SPLIT}&{}", query(&[("query", text)]))).await;
        assert_eq!(numbers_of(&found), expected, "{text}");
    }
    let long = get(&server, Some(&ada.token), &format!("search?{SPLIT}&query={}", "x".repeat(1001))).await;
    assert_eq!(long.status, 422, "{}", long.text());
    for bad in [
        "id = 1; DROP TABLE t",
        "id IN (SELECT 1)",
        "true) OR (true",
        "id = 1 UNION SELECT 1",
        "no_such = 1",
        "id",
        "count(*) > 1",
        "EXISTS (SELECT 1 FROM 'other.csv')",
    ] {
        let reply = get(&server, Some(&ada.token), &format!("filter?{SPLIT}&{}", query(&[("where", bad)]))).await;
        assert_eq!((reply.status, reply.header("x-error-code")), (422, "InvalidParameter"), "{bad}: {}", reply.text());
    }
    for bad in ["id; DROP", "(SELECT 1)", "none", "random()", "id DESC NULLS FIRST", "\"id"] {
        let reply = get(&server, Some(&ada.token), &format!("filter?{SPLIT}&{}", query(&[("orderby", bad)]))).await;
        assert_eq!(reply.status, 422, "{bad}: {}", reply.text());
    }
    let page = ok(&server, &ada, &format!("filter?{SPLIT}&{}", query(&[("orderby", "\"say \"\"x\"\"\" DESC")]))).await;
    assert_eq!(numbers_of(&page), [0, 2, 1]);
    let large = get(&server, Some(&ada.token), &format!("filter?{SPLIT}&where=true&offset=100000")).await;
    assert_eq!(large.status, 422, "{}", large.text());
}
