use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::check::tests::any_json;

/// Returns the verdict, and the changes as JSON.
fn describe(old: &Value, new: &Value) -> (Verdict, Value) {
    let diff = schema_changes(Some(old), Some(new));
    (diff.verdict, serde_json::to_value(diff.changes).unwrap())
}

/// Returns the verdict of a single change, and its JSON without the verdict.
#[track_caller]
fn one(old: &Value, new: &Value, verdict: Verdict, change: Value) {
    let mut expected = change;
    expected["verdict"] = serde_json::to_value(verdict).unwrap();
    assert_eq!(describe(old, new), (verdict, json!([expected])), "{old} {new}");
}

fn table_of(field: &Value) -> Value {
    json!({ "fields": [field] })
}

/// Returns the verdict on a change of one field, which must be detected.
#[track_caller]
fn verdict(old: Value, new: Value) -> Verdict {
    let (mut old, mut new) = (old, new);
    old["name"] = json!("a");
    new["name"] = json!("a");
    let (verdict, changes) = describe(&table_of(&old), &table_of(&new));
    assert_ne!(changes, json!([]), "{old} {new}");
    verdict
}

const fn kinds() -> [&'static str; 16] {
    [
        "string",
        "number",
        "integer",
        "boolean",
        "object",
        "array",
        "list",
        "datetime",
        "date",
        "time",
        "year",
        "yearmonth",
        "duration",
        "geopoint",
        "geojson",
        "any",
    ]
}

#[test]
fn fields_come_and_go() {
    let (a, ab) = (json!({"fields": [{"name": "a"}]}), json!({"fields": [{"name": "a"}, {"name": "b"}]}));
    one(&a, &ab, Verdict::Compatible, json!({"kind": "field_added", "field": "b", "required": false}));
    one(&ab, &a, Verdict::Breaking, json!({"kind": "field_removed", "field": "b"}));
    let mut must = ab.clone();
    must["fields"][1]["constraints"] = json!({"required": true});
    one(&a, &must, Verdict::Breaking, json!({"kind": "field_added", "field": "b", "required": true}));
    let lenient = |mut schema: Value| {
        schema["fieldsMatch"] = json!("partial");
        schema
    };
    let added = json!({"kind": "field_added", "field": "b", "required": true});
    one(&lenient(a.clone()), &lenient(must), Verdict::Compatible, added);
    let renamed = json!({"fields": [{"name": "z"}]});
    assert_eq!(
        describe(&a, &renamed),
        (
            Verdict::Breaking,
            json!([
                {"kind": "field_removed", "field": "a", "verdict": "breaking"},
                {"kind": "field_added", "field": "z", "verdict": "compatible", "required": false},
            ])
        )
    );
    let ba = json!({"fields": [{"name": "b"}, {"name": "a"}]});
    one(&ab, &ba, Verdict::Compatible, json!({"kind": "fields_reordered"}));
    let twice = json!({"fields": [{"name": "a", "type": "date"}, {"name": "a", "type": "time"}]});
    assert_eq!(describe(&twice, &twice), (Verdict::Compatible, json!([])));
}

#[test]
fn types_are_widened_as_the_table_says() {
    one(
        &table_of(&json!({"name": "a", "type": "integer"})),
        &table_of(&json!({"name": "a", "type": "number"})),
        Verdict::Widening,
        json!({"kind": "type_changed", "field": "a", "old": "integer", "new": "number"}),
    );
    let wider = [("integer", "number"), ("year", "integer"), ("year", "number"), ("geojson", "object")];
    for old in kinds() {
        for new in kinds().into_iter().filter(|new| *new != old) {
            let wide = matches!(new, "string" | "any") || wider.contains(&(old, new));
            let expected = if wide { Verdict::Widening } else { Verdict::Breaking };
            assert_eq!(verdict(json!({"type": old}), json!({"type": new})), expected, "{old} {new}");
        }
    }
    assert_eq!(verdict(json!({}), json!({"type": "string"})), Verdict::Widening);
    assert_eq!(verdict(json!({}), json!({"type": "string", "format": "email"})), Verdict::Breaking);
    assert_eq!(verdict(json!({"type": "geopoint", "format": "array"}), json!({"type": "any"})), Verdict::Widening);
    let point = json!({"type": "geopoint", "format": "array"});
    let (_, changes) = describe(&table_of(&point), &table_of(&json!({"type": "array"})));
    assert_eq!(changes[0]["verdict"], "widening");
    let items = |kind: &str| json!({"type": "list", "itemType": kind});
    assert_eq!(verdict(items("integer"), items("number")), Verdict::Widening);
    assert_eq!(verdict(items("integer"), json!({"type": "list"})), Verdict::Widening);
    assert_eq!(verdict(items("number"), items("integer")), Verdict::Breaking);
}

