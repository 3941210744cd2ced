//! Delimited text and JSON Lines.

use std::fmt::Write as _;

use tables_wire::FailureKind;

use super::*;

fn of(text: &str) -> Inferred {
    csv(text.as_bytes(), ALL).expect("a table")
}

/// The type of a column with these cells, and its format.
fn column(cells: &[&str]) -> String {
    let text = cells.iter().fold("x,y\n".to_owned(), |text, cell| text + &format!("\"{cell}\",w\n"));
    types(&of(&text))[0].split_once(':').expect("a type").1.to_owned()
}

fn dialect(text: &str) -> Value {
    of(text).dialect.expect("a dialect").into()
}

#[test]
fn types_of_columns() {
    for (cells, expected) in [
        (&["1", "-20", "0"][..], "integer"),
        (&["1", "2.5", "-.5", "1e-9"], "number"),
        (&["1.5", "NaN", "-INF"], "number"),
        (&["01067", "10115"], "string"),
        (&["+49301234", "110"], "string"),
        (&["-0", "1"], "integer"),
        (&["1.", "2.0"], "string"),
        (&["12345678901234567890123456789012345678"], "integer"),
        (&["123456789012345678901234567890123456789"], "string"),
        (&["true", "False", "TRUE"], "boolean"),
        (&["yes", "no"], "string"),
        (&["1", "true"], "string"),
        (&["2024-02-29", "1999-12-31"], "date"),
        (&["2023-02-29"], "string"),
        (&["2024/12/31"], "date/%Y/%m/%d"),
        (&["31.12.2024", "01.02.2024"], "date/%d.%m.%Y"),
        (&["03/04/2024", "13/04/2024"], "date/%d/%m/%Y"),
        (&["03/04/2024", "04/13/2024"], "date/%m/%d/%Y"),
        (&["03/04/2024", "04/05/2024"], "string"),
        (&["2024-01-01T00:00:00", "2024-01-01T23:59:59.125Z", "2024-01-01T00:00:00+01:00"], "datetime"),
        (&["2024-01-01 00:00:00"], "datetime/%Y-%m-%d %H:%M:%S"),
        (&["2024-01-01 00:00:00", "2024-01-01 00:00:00.5+00"], "string"),
        (&["2024-01-01 00:00:00", "2024-01-01 00:00:00.5+0000"], "datetime/any"),
        (&["2024-01-01T24:00:00"], "string"),
        (&["00:00:00", "23:59:60"], "time"),
        (&["00:00", "23:59"], "time/%H:%M"),
        (&["24:00"], "string"),
        (&["2019", "2020"], "integer"),
        (&["", ""], "string"),
        (&["", "5"], "integer"),
        (&["5", "", "words"], "string"),
        (&["é", "ü"], "string"),
    ] {
        assert_eq!(column(cells), expected, "{cells:?}");
    }
}

#[test]
fn a_fraction_after_a_comma_is_a_number_with_its_mark() {
    let inferred = of("a;b\n1,5;2\n3;4\n");
    assert_eq!(types(&inferred), ["a:number", "b:integer"]);
    assert_eq!(inferred.schema["fields"][0]["decimalChar"], ",");
    assert_eq!(dialect("1,5;2,5;3,5\n1,5;2,5;3,5\n"), json!({"delimiter": ";", "header": false}));
}

#[test]
fn delimiters() {
    for delimiter in [",", ";", "\t", "|"] {
        let text = "a#b#c\n1#\"x, y; z | w\"#3\n4#5#6\n".replace('#', delimiter);
        assert_eq!(dialect(&text)["delimiter"], delimiter);
        assert_eq!(types(&of(&text)), ["a:integer", "b:string", "c:integer"]);
    }
    assert_eq!(dialect("text\nWell, that was it\nA word\n")["delimiter"], ",");
    assert_eq!(types(&of("text\nNo delimiter; here\nA word\n")), ["text:string"]);
    assert_eq!(dialect("a, b, c\n1, 2, 3\n"), json!({"delimiter": ",", "header": true, "skipInitialSpace": true}));
    assert_eq!(types(&of("a, b, c\n1, 2, 3\n")), ["a:integer", "b:integer", "c:integer"]);
}

