use std::collections::HashMap;
use std::fmt::Write as _;

use futures::TryStreamExt as _;
use proptest::prelude::*;
use serde_json::{Value, json};
use tables_wire::{FailureKind, Format, Sort, Table, TableFile};

use super::*;
use crate::connection::tests::{run, serve};

const CONTEXT: Context = Context { memory: 1 << 28, scratch: 1 << 28, threads: 1 };

fn wanted_page(offset: u64, limit: u64, output: Output) -> Page {
    Page { offset, limit, columns: None, filter: None, sort: Vec::new(), output, detailed: false }
}

/// Reads a page of a table of one file.
fn read(format: Format, text: &str, declared: &Value, wanted: &Page) -> Result<(Done, Vec<u8>)> {
    run(async {
        let (connection, log) = serve(vec![Bytes::copy_from_slice(text.as_bytes())]);
        let table = open(format, text, declared, &connection).await?;
        let done = page(&CONTEXT, &table, wanted, &connection).await?;
        // The answer shows that what was sent before has arrived.
        connection.read(0, 0..1).await?;
        let chunks = std::mem::take(&mut log.lock().unwrap().chunks);
        Ok((done, chunks))
    })
}

async fn open(format: Format, text: &str, declared: &Value, connection: &Connection) -> Result<Arc<OpenTable>> {
    let file = TableFile { name: "file".to_owned(), size: text.len() as u64, compression: None };
    let declared = declared.as_object().cloned().unwrap_or_default();
    let table = Table { files: vec![file], format, declared };
    OpenTable::open(connection, &table, &HashMap::new(), CONTEXT.memory).await
}

fn rows(format: Format, text: &str) -> Value {
    let (_, json) = read(format, text, &Value::Null, &wanted_page(0, 1000, Output::Json)).unwrap();
    serde_json::from_slice(&json).unwrap()
}

#[test]
fn cells_have_the_types_of_their_columns() {
    let text = "\u{feff}id;name;share;ok\r\n1;\"a;\nb\";0,5;true\r\n2;;NA;false\r\n90071992547409931;x;1,25;true\r\n";
    let expected = json!([[1, "a;\nb", 0.5, true], [2, null, null, false], ["90071992547409931", "x", 1.25, true]]);
    assert_eq!(rows(Format::Csv, text), expected);
    let text = "{\"a\": 1, \"b\": [2]}\n\n{\"b\": null, \"c\": \"x\"}\n{\"a\": 9007199254740993}";
    let expected = json!([[1, [2], null], [null, null, "x"], ["9007199254740993", null, null]]);
    assert_eq!(rows(Format::JsonLines, text), expected);
}

#[test]
fn times_are_written_in_iso_8601() {
    let text = "day,at,clock\n31.12.1969,1970-01-01 00:00:00,01:30\n01.02.2024,2024-02-29 23:59:59,23:59\n";
    let expected =
        json!(
            [["1969-12-31", "1970-01-01T00:00:00Z", "01:30:00"], ["2024-02-01", "2024-02-29T23:59:59Z", "23:59:00"],]
        );
    assert_eq!(rows(Format::Csv, text), expected);
}

#[test]
fn values_of_other_types_stay_as_they_are() {
    let text = "n,d,b\n1,x,yes\ny,2024-01-01,true\n";
    let fields =
        json!([{"name": "n", "type": "integer"}, {"name": "d", "type": "date"}, {"name": "b", "type": "boolean"}]);
    let declared = json!({"schema": {"fields": fields}});
    let wanted = wanted_page(0, 10, Output::Json);
    let (done, json) = read(Format::Csv, text, &declared, &wanted).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&json).unwrap(), json!([[1, "x", "yes"], ["y", "2024-01-01", true]]));
    assert_eq!((done.rows, done.more, done.total), (2, false, Some(2)));
    let types: Vec<&str> = done.columns.iter().map(|column| column.r#type.as_str()).collect();
    assert_eq!(types, ["integer", "date", "boolean"]);
    let (_, csv) = read(Format::Csv, text, &declared, &Page { output: Output::Csv, ..wanted.clone() }).unwrap();
    assert_eq!(String::from_utf8(csv).unwrap(), "n,d,b\r\n1,x,yes\r\ny,2024-01-01,true\r\n");
    for output in [Output::Parquet, Output::Arrow] {
        let error = read(Format::Csv, text, &declared, &Page { output, ..wanted.clone() }).unwrap_err();
        assert!(error.kind == FailureKind::Invalid && error.message.contains("row 2, column \"n\""), "{error}");
    }
    let lines = "{\"a\": {\"x\": 9007199254740993}}\n{\"a\": 5}\n{\"a\": \"z\"}\n";
    assert_eq!(rows(Format::JsonLines, lines), json!([[{"x": "9007199254740993"}], [5], ["z"]]));
}

