use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::*;
use crate::access::jwt::{Claims, Keys};
use crate::access::rights::Upload;
use crate::access::secret::ServerSecret;
use crate::access::{Access, Actor, Credentials};
use crate::clock::Clock;
use crate::config::{Config, OUR_ISSUER};
use crate::db::Db;
use crate::error::Kind;
use crate::types::OwnerKind;

#[test]
fn a_scope_of_one_dataset_grants_only_that_one() {
    let scopes = TokenScope::parse_list("write:a/b read");
    assert!(open(&scopes, &"a/b".parse().unwrap()).has(Write::RIGHTS.with(Upload::RIGHTS)));
    let other = open(&scopes, &"a/c".parse().unwrap());
    assert!(other.has(Fetch::RIGHTS) && !other.has(Upload::RIGHTS));
    assert_eq!(open(&TokenScope::parse_list("write:a/b"), &"a/c".parse().unwrap()), Rights::NONE);
    assert_eq!(open(&TokenScope::parse_list("Write admin :"), &"a/b".parse().unwrap()), Rights::NONE);
}

#[test]
fn scopes_print_as_they_are_read() {
    for text in ["read", "write:a/b", "own"] {
        assert_eq!(text.parse::<TokenScope>().unwrap().to_string(), text);
    }
}

#[test]
fn new_tokens_look_personal_and_differ() {
    let (one, two) = (generate(), generate());
    assert!(looks_personal(&one) && one.expose().len() == 47);
    assert_ne!(one.expose(), two.expose());
    assert_ne!(hash(&one), hash(&two));
}

proptest! {
    #[test]
    fn hostile_scopes_grant_nothing_else(text in ".{0,40}|(read|write|own|[a-z]{1,5})(:[a-z./]{0,12}){0,2}") {
        if let Ok(scope) = text.parse::<TokenScope>() {
            prop_assert_eq!(&scope.to_string().parse::<TokenScope>().unwrap(), &scope);
            prop_assert_eq!(TokenScope::parse_list(&scope.to_string()), vec![scope]);
            prop_assert!(["read", "write", "own"].contains(&text.split(':').next().unwrap()));
        }
        for scope in TokenScope::parse_list(&text) {
            let other = "someone/else-s".parse().unwrap();
            prop_assert!(scope.dataset.is_none() || open(&[scope], &other) == Rights::NONE);
        }
    }

    #[test]
    fn names_are_short_and_printable(name in "\\PC{0,110}|.{0,20}|[\\x00-\\x7f]{0,5}") {
        let fits = name.chars().count() <= NAME_MAX && !name.chars().any(|c| c.is_control() || is_invisible(c)) && !name.trim().is_empty();
        prop_assert_eq!(name.parse::<TokenName>().is_ok(), fits);
    }
}

/// An [`Access`] with one user, and a personal token and a JSON Web Token for that user.
struct Door {
    runtime: tokio::runtime::Runtime,
    access: Access,
    personal: String,
    signed: String,
    _folder: tempfile::TempDir,
}

impl Door {
    fn new() -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let config = Config { data: folder.path().to_owned(), ..Config::default() };
        let (access, personal, signed) = runtime.block_on(async {
            let clock = Clock::default();
            let db = Db::connect(&config.database_url()).await.unwrap();
            let secret = Arc::new(ServerSecret::load(&config).unwrap());
            let keys = Arc::new(Keys::load(&config, &db, &secret, &clock).await.unwrap());
            let access = Access::new(db.clone(), keys, clock.clone(), mpsc::channel(1).0, &config.accounts);
            let (ada, id, now) = ("ada".parse().unwrap(), clock.id(), clock.now());
            let personal = generate();
            let mut tx = db.write().await.unwrap();
            tx.insert_owner(id, &ada, OwnerKind::User, now).await.unwrap();
            tx.insert_account(id, &"ada@example.org".parse().unwrap(), None, false).await.unwrap();
            tx.insert_token(clock.id(), id, "token", &hash(&personal), "own", now, None).await.unwrap();
            tx.commit().await.unwrap();
            let signed = access.issue(&ada, "obj:ada/data/*:read", 600).unwrap();
            (access, personal.expose().to_owned(), signed)
        });
        let door = Self { runtime, access, personal, signed, _folder: folder };
        for token in [&door.personal, &door.signed] {
            assert_eq!(door.bearer(token).unwrap().name(), "ada");
        }
        door
    }

    fn bearer(&self, token: &str) -> Result<Actor> {
        self.runtime.block_on(self.access.authenticate(Credentials::Bearer(Secret::new(token.to_owned()))))
    }

    fn basic(&self, user: &str, password: &str) -> Result<Actor> {
        let credentials =
            Credentials::Basic { user: Secret::new(user.to_owned()), password: Secret::new(password.to_owned()) };
        self.runtime.block_on(self.access.authenticate(credentials))
    }
}

