//! Parquet and Arrow files.

use arrow::array::{DictionaryArray, StringViewArray};
use arrow::datatypes::{Field, Int32Type};
use arrow::ipc::CompressionType;
use arrow::ipc::writer::{FileWriter, IpcWriteOptions};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use tables_wire::{Output, Page, Sort};

use super::*;

/// A table: a number, a text, a dictionary, and a view.
pub(super) fn batch(rows: usize) -> RecordBatch {
    let numbers: Int64Array = (0..i64::try_from(rows).unwrap()).map(|row| (row % 7 != 3).then_some(row)).collect();
    let text = |row: usize| (row % 5 != 1).then(|| format!("text {row}"));
    let texts: StringArray = (0..rows).map(text).collect();
    let dictionary: DictionaryArray<Int32Type> = (0..rows).map(|row| ["x", "y", "z"].get(row % 4).copied()).collect();
    let views: StringViewArray = (0..rows).map(|row| Some(format!("a rather long text {row}"))).collect();
    RecordBatch::try_from_iter_with_nullable([
        ("number", Arc::new(numbers) as ArrayRef, true),
        ("text", Arc::new(texts), true),
        ("word", Arc::new(dictionary), true),
        ("view", Arc::new(views), true),
    ])
    .unwrap()
}

pub(super) fn parquet_of(batch: &RecordBatch, group: usize, page: usize) -> Vec<u8> {
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(group))
        .set_data_page_row_count_limit(page)
        .set_write_batch_size(page)
        .set_dictionary_enabled(false)
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.into_inner().unwrap()
}

pub(super) fn arrow_of(batch: &RecordBatch, rows: usize, compression: Option<CompressionType>) -> Vec<u8> {
    let options = IpcWriteOptions::default().try_with_compression(compression).unwrap();
    let mut writer = FileWriter::try_new_with_options(Vec::new(), &batch.schema(), options).unwrap();
    for start in (0..batch.num_rows()).step_by(rows) {
        writer.write(&batch.slice(start, rows.min(batch.num_rows() - start))).unwrap();
    }
    writer.into_inner().unwrap()
}

/// Compares all pages of a table with those of a batch.
fn check(fixture: &Fixture, batch: &RecordBatch) {
    let plain = to_schema(batch, &plain_schema(&batch.schema())).unwrap();
    let rows = batch.num_rows();
    for offset in (0..rows + 2).step_by(3) {
        for limit in [0, 1, 4, 50, u64::MAX] {
            let (found, _) = fixture.rows(offset as u64, limit, &[3, 0, 2]).unwrap();
            let start = offset.min(rows);
            let length = usize::try_from(limit).unwrap().min(rows - start);
            let expected = plain.project(&[3, 0, 2]).unwrap().slice(start, length);
            assert_eq!(found, expected, "{offset} {limit}");
        }
    }
}

#[test]
fn parquet_is_read_as_written() {
    let all = batch(100);
    for (group, page) in [(1000, 1000), (30, 7), (7, 30), (1, 1)] {
        check(&Fixture::new(Format::Parquet, &[parquet_of(&all, group, page)]), &all);
    }
    let parts = [parquet_of(&all.slice(0, 33), 10, 3), parquet_of(&all.slice(33, 67), 100, 100)];
    check(&Fixture::new(Format::Parquet, &parts), &all);
}

/// Pages with filters and orders are those of a table in memory: where rows of Parquet are numbered by its reader, by
/// several threads if the file is long, too.
#[test]
fn parquet_is_filtered_and_sorted_as_rows_in_memory() {
    let all = to_schema(&batch(400_000), &plain_schema(&batch(1).schema())).unwrap();
    let long = parquet_of(&all, 50_000, 20_000);
    assert!(long.len() > 10 << 20, "{} bytes are read by one thread", long.len());
    let parts =
        [(0, 33), (33, 1), (34, 399_966)].map(|(start, length)| parquet_of(&all.slice(start, length), 30_000, 7000));
    let in_memory = crate::query::tests::source(&all, 8192);
    let sort = |column: &str, descending| vec![Sort { column: column.to_owned(), descending }];
    let pages = [
        (Some("number % 1000 = 1"), vec![], 7),
        (Some("number % 1000 = 1"), sort("word", true), 3),
        (None, sort("word", false), 5000),
        (Some("text IS NULL AND word = 'x'"), sort("number", true), 0),
        (Some("number < 40"), sort("text", false), 0),
    ];
    for fixture in [Fixture::new(Format::Parquet, &[long]), Fixture::new(Format::Parquet, &parts)] {
        for (filter, sort, offset) in &pages {
            for detailed in [false, true] {
                let page = Page {
                    offset: *offset,
                    limit: 20,
                    columns: None,
                    filter: filter.map(str::to_owned),
                    sort: sort.clone(),
                    output: Output::Json,
                    detailed,
                };
                let (found, _) = fixture
                    .with(async |table| crate::query::tests::read_page(&table.as_source(), &page).await)
                    .unwrap();
                let expected = run(crate::query::tests::read_page(&in_memory, &page)).unwrap();
                assert_eq!(found, expected, "{page:?}");
                assert_eq!(found.1.len(), 20);
            }
        }
    }
}

