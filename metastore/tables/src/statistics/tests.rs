use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, BinaryArray, BooleanArray, Date32Array, DictionaryArray, DurationSecondArray, Float64Array,
    Int64Array, ListArray, RecordBatch, StringArray, Time64MicrosecondArray, TimestampMicrosecondArray, UInt64Array,
};
use arrow::datatypes::{Int32Type, Int64Type};
use proptest::prelude::*;

use super::*;
use crate::query::tests::{CONTEXT, run, source, table};

fn summarize(batch: &RecordBatch, part: usize, rows: u64, context: &Context) -> Value {
    let source = source(batch, part);
    serde_json::from_slice(&run(statistics(context, &source, &Statistics { rows })).unwrap()).unwrap()
}

fn column(array: ArrayRef) -> Value {
    let batch = table(vec![("a", array)]);
    let mut statistics = summarize(&batch, 3, 1000, &CONTEXT);
    assert_eq!((&statistics["rows"], &statistics["is_complete"]), (&json!(batch.num_rows()), &json!(true)));
    statistics["columns"][0].take()
}

#[test]
fn each_type_has_its_statistics() {
    assert_eq!(
        column(Arc::new(Int64Array::from(vec![Some(3), None, Some(1), Some(3), Some(5)]))),
        json!({"name": "a", "type": "integer", "count": 4, "nulls": 1, "distinct": 3, "min": 1, "max": 5, "mean": 3.0,
            "std": (8.0_f64 / 3.0).sqrt(), "quartiles": [2.5, 3.0, 3.5],
            "histogram": {"edges": [1, 2, 3, 4, 5, 6], "counts": [1, 0, 2, 0, 1]}})
    );
    let floats = column(Arc::new(Float64Array::from(vec![0.0, 1.0, f64::NAN, 2.0, f64::INFINITY])));
    assert_eq!((&floats["count"], &floats["distinct"]), (&json!(5), &json!(5)));
    assert_eq!((&floats["min"], &floats["max"], &floats["mean"]), (&json!(0.0), &json!(2.0), &json!(1.0)));
    assert_eq!(floats["histogram"]["edges"].as_array().unwrap().len(), 21);
    assert_eq!(
        column(Arc::new(StringArray::from(vec![Some("b"), None, Some("ä"), Some("b"), Some("")]))),
        json!({"name": "a", "type": "string", "count": 4, "nulls": 1, "distinct": 3, "min": "", "max": "ä",
            "top": [{"value": "b", "count": 2}, {"value": "", "count": 1}, {"value": "ä", "count": 1}],
            "lengths": {"min": 0, "max": 1, "mean": 0.75, "std": 0.5, "quartiles": [0.75, 1.0, 1.0],
                "histogram": {"edges": [0, 1, 2], "counts": [1, 3]}}})
    );
    assert_eq!(
        column(Arc::new(BooleanArray::from(vec![Some(false), None, Some(false), Some(true)]))),
        json!({"name": "a", "type": "boolean", "count": 3, "nulls": 1, "distinct": 2,
            "top": [{"value": false, "count": 2}, {"value": true, "count": 1}]})
    );
    assert_eq!(
        column(Arc::new(Date32Array::from(vec![19_723, 19_725, 19_723]))),
        json!({"name": "a", "type": "date", "count": 3, "nulls": 0, "distinct": 2, "min": "2024-01-01",
            "max": "2024-01-03", "histogram": {
                "edges": ["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04"], "counts": [2, 0, 1]}})
    );
    let times = column(Arc::new(Time64MicrosecondArray::from(vec![0, 86_399_999_999])));
    assert_eq!((&times["min"], &times["max"]), (&json!("00:00:00"), &json!("23:59:59.999999")));
    assert_eq!(times["histogram"]["edges"][20], "23:59:59.999999");
    let datetimes = TimestampMicrosecondArray::from(vec![Some(0), Some(20_000_000), None]).with_timezone("+02:00");
    let datetimes = column(Arc::new(datetimes));
    assert_eq!(
        (&datetimes["min"], &datetimes["max"]),
        (&json!("1970-01-01T00:00:00Z"), &json!("1970-01-01T00:00:20Z"))
    );
    assert!(datetimes.get("mean").is_none() && datetimes.get("quartiles").is_none());
    let large = column(Arc::new(UInt64Array::from(vec![u64::MAX, 0])));
    assert_eq!((&large["min"], &large["max"]), (&json!(0), &json!("18446744073709551615")));
    assert!(large["histogram"]["edges"].as_array().unwrap().iter().all(Value::is_number));
    let lists = ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1)]), None]);
    let lengths = json!({"min": 1, "max": 1, "mean": 1.0, "quartiles": [1.0, 1.0, 1.0]});
    assert_eq!(
        column(Arc::new(lists)),
        json!({"name": "a", "type": "array", "count": 1, "nulls": 1, "lengths": lengths})
    );
    let words: DictionaryArray<Int32Type> = [Some("x"), None, Some("x")].into_iter().collect();
    assert_eq!(column(Arc::new(words))["top"], json!([{"value": "x", "count": 2}]));
    for array in [
        Arc::new(BinaryArray::from(vec![Some(&b"x"[..]), None])) as ArrayRef,
        Arc::new(DurationSecondArray::from(vec![Some(1), None])),
    ] {
        let other = column(array);
        let keys: Vec<_> = other.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["name", "type", "count", "nulls", "distinct"]);
    }
}

