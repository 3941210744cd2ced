//! Comparison of constraints.

use std::{cmp::Ordering, collections::HashSet};

use serde_json::{Number, Value};

/// The direction of a constraint change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Tightened,
    Loosened,
    /// Neither stricter nor looser, or not comparable.
    Changed,
}

/// Compares a constraint of a field of type `kind`; `plain` is true if the field has the default format.
/// `None` if nothing changed.
pub(super) fn turn(
    constraint: &str,
    old: Option<&Value>,
    new: Option<&Value>,
    kind: &str,
    plain: bool,
) -> Option<Direction> {
    let idle = |value: &&Value| !is_idle(constraint, value);
    match (old.filter(idle), new.filter(idle)) {
        (None, None) => None,
        (None, Some(_)) => Some(Direction::Tightened),
        (Some(_), None) => Some(Direction::Loosened),
        (Some(old), Some(new)) if old == new => None,
        (Some(old), Some(new)) => Some(match constraint {
            "minimum" | "exclusiveMinimum" | "minLength" => match order(old, new, kind, plain) {
                Some(Ordering::Less) => Direction::Tightened,
                Some(Ordering::Greater) => Direction::Loosened,
                // `5` and `"5"` are the same bound.
                Some(Ordering::Equal) => return None,
                None => Direction::Changed,
            },
            "maximum" | "exclusiveMaximum" | "maxLength" => match order(old, new, kind, plain) {
                Some(Ordering::Less) => Direction::Loosened,
                Some(Ordering::Greater) => Direction::Tightened,
                Some(Ordering::Equal) => return None,
                None => Direction::Changed,
            },
            "enum" => match (old.as_array(), new.as_array()) {
                (Some(old), Some(new)) => lists(old, new)?,
                _ => Direction::Changed,
            },
            _ => Direction::Changed,
        }),
    }
}

/// Compares two lists of allowed values; `None` if they allow the same.
pub(super) fn lists(old: &[Value], new: &[Value]) -> Option<Direction> {
    match (without(old, new).is_empty(), without(new, old).is_empty()) {
        (true, true) => None,
        (true, false) => Some(Direction::Loosened),
        (false, true) => Some(Direction::Tightened),
        (false, false) => Some(Direction::Changed),
    }
}

/// Returns the items of `list` that are not in `other`.
pub(super) fn without(list: &[Value], other: &[Value]) -> Vec<Value> {
    let other: HashSet<&Value> = other.iter().collect();
    list.iter().filter(|value| !other.contains(value)).cloned().collect()
}

/// Returns true if the constraint has no effect.
fn is_idle(constraint: &str, value: &Value) -> bool {
    match constraint {
        "required" | "unique" => *value == Value::Bool(false),
        "minLength" => value.as_u64() == Some(0),
        "jsonSchema" => *value == Value::Bool(true) || value.as_object().is_some_and(serde_json::Map::is_empty),
        _ => value.is_null(),
    }
}

/// Compares two bounds, if they are comparable: numbers by value; dates and times in the default format
/// lexicographically, if they have the same shape and no time zone.
fn order(old: &Value, new: &Value, kind: &str, plain: bool) -> Option<Ordering> {
    if let (Some(old), Some(new)) = (number(old, kind), number(new, kind)) {
        return compare(&old, &new);
    }
    let (old, new) = (old.as_str()?, new.as_str()?);
    let shape = |text: &str| -> Vec<bool> { text.bytes().map(|byte| byte.is_ascii_digit()).collect() };
    let known = plain && matches!(kind, "date" | "time" | "datetime" | "yearmonth");
    // Years before 1 and offsets reverse the lexicographical order.
    let zoned = |text: &str| {
        let (day, time) = text.split_once('T').unwrap_or((text, ""));
        day.starts_with('-') || day.len() > 10 || time.contains(['+', '-']) || text.ends_with(['Z', 'z'])
    };
    (known && shape(old) == shape(new) && !zoned(old) && !zoned(new)).then(|| old.cmp(new))
}

/// Returns a bound as a number: it is one, or the field is numeric and the text is a number.
fn number(bound: &Value, kind: &str) -> Option<Number> {
    match bound {
        Value::Number(number) => Some(number.clone()),
        Value::String(text) if matches!(kind, "integer" | "number" | "year") => serde_json::from_str(text).ok(),
        _ => None,
    }
}

