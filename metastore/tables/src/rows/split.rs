//! Splitting of text into rows: delimited text (RFC 4180 and its dialects), and lines.

use csv_core::{ReadRecordResult, Reader};

use super::batch::{RowBuffer, Rows};
use super::dialect::Dialect;
use crate::error::{Error, Result};

/// Maximum length of a row, in bytes.
pub(crate) const MAX_ROW: usize = 1 << 20;

/// The number of cells that are kept of a row. One more than a table may have.
const MAX_CELLS: usize = 10_001;

/// Splits text, which comes in pieces, into rows.
pub(crate) struct Splitter(Syntax);

enum Syntax {
    Delimited {
        reader: Box<Reader>,
        /// The bytes of the current row in the buffer.
        length: usize,
        /// Where the cells of the current row end, and how many there are.
        ends: Vec<usize>,
        count: usize,
    },
    Lines {
        length: usize,
    },
}

/// What happened to a piece of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// A row ended; this many bytes of the piece were used.
    Row(usize),
    /// All of it was used, and the row continues.
    More,
    /// There are no more rows.
    End,
}

impl Splitter {
    /// Creates a splitter of delimited text.
    pub(crate) fn delimited(dialect: &Dialect) -> Self {
        let reader = Box::new(dialect.reader());
        Self(Syntax::Delimited { reader, length: 0, ends: vec![0; 64], count: 0 })
    }

    /// Creates a splitter of lines, each of which is a cell. Blank lines are left out.
    pub(crate) fn lines() -> Self {
        Self(Syntax::Lines { length: 0 })
    }

    /// Reads up to the end of a row. An empty piece stands for the end of the text.
    ///
    /// # Errors
    /// Limit for a row that is too long.
    pub(crate) fn step(&mut self, piece: &[u8], rows: &mut RowBuffer) -> Result<Step> {
        match &mut self.0 {
            Syntax::Delimited { reader, length, ends, count } => {
                let mut used = 0;
                loop {
                    let (result, read, written, found) =
                        reader.read_record(&piece[used..], rows.room(), &mut ends[*count..]);
                    used += read;
                    rows.advance(written);
                    *length += written;
                    *count += found;
                    if *length > MAX_ROW || *count > MAX_ROW {
                        return Err(too_long());
                    }
                    match result {
                        ReadRecordResult::InputEmpty => return Ok(Step::More),
                        ReadRecordResult::OutputFull => {}
                        ReadRecordResult::OutputEndsFull => ends.resize(ends.len() * 2, 0),
                        ReadRecordResult::End => return Ok(Step::End),
                        ReadRecordResult::Record => break,
                    }
                }
                let (start, kept) = (rows.text_len() - *length, (*count).min(MAX_CELLS));
                for end in &ends[..kept] {
                    rows.end_cell(start + end);
                }
                rows.truncate(start + ends[kept - 1]);
                rows.end_row();
                (*length, *count) = (0, 0);
                Ok(Step::Row(used))
            }
            Syntax::Lines { length } => {
                let mut rest = piece;
                loop {
                    let (line, is_whole) = match memchr::memchr(b'\n', rest) {
                        Some(end) => (&rest[..end], true),
                        None => (rest, piece.is_empty()),
                    };
                    rows.push(line);
                    *length += line.len();
                    if *length > MAX_ROW {
                        return Err(too_long());
                    }
                    if !is_whole {
                        return Ok(Step::More);
                    }
                    rest = rest.get(line.len() + 1..).unwrap_or_default();
                    let start = rows.text_len() - std::mem::take(length);
                    if !rows.tail(start).trim_ascii().is_empty() {
                        rows.end_cell(rows.text_len());
                        rows.end_row();
                        return Ok(Step::Row(piece.len() - rest.len()));
                    }
                    rows.truncate(start);
                    if rest.is_empty() {
                        return Ok(if piece.is_empty() { Step::End } else { Step::More });
                    }
                }
            }
        }
    }
}

fn too_long() -> Error {
    Error::limit(format!("it is longer than {} MiB; a quote may not be closed", MAX_ROW >> 20))
}

