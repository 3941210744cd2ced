use datafusion::sql::sqlparser::ast::visit_expressions;
use proptest::prelude::*;

use super::*;

fn parsed(text: &str) -> SqlExpr {
    DFParserBuilder::new(text).build().unwrap().parse_into_expr().unwrap().expr
}

/// Returns the names in an expression, in their order.
fn names_in(expr: &SqlExpr) -> Vec<String> {
    let mut names = Vec::new();
    let _ = visit_expressions(expr, |expr| {
        if let SqlExpr::Identifier(name) = expr {
            names.push(name.value.clone());
        }
        ControlFlow::<()>::Continue(())
    });
    names
}

fn depth(expr: &SqlExpr) -> usize {
    match expr {
        SqlExpr::BinaryOp { left, right, .. } => 1 + depth(left).max(depth(right)),
        SqlExpr::Nested(expr) => 1 + depth(expr),
        _ => 0,
    }
}

/// Computes an expression whose names are `t` and `f`, with a number.
fn value(expr: &SqlExpr) -> bool {
    match expr {
        SqlExpr::BinaryOp { left, op: BinaryOperator::And, right } => value(left) && value(right),
        SqlExpr::BinaryOp { left, right, .. } => value(left) || value(right),
        SqlExpr::Nested(expr) => value(expr),
        SqlExpr::Identifier(name) => name.value.starts_with('t'),
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
