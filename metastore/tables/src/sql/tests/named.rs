//! The tables that queries name, and normal forms.

use datafusion::datasource::MemTable;
use datafusion::sql::resolve::resolve_table_references;
use proptest::prelude::*;

use super::*;
use crate::sql::session::{CATALOG, DEFAULT_SCHEMA};

/// Returns the names as they are written, quoted or not.
fn names(query: &str) -> Vec<String> {
    let found = references(query).unwrap_or_else(|error| panic!("{query}: {error}"));
    let name = |table: TableName| {
        let quote = if table.is_quoted { "\"" } else { "" };
        let dataset = table.dataset.map(|dataset| format!("{dataset} ")).unwrap_or_default();
        format!("{dataset}{quote}{}{quote}", table.table)
    };
    found.tables.into_iter().map(name).collect()
}

#[test]
fn tables_are_found() {
    for (query, expected) in [
        ("SELECT 1", &[][..]),
        ("SELECT * FROM Birds, \"Birds\" AS b, birds AS c", &["birds", "\"Birds\""]),
        ("SELECT * FROM \"ada/birds@main~1\".\"data/birds.csv\"", &["ada/birds@main~1 \"data/birds.csv\""]),
        ("SELECT * FROM 'file.parquet'", &["\"file.parquet\""]),
        ("TABLE birds", &["birds"]),
        ("EXPLAIN TABLE \"Birds\" LIMIT 1", &["\"Birds\""]),
        ("(TABLE a) UNION TABLE \"x/y\".b", &["a", "x/y b"]),
        ("DESCRIBE birds", &["birds"]),
        ("DESC \"ada/birds\".\"b\"", &["ada/birds \"b\""]),
        ("SHOW COLUMNS FROM birds", &["birds"]),
        ("DESCRIBE SELECT * FROM birds", &["birds"]),
        ("EXPLAIN SELECT * FROM a JOIN b ON a.x IN (SELECT x FROM c)", &["a", "b", "c"]),
        (
            "SELECT (SELECT max(x) FROM a), x IN (SELECT 1 FROM b) FROM c WHERE EXISTS (SELECT 1 FROM d) GROUP BY x \
          HAVING max(x) > (SELECT 1 FROM e) ORDER BY (SELECT 1 FROM f) LIMIT (SELECT 1 FROM g)",
            &["a", "b", "c", "d", "e", "f", "g"],
        ),
        (
            "SELECT * FROM a UNION SELECT * FROM b EXCEPT (SELECT * FROM c INTERSECT SELECT * FROM d)",
            &["a", "b", "c", "d"],
        ),
        ("SELECT * FROM (a CROSS JOIN (b CROSS JOIN c)), LATERAL (SELECT * FROM d) x", &["a", "b", "c", "d"]),
        ("WITH a AS (SELECT * FROM a), b AS (SELECT * FROM a, c) SELECT * FROM a, b", &["a", "c"]),
        ("WITH A AS (SELECT 1) SELECT * FROM a, \"A\" AS b, \"x/y\".a AS c", &["\"A\"", "x/y a"]),
        ("WITH RECURSIVE a AS (SELECT 1 AS x UNION ALL SELECT x FROM a, b) SELECT * FROM a", &["b"]),
        ("SELECT * FROM (WITH a AS (SELECT 1) SELECT * FROM a) x, a AS y", &["a"]),
        ("SELECT * FROM t WHERE x = (WITH t AS (SELECT 1 AS x FROM u) SELECT x FROM t)", &["t", "u"]),
        (
            "SELECT sum(x) FILTER (WHERE x IN (SELECT 1 FROM b)) OVER (ORDER BY (SELECT 1 FROM c)) FROM a",
            &["b", "c", "a"],
        ),
        (
            "SELECT * FROM row_diff('ada/birds@v1.0', 'ada/birds@main', 'birds'), \"ada/birds@main\".\"birds\" b",
            &["ada/birds@v1.0 \"birds\"", "ada/birds@main \"birds\""],
        ),
        ("SELECT * FROM UNNEST([1, 2]) AS u(x)", &[]),
    ] {
        assert_eq!(names(query), expected, "{query}");
    }
}

#[test]
fn normal_forms_have_places_for_commits() {
    for (query, expected) in [
        ("select /* a */ Name -- b\n from birds -- c", "SELECT Name FROM \"ada/birds@main\".\"birds\""),
        (
            "SELECT \"x/y@v1\".t.a, count(\"x/y@v1\".t.*) FROM \"x/y@v1\".T",
            "SELECT \"x/y@v1\".\"t\".a, count(\"x/y@v1\".\"t\".*) FROM \"x/y@v1\".\"t\"",
        ),
        ("SELECT \"x/y\".\"T\".* FROM \"x/y\".\"T\"", "SELECT \"x/y\".\"T\".* FROM \"x/y\".\"T\""),
        ("SELECT * FROM ROW_DIFF('x/y@a', 'x/y@b', 't')", "SELECT * FROM row_diff('x/y@a', 'x/y@b', 't') AS row_diff"),
        ("SELECT '$0$t0;' FROM \"$1$\"", "SELECT '$0$t0;' FROM \"ada/birds@main\".\"$1$\""),
        (
            "WITH birds AS (TABLE birds) SELECT * FROM birds WHERE a = $1 AND b = $n",
            "WITH birds AS (SELECT * FROM \"ada/birds@main\".\"birds\") SELECT * FROM birds WHERE a = $1 AND b = $n",
        ),
        ("SELECT /*+ hint */ 1;", "SELECT 1"),
        ("show columns from birds", "DESCRIBE \"ada/birds@main\".\"birds\""),
        ("explain format tree select 1", "EXPLAIN FORMAT tree SELECT 1"),
    ] {
        let found = references(query).unwrap();
        assert_eq!(written(&found), expected);
        let pieces = &found.canonical;
        assert!(pieces.windows(2).all(|pair| !matches!(pair, [Piece::Text(_), Piece::Text(_)])), "{pieces:?}");
        assert_eq!(written(&references(expected).unwrap()), expected);
    }
}

