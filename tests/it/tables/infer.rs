//! Columns of tables, inferred by the server.

use rutter::types::Visibility;
use rutter_testing::{Reply, Server, parquet_file, story};
use serde_json::{Value, json};

const ROOT: &str = "/api/v1/datasets/ada/tables";

async fn send(server: &Server, token: Option<&str>, tail: &str, body: &Value) -> Reply {
    let request = server.request("POST", &format!("{ROOT}{tail}"), token);
    Reply::of(request.header("content-type", "application/json").body(body.to_string())).await
}

story! {
    on(sqlite) async fn columns_are_inferred_from_files_and_from_objects(server: Server) {
        let ada = server.person("ada").await;
        server.dataset("ada/tables", Visibility::Public).await;
        let token = Some(ada.token.as_str());
        let rows: Vec<String> = (0..200_000).map(|row| format!("{row};2024-01-02;x\n")).collect();
        let large = format!("id;day;word\n{}", rows.concat());
        let oid = server.upload(&ada.token, "ada/tables", large.as_bytes()).await;
        let table = parquet_file();
        let table_oid = server.upload(&ada.token, "ada/tables", &table).await;
        let lines = "{\"a\": 1, \"b\": \"x\"}\n{\"a\": 2.5, \"b\": null}\n";
        let put = |path: &str, content: &str| json!({"operation": "put", "path": path, "content": content});
        let operations = json!({"message": "m", "operations": [
            put("small.csv", "name,count\nowl,3\ntit,4\n"), put("lines.jsonl", lines), put("note.txt", "a,b\n1,2\n"),
            put("bad.jsonl", "[1]\n"), put("bad.parquet", "not parquet at all"), put("short.parquet", "PAR1"), put("empty.csv", ""),
            {"operation": "put", "path": "large.csv", "oid": oid, "size": large.len()},
            {"operation": "put", "path": "table.parquet", "oid": table_oid, "size": table.len()},
        ]});
        let made = send(&server, token, "/commits", &operations).await;
        assert!(made.status < 300, "{}", made.text());
        let small = send(&server, None, "/infer", &json!({"path": "small.csv"})).await;
        assert_eq!(small.status, 200, "{}", small.text());
        assert_eq!(small.json(), json!({
            "format": "csv", "encoding": "utf-8", "rows": 2, "is_complete": true,
            "dialect": {"delimiter": ",", "header": true},
            "schema": {"fields": [{"name": "name", "type": "string"}, {"name": "count", "type": "integer"}]},
        }));
        let large = send(&server, None, "/infer", &json!({"path": "large.csv", "revision": "main"})).await.json();
        assert_eq!(large["schema"]["fields"][1], json!({"name": "day", "type": "date"}));
        assert_eq!((&large["rows"], &large["is_complete"]), (&json!(10_000), &json!(false)));
        let table = send(&server, None, "/infer", &json!({"path": "table.parquet"})).await.json();
        assert_eq!(table["schema"]["fields"], json!([
            {"name": "id", "type": "integer", "constraints": {"required": true}}, {"name": "seen", "type": "datetime"},
        ]));
        assert_eq!((&table["rows"], &table["is_complete"]), (&json!(2), &json!(true)));
        let lines = send(&server, None, "/infer", &json!({"path": "lines.jsonl"})).await.json();
        assert_eq!(lines["schema"]["fields"][0], json!({"name": "a", "type": "number"}));
        let answer = send(&server, None, "/infer", &json!({"path": "note.txt", "format": "csv"})).await;
        assert_eq!((answer.status, answer.json()["rows"].clone()), (200, json!(1)));
        assert_eq!(send(&server, None, "/infer", &json!({"path": "empty.csv"})).await.json()["schema"], json!({"fields": []}));

        for (body, status, says) in [
            (json!({"path": "note.txt"}), 415, "csv"), (json!({"path": "none.csv"}), 404, "none.csv"),
            (json!({"path": "../x.csv"}), 404, ""), (json!({"path": "small.csv", "revision": "none"}), 404, "none"),
            (json!({"path": "bad.jsonl"}), 422, "row 1"), (json!({"path": "bad.parquet"}), 422, "Parquet"),
            (json!({"path": "short.parquet"}), 422, "too short"), (json!({"path": "small.csv", "format": "xls"}), 422, "csv"),
            (json!({}), 422, "path"),
        ] {
            let reply = send(&server, None, "/infer", &body).await;
            assert_eq!(reply.status, status, "{body} {}", reply.text());
            assert!(reply.json()["detail"].as_str().unwrap().contains(says), "{body} {}", reply.text());
        }
    }
}
