use arrow::array::*;
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{
    DataType, Float16Type, Int32Type, IntervalDayTime, IntervalMonthDayNano, IntervalUnit, TimeUnit, UnionFields, i256,
};
use arrow::ipc::reader::StreamReader;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use proptest::prelude::*;
use serde_json::json;
use tables_wire::FailureKind;

use super::*;
use crate::types::columns_of;

fn encode(output: Output, batch: &RecordBatch) -> Result<Vec<u8>> {
    let mut encoder = Encoder::new(output, &batch.schema(), &columns_of(&batch.schema()))?;
    let mut result = Vec::new();
    // In two parts.
    let middle = batch.num_rows() / 2;
    for part in [batch.slice(0, middle), batch.slice(middle, batch.num_rows() - middle)] {
        assert_eq!(encoder.write(&part)?, part.num_rows());
        result.extend_from_slice(&encoder.take());
    }
    result.extend_from_slice(&encoder.finish()?);
    Ok(result)
}

fn table(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap()
}

fn csv_records(text: &[u8]) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text);
    reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
}

fn half(value: f32) -> <Float16Type as arrow::datatypes::ArrowPrimitiveType>::Native {
    <Float16Type as arrow::datatypes::ArrowPrimitiveType>::Native::from_f32(value)
}

/// Arrays with their values in JSON and, where they differ from these, in CSV.
#[expect(clippy::too_many_lines, reason = "a list")]
fn samples() -> Vec<(&'static str, ArrayRef, Value, &'static [&'static str])> {
    const EXACT: i64 = 1 << 53;
    let utc = |micros: Vec<Option<i64>>, zone: &str| TimestampMicrosecondArray::from(micros).with_timezone(zone);
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), None]), None, Some(vec![])]);
    let fields = vec![
        Arc::new(Field::new("n", DataType::Int64, true)),
        Arc::new(Field::new("t", DataType::Timestamp(TimeUnit::Second, Some("Europe/Berlin".into())), true)),
    ];
    let nested = StructArray::new(
        fields.into(),
        vec![
            Arc::new(Int64Array::from(vec![Some(i64::MAX), None, Some(1)])),
            Arc::new(TimestampSecondArray::from(vec![Some(0), None, Some(1)]).with_timezone("Europe/Berlin")),
        ],
        Some(NullBuffer::from(vec![true, true, false])),
    );
    let mut map = MapBuilder::new(None, Int32Builder::new(), Float64Builder::new());
    map.keys().append_value(7);
    map.values().append_value(f64::NAN);
    map.keys().append_value(8);
    map.values().append_null();
    map.append(true).unwrap();
    map.append(false).unwrap();
    map.append(true).unwrap();
    let union_fields: UnionFields =
        [(0, Arc::new(Field::new("i", DataType::Int32, true))), (1, Arc::new(Field::new("s", DataType::Utf8, true)))]
            .into_iter()
            .collect();
    let union = UnionArray::try_new(
        union_fields,
        vec![0_i8, 1, 0].into(),
        None,
        vec![
            Arc::new(Int32Array::from(vec![1, 0, 3])) as ArrayRef,
            Arc::new(StringArray::from(vec!["", "a\"b", ""])) as ArrayRef,
        ],
    )
    .unwrap();
    let dictionary: DictionaryArray<Int32Type> = [Some("x"), None, Some("x")].into_iter().collect();
    let runs: RunArray<Int32Type> = [Some("x"), None, Some("y")].into_iter().collect();
    let decimals = |values: Vec<Option<i128>>| Decimal128Array::from(values).with_precision_and_scale(38, 2).unwrap();
    let views = ListViewArray::from(list.clone());
    vec![
        ("null", Arc::new(NullArray::new(3)), json!([null, null, null]), &["", "", ""]),
        (
            "boolean",
            Arc::new(BooleanArray::from(vec![Some(true), Some(false), None])),
            json!([true, false, null]),
            &["true", "false", ""],
        ),
        (
            "int8",
            Arc::new(Int8Array::from(vec![Some(-128), None, Some(127)])),
            json!([-128, null, 127]),
            &["-128", "", "127"],
        ),
        ("uint32", Arc::new(UInt32Array::from(vec![Some(u32::MAX), None, Some(0)])), json!([u32::MAX, null, 0]), &[]),
        (
            "int64",
            Arc::new(Int64Array::from(vec![EXACT, EXACT + 1, i64::MIN])),
            json!([EXACT, "9007199254740993", "-9223372036854775808"]),
            &["9007199254740992", "9007199254740993", "-9223372036854775808"],
        ),
        (
            "uint64",
            Arc::new(UInt64Array::from(vec![Some(u64::MAX), None, Some(1)])),
            json!(["18446744073709551615", null, 1]),
            &["18446744073709551615", "", "1"],
        ),
        (
            "float16",
            Arc::new(Float16Array::from(vec![half(0.5), half(f32::NAN), half(-2.0)])),
            json!([0.5, "NaN", -2.0]),
            &["0.5", "NaN", "-2.0"],
        ),
        (
            "float32",
            Arc::new(Float32Array::from(vec![0.1, f32::INFINITY, f32::NEG_INFINITY])),
            json!([0.1, "INF", "-INF"]),
            &["0.1", "INF", "-INF"],
        ),
        (
            "float64",
            Arc::new(Float64Array::from(vec![Some(0.1), None, Some(f64::NAN)])),
            json!([0.1, null, "NaN"]),
            &["0.1", "", "NaN"],
        ),
        (
            "decimal",
            Arc::new(decimals(vec![Some(-1234), Some(123_456_789_012_345_678), None])),
            json!([-12.34, "1234567890123456.78", null]),
            &["-12.34", "1234567890123456.78", ""],
        ),
        (
            "decimal256",
            Arc::new(
                Decimal256Array::from(vec![Some(i256::from_i128(5)), None, Some(i256::from_i128(i128::MAX))])
                    .with_precision_and_scale(76, 0)
                    .unwrap(),
            ),
            json!([5, null, i128::MAX.to_string()]),
            &[],
        ),
        (
            "string",
            Arc::new(StringArray::from(vec![Some("a,\"b\"\r\nä"), Some(""), None])),
            json!(["a,\"b\"\r\nä", "", null]),
            &["a,\"b\"\r\nä", "", ""],
        ),
        (
            "large string",
            Arc::new(LargeStringArray::from(vec![Some("\"x"), None, Some("[1]")])),
            json!(["\"x", null, "[1]"]),
            &["\"x", "", "[1]"],
        ),
        (
            "string view",
            Arc::new(StringViewArray::from(vec![Some("a"), None, Some("longer than twelve bytes")])),
            json!(["a", null, "longer than twelve bytes"]),
            &[],
        ),
        (
            "binary",
            Arc::new(BinaryArray::from(vec![Some(&b"\0\xff"[..]), Some(b""), None])),
            json!(["AP8=", "", null]),
            &["AP8=", "", ""],
        ),
        (
            "fixed binary",
            Arc::new(FixedSizeBinaryArray::try_from_iter([b"ab", b"cd", b"ef"].into_iter()).unwrap()),
            json!(["YWI=", "Y2Q=", "ZWY="]),
            &[],
        ),
        (
            "binary view",
            Arc::new(BinaryViewArray::from(vec![Some(&b"ab"[..]), None, None])),
            json!(["YWI=", null, null]),
            &[],
        ),
        (
            "date",
            Arc::new(Date32Array::from(vec![Some(19_723), None, Some(i32::MAX)])),
            json!(["2024-01-01", null, "2147483647"]),
            &["2024-01-01", "", "2147483647"],
        ),
        (
            "date64",
            Arc::new(Date64Array::from(vec![Some(0), None, Some(86_400_000)])),
            json!(["1970-01-01", null, "1970-01-02"]),
            &[],
        ),
        (
            "datetime",
            Arc::new(TimestampMicrosecondArray::from(vec![Some(0), Some(1_500_000), Some(i64::MAX)])),
            json!(["1970-01-01T00:00:00", "1970-01-01T00:00:01.500", "9223372036854775807"]),
            &["1970-01-01T00:00:00", "1970-01-01T00:00:01.500", "9223372036854775807"],
        ),
        (
            "utc",
            Arc::new(utc(vec![Some(0), None, Some(1)], "UTC")),
            json!(["1970-01-01T00:00:00Z", null, "1970-01-01T00:00:00.000001Z"]),
            &[],
        ),
        (
            "zone",
            Arc::new(utc(vec![Some(0), None, Some(1_720_000_000_000_000)], "Europe/Berlin")),
            json!(["1970-01-01T00:00:00Z", null, "2024-07-03T09:46:40Z"]),
            &[],
        ),
        (
            "seconds",
            Arc::new(TimestampSecondArray::from(vec![Some(60), None, None])),
            json!(["1970-01-01T00:01:00", null, null]),
            &[],
        ),
        (
            "time",
            Arc::new(Time64MicrosecondArray::from(vec![Some(0), Some(86_399_999_999), None])),
            json!(["00:00:00", "23:59:59.999999", null]),
            &["00:00:00", "23:59:59.999999", ""],
        ),
        (
            "time32",
            Arc::new(Time32SecondArray::from(vec![Some(3600), None, Some(-1)])),
            json!(["01:00:00", null, "-1"]),
            &[],
        ),
        (
            "duration",
            Arc::new(DurationSecondArray::from(vec![Some(90), None, None])),
            json!(["PT90S", null, null]),
            &["PT90S", "", ""],
        ),
        ("list", Arc::new(list), json!([[1, null], null, []]), &["[1,null]", "", "[]"]),
        ("list view", Arc::new(views), json!([[1, null], null, []]), &[]),
        (
            "struct",
            Arc::new(nested),
            json!([{"n": "9223372036854775807", "t": "1970-01-01T00:00:00Z"}, {"n": null, "t": null}, null]),
            &["{\"n\":\"9223372036854775807\",\"t\":\"1970-01-01T00:00:00Z\"}", "{\"n\":null,\"t\":null}", ""],
        ),
        (
            "map",
            Arc::new(map.finish()),
            json!([{"7": "NaN", "8": null}, null, {}]),
            &["{\"7\":\"NaN\",\"8\":null}", "", "{}"],
        ),
        ("union", Arc::new(union), json!(["{i=1}", "{s=a\"b}", "{i=3}"]), &[]),
        ("dictionary", Arc::new(dictionary), json!(["x", null, "x"]), &["x", "", "x"]),
        ("runs", Arc::new(runs), json!(["x", null, "y"]), &[]),
    ]
}

