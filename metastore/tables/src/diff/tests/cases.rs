//! Columns, keys, formats and limits.

use arrow::array::{ListArray, TimestampMicrosecondArray};

use super::*;

#[test]
fn edited_rows_are_paired() {
    // Without a key: one cell of three, two of three, between the same rows, and different numbers of rows.
    let from = File::csv("a,b,c\n1,x,u\n2,x,v\n3,y,w\n4,z,z\n5,z,z\n6,q,q\n");
    let to = File::csv("a,b,c\n1,x,u\n2,x,changed\n3,y,w\n40,zz,z\n5,z,z\n6,q,q\n7,r,r\n");
    let found = compare(&from, &to, &Options::default()).unwrap();
    assert_eq!(found.short(), "1>1 -3 +3 +6");
    assert_eq!(found.changed_cells(), [("a", 0), ("b", 0), ("c", 1)]);
    assert_eq!((found.summary.key_source, found.summary.unchanged), (KeySource::None, 4));
    let found = compare(&from, &to, &key(&["c", "b"])).unwrap();
    assert_eq!(found.short(), "-1 +1 -3 +3 +6");
    let found = compare(&from, &to, &key(&["a"])).unwrap();
    assert_eq!(found.short(), "1>1 -3 +3 +6");
    assert_eq!(found.texts("from_c")[0].as_deref(), Some("v"));
    assert_eq!(found.texts("to_c")[0].as_deref(), Some("changed"));
    // A run of rows that do not agree: the removed ones come first.
    let to = File::csv("a,b,c\n1,x,u\n7,7,7\n3,y,changed\n8,8,8\n9,9,9\n6,q,q\n");
    assert_eq!(compare(&from, &to, &Options::default()).unwrap().short(), "-1 +1 2>2 -3 -4 +3 +4");
    assert_eq!(compare(&to, &from, &Options::default()).unwrap().short(), "-1 +1 2>2 -3 -4 +3 +4");
}

#[test]
fn moved_rows_are_the_same() {
    let row = |number: usize| format!("{number},text {number}\n");
    let text = |rows: &mut dyn Iterator<Item = usize>| rows.fold("id,text\n".to_owned(), |text, at| text + &row(at));
    let from = text(&mut (0..30_000));
    let to = text(&mut (0..30_000).rev()).replace("text 20000\n", "edited\n").replace("text 10000\n", "edited\n");
    for options in [key(&["id"]), Options { memory: [100_000, 1 << 20], ..key(&["id"]) }] {
        let found = compare(&File::csv(&from), &File::csv(&to), &options).unwrap();
        // In the order of the newer table.
        assert_eq!(found.short(), "20000>9999 10000>19999");
        assert_eq!(found.summary.unchanged, 29_998);
    }
    let found = compare(&File::csv(&from), &File::csv(&from), &Options::default()).unwrap();
    assert_eq!((found.short().as_str(), found.summary.unchanged), ("", 30_000));
    // All rows differ, and are sorted with little memory.
    let to = text(&mut (0..30_000).rev()).replace("text ", "new text ");
    let options = Options { memory: [100_000, 4 << 20], ..key(&["id"]) };
    let found = compare(&File::csv(&from), &File::csv(&to), &options).unwrap();
    assert_eq!((found.summary.changed, found.batch.num_rows()), (30_000, 30_000));
    let rows = found.rows();
    assert!(
        rows.iter()
            .enumerate()
            .all(|(at, row)| row.2 == i64::try_from(at).ok() && row.1 == row.2.map(|to| 29_999 - to))
    );
}

#[test]
fn keys_come_from_request_or_schema() {
    let (from, to) = (File::csv("a,b\n1,x\n2,y\n"), File::csv("b,a\nx,1\nz,2\n"));
    for (declared, expected) in [(json!("a"), vec!["a"]), (json!(["b", "a"]), vec!["b", "a"])] {
        let to = to.clone().declaring(&json!({"schema": {"primaryKey": declared}}));
        let found = compare(&from, &to, &Options::default()).unwrap().summary;
        assert_eq!(
            (found.key, found.key_source),
            (expected.iter().map(|name| (*name).to_owned()).collect(), KeySource::PrimaryKey)
        );
        let found = compare(&from, &to, &key(&["b"])).unwrap().summary;
        assert_eq!((found.key, found.key_source), (vec!["b".to_owned()], KeySource::Request));
        let found = compare(&from, &to, &key(&[])).unwrap().summary;
        assert_eq!((found.key, found.key_source), (Vec::new(), KeySource::None));
        // The schema of the older table does not count.
        let found = compare(&to, &from, &Options::default()).unwrap().summary;
        assert_eq!((found.key, found.key_source), (Vec::new(), KeySource::None));
    }
    for declared in [json!("c"), json!(["a", "c"]), json!(["a", 5]), json!({"a": 1}), json!(null)] {
        let to = to.clone().declaring(&json!({"schema": {"primaryKey": declared}}));
        assert_eq!(compare(&from, &to, &Options::default()).unwrap().summary.key_source, KeySource::None);
    }
    let wider = File::csv("b,a,c\nx,1,5\n");
    for (from, to, wanted, expected) in [
        (&from, &to, "d", "unknown key column \"d\"; both tables have \"b\", \"a\""),
        (&from, &wider, "c", "the older table does not have the key column \"c\"; both tables have \"b\", \"a\""),
        (&wider, &from, "c", "the newer table does not have the key column \"c\"; both tables have \"a\", \"b\""),
        (
            &from,
            &File::csv("x\n1\n"),
            "a",
            "the newer table does not have the key column \"a\"; the tables have no column in common",
        ),
    ] {
        let error = compare(from, to, &key(&[wanted])).unwrap_err();
        assert_eq!((error.kind, error.message.as_str()), (FailureKind::Invalid, expected));
    }
}