#[test]
fn columns_without_different_values_have_no_histogram() {
    let constant = column(Arc::new(Int64Array::from(vec![7, 7, 7])));
    assert_eq!((&constant["min"], &constant["std"]), (&json!(7), &json!(0.0)));
    assert!(constant.get("histogram").is_none());
    let missing = column(Arc::new(StringArray::from(vec![None::<&str>, None])));
    assert_eq!(missing, json!({"name": "a", "type": "string", "count": 0, "nulls": 2, "distinct": 0}));
    let nothing = column(Arc::new(Float64Array::from(vec![f64::NAN, f64::NAN])));
    assert!(nothing.get("min").is_none() && nothing.get("mean").is_none() && nothing["count"] == 2);
}

#[test]
fn only_the_first_rows_are_examined_up_to_the_limit() {
    let batch = table(vec![("a", Arc::new(Int64Array::from_iter_values(0..1000)) as ArrayRef)]);
    for (limit, part, rows, is_complete) in [
        (1000, 300, 1000, true),
        (999, 300, 999, false),
        (300, 300, 300, false),
        (5, 300, 5, false),
        (2000, 1000, 1000, true),
    ] {
        // With rows kept from the first scan, and without.
        for memory in [CONTEXT.memory, 4000] {
            let statistics = summarize(&batch, part, limit, &Context { memory, ..CONTEXT });
            assert_eq!(statistics["rows"], rows, "{limit}");
            assert_eq!(statistics["is_complete"], is_complete, "{limit}");
            let column = &statistics["columns"][0];
            assert_eq!(column["max"], rows - 1);
            let counts = column["histogram"]["counts"].as_array().unwrap();
            assert_eq!(counts.iter().map(|count| count.as_u64().unwrap()).sum::<u64>(), rows);
        }
    }
}

#[test]
fn an_empty_table_has_columns_without_values() {
    let batch = table(vec![("a", Arc::new(Int64Array::from(vec![1])) as ArrayRef)]).slice(0, 0);
    let empty = Source {
        provider: Arc::new(datafusion::datasource::MemTable::try_new(batch.schema(), vec![vec![]]).unwrap()),
        numbered: None,
        columns: crate::types::columns_of(&batch.schema()),
        total: Some(0),
    };
    let statistics = run(statistics(&CONTEXT, &empty, &Statistics { rows: 10 })).unwrap();
    let statistics: Value = serde_json::from_slice(&statistics).unwrap();
    assert_eq!(
        statistics,
        json!({"rows": 0, "is_complete": true, "columns":
            [{"name": "a", "type": "integer", "count": 0, "nulls": 0, "distinct": 0}]})
    );
}

