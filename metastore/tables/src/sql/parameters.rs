//! Parameters of queries, `$1` and `$name`: their values take their place, as literals.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{Expr, UnaryOperator, Value as SqlValue, ValueWithSpan, VisitorMut};
use serde_json::Value;

use super::parse::visit;
use crate::error::{Error, Result, shortened};

/// Puts values in the place of parameters.
///
/// # Errors
/// Invalid if a parameter has no value, or a value no parameter.
pub(super) fn set(statement: &mut Statement, values: &Value) -> Result<()> {
    let mut parameters = Parameters { values, used: HashSet::new() };
    visit(statement, &mut parameters)?;
    let used = parameters.used;
    let names: Vec<String> = match values {
        Value::Array(values) => (1..=values.len()).map(|number| number.to_string()).collect(),
        Value::Object(values) => values.keys().cloned().collect(),
        _ => Vec::new(),
    };
    match names.into_iter().find(|name| !used.contains(name)) {
        Some(name) => Err(Error::invalid(format!("the query has no parameter ${}", shortened(&name, 60)))),
        None => Ok(()),
    }
}

struct Parameters<'a> {
    values: &'a Value,
    used: HashSet<String>,
}

impl Parameters<'_> {
    fn value(&mut self, placeholder: &str) -> Result<SqlValue> {
        let shown = shortened(placeholder, 60);
        let Some(name) = placeholder.strip_prefix('$').filter(|name| !name.is_empty()) else {
            return Err(Error::invalid(format!("{shown} is not a parameter; write $1 or $name")));
        };
        let value = match self.values {
            Value::Array(values) => {
                let place = name.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
                place.and_then(|place| values.get(place))
            }
            Value::Object(values) => values.get(name),
            Value::Null => None,
            _ => {
                return Err(Error::invalid(
                    "`parameters` must be an array, for $1, $2, …, or an object, for parameters with names",
                ));
            }
        };
        let Some(value) = value else {
            return Err(Error::invalid(format!("the parameter {shown} has no value")));
        };
        self.used.insert(name.to_owned());
        Ok(match value {
            Value::Null => SqlValue::Null,
            Value::Bool(value) => SqlValue::Boolean(*value),
            Value::Number(value) => SqlValue::Number(value.to_string(), false),
            Value::String(value) => SqlValue::SingleQuotedString(value.clone()),
            Value::Array(_) | Value::Object(_) => {
                return Err(Error::invalid(format!(
                    "the parameter {shown} must be null, true, false, a number or a string"
                )));
            }
        })
    }
}

impl VisitorMut for Parameters<'_> {
    type Break = Error;

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        // SQL has no negative numbers, but the negation of numbers.
        if let Expr::Value(ValueWithSpan { value: SqlValue::Placeholder(name), .. }) = expr
            && let Ok(SqlValue::Number(number, _)) = self.value(name)
            && let Some(number) = number.strip_prefix('-')
        {
            let number = Box::new(Expr::value(SqlValue::Number(number.to_owned(), false)));
            *expr = Expr::Nested(Box::new(Expr::UnaryOp { op: UnaryOperator::Minus, expr: number }));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_value(&mut self, value: &mut ValueWithSpan) -> ControlFlow<Error> {
        if let SqlValue::Placeholder(name) = &value.value {
            match self.value(name) {
                Ok(literal) => value.value = literal,
                Err(error) => return ControlFlow::Break(error),
            }
        }
        ControlFlow::Continue(())
    }
}
