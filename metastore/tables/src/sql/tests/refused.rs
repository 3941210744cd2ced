//! What is no query, and what the messages say.

use tables_wire::FailureKind;

use super::*;

#[test]
fn only_queries_are_allowed() {
    for (query, expected) in [
        ("INSERT INTO birds VALUES (1)", "INSERT is not allowed; a query is one SELECT, EXPLAIN or DESCRIBE"),
        ("COPY birds TO 'x.csv'", "COPY is not allowed"),
        ("CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'", "CREATE is not allowed"),
        ("CREATE TABLE x AS SELECT 1", "CREATE is not allowed"),
        ("CREATE VIEW x AS SELECT 1", "CREATE is not allowed"),
        ("DROP TABLE birds", "DROP is not allowed"),
        ("DELETE FROM birds", "DELETE is not allowed"),
        ("UPDATE birds SET id = 1", "UPDATE is not allowed"),
        ("MERGE INTO birds USING families ON true WHEN MATCHED THEN DELETE", "MERGE is not allowed"),
        ("SET datafusion.execution.batch_size = 1", "SET is not allowed"),
        ("RESET x", "RESET is not allowed"),
        ("SHOW TABLES", "SHOW is not allowed"),
        ("PREPARE x AS SELECT 1", "PREPARE is not allowed"),
        ("BEGIN", "BEGIN is not allowed"),
        ("EXPLAIN ANALYZE SELECT 1", "EXPLAIN ANALYZE is not allowed"),
        ("EXPLAIN (ANALYZE) SELECT 1", "EXPLAIN ANALYZE is not allowed"),
        ("EXPLAIN VERBOSE SELECT 1", "option of EXPLAIN"),
        ("EXPLAIN INSERT INTO birds VALUES (1)", "followed by a SELECT"),
        ("EXPLAIN EXPLAIN SELECT 1", "EXPLAIN"),
        ("WITH x AS (INSERT INTO birds VALUES (1)) SELECT 1", "INSERT is not allowed"),
        ("WITH x AS (SELECT 1) DELETE FROM birds", "DELETE is not allowed"),
        ("SELECT * INTO x FROM birds", "INTO is not allowed"),
        ("SELECT * FROM birds FOR UPDATE", "FOR UPDATE"),
        ("SELECT 1; SELECT 2", "a request has one query"),
        ("SELECT 1; DROP TABLE birds", "a request has one query"),
        ("", "the query is empty"),
        ("-- nothing", "the query is empty"),
        (";", "one query"),
        ("birds", "must begin with SELECT"),
        ("SELECT 1 +", "the query is not valid SQL"),
        ("SELECT 'open", "the query is not valid SQL"),
        ("SELECT * FROM generate_series(1, 10)", "row_diff(…) and unnest(…) are the only functions"),
        ("SELECT * FROM range(1, 10)", "row_diff(…) and unnest(…) are the only functions"),
        ("SELECT * FROM read_parquet('/etc/passwd')", "row_diff(…) and unnest(…) are the only functions"),
        ("SELECT * FROM birds, LATERAL generate_series(1, 2)", "row_diff(…) and unnest(…) are the only functions"),
        ("SELECT * FROM TABLE(range(1))", "row_diff(…) and unnest(…) are the only functions"),
        ("SELECT * FROM row_diff('a/b', 'a/b')", "row_diff needs three or four strings"),
        ("SELECT * FROM row_diff('a/b', 'b', 'c')", "row_diff needs three or four strings"),
        ("SELECT * FROM row_diff('a/b', 'a/b', name) , birds", "row_diff needs three or four strings"),
        ("SELECT * FROM row_diff('a/b', 'a/b', 'x', 'y', 'z')", "row_diff needs three or four strings"),
        ("SELECT * FROM row_diff('a/b', 'a/b', concat('x', 'y'))", "row_diff needs three or four strings"),
        ("SELECT * FROM birds.csv", "birds.csv is not the name of a table: write \"birds.csv\" in double quotes"),
        ("SELECT * FROM data.birds.csv", "write \"data.birds.csv\" in double quotes"),
        ("SELECT * FROM \"a\".\"b\".\"c\"", "write \"TABLE\", \"OWNER/DATASET\".\"TABLE\""),
        ("SELECT * FROM \"birds\".\"csv\"", "write \"TABLE\", \"OWNER/DATASET\".\"TABLE\""),
        ("SELECT * FROM \"ada/\".birds", "is not the name of a table"),
        ("SELECT * FROM \"\"", "the name of a table is empty"),
        ("SELECT * FROM information_schema.tables", "is not the name of a table"),
        ("SELECT * FROM birds TABLESAMPLE (10)", "TABLESAMPLE is not supported"),
        ("SELECT * FROM birds FETCH FIRST 2 ROWS ONLY", "write LIMIT"),
        ("SELECT TOP 2 * FROM birds", "write LIMIT"),
        ("SELECT * FROM birds |> WHERE id = 1", "write a subquery"),
        ("SELECT id FROM birds JOIN \"ada/birds@v1.0\".birds ON true", "several tables are named \"birds\" here"),
        ("SELECT 1 FROM families f, (birds f CROSS JOIN families g)", "several tables are named \"f\" here"),
    ] {
        let error = references(query).map(|found| written(&found)).expect_err(query);
        assert_eq!(error.kind, FailureKind::Invalid, "{query}: {error}");
        assert!(error.message.contains(expected), "{query}: {error}");
    }
}