#[test]
fn forms_are_judged() {
    use Verdict::{Breaking, Compatible, Widening};
    for (old, new, expected) in [
        (json!({"type": "string", "format": "email"}), json!({"type": "string"}), Widening),
        (json!({"type": "string"}), json!({"type": "string", "format": "uri"}), Breaking),
        (json!({"type": "date"}), json!({"type": "date", "format": "any"}), Widening),
        (json!({"type": "date"}), json!({"type": "date", "format": "%d.%m.%Y"}), Breaking),
        (json!({"type": "number"}), json!({"type": "number", "decimalChar": ","}), Breaking),
        (json!({"type": "number"}), json!({"type": "number", "groupChar": ","}), Widening),
        (json!({"type": "number", "groupChar": ","}), json!({"type": "number"}), Breaking),
        (json!({"type": "number"}), json!({"type": "number", "bareNumber": false}), Widening),
        (json!({"type": "number", "bareNumber": false}), json!({"type": "number"}), Breaking),
        (json!({"type": "list"}), json!({"type": "list", "delimiter": ";"}), Breaking),
        (json!({"type": "boolean", "trueValues": ["1"]}), json!({"type": "boolean"}), Widening),
        (json!({"type": "boolean"}), json!({"type": "boolean", "falseValues": ["no"]}), Breaking),
        (json!({"type": "number", "decimalChar": ","}), json!({"type": "string"}), Widening),
        (json!({"title": "A"}), json!({"title": "B", "x": 5}), Compatible),
        (json!({"example": 1}), json!({"rdfType": "http://x"}), Compatible),
    ] {
        assert_eq!(verdict(old.clone(), new.clone()), expected, "{old} {new}");
    }
    // An explicit default makes no difference.
    let plain = table_of(&json!({"name": "a", "type": "number"}));
    let spelt = table_of(&json!({
        "name": "a", "type": "number", "format": "default", "decimalChar": ".", "bareNumber": true, "title": null,
        "constraints": {"required": false},
    }));
    assert_eq!(describe(&plain, &spelt), (Verdict::Compatible, json!([])));
    let spelt = json!({"fields": plain["fields"], "missingValues": [""], "fieldsMatch": "exact"});
    assert_eq!(describe(&plain, &spelt), (Verdict::Compatible, json!([])));
}

#[test]
fn constraints_are_tightened_and_loosened() {
    let with = |constraints: Value| table_of(&json!({"name": "a", "type": "integer", "constraints": constraints}));
    one(
        &with(json!({})),
        &with(json!({"required": true})),
        Verdict::Breaking,
        json!({
            "kind": "constraint_tightened", "field": "a", "constraint": "required", "new": true,
        }),
    );
    one(
        &with(json!({"minimum": 1})),
        &with(json!({"minimum": 0})),
        Verdict::Widening,
        json!({
            "kind": "constraint_loosened", "field": "a", "constraint": "minimum", "old": 1, "new": 0,
        }),
    );
    one(
        &with(json!({"pattern": "a"})),
        &with(json!({"pattern": "b"})),
        Verdict::Breaking,
        json!({
            "kind": "constraint_changed", "field": "a", "constraint": "pattern", "old": "a", "new": "b",
        }),
    );
    assert_eq!(
        verdict(json!({"constraints": {"enum": [1]}}), json!({"constraints": {"enum": [1, 2]}})),
        Verdict::Widening
    );
    assert_eq!(verdict(json!({"categories": ["a", "b"]}), json!({"categories": ["a"]})), Verdict::Breaking);
    assert_eq!(
        verdict(json!({"categories": ["a"]}), json!({"categories": [{"value": "a", "label": "A"}]})),
        Verdict::Compatible
    );
    let wider = (
        json!({"type": "integer", "constraints": {"maximum": 5}}),
        json!({"type": "number", "constraints": {"maximum": 7.5}}),
    );
    assert_eq!(verdict(wider.0, wider.1), Verdict::Widening);
}

