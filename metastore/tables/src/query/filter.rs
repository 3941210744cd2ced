//! The parameter `where`: one boolean SQL expression over the columns of a table.
//!
//! The expression is checked twice: as written, for subqueries, names and depth, and as planned, for what is not computed
//! from a single row.

use std::ops::ControlFlow;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use datafusion::common::tree_node::{Transformed, TreeNode as _, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema};
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Expr, ExprSchemable as _, Volatility};
use datafusion::sql::parser::DFParserBuilder;
use datafusion::sql::sqlparser::ast::{
    AccessExpr, Expr as SqlExpr, ExprWithAlias, Ident, Query, Value, VisitMut as _, VisitorMut,
};

use crate::error::{Error, Result};
use crate::names;
use crate::syntax::{Depth, Text};

/// What is parsed here.
const WHERE: Text = Text { name: "`where`", kind: "an SQL expression" };

/// Parses an expression over a table with this schema.
pub(super) fn parse(state: &SessionState, text: &str, schema: &SchemaRef) -> Result<Expr> {
    let parsed = DFParserBuilder::new(WHERE.tokens(text)?).build().and_then(|mut parser| parser.parse_into_expr());
    let ExprWithAlias { mut expr, alias } = parsed.map_err(|error| WHERE.error(&error))?;
    if alias.is_some() {
        return Err(Error::invalid("`where` must be one expression, without AS"));
    }
    if let ControlFlow::Break(error) = expr.visit(&mut Names { schema, depth: Depth::new(WHERE) }) {
        return Err(error);
    }
    let alias = None;
    let planned = state.create_logical_expr_from_sql_expr(ExprWithAlias { expr, alias }, &internal_schema(schema)?)?;
    check_row_expression(&planned)?;
    let planned = planned.transform(|expr| Ok(with_column_name(expr, schema)))?.data;
    let kind = planned.get_type(&DFSchema::try_from(schema.clone())?)?;
    if !matches!(kind, DataType::Boolean | DataType::Null) {
        return Err(Error::invalid(format!("`where` must be true or false, but is of the type {kind}; compare it")));
    }
    Ok(planned)
}

/// Replaces the names of columns by internal ones, which mean the same in every dialect.
struct Names<'a> {
    schema: &'a SchemaRef,
    depth: Depth,
}

impl Names<'_> {
    /// Returns the internal name of a column.
    fn resolve(&self, name: &Ident) -> Result<Ident> {
        let names = self.schema.fields().iter().map(|field| field.name().as_str());
        let position = match name.quote_style {
            Some(_) => names::position(names, &name.value)?,
            None => names::unquoted(names, &name.value)?,
        };
        Ok(Ident::with_quote('"', internal_name(position)))
    }

    fn rename(&self, expr: &mut SqlExpr) -> Result<()> {
        match expr {
            SqlExpr::Identifier(name) => *name = self.resolve(name)?,
            SqlExpr::CompoundIdentifier(parts) => {
                for (position, part) in parts.iter_mut().enumerate() {
                    // The rest are fields of a nested column, in their case.
                    *part = if position == 0 { self.resolve(part)? } else { Ident::with_quote('"', &part.value) };
                }
            }
            SqlExpr::CompoundFieldAccess { access_chain, .. } => {
                for access in access_chain {
                    if let AccessExpr::Dot(SqlExpr::Identifier(field)) = access {
                        *access = AccessExpr::Dot(SqlExpr::value(Value::SingleQuotedString(field.value.clone())));
                    }
                }
            }
            SqlExpr::Lambda(_) => return Err(not_supported("functions of functions")),
            _ => {}
        }
        Ok(())
    }
}

impl VisitorMut for Names<'_> {
    type Break = Error;

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<Error> {
        ControlFlow::Break(not_supported("subqueries"))
    }

    fn pre_visit_expr(&mut self, expr: &mut SqlExpr) -> ControlFlow<Error> {
        self.depth.enter(expr)?;
        match self.rename(expr) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }

    fn post_visit_expr(&mut self, _: &mut SqlExpr) -> ControlFlow<Error> {
        self.depth.leave();
        ControlFlow::Continue(())
    }
}

fn internal_name(position: usize) -> String {
    format!("c{position}")
}

fn internal_schema(schema: &Schema) -> Result<DFSchema> {
    let fields = schema.fields().iter().enumerate();
    let fields = fields.map(|(position, field)| field.as_ref().clone().with_name(internal_name(position)));
    Ok(DFSchema::try_from(Schema::new(fields.collect::<Vec<Field>>().into_iter().collect::<Fields>()))?)
}

/// Replaces the internal name of a column by its own.
fn with_column_name(expr: Expr, schema: &Schema) -> Transformed<Expr> {
    let Expr::Column(column) = &expr else { return Transformed::no(expr) };
    let position = column.name().strip_prefix('c').and_then(|position| position.parse::<usize>().ok());
    match position.and_then(|position| schema.fields().get(position)) {
        Some(field) => Transformed::yes(Expr::Column(Column::new_unqualified(field.name()))),
        None => Transformed::no(expr),
    }
}

/// Checks that an expression is computed from a single row.
fn check_row_expression(expr: &Expr) -> Result<()> {
    let mut refused = None;
    expr.apply(|expr| {
        refused = match expr {
            Expr::Column(_)
            | Expr::Literal(..)
            | Expr::BinaryExpr(_)
            | Expr::Like(_)
            | Expr::SimilarTo(_)
            | Expr::Not(_)
            | Expr::IsNotNull(_)
            | Expr::IsNull(_)
            | Expr::IsTrue(_)
            | Expr::IsFalse(_)
            | Expr::IsUnknown(_)
            | Expr::IsNotTrue(_)
            | Expr::IsNotFalse(_)
            | Expr::IsNotUnknown(_)
            | Expr::Negative(_)
            | Expr::Between(_)
            | Expr::Case(_)
            | Expr::Cast(_)
            | Expr::TryCast(_)
            | Expr::ScalarFunction(_)
            | Expr::Alias(_)
            | Expr::InList(_) => None,
            Expr::AggregateFunction(_) | Expr::GroupingSet(_) => Some("aggregate functions"),
            Expr::WindowFunction(_) => Some("window functions"),
            Expr::Placeholder(_) => Some("placeholders"),
            Expr::ScalarVariable(..) => Some("variables"),
            Expr::HigherOrderFunction(_) | Expr::Lambda(_) | Expr::LambdaVariable(_) => Some("functions of functions"),
            Expr::Exists(_)
            | Expr::InSubquery(_)
            | Expr::SetComparison(_)
            | Expr::ScalarSubquery(_)
            | Expr::OuterReferenceColumn(..) => Some("subqueries"),
            _ => Some("wildcards and table functions"),
        };
        Ok(if refused.is_some() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    refused.map_or(Ok(()), |what| Err(not_supported(what)))
}

/// Returns true if an expression may have another value at another time, such as `now()` and `random()`.
pub(crate) fn is_volatile(expr: &Expr) -> bool {
    let is_volatile = |expr: &Expr| {
        let volatility = match expr {
            Expr::ScalarFunction(call) => call.func.signature().volatility,
            Expr::AggregateFunction(call) => call.func.signature().volatility,
            Expr::WindowFunction(call) => call.fun.signature().volatility,
            _ => return Ok(false),
        };
        Ok(volatility != Volatility::Immutable)
    };
    // An error cannot be; if there were one, the result would not be kept.
    expr.exists(is_volatile).unwrap_or(true)
}

fn not_supported(what: &str) -> Error {
    Error::invalid(format!("`where` cannot contain {what}; compare values of one row"))
}