#[test]
fn json_and_csv_have_the_values_of_the_contract() {
    for (name, array, expected, cells) in samples() {
        let batch = table(vec![(name, array)]);
        let rows: Vec<Vec<Value>> = serde_json::from_slice(&encode(Output::Json, &batch).unwrap()).unwrap();
        let values: Vec<_> = rows.into_iter().map(|mut row| row.remove(0)).collect();
        assert_eq!(Value::from(values), expected, "{name}");
        let records = csv_records(&encode(Output::Csv, &batch).unwrap());
        assert_eq!(records[0], [name]);
        assert_eq!(records.len(), 4, "{name}: {records:?}");
        for (record, cell) in records[1..].iter().zip(cells) {
            assert_eq!(record, &[cell.to_string()], "{name}");
        }
    }
}

#[test]
fn parquet_and_arrow_keep_values_in_plain_types() {
    for (name, array, _, _) in samples() {
        let batch = table(vec![(name, array)]);
        let plain = to_schema(&batch, &plain_schema(&batch.schema())).unwrap();
        let stream = encode(Output::Arrow, &batch).unwrap();
        let read: Vec<_> = StreamReader::try_new(&stream[..], None).unwrap().map(Result::unwrap).collect();
        let read = arrow::compute::concat_batches(&plain.schema(), &read).unwrap();
        assert_eq!(read, plain, "{name}");

        let file = match encode(Output::Parquet, &batch) {
            Ok(file) => file,
            Err(error) => {
                assert!(name == "union" && error.kind == FailureKind::Invalid, "{name}: {error}");
                continue;
            }
        };
        let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(file)).unwrap().build().unwrap();
        let read: Vec<_> = reader.map(Result::unwrap).collect();
        let read = arrow::compute::concat_batches(&read[0].schema(), &read).unwrap();
        let expected = to_schema(&plain, &crate::types::parquet_schema(&plain.schema())).unwrap();
        assert_eq!(read.columns(), expected.columns(), "{name}");
    }
}

