//! Rows of text tables, read in blocks of bytes: whoever asks for a few of them need not have all of them.

use csv::{ByteRecord, ReaderBuilder};
use serde_json::{Map, Number, Value};

use super::Inferred;
use crate::{Error, Result};

/// Integers beyond this are no longer exact in a browser, and stay texts there.
const EXACT: i64 = 1 << 53;

/// How the rows of a table are read: by what was inferred from its beginning.
#[derive(Debug, Clone)]
pub struct RowReader {
    columns: Vec<Column>,
    syntax: Syntax,
    is_latin: bool,
    /// Whether the first row names the columns.
    has_header: bool,
}

#[derive(Debug, Clone)]
struct Column {
    name: String,
    kind: Kind,
    missing: Vec<String>,
    has_comma: bool,
}

/// The types that JSON has a notation for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Integer,
    Number,
    Boolean,
    Other,
}

#[derive(Debug, Clone, Copy)]
enum Syntax {
    Csv { delimiter: u8, skips_space: bool },
    JsonLines,
}

/// What was read of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// Rows that ended in it, those that were passed over among them.
    pub rows: u64,
    /// Its bytes up to the end of the last of them.
    pub bytes: usize,
}

impl RowReader {
    /// For a table of which that was found out.
    ///
    /// [`Error::Invalid`] for one in UTF-16, of which the rows cannot be told apart byte by byte.
    pub fn of(inferred: &Inferred) -> Result<Self> {
        if inferred.encoding == Some("utf-16") {
            return Err(Error::Invalid("the rows of a file in UTF-16 are not read; write it in UTF-8".to_owned()));
        }
        let list = |value: &Value| -> Vec<String> {
            value.as_array().into_iter().flatten().filter_map(|text| text.as_str().map(str::to_owned)).collect()
        };
        let common = inferred.schema.get("missingValues").map(list).unwrap_or_default();
        let fields = inferred.schema.get("fields").and_then(Value::as_array).into_iter().flatten();
        let columns = fields.map(|field| Column {
            name: field["name"].as_str().unwrap_or_default().to_owned(),
            kind: match field["type"].as_str().unwrap_or_default() {
                "integer" => Kind::Integer,
                "number" => Kind::Number,
                "boolean" => Kind::Boolean,
                _ => Kind::Other,
            },
            missing: if field["missingValues"].is_array() { list(&field["missingValues"]) } else { common.clone() },
            has_comma: field["decimalChar"] == ",",
        });
        let told = |key: &str| inferred.dialect.as_ref().and_then(|dialect| dialect.get(key));
        let flag = |key| told(key).and_then(Value::as_bool).unwrap_or_default();
        let syntax = match &inferred.dialect {
            None => Syntax::JsonLines,
            Some(_) => Syntax::Csv {
                delimiter: told("delimiter")
                    .and_then(Value::as_str)
                    .and_then(|text| text.bytes().next())
                    .unwrap_or(b','),
                skips_space: flag("skipInitialSpace"),
            },
        };
        Ok(Self {
            columns: columns.collect(),
            syntax,
            is_latin: inferred.encoding == Some("iso-8859-1"),
            has_header: flag("header"),
        })
    }

    /// Where the first row begins, by the beginning of the file: behind a byte order mark and the header.
    ///
    /// [`Error::Invalid`] if the header does not end in `head`.
    pub fn start(&self, head: &[u8], is_all: bool) -> Result<usize> {
        let mark = if head.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        if !self.has_header {
            return Ok(mark);
        }
        let header = self.take(&head[mark..], is_all, 1, 0, &mut Vec::new())?;
        Ok(mark + header.bytes)
    }

    /// Reads rows of a block that begins where a row does: passes over `skip` of them, and adds the next ones to `rows`
    /// until it has `limit` of them. What the end of the block cuts through is left for the next one, unless `is_last`.
    ///
    /// [`Error::Invalid`] for what is no row, and for one that is longer than the block.
    pub fn take(
        &self,
        block: &[u8],
        is_last: bool,
        skip: u64,
        limit: usize,
        rows: &mut Vec<Vec<Value>>,
    ) -> Result<Taken> {
        let taken = match self.syntax {
            Syntax::Csv { delimiter, skips_space } => {
                self.take_csv(block, is_last, (delimiter, skips_space), skip, limit, rows)?
            }
            Syntax::JsonLines => self.take_lines(block, is_last, skip, limit, rows)?,
        };
        let is_wanted = skip > 0 || limit > rows.len();
        if taken.bytes == 0 && !is_last && is_wanted {
            return Err(Error::Invalid(format!("a row is longer than {} bytes", block.len())));
        }
        Ok(taken)
    }

    fn take_csv(
        &self,
        block: &[u8],
        is_last: bool,
        (delimiter, skips_space): (u8, bool),
        skip: u64,
        limit: usize,
        rows: &mut Vec<Vec<Value>>,
    ) -> Result<Taken> {
        let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(block);
        let mut record = ByteRecord::new();
        let mut taken = Taken { rows: 0, bytes: 0 };
        while taken.rows < skip || rows.len() < limit {
            let is_there = reader.read_byte_record(&mut record);
            let is_there = is_there.map_err(|error| Error::Invalid(format!("not delimited text: {error}")))?;
            let end = usize::try_from(reader.position().byte()).unwrap_or(block.len());
            if !is_there || end >= block.len() && !is_last {
                break;
            }
            if taken.rows >= skip {
                rows.push(self.cells(&record, skips_space));
            }
            taken = Taken { rows: taken.rows + 1, bytes: end };
        }
        Ok(taken)
    }

