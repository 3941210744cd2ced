use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const MIB: u64 = 1 << 20;

fn completion(body: &Value) -> Result<Completion, BatchErrorKind> {
    Completion::parse(body.to_string().as_bytes()).map_err(|error| error.kind)
}

#[test]
fn completions_as_the_clients_send_them() {
    let oid = Oid::of(b"x");
    let plan = Plan::with_part_size(12 * MIB, 5 * MIB).unwrap();
    for nothing in ["", " \r\n", "{}", "{\"parts\":null,\"oid\":\"\"}"] {
        let parsed = Completion::parse(nothing.as_bytes()).unwrap();
        assert_eq!(parsed, Completion::default());
        parsed.expect(&oid, &plan).unwrap();
    }
    let hub = completion(&json!({"oid": oid, "parts": [
        {"etag": "\"b\"", "partNumber": 2}, {"etag": "a", "partNumber": 1}, {"etag": "c", "partNumber": 3},
    ]}))
    .unwrap();
    assert_eq!(hub.parts[1], CompletedPart { number: 2, etag: "\"b\"".to_owned() });
    hub.expect(&oid, &plan).unwrap();
    hub.expect(&Oid::EMPTY, &plan).unwrap_err();
    hub.expect(&oid, &Plan::new(5)).unwrap_err();
    let empty = completion(&json!({"oid": Oid::EMPTY, "parts": []})).unwrap();
    empty.expect(&Oid::EMPTY, &Plan::new(0)).unwrap();
    let giftless = completion(&json!({"oid": oid, "size": 12 * MIB})).unwrap();
    giftless.expect(&oid, &plan).unwrap();
    giftless.expect(&oid, &Plan::new(5)).unwrap_err();
}

#[test]
fn completions_that_are_wrong() {
    let part = |number: Value| json!({"partNumber": number, "etag": "a"});
    for body in [
        json!("x"),
        json!({"parts": {}}),
        json!({"parts": [7]}),
        json!({"parts": [{"partNumber": 1}]}),
        json!({"parts": [part(json!(-1))]}),
        json!({"parts": [part(json!("1"))]}),
        json!({"oid": 5}),
    ] {
        assert_eq!(completion(&body), Err(BatchErrorKind::Malformed), "{body}");
    }
    for body in [
        json!({"oid": "abc"}),
        json!({"size": -1}),
        json!({"parts": [part(json!(1)), part(json!(1))]}),
        json!({"parts": [{"partNumber": 1, "etag": ""}]}),
        json!({"parts": (0..10_001).map(|number| part(json!(number))).collect::<Vec<_>>()}),
    ] {
        assert_eq!(completion(&body), Err(BatchErrorKind::Unprocessable));
    }
    let gap = completion(&json!({"parts": [part(json!(1)), part(json!(3))]})).unwrap();
    gap.expect(&Oid::EMPTY, &Plan::with_part_size(12 * MIB, 5 * MIB).unwrap()).unwrap_err();
}

proptest! {
    #[test]
    fn hostile_completions_do_no_harm(body in "\\PC{0,80}|\\{\"parts\":\\[(\\{\"partNumber\":[0-9]{1,4},\"etag\":\"[a-z]?\"\\},?){0,5}\\]\\}", depth in 0usize..3000) {
        if let Ok(completion) = Completion::parse(body.as_bytes()) {
            prop_assert!(completion.parts.is_sorted_by(|left, right| left.number < right.number));
            let _ = completion.expect(&Oid::EMPTY, &Plan::new(0));
        }
        let deep = format!("{{\"parts\":{}", "[".repeat(depth));
        prop_assert!(Completion::parse(deep.as_bytes()).is_err());
    }
}
