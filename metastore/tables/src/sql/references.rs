//! The tables that a query names, and the query in normal form.

use std::ops::ControlFlow;

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, ObjectName, ObjectNamePart, Query, Select,
    SelectItem, SelectItemQualifiedWildcardKind, Statement as SqlStatement, TableAlias, TableFactor, TableFunctionArgs,
    Value, VisitorMut,
};
use tables_wire::{Piece, References, TableName};

use super::parse::{normal, parse, unknown_function, visit};
use crate::error::{Error, Result, shortened};

/// Maximum number of tables.
const MAX_TABLES: usize = 64;

/// Maximum number of tables and subqueries, with those of `WITH` counted as often as they are used.
const MAX_EXPANDED: u64 = 1000;

/// The name of the table function.
pub(super) const ROW_DIFF: &str = "row_diff";

/// Finds the tables of a parsed query, which may change: names of functions become lower case.
///
/// # Errors
/// Invalid for names that cannot be tables; limit.
pub(super) fn find(statement: &mut Statement) -> Result<References> {
    visit(statement, &mut Lower)?;
    let printed = statement.to_string();
    let mut seen = parse(&printed)?;
    visit(&mut seen, &mut Lower)?;
    if seen != *statement {
        // Otherwise, queries with different meanings could have the same normal form.
        return Err(Error::invalid("the query cannot be brought to a normal form; write it more simply"));
    }
    // A text has fewer of them than bytes.
    let mut markers = (0..=printed.len()).map(|number| format!("${number}$"));
    let marker = markers.find(|marker| !printed.contains(marker));
    let marker = marker.ok_or_else(|| Error::internal("every number is in use"))?;
    let mut finder = Finder { tables: Vec::new(), scopes: Vec::new(), marker: &marker };
    if let Statement::Statement(statement) = &mut seen
        && let SqlStatement::ExplainTable { table_name, .. } = &mut **statement
    {
        finder.table(table_name)?;
    }
    visit(&mut seen, &mut finder)?;
    let tables = finder.tables;
    visit(&mut seen, &mut Qualifiers { tables: &tables, marker: &marker })?;
    let canonical = split(&seen.to_string(), &marker)?;
    Ok(References { tables, canonical })
}

/// The literals of a call of the table function.
pub(super) struct RowDiffCall {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) table: String,
    pub(super) key: Option<String>,
}

impl RowDiffCall {
    /// Checks the arguments of a call.
    pub(super) fn new(arguments: Vec<String>) -> Result<Self> {
        let mut arguments = arguments.into_iter();
        match (arguments.next(), arguments.next(), arguments.next(), arguments.next(), arguments.next()) {
            (Some(from), Some(to), Some(table), key, None) if is_dataset(&from) && is_dataset(&to) => {
                Ok(Self { from, to, table, key })
            }
            _ => Err(wrong_call()),
        }
    }

    /// Returns the names of both tables.
    pub(super) fn tables(&self) -> [TableName; 2] {
        [&self.from, &self.to].map(|dataset| TableName {
            dataset: Some(dataset.clone()),
            table: self.table.clone(),
            is_quoted: true,
        })
    }
}

fn wrong_call() -> Error {
    Error::invalid(
        "row_diff needs three or four strings: row_diff('OWNER/DATASET@REVISION', 'OWNER/DATASET@REVISION', 'TABLE', \
         'KEY,COLUMNS')",
    )
}

/// Returns true if a name can be that of a dataset; the server knows more.
fn is_dataset(name: &str) -> bool {
    let path = name.split('@').next().unwrap_or_default();
    path.split_once('/').is_some_and(|(owner, dataset)| !owner.is_empty() && !dataset.is_empty())
}