    fn cells(&self, record: &ByteRecord, skips_space: bool) -> Vec<Value> {
        let cell = |(index, column): (usize, &Column)| {
            let Some(bytes) = record.get(index) else { return Value::Null };
            let text = self.text(bytes);
            column.value(if skips_space { text.trim_start_matches(' ') } else { &text })
        };
        self.columns.iter().enumerate().map(cell).collect()
    }

    fn text(&self, bytes: &[u8]) -> String {
        if self.is_latin {
            bytes.iter().copied().map(char::from).collect()
        } else {
            String::from_utf8_lossy(bytes).into_owned()
        }
    }

    fn take_lines(
        &self,
        block: &[u8],
        is_last: bool,
        skip: u64,
        limit: usize,
        rows: &mut Vec<Vec<Value>>,
    ) -> Result<Taken> {
        let mut taken = Taken { rows: 0, bytes: 0 };
        for line in block.split_inclusive(|byte| *byte == b'\n') {
            if taken.rows >= skip && rows.len() >= limit || !line.ends_with(b"\n") && !is_last {
                break;
            }
            taken.bytes += line.len();
            if line.trim_ascii().is_empty() {
                continue;
            }
            if taken.rows >= skip {
                let parsed: serde_json::Result<Map<String, Value>> = serde_json::from_str(&self.text(line));
                let mut row =
                    parsed.map_err(|error| Error::Invalid(format!("a line is not a JSON object: {error}")))?;
                rows.push(self.columns.iter().map(|column| row.remove(&column.name).unwrap_or_default()).collect());
            }
            taken.rows += 1;
        }
        Ok(taken)
    }
}

impl Column {
    /// The text of a cell as JSON has it: what does not have the column's type stays a text.
    fn value(&self, text: &str) -> Value {
        if text.is_empty() || self.missing.iter().any(|missing| missing == text) {
            return Value::Null;
        }
        let typed = match self.kind {
            Kind::Integer => text.parse::<i64>().ok().filter(|number| number.abs() <= EXACT).map(Value::from),
            Kind::Number if self.has_comma => number(&text.replace(',', ".")),
            Kind::Number => number(text),
            Kind::Boolean => text.to_ascii_lowercase().parse::<bool>().ok().map(Value::Bool),
            Kind::Other => None,
        };
        typed.unwrap_or_else(|| Value::String(text.to_owned()))
    }
}

fn number(text: &str) -> Option<Value> {
    text.parse::<f64>().ok().and_then(Number::from_f64).map(Value::Number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::infer::{Limits, csv, json_lines};

    /// All rows, read in blocks of that length.
    fn all(reader: &RowReader, text: &[u8], block: usize) -> Result<Vec<Vec<Value>>> {
        let mut at = reader.start(text, true)?;
        let mut rows = Vec::new();
        while at < text.len() {
            let end = text.len().min(at + block);
            let taken = reader.take(&text[at..end], end == text.len(), 0, usize::MAX, &mut rows)?;
            at += taken.bytes;
            if end == text.len() {
                break;
            }
        }
        Ok(rows)
    }

    #[test]
    fn cells_have_the_types_of_their_columns() {
        let text =
            b"\xef\xbb\xbfid;name;share;ok\r\n1;\"a;\nb\";0,5;true\r\n2;;NA;false\r\n90071992547409931;x;1,25;true\r\n";
        let reader = RowReader::of(&csv(&text[..], Limits::default()).unwrap()).unwrap();
        let expected = json!([[1, "a;\nb", 0.5, true], [2, null, null, false], ["90071992547409931", "x", 1.25, true]]);
        for block in [40, 50, 1000] {
            assert_eq!(json!(all(&reader, text, block).unwrap()), expected, "{block}");
        }
        assert!(all(&reader, text, 5).is_err(), "a row is longer than that");
    }

    #[test]
    fn lines_are_objects() {
        let text = b"{\"a\": 1, \"b\": [2]}\n\n{\"b\": null, \"c\": \"x\"}\n{\"a\": 9007199254740993}";
        let reader = RowReader::of(&json_lines(&text[..], Limits::default()).unwrap()).unwrap();
        let rows = all(&reader, text, 25).unwrap();
        let expected = json!([[1, [2], null], [null, null, "x"], [9_007_199_254_740_993_i64, null, null]]);
        assert_eq!(json!(rows), expected);
        let mut rows = Vec::new();
        let taken = reader.take(text, true, 1, 1, &mut rows).unwrap();
        assert_eq!((taken.rows, json!(rows)), (2, json!([[null, null, "x"]])));
        assert!(reader.take(b"[1]\n", true, 0, 1, &mut Vec::new()).is_err());
    }

    proptest! {
        #[test]
        fn blocks_of_any_length_give_the_same_rows(
            cells in prop::collection::vec(prop::collection::vec("[a-z\",\n ]{0,5}", 3), 1..20),
            block in 40_usize..200,
        ) {
            let quoted = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
            let line = |row: &Vec<String>| row.iter().map(quoted).collect::<Vec<_>>().join(",") + "\r\n";
            let text = String::from("x,y,z\n") + &cells.iter().map(line).collect::<String>();
            let mut inferred = csv(text.as_bytes(), Limits::default()).unwrap();
            // Told, not guessed: this is about blocks.
            inferred.dialect = json!({"delimiter": ",", "header": true}).as_object().cloned();
            inferred.schema = json!({"fields": [{"name": "x"}, {"name": "y"}, {"name": "z"}]}).as_object().cloned().unwrap();
            let reader = RowReader::of(&inferred).unwrap();
            let expected: Vec<Vec<Value>> = cells.iter().map(|row| {
                row.iter().map(|cell| if cell.is_empty() { Value::Null } else { json!(cell) }).collect()
            }).collect();
            prop_assert_eq!(all(&reader, text.as_bytes(), block).unwrap(), expected);
        }
    }
}
