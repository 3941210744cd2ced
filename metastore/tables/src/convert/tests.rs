use std::collections::BTreeMap;
use std::fmt::Write as _;

use arrow::array::RecordBatch;
use futures::TryStreamExt as _;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use serde_json::json;
use tables_wire::{FailureKind, Format, Table, TableFile};

use super::*;
use crate::connection::tests::{run, serve};

const MEMORY: usize = 1 << 28;

/// Opens a table of several files.
async fn open(format: Format, files: &[Bytes], declared: &Value, connection: &Connection) -> Result<Arc<OpenTable>> {
    let file = |bytes: &Bytes| TableFile { name: "file".to_owned(), size: bytes.len() as u64, compression: None };
    let declared = declared.as_object().cloned().unwrap_or_default();
    let table = Table { files: files.iter().map(file).collect(), format, declared };
    OpenTable::open(connection, &table, &HashMap::new(), MEMORY).await
}

async fn rows(table: &OpenTable) -> Result<Vec<RecordBatch>> {
    let columns: Vec<usize> = (0..table.columns().len()).collect();
    table.rows(0, u64::MAX, &columns)?.try_collect().await
}

/// Converts a table. Returns its rows, the file, and what the engine says of it.
fn converted(format: Format, files: &[&str], declared: &Value) -> Result<(Vec<RecordBatch>, Bytes, Done)> {
    let files: Vec<Bytes> = files.iter().map(|text| Bytes::copy_from_slice(text.as_bytes())).collect();
    run(async {
        let (connection, log) = serve(files.clone());
        let table = open(format, &files, declared, &connection).await?;
        let options = Convert { metadata: Map::from_iter([("rutter.sources".to_owned(), json!("[\"a\"]"))]) };
        let done = convert(&table, &options, &connection).await?;
        // The answer shows that what was sent before has arrived.
        connection.read(0, 0..1).await?;
        let file = Bytes::from(std::mem::take(&mut log.lock().unwrap().chunks));
        Ok((rows(&table).await?, file, done))
    })
}

/// Returns the rows that the engine reads in a Parquet file.
fn read_back(file: &Bytes) -> Vec<RecordBatch> {
    let files = vec![file.clone()];
    run(async {
        let (connection, _) = serve(files.clone());
        rows(&open(Format::Parquet, &files, &Value::Null, &connection).await.unwrap()).await.unwrap()
    })
}

fn one(batches: &[RecordBatch]) -> RecordBatch {
    let schema = batches[0].schema();
    let plain = Arc::new(Schema::new(schema.fields().clone()));
    let batches: Vec<_> = batches.iter().map(|batch| batch.clone().with_schema(plain.clone()).unwrap()).collect();
    arrow::compute::concat_batches(&plain, &batches).unwrap()
}

fn metadata(file: &Bytes) -> Arc<ParquetMetaData> {
    ParquetRecordBatchReaderBuilder::try_new(file.clone()).unwrap().metadata().clone()
}

#[test]
fn the_same_rows_are_read_back() {
    let mut csv = "id;name;seen;share;ok;at\n".to_owned();
    for id in 0..20_000 {
        let (name, share) =
            if id % 7 == 0 { (String::new(), "NA".to_owned()) } else { (format!("\"n; {id}\n\""), format!("{id},5")) };
        let (day, even, second) = (id % 28 + 1, id % 2 == 0, id % 60);
        writeln!(csv, "{id};{name};{day:02}.02.2024;{share};{even};2024-02-29 10:00:{second:02}").unwrap();
    }
    let lines = "{\"a\": 1, \"b\": [2, 3], \"c\": {\"d\": \"x\"}}\n{\"a\": null, \"b\": [], \"e\": true}\n";
    for (format, files) in
        [(Format::Csv, &[csv.as_str(), &csv][..]), (Format::JsonLines, &[lines]), (Format::Csv, &["a,b\n"])]
    {
        let (expected, file, done) = converted(format, files, &Value::Null).unwrap();
        let found = read_back(&file);
        let count: usize = expected.iter().map(RecordBatch::num_rows).sum();
        assert_eq!((done.rows, done.total), (count as u64, Some(count as u64)));
        if count > 0 {
            assert_eq!(one(&found), one(&expected));
        }
        let names: Vec<Value> = done.columns.iter().map(|column| json!(column.name)).collect();
        let fields = done.schema["fields"].as_array().unwrap();
        assert_eq!(fields.iter().map(|field| field["name"].clone()).collect::<Vec<_>>(), names);
    }
}