#[test]
fn messages_say_what_is_wrong() {
    for (query, expected) in [
        ("SELECT nme FROM birds", "unknown column \"nme\"; similar names: \"name\""),
        ("SELECT b.nme FROM birds b", "unknown column \"nme\"; similar names: \"name\""),
        ("SELECT zzzzzzzz FROM birds", "unknown column \"zzzzzzzz\"; DESCRIBE \"TABLE\" lists the columns of a table"),
        ("SELECT c.name FROM birds b", "unknown table \"c\" of the column \"name\"; the query has \"b\""),
        ("SELECT id FROM birds b, birds o", "several tables have a column \"id\""),
        ("SELECT coun(*) FROM birds", "unknown function coun; did you mean count?"),
        ("SELECT version()", "unknown function version"),
        ("SELECT row_diff('a/b', 'a/b', 'c')", "unknown function row_diff"),
        ("SELECT sum(name) FROM birds", "the function sum does not accept String; convert values with CAST"),
        ("SELECT name + id FROM birds", "cannot coerce arithmetic expression"),
        ("SELECT id FROM birds GROUP BY name", "the column birds.id must be in GROUP BY or in an aggregate function"),
        ("SELECT x FROM (SELECT 1 AS x, 2 AS x)", "several columns of a subquery have the same name"),
        ("SELECT @@version", "there are no variables"),
        ("SELECT 1 / (id - id) FROM birds", "division by zero"),
        ("SELECT CAST(name AS INT) FROM birds", "cannot cast string 'Wren'"),
        ("SELECT name FROM birds WHERE seen > 'soon'", "cannot cast string 'soon'"),
        ("SELECT id FROM birds UNION SELECT id, name FROM birds", "number of columns"),
        ("SELECT (SELECT id FROM birds)", ""),
        ("SELECT * FROM birds WHERE id", ""),
        ("SELECT max(sum(id)) FROM birds", ""),
        ("SELECT row_number() OVER w FROM birds", ""),
        ("SELECT date_trunc('eon', seen) FROM birds", ""),
        ("SELECT regexp_replace(name, '(', 'x') FROM birds", ""),
        ("SELECT array_element(name, 1) FROM birds", ""),
        ("SELECT info.nothing FROM families", ""),
        ("SELECT f.code, t FROM families f CROSS JOIN UNNEST(f.info.tags) AS u(t)", "not supported"),
        ("WITH a AS (SELECT 1), a AS (SELECT 2) SELECT * FROM a", "specified more than once"),
    ] {
        let message = message(query);
        assert!(message.contains(expected), "{query}: {message}");
        assert!(!message.is_empty() && !message.contains('\n') && message.len() < 600, "{query}: {message}");
        for internal in
            ["datafusion", "DataFusion", "table://", "rutter.", ".rs", "backtrace", "chema error", "caused by"]
        {
            assert!(!message.contains(internal), "{query}: {message}");
        }
    }
}
