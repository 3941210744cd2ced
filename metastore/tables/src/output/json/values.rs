//! Encoders of values for which arrow-json's own do not suit.

use std::io::Write as _;

use arrow::array::{Array, AsArray as _, GenericByteArray, MapArray, PrimitiveArray};
use arrow::compute::cast;
use arrow::datatypes::{
    ArrowPrimitiveType, BinaryType, ByteArrayType, DataType, FieldRef, Float16Type, Float32Type, Float64Type,
    Int64Type, LargeBinaryType, UInt64Type,
};
use arrow::error::ArrowError;
use arrow::json::writer::{NullableEncoder, make_encoder};
use arrow::json::{Encoder, EncoderFactory, EncoderOptions};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// The largest integer up to which all are exact in a double.
const EXACT: u64 = 1 << 53;

/// A decimal number with as many digits survives in a double.
const EXACT_DIGITS: usize = 15;

/// Chooses the encoders.
#[derive(Debug)]
pub(super) struct Factory;

impl EncoderFactory for Factory {
    fn make_default_encoder<'a>(
        &self,
        _field: &'a FieldRef,
        array: &'a dyn Array,
        options: &'a EncoderOptions,
    ) -> Result<Option<NullableEncoder<'a>>, ArrowError> {
        let encoder: Box<dyn Encoder + 'a> = match array.data_type() {
            DataType::Int64 => Box::new(Integers(array.as_primitive::<Int64Type>())),
            DataType::UInt64 => Box::new(Integers(array.as_primitive::<UInt64Type>())),
            DataType::Float16 => {
                let array = array.as_primitive::<Float16Type>();
                Box::new(Function(move |row: usize, out: &mut Vec<u8>| f32::from(array.value(row)).text(out)))
            }
            DataType::Float32 => Box::new(Floats(array.as_primitive::<Float32Type>())),
            DataType::Float64 => Box::new(Floats(array.as_primitive::<Float64Type>())),
            DataType::Binary => Box::new(Bytes(array.as_bytes::<BinaryType>())),
            DataType::LargeBinary => Box::new(Bytes(array.as_bytes::<LargeBinaryType>())),
            DataType::FixedSizeBinary(_) => {
                let array = array.as_fixed_size_binary();
                Box::new(Function(move |row: usize, out: &mut Vec<u8>| base64(array.value(row), out)))
            }
            DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => {
                Box::new(Decimals(formatter(array)?))
            }
            DataType::Map(entries, _) => {
                let array = array.as_map();
                let DataType::Struct(fields) = entries.data_type() else {
                    return Err(ArrowError::JsonError("entries of a map are not structs".to_owned()));
                };
                let keys = make_encoder(&fields[0], array.keys(), options)?;
                let values = make_encoder(&fields[1], array.values(), options)?;
                Box::new(Maps { array, keys, values })
            }
            DataType::Union(..) => Box::new(Texts { array, texts: formatter(array)? }),
            r#type if r#type.is_temporal() => Box::new(Texts { array, texts: formatter(array)? }),
            _ => return Ok(None),
        };
        Ok(Some(NullableEncoder::new(encoder, array.logical_nulls())))
    }
}

fn formatter(array: &dyn Array) -> Result<ArrayFormatter<'_>, ArrowError> {
    const OPTIONS: FormatOptions = FormatOptions::new().with_display_error(false);
    ArrayFormatter::try_new(array, &OPTIONS)
}

/// An encoder that is a function.
struct Function<F>(F);

impl<F: FnMut(usize, &mut Vec<u8>)> Encoder for Function<F> {
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        (self.0)(row, out);
    }
}

struct Integers<'a, T: ArrowPrimitiveType>(&'a PrimitiveArray<T>);

