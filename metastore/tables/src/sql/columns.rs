//! Names of columns without quotes, in another case than that of the table.
//!
//! SQL reads unquoted names in lower case. A name that no table has in lower case stands for the column that has it in
//! another case, if there is only one, and if the query does not define the name itself.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use arrow::datatypes::{DataType, Fields};
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    AccessExpr, ExceptSelectItem, ExcludeSelectItem, Expr, Ident, JoinConstraint, JoinOperator, ObjectName,
    ObjectNamePart, Query, RenameSelectItem, Select, SelectItem, TableAlias, TableFactor, TableWithJoins, Value,
    VisitorMut, WildcardAdditionalOptions,
};

use super::parse::{normal, visit};
use crate::error::{Error, Result};

/// Writes unquoted names in the case of the tables, of which there are the name and the columns.
pub(super) fn resolve<'a>(
    statement: &mut Statement,
    tables: impl Iterator<Item = (&'a str, &'a Fields)>,
) -> Result<()> {
    let mut names = Rename::default();
    for (table, fields) in tables {
        names.tables.add(table);
        for field in fields {
            names.columns.add(field.name());
            names.fields.add_nested(field.data_type());
        }
    }
    visit(statement, &mut Defined(&mut names))?;
    visit(statement, &mut names)
}

/// Names, and what they are in lower case.
#[derive(Default)]
struct Names {
    exact: HashSet<String>,
    /// The only name that is this one in lower case; `None` if there are several.
    folded: HashMap<String, Option<String>>,
}

impl Names {
    fn add(&mut self, name: &str) {
        if self.exact.insert(name.to_owned()) {
            let only = self.folded.entry(name.to_lowercase()).or_insert_with(|| Some(name.to_owned()));
            if only.as_deref() != Some(name) {
                *only = None;
            }
        }
    }

    /// Adds the names of fields within a type.
    fn add_nested(&mut self, r#type: &DataType) {
        match r#type {
            DataType::Struct(fields) => {
                for field in fields {
                    self.add(field.name());
                    self.add_nested(field.data_type());
                }
            }
            DataType::List(field)
            | DataType::LargeList(field)
            | DataType::FixedSizeList(field, _)
            | DataType::Map(field, _) => self.add_nested(field.data_type()),
            _ => {}
        }
    }
}

#[derive(Default)]
struct Rename {
    tables: Names,
    columns: Names,
    /// Fields of nested columns.
    fields: Names,
    /// Names that the query defines.
    defined: HashSet<String>,
    /// Names that the query defines for a column that has the name in another case: `Name AS name`.
    same: HashSet<String>,
}

impl Rename {
    /// Returns the name that an identifier stands for; `None` if it is the identifier itself.
    fn found(&self, ident: &Ident, known: &[&Names]) -> Option<String> {
        let name = normal(ident);
        let is_defined = self.defined.contains(&name) || self.same.contains(&ident.value);
        if ident.quote_style.is_some() || is_defined || known.iter().any(|names| names.exact.contains(&name)) {
            return None;
        }
        let folded = ident.value.to_lowercase();
        known.iter().find_map(|names| names.folded.get(&folded)).cloned().flatten()
    }

    fn rename(&self, ident: &mut Ident, known: &[&Names]) {
        if let Some(name) = self.found(ident, known) {
            *ident = Ident::with_quote('"', name);
        }
    }

    fn column(&self, ident: &mut Ident) {
        self.rename(ident, &[&self.columns]);
    }

    fn columns(&self, names: &mut [ObjectName]) {
        for name in names {
            if let [ObjectNamePart::Identifier(ident)] = &mut name.0[..] {
                self.column(ident);
            }
        }
    }

    fn wildcard(&self, options: &mut WildcardAdditionalOptions) {
        match &mut options.opt_exclude {
            Some(ExcludeSelectItem::Single(name)) => self.columns(std::slice::from_mut(name)),
            Some(ExcludeSelectItem::Multiple(names)) => self.columns(names),
            None => {}
        }
        if let Some(ExceptSelectItem { first_element, additional_elements }) = &mut options.opt_except {
            self.column(first_element);
            for ident in additional_elements {
                self.column(ident);
            }
        }
        for element in options.opt_replace.iter_mut().flat_map(|replace| &mut replace.items) {
            self.column(&mut element.column_name);
            // The planner would compare it as it is written.
            element.column_name = Ident::with_quote('"', normal(&element.column_name));
        }
        match &mut options.opt_rename {
            Some(RenameSelectItem::Single(renamed)) => self.column(&mut renamed.ident),
            Some(RenameSelectItem::Multiple(renamed)) => {
                for renamed in renamed {
                    self.column(&mut renamed.ident);
                }
            }
            None => {}
        }
    }

