//! Requests for tables in every way that the APIs have, whose responses must not say where data is stored.

use std::fmt::Write as _;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::Reply;

/// A user of a server, with the dataset `ada/tables`.
pub struct TableClient<'a> {
    pub http: &'a reqwest::Client,
    pub url: &'a str,
    pub token: &'a str,
}

impl TableClient<'_> {
    async fn send(&self, method: Method, rest: &str, body: Option<Vec<u8>>, is_json: bool) -> Reply {
        let mut request = self.http.request(method, format!("{}/{rest}", self.url)).bearer_auth(self.token);
        if is_json {
            request = request.header("content-type", "application/json");
        }
        Reply::of(request.body(body.unwrap_or_default())).await
    }

    async fn get(&self, rest: &str) -> Reply {
        self.send(Method::GET, rest, None, false).await
    }

    async fn post(&self, rest: &str, body: &Value) -> Reply {
        self.send(Method::POST, rest, Some(body.to_string().into_bytes()), true).await
    }

    async fn put(&self, path: &str, content: Vec<u8>) {
        let reply =
            self.send(Method::PUT, &format!("api/v1/drive/ada/tables/files/{path}"), Some(content), false).await;
        assert!(reply.status < 300, "{path}: {} {}", reply.status, reply.text());
    }

    /// Creates the dataset with tables in the store, two revisions of each: `t.csv` and `t.parquet`, those that are damaged,
    /// and `lost.csv`.
    pub async fn create_tables(&self) {
        let made = self.post("api/v1/datasets", &json!({"id": "ada/tables", "visibility": "public"})).await;
        assert_eq!(made.status, 201, "{}", made.text());
        for revision in 0_u8..2 {
            let mut table = "id,name,share\n".to_owned();
            for id in 0_u32..60_000 {
                writeln!(table, "{id},n{id:07},{}.5", id + u32::from(revision)).unwrap();
            }
            // It is not UTF-8, so it is not stored in git.
            let table = [table.as_bytes(), b"60000,\xe9,1\n"].concat();
            self.put(
                "lost.csv",
                [&b"id,name,share\n1,lost,"[..], revision.to_string().as_bytes(), &table[13..]].concat(),
            )
            .await;
            self.put("t.csv", table).await;
            self.put("damaged.parquet", [&b"PAR1"[..], &[0xff; 3000][..], &[revision], b"PAR1"].concat()).await;
            self.put(
                "damaged.csv",
                [format!("{revision},\"").as_bytes(), &b"\xe9"[..], &b"x".repeat(2 << 20)].concat(),
            )
            .await;
            let converted = self.converted(&json!({"path": "t.csv", "overwrite": true})).await;
            assert_eq!(converted.json()["state"], "done", "{}", converted.text());
            if revision == 0 {
                let made = self.post("api/v1/datasets/ada/tables/tags", &json!({"name": "v1"})).await;
                assert_eq!(made.status, 201, "{}", made.text());
            }
        }
    }

    /// Converts a table; returns the state in the end, or the error. A file that cannot be read is tried again and again.
    async fn converted(&self, body: &Value) -> Reply {
        let mut reply = self.post("api/v1/datasets/ada/tables/convert", body).await;
        if reply.status == 202 {
            let state = format!("api/v1/datasets/ada/tables/derivations/{}", reply.json()["id"].as_str().unwrap());
            for _ in 0..400 {
                reply = self.get(&state).await;
                if !reply.json()["finished"].is_null() || !reply.json()["error"].is_null() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(25)).await;
            }
        }
        reply
    }

    /// Sends all requests for a table; returns what they are, and their responses with the headers.
    pub async fn responses(&self, table: &str) -> Vec<(String, Reply)> {
        let data = "api/v1/datasets/ada/tables";
        let mut gets: Vec<String> = [
            format!("rows/HEAD/{table}?limit=5"),
            format!("rows/HEAD/{table}?where=share%20>%201%20AND%20wrong"),
            format!("rows/HEAD/{table}?where=share%20>%205&sort=-name"),
            format!("statistics/HEAD/{table}"),
            format!("diff/rows?table={table}&from=v1&key=id"),
            format!("diff/rows?table={table}&from=v1&key=id&format=csv"),
            format!("diff/rows?table={table}&from=v1&key=id&format=daff"),
            "tables/HEAD".to_owned(),
        ]
        .map(|rest| format!("{data}/{rest}"))
        .into();
        gets.extend(["csv", "parquet", "arrow"].map(|kind| format!("{data}/rows/HEAD/{table}?format={kind}&limit=5")));
        gets.push(format!("api/v1/drive/ada/tables/rows/{table}?limit=6"));
        gets.push(format!("api/v1/drive/ada/tables/statistics/{table}"));
        gets.extend(
            [
                "is-valid?",
                "splits?",
                "size?",
                "parquet?",
                "info?",
                "first-rows?config=default&split=t&",
                "statistics?config=default&split=t&",
            ]
            .map(|call| format!("viewer/{call}dataset=ada/tables")),
        );
        let mut replies = Vec::new();
        for get in gets {
            let reply = self.get(&get).await;
            replies.push((get, reply));
        }
        for (rest, body) in
            [("infer", json!({"path": table})), ("describe", json!({"tables": [table], "dry_run": true}))]
        {
            let reply = self.post(&format!("{data}/{rest}"), &body).await;
            replies.push((format!("{rest} {body}"), reply));
        }
        let copy = json!({"path": table, "to": format!("copies/{table}.parquet")});
        replies.push((format!("convert {copy}"), self.converted(&copy).await));
        for query in [
            format!("SELECT * FROM \"{table}\" WHERE id < 3"),
            format!("SELECT nothing FROM \"{table}\""),
            format!("SELECT arrow_cast(name, 'Int8') FROM \"{table}\""),
            format!("EXPLAIN SELECT name FROM \"{table}\" WHERE id > 3 ORDER BY name LIMIT 4"),
            format!("EXPLAIN FORMAT TREE SELECT name FROM \"{table}\" WHERE id > 3 ORDER BY name"),
            format!("EXPLAIN FORMAT PGJSON SELECT a.id FROM \"{table}\" a JOIN \"{table}\" b USING (id)"),
            format!("EXPLAIN ANALYZE SELECT name FROM \"{table}\""),
            format!("DESCRIBE \"{table}\""),
            format!("SELECT * FROM row_diff('ada/tables@v1', 'ada/tables', '{table}', 'id') LIMIT 3"),
            "SELECT * FROM \"/etc/passwd\"".to_owned(),
            "SELECT * FROM information_schema.tables".to_owned(),
        ] {
            for format in ["json", "csv", "parquet", "arrow"] {
                let reply =
                    self.post("api/v1/sql", &json!({"query": query, "default": "ada/tables", "format": format})).await;
                replies.push((format!("{query} as {format}"), reply));
            }
        }
        replies
    }
}

/// Panics if a response has one of these texts.
pub fn assert_hidden(replies: &[(String, Reply)], hidden: &[String]) {
    for (request, reply) in replies {
        let text = format!("{:?}\n{}", reply.headers, reply.text());
        for hidden in hidden {
            assert!(!text.contains(hidden.as_str()), "{hidden}: {request}: {} {text}", reply.status);
        }
    }
}