#[test]
fn headers() {
    let header = |text: &str| dialect(text)["header"] == true;
    assert!(header("name,age\nAda,36\n"));
    assert!(header("name,place\nAda,London\n"));
    assert!(header("only,names\n"));
    assert!(!header("1,2\n3,4\n"));
    assert!(!header("1,2\n"));
    assert!(!header("Ada,36\nBo,40\n"));
    assert!(header("country,2019,2020\nChile,5.1,6.2\n"));
    assert!(!header("Chile,2019\nPeru,2020\n"));
    assert!(header("id,x,x\n1,2,3\n"));
    assert_eq!(types(&of("1,a\n2,b\n")), ["field1:integer", "field2:string"]);
    assert_eq!(of("1,a\n2,b\n").rows, 2);
}

#[test]
fn names_are_made_unique() {
    assert_eq!(
        types(&of("a,a,,a2,a\n1,2,3,4,5\n")),
        ["a:integer", "a2:integer", "field3:integer", "a22:integer", "a3:integer"]
    );
    assert_eq!(types(&of("a,b\n1,2,3\n4,5,6\n7,8\n")).len(), 3);
}

#[test]
fn missing_values() {
    let inferred = of("a,b\n1,NA\nNA,2\n,3\n");
    assert_eq!(types(&inferred), ["a:integer", "b:integer"]);
    assert_eq!(inferred.schema["missingValues"], json!(["", "NA"]));
    // Here `NA` is Namibia, not a missing value.
    let inferred = of("country,count\nNA,1\nDE,NA\n");
    assert_eq!(types(&inferred), ["country:string", "count:integer"]);
    assert_eq!(inferred.schema.get("missingValues"), None);
    assert_eq!(inferred.schema["fields"][1]["missingValues"], json!(["", "NA"]));
    assert_eq!(inferred.schema["fields"][0].get("missingValues"), None);
}

#[test]
fn encodings() {
    let read = |bytes: &[u8]| csv(bytes, ALL).expect("a table");
    let names = |bytes: &[u8]| types(&read(bytes));
    let expected = vec!["größe:integer".to_owned(), "b:string".to_owned()];
    assert_eq!(names("größe,b\n1,x\n".as_bytes()), expected);
    assert_eq!(names("\u{feff}größe,b\n1,x\n".as_bytes()), expected);
    assert_eq!(names(b"gr\xf6\xdfe,b\n1,x\n"), expected);
    assert_eq!(names(b"\x80,b\n1,x\n"), ["€:integer", "b:string"]);
    assert_eq!(csv(&b"PK\x03\x04\0\0,b\n"[..], ALL).unwrap_err().kind, FailureKind::Invalid);
    for order in [u16::to_le_bytes, u16::to_be_bytes] {
        let bytes: Vec<u8> = "\u{feff}größe,b\n1,x\n".encode_utf16().flat_map(order).collect();
        assert_eq!(names(&bytes), expected);
    }
    // A character truncated by the limit does not mean that the file is not UTF-8.
    let text = "a,b\n1,2\n3,é\n";
    let limits = Limits { bytes: text.find('é').expect("there") + 1, rows: 10 };
    let inferred = csv(text.as_bytes(), limits).expect("a table");
    assert_eq!((inferred.rows, inferred.is_complete), (1, false));
}

#[test]
fn declared_dialects_are_not_guessed() {
    let with = |text: &str, dialect: Value| csv_with(text.as_bytes(), ALL, &dialect).expect("a table");
    assert_eq!(types(&with("1,2\n3,4\n", json!({"header": true}))), ["1:integer", "2:integer"]);
    assert_eq!(types(&with("a,b\nc,d\n", json!({"header": false}))), ["field1:string", "field2:string"]);
    assert_eq!(types(&with("a,b;c\nx,y;3\n", json!({"delimiter": ";"}))), ["a,b:string", "c:integer"]);
    assert_eq!(types(&with("a#b\n1#2\n", json!({"delimiter": "#"}))), ["a:integer", "b:integer"]);
    let text = "Title\nlength,,width\nm,id,m\n1,2,3\n";
    let found = with(text, json!({"headerRows": [2, 3], "headerJoin": "/"}));
    assert_eq!(types(&found), ["length/m:integer", "id:integer", "width/m:integer"]);
    assert_eq!((found.rows, found.is_complete), (1, true));
    let quoted = with("a;b\n'1;2';3\n", json!({"quoteChar": "'"}));
    assert_eq!(types(&quoted), ["a:string", "b:integer"]);
    assert_eq!(quoted.dialect, json!({"quoteChar": "'", "delimiter": ";", "header": true}).as_object().cloned());
}