#[test]
fn files_have_small_row_groups_page_indexes_and_metadata() {
    let text = (0..300_000).fold("id,name\n".to_owned(), |text, id| text + &format!("{id},n{}\n", id % 1000));
    let declared = json!({"schema": {"fields": [{"name": "id", "type": "integer", "groupChar": " ", "title": "Id"},
        {"name": "name", "type": "string", "format": "email"}], "primaryKey": "id", "missingValues": ["-"]}});
    let (_, file, done) = converted(Format::Csv, &[&text], &declared).unwrap();
    let schema = json!({"fields": [{"name": "id", "type": "integer", "title": "Id"},
        {"name": "name", "type": "string", "format": "email"}], "primaryKey": "id"});
    assert_eq!(done.schema, schema);
    let found = metadata(&file);
    let rows: Vec<i64> = found.row_groups().iter().map(RowGroupMetaData::num_rows).collect();
    assert_eq!(rows, [131_072, 131_072, 300_000 - 2 * 131_072]);
    for column in found.row_groups().iter().flat_map(RowGroupMetaData::columns) {
        assert!(matches!(column.compression(), Compression::ZSTD(_)), "{column:?}");
        assert!(column.offset_index_offset().is_some() && column.column_index_offset().is_some(), "{column:?}");
    }
    let pairs = found.file_metadata().key_value_metadata().unwrap().iter();
    let pairs: BTreeMap<_, _> = pairs.map(|pair| (pair.key.as_str(), pair.value.clone().unwrap_or_default())).collect();
    assert_eq!(pairs["rutter.sources"], "[\"a\"]");
    assert_eq!(serde_json::from_str::<Value>(&pairs["rutter.schema"]).unwrap(), schema);
}

#[test]
fn versions_share_pages() {
    // Random names, so that pages differ.
    let name = |id: u64| {
        format!("{:016x}", id.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17).wrapping_mul(0xbf58_476d_1ce4_e5b9))
    };
    let row = |id: u64| format!("{}{}{}\n", name(id), name(id + 1_000_000), name(id + 2_000_000));
    let old = (0..100_000).fold("name\n".to_owned(), |text, id| text + &row(id));
    let new = old.replacen(&row(20_000), &format!("{}new\n", row(20_000)), 1);
    let pages = |text: &str| {
        let (_, file, _) = converted(Format::Csv, &[text], &Value::Null).unwrap();
        // Pieces of the file as a store with content-defined chunks would find them: between page offsets.
        let options = parquet::arrow::arrow_reader::ArrowReaderOptions::new()
            .with_page_index_policy(parquet::file::metadata::PageIndexPolicy::Required);
        let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(file.clone(), options).unwrap();
        let index = reader.metadata().offset_index().unwrap()[0][0].page_locations().clone();
        let piece = |at: usize, size: i32| file.slice(at..at + usize::try_from(size).unwrap());
        index
            .iter()
            .map(|page| piece(usize::try_from(page.offset).unwrap(), page.compressed_page_size))
            .collect::<std::collections::HashSet<Bytes>>()
    };
    let (old, new) = (pages(&old), pages(&new));
    let shared = old.intersection(&new).count();
    assert!(old.len() >= 5 && shared + 3 >= old.len(), "{shared} of {} pages", old.len());
}

#[test]
fn a_value_that_does_not_fit_is_an_error() {
    let declared = json!({"schema": {"fields": [{"name": "n", "type": "integer"}]}});
    let error = converted(Format::Csv, &["n\n1\nx\n"], &declared).unwrap_err();
    assert!(error.kind == FailureKind::Invalid && error.message.contains("row 2, column \"n\""), "{error}");
}
