use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{MAX_SIZE, parts::Part};

mod uploads;

const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const C: &str = "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc";

fn parse(body: &Value) -> Result<BatchRequest, BatchError> {
    BatchRequest::parse(body.to_string().as_bytes(), 100)
}

/// Returns the kind of the error.
fn refused(body: &Value) -> BatchErrorKind {
    let error = parse(body).expect_err(&body.to_string());
    assert!(!error.message.is_empty());
    error.kind
}

fn one(more: Value) -> Value {
    let mut body = json!({"operation": "download", "objects": [{"oid": A, "size": 5}]});
    let Value::Object(more) = more else { panic!("not an object") };
    body.as_object_mut().unwrap().extend(more);
    body
}

fn known(objects: &[(&str, u64)]) -> HashMap<Oid, u64> {
    objects.iter().map(|(oid, size)| (oid.parse().unwrap(), *size)).collect()
}

fn action(verb: Verb, oid: Oid, size: u64, _: &RequestedObject) -> Action {
    Action { href: format!("https://h/{verb:?}/{oid}/{size}"), expires_in: 3600, headers: Vec::new() }
}

/// Returns the objects of the response after checking the fields around them.
fn reply(request: &BatchRequest, known: &HashMap<Oid, u64>, max_size: Option<u64>) -> Vec<Value> {
    let bytes = answer(request, known, max_size, action);
    let mut reply: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(reply.to_string().len(), bytes.len(), "the response is compact");
    assert_eq!(reply["transfer"], "basic");
    assert_eq!(reply["hash_algo"], "sha256");
    let objects = reply["objects"].as_array_mut().unwrap().split_off(0);
    assert_eq!(objects.len(), request.objects.len());
    objects
}

#[expect(clippy::needless_pass_by_value, reason = "`json!` reads better in the call without a reference")]
fn ask(operation: &str, objects: Value, known: &HashMap<Oid, u64>) -> Vec<Value> {
    let request = parse(&json!({"operation": operation, "objects": objects})).unwrap();
    reply(&request, known, Some(1000))
}

#[test]
fn a_request_as_the_client_sends_it() {
    let request = parse(&json!({
        "operation": "upload",
        "transfers": ["lfs-standalone-file", "basic", "ssh"],
        "ref": {"name": "refs/heads/main"},
        "objects": [{"oid": A, "size": 5}, {"oid": B, "size": 0}],
        "hash_algo": "sha256",
    }))
    .unwrap();
    assert_eq!(request.operation, Operation::Upload);
    assert_eq!(request.ref_name.as_deref(), Some("refs/heads/main"));
    let wanted: Vec<_> = request.objects.iter().map(|object| object.wanted.clone().unwrap()).collect();
    assert_eq!(wanted, [(A.parse().unwrap(), 5), (B.parse().unwrap(), 0)]);
}

#[test]
fn a_ref_may_be_missing_in_many_ways() {
    for none in [
        json!({}),
        json!({"ref": null}),
        json!({"ref": {}}),
        json!({"ref": {"name": ""}}),
        json!({"ref": {"name": null}}),
    ] {
        assert_eq!(parse(&one(none)).unwrap().ref_name, None);
    }
    assert_eq!(refused(&one(json!({"ref": "main"}))), BatchErrorKind::Malformed);
}

#[test]
fn only_sha256() {
    for fine in [json!("sha256"), json!("sha_256"), json!(null), json!("")] {
        assert!(parse(&one(json!({"hash_algo": fine}))).is_ok());
    }
    for other in [json!("sha512"), json!("SHA256"), json!(256), json!(true), json!(1.5), json!(["sha256"]), json!({})] {
        assert_eq!(refused(&one(json!({"hash_algo": other}))), BatchErrorKind::HashAlgo);
    }
}

#[test]
fn transfers_are_negotiated() {
    for fine in [json!(null), json!([]), json!(["basic"]), json!(["x", 7, null, "basic"])] {
        assert!(parse(&one(json!({"transfers": fine}))).is_ok());
    }
    for none in [json!(["tus"]), json!(["Basic"]), json!([null])] {
        assert_eq!(refused(&one(json!({"transfers": none}))), BatchErrorKind::Unprocessable);
    }
    assert_eq!(refused(&one(json!({"transfers": "basic"}))), BatchErrorKind::Malformed);
}

