//! Values of two types, and whether they are equal in their common form.

use arrow::array::{
    BinaryArray, BooleanArray, Date32Array, Decimal128Array, DurationSecondArray, FixedSizeBinaryArray, Float32Array,
    Float64Array, Int8Array, Int64Array, ListArray, NullArray, StringArray, Time32SecondArray, Time64NanosecondArray,
    TimestampMillisecondArray, TimestampNanosecondArray, TimestampSecondArray, UInt32Array, UInt64Array,
};
use proptest::prelude::*;

use super::*;

/// Returns which values are equal, as the diff finds out.
fn equal(from: &ArrayRef, to: &ArrayRef) -> Vec<bool> {
    let form = Form::of(from.data_type(), to.data_type());
    assert_eq!(form, Form::of(to.data_type(), from.data_type()));
    let fields = form.types().into_iter().map(SortField::new).collect();
    let converter = RowConverter::new(fields).unwrap();
    let [from, to] = [from, to].map(|array| {
        let arrays = form.arrays(array).unwrap();
        assert_eq!(arrays.iter().map(|array| array.data_type().clone()).collect::<Vec<_>>(), form.types());
        converter.convert_columns(&arrays).unwrap()
    });
    from.iter().zip(&to).map(|(one, other)| one == other).collect()
}

fn check(from: impl arrow::array::Array + 'static, to: impl arrow::array::Array + 'static, expected: &[bool]) {
    let (from, to): (ArrayRef, ArrayRef) = (Arc::new(from), Arc::new(to));
    assert_eq!(equal(&from, &to), expected, "{} {}", from.data_type(), to.data_type());
    assert_eq!(equal(&to, &from), expected, "{} {}", to.data_type(), from.data_type());
}

fn decimals(values: Vec<i128>, precision: u8, scale: i8) -> Decimal128Array {
    Decimal128Array::from(values).with_precision_and_scale(precision, scale).unwrap()
}

#[test]
fn values_of_one_type() {
    let other_nan = f64::from_bits(f64::NAN.to_bits() | 1);
    check(
        Float64Array::from(vec![Some(f64::NAN), Some(-0.0), None, Some(0.0), Some(1.0)]),
        Float64Array::from(vec![Some(-other_nan), Some(0.0), None, None, Some(2.0)]),
        &[true, true, true, false, false],
    );
    check(Float32Array::from(vec![-0.0, f32::NAN]), Float32Array::from(vec![0.0, -f32::NAN]), &[true, true]);
    check(StringArray::from(vec![Some(""), Some("a")]), StringArray::from(vec![None, Some("a")]), &[false, true]);
    let lists = |value: f64| ListArray::from_iter_primitive::<Float64Type, _, _>([Some([Some(value), None]), None]);
    check(lists(-0.0), lists(0.0), &[true, true]);
    check(lists(f64::NAN), lists(-f64::NAN), &[true, true]);
    check(lists(1.0), lists(2.0), &[false, true]);
    // Only a part of nested values.
    check(lists(1.0).slice(1, 1), lists(2.0).slice(1, 1), &[true]);
}

#[test]
fn numbers_of_different_types() {
    check(Int8Array::from(vec![Some(1), None]), Int64Array::from(vec![Some(1), None]), &[true, true]);
    check(Int64Array::from(vec![-1, 5]), UInt64Array::from(vec![u64::MAX, 5]), &[false, true]);
    check(Int8Array::from(vec![-1, 5]), UInt32Array::from(vec![u32::MAX, 5]), &[false, true]);
    check(
        Float32Array::from(vec![0.5, 0.1, f32::NAN]),
        Float64Array::from(vec![0.5, 0.1, f64::NAN]),
        &[true, false, true],
    );
    // 2^53 + 1 is not a double.
    check(
        Int64Array::from(vec![Some(1), Some((1 << 53) + 1), Some(1 << 53), Some(0), None]),
        Float64Array::from(vec![
            Some(1.0),
            Some(9_007_199_254_740_992.0),
            Some(9_007_199_254_740_992.0),
            Some(-0.0),
            None,
        ]),
        &[true, false, true, true, true],
    );
    check(UInt64Array::from(vec![u64::MAX]), Float64Array::from(vec![18_446_744_073_709_551_615.0]), &[false]);
    check(decimals(vec![150, 151], 5, 2), Int64Array::from(vec![1, 1]), &[false, false]);
    check(decimals(vec![100, -100], 5, 2), Int64Array::from(vec![1, -1]), &[true, true]);
    check(decimals(vec![110, 111], 5, 2), decimals(vec![11_000, 11_000], 9, 4), &[true, false]);
    check(decimals(vec![12], 5, -2), Int64Array::from(vec![1200]), &[true]);
    check(
        decimals(vec![110, 0, -15, 33], 5, 2),
        Float64Array::from(vec![1.1, -0.0, -0.15, 1.0 / 3.0]),
        &[true, true, true, false],
    );
    let long = 12_345_678_901_234_567_890_123;
    check(decimals(vec![long], 38, 10), Float64Array::from(vec![1_234_567_890_123.456_8]), &[false]);
}

