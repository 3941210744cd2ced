//! The summary of one column.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, GenericStringArray, Int64Array, OffsetSizeTrait};
use arrow::compute::kernels::length::length;
use arrow::compute::{cast, max_string, min_string};
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimeUnit, UInt64Type};
use datafusion::common::hash_utils::{HLL_RANDOM_STATE, create_hashes};
use serde_json::{Map, Number, Value, json};
use tables_wire::Column;

use super::distinct::Distinct;
use super::frequent::{Candidates, Frequent, cut};
use super::histogram::Histogram;
use super::numbers::Numbers;
use crate::error::Result;
use crate::output::json_values;

/// The largest integer up to which all are exact in a double.
const EXACT: i128 = 1 << 53;

/// How much the summary of a column remembers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    /// Number of different values that are counted exactly.
    distinct: usize,
    /// Half of the number of candidates for frequent values, each with a text of up to a kibibyte.
    candidates: usize,
    /// Number of numbers that quartiles are computed from exactly.
    numbers: usize,
}

impl Sizes {
    /// Divides a part of the memory among the columns.
    pub(super) fn new(memory: usize, columns: usize) -> Self {
        // A quarter of the memory at most, as long as the lower bounds permit; an estimate of different values alone is
        // 16 KiB.
        let each = memory / 4 / columns.max(1);
        Self {
            distinct: (each / 128).clamp(128, 1 << 16),
            candidates: (each / 4096).clamp(12, 512),
            numbers: (each / 32).clamp(256, 8192),
        }
    }
}

/// The summary of a column.
pub(super) struct Summary {
    column: Column,
    r#type: DataType,
    count: u64,
    nulls: u64,
    distinct: Option<Distinct>,
    values: Values,
    is_second: bool,
}

/// What is known of integers.
struct Integers {
    range: Option<(i128, i128)>,
    /// `None` for dates and times.
    numbers: Option<Numbers>,
    histogram: Option<Histogram<i128>>,
}

/// What is known of the values, by their kind.
enum Values {
    /// Nothing: they are nested, or have no order that anybody wants to know.
    Other,
    Booleans {
        yes: u64,
    },
    /// Integers, dates and times.
    Integers(Integers),
    /// The lengths of lists.
    Lists(Integers),
    /// Without NaN and infinities.
    Floats {
        range: Option<(f64, f64)>,
        numbers: Numbers,
        histogram: Option<Histogram<f64>>,
    },
    Texts {
        range: Option<(String, String)>,
        candidates: Candidates,
        frequent: Frequent,
        /// Their lengths in characters.
        lengths: Integers,
    },
}

