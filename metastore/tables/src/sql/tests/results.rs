//! Queries and their results.

use arrow::array::AsArray as _;
use arrow::datatypes::DataType;
use arrow::ipc::reader::StreamReader;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::json;

use super::*;

/// Checks names and rows of results.
fn check(cases: Vec<(&str, &[&str], Value)>) {
    for (query, names, expected) in cases {
        let (found, rows) = rows(query).unwrap_or_else(|error| panic!("{query}: {error}"));
        assert_eq!(found, names, "{query}");
        assert_eq!(rows, expected, "{query}");
    }
}

#[test]
fn filters_joins_and_windows() {
    check(vec![
        (
            "SELECT id, name FROM birds WHERE weight > 10 ORDER BY id",
            &["id", "name"],
            json!([[2, "Robin"], [3, "Crow"]]),
        ),
        (
            "SELECT name FROM \"birds.csv\" WHERE seen BETWEEN '2024-05-01' AND '2024-05-31' ORDER BY 1",
            &["name"],
            json!([["Robin"], ["Wren"]]),
        ),
        (
            "SELECT count(*), sum(weight), avg(weight) + 1, Family FROM \"ada/birds\".birds b GROUP BY Family ORDER BY Family",
            &["count(*)", "sum(weight)", "avg(weight) + 1", "Family"],
            json!([[1, 9.5, 10.5, "A"], [2, 18.0, 19.0, "B"], [2, 500.0, 501.0, "C"]]),
        ),
        (
            "SELECT Family, count(*) AS n FROM birds GROUP BY 1 HAVING count(*) > 1 ORDER BY n, 1",
            &["Family", "n"],
            json!([["B", 2], ["C", 2]]),
        ),
        (
            "SELECT b.name, f.title FROM birds b LEFT JOIN families f ON b.Family = f.code ORDER BY b.id",
            &["name", "title"],
            json!([["Wren", "Wrens"], ["Robin", "Songbirds"], ["Crow", null], ["Finch", "Songbirds"], ["Owl", null]]),
        ),
        (
            "SELECT f.title FROM families f FULL JOIN birds b ON b.Family = f.code WHERE b.id IS NULL",
            &["title"],
            json!([["Doves"]]),
        ),
        (
            "SELECT b.id, b.weight - o.weight AS d FROM birds b JOIN \"ada/birds@v1.0\".birds o USING (id) ORDER BY b.id",
            &["id", "d"],
            json!([[1, 0.5], [2, 0.0]]),
        ),
        (
            "SELECT b.id, o.id FROM birds b JOIN \"ada/birds@v1.0\".birds o ON b.id = o.id ORDER BY 1",
            &["id", "id"],
            json!([[1, 1], [2, 2]]),
        ),
        (
            "SELECT name FROM birds WHERE id IN (SELECT id FROM \"ada/birds@v1.0\".birds) ORDER BY 1",
            &["name"],
            json!([["Robin"], ["Wren"]]),
        ),
        (
            "SELECT name FROM birds b WHERE NOT EXISTS (SELECT 1 FROM families f WHERE f.code = b.Family) ORDER BY 1",
            &["name"],
            json!([["Crow"], ["Owl"]]),
        ),
        (
            "SELECT (SELECT max(id) FROM \"ada/birds@v1.0\".birds) AS m, name FROM birds ORDER BY id LIMIT 1",
            &["m", "name"],
            json!([[6, "Wren"]]),
        ),
        (
            "SELECT name, row_number() OVER (PARTITION BY Family ORDER BY id) AS n FROM birds ORDER BY id",
            &["name", "n"],
            json!([["Wren", 1], ["Robin", 1], ["Crow", 1], ["Finch", 2], ["Owl", 2]]),
        ),
        (
            "SELECT id, lag(name) OVER (ORDER BY id) AS before, sum(id) OVER (ORDER BY id) AS sum FROM birds ORDER BY id LIMIT 3",
            &["id", "before", "sum"],
            json!([[1, null, 1], [2, "Wren", 3], [3, "Robin", 6]]),
        ),
        ("SELECT name FROM birds QUALIFY rank() OVER (ORDER BY id DESC) = 1", &["name"], json!([["Owl"]])),
    ]);
}

#[test]
fn common_table_expressions_and_set_operations() {
    check(vec![
        (
            "WITH heavy AS (SELECT * FROM birds WHERE weight > 10), n AS (SELECT count(*) AS n FROM heavy) SELECT n FROM n",
            &["n"],
            json!([[2]]),
        ),
        ("WITH birds AS (SELECT * FROM birds WHERE id = 1) SELECT name FROM birds", &["name"], json!([["Wren"]])),
        (
            "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT sum(i) FROM n",
            &["sum(i)"],
            json!([[15]]),
        ),
        (
            "SELECT id FROM birds UNION SELECT id FROM \"ada/birds@v1.0\".birds ORDER BY id",
            &["id"],
            json!([[1], [2], [3], [4], [5], [6]]),
        ),
        (
            "SELECT id FROM birds EXCEPT SELECT id FROM \"ada/birds@v1.0\".birds ORDER BY id",
            &["id"],
            json!([[3], [4], [5]]),
        ),
        (
            "SELECT id FROM birds INTERSECT SELECT id FROM \"ada/birds@v1.0\".birds ORDER BY id",
            &["id"],
            json!([[1], [2]]),
        ),
        (
            "TABLE birds ORDER BY id LIMIT 1",
            &["id", "name", "Family", "weight", "seen"],
            json!([[1, "Wren", "A", 9.5, "2024-05-01"]]),
        ),
    ]);
}