#[test]
fn moments_of_different_units() {
    check(
        Date32Array::from(vec![Some(1), Some(1), Some(-1), None]),
        TimestampSecondArray::from(vec![Some(86_400), Some(86_401), Some(-86_400), None]).with_timezone("UTC"),
        &[true, false, true, true],
    );
    check(
        TimestampMillisecondArray::from(vec![i64::MAX, 1500]),
        TimestampNanosecondArray::from(vec![i64::MAX, 1_500_000_000]).with_timezone("+02:00"),
        &[false, true],
    );
    check(Time32SecondArray::from(vec![1, 2]), Time64NanosecondArray::from(vec![1_000_000_000, 1]), &[true, false]);
    let durations = arrow::array::DurationMicrosecondArray::from(vec![3_000_000, 1]);
    check(DurationSecondArray::from(vec![3, 0]), durations, &[true, false]);
}

#[test]
fn other_types_are_compared_as_text() {
    check(
        Int64Array::from(vec![Some(5), Some(5), None]),
        StringArray::from(vec![Some("5"), Some("5.0"), None]),
        &[true, false, true],
    );
    check(BooleanArray::from(vec![true, false]), StringArray::from(vec!["true", "0"]), &[true, false]);
    check(Date32Array::from(vec![0]), StringArray::from(vec!["1970-01-01"]), &[true]);
    check(Float64Array::from(vec![1.5]), StringArray::from(vec!["1.5"]), &[true]);
    check(BooleanArray::from(vec![true]), Int64Array::from(vec![1]), &[false]);
    let lists = ListArray::from_iter_primitive::<Int64Type, _, _>([Some([Some(1), None])]);
    check(lists, StringArray::from(vec!["[1,null]"]), &[true]);
    let [narrow, wide] =
        [2, 4].map(|length| Arc::new(FixedSizeBinaryArray::try_from_iter([vec![b'a'; length]].iter()).unwrap()));
    check(FixedSizeBinaryArray::clone(&narrow), BinaryArray::from(vec![b"aa".as_slice()]), &[true]);
    check(FixedSizeBinaryArray::clone(&narrow), FixedSizeBinaryArray::clone(&wide), &[false]);
    check(NullArray::new(2), Int64Array::from(vec![None, Some(1)]), &[true, false]);
}

proptest! {
    #[test]
    fn integers_are_compared_exactly(integer: i64, offset in -2_i64..3) {
        // Half of the doubles are close to the integer.
        #[expect(clippy::cast_precision_loss, reason = "that is what the test is about")]
        let double = integer.saturating_add(offset) as f64;
        #[expect(clippy::cast_possible_truncation, reason = "the double has no fraction")]
        let expected = double as i128 == i128::from(integer);
        check(Int64Array::from(vec![integer]), Float64Array::from(vec![double]), &[expected]);
    }

    #[test]
    fn decimals_are_compared_exactly(one in -1_000_000_i128..1_000_000, scale in 0_i8..6, more in 0_u32..8) {
        let wide = decimals(vec![one * 10_i128.pow(more)], 30, scale + i8::try_from(more).unwrap());
        check(decimals(vec![one], 10, scale), wide.clone(), &[true]);
        check(decimals(vec![one + 1], 10, scale), wide, &[false]);
        let written = format!("{one}e-{scale}").parse::<f64>().unwrap();
        check(decimals(vec![one], 10, scale), Float64Array::from(vec![written]), &[true]);
    }
}