/// Compares numbers: integers exactly, others as floating-point numbers.
fn compare(old: &Number, new: &Number) -> Option<Ordering> {
    match (old.as_i128(), new.as_i128()) {
        (Some(old), Some(new)) => Some(old.cmp(&new)),
        _ => old.as_f64()?.partial_cmp(&new.as_f64()?),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn turned(constraint: &str, kind: &str, old: &Value, new: &Value) -> Option<Direction> {
        turn(constraint, Some(old), Some(new), kind, true)
    }

    #[test]
    fn bounds_are_compared_by_value() {
        assert_eq!(turned("minimum", "integer", &json!(1), &json!(2)), Some(Direction::Tightened));
        assert_eq!(turned("maximum", "number", &json!(1.5), &json!(2)), Some(Direction::Loosened));
        assert_eq!(turned("maximum", "number", &json!("10"), &json!(9)), Some(Direction::Tightened));
        assert_eq!(turned("maximum", "number", &json!("10"), &json!(10)), None);
        assert_eq!(
            turned("exclusiveMinimum", "integer", &json!(u64::MAX), &json!(u64::MAX - 1)),
            Some(Direction::Loosened)
        );
        assert_eq!(turned("minLength", "string", &json!(5), &json!(3)), Some(Direction::Loosened));
        assert_eq!(turned("minimum", "date", &json!("2020-01-01"), &json!("2019-12-31")), Some(Direction::Loosened));
        assert_eq!(turned("minimum", "yearmonth", &json!("2020-01"), &json!("2020-02")), Some(Direction::Tightened));
        assert_eq!(turned("maximum", "time", &json!("10:00:00"), &json!("09:00:00")), Some(Direction::Tightened));
        let day = |time: &str| json!(format!("2020-01-01T{time}"));
        assert_eq!(turned("maximum", "datetime", &day("10:00:00"), &day("11:00:00")), Some(Direction::Loosened));
        assert_eq!(
            turned("maximum", "datetime", &day("10:00:00-01:00"), &day("10:00:00-02:00")),
            Some(Direction::Changed)
        );
        assert_eq!(turned("maximum", "datetime", &day("10:00:00Z"), &day("11:00:00Z")), Some(Direction::Changed));
        assert_eq!(turned("minimum", "duration", &json!("P1D"), &json!("P2D")), Some(Direction::Changed));
        assert_eq!(
            turn("minimum", Some(&json!("01.02.2020")), Some(&json!("02.01.2020")), "date", false),
            Some(Direction::Changed)
        );
    }

    #[test]
    fn what_says_nothing_is_no_constraint() {
        for (constraint, value) in
            [("required", json!(false)), ("unique", json!(false)), ("minLength", json!(0)), ("jsonSchema", json!({}))]
        {
            assert_eq!(turn(constraint, None, Some(&value), "any", true), None);
        }
        assert_eq!(turned("required", "any", &json!(false), &json!(true)), Some(Direction::Tightened));
        assert_eq!(turn("pattern", None, Some(&json!("a")), "string", true), Some(Direction::Tightened));
        assert_eq!(turn("pattern", Some(&json!("a")), None, "string", true), Some(Direction::Loosened));
        assert_eq!(turned("pattern", "string", &json!("a"), &json!("b")), Some(Direction::Changed));
    }

    #[test]
    fn lists_are_sets() {
        assert_eq!(turned("enum", "any", &json!([1, 2]), &json!([2, 1])), None);
        assert_eq!(turned("enum", "any", &json!([1, 2]), &json!([2, 1, 3])), Some(Direction::Loosened));
        assert_eq!(turned("enum", "any", &json!([1, 2]), &json!([2])), Some(Direction::Tightened));
        assert_eq!(turned("enum", "any", &json!([1, 2]), &json!([2, 3])), Some(Direction::Changed));
    }

    proptest! {
        #[test]
        fn tightening_is_the_reverse_of_loosening(
            constraint in prop::sample::select(vec!["minimum", "maximum", "minLength", "maxLength", "enum", "required", "pattern"]),
            kind in prop::sample::select(vec!["integer", "number", "date", "datetime", "string"]),
            old in bound(), new in bound(),
        ) {
            let back = match turn(constraint, Some(&new), Some(&old), kind, true) {
                Some(Direction::Tightened) => Some(Direction::Loosened),
                Some(Direction::Loosened) => Some(Direction::Tightened),
                other => other,
            };
            prop_assert_eq!(turned(constraint, kind, &old, &new), back);
        }
    }

    fn bound() -> impl Strategy<Value = Value> {
        prop_oneof![
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
            "[0-9]{1,3}|20[0-9]{2}-0[1-9]-1[0-9](T1[0-9]:00:00(Z|[+-]01:00)?)?|\\PC{0,5}".prop_map(Value::from),
            prop::collection::vec(0..4, 0..4).prop_map(Value::from),
        ]
    }
}
