use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::infer::{Limits, csv, json_lines};

/// Limits that are never reached.
const ALL: PageLimits = PageLimits { rows: usize::MAX, source_bytes: usize::MAX, json_bytes: usize::MAX };

/// Reads all rows in blocks of this length.
fn all(reader: &RowReader, text: &[u8], block: usize) -> Result<Value> {
    let mut page = RowPage::new(ALL);
    fill(reader, text, block, reader.start(text, true)?, &mut page)?;
    Ok(serde_json::from_str(&page.into_json()).unwrap())
}

/// Reads a page from this offset and returns where it ends.
fn fill(reader: &RowReader, text: &[u8], block: usize, mut at: usize, page: &mut RowPage) -> Result<usize> {
    while at < text.len() && !page.has_more() {
        let end = text.len().min(at + block);
        let taken = reader.take(&text[at..end], end == text.len(), 0, page)?;
        at += taken.bytes;
        if end == text.len() {
            break;
        }
    }
    Ok(at)
}

/// A table without a header whose columns are known.
fn reader_of(names: &[&str], is_csv: bool) -> RowReader {
    let fields: Vec<Value> = names.iter().map(|name| json!({ "name": name })).collect();
    let dialect = is_csv.then(|| json!({"delimiter": ",", "header": false}).as_object().cloned().unwrap());
    let schema = json!({ "fields": fields }).as_object().cloned().unwrap();
    let inferred = Inferred { schema, dialect, encoding: Some(Encoding::Utf8), rows: 0, is_complete: false };
    RowReader::of(&inferred)
}

#[test]
fn cells_have_the_types_of_their_columns() {
    let text =
        b"\xef\xbb\xbfid;name;share;ok\r\n1;\"a;\nb\";0,5;true\r\n2;;NA;false\r\n90071992547409931;x;1,25;true\r\n";
    let reader = RowReader::of(&csv(&text[..], Limits::default()).unwrap());
    let expected = json!([[1, "a;\nb", 0.5, true], [2, null, null, false], ["90071992547409931", "x", 1.25, true]]);
    for block in [40, 50, 1000] {
        assert_eq!(all(&reader, text, block).unwrap(), expected, "{block}");
    }
    assert!(all(&reader, text, 5).is_err(), "a row is longer than that");
}

#[test]
fn rows_of_any_encoding_are_the_same() {
    let text = "größe,note\n1,\"“a”\n€\"\n2,😀\n";
    let expected = json!([[1, "“a”\n€"], [2, "😀"]]);
    let utf_16 =
        |order: fn(u16) -> [u8; 2]| -> Vec<u8> { format!("\u{feff}{text}").encode_utf16().flat_map(order).collect() };
    for bytes in [text.as_bytes().to_vec(), utf_16(u16::to_le_bytes), utf_16(u16::to_be_bytes)] {
        let reader = RowReader::of(&csv(&bytes[..], Limits::default()).unwrap());
        assert_eq!(reader.fields().next(), Some(("größe", "integer")));
        for block in [40, 1000] {
            assert_eq!(all(&reader, &bytes, block).unwrap(), expected, "{block}");
        }
    }
    let windows = b"note,n\n\x93a\x94 \x80 \xfc,1\n";
    let reader = RowReader::of(&csv(&windows[..], Limits::default()).unwrap());
    assert_eq!(all(&reader, windows, 100).unwrap(), json!([["“a” € ü", 1]]));
}

#[test]
fn lines_are_objects() {
    let text = b"{\"a\": 1, \"b\": [2]}\n\n{\"b\": null, \"c\": \"x\"}\n{\"a\": 9007199254740993}";
    let reader = RowReader::of(&json_lines(&text[..], Limits::default()).unwrap());
    let rows = all(&reader, text, 25).unwrap();
    let expected = json!([[1, [2], null], [null, null, "x"], ["9007199254740993", null, null]]);
    assert_eq!(rows, expected);
    let mut page = RowPage::new(PageLimits { rows: 1, ..ALL });
    let taken = reader.take(text, true, 1, &mut page).unwrap();
    assert_eq!((taken.rows, page.has_more(), page.into_json().as_str()), (2, true, "[[null,null,\"x\"]]"));
    let deep = format!("{{\"a\": {}1{}}}\n", "[".repeat(200), "]".repeat(200));
    for bad in ["[1]\n", "{\"a\": \"\\ud800\"}\n", "{\"a\": 1e999}\n", "{\"a\": 1} 2\n", &deep] {
        assert!(reader.take(bad.as_bytes(), true, 0, &mut RowPage::new(ALL)).is_err(), "{bad}");
    }
}

