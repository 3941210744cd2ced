//! Pages of rows: every format, every offset, filters, order and columns.

use rutter_testing::parquet_file;
use serde_json::json;

use super::{get, ids, numbers, ok, put, query, rows_of, server};

#[tokio::test]
async fn every_format_has_rows() {
    let (server, ada) = server().await;
    let utf_16: Vec<u8> =
        "\u{feff}größe;note\r\n1,5;\"a\r\nb\"\r\n2;€\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let lines = "{\"id\":9007199254740993,\"seen\":\"2025-01-02\",\"tags\":[18446744073709551615]}\n";
    let gzip = |text: &str| {
        use std::io::Write as _;
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        writer.write_all(text.as_bytes()).unwrap();
        writer.finish().unwrap()
    };
    for (name, bytes, fields, rows) in [
        ("plain.csv", b"a,b\n1,x\n,y\n".to_vec(), json!(["a: integer", "b: string"]), json!([[1, "x"], [null, "y"]])),
        ("utf-16.csv", utf_16, json!(["größe: number", "note: string"]), json!([[1.5, "a\r\nb"], [2.0, "€"]])),
        (
            "windows.tsv",
            b"note\tn\n\x80 \x93x\x94\t1\n".to_vec(),
            json!(["note: string", "n: integer"]),
            json!([["€ “x”", 1]]),
        ),
        (
            "lines.jsonl",
            lines.into(),
            json!(["id: integer", "seen: date", "tags: array"]),
            json!([["9007199254740993", "2025-01-02", ["18446744073709551615"]]]),
        ),
        ("small.csv.gz", gzip("a\n1\n2\n"), json!(["a: integer"]), json!([[1], [2]])),
        ("small.ndjson.gz", gzip("{\"a\":true}\n"), json!(["a: boolean"]), json!([[true]])),
        ("table.parquet", parquet_file(), json!(["id: integer", "seen: datetime"]), json!([[1, null], [2, null]])),
        ("empty.csv", Vec::new(), json!([]), json!([])),
        ("header.csv", b"a,b\n".to_vec(), json!(["a: string", "b: string"]), json!([])),
    ] {
        put(&server, &ada, name, bytes).await;
        let page = ok(&server, &ada, &format!("rows/{name}?revision=main")).await;
        let types: Vec<String> = page["fields"]
            .as_array()
            .unwrap()
            .iter()
            .map(|field| format!("{}: {}", field["name"].as_str().unwrap(), field["type"].as_str().unwrap()))
            .collect();
        assert_eq!((json!(types), &page["rows"]), (fields, &rows), "{name}");
        assert_eq!(
            (&page["total"], &page["more"], &page["offset"]),
            (&json!(rows.as_array().unwrap().len()), &json!(false), &json!(0)),
            "{name}"
        );
        let head =
            server.call(Some(&ada.token), "GET", "/api/v1/datasets/ada/data/revisions/HEAD", json!(null)).await.json();
        assert_eq!(page["commit"], head["revision"], "{name}");
        let by_name = format!("/api/v1/datasets/ada/data/rows/HEAD/{name}");
        let by_name = server.call(Some(&ada.token), "GET", &by_name, json!(null)).await;
        assert_eq!(by_name.json(), page, "{name}: the dataset's route says the same");
    }
    for (name, bytes, status, says) in [
        ("archive.csv", b"PK\x03\x04\0\0\0\0".to_vec(), 422, "not text"),
        ("bad.parquet", b"not at all".to_vec(), 422, "Parquet"),
        ("bad.jsonl", b"{\"a\":1}\nno json\n".to_vec(), 422, "row 2"),
        ("note.txt", b"a,b\n".to_vec(), 415, "parquet"),
    ] {
        put(&server, &ada, name, bytes).await;
        let reply = get(&server, Some(&ada.token), &format!("rows/{name}")).await;
        assert_eq!((reply.status, reply.text().contains(says)), (status, true), "{name}: {}", reply.text());
    }
}

#[tokio::test]
async fn pages_are_slices_of_the_table() {
    let (server, ada) = server().await;
    put(&server, &ada, "numbers.csv", numbers(35_000)).await;
    let page = ok(&server, &ada, "rows/numbers.csv").await;
    assert_eq!((rows_of(&page).len(), &page["more"]), (100, &json!(true)));
    for offset in [34_990, 12_345, 9_999, 10_000, 0, 34_999] {
        let page = ok(&server, &ada, &format!("rows/numbers.csv?offset={offset}&limit=20")).await;
        let expected: Vec<i64> = (offset..(offset + 20).min(35_000)).collect();
        assert_eq!(ids(&page), expected, "{offset}");
        assert_eq!(page["more"], json!(offset + 20 < 35_000), "{offset}");
    }
    // Since the end was read, the number of rows is known.
    assert_eq!(ok(&server, &ada, "rows/numbers.csv?limit=3").await["total"], 35_000);
    let beyond = ok(&server, &ada, "rows/numbers.csv?offset=40000").await;
    assert_eq!((&beyond["rows"], &beyond["more"], &beyond["total"]), (&json!([]), &json!(false), &json!(35_000)));
}

#[tokio::test]
async fn rows_are_filtered_sorted_and_projected() {
    let (server, ada) = server().await;
    put(&server, &ada, "numbers.csv", numbers(5000)).await;
    let with = async |pairs: &[(&str, &str)]| ok(&server, &ada, &format!("rows/numbers.csv?{}", query(pairs))).await;
    let page = with(&[("where", "square > 100 AND even AND name LIKE '%3_'"), ("limit", "3")]).await;
    assert_eq!((ids(&page), &page["more"]), (vec![30, 32, 34], &json!(true)));
    let page = with(&[("sort", "even,-id"), ("limit", "2"), ("columns", "id,even")]).await;
    assert_eq!(page["rows"], json!([[4999, false], [4997, false]]));
    assert_eq!(page["fields"].as_array().unwrap().len(), 2);
    let page = with(&[("where", "id IN (1, 3)"), ("columns", "name")]).await;
    assert_eq!((&page["rows"], &page["total"]), (&json!([["n0000001"], ["n0000003"]]), &json!(2)));
    let page = with(&[("where", "ID BETWEEN 10 AND 12"), ("sort", "-square"), ("offset", "1")]).await;
    assert_eq!(ids(&page), [11, 10], "names that are not quoted are found in any case");
    for (pairs, says) in [
        (&[("where", "nmae = 'x'")][..], "name"),
        (&[("where", "id >")], "where"),
        (&[("where", "id IN (SELECT 1)")], "subquer"),
        (&[("where", "sum(id) > 1")], "aggregate"),
        (&[("sort", "color")], "color"),
        (&[("columns", "color")], "color"),
        (&[("where", "id = 1; DROP TABLE t")], "where"),
        (&[("where", "true"), ("offset", "100000")], "100000"),
    ] {
        let reply = get(&server, Some(&ada.token), &format!("rows/numbers.csv?{}", query(pairs))).await;
        assert_eq!(reply.status, 422, "{pairs:?}: {}", reply.text());
        assert!(reply.text().contains(says), "{pairs:?}: {}", reply.text());
    }
    // Of the right form, but not of the column's type.
    put(&server, &ada, "mixed.csv", "n\n".to_owned() + &"1\n".repeat(12_000) + "two\n").await;
    let page = ok(&server, &ada, "rows/mixed.csv?offset=11999").await;
    assert_eq!(page["rows"], json!([[1], ["two"]]), "a page shows it as it is");
    let reply = get(&server, Some(&ada.token), "rows/mixed.csv?sort=n").await;
    assert_eq!(reply.status, 422);
    for says in ["mixed.csv", "12001", "two", "string"] {
        assert!(reply.text().contains(says), "{says}: {}", reply.text());
    }
}

#[tokio::test]
async fn rows_are_exported() {
    let (server, ada) = server().await;
    put(&server, &ada, "numbers.csv", numbers(3000)).await;
    let export = async |tail: &str| get(&server, Some(&ada.token), &format!("rows/numbers.csv?{tail}")).await;
    let csv = export("format=csv").await;
    assert_eq!((csv.status, csv.header("content-type")), (200, "text/csv"));
    assert_eq!(csv.text().replace("\r\n", "\n"), numbers(3000), "all rows, up to 100,000");
    assert!(csv.header("content-disposition").contains("numbers.csv"), "{}", csv.header("content-disposition"));
    let commit = ok(&server, &ada, "rows/numbers.csv?limit=1").await["commit"].as_str().unwrap().to_owned();
    assert_eq!(csv.header("rutter-sources"), format!("ada/data@{commit}"));
    let parquet = export("format=parquet&where=id%3C7&columns=name,id").await;
    assert_eq!((parquet.status, parquet.header("content-type")), (200, "application/vnd.apache.parquet"));
    // The exported file is a table again.
    put(&server, &ada, "part.parquet", parquet.body.clone()).await;
    let page = ok(&server, &ada, "rows/part.parquet?offset=5").await;
    assert_eq!((&page["rows"], &page["total"]), (&json!([["n0000005", 5], ["n0000006", 6]]), &json!(7)));
    let arrow = export("format=arrow&limit=5").await;
    assert_eq!((arrow.status, arrow.header("content-type")), (200, "application/vnd.apache.arrow.stream"));
    assert_eq!(arrow.body[..4], [0xff; 4], "the continuation marker of a stream");
    let request = server.request("GET", "/api/v1/drive/ada/data/rows/numbers.csv?limit=2", Some(&ada.token));
    let reply = rutter_testing::Reply::of(request.header("accept", "text/csv;q=1, */*")).await;
    assert_eq!(reply.text().replace("\r\n", "\n"), numbers(2));
    for bad in ["format=xls", "limit=1001", "limit=0", "format=csv&limit=100001", "columns=", "sort=%22a"] {
        assert_eq!(export(bad).await.status, 422, "{bad}");
    }
}

#[tokio::test]
async fn statistics_describe_columns() {
    let (server, ada) = server().await;
    let mut text = "n,word,day,gap\n".to_owned();
    for n in 0..1000 {
        let word = if n % 10 == 0 { "owl" } else { "tit" };
        text.push_str(&format!("{n},{word},2024-01-{:02},\n", n % 20 + 1));
    }
    put(&server, &ada, "t.csv", text).await;
    let found = ok(&server, &ada, "statistics/t.csv").await;
    assert_eq!((&found["rows"], &found["is_complete"]), (&json!(1000), &json!(true)));
    assert_eq!(found["commit"], ok(&server, &ada, "rows/t.csv?limit=1").await["commit"]);
    let [n, word, day, gap] = &found["columns"].as_array().unwrap()[..] else { panic!("{found}") };
    assert_eq!(
        (&n["name"], &n["type"], &n["count"], &n["nulls"]),
        (&json!("n"), &json!("integer"), &json!(1000), &json!(0))
    );
    assert_eq!((&n["min"], &n["max"], &n["mean"]), (&json!(0), &json!(999), &json!(499.5)));
    let counts: Vec<u64> =
        n["histogram"]["counts"].as_array().unwrap().iter().map(|count| count.as_u64().unwrap()).collect();
    assert_eq!((counts.len(), counts.iter().sum::<u64>()), (20, 1000));
    assert_eq!(n["histogram"]["edges"].as_array().unwrap().len(), 21);
    let median = n["quartiles"][1].as_f64().unwrap();
    assert!((480.0..520.0).contains(&median), "{median}");
    assert_eq!(word["top"], json!([{"value": "tit", "count": 900}, {"value": "owl", "count": 100}]));
    assert_eq!(
        (&day["type"], &day["min"], &day["max"], &day["distinct"]),
        (&json!("date"), &json!("2024-01-01"), &json!("2024-01-20"), &json!(20))
    );
    assert_eq!((&gap["count"], &gap["nulls"]), (&json!(0), &json!(1000)));
    let by_name =
        server.call(Some(&ada.token), "GET", "/api/v1/datasets/ada/data/statistics/main/t.csv", json!(null)).await;
    assert_eq!(by_name.json(), found);
}
