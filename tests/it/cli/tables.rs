//! `rutter diff`, `rutter sql`, `rutter describe` and `rutter convert` with a real server and its table engine.

use std::process::{Command, Output};

use rutter_testing::{Reply, story, text};
use serde_json::{Value, json};

use super::{Cli, Serving};

const OLD: &str = "id,species,count\n1,Parus major,4\n2,Turdus merula,1\n3,Sitta europaea,7\n";
const NEW: &str = "id,species,count\n1,Parus major,5\n3,Sitta europaea,7\n4,\"Erithacus \u{1b}[2J\",2\n";
const QUERY: &str = "SELECT species, count FROM \"birds.csv\" WHERE count > $1 ORDER BY count DESC";

/// Ada's dataset with two versions of a table, and a query.
struct Birds {
    cli: Cli,
    serving: Serving,
    ada: String,
}

impl Birds {
    async fn new(engine: rutter_testing::Engine) -> Self {
        let cli = Cli::new(engine).await;
        let serving = cli.serve_with(|command| {
            command.env("RUTTER_TABLES__PROGRAM", rutter_testing::table_engine());
        });
        let ada = cli.person("ada");
        cli.ok(&["repo", "create", "ada/birds"]);
        let birds = Self { cli, serving, ada };
        birds.put("birds.csv", OLD).await;
        birds.put("notes.txt", "nothing\n").await;
        birds.put("queries/many.sql", QUERY).await;
        birds.tag("v1.0").await;
        birds.put("birds.csv", NEW).await;
        birds.put("data/empty.csv", "a\n").await;
        birds.put("notes.txt", "something\n").await;
        birds
    }

    async fn put(&self, path: &str, content: &str) {
        let request = self.serving.http.put(format!("{}/api/v1/drive/ada/birds/files/{path}", self.serving.url));
        let reply = Reply::of(request.bearer_auth(&self.ada).body(content.to_owned())).await;
        assert!(reply.status < 300, "{path}: {}", reply.text());
    }

    async fn tag(&self, name: &str) {
        let request = self.serving.http.post(format!("{}/api/v1/datasets/ada/birds/tags", self.serving.url));
        let reply = Reply::of(request.bearer_auth(&self.ada).json(&json!({"name": name}))).await;
        assert!(reply.status < 300, "{}", reply.text());
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.cli.command(arguments);
        command.env("RUTTER_SERVER", &self.serving.url).env("RUTTER_TOKEN", &self.ada);
        command
    }

    /// Runs a command; returns its exit code and its standard output.
    fn run(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.command(arguments).output().unwrap();
        let code = output.status.code().unwrap();
        (code, String::from_utf8(output.stdout.clone()).unwrap_or_else(|_| text(&output)))
    }

    /// The result of a query, as CSV.
    fn sql(&self, arguments: &[&str]) -> String {
        let output = self.output(&[&["sql"], arguments].concat());
        assert!(output.status.success(), "{arguments:?}: {}", text(&output));
        String::from_utf8(output.stdout).unwrap().replace('\r', "")
    }

    fn output(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }
}

const DIFF: &str = "\
birds.csv: 1 added, 1 removed, 1 changed (1 cell), key: id
   row  id  species              count