#[test]
fn names_have_limits() {
    let join = |count: usize| (0..count).map(|n| format!("t{n}")).collect::<Vec<_>>().join(", ");
    assert_eq!(references(&format!("SELECT 1 FROM {}", join(64))).unwrap().tables.len(), 64);
    assert!(references(&format!("SELECT 1 FROM {}", join(65))).unwrap_err().message.contains("64 tables"));
    let same = (0..400).map(|n| format!("t AS t{n}")).collect::<Vec<_>>().join(", ");
    assert!(references(&format!("SELECT 1 FROM {same}")).unwrap_err().message.contains("300 tables and subqueries"));
    let doubling: Vec<_> = (1..20).map(|n| format!("c{n} AS (SELECT a.x FROM c{0} a, c{0} b)", n - 1)).collect();
    let doubling = format!("WITH c0 AS (SELECT 1 AS x), {} SELECT * FROM c19", doubling.join(", "));
    assert!(references(&doubling).unwrap_err().message.contains("as often as they are used"));
}

/// Queries on tables `a` to `d`, whose only column is `x`, with `WITH` and subqueries that use the same names.
fn query() -> impl Strategy<Value = String> {
    let name = || prop::sample::select(vec!["a", "b", "c", "\"d\"", "A", "\"A\"", "\"x/y\".a", "\"x/y@v\".\"b\"", "e"]);
    let leaf = name().prop_map(|name| format!("SELECT max(x) AS x FROM {name} AS t"));
    leaf.prop_recursive(4, 24, 3, move |inner| {
        prop_oneof![
            (name(), inner.clone()).prop_map(|(name, query)| format!("SELECT s.x FROM {name} AS s, ({query}) AS u")),
            (name(), inner.clone()).prop_map(|(name, query)| format!("SELECT x FROM {name} AS t WHERE x IN ({query})")),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("({one}) UNION ALL ({other})")),
            (prop::sample::select(vec!["a", "b", "e", "\"A\""]), inner.clone(), inner.clone(), any::<bool>()).prop_map(
                |(name, query, then, recursive)| {
                    let recursive = if recursive { "RECURSIVE " } else { "" };
                    format!("WITH {recursive}{name} AS ({query}) {then}")
                }
            ),
            (inner.clone(), inner)
                .prop_map(|(one, then)| format!("WITH c AS ({one}), e AS (SELECT x FROM c AS v) {then}")),
        ]
    })
}

proptest! {
    #[test]
    fn every_table_that_is_planned_was_found(text in query()) {
        let Ok(found) = references(&text) else { return Err(TestCaseError::reject("refused")) };
        prop_assert_eq!(written(&references(&written(&found)).unwrap()), written(&found));
        let statement = parse::parse(&text).unwrap();
        // What DataFusion finds.
        let mut expected: Vec<_> = resolve_table_references(&statement, true).unwrap().0.into_iter()
            .map(|name| (name.schema().map(str::to_owned), name.table().to_owned())).collect();
        let mut names: Vec<_> = found.tables.iter().map(|name| (name.dataset.clone(), name.table.clone())).collect();
        expected.sort();
        names.sort();
        names.dedup();
        prop_assert_eq!(&names, &expected, "{}", text);
        // What it plans, with no other tables than those.
        let session = CONTEXT.sql_session((CATALOG, DEFAULT_SCHEMA), true).unwrap();
        let schema = Arc::new(Schema::new(vec![Field::new("x", arrow::datatypes::DataType::Int64, true)]));
        for (dataset, table) in names {
            let provider = Arc::new(MemTable::try_new(Arc::clone(&schema), vec![vec![]]).unwrap());
            let catalog = session.catalog(CATALOG).unwrap();
            let dataset = dataset.unwrap_or_else(|| DEFAULT_SCHEMA.to_owned());
            if catalog.schema(&dataset).is_none() {
                let empty = datafusion::catalog::MemorySchemaProvider::new();
                catalog.register_schema(&dataset, Arc::new(empty)).unwrap();
            }
            catalog.schema(&dataset).unwrap().register_table(table, provider).unwrap();
        }
        if let Err(error) = run(session.state().statement_to_plan(statement)) {
            let error = error.to_string();
            // Names that an outer WITH defines are refused, and so are some uses of a recursive one.
            prop_assert!(error.contains("specified more than once") || text.contains("RECURSIVE"), "{}: {}", text, error);
        }
    }
}