#[test]
fn results_without_rows_are_complete_files() {
    let batch = table(vec![("a", Arc::new(Int64Array::from(Vec::<i64>::new())) as ArrayRef)]);
    assert_eq!(encode(Output::Json, &batch).unwrap(), b"[]");
    assert_eq!(encode(Output::Csv, &batch).unwrap(), b"a\r\n");
    let stream = encode(Output::Arrow, &batch).unwrap();
    assert_eq!(StreamReader::try_new(&stream[..], None).unwrap().schema(), batch.schema());
    let file = Bytes::from(encode(Output::Parquet, &batch).unwrap());
    assert_eq!(ParquetRecordBatchReaderBuilder::try_new(file).unwrap().schema(), &batch.schema());
}

#[test]
fn long_batches_of_arrow_are_split() {
    const MOST: usize = 2 << 20;
    let texts = |lengths: &[usize]| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(lengths.iter().map(|length| "x".repeat(*length))))
    };
    let list = |lengths: &[usize]| -> ArrayRef {
        let offsets = OffsetBuffer::from_lengths(lengths.iter().map(|_| 1));
        Arc::new(ListArray::new(Arc::new(Field::new("item", DataType::Utf8, true)), offsets, texts(lengths), None))
    };
    let uneven: Vec<usize> = (0..4000).map(|row| if row < 10 { 1 << 20 } else { 5 }).collect();
    let even = vec![2000; 8000];
    for (column, batches) in
        [(texts(&vec![10; 8000]), 2..=2), (texts(&uneven), 11..=24), (texts(&even), 8..=16), (list(&even), 8..=16)]
    {
        let batch = table(vec![("text", column)]);
        let stream = encode(Output::Arrow, &batch).unwrap();
        let read: Vec<_> = StreamReader::try_new(&stream[..], None).unwrap().map(Result::unwrap).collect();
        assert!(batches.contains(&read.len()), "{}", read.len());
        for part in &read {
            let length = part.column(0).to_data().get_slice_memory_size().unwrap();
            assert!(length <= MOST + 100_000 || part.num_rows() == 1, "{length}");
        }
        assert_eq!(arrow::compute::concat_batches(&read[0].schema(), &read).unwrap(), batch);
    }
}