#[test]
fn pages_end_before_a_row_that_does_not_fit() {
    let long = "x".repeat(900_000);
    let text = (0..12).fold("n,text\n".to_owned(), |text, row| text + &format!("{row},{long}\n"));
    let (done, json) = read(Format::Csv, &text, &Value::Null, &wanted_page(1, 1000, Output::Json)).unwrap();
    let found: Value = serde_json::from_slice(&json).unwrap();
    assert_eq!((done.rows, done.more), (9, true));
    assert_eq!((found.as_array().unwrap().len(), &found[8][0]), (9, &json!(9)));
    assert!(json.len() <= 8 << 20);
    // Quotes are twice as long in JSON, and control characters six times.
    let text = format!("{{\"a\": [{}]}}\n", vec!["\"\\u0001\""; 120_000].join(","));
    let text = text.replace("\\u0001", "\u{7f}");
    assert!(read(Format::JsonLines, &text, &Value::Null, &wanted_page(0, 10, Output::Json)).is_ok());
    let text = format!("a\n\"{}\"\n", "\u{1}".repeat((1 << 20) - 10));
    assert!(read(Format::Csv, &text, &json!({"dialect": {"header": true}}), &wanted_page(0, 1, Output::Json)).is_ok());
    let wide = format!("{}\n{}\n", vec!["a"; 5000].join(","), vec!["\u{1}".repeat(200); 5000].join(","));
    let narrow = Page { columns: Some(vec!["a".to_owned()]), ..wanted_page(0, 1, Output::Json) };
    assert!(read(Format::Csv, &wide, &json!({"dialect": {"header": true}}), &narrow).is_ok());
}

#[test]
fn columns_are_chosen_by_name() {
    let chosen = |names: &[&str]| Page {
        columns: Some(names.iter().map(|name| (*name).to_owned()).collect()),
        ..wanted_page(1, 1, Output::Json)
    };
    let (done, json) = read(Format::Csv, "a,b,c\n1,x,2\n3,y,4\n", &Value::Null, &chosen(&["c", "a", "c"])).unwrap();
    assert_eq!(json, b"[[4,3,4]]");
    assert_eq!(done.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), ["c", "a", "c"]);
    let error = read(Format::Csv, "a,b\n1,x\n", &Value::Null, &chosen(&["x"])).unwrap_err();
    assert_eq!(error.kind, FailureKind::Invalid);
}

#[test]
fn detailed_pages_count_all_rows_and_have_features() {
    let text = (0..30_000).fold("n,word\n".to_owned(), |text, row| text + &format!("{row},x\n"));
    let wanted = Page { detailed: true, ..wanted_page(5, 2, Output::Json) };
    let (done, json) = read(Format::Csv, &text, &Value::Null, &wanted).unwrap();
    assert_eq!((done.total, done.more, json), (Some(30_000), true, b"[[5,\"x\"],[6,\"x\"]]".to_vec()));
    let value = |dtype: &str| json!({"dtype": dtype, "_type": "Value"});
    assert_eq!(done.features, [value("int64"), value("string")]);
    let nothing = Page { detailed: true, ..wanted_page(0, 0, Output::Json) };
    let lines = "{\"a\": [1], \"b\": {\"c\": null, \"d\": true}, \"e\": 1}\n{\"e\": [\"x\"]}\n";
    let (done, json) = read(Format::JsonLines, lines, &Value::Null, &nothing).unwrap();
    assert_eq!((done.total, json), (Some(2), b"[]".to_vec()));
    // An object with a member that is only null has no type, like values of different types.
    let (list, any) = (json!({"feature": value("int64"), "_type": "List"}), json!({"_type": "Json"}));
    assert_eq!(done.features, [list, any.clone(), any]);
    let columns = Page { columns: Some(vec!["e".to_owned()]), ..nothing };
    assert_eq!(read(Format::JsonLines, lines, &Value::Null, &columns).unwrap().0.features, [json!({"_type": "Json"})]);
}

