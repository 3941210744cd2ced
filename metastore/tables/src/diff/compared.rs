//! The common form of the values of two columns, in which values are equal if their arrays are.

use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, ArrowPrimitiveType, AsArray as _, Decimal128Array, Float64Builder, PrimitiveArray,
    StringBuilder, make_array,
};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Float16Type, Float32Type, Float64Type, Int64Type, TimeUnit};
use arrow::row::{RowConverter, SortField};

use crate::error::{Error, Result};
use crate::output::csv_cells;

/// How the values of a column are compared.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Form {
    /// Values of both columns have this type, or are converted to it without loss.
    Same(DataType),
    /// Numbers, of which only one column has floating-point ones: as such where they are exact, and otherwise as digits.
    Number,
    /// Moments or durations of different units: nanoseconds.
    Nanoseconds,
    /// Values of different types: as CSV files have them.
    Text,
}

type Float16 = <Float16Type as ArrowPrimitiveType>::Native;

/// The type of moments and durations in nanoseconds.
const NANOSECONDS: DataType = DataType::Decimal128(38, 0);

/// The precision of decimals (`i256`), in digits.
const MAX_DIGITS: i16 = 76;

/// Number of digits of the longest integer.
const INTEGER_DIGITS: i16 = 20;

impl Form {
    /// Returns how values of these types are compared.
    pub(super) fn of(from: &DataType, to: &DataType) -> Self {
        let is_sortable = |form: &DataType| RowConverter::supports_fields(&[SortField::new(form.clone())]);
        match (from, to) {
            (one, other) if one == other && is_sortable(one) => Self::Same(one.clone()),
            (DataType::Null, other) | (other, DataType::Null) if is_sortable(other) => Self::Same(other.clone()),
            (one, other) if is_int64(one) && is_int64(other) => Self::Same(DataType::Int64),
            (one, other) if one.is_unsigned_integer() && other.is_unsigned_integer() => Self::Same(DataType::UInt64),
            (one, other) if one.is_floating() && other.is_floating() => Self::Same(DataType::Float64),
            (one, other) if one.is_numeric() && other.is_numeric() => {
                decimal(one, other).map_or(Self::Number, Self::Same)
            }
            (one, other) if is_moment(one) && is_moment(other) => Self::Nanoseconds,
            (one, other) if is_time(one) && is_time(other) => Self::Nanoseconds,
            (DataType::Duration(_), DataType::Duration(_)) => Self::Nanoseconds,
            (one, other) if one.is_string() && other.is_string() => Self::Same(DataType::Utf8),
            (one, other) if one.is_binary() && other.is_binary() => Self::Same(DataType::Binary),
            _ => Self::Text,
        }
    }

