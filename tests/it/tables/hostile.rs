//! Tables that were made, or damaged, to do harm. The server stays up, whatever happens to an engine.

use std::io::Write as _;
use std::sync::Arc;

use arrow_array::{Int64Array, RecordBatch, StringArray};
use arrow_ipc::writer::FileWriter;
use rutter_testing::{noise, parquet_file};

use super::{get, ok, put, rows_of, server};

/// Resident memory of this process, in bytes.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    writer.write_all(text).unwrap();
    writer.finish().unwrap()
}

/// An Arrow IPC file of 50 rows.
fn arrow_file() -> Vec<u8> {
    let ids = Int64Array::from_iter_values(0..50);
    let names: StringArray = (0..50).map(|id| (id % 3 > 0).then(|| format!("n{id}"))).collect();
    let batch = RecordBatch::try_from_iter([("id", Arc::new(ids) as _), ("name", Arc::new(names) as _)]).unwrap();
    let mut writer = FileWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

#[tokio::test]
async fn damaged_tables_are_errors() {
    let (server, ada) = server().await;
    let csv = super::numbers(50);
    let line = |id| format!("{{\"id\":{id},\"tags\":[1,{{\"a\":null}}],\"x\":\"é\"}}\n");
    let lines = (0..50).map(line).collect::<Vec<_>>().concat();
    let samples = [
        ("t.csv.gz", gzip(csv.as_bytes())),
        ("t.csv", csv.into_bytes()),
        ("t.jsonl", lines.into_bytes()),
        ("t.parquet", parquet_file()),
        ("t.arrow", arrow_file()),
    ];
    // That the damage is done to something that can be read.
    for (name, sample) in &samples {
        put(&server, &ada, name, sample.clone()).await;
        assert_eq!(get(&server, Some(&ada.token), &format!("rows/{name}")).await.status, 200, "{name}");
    }
    let mut before = 0;
    for round in 0_u64..24 {
        for (number, (name, sample)) in (0_u64..).zip(&samples) {
            let mut bytes = sample.clone();
            let random = noise(round * 10 + number, 64);
            for step in random.chunks_exact(4).take(1 + usize::from(random[0] % 8)) {
                let at = usize::from(u16::from_le_bytes([step[0], step[1]])) % bytes.len();
                match step[2] % 3 {
                    0 => bytes[at] = step[3],
                    1 => bytes.truncate(at.max(1)),
                    _ => bytes.insert(at, step[3]),
                }
            }
            put(&server, &ada, name, bytes).await;
            for rest in [format!("rows/{name}?offset=1"), format!("rows/{name}?sort=id"), format!("statistics/{name}")]
            {
                let reply = get(&server, Some(&ada.token), &rest).await;
                assert!(matches!(reply.status, 200 | 422), "{rest} {round}: {} {}", reply.status, reply.text());
            }
        }
        if round == 5 {
            before = memory();
        }
    }
    assert!(memory() < before + (32 << 20), "{before} {}", memory());
}

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
