use proptest::prelude::*;
use serde_json::json;

use super::*;

/// Adds members and items at these places.
fn with(text: &str, edit: impl FnOnce(&mut Value)) -> String {
    let mut value = crate::parse(text.as_bytes()).unwrap();
    edit(&mut value);
    let result = rewrite(text, &value);
    assert_eq!(crate::parse(result.as_bytes()).unwrap(), value, "{result}");
    result
}

#[test]
fn what_does_not_change_stays_as_it_was_written() {
    let text = "{ \"b\" : 1.50,\n\n    \"resources\": [\n        {\"path\": \"a.csv\", \"x\": [1,2]},\n        {\n            \
                \"name\": \"\\u0062\"\n        }\n    ],\n    \"a\": 1e2 }\n\n";
    assert_eq!(with(text, |_| {}), text);
    let added = with(text, |package| {
        package["resources"][0]["bytes"] = json!(5);
        package["resources"][1]["schema"] = json!({"fields": [{"name": "id"}], "e": {}});
        package["resources"].as_array_mut().unwrap().push(json!({"name": "c"}));
        package["z"] = json!(true);
    });
    let expected = "{ \"b\" : 1.50,\n\n    \"resources\": [\n        {\"path\": \"a.csv\", \"x\": [1,2], \"bytes\": 5},\n        \
                    {\n            \"name\": \"\\u0062\",\n            \"schema\": {\n                \"fields\": [\n\
                    \u{20}                   {\n                        \"name\": \"id\"\n                    }\n\
                    \u{20}               ],\n                \"e\": {}\n            }\n        },\n        {\n            \
                    \"name\": \"c\"\n        }\n    ],\n    \"a\": 1e2,\n    \"z\": true }\n\n";
    assert_eq!(added, expected);
}

#[test]
fn new_members_are_written_as_their_neighbours() {
    let add = |text: &str| with(text, |package| package["n"] = json!({"a": [1, 2]}));
    for (text, expected) in [
        ("{}", "{\"n\": {\"a\": [1, 2]}}"),
        ("{}\n", "{\"n\": {\"a\": [1, 2]}}\n"),
        ("{\"m\":1}", "{\"m\":1,\"n\":{\"a\":[1,2]}}"),
        ("{\"m\": 1}\n", "{\"m\": 1, \"n\": {\"a\": [1, 2]}}\n"),
        ("\u{feff}{\"m\": 1}", "\u{feff}{\"m\": 1, \"n\": {\"a\": [1, 2]}}"),
        (
            "{\r\n\t\"m\": 1\r\n}\r\n",
            "{\r\n\t\"m\": 1,\r\n\t\"n\": {\r\n\t\t\"a\": [\r\n\t\t\t1,\r\n\t\t\t2\r\n\t\t]\r\n\t}\r\n}\r\n",
        ),
        ("{\n}\n", "{\n  \"n\": {\n    \"a\": [\n      1,\n      2\n    ]\n  }\n}\n"),
    ] {
        assert_eq!(add(text), expected, "{text:?}");
    }
    let empty = with("{\n  \"resources\": []\n}\n", |package| package["resources"] = json!([{"name": "a"}]));
    assert_eq!(empty, "{\n  \"resources\": [\n    {\n      \"name\": \"a\"\n    }\n  ]\n}\n");
    // What is removed or has duplicate names is written anew.
    assert_eq!(with("{\"a\": 1, \"b\": 2}", |package| *package = json!({"b": 2})), "{\"b\": 2}");
    assert_eq!(with("{\"a\": 1, \"a\": 2}", |package| package["c"] = json!(3)), "{\"a\": 2, \"c\": 3}");
    assert_eq!(rewrite("no JSON", &json!({"a": 1})), "{\n  \"a\": 1\n}\n");
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a-c\\\\\"\n,:{}\\[\\] ü]{0,5}".prop_map(Value::from)
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[a-d\"]{0,2}", inner), 0..4)
                .prop_map(|members| members.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
}

proptest! {
    #[test]
    fn the_result_has_the_new_value(old in values(), new in values(), style in 0..4) {
        let text = match style {
            0 => old.to_string(),
            1 => serde_json::to_string_pretty(&old).unwrap(),
            2 => one_line(&old),
            _ => fresh(&old, "\t", "").replace('\n', "\r\n") + "\r\n",
        };
        prop_assert_eq!(rewrite(&text, &old), text.clone());
        prop_assert_eq!(serde_json::from_str::<Value>(&rewrite(&text, &new)).unwrap(), new);
    }
}