#[test]
fn arrow_is_read_as_written() {
    let all = batch(100);
    for (rows, compression) in [
        (1000, None),
        (30, None),
        (1, None),
        (30, Some(CompressionType::LZ4_FRAME)),
        (100, Some(CompressionType::ZSTD)),
    ] {
        let mut fixture = Fixture::new(Format::Arrow, &[arrow_of(&all, rows, compression)]);
        check(&fixture, &all);
        fixture.keep();
        assert_eq!(fixture.indexes.len(), 1);
        check(&fixture, &all);
    }
    let parts = [arrow_of(&all.slice(0, 33), 10, None), arrow_of(&all.slice(33, 67), 100, None)];
    check(&Fixture::new(Format::Arrow, &parts), &all);
}

#[test]
fn the_last_page_costs_as_much_as_the_first() {
    let rows = 200_000;
    let file = parquet_of(&batch(rows), rows, 1000);
    let fixture = Fixture::new(Format::Parquet, &[&file]);
    let cost = |offset: usize, columns: &[usize]| {
        let (batch, log) = fixture.rows(offset as u64, 100, columns).unwrap();
        assert_eq!(batch.num_rows(), 100);
        (log.reads.len(), log.reads.iter().map(|read| read.length).sum::<u64>())
    };
    let (first, last) = (cost(0, &[0]), cost(rows - 100, &[0]));
    assert!(first.0 <= 4 && last.0 <= 4, "{first:?} {last:?}");
    assert!(last.1 < 200_000 && first.1 < 200_000 && file.len() > 2_000_000, "{first:?} {last:?}");
    // The texts are longer than the numbers, and are read only if they are needed.
    assert!(cost(100_000, &[0]).1 < cost(100_000, &[0, 3]).1);

    // Each batch has all views.
    let file = arrow_of(&batch(rows).project(&[0, 1]).unwrap(), 1000, None);
    let mut fixture = Fixture::new(Format::Arrow, &[&file]);
    fixture.keep();
    let (batch, log) = fixture.rows(rows as u64 - 100, 100, &[0]).unwrap();
    assert_eq!(batch.num_rows(), 100);
    assert!(log.reads.iter().map(|read| read.length).sum::<u64>() < 300_000);
}

#[test]
fn files_must_have_the_same_columns() {
    let one = batch(10);
    let other = one.project(&[0, 1]).unwrap();
    for (format, files) in [
        (Format::Parquet, [parquet_of(&one, 10, 10), parquet_of(&other, 10, 10)]),
        (Format::Arrow, [arrow_of(&one, 10, None), arrow_of(&other, 10, None)]),
    ] {
        let found = message(Fixture::new(format, &files).rows(0, 1, &[0]));
        assert_eq!(found, "file1: the files of the table have different columns: it has 2 columns instead of 4");
    }
}

#[test]
fn other_files_are_refused() {
    let long = [b"PAR1".to_vec(), vec![0; 100], vec![0xff, 0xff, 0xff, 0x7f], b"PAR1".to_vec()].concat();
    let encrypted = [b"PARE".to_vec(), vec![0; 100], vec![9, 0, 0, 0], b"PARE".to_vec()].concat();
    for (format, file, why) in [
        (Format::Parquet, b"a,b\n1,2\n".to_vec(), "too short"),
        (Format::Parquet, b"a,b\n1,2\n".repeat(9), "not a readable Parquet file"),
        (Format::Parquet, long.clone(), "footer is longer"),
        (Format::Parquet, encrypted, "encrypted"),
        (Format::Arrow, b"x".to_vec(), "too short"),
        (Format::Arrow, long, "does not end with ARROW1"),
    ] {
        let found = message(Fixture::new(format, &[file]).rows(0, 1, &[]));
        assert!(found.starts_with("file0: ") && found.contains(why), "{found}");
    }
}

#[test]
fn columns_have_a_limit() {
    let wide = |columns: usize| {
        let fields: Vec<Field> =
            (0..columns).map(|column| Field::new(format!("c{column}"), DataType::Int64, true)).collect();
        RecordBatch::new_empty(Arc::new(Schema::new(fields)))
    };
    assert!(Fixture::new(Format::Arrow, &[arrow_of(&wide(10_000), 1, None)]).rows(0, 1, &[9_999]).is_ok());
    for (format, file) in
        [(Format::Arrow, arrow_of(&wide(10_001), 1, None)), (Format::Parquet, parquet_of(&wide(10_001), 1, 1))]
    {
        assert!(message(Fixture::new(format, &[file]).rows(0, 1, &[0])).contains("more than 10000 columns"));
    }
}

#[test]
fn descriptions_have_types() {
    let fixture = Fixture::new(Format::Parquet, &[parquet_of(&batch(10), 10, 10)]);
    let description = fixture.description();
    let types: Vec<&str> = description["schema"]["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|field| field["type"].as_str().unwrap())
        .collect();
    assert_eq!(types, ["integer", "string", "string", "string"]);
    assert_eq!((&description["rows"], &description["is_complete"]), (&json!(10), &json!(true)));
}