#[test]
fn filters_and_orders_are_queries() {
    let text = (0..100).fold("n,word\n".to_owned(), |text, row| text + &format!("{row},{}\n", ["x", "y"][row % 2]));
    let wanted = Page {
        filter: Some("word = 'y' AND n > 50".to_owned()),
        sort: vec![Sort { column: "n".to_owned(), descending: true }],
        ..wanted_page(1, 3, Output::Json)
    };
    let (done, json) = read(Format::Csv, &text, &Value::Null, &wanted).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&json).unwrap(), json!([[97, "y"], [95, "y"], [93, "y"]]));
    assert!(done.more);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Pages with a filter are encoded from typed rows, others from text. Both are the same.
    #[test]
    fn text_is_encoded_like_typed_rows(
        table in prop::collection::vec((
            prop::option::of(any::<i64>()), prop::option::of(any::<f64>()), any::<bool>(), -100_000_i32..100_000,
            -10_000_000_000_000_000_i64..10_000_000_000_000_000, 0_i64..86_400_000_000, "[a-z\"\\\\\u{1}ü]{1,5}",
        ), 1..10),
        offset in 0_u64..4, limit in 1_u64..20,
    ) {
        let names = ["i", "f", "b", "d", "t", "c", "s"];
        let types = ["integer", "number", "boolean", "date", "datetime", "time", "string"];
        let fields: Vec<Value> = names.iter().zip(types).map(|(name, r#type)| json!({"name": name, "type": r#type})).collect();
        let declared = json!({"schema": {"fields": fields}, "dialect": {"header": true, "delimiter": ","}});
        let number = |number: f64| match number {
            number if number.is_nan() => "NaN".to_owned(),
            f64::INFINITY => "INF".to_owned(),
            f64::NEG_INFINITY => "-INF".to_owned(),
            number => format!("{number:?}"),
        };
        let mut text = names.join(",") + "\n";
        for (integer, float, truth, days, at, clock, word) in &table {
            let day = jiff::Timestamp::from_second(i64::from(*days) * 86_400).unwrap().strftime("%Y-%m-%d").to_string();
            let clock = jiff::Timestamp::from_microsecond(*clock).unwrap().strftime("%H:%M:%S%.f").to_string();
            let at = jiff::Timestamp::from_microsecond(*at).unwrap();
            let integer = integer.map(|integer| integer.to_string()).unwrap_or_default();
            let float = float.map(number).unwrap_or_default();
            let word = word.replace('"', "\"\"");
            writeln!(text, "{integer},{float},{truth},{day},{at},{clock},\"{word}\"").unwrap();
        }
        for output in [Output::Json, Output::Csv] {
            let (done, lenient) = read(Format::Csv, &text, &declared, &wanted_page(offset, limit, output)).unwrap();
            let typed = run(async {
                let (connection, _) = serve(vec![Bytes::copy_from_slice(text.as_bytes())]);
                let table = open(Format::Csv, &text, &declared, &connection).await.unwrap();
                let mut encoder = Encoder::new(output, table.schema(), table.columns()).unwrap();
                let batches: Vec<_> = table.rows(offset, limit, &[0, 1, 2, 3, 4, 5, 6]).unwrap().try_collect().await.unwrap();
                let mut bytes = Vec::new();
                for batch in batches {
                    encoder.write(&batch).unwrap();
                    bytes.extend_from_slice(&encoder.take());
                }
                bytes.extend_from_slice(&encoder.finish().unwrap());
                bytes
            });
            if output == Output::Json {
                let parse = |json: &[u8]| serde_json::from_slice::<Value>(json).unwrap();
                prop_assert_eq!(parse(&lenient), parse(&typed));
            } else {
                let (lenient, typed) = (String::from_utf8(lenient).unwrap(), String::from_utf8(typed).unwrap());
                prop_assert_eq!(lenient, typed);
            }
            let rows = table.len() as u64;
            prop_assert_eq!(done.rows, limit.min(rows.saturating_sub(offset)));
            prop_assert_eq!((done.more, done.total), (offset + done.rows < rows, Some(rows)));
        }
    }
}