#[test]
fn json_pages_end_before_eight_mebibytes() {
    let text = "x".repeat(1 << 20);
    let texts = StringArray::from(vec![text.as_str(); 20]);
    let batch = table(vec![("text", Arc::new(texts) as ArrayRef)]);
    let mut encoder = Encoder::new(Output::Json, &batch.schema(), &columns_of(&batch.schema())).unwrap();
    let mut page = Vec::new();
    assert_eq!(encoder.write(&batch.slice(0, 5)).unwrap(), 5);
    page.extend_from_slice(&encoder.take());
    assert_eq!(encoder.write(&batch).unwrap(), 2);
    assert_eq!(encoder.write(&batch).unwrap(), 0);
    page.extend_from_slice(&encoder.take());
    page.extend_from_slice(&encoder.finish().unwrap());
    assert!(page.len() <= 8 << 20);
    assert_eq!(serde_json::from_slice::<Vec<Value>>(&page).unwrap().len(), 7);

    let long = "x".repeat(9 << 20);
    let batch = table(vec![("text", Arc::new(StringArray::from(vec![long])) as ArrayRef)]);
    let error = encode(Output::Json, &batch).unwrap_err();
    assert!(error.kind == FailureKind::Limit && error.message.contains("`columns`"), "{error}");
}

#[test]
fn row_groups_of_parquet_are_bounded() {
    let batch = table(vec![("a", Arc::new(Int64Array::from_iter_values(0..300_000)) as ArrayRef)]);
    let file = Bytes::from(encode(Output::Parquet, &batch).unwrap());
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let groups: Vec<_> =
        reader.metadata().row_groups().iter().map(parquet::file::metadata::RowGroupMetaData::num_rows).collect();
    assert_eq!(groups.iter().sum::<i64>(), 300_000);
    assert!(groups.iter().all(|rows| *rows <= 131_072), "{groups:?}");
}