#[test]
fn duplicate_keys_are_paired_in_order() {
    let from = File::csv("k,v\n1,a\n1,b\n1,c\n2,x\n,n\n,n\n");
    let to = File::csv("k,v\n1,c\n1,d\n2,x\n1,e\n1,f\n,m\n");
    let found = compare(&from, &to, &key(&["k"])).unwrap();
    assert_eq!(found.short(), "0>1 1>3 +4 4>5 -5");
    assert_eq!(found.summary.duplicate_keys, 5 + 4);
}

#[test]
fn columns_are_matched_by_name() {
    let from = File::csv("id,old,name,size\n1,x,a,5\n2,y,b,6\n");
    let to = File::csv("size,id,name,new\n5.5,1,a,p\n6.0,2,b,q\n");
    let found = compare(&from, &to, &key(&["id"])).unwrap();
    let columns: Vec<_> = found.summary.columns.iter().map(|column| (column.name.as_str(), column.change)).collect();
    let expected = [
        ("size", ColumnChange::Retyped),
        ("id", ColumnChange::None),
        ("name", ColumnChange::None),
        ("new", ColumnChange::Added),
        ("old", ColumnChange::Removed),
    ];
    assert_eq!(columns, expected);
    assert_eq!(found.summary.columns[0].from_type.as_deref(), Some("integer"));
    assert_eq!(found.summary.columns[0].to_type.as_deref(), Some("number"));
    assert_eq!((found.short().as_str(), found.changed_cells()[0]), ("0>0", ("size", 1)));
    let names: Vec<_> = found.batch.schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(names[..5], ["change", "from_row", "to_row", "from_size", "to_size"]);
    assert_eq!(names[5..], ["from_id", "to_id", "from_name", "to_name", "to_new", "from_old"]);
    assert_eq!(
        (found.texts("to_new"), found.texts("from_old")),
        (vec![Some("p".to_owned())], vec![Some("x".to_owned())])
    );
}

#[test]
fn names_of_the_result_are_unique() {
    let file = |text: &str| {
        File::arrow(
            &RecordBatch::try_from_iter(
                text.split(',').map(|name| (name, Arc::new(Int64Array::from(vec![1])) as ArrayRef)),
            )
            .unwrap(),
        )
    };
    let found = compare(&file("row,row_,a,a"), &file("row,row_,a,a,a"), &key(&["row"])).unwrap();
    let names: Vec<_> = found.batch.schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(names[3..7], ["from_row__", "to_row__", "from_row_", "to_row_"]);
    assert_eq!(names[7..], ["from_a", "to_a", "from_a_", "to_a_", "to_a__"]);
    let described: Vec<_> =
        found.summary.columns.iter().flat_map(|column| [&column.from, &column.to]).flatten().collect();
    assert_eq!(described, names[3..].iter().collect::<Vec<_>>());
    assert_eq!(found.short(), "");
    // Many columns of one name take no longer than others.
    let many = vec!["a"; 3000].join(",");
    let found = compare(&file(&many), &file(&many), &Options::default()).unwrap();
    assert_eq!((found.summary.unchanged, found.summary.columns.len()), (1, 3000));
}

#[test]
fn tables_without_common_columns_or_rows() {
    let [a, b] = ["a\n1\n2\n", "b\n1\n2\n3\n"].map(File::csv);
    assert_eq!(compare(&a, &b, &Options::default()).unwrap().short(), "-0 -1 +0 +1 +2");
    let empty = File::csv("a\n");
    assert_eq!(compare(&a, &empty, &Options::default()).unwrap().short(), "-0 -1");
    assert_eq!(compare(&empty, &a, &key(&["a"])).unwrap().short(), "+0 +1");
    assert_eq!(compare(&empty, &empty, &key(&["a"])).unwrap().short(), "");
    let nothing = File::csv("");
    let found = compare(&a, &nothing, &Options::default()).unwrap();
    assert_eq!((found.short().as_str(), found.summary.to_rows), ("-0 -1", 0));
    assert_eq!(found.summary.columns[0].change, ColumnChange::Removed);
    assert_eq!(compare(&nothing, &nothing, &Options::default()).unwrap().summary.columns, []);
}

