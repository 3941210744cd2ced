//! Comparisons of tables in memory, also with a naive model.

use std::collections::HashMap;

use arrow::array::{ArrayRef, AsArray as _, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::compute::concat_batches;
use arrow::datatypes::Int64Type;
use arrow::ipc::writer::FileWriter;
use bytes::Bytes;
use futures::TryStreamExt as _;
use parquet::arrow::ArrowWriter;
use serde_json::{Map, Value, json};
use tables_wire::{ColumnChange, DiffColumn, DiffSummary, FailureKind, Format, KeySource, Table, TableFile};

use super::*;
use crate::connection::tests::{run, serve};

mod cases;
mod model;

/// A file with its format, and what its resource declares.
#[derive(Clone)]
struct File {
    bytes: Bytes,
    format: Format,
    declared: Map<String, Value>,
}

impl File {
    fn csv(text: &str) -> Self {
        Self { bytes: Bytes::copy_from_slice(text.as_bytes()), format: Format::Csv, declared: Map::new() }
    }

    fn parquet(batch: &RecordBatch) -> Self {
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
        writer.write(batch).unwrap();
        writer.close().unwrap();
        Self { bytes: bytes.into(), format: Format::Parquet, declared: Map::new() }
    }

    fn arrow(batch: &RecordBatch) -> Self {
        let mut writer = FileWriter::try_new(Vec::new(), &batch.schema()).unwrap();
        writer.write(batch).unwrap();
        Self { bytes: writer.into_inner().unwrap().into(), format: Format::Arrow, declared: Map::new() }
    }

    fn declaring(self, declared: &Value) -> Self {
        Self { declared: declared.as_object().unwrap().clone(), ..self }
    }

    fn table(&self) -> Table {
        let file = TableFile { name: "file".to_owned(), size: self.bytes.len() as u64, compression: None };
        Table { files: vec![file], format: self.format, declared: self.declared.clone() }
    }
}

/// How to compare.
#[derive(Clone)]
struct Options {
    key: Option<Vec<String>>,
    rows: u64,
    text: bool,
    /// Memory for records, and of the comparison, in bytes.
    memory: [usize; 2],
    scratch: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { key: None, rows: 1_000_000, text: false, memory: [64 << 20; 2], scratch: 1 << 30 }
    }
}

fn key(names: &[&str]) -> Options {
    Options { key: Some(names.iter().map(|name| (*name).to_owned()).collect()), ..Options::default() }
}

/// The result of a comparison.
#[derive(Debug)]
struct Found {
    summary: DiffSummary,
    batch: RecordBatch,
}

fn compare(from: &File, to: &File, options: &Options) -> Result<Found> {
    run(async {
        let (connection, _) = serve(vec![from.bytes.clone(), to.bytes.clone()]);
        let indexes = HashMap::new();
        let from = OpenTable::open(&connection.for_files(0), &from.table(), &indexes, 1 << 28).await?;
        let to = OpenTable::open(&connection.for_files(1), &to.table(), &indexes, 1 << 28).await?;
        let [records, memory] = options.memory;
        let context = Context { memory, scratch: options.scratch, threads: 2 };
        let wanted = Diff { key: options.key.clone(), rows: options.rows, text: options.text };
        let mut diff = RowDiff::new(context, from, to, wanted)?;
        diff.memory = records;
        let schema = Arc::clone(diff.schema());
        assert_eq!(schema.fields().len(), diff.columns().len());
        let fractions = Arc::new(std::sync::Mutex::new(vec![0.0]));
        let seen = Arc::clone(&fractions);
        let (outcome, batches) = diff.run(move |fraction| seen.lock().unwrap().push(fraction)).await?;
        let batches: Vec<RecordBatch> = batches.try_collect().await?;
        assert!(batches.iter().all(|batch| (1..=8192).contains(&batch.num_rows())));
        assert!(fractions.lock().unwrap().iter().all(|fraction| (0.0..=1.0).contains(fraction)));
        Ok(Found { summary: outcome.summary()?, batch: concat_batches(&schema, &batches)? })
    })
}

impl Found {
    /// Returns kind and rows of each row of the result.
    fn rows(&self) -> Vec<(String, Option<i64>, Option<i64>)> {
        let numbers = |column: usize| self.batch.column(column).as_primitive::<Int64Type>().iter();
        let kinds = self.batch.column(0).as_string::<i32>().iter().map(|kind| kind.unwrap().to_owned());
        kinds.zip(numbers(1)).zip(numbers(2)).map(|((kind, from), to)| (kind, from, to)).collect()
    }

    /// Returns the rows in a short form: `+to`, `-from`, `from>to`.
    fn short(&self) -> String {
        let row = |(kind, from, to): (String, Option<i64>, Option<i64>)| match (kind.as_str(), from, to) {
            ("added", None, Some(to)) => format!("+{to}"),
            ("removed", Some(from), None) => format!("-{from}"),
            ("changed", Some(from), Some(to)) => format!("{from}>{to}"),
            other => panic!("{other:?}"),
        };
        self.rows().into_iter().map(row).collect::<Vec<_>>().join(" ")
    }

    /// Returns the values of a column as CSV has them.
    fn texts(&self, name: &str) -> Vec<Option<String>> {
        let column = self.batch.column_by_name(name).unwrap_or_else(|| panic!("{name}"));
        crate::output::csv_cells(column).unwrap().iter().map(|text| text.map(str::to_owned)).collect()
    }

    fn changed_cells(&self) -> Vec<(&str, u64)> {
        self.summary.columns.iter().map(|column| (column.name.as_str(), column.changed_cells)).collect()
    }
}