#[test]
fn texts_are_cut_and_their_counts_are_not() {
    let long = "ü".repeat(100_000);
    let texts = StringArray::from(vec![long.clone(), long.clone() + "x", long.clone()]);
    let column = column(Arc::new(texts));
    let cut = "ü".repeat(256);
    assert_eq!((&column["min"], &column["max"], &column["distinct"]), (&json!(cut), &json!(cut), &json!(2)));
    assert_eq!(column["top"], json!([{"value": cut, "count": 2}, {"value": cut, "count": 1}]));
}

#[test]
fn wide_tables_keep_to_the_memory_and_are_fast() {
    let numbers: ArrayRef = Arc::new(Float64Array::from_iter_values((0..5000).map(|row| f64::from(row * 7919 % 5000))));
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values((0..5000).map(|row| format!("text {row}"))));
    let names: Vec<_> = (0..1000).map(|column| format!("c{column}")).collect();
    let columns = names.iter().enumerate();
    let columns = columns
        .map(|(position, name)| (name.as_str(), if position % 2 == 0 { numbers.clone() } else { texts.clone() }));
    let batch = table(columns.collect());
    let started = std::time::Instant::now();
    let statistics = summarize(&batch, 1024, 5_000_000, &CONTEXT);
    eprintln!("1,000 columns of 5,000 rows: {:?}", started.elapsed());
    let columns = statistics["columns"].as_array().unwrap();
    assert_eq!(columns.len(), 1000);
    for (position, column) in columns.iter().enumerate() {
        assert_eq!(column["name"], names[position]);
        let distinct = column["distinct"].as_f64().unwrap();
        assert!((distinct - 5000.0).abs() < 150.0, "{distinct}");
        if position % 2 == 0 {
            let median = column["quartiles"][1].as_f64().unwrap();
            assert!((median - 2499.5).abs() < 60.0, "{median}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn statistics_agree_with_a_model(
        rows in prop::collection::vec((prop::option::of(-50_i64..50), prop::option::of("[a-c]{0,2}")), 1..200), part in 1_usize..50, is_kept: bool,
    ) {
        let integers: Int64Array = rows.iter().map(|row| row.0).collect();
        let texts: StringArray = rows.iter().map(|row| row.1.clone()).collect();
        let batch = table(vec![("i", Arc::new(integers.clone()) as ArrayRef), ("t", Arc::new(texts.clone()))]);
        let context = Context { memory: if is_kept { 1 << 20 } else { 64 }, ..CONTEXT };
        let statistics = summarize(&batch, part, 1000, &context);
        let (numbers, words) = (&statistics["columns"][0], &statistics["columns"][1]);
        prop_assert_eq!(&numbers["nulls"], integers.null_count());
        prop_assert_eq!(&words["count"], texts.len() - texts.null_count());
        let values: Vec<_> = integers.iter().flatten().collect();
        prop_assert_eq!(numbers["min"].as_i64(), values.iter().min().copied());
        prop_assert_eq!(numbers["max"].as_i64(), values.iter().max().copied());
        if let Some(histogram) = numbers.get("histogram") {
            let edges: Vec<_> = histogram["edges"].as_array().unwrap().iter().map(|edge| edge.as_i64().unwrap()).collect();
            for (bin, count) in histogram["counts"].as_array().unwrap().iter().enumerate() {
                let expected = values.iter().filter(|value| (edges[bin]..edges[bin + 1]).contains(value)).count();
                prop_assert_eq!(count, expected);
            }
        }
        let mut counts = BTreeMap::<_, u64>::new();
        texts.iter().flatten().for_each(|text| *counts.entry(text).or_default() += 1);
        prop_assert_eq!(&words["distinct"], counts.len());
        let mut top: Vec<_> = counts.into_iter().collect();
        top.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        top.truncate(10);
        if !top.is_empty() {
            let top: Vec<_> = top.into_iter().map(|(value, count)| json!({"value": value, "count": count})).collect();
            prop_assert_eq!(&words["top"], &Value::from(top));
        }
    }
}