#[test]
fn line_ends_and_quotes() {
    for end in ["\n", "\r\n", "\r"] {
        let text = "a,b\n1,\"two \"\"lines\"\"\n, here\"\n3,x\n".replace('\n', end);
        let inferred = of(&text);
        assert_eq!((types(&inferred), inferred.rows), (vec!["a:integer".to_owned(), "b:string".to_owned()], 2));
    }
}

#[test]
fn limits() {
    let mut text = "a,b\n".to_owned();
    (0..100).for_each(|row| writeln!(text, "{row},x").expect("text"));
    let read = |bytes, rows| csv(text.as_bytes(), Limits { bytes, rows }).map(|found| (found.rows, found.is_complete));
    assert_eq!(read(10_000, 1000).expect("a table"), (100, true));
    assert_eq!(read(10_000, 100).expect("a table"), (100, true));
    assert_eq!(read(10_000, 99).expect("a table"), (99, false));
    assert_eq!(read(text.len(), 1000).expect("a table"), (100, true));
    assert_eq!(read(text.len() - 1, 1000).expect("a table"), (99, false));
    assert_eq!(read(3, 10).unwrap_err().kind, FailureKind::Invalid);
    assert_eq!(of("").schema["fields"], json!([]));
    assert_eq!(csv(",".repeat(10_000).as_bytes(), ALL).unwrap_err().kind, FailureKind::Limit);
    assert_eq!(types(&csv(",".repeat(9_999).as_bytes(), ALL).expect("a table")).len(), 10_000);
}

#[test]
fn fields_of_json_lines() {
    let text = r#"{"z": 1, "a": 1.5, "t": true, "s": "x", "o": {"deep": [1]}, "l": [1, {}], "d": "2024-01-01", "n": null}

        {"z": null, "a": 2, "s": "5", "d": "2024-01-02", "w": "2024-01-01T00:00:00Z", "m": 1, "q": 3}
{"m": "x", "s": "6", "q": 4.5}"#;
    let inferred = json_lines(text.as_bytes(), ALL).expect("a table");
    let expected = [
        "z:integer",
        "a:number",
        "t:boolean",
        "s:string",
        "o:object",
        "l:array",
        "d:date",
        "n:any",
        "w:datetime",
        "m:any",
        "q:number",
    ];
    assert_eq!(types(&inferred), expected);
    assert_eq!((inferred.rows, inferred.is_complete), (3, true));
    assert_eq!(inferred.nested.keys().collect::<Vec<_>>(), ["o"]);
}

#[test]
fn numbers_in_texts_of_json_are_texts() {
    let inferred = json_lines(&b"{\"a\": \"1\", \"b\": \"NA\", \"c\": \"\"}\n"[..], ALL).expect("a table");
    assert_eq!(types(&inferred), ["a:string", "b:string", "c:string"]);
}

