//! Limits, parameters, and results that change.

use std::fmt::Write as _;

use serde_json::json;
use tables_wire::FailureKind;

use super::*;

#[test]
fn results_have_a_limit() {
    for (limit, rows, more) in [(0, 0, true), (2, 2, true), (4, 4, true), (5, 5, false), (9, 5, false)] {
        for query in ["SELECT id FROM birds", "SELECT id FROM birds ORDER BY name", "TABLE birds LIMIT 9"] {
            let (done, json) = answer(&Sql { limit: Some(limit), ..request(query) }).unwrap();
            assert_eq!((done.rows, done.more), (rows, more), "{query} {limit}");
            assert_eq!(serde_json::from_slice::<Vec<Value>>(&json).unwrap().len() as u64, rows);
        }
    }
    // Without rows, a query without an end is only planned.
    let endless = "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i FROM n) SELECT count(*) AS n FROM n";
    let (done, json) = answer(&Sql { limit: Some(0), ..request(endless) }).unwrap();
    assert_eq!((done.columns[0].name.as_str(), json.as_slice()), ("n", &b"[]"[..]));
    let long = "SELECT unnest(range(0, 200)) AS n, repeat('x', 100000) AS text";
    let (done, json) = answer(&request(long)).unwrap();
    assert!(done.more && done.rows < 84 && json.len() <= 8 << 20, "{} {}", done.rows, json.len());
    let (done, csv) = answer(&Sql { output: Output::Csv, ..request(long) }).unwrap();
    assert!(!done.more && done.rows == 200 && csv.len() > 20_000_000);
    let (done, _) = answer(&Sql { limit: Some(1), ..request("EXPLAIN SELECT 1") }).unwrap();
    assert_eq!((done.rows, done.more), (1, true));
}

#[test]
fn parameters_take_values() {
    let ask = |query: &str, parameters: Value| {
        let (_, json) = answer(&Sql { parameters, ..request(query) })?;
        Ok::<Value, Error>(serde_json::from_slice(&json).unwrap())
    };
    for (query, parameters, expected) in [
        (
            "SELECT name FROM birds WHERE id = $1 OR name = $2 ORDER BY id",
            json!([1, "Owl"]),
            json!([["Wren"], ["Owl"]]),
        ),
        (
            "SELECT name FROM birds WHERE seen > $day AND weight < $w ORDER BY id",
            json!({"day": "2024-05-01", "w": 18.5}),
            json!([["Robin"]]),
        ),
        ("SELECT $1, $1 + 1, -$1", json!([-5]), json!([[-5, -4, 5]])),
        (
            "SELECT $1 AS a, $2 AS b, $3 AS c, $4 AS d",
            json!([null, true, 1.5, "it's ; -- \"x\""]),
            json!([[null, true, 1.5, "it's ; -- \"x\""]]),
        ),
        ("SELECT id FROM birds ORDER BY id LIMIT $n OFFSET $o", json!({"n": 2, "o": 1}), json!([[2], [3]])),
        ("SELECT count(*) FROM birds WHERE coalesce(weight, $1) = $1", json!([0]), json!([[2]])),
        ("SELECT seen >= DATE $1 FROM birds WHERE id = 1", json!(["2024-01-01"]), json!([[true]])),
        ("SELECT id FROM birds WHERE name LIKE $1 ORDER BY id", json!(["%r%n"]), json!([[1]])),
        ("WITH x AS (SELECT $1 AS v) SELECT v FROM x", json!(["a"]), json!([["a"]])),
    ] {
        assert_eq!(
            ask(query, parameters.clone()).unwrap_or_else(|error| panic!("{query}: {error}")),
            expected,
            "{query} {parameters}"
        );
    }
    for (query, parameters, expected) in [
        ("SELECT $1, $2", json!([1]), "the parameter $2 has no value"),
        ("SELECT $1", Value::Null, "the parameter $1 has no value"),
        ("SELECT $name", json!({"Name": 1}), "the parameter $name has no value"),
        ("SELECT $name", json!([1]), "the parameter $name has no value"),
        ("SELECT $0", json!([1]), "the parameter $0 has no value"),
        ("SELECT $1", json!([1, 2]), "the query has no parameter $2"),
        ("SELECT $a", json!({"a": 1, "b": 2}), "the query has no parameter $b"),
        ("SELECT 1", json!([1]), "the query has no parameter $1"),
        ("SELECT ?", json!([1]), "write $1 or $name"),
        ("SELECT $1", json!([[1]]), "must be null, true, false, a number or a string"),
        ("SELECT $1", json!("x"), "`parameters` must be an array"),
        ("SELECT id FROM birds WHERE seen = $1", json!(["soon"]), "'soon'"),
    ] {
        let error = ask(query, parameters.clone()).expect_err(query);
        assert!(error.message.contains(expected), "{query} {parameters}: {error}");
    }
}

#[test]
fn results_that_change_are_known() {
    for (query, expected) in [
        ("SELECT id FROM birds", false),
        ("SELECT to_char(seen, '%Y'), abs(id), upper(name) FROM birds", false),
        ("SELECT random()", true),
        ("SELECT uuid()", true),
        ("SELECT now()", true),
        ("SELECT current_date", true),
        ("SELECT current_time()", true),
        ("SELECT id FROM birds WHERE seen < now()", true),
        ("SELECT id FROM birds ORDER BY random()", true),
        ("SELECT id FROM birds WHERE id IN (SELECT CAST(random() * 9 AS INT))", true),
        ("SELECT (SELECT current_timestamp)", true),
        ("WITH x AS (SELECT now() AS n) SELECT max(n) FROM x", true),
        ("SELECT sum(id) FILTER (WHERE random() > 2) FROM birds", true),
        ("SELECT id FROM birds b JOIN families f ON b.family = f.code AND random() < 2", true),
        ("SELECT row_number() OVER (ORDER BY random(), id) FROM birds", true),
        ("EXPLAIN SELECT now()", true),
    ] {
        let done = answer(&request(query)).unwrap_or_else(|error| panic!("{query}: {error}")).0;
        assert_eq!(done.is_volatile, expected, "{query}");
    }
}