#[test]
fn a_page_ends_before_a_row_that_is_too_long() {
    let reader = reader_of(&["a"], true);
    let text = format!("1\n2\n{}\n3\n", "x".repeat(100));
    let mut page = RowPage::new(ALL);
    assert_eq!(fill(&reader, text.as_bytes(), 50, 0, &mut page).unwrap(), 4);
    assert!(page.has_more() && page.into_json() == "[[\"1\"],[\"2\"]]");
    let refusal = fill(&reader, text.as_bytes(), 50, 4, &mut RowPage::new(ALL)).unwrap_err();
    assert!(refusal.to_string().contains("longer than 50 bytes"), "{refusal}");
}

proptest! {
    #[test]
    fn blocks_of_any_length_give_the_same_rows(
        cells in prop::collection::vec(prop::collection::vec("[a-z\",\n ]{0,5}", 3), 1..20),
        block in 40_usize..200,
    ) {
        let quoted = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
        let line = |row: &Vec<String>| row.iter().map(quoted).collect::<Vec<_>>().join(",") + "\r\n";
        let text = cells.iter().map(line).collect::<String>();
        // Defined, not inferred: this test is about blocks.
        let reader = reader_of(&["x", "y", "z"], true);
        let expected: Vec<Vec<Value>> = cells.iter().map(|row| {
            row.iter().map(|cell| if cell.is_empty() { Value::Null } else { json!(cell) }).collect()
        }).collect();
        prop_assert_eq!(all(&reader, text.as_bytes(), block).unwrap(), json!(expected));
    }

    #[test]
    fn pages_are_all_rows_and_none_is_larger_than_it_may_be(
        sizes in prop::collection::vec(record(300), 1..60),
        is_csv: bool,
        rows in 1_usize..20,
        source_bytes in 1_usize..2000,
        json_bytes in 800_usize..2000,
    ) {
        let reader = reader_of(&["a", "b"], is_csv);
        let text: String = sizes.iter().map(|size| line(*size, is_csv)).collect();
        let expected = all(&reader, text.as_bytes(), text.len()).unwrap();
        let (mut at, mut found) = (0, Vec::new());
        loop {
            let mut page = RowPage::new(PageLimits { rows, source_bytes, json_bytes });
            let end = fill(&reader, text.as_bytes(), 1000, at, &mut page).unwrap();
            let (count, has_more, json) = (page.rows(), page.has_more(), page.into_json());
            prop_assert!((1..=rows).contains(&count) && json.len() <= json_bytes + 1);
            prop_assert!(count == 1 || end - at <= source_bytes);
            let read: Vec<Value> = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(read.len(), count);
            found.extend(read);
            at = end;
            if !has_more {
                break;
            }
        }
        prop_assert_eq!((at, Value::from(found)), (text.len(), expected));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// `make fuzz` runs this with a memory limit.
    #[test]
    fn a_page_of_a_table_without_end_is_small(
        sizes in prop::collection::vec(record(15_000), 1..6),
        is_csv: bool,
        is_known: bool,
    ) {
        const LIMITS: PageLimits = PageLimits { rows: 1000, source_bytes: 128 << 10, json_bytes: 64 << 10 };
        let reader = reader_of(&[if is_known { "a" } else { "other" }, "b"], is_csv);
        // A row truncated by the end of a block is not read.
        let text = sizes.iter().map(|size| line(*size, is_csv)).collect::<String>().repeat(2);
        let (mut page, mut read) = (RowPage::new(LIMITS), 0);
        while !page.has_more() {
            read += reader.take(text.as_bytes(), false, 0, &mut page).unwrap().bytes;
            prop_assert!(read <= LIMITS.source_bytes);
        }
        prop_assert!(page.rows() >= 1 && page.into_json().len() <= LIMITS.json_bytes + 1);
    }
}

/// Size of a record: usually tiny, sometimes as large as allowed.
fn record(most: usize) -> impl Strategy<Value = usize> {
    prop_oneof![4 => 0..3_usize, 1 => 0..most]
}

/// A record with a value of this size.
fn line(size: usize, is_csv: bool) -> String {
    if is_csv {
        format!("{},2\n", "\u{1}".repeat(size / 3))
    } else {
        format!("{{\"a\":[1{}],\"b\":2}}\n", ",1".repeat(size))
    }
}
