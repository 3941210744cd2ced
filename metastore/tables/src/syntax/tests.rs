use datafusion::sql::parser::DFParserBuilder;
use datafusion::sql::sqlparser::ast::{VisitMut as _, VisitorMut, visit_expressions};
use proptest::prelude::*;

use super::*;

const TEXT: Text = Text { name: "the text", kind: "an SQL expression" };

/// Balances expressions.
struct Balance(Depth);

impl VisitorMut for Balance {
    type Break = Error;

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        self.0.enter(expr)
    }

    fn post_visit_expr(&mut self, _: &mut Expr) -> ControlFlow<Error> {
        self.0.leave();
        ControlFlow::Continue(())
    }
}

fn balanced(mut expr: Expr) -> Expr {
    assert!(expr.visit(&mut Balance(Depth::new(TEXT))).is_continue());
    expr
}

fn parsed(text: &str) -> Expr {
    DFParserBuilder::new(text).build().unwrap().parse_into_expr().unwrap().expr
}

/// Returns the names in an expression, in their order.
fn names_in(expr: &Expr) -> Vec<String> {
    let mut names = Vec::new();
    let _ = visit_expressions(expr, |expr| {
        if let Expr::Identifier(name) = expr {
            names.push(name.value.clone());
        }
        ControlFlow::<()>::Continue(())
    });
    names
}

fn depth(expr: &Expr) -> usize {
    match expr {
        Expr::BinaryOp { left, right, .. } => 1 + depth(left).max(depth(right)),
        Expr::Nested(expr) => 1 + depth(expr),
        _ => 0,
    }
}

/// Computes an expression whose names are `t` and `f`, with a number.
fn value(expr: &Expr) -> bool {
    match expr {
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => value(left) && value(right),
        Expr::BinaryOp { left, right, .. } => value(left) || value(right),
        Expr::Nested(expr) => value(expr),
        Expr::Identifier(name) => name.value.starts_with('t'),
        other => panic!("{other}"),
    }
}

proptest! {
    #[test]
    fn balanced_expressions_mean_the_same(terms in prop::collection::vec((any::<bool>(), any::<bool>(), 0_u8..4), 1..200)) {
        let mut text = String::new();
        let mut open = 0;
        for (number, (is_true, is_and, parentheses)) in terms.iter().enumerate() {
            if number > 0 {
                text.push_str(if *is_and { " AND " } else { " OR " });
            }
            if *parentheses == 1 && open < 5 {
                text.push('(');
                open += 1;
            }
            text.push(if *is_true { 't' } else { 'f' });
            text.push_str(&number.to_string());
            if *parentheses == 2 && open > 0 {
                text.push(')');
                open -= 1;
            }
        }
        text.push_str(&")".repeat(open));
        let before = parsed(&text);
        let after = balanced(before.clone());
        prop_assert_eq!(names_in(&before), names_in(&after));
        prop_assert_eq!(&balanced(after.clone()), &after);
        prop_assert_eq!(value(&before), value(&after));
    }
}

#[test]
fn chains_become_shallow() {
    let chain = balanced(parsed(&vec!["a = 1"; 1000].join(" OR ")));
    assert!(depth(&chain) <= 12, "{}", depth(&chain));
    let mixed = balanced(parsed(&vec!["a AND b AND c"; 300].join(" OR ")));
    assert!(depth(&mixed) <= 12, "{}", depth(&mixed));
}

#[test]
fn deep_and_long_texts_are_refused() {
    let mut deep = parsed(&vec!["a"; 200].join(" + "));
    let ControlFlow::Break(error) = deep.visit(&mut Balance(Depth::new(TEXT))) else { panic!("{deep}") };
    assert_eq!(error.message, "the text is nested too deeply; use fewer parentheses, or `a IN (1, 2, …)`");
    assert!(TEXT.tokens(&"- ".repeat(5000)).unwrap_err().message.contains("4000 operators"));
    assert!(TEXT.tokens(&" ".repeat((64 << 10) + 1)).unwrap_err().message.contains("64 KiB"));
    assert!(TEXT.tokens("'open").unwrap_err().message.starts_with("the text is not an SQL expression: "));
}