#[test]
fn unknown_fields_are_ignored() {
    let more = json!({"cursor": {"a": [1, 2.5, null]}, "objects": [{"oid": A, "size": 5, "new": {"x": [true]}}]});
    assert!(parse(&one(more)).unwrap().objects[0].wanted.is_ok());
}

#[test]
fn whole_requests_are_refused_by_kind() {
    use BatchErrorKind::{Malformed, TooMany, Unprocessable};

    for operation in [json!("verify"), json!("Upload"), json!(""), json!(null), json!(1)] {
        assert_eq!(refused(&one(json!({"operation": operation}))), Unprocessable);
    }
    assert_eq!(refused(&json!({"objects": [{"oid": A, "size": 5}]})), Unprocessable);
    assert_eq!(refused(&json!({"operation": "upload"})), Unprocessable);
    assert_eq!(refused(&one(json!({"objects": null}))), Unprocessable);
    assert_eq!(refused(&one(json!({"objects": []}))), Unprocessable);
    assert_eq!(refused(&one(json!({"objects": {}}))), Malformed);
    assert_eq!(refused(&one(json!({"objects": [null]}))), Malformed);
    assert_eq!(refused(&json!("x")), Malformed);
    for body in ["", "{", "nul", "{}x", "\u{feff}{}", "{\"operation\":\"upload\",\"operation\":\"upload\"}"] {
        assert_eq!(BatchRequest::parse(body.as_bytes(), 100).unwrap_err().kind, Malformed, "{body}");
    }
    let many = |count| one(json!({"objects": vec![json!({"oid": A, "size": 5}); count]}));
    assert_eq!(parse(&many(100)).unwrap().objects.len(), 100);
    assert_eq!(refused(&many(101)), TooMany);
    let flood = format!("{{\"operation\":\"upload\",\"objects\":[{}{{}}]}}", "{},".repeat(50_000));
    let error = BatchRequest::parse(flood.as_bytes(), usize::MAX).unwrap_err();
    assert_eq!(error.kind, TooMany);
    assert!(error.message.contains("50001"), "{}", error.message);
    let statuses = [Malformed, Unprocessable, BatchErrorKind::HashAlgo, TooMany].map(BatchErrorKind::status);
    assert_eq!(statuses, [400, 422, 409, 413]);
}

#[test]
fn a_download_in_full() {
    let request = parse(&json!({"operation": "download", "objects": [{"oid": A, "size": 5}]})).unwrap();
    let text = String::from_utf8(answer(&request, &known(&[(A, 5)]), None, action)).unwrap();
    assert_eq!(
        text,
        format!(
            "{{\"transfer\":\"basic\",\"objects\":[{{\"oid\":\"{A}\",\"size\":5,\"authenticated\":true,\
             \"actions\":{{\"download\":{{\"href\":\"https://h/Download/{A}/5\",\"expires_in\":3600}}}}}}],\
             \"hash_algo\":\"sha256\"}}"
        )
    );
}

#[test]
fn downloads() {
    let objects = json!([{"oid": A, "size": 5}, {"oid": B, "size": 5}, {"oid": C, "size": 6}]);
    let objects = ask("download", objects, &known(&[(A, 5), (C, 5)]));
    assert_eq!(objects[0]["actions"]["download"]["href"], format!("https://h/Download/{A}/5"));
    assert_eq!(objects[0]["actions"].as_object().unwrap().len(), 1);
    assert_eq!(objects[1]["error"]["code"], 404);
    assert_eq!(objects[2]["error"]["code"], 422);
    for (object, oid) in objects.iter().zip([A, B, C]) {
        assert_eq!(object["oid"], oid);
        assert_eq!(object.get("actions").is_some(), object.get("error").is_none());
    }
}