#[test]
fn missing_values_and_keys_are_judged() {
    let with = |key: &str, value: Value| {
        let mut schema = json!({"fields": [{"name": "a"}, {"name": "b", "missingValues": ["x"]}]});
        schema[key] = value;
        schema
    };
    let missing = |values: Value| with("missingValues", values);
    one(
        &missing(json!([""])),
        &missing(json!(["", {"value": "-"}])),
        Verdict::Widening,
        json!({
            "kind": "missing_values", "old": [""], "new": ["", "-"],
        }),
    );
    one(
        &missing(json!(["", "-"])),
        &with("x", Value::Null),
        Verdict::Breaking,
        json!({
            "kind": "missing_values", "old": ["", "-"], "new": [""],
        }),
    );
    assert_eq!(verdict(json!({"missingValues": ["-"]}), json!({"missingValues": ["-", "x"]})), Verdict::Widening);
    let required = |values: Value| json!({"missingValues": values, "constraints": {"required": true}});
    assert_eq!(verdict(required(json!(["-"])), required(json!(["-", "x"]))), Verdict::Breaking);

    let primary = |key: Value| with("primaryKey", key);
    one(
        &primary(json!("a")),
        &primary(json!(["b", "a"])),
        Verdict::Breaking,
        json!({
            "kind": "primary_key", "old": ["a"], "new": ["a", "b"],
        }),
    );
    one(
        &primary(json!("a")),
        &primary(Value::Null),
        Verdict::Widening,
        json!({
            "kind": "primary_key", "old": ["a"], "new": [],
        }),
    );
    assert_eq!(describe(&primary(json!(["b", "a"])), &primary(json!(["a", "b"]))).1, json!([]));
    one(
        &with("uniqueKeys", json!([["a"]])),
        &with("uniqueKeys", json!([["b", "a"]])),
        Verdict::Breaking,
        json!({
            "kind": "keys", "property": "uniqueKeys", "added": [["a", "b"]], "removed": [["a"]],
        }),
    );
    let foreign = |fields: Value, resource: Value| {
        with("foreignKeys", json!([{"fields": fields, "reference": {"resource": resource, "fields": "b"}}]))
    };
    assert_eq!(describe(&foreign(json!("a"), json!("")), &foreign(json!(["a"]), Value::Null)).1, json!([]));
    assert_eq!(describe(&foreign(json!("a"), json!("")), &with("x", Value::Null)).0, Verdict::Widening);
    one(
        &with("x", Value::Null),
        &with("fieldsMatch", json!(["subset"])),
        Verdict::Widening,
        json!({
            "kind": "fields_match", "old": "exact", "new": "subset",
        }),
    );
    assert_eq!(describe(&with("fieldsMatch", json!("partial")), &with("x", Value::Null)).0, Verdict::Breaking);
    one(
        &with("x", json!(1)),
        &with("x", json!(2)),
        Verdict::Compatible,
        json!({"kind": "note_changed", "property": "x"}),
    );
}

#[test]
fn ways_to_match_fields_are_ordered() {
    let with = |mode: &str| json!({ "fields": [], "fieldsMatch": mode });
    let wider = |mode: &str| match mode {
        "exact" => &["equal", "subset", "superset", "partial"][..],
        "equal" => &["subset", "superset", "partial"],
        "subset" | "superset" => &["partial"],
        _ => &[],
    };
    for old in ["exact", "equal", "subset", "superset", "partial"] {
        for new in ["exact", "equal", "subset", "superset", "partial"].into_iter().filter(|new| *new != old) {
            let expected = if wider(old).contains(&new) { Verdict::Widening } else { Verdict::Breaking };
            assert_eq!(describe(&with(old), &with(new)).0, expected, "{old} {new}");
        }
    }
}