/// Answers in little memory.
fn small(query: &str, memory: usize, scratch: u64) -> Result<(Done, Vec<u8>)> {
    answer_with(Context { memory, scratch, threads: 2 }, &request(query))
}

#[test]
fn memory_and_disk_have_limits() {
    let many = "unnest(range(0, 3000000))";
    for query in [
        format!("SELECT count(*) FROM (SELECT {many} AS n) GROUP BY n ORDER BY n LIMIT 1"),
        format!("SELECT max(s) FROM (SELECT array_agg(n) AS s FROM (SELECT {many} AS n))"),
        format!("SELECT count(*) FROM (SELECT {many} AS n) a JOIN (SELECT {many} AS m) b ON a.n < b.m"),
    ] {
        let error = small(&query, 8 << 20, 1 << 20).map(|(done, _)| done).expect_err(&query);
        assert_eq!(error.kind, FailureKind::Limit, "{query}: {error}");
        // Which of both limits is hit first depends on the operator.
        let keys = ["tables.memory_bytes", "tables.scratch_bytes"];
        assert!(keys.iter().any(|key| error.message.contains(key)), "{query}: {error}");
    }
}

#[test]
fn joins_that_do_not_fit_into_memory_spill() {
    let query = "SELECT count(*), sum(a.n) FROM (SELECT unnest(range(0, 1500000)) AS n) a \
                 JOIN (SELECT unnest(range(0, 3000000, 2)) AS m) b ON a.n = b.m";
    let (done, json) = small(query, 48 << 20, 1 << 30).unwrap();
    let rows: Value = serde_json::from_slice(&json).unwrap();
    assert_eq!((done.rows, rows), (1, json!([[750_000, 562_499_250_000_i64]])));
}

#[test]
fn hostile_queries_are_refused_or_answered() {
    let repeated = |text: &str, count: usize| text.repeat(count);
    let joined = |text: &str, count: usize, by: &str| vec![text; count].join(by);
    let mut lists = "SELECT id FROM birds WHERE id IN (".to_owned();
    for number in 0..9000 {
        write!(lists, "{number},").unwrap();
    }
    lists.push_str("1) ORDER BY id");
    let mut joins = "SELECT count(*) FROM birds t0".to_owned();
    for number in 1..100 {
        write!(joins, " JOIN birds t{number} ON t{number}.id = t{}.id", number - 1).unwrap();
    }
    let chain: Vec<_> = (1..140).map(|n| format!("c{n} AS (SELECT x + 1 AS x FROM c{})", n - 1)).collect();
    let cases = [
        format!("SELECT {}1{}", repeated("(", 32_000), repeated(")", 32_000)),
        repeated("(", 65_000),
        format!("SELECT {}", repeated("NOT ", 16_000)),
        format!("SELECT {} 1", repeated("- ", 3900)),
        format!("SELECT {}", joined("1", 3900, "+")),
        format!("SELECT {}", joined("id = 1", 1900, " OR ")),
        format!("SELECT {}1{}", repeated("CASE WHEN true THEN ", 900), repeated(" END", 900)),
        format!("SELECT {}1{}", repeated("abs(", 10_000), repeated(")", 10_000)),
        format!("SELECT CAST(NULL AS INT{})", repeated("[]", 1900)),
        format!("SELECT {}", repeated("[", 30_000)),
        joined("SELECT 1", 1900, " UNION ALL "),
        joined("SELECT 1", 290, " UNION "),
        format!("SELECT * FROM {}birds{}", repeated("(", 20_000), repeated(")", 20_000)),
        format!("SELECT * FROM {}SELECT 1{}", repeated("(SELECT * FROM ", 300), repeated(") t", 300)),
        format!("WITH c0 AS (SELECT 1 AS x), {} SELECT * FROM c139", chain.join(", ")),
        format!("SELECT {}", joined("birds.*", 9000, ",")) + " FROM birds",
        format!("SELECT {} FROM birds", joined("*", 20_000, ",")),
        format!("SELECT '{}'", repeated("x", 70_000)),
        format!("SELECT \"{}\" FROM birds", repeated("x", 60_000)),
        format!("SELECT * FROM \"{}\"", repeated("x", 65_600)),
        format!("SELECT 1 IS NULL{}", repeated(" IS NULL", 3000)),
        format!("SELECT id{} FROM birds", repeated("::INT", 3000)),
        format!("SELECT id{} FROM birds", repeated("[1]", 1900)),
        format!("/*{}", repeated("/*", 30_000)),
        "SELECT 1".to_owned() + &repeated(";", 60_000),
        repeated("SELECT ", 9000),
        repeated("WITH a AS (", 5000),
        "SELECT $$".to_owned(),
        "SELECT E'\\x00\\u0000', U&'\\0001'".to_owned(),
        "\u{0}\u{1}\u{202e}".to_owned(),
        lists,
        joins,
    ];
    for query in cases {
        let start = std::time::Instant::now();
        let shown = query.chars().take(60).collect::<String>();
        match run(async { rows(&query) }) {
            Ok(_) => {}
            Err(error) => {
                assert_ne!(error.kind, FailureKind::Internal, "{shown}: {error}");
                assert!(error.message.len() < 700, "{shown}: {error}");
            }
        }
        assert!(start.elapsed().as_secs() < 20, "{shown}: {:?}", start.elapsed());
    }
}
