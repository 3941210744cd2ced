//! Tables that were made to do harm. `tests/stories/large_tables.rs` damages tables.

use std::io::Write as _;

use super::{get, ok, put, rows_of, server};

#[tokio::test]
async fn bombs_end_within_their_limits() {
    let (server, ada) = server().await;
    // A quarter of a gigabyte of one character, in a quarter of a megabyte.
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    for _ in 0..256 {
        writer.write_all(&vec![b'a'; 1 << 20]).unwrap();
    }
    put(&server, &ada, "bomb.csv.gz", writer.finish().unwrap()).await;
    // A row of two megabytes, deep JSON, very many columns.
    put(&server, &ada, "row.csv", format!("a,b\n\"{}\n", "x".repeat(2 << 20))).await;
    put(&server, &ada, "deep.jsonl", format!("{{\"a\":{}1{}}}\n", "[".repeat(100_000), "]".repeat(100_000))).await;
    put(&server, &ada, "wide.csv", format!("{}\n", ",".repeat(20_000))).await;
    let footer = {
        let mut bytes = b"PAR1".to_vec();
        bytes.extend_from_slice(&u32::MAX.to_le_bytes());
        bytes.extend_from_slice(b"PAR1");
        bytes
    };
    put(&server, &ada, "footer.parquet", footer).await;
    for name in ["bomb.csv.gz", "row.csv", "deep.jsonl", "wide.csv", "footer.parquet"] {
        for rest in [format!("rows/{name}"), format!("statistics/{name}")] {
            let reply = get(&server, Some(&ada.token), &rest).await;
            // Values of nested columns are only counted.
            let expected = if rest == "statistics/deep.jsonl" { 200 } else { 422 };
            assert_eq!(reply.status, expected, "{rest}: {}", reply.text().chars().take(300).collect::<String>());
            assert!(reply.text().len() < 2000, "{rest}");
        }
    }
    put(&server, &ada, "fine.csv", "a\n1\n").await;
    assert_eq!(rows_of(&ok(&server, &ada, "rows/fine.csv").await).len(), 1);
}
