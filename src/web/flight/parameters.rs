//! Values of the parameters of a prepared statement: one row in Arrow IPC, of scalar columns.
//!
//! This is the only Arrow data of clients that the server reads, so it reads just what a row of scalars needs: each
//! position is checked, and nothing is allocated by lengths that the client declares.

use arrow_flight::FlightData;
use arrow_ipc::{
    DateUnit, Endianness, Field, FieldNode, Precision, RecordBatch, Schema, TimeUnit, Type, root_as_message,
};
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Map, Number, Value};

use crate::error::{Error, Result};

/// Maximum size of the parameters, in bytes of Arrow IPC, and their number.
pub(super) const MAX_BYTES: usize = 64 << 10;
const MAX_PARAMETERS: usize = 1000;

const MICROSECONDS_PER_DAY: i64 = 86_400_000_000;

/// Returns the values of a stream with a schema and one row: an object if all columns have a name like `$name`, without
/// the `$`; otherwise an array.
///
/// # Errors
/// Invalid for anything else.
pub(super) fn values(stream: &[FlightData]) -> Result<Value> {
    let [schema, rows @ ..] = stream else { return Err(invalid("there is no schema")) };
    let schema = message(schema)?.header_as_schema().ok_or_else(|| invalid("there is no schema"))?;
    if schema.endianness() != Endianness::Little {
        return Err(invalid("numbers must be little-endian"));
    }
    // Clients may send empty batches as well.
    let mut found = None;
    for data in rows.iter().filter(|data| !data.data_header.is_empty()) {
        let batch = message(data)?.header_as_record_batch();
        let batch = batch.ok_or_else(|| invalid("only record batches may follow the schema, and no dictionaries"))?;
        if batch.length() != 0 && found.replace(read(schema, batch, &data.data_body)?).is_some() {
            return Err(invalid("there must be one row"));
        }
    }
    let (names, values): (Vec<&str>, Vec<Value>) =
        found.ok_or_else(|| invalid("there must be one row"))?.into_iter().unzip();
    Ok(if !names.is_empty() && names.iter().all(|name| is_name(name)) {
        let pairs = names.into_iter().map(|name| name.trim_start_matches('$').to_owned()).zip(values);
        Value::Object(pairs.collect::<Map<_, _>>())
    } else {
        Value::Array(values)
    })
}

fn is_name(name: &str) -> bool {
    let name = name.strip_prefix('$').unwrap_or(name);
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn message(data: &FlightData) -> Result<arrow_ipc::Message<'_>> {
    root_as_message(&data.data_header).map_err(|_| invalid("it is no Arrow IPC"))
}

fn read<'a>(schema: Schema<'a>, batch: RecordBatch<'_>, body: &[u8]) -> Result<Vec<(&'a str, Value)>> {
    if batch.length() != 1 {
        return Err(invalid("there must be one row"));
    }
    if batch.compression().is_some() {
        return Err(invalid("it must not be compressed"));
    }
    let fields = schema.fields().ok_or_else(|| invalid("there is no schema"))?;
    if fields.len() > MAX_PARAMETERS {
        return Err(invalid("there are too many columns"));
    }
    let mut nodes = batch.nodes().into_iter().flatten();
    let mut buffers = batch.buffers().into_iter().flatten().map(|buffer| {
        let (begin, length) = (usize::try_from(buffer.offset()).ok()?, usize::try_from(buffer.length()).ok()?);
        body.get(begin..begin.checked_add(length)?)
    });
    let mut buffer = || buffers.next().flatten().ok_or_else(|| invalid("a buffer is missing"));
    let mut row = Vec::with_capacity(fields.len());
    for field in fields {
        let node = nodes.next().ok_or_else(|| invalid("a column is missing"))?;
        row.push((field.name().unwrap_or_default(), value(field, *node, &mut buffer)?));
    }
    Ok(row)
}

