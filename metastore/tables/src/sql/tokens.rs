//! `TABLE x`, which is short for `SELECT * FROM x`. The parser would lose quotes and what follows.

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

/// Replaces `TABLE` by `SELECT * FROM` where it is a query. Drops comments and white space.
pub(super) fn with_select(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let tokens: Vec<_> = tokens.into_iter().filter(|token| !matches!(token.token, Token::Whitespace(_))).collect();
    let mut replaced = Vec::with_capacity(tokens.len());
    for (place, token) in tokens.iter().enumerate() {
        if keyword(token) == Some(Keyword::TABLE) && begins(&tokens[..place]) && is_query(&tokens[place + 1..]) {
            let new = [Token::make_keyword("SELECT"), Token::Mul, Token::make_keyword("FROM")];
            replaced.extend(new.map(|new| TokenWithSpan { token: new, span: token.span }));
        } else {
            replaced.push(token.clone());
        }
    }
    replaced
}

/// Returns true if a query can begin after these tokens.
fn begins(before: &[TokenWithSpan]) -> bool {
    match before {
        [] => true,
        [.., last] => {
            matches!(last.token, Token::LParen | Token::SemiColon)
                || matches!(
                    keyword(last),
                    Some(
                        Keyword::UNION
                            | Keyword::EXCEPT
                            | Keyword::INTERSECT
                            | Keyword::ALL
                            | Keyword::DISTINCT
                            | Keyword::NAME
                            | Keyword::EXPLAIN
                    )
                )
        }
    }
}

/// Returns true if these tokens are a table, followed by the end of the query or a clause that may follow `FROM`.
fn is_query(after: &[TokenWithSpan]) -> bool {
    let is_word = |token: &TokenWithSpan| matches!(token.token, Token::Word(_));
    let rest = match after {
        [schema, dot, table, rest @ ..] if is_word(schema) && dot.token == Token::Period && is_word(table) => rest,
        [table, rest @ ..] if is_word(table) => rest,
        _ => return false,
    };
    let Some(end) = rest.first() else { return true };
    matches!(end.token, Token::RParen | Token::SemiColon)
        || matches!(
            keyword(end),
            Some(
                Keyword::ORDER
                    | Keyword::LIMIT
                    | Keyword::OFFSET
                    | Keyword::FETCH
                    | Keyword::UNION
                    | Keyword::EXCEPT
                    | Keyword::INTERSECT
            )
        )
}

fn keyword(token: &TokenWithSpan) -> Option<Keyword> {
    match &token.token {
        Token::Word(word) if word.quote_style.is_none() => Some(word.keyword),
        _ => None,
    }
}