#[test]
fn large_rows_leave_memory_early() {
    // 200 MiB that do not compress.
    let mut seed = 1_u64;
    let mut noise = || {
        let bytes = std::iter::repeat_with(|| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 56) as u8
        });
        bytes.take(1 << 20).collect::<Vec<u8>>()
    };
    let schema = table(vec![("a", Arc::new(BinaryArray::from(vec![&b""[..]])) as ArrayRef)]).schema();
    let mut encoder = Encoder::new(Output::Parquet, &schema, &columns_of(&schema)).unwrap();
    let mut taken = Vec::new();
    for _ in 0..200 {
        let batch = table(vec![("a", Arc::new(BinaryArray::from(vec![&noise()[..]])) as ArrayRef)]);
        encoder.write(&batch).unwrap();
        taken.push(encoder.take().len());
    }
    assert!(taken.iter().filter(|length| **length > 0).count() >= 2, "{taken:?}");
}

#[test]
fn columns_give_the_names() {
    let batch = table(vec![("a", Arc::new(Int64Array::from(vec![1])) as ArrayRef)]);
    let mut columns = columns_of(&batch.schema());
    columns[0].name = "b".to_owned();
    let mut encoder = Encoder::new(Output::Csv, &batch.schema(), &columns).unwrap();
    encoder.write(&batch).unwrap();
    assert_eq!(encoder.finish().unwrap(), "b\r\n1\r\n");
    assert!(Encoder::new(Output::Csv, &batch.schema(), &[]).is_err());
}

proptest! {
    #[test]
    fn numbers_and_texts_survive(
        rows in prop::collection::vec((any::<i64>(), any::<f64>(), any::<f32>(), prop::option::of(".{0,8}")), 0..20),
    ) {
        let batch = table(vec![
            ("i", Arc::new(rows.iter().map(|row| row.0).collect::<Int64Array>()) as ArrayRef),
            ("d", Arc::new(rows.iter().map(|row| row.1).collect::<Float64Array>())),
            ("f", Arc::new(rows.iter().map(|row| row.2).collect::<Float32Array>())),
            ("t", Arc::new(rows.iter().map(|row| row.3.clone()).collect::<StringArray>())),
        ]);
        let json: Vec<Vec<Value>> = serde_json::from_slice(&encode(Output::Json, &batch).unwrap()).unwrap();
        let records = csv_records(&encode(Output::Csv, &batch).unwrap());
        prop_assert_eq!(json.len(), rows.len());
        for ((values, record), (integer, double, float, text)) in json.iter().zip(&records[1..]).zip(&rows) {
            let number = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let parsed = |text: &str| text.replace("INF", "inf").parse::<f64>().unwrap();
            for (integer_text, double_text, float_text) in [
                (number(&values[0]), number(&values[1]), number(&values[2])),
                (record[0].clone(), record[1].clone(), record[2].clone()),
            ] {
                prop_assert_eq!(integer_text.parse::<i64>().unwrap(), *integer);
                prop_assert!(parsed(&double_text).total_cmp(double).is_eq() || double.is_nan() && parsed(&double_text).is_nan());
                let parsed_float = float_text.replace("INF", "inf").parse::<f32>().unwrap();
                prop_assert!(parsed_float.total_cmp(float).is_eq() || float.is_nan() && parsed_float.is_nan());
            }
            prop_assert_eq!(values[3].as_str(), text.as_deref());
            prop_assert_eq!(&record[3], text.as_deref().unwrap_or_default());
        }
    }
}

#[test]
fn intervals_are_texts() {
    let arrays: [ArrayRef; 2] = [
        Arc::new(IntervalDayTimeArray::from(vec![IntervalDayTime::new(1, 0)])),
        Arc::new(IntervalMonthDayNanoArray::from(vec![IntervalMonthDayNano::new(1, 0, 0)])),
    ];
    assert_eq!(arrays[0].data_type(), &DataType::Interval(IntervalUnit::DayTime));
    for array in arrays {
        let batch = table(vec![("interval", array)]);
        let rows: Vec<Vec<String>> = serde_json::from_slice(&encode(Output::Json, &batch).unwrap()).unwrap();
        assert!(rows[0][0].starts_with("1 "), "{rows:?}");
    }
    // Offsets of lists of results start at 0, wherever the rows were.
    let list = ListArray::new(
        Arc::new(Field::new("item", DataType::Int32, true)),
        OffsetBuffer::new(vec![0, 1, 3].into()),
        Arc::new(Int32Array::from(vec![1, 2, 3])),
        None,
    );
    let batch = table(vec![("list", Arc::new(list.slice(1, 1)) as ArrayRef)]);
    assert_eq!(encode(Output::Json, &batch).unwrap(), b"[[[2,3]]]");
}