#[test]
fn nested_values_dates_and_functions() {
    check(vec![
        (
            "SELECT code, Info.Rank, info.tags[1] AS t FROM families ORDER BY code",
            &["code", "Info.Rank", "t"],
            json!([["A", 1, "x"], ["B", 2, null], ["D", 3, "z"]]),
        ),
        (
            "SELECT code, unnest(info.tags) AS tag FROM families ORDER BY 1, 2",
            &["code", "tag"],
            json!([["A", "x"], ["A", "y"], ["D", "z"]]),
        ),
        ("SELECT info FROM families WHERE code = 'D'", &["Info"], json!([[{"Rank": 3, "tags": ["z"]}]])),
        (
            "SELECT date_trunc('month', seen) AS m, count(*) FROM birds WHERE seen IS NOT NULL GROUP BY 1 ORDER BY 1",
            &["m", "count(*)"],
            json!([["2023-01-01T00:00:00", 1], ["2024-05-01T00:00:00", 2], ["2024-12-01T00:00:00", 1]]),
        ),
        (
            "SELECT extract(year from seen) AS y, seen + interval '1 month' AS next FROM birds WHERE id = 3",
            &["y", "next"],
            json!([[2023, "2023-02-28"]]),
        ),
        (
            "SELECT string_agg(name, ',' ORDER BY id DESC) AS all FROM birds",
            &["all"],
            json!([["Owl,Finch,Crow,Robin,Wren"]]),
        ),
        (
            "SELECT CASE WHEN weight IS NULL THEN 'none' WHEN weight < 10 THEN 'light' ELSE 'heavy' END AS c, count(*) AS n \
          FROM birds GROUP BY 1 ORDER BY 1",
            &["c", "n"],
            json!([["heavy", 2], ["light", 1], ["none", 2]]),
        ),
        (
            "SELECT DISTINCT ON (Family) Family, name FROM birds ORDER BY Family, id",
            &["Family", "name"],
            json!([["A", "Wren"], ["B", "Robin"], ["C", "Crow"]]),
        ),
        (
            "SELECT upper(name), length(name), name ~ '^[CW]' AS c FROM birds WHERE id = 1",
            &["upper(name)", "length(name)", "c"],
            json!([["WREN", 4, true]]),
        ),
        ("VALUES (1, 'a'), (2, NULL)", &["column1", "column2"], json!([[1, "a"], [2, null]])),
        ("FROM birds SELECT max(id)", &["max(id)"], json!([[5]])),
        (
            "SELECT * EXCLUDE (FAMILY, seen) REPLACE (weight * 2 AS Weight) FROM birds WHERE id = 1",
            &["id", "name", "weight"],
            json!([[1, "Wren", 19.0]]),
        ),
        (
            "SELECT birds.id, \"ada/birds\".birds.name FROM \"ada/birds\".birds ORDER BY \"ada/birds\".birds.id LIMIT 1",
            &["id", "name"],
            json!([[1, "Wren"]]),
        ),
        (
            "DESCRIBE birds",
            &["column_name", "data_type", "is_nullable"],
            json!([
                ["id", "Int64", "YES"],
                ["name", "Utf8", "YES"],
                ["Family", "Utf8", "YES"],
                ["weight", "Float64", "YES"],
                ["seen", "Date32", "YES"]
            ]),
        ),
    ]);
}

#[test]
fn names_may_be_there_twice() {
    check(vec![
        (
            "SELECT 1, 1, id, birds.id FROM birds ORDER BY birds.id LIMIT 1",
            &["1", "1", "id", "birds.id"],
            json!([[1, 1, 1, 1]]),
        ),
        (
            "SELECT *, id FROM \"ada/birds@v1.0\".birds WHERE id = 6",
            &["id", "name", "Family", "weight", "seen", "id"],
            json!([[6, "Dodo", "D", 10000, "1662-01-01", 6]]),
        ),
        ("SELECT id AS x, name AS x FROM birds WHERE id = 2", &["x", "x"], json!([[2, "Robin"]])),
    ]);
    let query = "SELECT b.id, o.id, b.name FROM birds b JOIN birds o ON b.id = o.id ORDER BY 1 LIMIT 2";
    let csv = answer(&Sql { output: Output::Csv, ..request(query) }).unwrap().1;
    assert_eq!(csv, b"id,id,name\r\n1,1,Wren\r\n2,2,Robin\r\n");
    let arrow = answer(&Sql { output: Output::Arrow, ..request(query) }).unwrap().1;
    let batch = StreamReader::try_new(&arrow[..], None).unwrap().next().unwrap().unwrap();
    assert_eq!((batch.num_columns(), batch.column(2).as_string::<i32>().value(1)), (3, "Robin"));
    let parquet = answer(&Sql { output: Output::Parquet, ..request(query) }).unwrap().1;
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(parquet)).unwrap().build().unwrap();
    assert_eq!(reader.map(|batch| batch.unwrap().num_columns()).collect::<Vec<_>>(), [3]);
}