#[test]
fn what_is_no_json_lines() {
    let refused = |text: &str, bytes| match json_lines(text.as_bytes(), Limits { bytes, rows: 10 }) {
        Err(error) if error.kind == FailureKind::Invalid => error.message,
        other => panic!("{other:?}"),
    };
    assert!(refused("{}\n[1]\n", 100).starts_with("row 2 is not a JSON object"));
    assert!(refused("{\"a\": 1\n", 100).starts_with("row 1 "));
    assert!(refused("{\"a\": 1}", 5).contains("longer than the sample"));
    assert!(refused(&"[".repeat(100_000), 1 << 20).starts_with("row 1 "));
    let deep = format!("{{\"a\": {}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let _ = json_lines(deep.as_bytes(), ALL);
    let cut = json_lines(&b"{\"a\": 1}\n{\"a\": 2}"[..], Limits { bytes: 15, rows: 10 }).expect("a table");
    assert_eq!((cut.rows, cut.is_complete), (1, false));
}

#[test]
fn nested_values_have_types_if_they_agree() {
    let text = r#"{"o": {"a": 1, "b": [1]}, "l": [{"x": null}], "m": [1, "x"], "e": {}, "n": [1]}
{"o": {"c": "x", "a": 2.5}, "l": [{"x": true}, null], "m": null, "n": ["x"]}
"#;
    let inferred = json_lines(text.as_bytes(), ALL).expect("a table");
    let shape = |name: &str| inferred.nested.get(name).map(|shape| Shape::deserialize(shape).expect("a shape"));
    let object = Shape::Struct(vec![
        ("a".to_owned(), Shape::Number),
        ("b".to_owned(), Shape::List(Box::new(Shape::Integer))),
        ("c".to_owned(), Shape::Text),
    ]);
    assert_eq!(shape("o"), Some(object));
    assert_eq!(shape("l"), Some(Shape::List(Box::new(Shape::Struct(vec![("x".to_owned(), Shape::Boolean)])))));
    assert_eq!([shape("m"), shape("e"), shape("n")], [None, None, None]);
}

/// A type, and a strategy for its cells.
fn typed(rows: usize) -> impl Strategy<Value = (&'static str, Vec<String>)> {
    let date =
        (1600_u32..2100, 1_u32..13, 1_u32..29).prop_map(|(year, month, day)| format!("{year:04}-{month:02}-{day:02}"));
    let time = (0_u32..24, 0_u32..60, 0_u32..60)
        .prop_map(|(hour, minute, second)| format!("{hour:02}:{minute:02}:{second:02}"));
    let datetime = (date.clone(), time.clone()).prop_map(|(date, time)| format!("{date}T{time}Z"));
    let cells = move |cell: BoxedStrategy<String>| proptest::collection::vec(cell, rows);
    prop_oneof![
        cells(any::<i64>().prop_map(|number| number.to_string()).boxed()).prop_map(|cells| ("integer", cells)),
        cells(any::<i32>().prop_map(|number| format!("{:?}", f64::from(number) + 0.25)).boxed())
            .prop_map(|cells| ("number", cells)),
        cells(any::<bool>().prop_map(|truth| truth.to_string()).boxed()).prop_map(|cells| ("boolean", cells)),
        cells(date.boxed()).prop_map(|cells| ("date", cells)),
        cells(datetime.boxed()).prop_map(|cells| ("datetime", cells)),
        cells(time.boxed()).prop_map(|cells| ("time", cells)),
        cells("[b-z][b-z \"\né#]{0,12}x".boxed()).prop_map(|cells| ("string", cells)),
    ]
}

proptest! {
    #[test]
    fn a_written_table_is_inferred_right(
        columns in (1_usize..30).prop_flat_map(|rows| proptest::collection::vec(typed(rows), 1..6)),
        delimiter in proptest::sample::select(&[',', ';', '\t', '|'][..]),
        holes in proptest::collection::vec(any::<bool>(), 8),
        is_latin in any::<bool>(),
        crlf in any::<bool>(),
    ) {
        let terminator = if crlf { ::csv::Terminator::CRLF } else { ::csv::Terminator::Any(b'\n') };
        let mut writer = ::csv::WriterBuilder::new()
            .delimiter(u8::try_from(delimiter).expect("ASCII")).terminator(terminator).from_writer(Vec::new());
        let names: Vec<String> = (0..columns.len()).map(|index| format!("col{index}x")).collect();
        writer.write_record(&names).expect("memory");
        let rows = columns[0].1.len();
        for row in 0..rows {
            // Not in the first row, so that no column is entirely empty.
            let cell = |(index, column): (usize, &(&str, Vec<String>))| {
                let is_hole = row > 0 && columns.len() > 1 && holes[(row + index) % holes.len()];
                // The delimiter itself, quoted.
                if is_hole { String::new() } else { column.1[row].replace('#', &delimiter.to_string()) }
            };
            writer.write_record(columns.iter().enumerate().map(cell)).expect("memory");
        }
        let text = String::from_utf8(writer.into_inner().expect("memory")).expect("text");
        let bytes: Vec<u8> = if is_latin { text.chars().map(|c| u8::try_from(c).expect("Latin-1")).collect() } else { text.clone().into_bytes() };
        let inferred = csv(bytes.as_slice(), ALL).expect("a table");
        let expected: Vec<String> = names.iter().zip(&columns).map(|(name, (kind, _))| format!("{name}:{kind}")).collect();
        prop_assert_eq!(types(&inferred), expected);
        prop_assert_eq!(inferred.rows, u64::try_from(rows).expect("few"));
        let dialect = inferred.dialect.expect("a dialect");
        prop_assert_eq!(&dialect["header"], true);
        if columns.len() > 1 {
            prop_assert_eq!(&dialect["delimiter"], &delimiter.to_string());
        }
    }
}
