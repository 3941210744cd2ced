use std::cmp::Ordering;
use std::sync::Mutex;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray, StructArray,
    Time64MicrosecondArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field};
use datafusion::datasource::MemTable;
use proptest::prelude::*;
use serde_json::{Value, json};
use tables_wire::{FailureKind, Output};

use super::*;
use crate::types::columns_of;

/// Keeps what is sent.
#[derive(Default)]
struct Kept(Mutex<Vec<u8>>);

impl Sink for Kept {
    async fn send(&self, part: Bytes) -> Result<()> {
        self.0.lock().unwrap().extend_from_slice(&part);
        Ok(())
    }
}

/// A stack as that of the threads of the engine.
pub(crate) fn run<T: Send>(future: impl Future<Output = T> + Send) -> T {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(crate::STACK);
        let work = || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            runtime.block_on(future)
        };
        thread.spawn_scoped(scope, work).unwrap().join().unwrap()
    })
}

pub(crate) const CONTEXT: Context = Context { memory: 256 << 20, scratch: 1 << 30, threads: 2 };

/// A table in batches of a few rows.
pub(crate) fn source(batch: &RecordBatch, part: usize) -> Source {
    let parts = (0..batch.num_rows()).step_by(part).map(|row| batch.slice(row, part.min(batch.num_rows() - row)));
    let table = MemTable::try_new(batch.schema(), vec![parts.collect()]).unwrap();
    Source {
        provider: Arc::new(table),
        numbered: None,
        columns: columns_of(&batch.schema()),
        total: Some(batch.num_rows() as u64),
    }
}

pub(crate) fn table(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap()
}

fn request() -> Page {
    Page {
        offset: 0,
        limit: 1000,
        columns: None,
        filter: None,
        sort: Vec::new(),
        output: Output::Json,
        detailed: false,
    }
}

fn read(source: &Source, page: &Page) -> Result<(Done, Vec<Value>)> {
    run(read_page(source, page))
}

pub(crate) async fn read_page(source: &Source, page: &Page) -> Result<(Done, Vec<Value>)> {
    let kept = Kept::default();
    let done = super::page(&CONTEXT, source, page, &kept).await?;
    Ok((done, serde_json::from_slice(&kept.0.into_inner().unwrap()).unwrap()))
}

/// Returns the first column of the rows that match.
fn matching(batch: &RecordBatch, filter: &str) -> Result<Vec<Value>> {
    let page = Page { filter: Some(filter.to_owned()), ..request() };
    Ok(read(&source(batch, 2), &page)?.1.into_iter().map(|row| row[0].clone()).collect())
}

/// One column of each type that text can have, and a nested one.
fn birds() -> RecordBatch {
    const DAY: i64 = 86_400_000_000;
    let place = Field::new("Place", DataType::Utf8, true);
    let spot = StructArray::from(vec![(
        Arc::new(place),
        Arc::new(StringArray::from(vec![Some("Ulm"), Some("Bonn"), None, Some("Ulm")])) as ArrayRef,
    )]);
    table(vec![
        ("id", Arc::new(Int64Array::from(vec![1, 2, 3, 4]))),
        ("name", Arc::new(StringArray::from(vec![Some("Wren"), Some("robin"), None, Some("100%")]))),
        ("Weight", Arc::new(Float64Array::from(vec![Some(9.5), Some(18.0), Some(f64::NAN), None]))),
        ("day", Arc::new(Date32Array::from(vec![Some(19_722), Some(19_723), Some(19_800), None]))),
        (
            "seen",
            Arc::new(TimestampMicrosecondArray::from(vec![
                Some(19_722 * DAY),
                Some(19_723 * DAY + 3_600_000_000),
                None,
                Some(0),
            ])),
        ),
        ("at", Arc::new(Time64MicrosecondArray::from(vec![Some(0), Some(36_000_000_000), None, Some(1)]))),
        ("ringed", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None, Some(true)]))),
        ("spot", Arc::new(spot)),
        ("@odd. \"name\"", Arc::new(Int64Array::from(vec![10, 20, 30, 40]))),
        ("ID2", Arc::new(Int64Array::from(vec![1, 1, 2, 2]))),
        ("id2", Arc::new(Int64Array::from(vec![5, 6, 7, 8]))),
    ])
}