#[test]
fn schemas_come_and_go_with_their_resources() {
    let table = json!({"fields": [{"name": "a", "type": "integer"}]});
    let resource = |name: &str, schema: &Value| json!({"name": name, "path": name, "schema": schema});
    let old = json!({"resources": [resource("same", &table), resource("gone", &table), resource("typed", &table), {"name": "bare"}, resource("lost", &table), resource("far", &json!("a.json"))]});
    let mut other = table.clone();
    other["fields"][0]["type"] = json!("number");
    let new = json!({"resources": [resource("same", &table), resource("typed", &other), resource("bare", &table), {"name": "lost"}, resource("new", &table), resource("far", &json!("b.json")), {"name": "no"}]});
    let report = serde_json::to_value(package_schemas(&old, &new)).unwrap();
    let summary: Vec<_> = report["resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|resource| {
            (
                resource["resource"].as_str().unwrap(),
                resource["verdict"].as_str().unwrap(),
                resource["changes"][0]["kind"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        summary,
        [
            ("gone", "breaking", "schema_removed"),
            ("typed", "widening", "type_changed"),
            ("bare", "compatible", "schema_added"),
            ("lost", "widening", "schema_removed"),
            ("far", "breaking", "schema_replaced"),
            ("new", "compatible", "schema_added"),
        ]
    );
    assert_eq!(report["verdict"], "breaking");
    assert_eq!(package_schemas(&old, &old), SchemaReport::default());
}

#[test]
fn wide_tables_are_quick() {
    let fields: Vec<_> = (0..50_000).map(|n| json!({"name": n.to_string(), "type": "integer"})).collect();
    let keys: Vec<_> = (0..50_000).map(|n| n.to_string()).collect();
    let old = json!({"fields": fields, "primaryKey": keys, "missingValues": keys});
    let mut new = old.clone();
    for field in new["fields"].as_array_mut().unwrap() {
        field["type"] = json!("number");
    }
    let diff = schema_changes(Some(&old), Some(&new));
    assert_eq!((diff.verdict, diff.changes.len()), (Verdict::Widening, 50_000));
}

/// A schema without redundant values.
fn plain() -> impl Strategy<Value = Value> {
    let optional = |key: &'static str, values: Vec<Value>| {
        prop::option::weighted(0.3, prop::sample::select(values)).prop_map(move |value| value.map(|value| (key, value)))
    };
    let constraints = (
        optional("required", vec![json!(true)]),
        optional("minimum", vec![json!(1), json!(2)]),
        optional("enum", vec![json!([1]), json!([1, 2])]),
    )
        .prop_map(|(a, b, c)| {
            [a, b, c].into_iter().flatten().map(|(key, value)| (key.to_owned(), value)).collect::<Map<_, _>>()
        });
    let field = (
        prop::sample::select(vec!["number", "integer", "string", "date"]),
        optional("format", vec![json!("any"), json!("email")]),
        optional("title", vec![json!("T"), json!("U")]),
        optional("missingValues", vec![json!(["-"]), json!(["", "-"])]),
        optional("groupChar", vec![json!(","), json!(".")]),
        constraints,
    )
        .prop_map(|(kind, a, b, c, d, constraints)| {
            let mut field = json!({ "type": kind });
            for (key, value) in [a, b, c, d].into_iter().flatten() {
                field[key] = value;
            }
            if !constraints.is_empty() {
                field["constraints"] = constraints.into();
            }
            field
        });
    let fields = prop::collection::vec((prop::sample::select(vec!["a", "b", "c"]), field), 0..4).prop_map(|fields| {
        let mut seen = std::collections::HashSet::new();
        let fields = fields.into_iter().filter(|(name, _)| seen.insert(*name));
        fields
            .map(|(name, mut field)| {
                field["name"] = json!(name);
                field
            })
            .collect::<Vec<_>>()
    });
    (
        fields,
        optional("primaryKey", vec![json!(["a"]), json!(["a", "b"])]),
        optional("missingValues", vec![json!(["-"]), json!(["", "-"])]),
        optional("fieldsMatch", vec![json!("subset"), json!("partial")]),
        optional("uniqueKeys", vec![json!([["a"]]), json!([["b"]])]),
    )
        .prop_map(|(fields, a, b, c, d)| {
            let mut schema = json!({ "fields": fields });
            for (key, value) in [a, b, c, d].into_iter().flatten() {
                schema[key] = value;
            }
            schema
        })
}

/// Makes the missing values of the schema explicit in fields that inherit them.
fn settle(schema: &Value) -> Value {
    let mut schema = schema.clone();
    let own = schema.get("missingValues").cloned().unwrap_or_else(|| json!([""]));
    for field in schema["fields"].as_array_mut().unwrap() {
        let field = field.as_object_mut().unwrap();
        if !field.contains_key("missingValues") {
            field.insert("missingValues".to_owned(), own.clone());
        }
    }
    schema["missingValues"] = own;
    schema
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    #[test]
    fn there_is_no_change_exactly_if_two_schemas_are_equal(old in plain(), new in plain()) {
        let diff = schema_changes(Some(&old), Some(&new));
        prop_assert_eq!(diff.changes.is_empty(), settle(&old) == settle(&new), "{} {}", old, new);
        prop_assert_eq!(Some(diff.verdict), diff.changes.iter().map(|change| change.verdict).max().or(Some(Verdict::Compatible)));
        prop_assert_eq!(schema_changes(Some(&old), Some(&old)), SchemaDiff::default());
    }

    #[test]
    fn what_widens_does_not_widen_back(old in plain(), new in plain()) {
        let (there, back) = (schema_changes(Some(&old), Some(&new)), schema_changes(Some(&new), Some(&old)));
        prop_assert_eq!(there.changes.is_empty(), back.changes.is_empty());
        if there.verdict == Verdict::Widening {
            prop_assert_eq!(back.verdict, Verdict::Breaking, "{} {}", old, new);
        }
    }

    #[test]
    fn any_two_documents_are_compared(old in any_json(), new in any_json()) {
        let diff = schema_changes(Some(&old), Some(&new));
        let text = serde_json::to_string(&diff).unwrap();
        prop_assert_eq!(serde_json::from_str::<SchemaDiff>(&text).unwrap(), diff);
        prop_assert_eq!(schema_changes(Some(&old), Some(&old)), SchemaDiff::default());
        let report = package_schemas(&json!({"resources": [{"schema": old}]}), &json!({"resources": [{"schema": new}]}));
        let text = serde_json::to_string(&report).unwrap();
        prop_assert_eq!(serde_json::from_str::<SchemaReport>(&text).unwrap(), report);
    }
}