/// Splits all of a text, or all of it but a row that its end may truncate.
pub(crate) fn all_rows(splitter: &mut Splitter, text: &str, is_all: bool, limit: usize) -> Result<Rows> {
    let mut buffer = RowBuffer::default();
    let mut used = 0;
    while buffer.len() < limit {
        match splitter.step(&text.as_bytes()[used..], &mut buffer)? {
            Step::Row(length) => used += length,
            Step::More if is_all => used = text.len(),
            Step::More | Step::End => break,
        }
        if used == text.len() && !is_all {
            break;
        }
    }
    buffer.take(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, json};

    use super::*;

    fn dialect(properties: &serde_json::Value) -> Dialect {
        Dialect::declared(properties.as_object().unwrap_or(&Map::new())).unwrap()
    }

    fn cells(rows: &Rows) -> Vec<Vec<String>> {
        let row = |row| (0..rows.width(row)).map(|column| rows.cell(row, column).unwrap().to_owned()).collect();
        (0..rows.len()).map(row).collect()
    }

    fn in_pieces(mut splitter: Splitter, text: &str, piece: usize, batch: usize) -> Vec<Vec<String>> {
        let (mut buffer, mut found) = (RowBuffer::default(), Vec::new());
        let mut pieces = text.as_bytes().chunks(piece);
        let mut rest: &[u8] = pieces.next().unwrap_or_default();
        loop {
            match splitter.step(rest, &mut buffer).unwrap() {
                Step::Row(used) => rest = &rest[used..],
                Step::More => rest = &[],
                Step::End => break,
            }
            if rest.is_empty() {
                rest = pieces.next().unwrap_or_default();
            }
            if buffer.len() >= batch {
                found.extend(cells(&buffer.take(0).unwrap()));
            }
        }
        found.extend(cells(&buffer.take(0).unwrap()));
        found
    }

    proptest! {
        #[test]
        fn pieces_of_any_length_are_the_same_rows(
            table in prop::collection::vec(prop::collection::vec("[a-zü\",;\n\r ]{0,5}", 1..4), 1..20),
            piece in 1_usize..50, batch in 1_usize..9,
        ) {
            let quoted = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
            let line = |row: &Vec<String>| row.iter().map(quoted).collect::<Vec<_>>().join(",") + "\r\n";
            let text = table.iter().map(line).collect::<String>();
            let splitter = || Splitter::delimited(&dialect(&json!({})));
            prop_assert_eq!(&in_pieces(splitter(), &text, piece, batch), &table);
            prop_assert_eq!(&cells(&all_rows(&mut splitter(), &text, true, 1000).unwrap()), &table);
            let cut = cells(&all_rows(&mut splitter(), text.trim_end(), false, 1000).unwrap());
            prop_assert_eq!(&cut[..], &table[..table.len() - 1]);
        }

        #[test]
        fn lines_are_those_of_the_text(text in "[a {}\n\r]{0,40}", piece in 1_usize..20, batch in 1_usize..9) {
            let expected: Vec<Vec<String>> =
                text.split('\n').filter(|line| !line.trim_ascii().is_empty()).map(|line| vec![line.to_owned()]).collect();
            prop_assert_eq!(in_pieces(Splitter::lines(), &text, piece, batch), expected);
        }

        #[test]
        fn any_text_is_split(text in "[a,\"\\\\;\n\r#ü ]{0,60}", piece in 1_usize..20, escape: bool, quote: bool) {
            let mut properties = json!({"commentChar": "#"});
            if escape {
                properties["escapeChar"] = "\\".into();
                properties["doubleQuote"] = false.into();
            }
            if quote {
                properties["quoteChar"] = "".into();
            }
            let splitter = || Splitter::delimited(&dialect(&properties));
            prop_assert_eq!(in_pieces(splitter(), &text, piece, 3), in_pieces(splitter(), &text, 1000, 100));
        }
    }

    #[test]
    fn dialects_are_followed() {
        let rows = |properties: serde_json::Value, text: &str| {
            cells(&all_rows(&mut Splitter::delimited(&dialect(&properties)), text, true, 9).unwrap())
        };
        assert_eq!(rows(json!({"delimiter": "|"}), "a|b,c\n"), [["a", "b,c"]]);
        assert_eq!(rows(json!({"quoteChar": "'"}), "'a,b','c''d'\n"), [["a,b", "c'd"]]);
        assert_eq!(rows(json!({"quoteChar": null}), "\"a,b\"\n"), [["\"a", "b\""]]);
        assert_eq!(rows(json!({"escapeChar": "\\", "doubleQuote": false}), "\"a\\\"b\",c\n"), [["a\"b", "c"]]);
        assert_eq!(rows(json!({"commentChar": "#"}), "#x,y\na,#b\n"), [["a", "#b"]]);
        assert_eq!(rows(json!({"lineTerminator": ";"}), "a,b;c,d"), [["a", "b"], ["c", "d"]]);
        for bad in [
            json!({"delimiter": "§"}),
            json!({"header": "no"}),
            json!({"headerRows": [0]}),
            json!({"commentRows": [9]}),
        ] {
            assert!(Dialect::declared(bad.as_object().unwrap()).is_err(), "{bad}");
        }
    }

    #[test]
    fn rows_have_a_limit() {
        let open = format!("a,\"{}", "x\n".repeat(MAX_ROW / 2));
        assert!(all_rows(&mut Splitter::delimited(&dialect(&json!({}))), &open, true, 9).is_err());
        let line = "x".repeat(MAX_ROW);
        assert_eq!(all_rows(&mut Splitter::lines(), &line, true, 9).unwrap().len(), 1);
        assert!(all_rows(&mut Splitter::lines(), &(line + "x"), true, 9).is_err());
        let wide = all_rows(&mut Splitter::delimited(&dialect(&json!({}))), &",".repeat(30_000), true, 9).unwrap();
        assert_eq!(wide.width(0), MAX_CELLS);
    }
}
