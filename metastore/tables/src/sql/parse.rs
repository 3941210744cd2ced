//! Parses a query, and refuses what is no query.
//!
//! The parser accepts the syntax of many databases, and DataFusion ignores some of it. What would be ignored is refused here.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::common::format::ExplainStatementOptions;
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::{
    DescribeAlias, Expr, Ident, ObjectNamePart, Query, Select, SelectFlavor, SetExpr, ShowStatementOptions,
    Statement as SqlStatement, TableFactor, TableWithJoins, VisitMut as _, VisitorMut,
};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::tokens::with_select;
use crate::error::{Error, Result, shortened};
use crate::syntax::{Depth, Text};

/// What is parsed here.
const QUERY: Text = Text { name: "the query", kind: "valid SQL" };

/// Maximum number of parts of a query: each SELECT, table and set operation is one.
const MAX_PARTS: usize = 300;

/// Parses a query.
///
/// # Errors
/// Invalid for anything but one SELECT, EXPLAIN or DESCRIBE; limit.
pub(super) fn parse(text: &str) -> Result<Statement> {
    let tokens = with_select(QUERY.tokens(text)?);
    check_first(&tokens)?;
    let parsed = DFParserBuilder::new(tokens).build().and_then(|mut parser| parser.parse_statements());
    let mut statements = parsed.map_err(|error| QUERY.error(&error))?;
    let (Some(statement), true) = (statements.pop_front(), statements.is_empty()) else {
        return Err(Error::invalid("a request has one query; send several queries one after the other"));
    };
    let mut statement = allowed(statement)?;
    visit(&mut statement, &mut Check { depth: Depth::new(QUERY), parts: 0 })?;
    Ok(statement)
}

