//! Footers as written by another implementation, and malicious footers.

use std::sync::Arc;

use ::parquet::{file::writer::SerializedFileWriter, schema::parser::parse_message_type};

use super::*;

/// A Parquet file without rows, with this schema.
fn file(schema: &str) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(schema).expect("a schema"));
    let mut bytes = Vec::new();
    let writer = SerializedFileWriter::new(&mut bytes, schema, Arc::default()).expect("a writer");
    writer.close().expect("memory");
    bytes
}

#[test]
fn types_of_a_written_file() {
    let bytes = file(
        "message m {
            REQUIRED BOOLEAN flag;
            OPTIONAL INT32 small;
            OPTIONAL INT64 big (INTEGER(64, false));
            OPTIONAL INT96 old;
            OPTIONAL FLOAT single;
            OPTIONAL DOUBLE double;
            OPTIONAL BYTE_ARRAY text (STRING);
            OPTIONAL BYTE_ARRAY raw;
            OPTIONAL FIXED_LEN_BYTE_ARRAY(16) id (UUID);
            OPTIONAL FIXED_LEN_BYTE_ARRAY(4) fixed;
            OPTIONAL FIXED_LEN_BYTE_ARRAY(12) span (INTERVAL);
            OPTIONAL INT32 price (DECIMAL(9, 2));
            OPTIONAL INT32 day (DATE);
            OPTIONAL INT64 clock (TIME(MICROS, true));
            OPTIONAL INT64 moment (TIMESTAMP(NANOS, true));
            OPTIONAL INT64 legacy (TIMESTAMP_MILLIS);
            OPTIONAL BYTE_ARRAY old_text (UTF8);
            OPTIONAL BYTE_ARRAY word (ENUM);
            OPTIONAL BYTE_ARRAY document (JSON);
            REPEATED INT32 numbers;
            OPTIONAL group list (LIST) { REPEATED group list { OPTIONAL group element { OPTIONAL INT32 x; } } }
            OPTIONAL group map (MAP) { REPEATED group key_value { REQUIRED BYTE_ARRAY key (UTF8); OPTIONAL INT32 value; } }
            REQUIRED group nested { OPTIONAL INT32 one; OPTIONAL group two { OPTIONAL INT32 three; } }
            OPTIONAL INT32 last;
        }",
    );
    let inferred = parquet(&bytes).expect("a table");
    let expected = [
        "flag:boolean",
        "small:integer",
        "big:integer",
        "old:datetime",
        "single:number",
        "double:number",
        "text:string",
        "raw:string/binary",
        "id:string/uuid",
        "fixed:string/binary",
        "span:duration",
        "price:number",
        "day:date",
        "clock:time",
        "moment:datetime",
        "legacy:datetime",
        "old_text:string",
        "word:string",
        "document:any",
        "numbers:array",
        "list:array",
        "map:object",
        "nested:object",
        "last:integer",
    ];
    assert_eq!(types(&inferred), expected);
    let fields = inferred.schema["fields"].as_array().expect("a list");
    let required: Vec<_> = fields.iter().filter(|field| field.get("constraints").is_some()).collect();
    assert_eq!(required.len(), 2);
    assert_eq!(required[0]["constraints"], json!({"required": true}));
    assert_eq!((inferred.rows, inferred.is_complete, inferred.encoding), (0, true, None));
}

#[test]
fn rows_are_counted() {
    use ::parquet::data_type::Int32Type;
    let schema = Arc::new(parse_message_type("message m { REQUIRED INT32 a; }").expect("a schema"));
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, Arc::default()).expect("a writer");
    for values in [&[1, 2, 3][..], &[4, 5]] {
        let mut group = writer.next_row_group().expect("a group");
        let mut column = group.next_column().expect("a column").expect("one");
        column.typed::<Int32Type>().write_batch(values, None, None).expect("memory");
        column.close().expect("memory");
        group.close().expect("memory");
    }
    writer.close().expect("memory");
    assert_eq!(parquet(&bytes).expect("a table").rows, 5);
}

#[test]
fn little_is_read() {
    let mut bytes = vec![b'x'; 1 << 20];
    bytes.extend(file("message m { REQUIRED INT32 a; }"));
    assert_eq!(types(&parquet(&bytes).expect("a table")), ["a:integer"]);
    let range = parquet_range(*bytes.last_chunk().expect("long enough"), bytes.len() as u64).expect("a range");
    assert!(range.end - range.start < 1000, "{range:?}");
}