#[test]
fn filters_are_sql_expressions() {
    let birds = birds();
    for (filter, expected) in [
        ("id = 2", json!([2])),
        ("ID > 1 AND Id < 4", json!([2, 3])),
        ("id IN (1, 4, 9) OR id BETWEEN 2 AND 2", json!([1, 2, 4])),
        ("NOT (id = 1) and id not in (2)", json!([3, 4])),
        ("name LIKE 'W%'", json!([1])),
        ("name ILIKE '%R%N'", json!([1, 2])),
        ("name NOT LIKE '%n'", json!([4])),
        ("name LIKE '100\\%'", json!([4])),
        ("name ~ '^[a-z]+$'", json!([2])),
        ("name IS NULL", json!([3])),
        ("name is not null", json!([1, 2, 4])),
        ("lower(name) = 'wren'", json!([1])),
        ("length(name) = 5 OR coalesce(name, 'x') = 'x'", json!([2, 3])),
        ("weight > 10 AND weight < 20", json!([2])),
        ("weight = 'NaN'", json!([3])),
        ("isnan(weight)", json!([3])),
        ("weight * 2 = 19", json!([1])),
        ("CAST(id AS VARCHAR) = '3'", json!([3])),
        ("id::text || 'x' = '3x'", json!([3])),
        ("TRY_CAST(name AS BIGINT) IS NULL AND id < 3", json!([1, 2])),
        ("day >= '2024-01-01'", json!([2, 3])),
        ("day = DATE '2023-12-31'", json!([1])),
        ("day BETWEEN '2023-12-31' AND '2024-01-01'", json!([1, 2])),
        ("seen >= '2024-01-01'", json!([2])),
        ("seen > '2024-01-01T00:30:00'", json!([2])),
        ("seen > '2024-01-01 00:30:00Z'", json!([2])),
        ("seen < TIMESTAMP '2000-01-01 00:00:00'", json!([4])),
        ("seen < now()", json!([1, 2, 4])),
        ("seen < current_date - INTERVAL '1 day'", json!([1, 2, 4])),
        ("extract(year FROM day) = 2024", json!([2, 3])),
        ("date_trunc('month', seen) = '2023-12-01'", json!([1])),
        ("at >= '10:00:00'", json!([2])),
        ("at > '09:59'", json!([2])),
        ("ringed", json!([1, 4])),
        ("NOT ringed", json!([2])),
        ("ringed IS NOT TRUE", json!([2, 3])),
        ("ringed = true", json!([1, 4])),
        ("CASE WHEN id = 1 THEN true ELSE false END", json!([1])),
        ("spot.Place = 'Ulm'", json!([1, 4])),
        ("spot['Place'] = 'Bonn'", json!([2])),
        ("\"@odd. \"\"name\"\"\" >= 30", json!([3, 4])),
        ("\"ID2\" = 2", json!([3, 4])),
        ("id2 = 5", json!([1])),
        ("ID2 = 2", json!([3, 4])),
        ("true", json!([1, 2, 3, 4])),
        ("NULL", json!([])),
        ("random() < 2", json!([1, 2, 3, 4])),
        ("id = 1 -- the first", json!([1])),
        ("abs(-id) = 2", json!([2])),
        ("position('i' IN name) > 0", json!([2])),
        ("substr(name, 1, 1) IN ('W', 'r')", json!([1, 2])),
        ("array_has(make_array(1, 3), id)", json!([1, 3])),
    ] {
        assert_eq!(matching(&birds, filter).map(Value::from), Ok(expected), "{filter}");
    }
}