/// Visits a statement that [`parse`] returned.
pub(super) fn visit<V: VisitorMut<Break = Error>>(statement: &mut Statement, visitor: &mut V) -> Result<()> {
    let flow = match statement {
        Statement::Statement(statement) => statement.visit(visitor),
        Statement::Explain(explain) => return visit(&mut explain.statement, visitor),
        Statement::CreateExternalTable(_) | Statement::CopyTo(_) | Statement::Reset(_) => {
            ControlFlow::Break(Error::internal("not a query"))
        }
    };
    match flow {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

/// Returns the query of a statement, unless it describes a table.
pub(super) fn query_of(statement: &mut Statement) -> Option<&mut Query> {
    match statement {
        Statement::Statement(statement) => match &mut **statement {
            SqlStatement::Query(query) => Some(query),
            _ => None,
        },
        _ => None,
    }
}

/// Returns the name that an identifier stands for.
pub(super) fn normal(ident: &Ident) -> String {
    match ident.quote_style {
        Some(_) => ident.value.clone(),
        None => ident.value.to_ascii_lowercase(),
    }
}

fn not_allowed(what: &str) -> Error {
    Error::invalid(format!("{} is not allowed; a query is one SELECT, EXPLAIN or DESCRIBE", shortened(what, 30)))
}

fn not_supported(what: &str) -> Error {
    Error::invalid(format!("{what} is not supported"))
}

/// Checks the first word, which tells what the text is even if its syntax is unknown.
fn check_first(tokens: &[TokenWithSpan]) -> Result<()> {
    match tokens.first().map(|token| &token.token) {
        Some(Token::Word(word)) => match word.keyword {
            Keyword::SELECT
            | Keyword::WITH
            | Keyword::VALUES
            | Keyword::TABLE
            | Keyword::FROM
            | Keyword::EXPLAIN
            | Keyword::DESCRIBE
            | Keyword::DESC
            | Keyword::SHOW => Ok(()),
            Keyword::NoKeyword => {
                Err(Error::invalid("the query is not valid SQL: it must begin with SELECT, WITH, EXPLAIN or DESCRIBE"))
            }
            _ => Err(not_allowed(&word.value.to_uppercase())),
        },
        None => Err(Error::invalid("the query is empty; write one SELECT, EXPLAIN or DESCRIBE")),
        Some(_) => Ok(()),
    }
}

/// Checks the kind of a statement, and writes it in one way.
fn allowed(statement: Statement) -> Result<Statement> {
    match statement {
        Statement::Statement(statement) => Ok(Statement::Statement(Box::new(allowed_sql(*statement)?))),
        Statement::Explain(explain) => {
            let format = explain.options.format.clone();
            if explain.options.analyze {
                return Err(Error::invalid(
                    "EXPLAIN ANALYZE is not allowed; EXPLAIN shows the plan without running it",
                ));
            }
            if explain.options != (ExplainStatementOptions { format, ..ExplainStatementOptions::default() }) {
                return Err(not_supported("an option of EXPLAIN other than FORMAT"));
            }
            match &*explain.statement {
                Statement::Statement(inner) if matches!(**inner, SqlStatement::Query(_)) => {
                    Ok(Statement::Explain(explain))
                }
                _ => Err(Error::invalid("EXPLAIN must be followed by a SELECT")),
            }
        }
        Statement::CreateExternalTable(_) => Err(not_allowed("CREATE")),
        Statement::CopyTo(_) => Err(not_allowed("COPY")),
        Statement::Reset(_) => Err(not_allowed("RESET")),
    }
}

fn allowed_sql(statement: SqlStatement) -> Result<SqlStatement> {
    let describe = |table_name| SqlStatement::ExplainTable {
        describe_alias: DescribeAlias::Describe,
        hive_format: None,
        has_table_keyword: false,
        table_name,
    };
    match statement {
        SqlStatement::Query(query) => Ok(SqlStatement::Query(query)),
        SqlStatement::ExplainTable { hive_format: None, table_name, .. } => Ok(describe(table_name)),
        SqlStatement::Explain {
            describe_alias: DescribeAlias::Describe | DescribeAlias::Desc,
            analyze: false,
            verbose: false,
            query_plan: false,
            estimate: false,
            statement,
            format: None,
            options: None,
        } if matches!(*statement, SqlStatement::Query(_)) => Ok(SqlStatement::Explain {
            describe_alias: DescribeAlias::Describe,
            analyze: false,
            verbose: false,
            query_plan: false,
            estimate: false,
            statement,
            format: None,
            options: None,
        }),
        SqlStatement::ShowColumns {
            show_options:
                ShowStatementOptions {
                    show_in: Some(scope),
                    starts_with: None,
                    limit: None,
                    limit_from: None,
                    filter_position: None,
                },
            ..
        } => match (scope.parent_type, scope.parent_name) {
            (None, Some(table)) => Ok(describe(table)),
            _ => Err(Error::invalid("SHOW COLUMNS must be followed by FROM and a table")),
        },
        other => {
            let text = other.to_string();
            let words: Vec<_> = text.split_whitespace().take(2).collect();
            Err(not_allowed(if words.first() == Some(&"SHOW") { "SHOW" } else { words.first().unwrap_or(&"it") }))
        }
    }
}

/// Checks what statements are made of.
struct Check {
    depth: Depth,
    parts: usize,
}

impl Check {
    fn count(&mut self) -> Result<()> {
        self.parts += 1;
        if self.parts > MAX_PARTS {
            return Err(Error::limit(format!(
                "the query has more than {MAX_PARTS} tables and subqueries; split it into several queries"
            )));
        }
        Ok(())
    }

    fn query(&mut self, query: &mut Query) -> Result<()> {
        let Query {
            with,
            body,
            fetch,
            locks,
            for_clause,
            settings,
            format_clause,
            pipe_operators,
            order_by: _,
            limit_clause: _,
        } = query;
        for (is_there, what) in [
            (fetch.is_some(), "FETCH is not supported; write LIMIT"),
            (!locks.is_empty(), "FOR UPDATE and FOR SHARE are not allowed; queries change nothing"),
            (for_clause.is_some(), "FOR XML and FOR JSON are not supported; choose the format of the result instead"),
            (settings.is_some(), "SETTINGS is not supported"),
            (format_clause.is_some(), "FORMAT is not supported; choose the format of the result instead"),
            (!pipe_operators.is_empty(), "`|>` is not supported; write a subquery"),
        ] {
            if is_there {
                return Err(Error::invalid(what));
            }
        }
        if with.iter().flat_map(|with| &with.cte_tables).any(|cte| cte.from.is_some()) {
            return Err(not_supported("FROM after a query of WITH"));
        }
        let mut waiting = vec![&**body];
        while let Some(body) = waiting.pop() {
            self.count()?;
            match body {
                SetExpr::Select(_) | SetExpr::Query(_) | SetExpr::Values(_) => {}
                SetExpr::SetOperation { left, right, .. } => waiting.extend([&**left, &**right]),
                SetExpr::Insert(_) => return Err(not_allowed("INSERT")),
                SetExpr::Update(_) => return Err(not_allowed("UPDATE")),
                SetExpr::Delete(_) => return Err(not_allowed("DELETE")),
                SetExpr::Merge(_) => return Err(not_allowed("MERGE")),
                SetExpr::Table(_) => {
                    return Err(Error::invalid("TABLE is not supported here; write SELECT * FROM and the table"));
                }
            }
        }
        Ok(())
    }

    fn select(select: &mut Select) -> Result<()> {
        // A hint is a comment.
        select.optimizer_hints.clear();
        for (is_there, what) in [
            (select.top.is_some(), "TOP is not supported; write LIMIT"),
            (!select.lateral_views.is_empty(), "LATERAL VIEW is not supported; write CROSS JOIN UNNEST(…)"),
            (select.prewhere.is_some(), "PREWHERE is not supported; write WHERE"),
            (!select.connect_by.is_empty(), "CONNECT BY is not supported; write WITH RECURSIVE"),
            (!select.cluster_by.is_empty(), "CLUSTER BY is not supported"),
            (!select.distribute_by.is_empty(), "DISTRIBUTE BY is not supported"),
            (!select.sort_by.is_empty(), "SORT BY is not supported; write ORDER BY"),
            (select.select_modifiers.is_some(), "modifiers of SELECT other than DISTINCT are not supported"),
            (select.value_table_mode.is_some(), "SELECT AS is not supported"),
            (select.exclude.is_some(), "EXCLUDE must directly follow `*`"),
            (matches!(select.flavor, SelectFlavor::FromFirstNoSelect), "FROM without SELECT is not supported"),
        ] {
            if is_there {
                return Err(Error::invalid(what));
            }
        }
        if select.into.is_some() {
            return Err(not_allowed("INTO"));
        }
        let mut names = HashSet::new();
        select.from.iter().try_for_each(|table| check_names(table, &mut names))
    }

    fn factor(&mut self, factor: &TableFactor) -> Result<()> {
        self.count()?;
        match factor {
            TableFactor::Table {
                with_hints,
                version,
                with_ordinality,
                partitions,
                json_path,
                sample,
                index_hints,
                ..
            } => {
                if version.is_some() {
                    return Err(Error::invalid(
                        "a revision is part of the name of the dataset: write \"OWNER/DATASET@REVISION\".\"TABLE\"",
                    ));
                }
                for (is_there, what) in [
                    (sample.is_some(), "TABLESAMPLE"),
                    (*with_ordinality, "WITH ORDINALITY"),
                    (!partitions.is_empty(), "PARTITION after a table"),
                    (json_path.is_some(), "a path after a table"),
                    (!with_hints.is_empty() || !index_hints.is_empty(), "a hint after a table"),
                ] {
                    if is_there {
                        return Err(not_supported(what));
                    }
                }
                Ok(())
            }
            TableFactor::Derived { sample: None, .. }
            | TableFactor::NestedJoin { .. }
            | TableFactor::UNNEST { with_offset: false, with_ordinality: false, .. } => Ok(()),
            TableFactor::Derived { .. } => Err(not_supported("TABLESAMPLE")),
            TableFactor::UNNEST { .. } => Err(not_supported("an option of UNNEST")),
            TableFactor::TableFunction { .. } | TableFactor::Function { .. } => Err(unknown_function()),
            TableFactor::Pivot { .. } | TableFactor::Unpivot { .. } => Err(not_supported("PIVOT")),
            TableFactor::MatchRecognize { .. } => Err(not_supported("MATCH_RECOGNIZE")),
            TableFactor::JsonTable { .. } | TableFactor::OpenJsonTable { .. } | TableFactor::XmlTable { .. } => {
                Err(not_supported("a table made of JSON or XML"))
            }
            TableFactor::SemanticView { .. } => Err(not_supported("SEMANTIC_VIEW")),
        }
    }
}

/// Checks that the tables of a FROM have different names. The planner would tell some of them apart by their dataset, but
/// use any of them for a column with the name that they have in common.
fn check_names(table: &TableWithJoins, names: &mut HashSet<String>) -> Result<()> {
    let factors = std::iter::once(&table.relation).chain(table.joins.iter().map(|join| &join.relation));
    for factor in factors {
        let name = match factor {
            TableFactor::NestedJoin { table_with_joins, alias: None } => {
                check_names(table_with_joins, names)?;
                continue;
            }
            TableFactor::Table { alias: Some(alias), .. }
            | TableFactor::Derived { alias: Some(alias), .. }
            | TableFactor::UNNEST { alias: Some(alias), .. }
            | TableFactor::NestedJoin { alias: Some(alias), .. } => Some(&alias.name),
            TableFactor::Table { name, .. } => name.0.last().and_then(ObjectNamePart::as_ident),
            _ => None,
        };
        if let Some(name) = name.map(normal)
            && !names.insert(name.clone())
        {
            return Err(Error::invalid(format!(
                "several tables are named \"{}\" here; give them different names with AS",
                shortened(&name, 60)
            )));
        }
    }
    Ok(())
}

/// Returns the error of an unknown table function.
pub(super) fn unknown_function() -> Error {
    Error::invalid("row_diff(…) and unnest(…) are the only functions that can be used as tables")
}

fn flow(result: Result<()>) -> ControlFlow<Error> {
    result.map_or_else(ControlFlow::Break, ControlFlow::Continue)
}

impl VisitorMut for Check {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Error> {
        flow(self.query(query))
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Error> {
        flow(Self::select(select))
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Error> {
        flow(self.factor(factor))
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        self.depth.enter(expr)
    }

    fn post_visit_expr(&mut self, _: &mut Expr) -> ControlFlow<Error> {
        self.depth.leave();
        ControlFlow::Continue(())
    }
}