#[test]
fn a_footer_may_be_cut_after_its_schema() {
    let bytes = file("message m { REQUIRED INT32 a; }");
    let tail = *bytes.last_chunk().expect("long enough");
    let range = parquet_range(tail, bytes.len() as u64).expect("a range");
    let footer = &bytes[usize::try_from(range.start).expect("small")..usize::try_from(range.end).expect("small")];
    let lengths: Vec<usize> = (0..=footer.len()).filter(|length| parquet_footer(&footer[..*length]).is_ok()).collect();
    assert!(lengths.len() > 5 && lengths.last() == Some(&footer.len()));
    assert!(lengths.windows(2).all(|pair| pair[0] + 1 == pair[1]));
}

#[test]
fn what_is_no_parquet() {
    let why = |bytes: &[u8]| match parquet(bytes) {
        Err(Error::Invalid(why)) => why,
        other => panic!("{other:?}"),
    };
    assert!(why(b"PAR1").contains("too short"));
    assert!(why(b"PAR1xxxxxxxxxxxxxxxxxPAR2").contains("PAR1"));
    assert!(why(b"PAR1xxxxxxxxx\x05\x00\x00\x00PARE").contains("encrypted"));
    assert!(why(b"PAR1\xff\xff\xff\xffPAR1").contains("malformed"));
    assert!(why(b"PAR1\x00\x00\x00\x00PAR1").contains("malformed"));
}

/// A footer: version, schema of these elements (each with its number of `children`), rows.
fn footer(elements: &[i32]) -> Vec<u8> {
    let varint = |mut number: u64, bytes: &mut Vec<u8>| {
        while number >= 0x80 {
            bytes.push(u8::try_from(number & 0x7f).expect("7 bits") | 0x80);
            number >>= 7;
        }
        bytes.push(u8::try_from(number).expect("7 bits"));
    };
    let mut bytes = vec![0x15, 0x02, 0x19, 0xfc];
    varint(u64::try_from(elements.len()).expect("few"), &mut bytes);
    for children in elements {
        // Optional repetition, the name "a", the number of children.
        bytes.extend([0x35, 0x02, 0x18, 0x01, b'a', 0x15]);
        varint(
            u64::try_from((i64::from(*children) << 1) ^ (i64::from(*children) >> 63)).expect("positive"),
            &mut bytes,
        );
        bytes.push(0);
    }
    bytes.extend([0x16, 0x08, 0x00]);
    bytes
}

#[test]
fn counts_are_not_believed() {
    assert_eq!(parquet_footer(&footer(&[1, 0])).expect("a table").rows, 4);
    assert_eq!(types(&parquet_footer(&footer(&[2, 1, 0, 0])).expect("a table")), ["a:object", "a2:any"]);
    for elements in [&[i32::MAX, 0][..], &[1, i32::MAX, 0], &[-1], &[0, 0], &[1], &[1, 0, 0]] {
        assert!(matches!(parquet_footer(&footer(elements)), Err(Error::Invalid(_))), "{elements:?}");
    }
    // A list of 2^60 elements, then nothing.
    let bytes = [0x15, 0x02, 0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x00];
    assert!(matches!(parquet_footer(&bytes), Err(Error::Invalid(_))));
}

#[test]
fn nesting_is_not_followed() {
    // A column nested in 300,000 groups, and an unknown field that is as deep.
    let mut elements = vec![1; 300_000];
    elements.push(0);
    assert_eq!(types(&parquet_footer(&footer(&elements)).expect("a table")), ["a:object"]);
    assert!(matches!(parquet_footer(&vec![0x1c; 300_000]), Err(Error::Invalid(_))));
}

#[test]
fn columns_have_a_limit() {
    let wide = |columns: usize| {
        let mut elements = vec![i32::try_from(columns).expect("few")];
        elements.resize(columns + 1, 0);
        parquet_footer(&footer(&elements))
    };
    assert!(wide(10_000).is_ok());
    assert!(matches!(wide(10_001), Err(Error::TooLarge(_))));
}

proptest! {
    #[test]
    fn a_footer_with_wrong_bytes_is_read_or_refused(places in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut bytes = file("message m { REQUIRED INT32 a; OPTIONAL group b (LIST) { REPEATED group list { OPTIONAL INT32 c; } } }");
        let length = bytes.len();
        for (place, byte) in places {
            bytes[place.index(length)] = byte;
        }
        let _ = parquet(&bytes);
    }
}