    fn joins(&self, table: &mut TableWithJoins) {
        for join in &mut table.joins {
            if let Some(JoinConstraint::Using(names)) = constraint(&mut join.join_operator) {
                self.columns(names);
            }
        }
    }

    fn expr(&self, expr: &mut Expr) {
        match expr {
            Expr::Identifier(ident) => self.column(ident),
            Expr::CompoundIdentifier(parts) => {
                if let [first, rest @ ..] = &mut parts[..] {
                    self.rename(first, &[&self.tables, &self.columns]);
                    for part in rest {
                        self.rename(part, &[&self.columns, &self.fields]);
                    }
                }
            }
            Expr::CompoundFieldAccess { root, access_chain } => {
                // What directly follows a name is read as a part of it.
                let mut is_name = matches!(**root, Expr::Identifier(_) | Expr::CompoundIdentifier(_));
                for access in access_chain {
                    match access {
                        AccessExpr::Dot(Expr::Identifier(field)) if !is_name => {
                            let name = self.found(field, &[&self.fields]).unwrap_or_else(|| normal(field));
                            *access = AccessExpr::Dot(Expr::value(Value::SingleQuotedString(name)));
                        }
                        AccessExpr::Dot(_) => {}
                        AccessExpr::Subscript(_) => is_name = false,
                    }
                }
            }
            _ => {}
        }
    }
}

impl VisitorMut for Rename {
    type Break = Error;

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Error> {
        for item in &mut select.projection {
            if let SelectItem::Wildcard(options) | SelectItem::QualifiedWildcard(_, options) = item {
                self.wildcard(options);
            }
        }
        select.from.iter_mut().for_each(|table| self.joins(table));
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Error> {
        if let TableFactor::NestedJoin { table_with_joins, .. } = factor {
            self.joins(table_with_joins);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        self.expr(expr);
        ControlFlow::Continue(())
    }
}

/// Returns the condition of a join that can name columns of both sides.
fn constraint(operator: &mut JoinOperator) -> Option<&mut JoinConstraint> {
    match operator {
        JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint)
        | JoinOperator::Right(constraint)
        | JoinOperator::RightOuter(constraint)
        | JoinOperator::FullOuter(constraint)
        | JoinOperator::Semi(constraint)
        | JoinOperator::LeftSemi(constraint)
        | JoinOperator::RightSemi(constraint)
        | JoinOperator::Anti(constraint)
        | JoinOperator::LeftAnti(constraint)
        | JoinOperator::RightAnti(constraint) => Some(constraint),
        _ => None,
    }
}

/// Collects the names that a query defines.
struct Defined<'a>(&'a mut Rename);

impl Defined<'_> {
    fn alias(&mut self, alias: &TableAlias) {
        self.0.defined.insert(normal(&alias.name));
        self.0.defined.extend(alias.columns.iter().map(|column| normal(&column.name)));
    }
}

impl VisitorMut for Defined<'_> {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Error> {
        for cte in query.with.iter().flat_map(|with| &with.cte_tables) {
            self.alias(&cte.alias);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Error> {
        for item in &select.projection {
            match item {
                SelectItem::ExprWithAlias { expr, alias } => {
                    let name = normal(alias);
                    let of = match expr {
                        Expr::Identifier(ident) => Some(ident),
                        Expr::CompoundIdentifier(parts) => parts.last(),
                        _ => None,
                    };
                    let is_same = of.is_some_and(|of| of.value.to_lowercase() == name.to_lowercase());
                    if is_same {
                        self.0.same.insert(name)
                    } else {
                        self.0.defined.insert(name)
                    };
                }
                SelectItem::ExprWithAliases { aliases, .. } => self.0.defined.extend(aliases.iter().map(normal)),
                SelectItem::Wildcard(options) | SelectItem::QualifiedWildcard(_, options) => {
                    match &options.opt_rename {
                        Some(RenameSelectItem::Single(renamed)) => {
                            self.0.defined.insert(normal(&renamed.alias));
                        }
                        Some(RenameSelectItem::Multiple(renamed)) => {
                            self.0.defined.extend(renamed.iter().map(|renamed| normal(&renamed.alias)));
                        }
                        None => {}
                    }
                }
                SelectItem::UnnamedExpr(_) => {}
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Error> {
        if let TableFactor::Table { alias: Some(alias), .. }
        | TableFactor::Derived { alias: Some(alias), .. }
        | TableFactor::UNNEST { alias: Some(alias), .. }
        | TableFactor::NestedJoin { alias: Some(alias), .. } = factor
        {
            self.alias(alias);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        if let Expr::Lambda(lambda) = expr {
            self.0.defined.extend(lambda.params.iter().map(|parameter| normal(&parameter.name)));
        }
        ControlFlow::Continue(())
    }
}