#[test]
fn uploads() {
    let empty = Oid::EMPTY.to_string();
    let objects = json!([
        {"oid": A, "size": 5}, {"oid": B, "size": 5}, {"oid": C, "size": 6},
        {"oid": empty, "size": 0},
    ]);
    let objects = ask("upload", objects, &known(&[(A, 5), (C, 5)]));
    assert_eq!(objects[0], json!({"oid": A, "size": 5}), "a stored object needs no action");
    let (upload, verify) = (&objects[1]["actions"]["upload"], &objects[1]["actions"]["verify"]);
    assert_eq!(upload["href"], format!("https://h/Upload/{B}/5"));
    assert_eq!(upload["header"], json!({"Content-Type": "application/octet-stream"}));
    assert_eq!(upload["expires_in"], 3600);
    assert_eq!(*verify, json!({"href": format!("https://h/Verify/{B}/5"), "expires_in": 3600}));
    assert_eq!(objects[1]["authenticated"], true);
    assert_eq!(objects[2]["error"]["code"], 422);
    assert!(objects[3]["actions"]["upload"].is_object());
}

#[test]
fn uploads_that_can_never_succeed() {
    let empty = Oid::EMPTY.to_string();
    let objects =
        json!([{"oid": A, "size": 1001}, {"oid": empty, "size": 1}, {"oid": B, "size": 0}, {"oid": C, "size": 1000}]);
    let objects = ask("upload", objects, &known(&[]));
    for (object, code) in objects.iter().zip([413, 422]) {
        assert_eq!(object["error"]["code"], code, "{object}");
        assert!(object.get("actions").is_none());
    }
    assert!(objects[2]["actions"]["upload"].is_object(), "git-lfs expects an offer for any oid; its hash is checked");
    assert!(objects[3]["actions"].is_object());
    // A limit that was set later does not hide objects that are stored.
    let held = ask("upload", json!([{"oid": A, "size": 2000}]), &known(&[(A, 2000)]));
    assert!(held[0].get("error").is_none());
}

#[test]
fn an_invalid_entry_does_not_affect_others() {
    let cases = [
        (json!({"oid": A.to_uppercase(), "size": 1}), json!(A.to_uppercase()), json!(1)),
        (json!({"oid": "../../etc/passwd", "size": 1}), json!("../../etc/passwd"), json!(1)),
        (json!({"oid": "a\"b\n\u{7f}é", "size": 1}), json!("a\"b\n\u{7f}é"), json!(1)),
        (json!({"oid": &A[1..], "size": 1}), json!(&A[1..]), json!(1)),
        (json!({"oid": "", "size": 1}), json!(""), json!(1)),
        (json!({"oid": 12, "size": 1}), json!("12"), json!(1)),
        (json!({"size": 1}), json!(""), json!(1)),
        (json!({"oid": A, "size": -1}), json!(A), json!(-1)),
        (json!({"oid": A, "size": 1.5}), json!(A), json!(0)),
        (json!({"oid": A, "size": "1"}), json!(A), json!(0)),
        (json!({"oid": A, "size": null}), json!(A), json!(0)),
        (json!({"oid": A, "size": [1]}), json!(A), json!(0)),
        (json!({"oid": A, "size": {"a": 1}}), json!(A), json!(0)),
        (json!({"oid": A}), json!(A), json!(0)),
        (json!({"oid": A, "size": MAX_SIZE + 1}), json!(A), json!(MAX_SIZE + 1)),
        (json!({"oid": A, "size": u64::MAX}), json!(A), json!(u64::MAX)),
    ];
    for operation in ["upload", "download"] {
        for (entry, oid, size) in &cases {
            let objects =
                ask(operation, json!([{"oid": B, "size": 5}, entry, {"oid": C, "size": 5}]), &known(&[(B, 5), (C, 5)]));
            assert!(objects[0].get("error").is_none() && objects[2].get("error").is_none());
            assert_eq!(objects[1]["error"]["code"], 422, "{entry}");
            assert_eq!((&objects[1]["oid"], &objects[1]["size"]), (oid, size), "{entry}");
            assert!(objects[1].get("actions").is_none());
        }
    }
    let huge = format!("{{\"operation\":\"upload\",\"objects\":[{{\"oid\":\"{A}\",\"size\":1{}}}]}}", "0".repeat(40));
    let request = BatchRequest::parse(huge.as_bytes(), 1).unwrap();
    assert_eq!(request.objects[0].wanted.as_ref().unwrap_err().code, 422);
}

