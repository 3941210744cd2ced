//! Damaged files: they are read or refused, and nothing panics.

use arrow::ipc::CompressionType;
use proptest::prelude::Rng as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::binary::{arrow_of, batch, parquet_of};
use super::*;

/// Number of mutations of each file.
const MUTATIONS: usize = 1000;

/// Returns a random number below a bound.
fn below(runner: &mut TestRunner, bound: usize) -> usize {
    runner.rng().next_u32() as usize % bound.max(1)
}

/// Changes some bytes of a file, more of them near its end, where footers are.
fn mutated(file: &[u8], runner: &mut TestRunner) -> Vec<u8> {
    let mut file = file.to_vec();
    for _ in 0..=below(runner, 4) {
        let near_end = below(runner, 2) == 0;
        let place =
            if near_end { file.len() - 1 - below(runner, file.len().min(2000)) } else { below(runner, file.len()) };
        match below(runner, 4) {
            0 => file[place] = u8::try_from(below(runner, 256)).unwrap(),
            1 => file[place] ^= 1 << below(runner, 8),
            2 => file.insert(place, u8::try_from(below(runner, 256)).unwrap()),
            _ => {
                file.remove(place);
            }
        }
    }
    file
}

fn check(format: Format, file: &[u8], compression: Option<Compression>) {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut refused = 0;
    for _ in 0..MUTATIONS {
        let mut fixture = Fixture::new(format, &[mutated(file, &mut runner)]);
        fixture.table.files[0].compression = compression;
        let rows = fixture.with(|table| async move {
            let all: Vec<usize> = (0..table.columns().len()).collect();
            let mut rows = 0;
            for (offset, limit) in [(0, 10), (40, 10), (0, 100_000)] {
                let mut batches = table.rows(offset, limit, &all)?;
                while let Some(batch) = batches.next().await {
                    rows += batch?.num_rows();
                }
            }
            Ok(rows)
        });
        refused += usize::from(rows.is_err());
    }
    // Something is wrong with the test if all files, or none, are readable.
    assert!((1..MUTATIONS).contains(&refused), "{format:?}: {refused}");
}

#[test]
fn damaged_parquet_is_read_or_refused() {
    check(Format::Parquet, &parquet_of(&batch(100), 30, 7), None);
}

#[test]
fn damaged_arrow_is_read_or_refused() {
    check(Format::Arrow, &arrow_of(&batch(100), 30, None), None);
    check(Format::Arrow, &arrow_of(&batch(100), 30, Some(CompressionType::LZ4_FRAME)), None);
    check(Format::Arrow, &arrow_of(&batch(100), 30, Some(CompressionType::ZSTD)), None);
}

#[test]
fn damaged_text_is_read_or_refused() {
    let lines = (0..100)
        .fold(String::new(), |text, row| text + &format!("{{\"a\": {row}, \"b\": [\"x\", {{\"c\": null}}]}}\n"));
    let text = (0..100).fold("n,text\n".to_owned(), |text, row| text + &format!("{row},\"line {row}\nof ü\"\n"));
    check(Format::JsonLines, lines.as_bytes(), None);
    for compression in [Compression::Gzip, Compression::Zstd] {
        check(Format::Csv, &crate::text::packed(text.as_bytes(), compression), Some(compression));
    }
}