fn refused(answer: Result<Actor>) -> bool {
    answer.is_err_and(|error| error.kind() == Kind::Unauthenticated)
}

fn unsigned(header: &Value, claims: &Value, signature: &[u8]) -> String {
    let part = |value: &Value| BASE64.encode(value.to_string());
    format!("{}.{}.{}", part(header), part(claims), BASE64.encode(signature))
}

#[test]
fn hostile_credentials_are_refused() {
    let door = Door::new();
    proptest!(|(
        token in ".{0,80}|rut_[A-Za-z0-9_-]{0,50}|[A-Za-z0-9_-]{0,40}(\\.[A-Za-z0-9_=-]{0,40}){0,3}",
        user in "ada|_jwt|.{0,20}",
    )| {
        prop_assert!(refused(door.bearer(&token)));
        prop_assert!(refused(door.basic(&user, &token)));
        prop_assert!(refused(door.basic(&token, "")));
        prop_assert!(refused(door.basic(&token, "x-oauth-basic")));
    });
}

#[test]
fn damaged_tokens_are_refused() {
    let door = Door::new();
    proptest!(|(
        personal in any::<bool>(),
        at in any::<prop::sample::Index>(),
        length in 0_usize..4,
        with in "[A-Za-z0-9_.=+/-]{0,4}|.",
    )| {
        let token = if personal { &door.personal } else { &door.signed };
        let at = at.index(token.len());
        let end = (at + length).min(token.len());
        let damaged = format!("{}{with}{}", &token[..at], &token[end..]);
        prop_assert!(damaged == *token || refused(door.bearer(&damaged)), "{damaged}");
    });
}

#[test]
fn jwts_without_our_signature_are_refused() {
    let door = Door::new();
    proptest!(|(
        algorithm in "none|HS256|HS512|RS256|RS512|PS256|ES256|EdDSA|[A-Za-z0-9]{0,6}",
        header_key in "kid|jku|jwk|x5u|crit|typ|[a-z]{0,4}",
        header_value in ".{0,20}",
        issuer in "rutter|.{0,10}",
        subject in "ada|.{0,10}",
        end in prop_oneof![any::<u64>().prop_map(Value::from), any::<i64>().prop_map(Value::from), ".{0,5}".prop_map(Value::from)],
        scopes in prop_oneof![
            "(obj|ds)(:[a-z*/]{0,8}){0,3}".prop_map(Value::from),
            prop::collection::vec(".{0,8}", 0..3).prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
        ],
        signature in prop::collection::vec(any::<u8>(), 0..300),
    )| {
        let header = json!({"alg": algorithm, header_key: header_value});
        let claims = json!({"iss": issuer, "sub": subject, "exp": end, "scopes": scopes});
        prop_assert!(refused(door.bearer(&unsigned(&header, &claims, &signature))));
        // Our own signature, with other claims.
        let (head, rest) = door.signed.split_once('.').unwrap();
        let (_, ours) = rest.rsplit_once('.').unwrap();
        let forged = format!("{head}.{}.{ours}", BASE64.encode(claims.to_string()));
        prop_assert!(refused(door.bearer(&forged)));
    });
}

#[test]
fn our_own_claims_round_trip() {
    let door = Door::new();
    proptest!(|(
        subject in prop::option::of("[a-z]{0,12}"),
        scopes in "((obj|ds)(:[a-z*/,]{0,8}){0,3} ?){0,3}",
        lifetime in 1_u64..100_000,
    )| {
        let now = Clock::default().now().seconds();
        let claims = Claims {
            iss: OUR_ISSUER.into(), sub: subject, exp: now + lifetime, nbf: now, iat: now, scopes, ..Claims::default()
        };
        let token = door.access.keys().ours().sign("JWT", &claims).unwrap();
        let (issuer, found) = door.runtime.block_on(door.access.keys().verify(&token)).unwrap();
        prop_assert_eq!(issuer, None);
        prop_assert_eq!((found.sub, found.scopes, found.exp), (claims.sub, claims.scopes, claims.exp));
    });
}