/// Returns the value of a column in its only row.
fn value<'a>(field: Field<'_>, node: FieldNode, mut buffer: impl FnMut() -> Result<&'a [u8]>) -> Result<Value> {
    let unsupported = || {
        let name = field.name().unwrap_or_default().escape_debug();
        invalid(&format!(
            "the column \"{name}\" has an unsupported type; use booleans, numbers, strings, dates or timestamps"
        ))
    };
    if node.length() != 1 || field.dictionary().is_some() {
        return Err(unsupported());
    }
    let kind = field.type_type();
    if kind == Type::Null {
        return Ok(Value::Null);
    }
    let validity = buffer()?;
    let is_null = node.null_count() > 0 && validity.first().is_some_and(|byte| byte & 1 == 0);
    let value = match kind {
        Type::Bool => Value::Bool(buffer()?.first().is_some_and(|byte| byte & 1 == 1)),
        Type::Int => {
            let kind = field.type_as_int().ok_or_else(unsupported)?;
            let data = buffer()?;
            match (kind.bitWidth(), kind.is_signed()) {
                (8, true) => i8::from_le_bytes(first(data)?).into(),
                (16, true) => i16::from_le_bytes(first(data)?).into(),
                (32, true) => i32::from_le_bytes(first(data)?).into(),
                (64, true) => i64::from_le_bytes(first(data)?).into(),
                (8, false) => u8::from_le_bytes(first(data)?).into(),
                (16, false) => u16::from_le_bytes(first(data)?).into(),
                (32, false) => u32::from_le_bytes(first(data)?).into(),
                (64, false) => u64::from_le_bytes(first(data)?).into(),
                _ => return Err(unsupported()),
            }
        }
        Type::FloatingPoint => {
            let precision = field.type_as_floating_point().ok_or_else(unsupported)?.precision();
            let data = buffer()?;
            let number = match precision {
                Precision::SINGLE => f32::from_le_bytes(first(data)?).into(),
                Precision::DOUBLE => f64::from_le_bytes(first(data)?),
                _ => return Err(unsupported()),
            };
            if is_null {
                return Ok(Value::Null);
            }
            Number::from_f64(number).ok_or_else(|| invalid("NaN and infinite numbers are not supported"))?.into()
        }
        Type::Utf8 | Type::LargeUtf8 => {
            let (offsets, data) = (buffer()?, buffer()?);
            let (begin, end) = if kind == Type::Utf8 {
                (
                    i32::from_le_bytes(first(offsets)?).into(),
                    i32::from_le_bytes(first(offsets.get(4..).unwrap_or(&[]))?).into(),
                )
            } else {
                (i64::from_le_bytes(first(offsets)?), i64::from_le_bytes(first(offsets.get(8..).unwrap_or(&[]))?))
            };
            let range = usize::try_from(begin).ok().zip(usize::try_from(end).ok());
            let text = range.and_then(|(begin, end)| data.get(begin..end));
            let text = text.and_then(|text| std::str::from_utf8(text).ok());
            text.ok_or_else(|| invalid("a string is damaged"))?.into()
        }
        Type::Date => {
            let unit = field.type_as_date().ok_or_else(unsupported)?.unit();
            let stored = buffer()?;
            let days = match unit {
                DateUnit::DAY => i32::from_le_bytes(first(stored)?).into(),
                _ => i64::from_le_bytes(first(stored)?).div_euclid(86_400_000),
            };
            if is_null {
                return Ok(Value::Null);
            }
            let date = days.checked_mul(MICROSECONDS_PER_DAY).and_then(|time| Timestamp::from_microsecond(time).ok());
            let date = date.ok_or_else(|| invalid("a date is out of range"))?;
            Date::from(date.to_zoned(jiff::tz::TimeZone::UTC)).to_string().into()
        }
        Type::Timestamp => {
            let kind = field.type_as_timestamp().ok_or_else(unsupported)?;
            let time = i64::from_le_bytes(first(buffer()?)?);
            if is_null {
                return Ok(Value::Null);
            }
            let time = match kind.unit() {
                TimeUnit::SECOND => Timestamp::from_second(time),
                TimeUnit::MILLISECOND => Timestamp::from_millisecond(time),
                TimeUnit::MICROSECOND => Timestamp::from_microsecond(time),
                _ => Timestamp::from_nanosecond(time.into()),
            };
            let time = time.map_err(|_| invalid("a time is out of range"))?;
            if kind.timezone().is_some() {
                time.to_string().into()
            } else {
                time.to_zoned(jiff::tz::TimeZone::UTC).datetime().to_string().into()
            }
        }
        _ => return Err(unsupported()),
    };
    Ok(if is_null { Value::Null } else { value })
}