#[test]
fn formats_may_differ() {
    let text =
        "id,seen,weight,tags,name\n1,2024-05-01T10:00:00Z,9.5,,Wren\n2,,18.0,,\n3,2023-05-01T10:00:00.5Z,0,,\"a,b\"\n";
    let seen = TimestampMicrosecondArray::from(vec![Some(1_714_557_600_000_000), None, Some(1_682_935_200_500_000)]);
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("id", Arc::new(arrow::array::UInt16Array::from(vec![1, 2, 3])) as ArrayRef, true),
        ("seen", Arc::new(seen), true),
        ("weight", Arc::new(arrow::array::Float32Array::from(vec![9.5, 18.0, -0.0])), true),
        ("tags", Arc::new(arrow::array::NullArray::new(3)), true),
        ("name", Arc::new(arrow::array::StringViewArray::from(vec![Some("Wren"), None, Some("a,b")])), true),
    ])
    .unwrap();
    for file in [File::parquet(&batch), File::arrow(&batch)] {
        for options in [key(&["id"]), Options::default()] {
            let found = compare(&File::csv(text), &file, &options).unwrap();
            assert_eq!((found.short().as_str(), found.summary.unchanged), ("", 3), "{:?}", found.summary);
            let found = compare(&file, &File::csv(&text.replace("18", "19")), &options).unwrap();
            assert_eq!(found.short(), "1>1");
        }
    }
    let lines = |text: &str| File { format: Format::JsonLines, ..File::csv(text) };
    let (one, other) =
        (lines("{\"id\": 1, \"l\": [1, 2]}\n{\"id\": 2}\n"), lines("{\"id\": 1, \"l\": [1, 3]}\n{\"id\": 2}\n"));
    assert_eq!(compare(&one, &other, &key(&["id"])).unwrap().short(), "0>0");
    let lists = ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1), Some(2)]), None]);
    let ids = Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef;
    let batch = RecordBatch::try_from_iter_with_nullable([("id", ids, true), ("l", Arc::new(lists), true)]).unwrap();
    assert_eq!(compare(&one, &File::parquet(&batch), &key(&["id"])).unwrap().short(), "");
}

#[test]
fn text_is_compared_as_written() {
    let (from, to) = (File::csv("id,n\n1,1.0\n2,NA\n3,5\n"), File::csv("id,n\n1,1.00\n2,\n3,5\n"));
    let typed = key(&["id"]);
    assert_eq!(compare(&from, &to, &typed).unwrap().short(), "");
    let written = Options { text: true, ..typed };
    let found = compare(&from, &to, &written).unwrap();
    assert_eq!(found.short(), "0>0 1>1");
    assert_eq!(found.texts("from_n"), [Some("1.0".to_owned()), Some("NA".to_owned())]);
    assert_eq!(found.texts("to_n"), [Some("1.00".to_owned()), Some(String::new())]);
}

#[test]
fn results_and_resources_are_limited() {
    let rows = |start: usize, end: usize| (start..end).fold("id\n".to_owned(), |text, row| text + &format!("{row}\n"));
    let (from, to) = (File::csv(&rows(0, 20_000)), File::csv(&rows(10_000, 30_000)));
    let found = compare(&from, &to, &Options { rows: 10_500, ..key(&["id"]) }).unwrap();
    assert_eq!((found.batch.num_rows(), found.summary.is_complete), (10_500, false));
    assert_eq!((found.summary.added, found.summary.removed), (10_000, 10_000));
    let error = compare(&from, &to, &Options { scratch: 1000, memory: [100_000; 2], ..key(&["id"]) }).unwrap_err();
    assert!(error.kind == FailureKind::Limit && error.message.contains("tables.scratch_bytes"), "{error}");
    let error = compare(&from, &to, &Options { memory: [1000; 2], ..key(&["id"]) }).unwrap_err();
    assert!(error.kind == FailureKind::Limit && error.message.contains("tables.memory_bytes"), "{error}");
    let wrong = File::csv(&(rows(0, 60_000) + "x\n"));
    let error = compare(&from, &wrong, &key(&["id"])).unwrap_err();
    assert!(error.kind == FailureKind::Invalid && error.message.contains("row 60001"), "{error}");
}

#[test]
fn long_cells_are_sent_in_parts() {
    let long = "x".repeat(200_000);
    let text = |mark: &str| (0..100).fold("id,text\n".to_owned(), |text, row| text + &format!("{row},{mark}{long}\n"));
    let found = compare(&File::csv(&text("a")), &File::csv(&text("b")), &key(&["id"])).unwrap();
    assert_eq!((found.summary.changed, found.batch.num_rows()), (100, 100));
    assert_eq!(found.texts("to_text")[99], Some(format!("b{long}")));
}