#[test]
fn other_sql_is_refused_with_advice() {
    let birds = birds();
    for (filter, expected) in [
        ("", "`where` is not an SQL expression"),
        ("id =", "`where` is not an SQL expression"),
        ("id = 1; DROP TABLE x", "`where` is not an SQL expression"),
        ("id = 1 AS a", "without AS"),
        ("id = 1, id = 2", "`where` is not an SQL expression"),
        ("id", "compare it"),
        ("id IN (SELECT 1)", "subqueries"),
        ("EXISTS (SELECT 1)", "subqueries"),
        ("id = (SELECT 1)", "subqueries"),
        ("id = ANY (SELECT 1)", "subqueries"),
        ("EXISTS (SELECT * FROM '/etc/passwd')", "subqueries"),
        ("sum(id) > 1", "aggregate functions"),
        ("count(*) > 1", "aggregate functions"),
        ("row_number() OVER () = 1", "window functions"),
        ("id = $1", "placeholders"),
        ("id = ?", "placeholder"),
        ("@x = 1", "unknown column"),
        ("nmae = 'Wren'", "similar names: \"name\""),
        ("\"NAME\" = 'Wren'", "similar names: \"name\""),
        ("Id2 = 1", "double quotes"),
        ("nothing(id) = 1", "nothing"),
        ("array_any_match(make_array(1), x -> x > 0)", "unknown column"),
        ("spot.nothing = 1", "nothing"),
        ("day > 'yesterday'", "yesterday"),
        ("name > 1 + true", ""),
        ("unnest(make_array(true))", "wildcards and table functions"),
    ] {
        let error = matching(&birds, filter).expect_err(filter);
        assert!(error.message.contains(expected), "{filter}: {}", error.message);
        assert_ne!(error.kind, FailureKind::Internal, "{filter}: {}", error.message);
        assert!(!error.message.contains("c0") && !error.message.contains('\n'), "{filter}: {}", error.message);
    }
}

#[test]
fn long_and_deep_expressions_do_not_overflow_the_stack() {
    let birds = birds();
    let repeated = |text: &str, times: usize| text.repeat(times);
    for (filter, is_allowed) in [
        (format!("{}id = 1{}", repeated("(", 10_000), repeated(")", 10_000)), false),
        (format!("id = 1{}", repeated(" OR id = 2", 10_000)), false),
        (format!("id = 1{}", repeated(" OR id = 2", 6000)), false),
        (format!("id = 1{}", repeated("+1", 30_000)), false),
        (format!("id = 1{}", repeated("+1", 1900)), false),
        (format!("{}id = 1", repeated("NOT ", 10_000)), false),
        (format!("{}id = 1", repeated("NOT ", 1900)), false),
        (format!("id{} = 1", repeated("::bigint", 1900)), false),
        (format!("id{} = 1", repeated("[1]", 900)), false),
        (format!("{}id{} = 1", repeated("abs(", 1900), repeated(")", 1900)), false),
        (format!("{}1{} = 1", repeated("[", 1900), repeated("]", 1900)), false),
        (format!("{}true{}", repeated("CASE WHEN ", 900), repeated(" THEN true END", 900)), false),
        (format!("id = 1 /* {} */", repeated("x", 70_000)), false),
        (format!("id = 1{}", repeated(" OR id = 2", 990)), true),
        (format!("id = 1{}", repeated(" OR name = 'x' AND id < 5", 380)), true),
        (format!("id = 1{}", repeated(" AND id < 9", 990)), true),
        (format!("id IN (1{})", repeated(",7", 20_000)), true),
        (format!("{}id = 1{}", repeated("(", 20), repeated(")", 20)), true),
        (format!("id = 1 AND ({})", vec!["(id = 1 OR id <> 2)"; 300].join(" AND ")), true),
    ] {
        let result = matching(&birds, &filter);
        let shown = shortened(&filter, 60);
        match result {
            Ok(rows) => assert!(is_allowed && rows[0] == 1, "{shown}: {rows:?}"),
            Err(error) => assert!(!is_allowed && error.kind != FailureKind::Internal, "{shown}: {error}"),
        }
    }
}

#[test]
fn detailed_pages_have_the_numbers_of_rows_and_their_total() {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..50));
    let names: ArrayRef = Arc::new(StringArray::from_iter_values((0..50).map(|id| format!("n{}", id % 5))));
    let all = source(&table(vec![("id", ids), ("row", names)]), 3);
    let all = Source { total: None, ..all };
    let detailed = Page { detailed: true, columns: Some(vec!["row".to_owned()]), ..request() };
    let filter = Some("id % 2 = 1".to_owned());
    let sort = vec![Sort { column: "row".to_owned(), descending: true }];
    for (filter, sort, total, rows) in [
        (filter.clone(), vec![], 25, json!([["n3", 3], ["n0", 5]])),
        (filter, sort.clone(), 25, json!([["n4", 19], ["n4", 29]])),
        (None, sort, 50, json!([["n4", 9], ["n4", 14]])),
    ] {
        let (done, values) = read(&all, &Page { offset: 1, limit: 2, filter, sort, ..detailed.clone() }).unwrap();
        assert_eq!((done.total, done.columns.len(), json!(values)), (Some(total), 1, rows));
    }
    let none = Page { filter: Some("false".to_owned()), ..detailed };
    assert_eq!(read(&all, &none).unwrap().0.total, Some(0));
}