fn first<const N: usize>(data: &[u8]) -> Result<[u8; N]> {
    data.first_chunk().copied().ok_or_else(|| invalid("a value is missing"))
}

fn invalid(why: &str) -> Error {
    Error::invalid(format!("the parameters cannot be read: {why}"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{
        ArrayRef, BooleanArray, Date32Array, Float64Array, Int8Array, Int64Array, LargeStringArray, ListArray,
        NullArray, RecordBatch, StringArray, TimestampMicrosecondArray, UInt64Array, types::Int64Type,
    };
    use arrow_flight::utils::batches_to_flight_data;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn encoded(columns: Vec<(&str, ArrayRef)>) -> Vec<FlightData> {
        let batch =
            RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)));
        let batch = batch.unwrap();
        batches_to_flight_data(&batch.schema(), vec![batch]).unwrap()
    }

    fn all() -> Vec<FlightData> {
        encoded(vec![
            ("0", Arc::new(Int64Array::from(vec![-5]))),
            ("1", Arc::new(StringArray::from(vec!["a 'b'"]))),
            ("2", Arc::new(Float64Array::from(vec![0.5]))),
            ("3", Arc::new(BooleanArray::from(vec![true]))),
            ("4", Arc::new(NullArray::new(1))),
            ("5", Arc::new(StringArray::from(vec![None::<&str>]))),
            ("6", Arc::new(UInt64Array::from(vec![u64::MAX]))),
            ("7", Arc::new(Int8Array::from(vec![-1]))),
            ("8", Arc::new(LargeStringArray::from(vec!["ü"]))),
            ("9", Arc::new(Date32Array::from(vec![-1]))),
            ("10", Arc::new(TimestampMicrosecondArray::from(vec![1_500_000]))),
            ("11", Arc::new(TimestampMicrosecondArray::from(vec![0]).with_timezone("UTC"))),
            ("12", Arc::new(Int64Array::from(vec![None]))),
        ])
    }

    #[test]
    fn scalars_of_one_row_are_read() {
        let expected = json!([
            -5,
            "a 'b'",
            0.5,
            true,
            null,
            null,
            u64::MAX,
            -1,
            "ü",
            "1969-12-31",
            "1970-01-01T00:00:01.5",
            "1970-01-01T00:00:00Z",
            null
        ]);
        assert_eq!(values(&all()).unwrap(), expected);
        let named =
            encoded(vec![("$a", Arc::new(Int64Array::from(vec![1]))), ("b_2", Arc::new(Int64Array::from(vec![2])))]);
        assert_eq!(values(&named).unwrap(), json!({"a": 1, "b_2": 2}));
    }

    #[test]
    fn anything_else_is_refused() {
        let list = ListArray::from_iter_primitive::<Int64Type, _, _>([Some([Some(1)])]);
        let two = Arc::new(Int64Array::from(vec![1, 2]));
        let nan = Arc::new(Float64Array::from(vec![f64::NAN]));
        for columns in [vec![("0", Arc::new(list) as _)], vec![("0", two as _)], vec![("0", nan as _)]] {
            assert!(values(&encoded(columns)).is_err());
        }
        assert!(values(&[]).is_err() && values(&all()[..1]).is_err());
        let mut twice = all();
        twice.push(twice[1].clone());
        assert!(values(&twice).is_err());
    }

    proptest! {
        #[test]
        fn damage_is_no_crash(part in 0..3, at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut stream = all();
            let bytes = match part {
                0 => &mut stream[0].data_header,
                1 => &mut stream[1].data_header,
                _ => &mut stream[1].data_body,
            };
            let mut damaged = bytes.to_vec();
            let at = at.index(damaged.len());
            damaged[at] = byte;
            *bytes = damaged.into();
            let _ = values(&stream);
        }

        #[test]
        fn any_bytes_are_no_crash(header in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut stream = all();
            stream[1].data_header = header.into();
            let _ = values(&stream);
        }
    }
}
