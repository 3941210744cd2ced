//! Tables of each format, read at every place, and compared with what was written.

use arrow::array::{Array as _, ArrayRef, AsArray as _, Int64Array, StringArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use proptest::prelude::*;
use tables_wire::{Compression, FailureKind};

use super::*;
use crate::connection::tests::{Log, run, serve};
use crate::error::Result;

mod binary;
mod damage;
mod plans;

const MEMORY: usize = 1 << 28;

/// A table in memory, and what a server got while it was read.
struct Fixture {
    files: Vec<Bytes>,
    table: Table,
    indexes: HashMap<u32, Bytes>,
}

impl Fixture {
    fn new(format: Format, files: &[impl AsRef<[u8]>]) -> Self {
        let files: Vec<Bytes> = files.iter().map(|file| Bytes::copy_from_slice(file.as_ref())).collect();
        let named = |(number, file): (usize, &Bytes)| TableFile {
            name: format!("file{number}"),
            size: file.len() as u64,
            compression: None,
        };
        let table = Table { files: files.iter().enumerate().map(named).collect(), format, declared: Map::new() };
        Self { files, table, indexes: HashMap::new() }
    }

    fn compressed(mut self, compression: Compression) -> Self {
        for (file, bytes) in self.table.files.iter_mut().zip(&mut self.files) {
            *bytes = crate::text::packed(bytes, compression).into();
            (file.size, file.compression) = (bytes.len() as u64, Some(compression));
        }
        self
    }

    fn declaring(mut self, declared: &Value) -> Self {
        self.table.declared = declared.as_object().unwrap().clone();
        self
    }

    /// Opens the table, and reads from it.
    fn with<T, F: Future<Output = Result<T>>>(&self, read: impl FnOnce(Arc<OpenTable>) -> F) -> Result<(T, Log)> {
        run(async {
            let (connection, log) = serve(self.files.clone());
            let table = OpenTable::open(&connection, &self.table, &self.indexes, MEMORY).await?;
            let result = read(table).await?;
            Ok((result, std::mem::take(&mut *log.lock().unwrap())))
        })
    }

    /// Reads typed rows.
    fn rows(&self, offset: u64, limit: u64, columns: &[usize]) -> Result<(RecordBatch, Log)> {
        self.with(|table| async move {
            let batches: Vec<RecordBatch> = table.rows(offset, limit, columns)?.try_collect().await?;
            assert!(batches.iter().all(|batch| (1..=8192).contains(&batch.num_rows())));
            Ok(arrow::compute::concat_batches(&table.project(columns)?, &batches)?)
        })
    }

    fn description(&self) -> Value {
        self.with(|table| async move { Ok(table.describe()) }).unwrap().0.into()
    }

    /// Reads all rows, and takes what the server would keep.
    fn keep(&mut self) {
        let (indexes, _) = self
            .with(|table| async move {
                let all: Vec<usize> = (0..table.columns().len()).collect();
                let _: Vec<RecordBatch> = table.rows(0, u64::MAX, &all)?.try_collect().await?;
                table.indexes()
            })
            .unwrap();
        self.indexes = indexes.into_iter().collect();
    }
}

/// Returns a column of strings.
fn texts(batch: &RecordBatch, column: usize) -> Vec<Option<String>> {
    batch.column(column).as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect()
}

fn integers(batch: &RecordBatch, column: usize) -> Vec<Option<i64>> {
    batch.column(column).as_primitive::<Int64Type>().iter().collect()
}

fn message(result: Result<(RecordBatch, Log)>) -> String {
    match result {
        Err(error) => error.message,
        Ok((batch, _)) => panic!("{batch:?}"),
    }
}

/// Encodes a text.
fn encoded(text: &str, encoding: usize) -> Vec<u8> {
    match encoding {
        0 => text.as_bytes().to_vec(),
        1 => format!("\u{feff}{text}").into_bytes(),
        2 => format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect(),
        3 => format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_be_bytes).collect(),
        _ => text.chars().map(|c| u8::try_from(c).unwrap()).collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn delimited_text_is_read_as_written(
        table in prop::collection::vec(("[a-zäß\",;\n]{1,5}[a-z]", any::<i64>(), prop::option::of("[ a-zà-ü]{1,6}x")), 1..40),
        encoding in 0_usize..5, compression in 0_usize..3, is_windows: bool, cut: prop::sample::Index,
    ) {
        let end = if is_windows { "\r\n" } else { "\n" };
        let line = |(one, number, text): &(String, i64, Option<String>)| {
            let quoted = one.replace('"', "\"\"");
            format!("\"{quoted}\",{number},{}{end}", text.as_ref().map(|text| format!("\"{text}\"")).unwrap_or_default())
        };
        // In two files of the same table.
        let cut = cut.index(table.len()) + 1;
        let file = |rows: &[_]| encoded(&(format!("one,number,täxt{end}") + &rows.iter().map(line).collect::<String>()), encoding);
        let files = if cut < table.len() { vec![file(&table[..cut]), file(&table[cut..])] } else { vec![file(&table)] };
        let declared = json!({"schema": {"fields": [{"name": "one", "type": "string"}, {"name": "number", "type": "integer"}]}});
        let mut fixture = Fixture::new(Format::Csv, &files).declaring(&declared);
        match compression {
            0 => {}
            1 => fixture = fixture.compressed(Compression::Gzip),
            _ => fixture = fixture.compressed(Compression::Zstd),
        }
        for kept in [false, true] {
            if kept {
                fixture.keep();
                prop_assert_eq!(fixture.indexes.len(), files.len());
            }
            for offset in 0..table.len() + 2 {
                for limit in [0, 1, 2, 7, 100] {
                    let (batch, _) = fixture.rows(offset as u64, limit, &[2, 1, 0]).unwrap();
                    let expected = &table[offset.min(table.len())..table.len().min(offset + usize::try_from(limit).unwrap())];
                    prop_assert_eq!(texts(&batch, 0), expected.iter().map(|row| row.2.clone()).collect::<Vec<_>>());
                    prop_assert_eq!(integers(&batch, 1), expected.iter().map(|row| Some(row.1)).collect::<Vec<_>>());
                    prop_assert_eq!(texts(&batch, 2), expected.iter().map(|row| Some(row.0.clone())).collect::<Vec<_>>());
                }
            }
        }
    }

    #[test]
    fn json_lines_are_read_as_written(
        table in prop::collection::vec((prop::option::of("\\PC{0,8}"), prop::option::of(any::<i32>()), prop::collection::vec(any::<i8>(), 1..3)), 1..30),
    ) {
        let line = |(text, number, list): &(Option<String>, Option<i32>, Vec<i8>)| {
            json!({"s": text, "n": number, "o": {"list": list}}).to_string() + "\n"
        };
        let file = table.iter().map(line).collect::<String>();
        let declared = json!({"schema": {"fields": [{"name": "s", "type": "string"}, {"name": "n", "type": "integer"}]}});
        let fixture = Fixture::new(Format::JsonLines, &[file]).declaring(&declared);
        for offset in 0..=table.len() {
            let (batch, _) = fixture.rows(offset as u64, 5, &[1, 0, 2]).unwrap();
            let expected = &table[offset..table.len().min(offset + 5)];
            prop_assert_eq!(integers(&batch, 0), expected.iter().map(|row| row.1.map(i64::from)).collect::<Vec<_>>());
            prop_assert_eq!(texts(&batch, 1), expected.iter().map(|row| row.0.clone()).collect::<Vec<_>>());
            let lists = batch.column(2).as_struct().column(0).as_list::<i32>();
            for (row, (_, _, list)) in expected.iter().enumerate() {
                let found = lists.value(row);
                let expected: Vec<i64> = list.iter().copied().map(i64::from).collect();
                prop_assert_eq!(found.as_primitive::<Int64Type>().values(), &expected[..]);
            }
        }
    }
}

/// A file of many rows: their number, and a text.
fn long(rows: u64) -> String {
    (0..rows).fold("n,text\n".to_owned(), |text, row| text + &format!("{row},\"line {row}\nof ü\"\n"))
}

#[test]
fn far_rows_are_read_from_the_nearest_known_place() {
    let rows = 45_000;
    for encoding in [0, 2, 4] {
        let mut fixture = Fixture::new(Format::Csv, &[encoded(&long(rows), encoding)]);
        let expected = |offset: u64| {
            (offset..rows.min(offset + 3)).map(|row| Some(i64::try_from(row).unwrap())).collect::<Vec<_>>()
        };
        let (batch, _) = fixture.rows(44_000, 3, &[0]).unwrap();
        assert_eq!(integers(&batch, 0), expected(44_000));
        fixture.keep();
        assert!(fixture.indexes[&0].len() < 1000);
        let bytes = fixture.files[0].len() as u64;
        for offset in [0, 9_999, 10_000, 10_001, 39_999, 40_000, 44_998, 45_000] {
            let (batch, log) = fixture.rows(offset, 3, &[0]).unwrap();
            assert_eq!(integers(&batch, 0), expected(offset), "{offset}");
            let start = log.reads.iter().map(|read| read.offset).min().unwrap_or(bytes);
            assert!(start >= bytes / rows * (offset / 10_000 * 10_000) * 9 / 10, "{offset}: from {start}");
        }
        // A damaged index is ignored.
        let damaged: Vec<u8> = fixture.indexes[&0].iter().map(|byte| byte ^ 1).collect();
        fixture.indexes.insert(0, damaged.into());
        assert_eq!(integers(&fixture.rows(44_000, 3, &[0]).unwrap().0, 0), expected(44_000));
    }
}

#[test]
fn malformed_utf_8_does_not_move_rows() {
    let mut text = long(12_000).into_bytes();
    let place = text.len() / 3;
    // After the sample, so that the file counts as UTF-8.
    let mut file = long(60_000).into_bytes();
    file.append(&mut text.split_off(place));
    let broken = file.len() - 100_000;
    file[broken] = 0xff;
    let mut fixture = Fixture::new(Format::Csv, &[file]);
    let declared = json!({"schema": {"fields": [{"name": "n", "type": "string"}]}});
    fixture = fixture.declaring(&declared);
    let (all, _) = fixture.rows(0, u64::MAX, &[0, 1]).unwrap();
    fixture.keep();
    let rows = all.num_rows();
    for offset in (0..rows).step_by(7_000) {
        let (batch, _) = fixture.rows(offset as u64, 5, &[0, 1]).unwrap();
        assert_eq!(batch, all.slice(offset, 5.min(rows - offset)), "{offset}");
    }
}

#[test]
fn values_that_do_not_fit_say_where_they_are() {
    let mut text = long(12_000);
    text = text + "x" + &"z".repeat(100) + ",y\n";
    let found = message(Fixture::new(Format::Csv, &[&text]).rows(0, u64::MAX, &[0]));
    let value = format!("\"x{}…\"", "z".repeat(59));
    assert_eq!(
        found,
        format!(
            "file0: row 12001, column \"n\": {value} does not fit the type integer of the column; declare the column as \
             string in datapackage.json"
        )
    );
    let declared = json!({"schema": {"fields": [{"name": "n", "type": "string"}]}});
    let fixture = Fixture::new(Format::Csv, &[&text]).declaring(&declared);
    assert_eq!(fixture.rows(0, u64::MAX, &[0, 1]).unwrap().0.num_rows(), 12_001);
    // Columns that are not read are not checked.
    assert_eq!(Fixture::new(Format::Csv, &[&text]).rows(0, u64::MAX, &[1]).unwrap().0.num_rows(), 12_001);
    let lines = (0..11_000).fold(String::new(), |text, row| text + &format!("{{\"a\": {row}, \"o\": {{\"x\": 1}}}}\n"));
    let found =
        message(Fixture::new(Format::JsonLines, &[lines.clone() + "{\"o\": {\"y\": 2}}"]).rows(0, u64::MAX, &[0, 1]));
    assert!(
        found.starts_with("file0: row 11001, column \"o\": {\"y\": 2} does not fit") && found.contains("as any"),
        "{found}"
    );
    let found = message(Fixture::new(Format::JsonLines, &[lines + "{]"]).rows(10_999, 3, &[0]));
    assert!(found.starts_with("file0: row 11001 is not a JSON object"), "{found}");
}

#[test]
fn declared_properties_take_precedence() {
    let text = "id;when;share;note\n1;31.12.2024;1,5;-\n02;01.01.2025;;x\n";
    let declared = json!({
        "dialect": {"delimiter": ";"},
        "encoding": "windows-1252",
        "schema": {
            "fields": [{"name": "share", "type": "number", "decimalChar": ","}, {"name": "id", "type": "string", "title": "Id"}],
            "missingValues": ["", "-"],
        },
    });
    let fixture = Fixture::new(Format::Csv, &[text]).declaring(&declared);
    let (batch, _) = fixture.rows(0, 10, &[0, 1, 2, 3]).unwrap();
    assert_eq!(texts(&batch, 0), [Some("1".to_owned()), Some("02".to_owned())]);
    assert_eq!(batch.column(1).data_type(), &DataType::Date32);
    assert_eq!(batch.column(2).as_primitive::<Float64Type>().iter().collect::<Vec<_>>(), [Some(1.5), None]);
    assert_eq!(texts(&batch, 3), [None, Some("x".to_owned())]);
    let description = fixture.description();
    assert_eq!(description["schema"]["fields"][0]["title"], "Id");
    assert_eq!(description["schema"]["fields"][1]["format"], "%d.%m.%Y");
    assert_eq!((&description["rows"], &description["is_complete"]), (&json!(2), &json!(true)));
    assert_eq!(description["encoding"], "windows-1252");

    // Without a header, fields are those of columns by position; further ones are null.
    let fields = json!([{"name": "a", "type": "integer"}, {"name": "b"}, {"name": "c", "type": "date"}]);
    let declared = json!({"dialect": {"header": false}, "schema": {"fields": fields}});
    let fixture = Fixture::new(Format::Csv, &["1,x\n2,y\n"]).declaring(&declared);
    let (batch, _) = fixture.rows(0, 10, &[0, 1, 2]).unwrap();
    assert_eq!((integers(&batch, 0), batch.column(2).null_count()), (vec![Some(1), Some(2)], 2));
    assert_eq!(batch.schema().field(1).name(), "b");
    for declared in
        [json!({"dialect": []}), json!({"schema": "x"}), json!({"schema": {"fields": 1}}), json!({"encoding": "x"})]
    {
        let error = Fixture::new(Format::Csv, &["1,x\n"]).declaring(&declared).rows(0, 1, &[0]).err().unwrap();
        assert_eq!(error.kind, FailureKind::Invalid);
    }
}

#[test]
fn rows_may_have_fewer_or_more_cells_than_columns() {
    let fixture = Fixture::new(Format::Csv, &["a,b\n1,2\n3,4\n5,6\n7,8\n9\n"]);
    let (batch, _) = fixture.rows(0, 10, &[0, 1]).unwrap();
    assert_eq!(integers(&batch, 1), [Some(2), Some(4), Some(6), Some(8), None]);
    // Beyond the sample, surplus cells are ignored.
    let text = long(60_000) + "1,x,surplus,more\n";
    let (batch, _) = Fixture::new(Format::Csv, &[text]).rows(60_000, 10, &[0, 1]).unwrap();
    assert_eq!(texts(&batch, 1), [Some("x".to_owned())]);
}

#[test]
fn files_of_a_table_have_the_same_columns() {
    let text = |number: usize| format!("a,b\n{number},x\n");
    let files: Vec<String> = (0..12).map(text).collect();
    let (batch, _) = Fixture::new(Format::Csv, &files).rows(3, 6, &[0]).unwrap();
    assert_eq!(integers(&batch, 0), (3..9).map(Some).collect::<Vec<_>>());
    for bad in [1, 11] {
        let mut files = files.clone();
        files[bad] = "a,c\n1,x\n".to_owned();
        let found = message(Fixture::new(Format::Csv, &files).rows(0, 100, &[0]));
        assert_eq!(
            found,
            format!("file{bad}: the files of the table have different columns: column 2 is \"c\" instead of \"b\"")
        );
    }
    // Types are those that all files have.
    let fixture = Fixture::new(Format::Csv, &["a,b,c\n1,2,2024-01-01\n", "a,b,c\n1.5,NA,x\n"]);
    let (batch, _) = fixture.rows(0, 9, &[0, 1, 2]).unwrap();
    assert_eq!(batch.column(0).as_primitive::<Float64Type>().iter().collect::<Vec<_>>(), [Some(1.0), Some(1.5)]);
    assert_eq!(texts(&batch, 2), [Some("2024-01-01".to_owned()), Some("x".to_owned())]);
    let fixture = Fixture::new(Format::JsonLines, &["{\"a\": 1}\n", "{\"b\": 2, \"a\": 3}\n"]);
    let (batch, _) = fixture.rows(0, 9, &[0, 1]).unwrap();
    assert_eq!((integers(&batch, 0), integers(&batch, 1)), (vec![Some(1), Some(3)], vec![None, Some(2)]));
}

#[test]
fn empty_files_are_tables() {
    for text in ["", "\u{feff}"] {
        let fixture = Fixture::new(Format::Csv, &[text]);
        assert_eq!(fixture.rows(0, 10, &[]).unwrap().0.num_rows(), 0);
        assert_eq!(fixture.description()["schema"]["fields"], json!([]));
        assert_eq!(Fixture::new(Format::JsonLines, &[text]).rows(5, 10, &[]).unwrap().0.num_rows(), 0);
    }
    let (batch, _) = Fixture::new(Format::Csv, &["a,b\n"]).rows(0, 10, &[0, 1]).unwrap();
    assert_eq!((batch.num_rows(), batch.num_columns()), (0, 2));
}