#[test]
fn each_refused_object_has_its_own_error() {
    let objects = json!([{"oid": A, "size": 5}, {"oid": B, "size": 7}, {"oid": A, "size": 5}, {"oid": C, "size": 90}]);
    let mut request = parse(&json!({"operation": "upload", "objects": objects})).unwrap();
    let held = known(&[]);
    let oids = [A, B, C].map(|oid| oid.parse::<Oid>().unwrap());
    assert_eq!(request.news(&held, Some(89)), [(oids[0], 5), (oids[1], 7)], "each once, without too large ones");
    assert_eq!(request.news(&known(&[(A, 5), (B, 8)]), None), [(oids[2], 90)], "without stored or invalid ones");

    let full = ObjectError { code: 507, message: "no room".into() };
    request.refuse(&[oids[0]].into(), &full);
    assert_eq!(request.news(&held, Some(89)), [(oids[1], 7)]);
    let objects = reply(&request, &held, Some(89));
    let error = |code: u16, message: &str| json!({"code": code, "message": message});
    assert_eq!(objects[0], json!({"oid": A, "size": 5, "error": error(507, "no room")}));
    assert_eq!(objects[2], objects[0]);
    assert!(objects[1]["actions"]["upload"].is_object());
    let large = error(413, "the object has 90 bytes; the maximum object size is 89");
    assert_eq!(objects[3], json!({"oid": C, "size": 90, "error": large}));
}

#[test]
fn duplicates_are_answered_alike() {
    let objects =
        ask("upload", json!([{"oid": A, "size": 5}, {"oid": B, "size": 1}, {"oid": A, "size": 5}]), &known(&[]));
    assert_eq!(objects[0], objects[2]);
    assert!(objects[0]["actions"].is_object());

    let contradiction =
        json!([{"oid": A, "size": 5}, {"oid": B, "size": 1}, {"oid": A, "size": 6}, {"oid": A, "size": 5}]);
    let objects = ask("upload", contradiction, &known(&[(A, 5)]));
    for (index, size) in [(0, 5), (2, 6), (3, 5)] {
        assert_eq!(objects[index]["error"]["code"], 422);
        assert_eq!((&objects[index]["oid"], &objects[index]["size"]), (&json!(A), &json!(size)));
    }
    assert!(objects[1]["actions"].is_object());
}

#[test]
fn names_for_browsers() {
    let object = |more: Value| {
        let mut entry = json!({"oid": A, "size": 5});
        entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let found = parse(&one(json!({"objects": [entry]}))).unwrap().objects.remove(0);
        assert!(found.wanted.is_ok());
        (found.filename, found.disposition)
    };
    let name = |name: &str| Some(name.to_owned());
    assert_eq!(object(json!({})), (None, None));
    assert_eq!(
        object(json!({"x-filename": "é.csv", "x-disposition": "inline"})),
        (name("é.csv"), Some(Disposition::Inline))
    );
    assert_eq!(
        object(json!({"extra": {"filename": "a\n", "disposition": "attachment", "z": 1}})),
        (name("a\n"), Some(Disposition::Attachment))
    );
    assert_eq!(object(json!({"x-filename": "a", "extra": {"filename": "b"}})), (name("a"), None));
    for ignored in [json!(null), json!(5), json!(""), json!(["a"]), json!({"a": 1})] {
        assert_eq!(
            object(json!({"x-filename": ignored, "x-disposition": ignored, "extra": {"filename": ignored}})),
            (None, None)
        );
        assert_eq!(object(json!({"extra": ignored, "x-disposition": "other"})), (None, None));
    }
}

#[test]
fn urls_are_escaped() {
    let request = parse(&one(json!({}))).unwrap();
    let href = "https://h/\"\\\n\u{1}é";
    let bytes = answer(&request, &known(&[(A, 5)]), None, |_, _, _, _| Action {
        href: href.to_owned(),
        expires_in: u32::MAX,
        headers: Vec::new(),
    });
    let reply: Value = serde_json::from_slice(&bytes).unwrap();
    let download = &reply["objects"][0]["actions"]["download"];
    assert_eq!(download["href"], href);
    assert_eq!(download["expires_in"], i32::MAX);
}