/// Returns the string of an argument.
fn literal(argument: &mut FunctionArg) -> Option<&mut String> {
    match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value))) => match &mut value.value {
            Value::SingleQuotedString(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

fn is_row_diff(name: &ObjectName) -> bool {
    matches!(&name.0[..], [ObjectNamePart::Identifier(name)] if normal(name) == ROW_DIFF)
}

/// Writes the name of the table function in lower case, since the planner looks it up as it is, and makes it the name of
/// the table.
struct Lower;

impl VisitorMut for Lower {
    type Break = Error;

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Error> {
        if let TableFactor::Table { name, args: Some(_), alias, .. } = factor
            && is_row_diff(name)
        {
            *name = Ident::new(ROW_DIFF).into();
            let default = || TableAlias { explicit: true, name: Ident::new(ROW_DIFF), columns: Vec::new(), at: None };
            alias.get_or_insert_with(default);
        }
        ControlFlow::Continue(())
    }
}

/// Returns the calls of the table function in a query whose tables were found.
pub(super) fn calls(statement: &mut Statement) -> Result<Vec<RowDiffCall>> {
    let mut calls = Calls(Vec::new());
    visit(statement, &mut calls)?;
    Ok(calls.0)
}

struct Calls(Vec<RowDiffCall>);

impl VisitorMut for Calls {
    type Break = Error;

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Error> {
        if let TableFactor::Table { args: Some(arguments), .. } = factor {
            match row_diff_call(arguments) {
                Ok(call) => self.0.push(call),
                Err(error) => return ControlFlow::Break(error),
            }
        }
        ControlFlow::Continue(())
    }
}

/// Returns the call with these arguments.
fn row_diff_call(arguments: &mut TableFunctionArgs) -> Result<RowDiffCall> {
    let literals = arguments.args.iter_mut().map(|argument| literal(argument).cloned());
    let literals = literals.collect::<Option<Vec<_>>>().filter(|_| arguments.settings.is_none());
    RowDiffCall::new(literals.ok_or_else(wrong_call)?)
}

/// Finds the tables, and puts marks in their place.
struct Finder<'a> {
    tables: Vec<TableName>,
    /// The queries that are being visited, from the outermost.
    scopes: Vec<Scope>,
    marker: &'a str,
}

/// A query.
struct Scope {
    /// The names that its `WITH` defines, each with the number of tables and subqueries of its query.
    names: Vec<(String, u64)>,
    /// How many of the names can be used where the visit is.
    visible: usize,
    /// Number of direct subqueries that were visited. Those of `WITH` are first.
    visited: usize,
    /// Number of tables and subqueries so far.
    size: u64,
}

impl Finder<'_> {
    /// Returns the number of tables and subqueries behind a name of a `WITH`.
    fn defined(&self, name: &str) -> Option<u64> {
        let visible = |scope: &Scope| {
            let names = &scope.names[..scope.visible];
            names.iter().rev().find(|(other, _)| other == name).map(|(_, size)| *size)
        };
        self.scopes.iter().rev().find_map(visible)
    }

    fn count(&mut self, size: u64) -> Result<()> {
        let Some(scope) = self.scopes.last_mut() else { return Ok(()) };
        scope.size = scope.size.saturating_add(size);
        if scope.size > MAX_EXPANDED {
            return Err(Error::limit(format!(
                "the query uses more than {MAX_EXPANDED} tables and subqueries, those of WITH as often as they are used; \
                 split it into several queries"
            )));
        }
        Ok(())
    }

    /// Returns the number of a table.
    fn number(&mut self, table: TableName) -> Result<usize> {
        if let Some(number) = self.tables.iter().position(|other| *other == table) {
            return Ok(number);
        }
        if self.tables.len() == MAX_TABLES {
            return Err(Error::limit(format!(
                "the query names more than {MAX_TABLES} tables; split it into several queries"
            )));
        }
        self.tables.push(table);
        Ok(self.tables.len() - 1)
    }

    /// Puts a mark in the place of a name, unless `WITH` defines it.
    fn table(&mut self, name: &mut ObjectName) -> Result<()> {
        let table = table_name(name)?;
        if table.dataset.is_none()
            && let Some(size) = self.defined(&table.table)
        {
            return self.count(size);
        }
        self.count(1)?;
        let number = self.number(table)?;
        *name = Ident::with_quote('"', mark(self.marker, 't', number)).into();
        Ok(())
    }

    fn function(&mut self, name: &ObjectName, arguments: &mut TableFunctionArgs) -> Result<()> {
        if !is_row_diff(name) {
            return Err(unknown_function());
        }
        self.count(2)?;
        let tables = row_diff_call(arguments)?.tables();
        for (argument, table) in arguments.args.iter_mut().zip(tables) {
            let number = self.number(table)?;
            if let Some(text) = literal(argument) {
                *text = mark(self.marker, 'd', number);
            }
        }
        Ok(())
    }

    fn factor(&mut self, factor: &mut TableFactor) -> Result<()> {
        match factor {
            TableFactor::Table { name, args: None, .. } => self.table(name),
            TableFactor::Table { name, args: Some(arguments), .. } => self.function(name, arguments),
            _ => Ok(()),
        }
    }
}

impl VisitorMut for Finder<'_> {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Error> {
        let with = query.with.as_ref();
        let names: Vec<_> =
            with.iter().flat_map(|with| &with.cte_tables).map(|cte| (normal(&cte.alias.name), 1)).collect();
        // With RECURSIVE, a query can use its own name.
        let visible = if with.is_some_and(|with| with.recursive) { names.len() } else { 0 };
        self.scopes.push(Scope { names, visible, visited: 0, size: 1 });
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<Error> {
        let size = self.scopes.pop().map_or(0, |scope| scope.size);
        let Some(scope) = self.scopes.last_mut() else { return ControlFlow::Continue(()) };
        scope.visited += 1;
        if let Some(name) = scope.names.get_mut(scope.visited - 1) {
            name.1 = size;
            scope.visible = scope.visible.max(scope.visited);
            return ControlFlow::Continue(());
        }
        self.count(size).map_or_else(ControlFlow::Break, ControlFlow::Continue)
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Error> {
        self.factor(factor).map_or_else(ControlFlow::Break, ControlFlow::Continue)
    }
}