    /// Returns the types of the arrays that [`Form::arrays`] returns.
    pub(super) fn types(&self) -> Vec<DataType> {
        match self {
            Self::Same(r#type) => vec![r#type.clone()],
            Self::Number => vec![DataType::Float64, DataType::Utf8],
            Self::Nanoseconds => vec![NANOSECONDS],
            Self::Text => vec![DataType::Utf8],
        }
    }

    /// Converts values to their common form.
    pub(super) fn arrays(&self, array: &ArrayRef) -> Result<Vec<ArrayRef>> {
        match self {
            Self::Same(r#type) => Ok(vec![normal(&cast(array, r#type)?)?]),
            Self::Number => numbers(array),
            Self::Nanoseconds => Ok(vec![Arc::new(nanoseconds(array)?)]),
            Self::Text => Ok(vec![Arc::new(csv_cells(array)?)]),
        }
    }
}

fn is_int64(r#type: &DataType) -> bool {
    r#type.is_integer() && *r#type != DataType::UInt64
}

/// Returns the number of digits before and after the decimal point, of numbers that have one representation.
fn digits(r#type: &DataType) -> Option<(i16, i16)> {
    Some(match r#type {
        _ if r#type.is_integer() => (INTEGER_DIGITS, 0),
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => {
            (i16::from(*precision) - i16::from(*scale), i16::from(*scale).max(0))
        }
        _ => return None,
    })
}

/// Returns the type that has the values of both, if there is one.
fn decimal(one: &DataType, other: &DataType) -> Option<DataType> {
    let ((one, one_scale), (other, other_scale)) = (digits(one)?, digits(other)?);
    let scale = one_scale.max(other_scale);
    let precision = one.max(other).max(0) + scale;
    if precision > MAX_DIGITS {
        return None;
    }
    Some(DataType::Decimal256(u8::try_from(precision.max(1)).ok()?, i8::try_from(scale).ok()?))
}

fn is_moment(r#type: &DataType) -> bool {
    matches!(r#type, DataType::Date32 | DataType::Timestamp(..))
}

fn is_time(r#type: &DataType) -> bool {
    matches!(r#type, DataType::Time32(_) | DataType::Time64(_))
}

fn cast(array: &ArrayRef, r#type: &DataType) -> Result<ArrayRef> {
    if array.data_type() == r#type {
        return Ok(Arc::clone(array));
    }
    Ok(cast_with_options(array, r#type, &CastOptions { safe: false, ..CastOptions::default() })?)
}

/// Returns an array in which NaN has one representation, and zero has no sign; also within nested values.
fn normal(array: &ArrayRef) -> Result<ArrayRef> {
    // A sum with zero has no sign if it is zero.
    Ok(match array.data_type() {
        DataType::Float16 => {
            let array = array.as_primitive::<Float16Type>();
            let normal = |number: Float16| if number.is_nan() { Float16::NAN } else { number + Float16::ZERO };
            Arc::new(array.unary::<_, Float16Type>(normal))
        }
        DataType::Float32 => {
            let normal = |number: f32| if number.is_nan() { f32::NAN } else { number + 0.0 };
            Arc::new(array.as_primitive::<Float32Type>().unary::<_, Float32Type>(normal))
        }
        DataType::Float64 => {
            let normal = |number: f64| if number.is_nan() { f64::NAN } else { number + 0.0 };
            Arc::new(array.as_primitive::<Float64Type>().unary::<_, Float64Type>(normal))
        }
        r#type if r#type.is_nested() => {
            let data = array.to_data();
            let children = data.child_data().iter().map(|child| Ok(normal(&make_array(child.clone()))?.to_data()));
            let children = children.collect::<Result<Vec<_>>>()?;
            make_array(data.into_builder().child_data(children).build()?)
        }
        _ => Arc::clone(array),
    })
}

/// Returns numbers as floating-point numbers, and the digits of those that are not exact as such.
fn numbers(array: &ArrayRef) -> Result<Vec<ArrayRef>> {
    let mut numbers = Float64Builder::with_capacity(array.len());
    let mut digits = StringBuilder::new();
    if array.data_type().is_floating() {
        let numbers = normal(&cast(array, &DataType::Float64)?)?;
        (0..array.len()).for_each(|_| digits.append_null());
        return Ok(vec![numbers, Arc::new(digits.finish())]);
    }
    let is_integer = array.data_type().is_integer();
    let texts = cast(array, &DataType::Utf8)?;
    for text in texts.as_string::<i32>() {
        let Some(text) = text else {
            numbers.append_null();
            digits.append_null();
            continue;
        };
        let number: f64 = text.parse().map_err(Error::internal)?;
        // Without the sign of zero.
        numbers.append_value(number + 0.0);
        let text = shortest(text);
        let is_exact = if is_integer { is_same(number, text) } else { shortest(&number.to_string()) == text };
        digits.append_option((!is_exact).then_some(text));
    }
    Ok(vec![Arc::new(numbers.finish()), Arc::new(digits.finish())])
}

/// Returns true if the number is this integer.
fn is_same(number: f64, integer: &str) -> bool {
    #[expect(clippy::cast_possible_truncation, reason = "it has no fraction, and at most 64 bits")]
    let number = number as i128;
    integer.parse() == Ok(number)
}

/// Returns digits without zeros at the end of the fraction.
fn shortest(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

fn nanoseconds(array: &ArrayRef) -> Result<Decimal128Array> {
    const DAY: i128 = 86_400_000_000_000;
    let factor = match array.data_type() {
        DataType::Date32 => DAY,
        DataType::Timestamp(unit, _) | DataType::Time32(unit) | DataType::Time64(unit) | DataType::Duration(unit) => {
            match unit {
                TimeUnit::Second => 1_000_000_000,
                TimeUnit::Millisecond => 1_000_000,
                TimeUnit::Microsecond => 1_000,
                TimeUnit::Nanosecond => 1,
            }
        }
        other => return Err(Error::internal(format!("{other} has no nanoseconds"))),
    };
    let array = match array.data_type() {
        DataType::Date32 | DataType::Time32(_) => cast(&cast(array, &DataType::Int32)?, &DataType::Int64)?,
        _ => cast(array, &DataType::Int64)?,
    };
    let numbers: &PrimitiveArray<Int64Type> = array.as_primitive();
    let nanoseconds: Decimal128Array = numbers.unary(|number| i128::from(number) * factor);
    Ok(nanoseconds.with_data_type(NANOSECONDS))
}

#[cfg(test)]
mod tests;