#[test]
fn results_say_whether_more_rows_follow() {
    let birds = birds();
    let all = source(&birds, 3);
    let filtered = Page { filter: Some("id > 1".to_owned()), columns: Some(vec!["id".to_owned()]), ..request() };
    for (offset, limit, rows, more, total) in [
        (0, 2, 2, true, None),
        (0, 3, 3, false, Some(3)),
        (1, 2, 2, false, Some(3)),
        (2, 1, 1, false, Some(3)),
        (9, 1, 0, false, Some(3)),
    ] {
        let (done, values) = read(&all, &Page { offset, limit, ..filtered.clone() }).unwrap();
        assert_eq!((done.rows, done.more, done.total), (rows, more, total), "{offset} {limit}");
        assert_eq!(values.len() as u64, rows);
        assert!(values.iter().all(|row| row.as_array().unwrap().len() == 1));
        assert_eq!(done.columns.len(), 1);
    }
    let sort = vec![Sort { column: "Weight".to_owned(), descending: true }];
    let (done, values) = read(&all, &Page { limit: 2, sort: sort.clone(), ..request() }).unwrap();
    // NaN is the largest number, as in PostgreSQL.
    assert_eq!((done.more, done.total, &values[0][0], &values[1][0]), (true, Some(4), &json!(3), &json!(2)));
    let error = read(&all, &Page { offset: 99_999, limit: 2, sort, ..request() }).unwrap_err();
    assert!(error.kind == FailureKind::Limit && error.message.contains("100000"), "{error}");
    let unknown = Page { columns: Some(vec!["iid".to_owned()]), filter: Some("true".to_owned()), ..request() };
    assert!(read(&all, &unknown).unwrap_err().message.contains("\"id\""));
    for (filter, is_volatile) in [("random() < 2", true), ("seen < now()", true), ("lower(name) = 'x'", false)] {
        let page = Page { filter: Some(filter.to_owned()), ..request() };
        assert_eq!(read(&all, &page).unwrap().0.is_volatile, is_volatile, "{filter}");
    }
}

#[test]
fn equal_names_are_an_error() {
    let array: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let schema = arrow::datatypes::Schema::new(vec![
        Field::new("a", DataType::Int64, true),
        Field::new("a", DataType::Int64, true),
    ]);
    let batch = RecordBatch::try_new(Arc::new(schema), vec![array.clone(), array]).unwrap();
    assert!(matching(&batch, "a = 1").unwrap_err().message.contains("several columns are named \"a\""));
}

#[test]
fn exhausted_memory_names_the_key() {
    let text = "x".repeat(1000);
    let batch = table(vec![
        ("id", Arc::new(Int64Array::from_iter_values(0..50_000)) as ArrayRef),
        ("text", Arc::new(StringArray::from_iter_values((0..50_000).map(|row| format!("{row}{text}"))))),
    ]);
    let sort = vec![Sort { column: "text".to_owned(), descending: false }];
    let page = Page { limit: 60_000, sort, output: Output::Csv, ..request() };
    let context = Context { memory: 8 << 20, ..CONTEXT };
    let error = run(super::page(&context, &source(&batch, 8192), &page, &Kept::default())).unwrap_err();
    assert!(error.kind == FailureKind::Limit && error.message.contains("tables.memory_bytes"), "{error}");
}