impl Summary {
    /// Starts without values.
    pub(super) fn new(column: &Column, r#type: DataType, sizes: Sizes) -> Self {
        let numbers = || Numbers::new(sizes.numbers);
        let is_nested = r#type.is_nested() || matches!(column.r#type.as_str(), "array" | "object");
        let integers = |numbers| Integers { range: None, numbers, histogram: None };
        let values = match &r#type {
            DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => {
                Values::Lists(integers(Some(numbers())))
            }
            _ if is_nested => Values::Other,
            DataType::Boolean => Values::Booleans { yes: 0 },
            DataType::Duration(_) | DataType::Interval(_) => Values::Other,
            r#type if r#type.is_integer() => Values::Integers(integers(Some(numbers()))),
            r#type if r#type.is_temporal() => Values::Integers(integers(None)),
            r#type if r#type.is_numeric() => Values::Floats { range: None, numbers: numbers(), histogram: None },
            DataType::Utf8 | DataType::LargeUtf8 => Values::Texts {
                range: None,
                candidates: Candidates::new(sizes.candidates),
                frequent: Frequent::default(),
                lengths: integers(Some(numbers())),
            },
            _ => Values::Other,
        };
        let distinct = !is_nested && r#type != DataType::Null;
        Self {
            column: column.clone(),
            distinct: distinct.then(|| Distinct::new(sizes.distinct)),
            r#type,
            count: 0,
            nulls: 0,
            values,
            is_second: false,
        }
    }

    /// Examines values.
    pub(super) fn add(&mut self, array: &ArrayRef) -> Result<()> {
        let nulls = array.logical_null_count() as u64;
        if !self.is_second {
            self.nulls += nulls;
            self.count += array.len() as u64 - nulls;
        }
        if let Values::Lists(lengths) = &mut self.values {
            let counts = cast(&length(array)?, &DataType::Int64)?;
            lengths.add(counts.as_primitive::<Int64Type>().iter().flatten());
        }
        let Some(distinct) = &mut self.distinct else { return Ok(()) };
        let hashes = if self.is_second && !matches!(self.values, Values::Texts { .. }) {
            Vec::new()
        } else {
            let mut hashes = vec![0; array.len()];
            create_hashes([array], &HLL_RANDOM_STATE, &mut hashes)?;
            hashes
        };
        if !self.is_second {
            match array.logical_nulls().filter(|nulls| nulls.null_count() > 0) {
                Some(nulls) => distinct.add(&nulls.valid_indices().map(|row| hashes[row]).collect::<Vec<_>>())?,
                None => distinct.add(&hashes)?,
            }
        }
        match &mut self.values {
            Values::Booleans { yes } if !self.is_second => *yes += array.as_boolean().true_count() as u64,
            Values::Other | Values::Booleans { .. } | Values::Lists(_) => {}
            Values::Integers(known) => {
                if let Some(integers) = array.as_primitive_opt::<UInt64Type>() {
                    known.add(integers.iter().flatten());
                } else {
                    known.add(to_integers(array)?.as_primitive::<Int64Type>().iter().flatten());
                }
            }
            Values::Floats { range, numbers, histogram } => {
                let floats = cast(array, &DataType::Float64)?;
                add_floats(floats.as_primitive::<Float64Type>().iter().flatten(), range, numbers, histogram);
            }
            Values::Texts { range, candidates, frequent, lengths } => {
                let second = self.is_second.then_some(frequent);
                if let Some(texts) = array.as_string_opt::<i32>() {
                    lengths.add(characters(texts));
                    add_texts(texts, &hashes, range, candidates, second);
                } else {
                    let texts = array.as_string::<i64>();
                    lengths.add(characters(texts));
                    add_texts(texts, &hashes, range, candidates, second);
                }
            }
        }
        Ok(())
    }

    /// Starts the second scan. Returns false if it is not needed.
    pub(super) fn needs_second(&mut self) -> bool {
        self.is_second = true;
        match &mut self.values {
            Values::Other | Values::Booleans { .. } => false,
            Values::Integers(known) | Values::Lists(known) => known.needs_second(),
            Values::Floats { range, histogram, .. } => {
                *histogram = range.and_then(|(min, max)| Histogram::of_numbers(min, max));
                histogram.is_some()
            }
            Values::Texts { candidates, frequent, lengths, .. } => {
                *frequent = std::mem::take(candidates).into_frequent();
                lengths.needs_second();
                self.count > 0
            }
        }
    }

    /// Returns the statistics as in the API.
    pub(super) fn into_json(mut self) -> Result<Map<String, Value>> {
        let mut json = Map::new();
        let mut put = |key: &str, value: Value| {
            if !value.is_null() {
                json.insert(key.to_owned(), value);
            }
        };
        put("name", self.column.name.into());
        put("type", self.column.r#type.into());
        put("count", self.count.into());
        put("nulls", self.nulls.into());
        if let Some(distinct) = &mut self.distinct {
            put("distinct", distinct.count(self.count)?.into());
        }
        match &mut self.values {
            Values::Other => {}
            Values::Booleans { yes } => {
                let mut top = vec![(true, *yes), (false, self.count - *yes)];
                top.retain(|(_, count)| *count > 0);
                top.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
                put("top", listed(top));
            }
            Values::Integers(known @ Integers { numbers: Some(_), .. }) => known.put(&mut put),
            Values::Lists(lengths) => put("lengths", lengths.take_json()),
            Values::Integers(Integers { range, numbers: None, histogram }) => {
                if let Some((min, max)) = range {
                    let mut extremes = times(&[*min, *max], &self.r#type)?;
                    put("max", extremes.pop().unwrap_or_default());
                    put("min", extremes.pop().unwrap_or_default());
                }
                if let Some(Histogram { edges, counts }) = histogram {
                    put("histogram", json!({"edges": times(edges, &self.r#type)?, "counts": counts}));
                }
            }
            Values::Floats { range, numbers, histogram } => {
                if let Some((min, max)) = range {
                    put("min", number(*min));
                    put("max", number(*max));
                }
                put_moments(numbers, &mut put);
                if let Some(Histogram { edges, counts }) = histogram {
                    put("histogram", json!({"edges": edges, "counts": counts}));
                }
            }
            Values::Texts { range, frequent, lengths, .. } => {
                put("lengths", lengths.take_json());
                if let Some((min, max)) = range {
                    put("min", std::mem::take(min).into());
                    put("max", std::mem::take(max).into());
                }
                let top = frequent.top();
                if self.count > 0 {
                    put("top", listed(top));
                }
            }
        }
        Ok(json)
    }
}

/// Converts integers, dates and times to numbers.
fn to_integers(array: &ArrayRef) -> Result<ArrayRef> {
    Ok(match array.data_type() {
        // Their integers have 32 bits.
        DataType::Date32 | DataType::Time32(_) => cast(&cast(array, &DataType::Int32)?, &DataType::Int64)?,
        _ => cast(array, &DataType::Int64)?,
    })
}

/// Converts numbers to dates or times, as texts.
fn times(values: &[i128], r#type: &DataType) -> Result<Vec<Value>> {
    // Edges may be behind the last time of the day.
    let latest = match r#type {
        DataType::Time32(TimeUnit::Second) => 86_399,
        DataType::Time32(_) => 86_399_999,
        DataType::Time64(TimeUnit::Microsecond) => 86_399_999_999,
        DataType::Time64(_) => 86_399_999_999_999,
        DataType::Date32 => i64::from(i32::MAX),
        _ => i64::MAX,
    };
    let values = values.iter().map(|value| i64::try_from(*value).unwrap_or(i64::MAX).min(latest));
    let values: ArrayRef = Arc::new(values.collect::<Int64Array>());
    let values = match r#type {
        DataType::Date32 | DataType::Time32(_) => cast(&values, &DataType::Int32)?,
        _ => values,
    };
    json_values(cast(&values, r#type)?)
}

impl Integers {
    #[expect(clippy::cast_precision_loss, reason = "moments are floating-point numbers")]
    fn add<T: Into<i128>>(&mut self, integers: impl Iterator<Item = T>) {
        let integers = integers.map(Into::into);
        if let Some(histogram) = &mut self.histogram {
            return integers.for_each(|integer| histogram.add(&integer));
        }
        let mut floats = Vec::new();
        for integer in integers {
            let (min, max) = self.range.get_or_insert((integer, integer));
            *min = (*min).min(integer);
            *max = (*max).max(integer);
            if self.numbers.is_some() {
                floats.push(integer as f64);
            }
        }
        if let Some(numbers) = &mut self.numbers {
            numbers.add(&floats);
        }
    }

    /// Starts the second scan. Returns false if it is not needed.
    fn needs_second(&mut self) -> bool {
        self.histogram = self.range.and_then(|(min, max)| Histogram::of_integers(min, max));
        self.histogram.is_some()
    }

    fn put(&mut self, put: &mut impl FnMut(&str, Value)) {
        if let Some((min, max)) = self.range {
            put("min", integer(min));
            put("max", integer(max));
        }
        if let Some(numbers) = &mut self.numbers {
            put_moments(numbers, put);
        }
        if let Some(Histogram { edges, counts }) = &self.histogram {
            let edges: Vec<_> = edges.iter().map(|edge| edge_number(*edge)).collect();
            put("histogram", json!({"edges": edges, "counts": counts}));
        }
    }

    /// Returns what is known as an object; null without values.
    fn take_json(&mut self) -> Value {
        let mut json = Map::new();
        self.put(&mut |key, value| {
            if !value.is_null() {
                json.insert(key.to_owned(), value);
            }
        });
        if json.is_empty() { Value::Null } else { Value::Object(json) }
    }
}

/// Returns the lengths of texts, in characters.
fn characters<O: OffsetSizeTrait>(texts: &GenericStringArray<O>) -> impl Iterator<Item = u64> {
    texts.iter().flatten().map(|text| text.chars().count() as u64)
}

fn add_floats(
    floats: impl Iterator<Item = f64>,
    range: &mut Option<(f64, f64)>,
    numbers: &mut Numbers,
    histogram: &mut Option<Histogram<f64>>,
) {
    let floats = floats.filter(|float| float.is_finite());
    if let Some(histogram) = histogram {
        return floats.for_each(|float| histogram.add(&float));
    }
    let floats: Vec<_> = floats.collect();
    for float in &floats {
        let (min, max) = range.get_or_insert((*float, *float));
        *min = min.min(*float);
        *max = max.max(*float);
    }
    numbers.add(&floats);
}

fn add_texts<O: OffsetSizeTrait>(
    texts: &GenericStringArray<O>,
    hashes: &[u64],
    range: &mut Option<(String, String)>,
    candidates: &mut Candidates,
    second: Option<&mut Frequent>,
) {
    let values = texts.iter().zip(hashes).filter_map(|(text, hash)| Some((text?, *hash)));
    if let Some(frequent) = second {
        return values.for_each(|(text, hash)| frequent.add(hash, text));
    }
    values.for_each(|(_, hash)| candidates.add(hash));
    // The beginning of the smallest text is the smallest beginning.
    if let (Some(smallest), Some(largest)) = (min_string(texts).map(cut), max_string(texts).map(cut)) {
        let (min, max) = range.get_or_insert_with(|| (smallest.to_owned(), largest.to_owned()));
        if smallest < min.as_str() {
            smallest.clone_into(min);
        }
        if largest > max.as_str() {
            largest.clone_into(max);
        }
    }
}

fn put_moments(numbers: &mut Numbers, put: &mut impl FnMut(&str, Value)) {
    put("mean", numbers.mean().map_or(Value::Null, number));
    put("std", numbers.deviation().map_or(Value::Null, number));
    put("quartiles", numbers.quartiles().map_or(Value::Null, |quartiles| json!(quartiles.map(number))));
}

/// Returns the number in JSON; null if it overflowed.
fn number(value: f64) -> Value {
    Number::from_f64(value).map_or(Value::Null, Value::Number)
}

/// Returns the integer as in rows: a string if a double does not hold it.
fn integer(value: i128) -> Value {
    match i64::try_from(value) {
        Ok(integer) if value.abs() <= EXACT => integer.into(),
        _ => value.to_string().into(),
    }
}

/// Returns the integer as a number, even if a double does not hold it.
#[expect(clippy::cast_precision_loss, reason = "edges are approximate")]
fn edge_number(value: i128) -> Value {
    match i64::try_from(value) {
        Ok(integer) if value.abs() <= EXACT => integer.into(),
        _ => number(value as f64),
    }
}

fn listed<T: Into<Value>>(top: Vec<(T, u64)>) -> Value {
    top.into_iter().map(|(value, count)| json!({"value": value.into(), "count": count})).collect()
}