─  ───  ──  ───────────────────  ─────
~    0   1  Parus major          4 → 5
-    1   2  Turdus merula            1
+    2   4  Erithacus \\u{1b}[2J      2
";

story! {
    on(sqlite) async fn diff_shows_what_changed_in_tables(engine: Engine) {
        let birds = Birds::new(engine).await;
        let diff = |more: &[&str]| birds.run(&[&["diff", "ada/birds"], more].concat());
        assert_eq!(diff(&["v1.0", "main", "birds.csv", "--key", "id"]), (1, DIFF.to_owned()));
        let (code, all) = diff(&["v1.0", "main"]);
        assert_eq!(code, 1, "{all}");
        let (first, rest) = all.split_once("\n\n").unwrap();
        assert!(first.starts_with("birds.csv: ") && first.contains("no key"), "{all}");
        assert_eq!(rest, "data/empty.csv: added\n", "notes.txt is no table");
        assert_eq!(diff(&["v1.0", "v1.0", "birds.csv"]), (0, "birds.csv: no differences\n".to_owned()));
        assert_eq!(diff(&["v1.0", "v1.0"]), (0, String::new()));

        // Back in time, what was added was removed.
        let (_, back) = diff(&["main", "v1.0", "birds.csv", "--key", "id"]);
        assert!(back.contains("1 added, 1 removed") && back.contains("5 → 4"), "{back}");
        let (code, json) = diff(&["v1.0", "main", "birds.csv", "--key", "id", "--format", "json"]);
        let document: Value = serde_json::from_str(&json).unwrap();
        assert_eq!((code, &document["summary"]["changed"], &document["more"]), (1, &json!(1), &json!(false)));
        assert_eq!(document["rows"].as_array().unwrap().len(), 3);
        let (code, csv) = diff(&["v1.0", "main", "birds.csv", "--key", "id", "--format", "csv"]);
        assert!(code == 1 && csv.starts_with("change,from_row,to_row,") && csv.lines().count() == 4, "{csv}");
        let (code, daff) = diff(&["v1.0", "main", "birds.csv", "--key", "id", "--format", "daff"]);
        assert!(code == 1 && daff.starts_with("@@,") && daff.contains("4->5"), "{daff}");
        for (format, magic) in [("parquet", &b"PAR1"[..]), ("arrow", &[0xff; 4])] {
            let output = birds.output(&["diff", "ada/birds", "v1.0", "main", "birds.csv", "--format", format]);
            assert!(output.status.code() == Some(1) && output.stdout.starts_with(magic), "{}", text(&output));
        }

        for (arguments, says) in [
            (&["v1.0", "main", "none.csv"][..], "none.csv"),
            (&["v2.0", "main", "birds.csv"], "v2.0"),
            (&["v1.0", "main", "notes.txt"], "is not a table"),
            (&["v1.0", "main", "birds.csv", "--key", "weight"], "weight"),
        ] {
            let output = birds.output(&[&["diff", "ada/birds"], arguments].concat());
            assert_eq!(output.status.code(), Some(2), "{}", text(&output));
            let said = String::from_utf8(output.stderr).unwrap();
            assert!(said.starts_with("rutter: ") && said.contains(says), "{said}");
        }
        birds.serving.end().await;
    }
}

story! {
    on(sqlite) async fn sql_queries_tables_of_several_revisions(engine: Engine) {
        let birds = Birds::new(engine).await;
        let default = ["--default", "ada/birds"];
        let expected = "species,count\nSitta europaea,7\nParus major,5\n";
        assert_eq!(birds.sql(&[QUERY, "--default", "ada/birds", "--param", "2"]), expected);
        let saved = ["--saved", "queries/many.sql", "--default", "ada/birds@v1.0", "--param", "2"];
        assert_eq!(birds.sql(&saved), "species,count\nSitta europaea,7\nParus major,4\n");
        let named = "SELECT id FROM \"birds.csv\" WHERE species = $name";
        assert_eq!(birds.sql(&[&[named, "--param", "name=Parus major"], &default[..]].concat()), "id\n1\n");
        let both = "SELECT a.id, b.count - a.count AS more FROM \"ada/birds@v1.0\".\"birds.csv\" a \
            JOIN \"ada/birds@main\".\"birds.csv\" b USING (id) ORDER BY 1";
        assert_eq!(birds.sql(&[both]), "id,more\n1,1\n3,0\n");
        let diff = "SELECT change, count(*) AS n FROM row_diff('ada/birds@v1.0', 'ada/birds@main', 'birds.csv', 'id') \
            GROUP BY change ORDER BY change";
        assert_eq!(birds.sql(&[diff]), "change,n\nadded,1\nchanged,1\nremoved,1\n");

        let table = birds.output(&["sql", both, "--format", "table", "--limit", "1"]);
        assert_eq!(String::from_utf8_lossy(&table.stdout), "id  more\n──  ────\n 1     1\n");
        let footer = String::from_utf8_lossy(&table.stderr).into_owned();
        assert!(footer.starts_with("1 row from ada/birds@"), "{footer}");
        assert!(footer.contains("v1.0 (") && footer.contains("main (") && footer.contains("there are more"), "{footer}");
        let json: Value = serde_json::from_str(&birds.sql(&[both, "--format", "json"])).unwrap();
        assert_eq!((&json["rows"], &json["more"]), (&json!([[1, 1], [3, 0]]), &json!(false)));
        for (file, magic) in [("a.parquet", &b"PAR1"[..]), ("a.arrow", &[0xff; 4])] {
            birds.sql(&[both, "-o", file]);
            assert!(std::fs::read(birds.cli.folder.path().join(file)).unwrap().starts_with(magic));
        }

        for (query, says) in [
            ("SELECT nothing FROM \"ada/birds\".\"birds.csv\"", "nothing"),
            ("DROP TABLE birds", "SELECT"),
            ("SELECT * FROM \"ben/birds\".\"birds.csv\"", "ben/birds"),
        ] {
            let said = Cli::error_of(&birds.output(&["sql", query]));
            assert!(said.contains(says), "{said}");
        }
        // Others cannot read it, and it does not exist for them.
        let ben = birds.cli.person("ben");
        for token in [ben.as_str(), ""] {
            let mut command = birds.command(&["sql", "SELECT * FROM \"ada/birds\".\"birds.csv\""]);
            let said = Cli::error_of(&command.env("RUTTER_TOKEN", token).output().unwrap());
            assert_eq!(said.contains("you are not logged in"), token.is_empty(), "{said}");
        }
        birds.serving.end().await;
    }
}

story! {
    on(sqlite) async fn tables_are_described_and_converted(engine: Engine) {
        let birds = Birds::new(engine).await;
        let (code, plan) = birds.run(&["describe", "ada/birds", "--dry-run"]);
        let expected = "+ birds.csv: new resource birds with 3 columns\n+ data/empty.csv: new resource empty with 1 column\n\
                        nothing was changed (--dry-run)\n";
        assert_eq!((code, plan.as_str()), (0, expected));
        let (code, done) = birds.run(&["describe", "ada/birds", "birds.csv", "-m", "Describe birds"]);
        assert!(code == 0 && done.contains("new resource birds") && done.contains("committed as "), "{done}");
        assert_eq!(birds.run(&["describe", "ada/birds", "birds"]), (0, "there is nothing to add\n".to_owned()));
        let (code, failed) = birds.run(&["describe", "ada/birds", "notes.txt"]);
        assert!(code == 1 && failed.starts_with("? notes.txt: "), "{failed}");

        let (code, done) = birds.run(&["convert", "ada/birds", "birds.csv"]);
        assert!(code == 0 && done.starts_with("birds.parquet: 3 rows, ") && done.contains("(main, "), "{done}");
        let query = "SELECT count(*) AS n FROM \"birds.parquet\" p JOIN \"birds.csv\" c USING (id, species, count)";
        assert_eq!(birds.sql(&[query, "--default", "ada/birds"]), "n\n3\n");
        assert_eq!(birds.run(&["convert", "ada/birds", "birds.csv"]), (0, done), "it is there");
        let arguments = ["convert", "ada/birds", "data/empty.csv", "--to", "e.parquet", "--no-wait"];
        let (code, begun) = birds.run(&arguments);
        assert!(code == 0 && begun.starts_with("e.parquet: "), "{begun}");
        for (arguments, says) in [
            (&["convert", "ada/birds", "none.csv"][..], "none.csv"),
            (&["convert", "ada/birds", "birds.csv", "--to", "birds.csv"], ".parquet"),
            (&["convert", "ada/birds", "birds.csv", "--branch", "none"], "none"),
            (&["describe", "ada/none"], "ada/none"),
        ] {
            let output = birds.output(arguments);
            assert_eq!(output.status.code(), Some(1), "{}", text(&output));
            let said = String::from_utf8(output.stderr).unwrap();
            assert!(said.starts_with("rutter: ") && said.contains(says), "{said}");
        }
        birds.serving.end().await;
    }
}
