//! The names of the columns of a result: expressions are named as they are written.

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{Expr, Ident, Query, Select, SelectItem, SetExpr};

use super::parse::{normal, query_of};
use crate::error::shortened;

/// Maximum length of a name that is an expression, in characters.
const SHOWN: usize = 200;

/// Marks names that [`Titles::make_unique`] gave.
const MARK: char = '\u{1}';

/// What a query selects.
#[derive(Debug, Clone, Default)]
pub(super) struct Titles(Vec<Title>);

#[derive(Debug, Clone)]
enum Title {
    /// Any number of columns, with the names that they have.
    Wildcard,
    /// A column or an alias, which gives the name.
    Name(String),
    /// An expression, as it is written.
    Text(String),
}

impl Titles {
    /// Reads what a query selects.
    pub(super) fn of(statement: &mut Statement) -> Self {
        let select = query_of(statement).and_then(first_select);
        let title = |item: &SelectItem| match item {
            SelectItem::UnnamedExpr(Expr::Identifier(name)) => Title::Name(normal(name)),
            SelectItem::UnnamedExpr(expr) => Title::Text(shortened(&expr.to_string(), SHOWN)),
            SelectItem::ExprWithAlias { alias, .. } => Title::Name(normal(alias)),
            SelectItem::ExprWithAliases { .. } | SelectItem::QualifiedWildcard(..) | SelectItem::Wildcard(_) => {
                Title::Wildcard
            }
        };
        Self(select.map(|select| select.projection.iter().map(title).collect()).unwrap_or_default())
    }

    /// Renames each selected expression, since the planner refuses to select two with the same name.
    pub(super) fn make_unique(statement: &mut Statement) {
        let Some(select) = query_of(statement).and_then(first_select) else { return };
        for (place, item) in select.projection.iter_mut().enumerate() {
            let name = Ident::with_quote('"', format!("{MARK}{place}"));
            match item {
                SelectItem::ExprWithAlias { alias, .. } => *alias = name,
                SelectItem::UnnamedExpr(expr) => {
                    *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias: name };
                }
                _ => {}
            }
        }
    }

    /// Returns the names of columns, given those of the plan.
    pub(super) fn apply(&self, mut names: Vec<String>) -> Vec<String> {
        let Self(titles) = self;
        let is_wildcard = |title: &Title| matches!(title, Title::Wildcard);
        // A function that may return several columns.
        let is_open = titles.iter().any(|title| matches!(title, Title::Text(text) if text.contains("unnest")));
        let wildcards = titles.iter().filter(|title| is_wildcard(title)).count();
        let is_matching =
            if wildcards == 0 { titles.len() == names.len() } else { titles.len() - wildcards <= names.len() };
        if is_matching && !is_open {
            let first = titles.iter().take_while(|title| !is_wildcard(title));
            for (name, title) in names.iter_mut().zip(first) {
                title.give(name);
            }
            let last = titles.iter().rev().take_while(|title| !is_wildcard(title));
            for (name, title) in names.iter_mut().rev().zip(last) {
                title.give(name);
            }
        }
        for name in &mut names {
            let place = name.strip_prefix(MARK).and_then(|place| place.parse::<usize>().ok());
            if let Some(Title::Name(title) | Title::Text(title)) = place.and_then(|place| titles.get(place)) {
                name.clone_from(title);
            }
        }
        names
    }
}

impl Title {
    /// Names a column, unless its own name is better: in the case that the table has it.
    fn give(&self, name: &mut String) {
        if let Self::Text(text) = self
            && !text.rsplit('.').next().is_some_and(|last| last.trim_matches('"').eq_ignore_ascii_case(name))
        {
            name.clone_from(text);
        }
    }
}

/// Returns the SELECT that names the columns: the first one of set operations.
fn first_select(query: &mut Query) -> Option<&mut Select> {
    let mut body = &mut *query.body;
    loop {
        match body {
            SetExpr::Select(select) => return Some(select),
            SetExpr::SetOperation { left, .. } => body = left,
            SetExpr::Query(query) => body = &mut query.body,
            _ => return None,
        }
    }
}