impl<T: ArrowPrimitiveType> Encoder for Integers<'_, T>
where
    T::Native: std::fmt::Display + TryInto<i64>,
{
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        let value = self.0.value(row);
        let is_exact = value.try_into().is_ok_and(|value| value.unsigned_abs() <= EXACT);
        let quote = if is_exact { "" } else { "\"" };
        push(out, format_args!("{quote}{value}{quote}"));
    }
}

struct Floats<'a, T: ArrowPrimitiveType>(&'a PrimitiveArray<T>);

/// A floating-point number.
trait Float: Copy {
    fn text(self, out: &mut Vec<u8>);
}

impl Float for f64 {
    fn text(self, out: &mut Vec<u8>) {
        match self {
            value if value.is_nan() => out.extend_from_slice(b"\"NaN\""),
            f64::INFINITY => out.extend_from_slice(b"\"INF\""),
            f64::NEG_INFINITY => out.extend_from_slice(b"\"-INF\""),
            // The shortest text that gives the same number.
            value => json(&value, out),
        }
    }
}

impl Float for f32 {
    fn text(self, out: &mut Vec<u8>) {
        if self.is_finite() { json(&self, out) } else { f64::from(self).text(out) }
    }
}

impl<T: ArrowPrimitiveType<Native: Float>> Encoder for Floats<'_, T> {
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        self.0.value(row).text(out);
    }
}

struct Bytes<'a, T: ByteArrayType>(&'a GenericByteArray<T>);

impl<T: ByteArrayType<Native = [u8]>> Encoder for Bytes<'_, T> {
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        base64(self.0.value(row), out);
    }
}

struct Decimals<'a>(ArrayFormatter<'a>);

impl Encoder for Decimals<'_> {
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        let text = self.0.value(row).to_string();
        let digits = text.bytes().filter(u8::is_ascii_digit).skip_while(|digit| *digit == b'0').count();
        if digits <= EXACT_DIGITS { out.extend_from_slice(text.as_bytes()) } else { json(&text, out) }
    }
}

/// Dates, times and what else is a text in JSON.
struct Texts<'a> {
    array: &'a dyn Array,
    texts: ArrayFormatter<'a>,
}

impl Encoder for Texts<'_> {
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        let text = self.texts.value(row).try_to_string().unwrap_or_else(|_| number(self.array, row));
        json(&text, out);
    }
}

/// Returns the number that stands for a date or a time beyond the calendar.
fn number(array: &dyn Array, row: usize) -> String {
    let value = array.slice(row, 1);
    let integer = cast(&value, &DataType::Int64).or_else(|_| cast(&cast(&value, &DataType::Int32)?, &DataType::Int64));
    integer.map(|integer| integer.as_primitive::<Int64Type>().value(0).to_string()).unwrap_or_default()
}

struct Maps<'a> {
    array: &'a MapArray,
    keys: NullableEncoder<'a>,
    values: NullableEncoder<'a>,
}

impl Encoder for Maps<'_> {
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        let offsets = self.array.value_offsets();
        let entry = |offset: i32| usize::try_from(offset).expect("offsets are checked when an array is created");
        out.push(b'{');
        for (position, index) in (entry(offsets[row])..entry(offsets[row + 1])).enumerate() {
            if position > 0 {
                out.push(b',');
            }
            let start = out.len();
            self.keys.encode(index, out);
            // Keys of objects are strings.
            if out.get(start) != Some(&b'"') {
                let key = String::from_utf8_lossy(&out[start..]).into_owned();
                out.truncate(start);
                json(&key, out);
            }
            out.push(b':');
            if self.values.is_null(index) {
                out.extend_from_slice(b"null");
            } else {
                self.values.encode(index, out);
            }
        }
        out.push(b'}');
    }
}

fn base64(value: &[u8], out: &mut Vec<u8>) {
    push(out, format_args!("\"{}\"", BASE64_STANDARD.encode(value)));
}

fn json<T: serde::Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    serde_json::to_writer(out, value).expect("strings and finite numbers are JSON");
}

fn push(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a buffer takes all bytes");
}