/// Returns the table that a name in a query stands for.
fn table_name(name: &ObjectName) -> Result<TableName> {
    let parts = name.0.iter().map(ObjectNamePart::as_ident).collect::<Option<Vec<_>>>();
    let parts = parts.ok_or_else(|| Error::invalid("a function cannot be the name of a table"))?;
    let table = |dataset: Option<&Ident>, table: &Ident| TableName {
        dataset: dataset.map(normal),
        table: normal(table),
        is_quoted: table.quote_style.is_some(),
    };
    if parts.iter().any(|part| part.value.is_empty()) {
        return Err(Error::invalid("the name of a table is empty"));
    }
    match &parts[..] {
        [name] => Ok(table(None, name)),
        [dataset, name] if dataset.quote_style.is_some() && is_dataset(&dataset.value) => {
            Ok(table(Some(dataset), name))
        }
        parts if parts.iter().all(|part| part.quote_style.is_none()) => {
            let name = shortened(&name.to_string(), 60);
            Err(Error::invalid(format!(
                "{name} is not the name of a table: write \"{name}\" in double quotes, or \"OWNER/DATASET\".\"TABLE\""
            )))
        }
        _ => Err(Error::invalid(format!(
            "{} is not the name of a table: write \"TABLE\", \"OWNER/DATASET\".\"TABLE\" or \
             \"OWNER/DATASET@REVISION\".\"TABLE\"",
            shortened(&name.to_string(), 100)
        ))),
    }
}

/// Puts marks in the place of tables before the names of columns: `"ada/birds@main"."birds".id`.
struct Qualifiers<'a> {
    tables: &'a [TableName],
    marker: &'a str,
}

impl Qualifiers<'_> {
    /// Returns the mark of a table.
    fn mark(&self, dataset: &Ident, table: &Ident) -> Option<Ident> {
        let is_it = |other: &TableName| {
            dataset.quote_style.is_some()
                && other.dataset.as_ref() == Some(&dataset.value)
                && other.table == normal(table)
        };
        let number = self.tables.iter().position(is_it)?;
        Some(Ident::with_quote('"', mark(self.marker, 't', number)))
    }

    fn name(&self, name: &mut ObjectName) {
        if let [ObjectNamePart::Identifier(dataset), ObjectNamePart::Identifier(table)] = &name.0[..]
            && let Some(mark) = self.mark(dataset, table)
        {
            *name = mark.into();
        }
    }
}

impl VisitorMut for Qualifiers<'_> {
    type Break = Error;

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Error> {
        for item in &mut select.projection {
            if let SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) = item {
                self.name(name);
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        match expr {
            Expr::CompoundIdentifier(parts) => {
                if let [dataset, table, _, ..] = &parts[..]
                    && let Some(mark) = self.mark(dataset, table)
                {
                    parts.splice(..2, [mark]);
                }
            }
            Expr::QualifiedWildcard(name, _) => self.name(name),
            Expr::Function(function) => {
                if let FunctionArguments::List(list) = &mut function.args {
                    for argument in &mut list.args {
                        if let FunctionArg::Unnamed(FunctionArgExpr::QualifiedWildcard(name)) = argument {
                            self.name(name);
                        }
                    }
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// Returns a mark, which is an identifier or a string: unique, and without quotes.
fn mark(marker: &str, kind: char, number: usize) -> String {
    format!("{marker}{kind}{number};")
}

/// Splits a query at its marks.
fn split(text: &str, marker: &str) -> Result<Vec<Piece>> {
    let malformed = || Error::internal("a mark is malformed");
    let mut pieces = Vec::new();
    let mut parts = text.split(marker);
    let mut before = parts.next().unwrap_or_default();
    for part in parts {
        // Without the quotes around the mark.
        let (mark, after) = part.split_once(';').ok_or_else(malformed)?;
        let number = mark.get(1..).and_then(|number| number.parse().ok()).ok_or_else(malformed)?;
        pieces.push(Piece::Text(before.strip_suffix(['"', '\'']).ok_or_else(malformed)?.to_owned()));
        pieces.push(if mark.starts_with('d') { Piece::Dataset(number) } else { Piece::Table(number) });
        before = after.strip_prefix(['"', '\'']).ok_or_else(malformed)?;
    }
    pieces.push(Piece::Text(before.to_owned()));
    pieces.retain(|piece| *piece != Piece::Text(String::new()));
    Ok(pieces)
}
