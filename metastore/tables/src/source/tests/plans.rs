//! Tables in DataFusion.

use datafusion::physical_plan::displayable;
use datafusion::prelude::{SessionConfig, SessionContext};

use super::binary::{arrow_of, batch, parquet_of};
use super::*;

/// Runs a query on a table `t`; returns the result and the plan.
fn query(fixture: &Fixture, sql: &str) -> ((RecordBatch, String), Log) {
    let found = fixture.with(|table| async move {
        let mut config = SessionConfig::new().with_target_partitions(1);
        config.options_mut().execution.parquet.pushdown_filters = true;
        let context = SessionContext::new_with_config(config);
        context.register_table("t", OpenTable::provider(&table))?;
        let frame = context.sql(sql).await?;
        let plan = frame.clone().create_physical_plan().await?;
        let plan = displayable(plan.as_ref()).indent(true).to_string();
        let batches = frame.collect().await?;
        let schema = batches.first().map_or_else(|| Arc::new(Schema::empty()), RecordBatch::schema);
        Ok((arrow::compute::concat_batches(&schema, &batches)?, plan))
    });
    found.unwrap()
}

fn fixtures() -> [Fixture; 3] {
    let all = batch(50_000);
    let mut csv = Vec::new();
    arrow::csv::Writer::new(&mut csv).write(&to_schema(&all, &plain_schema(&all.schema())).unwrap()).unwrap();
    [
        Fixture::new(
            Format::Parquet,
            &[parquet_of(&all.slice(0, 20_000), 5000, 500), parquet_of(&all.slice(20_000, 30_000), 5000, 500)],
        ),
        Fixture::new(Format::Arrow, &[arrow_of(&all, 5000, None)]),
        Fixture::new(Format::Csv, &[csv]),
    ]
}

#[test]
fn all_formats_have_the_same_results() {
    for sql in [
        "SELECT count(*) AS a, count(number) AS b, min(number) AS c, max(text) AS d, count(DISTINCT word) AS e FROM t",
        "SELECT number, \"view\" FROM t WHERE number BETWEEN 30000 AND 30020 AND word = 'x'",
        "SELECT text FROM t WHERE text LIKE '%49%' ORDER BY text DESC LIMIT 7",
        "SELECT word, avg(number) AS a FROM t GROUP BY word ORDER BY word NULLS LAST",
        "SELECT \"view\" FROM t LIMIT 3 OFFSET 20001",
    ] {
        let results = fixtures().map(|fixture| query(&fixture, sql).0.0);
        assert!(results[0].num_rows() > 0);
        let columns = results.each_ref().map(|batch| batch.columns().to_vec());
        assert_eq!(columns[0], columns[1], "{sql}");
        assert_eq!(columns[0], columns[2], "{sql}");
    }
}

#[test]
fn counts_and_extremes_are_read_from_rows() {
    for fixture in fixtures() {
        let ((_, plan), _) = query(&fixture, "SELECT count(*), min(number), max(number) FROM t");
        assert!(plan.contains("DataSourceExec") || plan.contains("StreamingTableExec"), "{plan}");
        assert!(!plan.contains("table://") || !plan.contains("statistics="), "{plan}");
    }
}

#[test]
fn parquet_pages_that_cannot_match_are_not_read() {
    let [parquet, ..] = fixtures();
    let bytes = |sql| query(&parquet, sql).1.reads.iter().map(|read| read.length).sum::<u64>();
    let all = bytes("SELECT sum(length(\"view\")) FROM t");
    let few = bytes("SELECT sum(length(\"view\")) FROM t WHERE number = 7");
    assert!(few * 4 < all, "{few} {all}");
    let narrow = bytes("SELECT sum(number) FROM t");
    assert!(narrow < all, "{narrow} {all}");
}
