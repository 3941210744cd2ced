//! SQL text: limits before and after it is parsed.
//!
//! How deep an expression is nested is checked twice: in the text, since the parser alone needs stack for it, and in what
//! was parsed.

use std::ops::ControlFlow;

use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, Value};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use crate::error::{Error, Result, shortened};

/// Maximum length of a text, in bytes.
const MAX_LENGTH: usize = 64 << 10;

/// Maximum number of operators and keywords. Each can nest an expression deeper, also without parentheses.
const MAX_OPERATORS: usize = 4000;

/// Maximum depth of an expression, not counting that of chains of `AND` and `OR`.
const MAX_DEPTH: usize = 100;

/// What a text is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text {
    /// Its name in messages.
    pub(crate) name: &'static str,
    /// What it should be: "an SQL expression".
    pub(crate) kind: &'static str,
}

impl Text {
    /// Splits the text into tokens.
    ///
    /// # Errors
    /// Invalid if it is malformed; limit if it is too long, or can be nested too deeply.
    pub(crate) fn tokens(self, text: &str) -> Result<Vec<TokenWithSpan>> {
        let Self { name, .. } = self;
        if text.len() > MAX_LENGTH {
            return Err(Error::limit(format!("{name} is longer than {} KiB; shorten it", MAX_LENGTH >> 10)));
        }
        let tokens = Tokenizer::new(&GenericDialect {}, text).tokenize_with_location();
        let tokens = tokens.map_err(|error| self.malformed(&error.to_string()))?;
        let operators = tokens.iter().filter(|token| match &token.token {
            Token::Whitespace(_)
            | Token::Comma
            | Token::Period
            | Token::LParen
            | Token::RParen
            | Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::EOF => false,
            Token::Word(word) => word.quote_style.is_none() && word.keyword != Keyword::NoKeyword,
            _ => true,
        });
        if operators.count() > MAX_OPERATORS {
            return Err(Error::limit(format!(
                "{name} has more than {MAX_OPERATORS} operators; write `a IN (1, 2, …)` instead of `a = 1 OR a = 2 OR …`"
            )));
        }
        Ok(tokens)
    }

    /// Returns the error of a text that cannot be parsed.
    pub(crate) fn error(self, error: &DataFusionError) -> Error {
        match error.find_root() {
            DataFusionError::SQL(error, _) => match error.as_ref() {
                ParserError::RecursionLimitExceeded => self.too_deep(),
                ParserError::TokenizerError(why) | ParserError::ParserError(why) => self.malformed(why),
            },
            other => self.malformed(&other.strip_backtrace()),
        }
    }

    fn malformed(self, why: &str) -> Error {
        Error::invalid(format!("{} is not {}: {}", self.name, self.kind, shortened(why, 200)))
    }

    fn too_deep(self) -> Error {
        Error::limit(format!("{} is nested too deeply; use fewer parentheses, or `a IN (1, 2, …)`", self.name))
    }
}

/// How deep the expressions are that are being visited.
#[derive(Debug)]
pub(crate) struct Depth {
    text: Text,
    depth: usize,
}

impl Depth {
    /// Starts outside of all expressions.
    pub(crate) fn new(text: Text) -> Self {
        Self { text, depth: 0 }
    }

    /// Enters an expression, and makes its depth that of its meaning: chains of `AND` and of `OR`, which the parser nests to
    /// the left, become balanced trees.
    pub(crate) fn enter(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return ControlFlow::Break(self.text.too_deep());
        }
        balance(expr);
        ControlFlow::Continue(())
    }

    /// Leaves an expression.
    pub(crate) fn leave(&mut self) {
        self.depth -= 1;
    }
}

fn balance(expr: &mut Expr) {
    let op = match expr {
        Expr::BinaryOp { op: op @ (BinaryOperator::And | BinaryOperator::Or), .. } => op.clone(),
        _ => return,
    };
    let mut operands = Vec::new();
    let mut waiting = vec![std::mem::replace(expr, Expr::value(Value::Null))];
    // From the last operand to the first.
    while let Some(next) = waiting.pop() {
        match next {
            Expr::BinaryOp { op: other, left, right } if other == op => {
                waiting.push(*left);
                waiting.push(*right);
            }
            operand => operands.push(operand),
        }
    }
    *expr = join(&op, &mut operands);
}

/// Joins operands, the first of which is last.
fn join(op: &BinaryOperator, operands: &mut Vec<Expr>) -> Expr {
    if operands.len() > 1 {
        let mut first = operands.split_off(operands.len() / 2);
        let left = Box::new(join(op, &mut first));
        return Expr::BinaryOp { left, op: op.clone(), right: Box::new(join(op, operands)) };
    }
    operands.pop().expect("each half of at least two operands has one")
}

#[cfg(test)]
mod tests;