#[test]
fn unquoted_names_match_in_another_case_if_that_is_unique() {
    check(vec![
        ("SELECT FAMILY, Name FROM birds ORDER BY NAME LIMIT 1", &["Family", "name"], json!([["C", "Crow"]])),
        ("SELECT B.family FROM birds AS B WHERE b.FAMILY = 'A'", &["Family"], json!([["A"]])),
        ("SELECT count(*) FROM birds b JOIN birds o USING (FAMILY)", &["count(*)"], json!([[9]])),
        ("SELECT Family AS family FROM birds WHERE Family = 'A' ORDER BY Family", &["family"], json!([["A"]])),
        ("SELECT lower(name) AS FAMILY FROM birds ORDER BY family LIMIT 1", &["family"], json!([["crow"]])),
        (
            "SELECT x.family FROM (SELECT name AS family, \"Family\" AS f FROM birds) x WHERE f = 'A'",
            &["family"],
            json!([["Wren"]]),
        ),
        ("WITH c(Family) AS (SELECT id FROM birds) SELECT max(FAMILY) FROM c", &["max(FAMILY)"], json!([[5]])),
    ]);
    assert_eq!(message("SELECT \"family\" FROM birds"), "unknown column \"family\"; similar names: \"Family\"");
}

#[test]
fn tables_are_compared_when_they_are_read() {
    let diff = "row_diff('ada/birds@v1.0', 'ada/birds@main', 'birds', 'id')";
    check(vec![
        (
            &format!("SELECT change, count(*) AS n FROM {diff} GROUP BY change ORDER BY 1"),
            &["change", "n"],
            json!([["added", 3], ["changed", 1], ["removed", 1]]),
        ),
        (
            &format!(
                "SELECT ROW_DIFF.from_id, to_weight, from_FAMILY FROM {} WHERE change = 'changed'",
                diff.replace("row_diff", "ROW_DIFF")
            ),
            &["from_id", "to_weight", "from_Family"],
            json!([[1, 9.5, "A"]]),
        ),
        (
            &format!(
                "SELECT d.to_name, f.title FROM {diff} d LEFT JOIN families f ON d.to_family = f.code WHERE change = 'added' \
                   ORDER BY to_id"
            ),
            &["to_name", "title"],
            json!([["Crow", null], ["Finch", "Songbirds"], ["Owl", null]]),
        ),
    ]);
    assert!(message("SELECT * FROM row_diff('a/b', 'a/b', 'birds', 'nme')").contains("\"nme\""));
}

#[test]
fn formats_have_the_metadata_of_the_request() {
    let metadata = json!({"sources": [{"commit": "abc"}], "query": "SELECT 1"}).as_object().unwrap().clone();
    let query = "SELECT id, name, NULL AS nothing, arrow_cast(name, 'Dictionary(Int32, Utf8)') AS word, \
                 arrow_cast(name, 'Utf8View') AS view FROM birds ORDER BY id";
    let arrow = answer(&Sql { output: Output::Arrow, metadata: metadata.clone(), ..request(query) }).unwrap().1;
    let schema = StreamReader::try_new(&arrow[..], None).unwrap().schema();
    assert_eq!(schema.metadata()["query"], "SELECT 1");
    assert_eq!(schema.metadata()["sources"], "[{\"commit\":\"abc\"}]");
    let types = [DataType::Int64, DataType::Utf8, DataType::Null, DataType::Utf8, DataType::Utf8];
    assert!(schema.fields().iter().map(|field| field.data_type()).eq(&types));
    let parquet = answer(&Sql { output: Output::Parquet, metadata, ..request(query) }).unwrap().1;
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(parquet)).unwrap();
    let keys = reader.metadata().file_metadata().key_value_metadata().unwrap();
    let found = keys.iter().find(|pair| pair.key == "sources").unwrap();
    assert_eq!(found.value.as_deref(), Some("[{\"commit\":\"abc\"}]"));
    assert_eq!(reader.build().unwrap().map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 5);
}

#[test]
fn plans_show_the_names_of_the_query() {
    let explain = |query: &str| rows(&format!("EXPLAIN {query}")).unwrap().1.to_string();
    let plan =
        explain("SELECT b.name FROM \"ada/birds@main\".birds b JOIN families f ON f.code = b.family WHERE b.id > 2");
    assert!(plan.contains("TableScan: ada/birds@main.birds") && plan.contains("TableScan: families"), "{plan}");
    for internal in ["table://", "rutter.", "DataFusion", "file1"] {
        assert!(!plan.contains(internal), "{plan}");
    }
    assert!(explain("SELECT change FROM row_diff('a/b', 'c/d', 'birds')").contains("row_diff"));
}