#[test]
fn a_filter_without_order_stops_early() {
    use datafusion::catalog::streaming::StreamingTable;
    use datafusion::execution::{SendableRecordBatchStream, TaskContext};
    use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
    use datafusion::physical_plan::streaming::PartitionStream;

    /// An endless table.
    #[derive(Debug)]
    struct Endless(SchemaRef);

    impl PartitionStream for Endless {
        fn schema(&self) -> &SchemaRef {
            &self.0
        }

        fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
            let schema = self.0.clone();
            let batch = move |part: i64| {
                let array: ArrayRef = Arc::new(Int64Array::from_iter_values(part * 100..part * 100 + 100));
                Ok(RecordBatch::try_new(schema.clone(), vec![array]).unwrap())
            };
            let batches = futures::stream::iter((0..).map(batch));
            Box::pin(RecordBatchStreamAdapter::new(self.0.clone(), batches))
        }
    }

    let schema: SchemaRef = Arc::new(arrow::datatypes::Schema::new(vec![Field::new("id", DataType::Int64, true)]));
    let provider = StreamingTable::try_new(schema.clone(), vec![Arc::new(Endless(schema.clone()))]).unwrap();
    let source = Source { provider: Arc::new(provider), numbered: None, columns: columns_of(&schema), total: None };
    let page = Page { offset: 5, limit: 10, filter: Some("id % 7 = 0".to_owned()), ..request() };
    let (done, rows) = read(&source, &page).unwrap();
    assert_eq!(rows, (5..15).map(|row| json!([row * 7])).collect::<Vec<_>>());
    assert!(done.more && done.total.is_none());
}

/// Compares values as `sort` does, the missing ones aside.
fn compare(one: f64, other: f64) -> Ordering {
    match (one.is_nan(), other.is_nan()) {
        (false, false) => one.partial_cmp(&other).unwrap(),
        (one, other) => one.cmp(&other),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn pages_agree_with_a_model(
        rows in prop::collection::vec((prop::option::of(0_i64..6), prop::option::of("[ab]{0,2}"), prop::option::of(prop_oneof![Just(0.5), Just(-1.0), Just(f64::NAN)])), 0..40),
        part in 1_usize..9, offset in 0_usize..10, limit in 1_usize..12, threshold in 0_i64..6,
        is_filtered: bool, order in prop::collection::vec((0_usize..3, any::<bool>()), 0..3),
    ) {
        let batch = table(vec![
            ("row", Arc::new((0_i64..).take(rows.len()).collect::<Int64Array>()) as ArrayRef),
            ("a", Arc::new(rows.iter().map(|row| row.0).collect::<Int64Array>())),
            ("b", Arc::new(rows.iter().map(|row| row.1.clone()).collect::<StringArray>())),
            ("c", Arc::new(rows.iter().map(|row| row.2).collect::<Float64Array>())),
        ]);
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let mut expected: Vec<_> = (0..rows.len()).filter(|row| !is_filtered || rows[*row].0.is_some_and(|a| a >= threshold)).collect();
        expected.sort_by(|one, other| {
            let (one, other) = (&rows[*one], &rows[*other]);
            order.iter().fold(Ordering::Equal, |found, (column, descending)| found.then_with(|| {
                let (is_null, compared) = match column {
                    0 => ((one.0.is_none(), other.0.is_none()), one.0.cmp(&other.0)),
                    1 => ((one.1.is_none(), other.1.is_none()), one.1.cmp(&other.1)),
                    _ => ((one.2.is_none(), other.2.is_none()), one.2.zip(other.2).map_or(Ordering::Equal, |(one, other)| compare(one, other))),
                };
                match is_null {
                    (false, false) if *descending => compared.reverse(),
                    (false, false) => compared,
                    (one, other) => one.cmp(&other),
                }
            }))
        });
        let total = expected.len();
        let more = total > offset + limit;
        let expected: Vec<_> = expected.into_iter().skip(offset).take(limit).map(|row| json!([row])).collect();
        let page = Page {
            offset: offset as u64,
            limit: limit as u64,
            columns: Some(vec!["row".to_owned()]),
            filter: is_filtered.then(|| format!("a >= {threshold}")),
            sort: order.iter().map(|(column, descending)| Sort { column: ["a", "b", "c"][*column].to_owned(), descending: *descending }).collect(),
            output: Output::Json,
            detailed: false,
        };
        let (done, found) = read(&source(&batch, part), &page).unwrap();
        prop_assert_eq!(found, expected);
        prop_assert_eq!(done.more, more);
        if !more {
            prop_assert_eq!(done.total, Some(total as u64));
        }
    }
}