#[test]
fn verify_requests() {
    let parse = |body: &Value| parse_verify(body.to_string().as_bytes());
    assert_eq!(parse(&json!({"oid": A, "size": 5, "more": 1})), Ok((A.parse().unwrap(), 5)));
    for (body, kind) in [
        (json!({"oid": A}), BatchErrorKind::Unprocessable),
        (json!({"oid": A, "size": -5}), BatchErrorKind::Unprocessable),
        (json!({"oid": "a", "size": 5}), BatchErrorKind::Unprocessable),
        (json!([A]), BatchErrorKind::Unprocessable),
        (json!("x"), BatchErrorKind::Malformed),
    ] {
        assert_eq!(parse(&body).unwrap_err().kind, kind, "{body}");
    }
}

/// Any small JSON value.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        "[0-9a-f]{64}".prop_map(Value::from),
        Just(json!("upload")),
        Just(json!("basic")),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        let key = prop_oneof!["(oid|size|name|x-filename|x-disposition|extra|filename|objects)", "\\PC{0,3}",];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::hash_map(key, inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A nearly valid request.
fn any_request() -> impl Strategy<Value = Value> {
    let right = |value: &str| Just(json!(value));
    let operation = prop_oneof![4 => right("upload"), 4 => right("download"), 1 => any_json()];
    let oid = prop_oneof![8 => "[ab]{64}".prop_map(Value::from), 1 => any_json()];
    let size = prop_oneof![8 => (0u64..4).prop_map(Value::from), 1 => any_json()];
    let object = (oid, size, proptest::option::of(any_json()), proptest::option::of(any_json())).prop_map(
        |(oid, size, filename, extra)| json!({"oid": oid, "size": size, "x-filename": filename, "extra": extra}),
    );
    let objects = proptest::collection::vec(prop_oneof![9 => object, 1 => any_json()], 1..6);
    (operation, objects, proptest::option::of(any_json()), proptest::option::weighted(0.1, any_json())).prop_map(
        |(operation, objects, reference, transfers)| {
            json!({"operation": operation, "objects": objects, "ref": reference, "transfers": transfers, "z": reference})
        },
    )
}

proptest! {
    #[test]
    fn every_entry_of_a_valid_request_is_answered(
        body in any_request(),
        held in proptest::collection::hash_map("[ab]{64}", 0u64..4, 0..4),
        max_size in proptest::option::of(0u64..4),
    ) {
        let Ok(request) = parse(&body) else { return Ok(()) };
        let known: HashMap<Oid, u64> = held.iter().map(|(oid, size)| (oid.parse().unwrap(), *size)).collect();
        let objects = reply(&request, &known, max_size);
        for ((sent, asked), answered) in body["objects"].as_array().unwrap().iter().zip(&request.objects).zip(&objects) {
            let has = |key: &str| answered.get(key).is_some();
            prop_assert!(answered["oid"].is_string() && answered["size"].is_number());
            prop_assert!(!(has("error") && has("actions")));
            prop_assert_eq!(has("actions"), has("authenticated"));
            if let Ok((oid, size)) = asked.wanted {
                prop_assert_eq!(&answered["oid"], &sent["oid"]);
                prop_assert_eq!(&answered["size"], &sent["size"]);
                let nothing_to_do = request.operation == Operation::Upload && known.get(&oid) == Some(&size);
                prop_assert_eq!(nothing_to_do, !has("error") && !has("actions"));
            } else {
                prop_assert_eq!(&answered["error"]["code"], &json!(422));
            }
        }
    }

    #[test]
    fn damaged_json_does_no_harm(body in any_request(), cut in 0usize..2000, byte: u8, place in 0usize..2000) {
        let mut bytes = body.to_string().into_bytes();
        let place = place % bytes.len();
        bytes[place] = byte;
        bytes.truncate(bytes.len().min(cut.max(1)));
        let _ = BatchRequest::parse(&bytes, 100);
        let _ = parse_verify(&bytes);
    }

    #[test]
    fn hostile_bytes_do_no_harm(body in proptest::collection::vec(any::<u8>(), 0..200), depth in 0usize..5000) {
        let _ = BatchRequest::parse(&body, 100);
        let deep = format!("{{\"x\":{}", "[".repeat(depth));
        prop_assert!(BatchRequest::parse(deep.as_bytes(), 100).is_err());
        let deep = format!("{{\"objects\":[{{\"oid\":{}", "{\"a\":".repeat(depth));
        prop_assert!(BatchRequest::parse(deep.as_bytes(), 100).is_err());
    }
}
