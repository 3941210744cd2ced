//! Body validation against the OpenAPI document: rejects arrays where the schema requires an object.

use std::fmt;

use axum::http::Method;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor};
use serde_json::Value;

/// The possible schemas of a value. Empty: anything is allowed.
#[derive(Clone)]
pub(super) struct Shape<'a> {
    document: &'a Value,
    schemas: Vec<&'a Value>,
}

impl<'a> Shape<'a> {
    /// Returns the schema of a route's request body. A body that is not in the document is taken for an object.
    pub(super) fn of(document: &'a Value, method: &Method, route: &str) -> Self {
        static OBJECT: std::sync::LazyLock<Value> = std::sync::LazyLock::new(|| serde_json::json!({"type": "object"}));
        let path = route.replace("{*", "{");
        let operation = &document["paths"][&path][method.as_str().to_ascii_lowercase()];
        let body = &operation["requestBody"]["content"]["application/json"]["schema"];
        let mut shape = Self { document, schemas: Vec::new() };
        shape.add(if body.is_null() { &OBJECT } else { body });
        shape
    }

    /// Returns the schema of a part of the value.
    fn part(&self, schemas: impl Fn(&'a Value) -> &'a Value) -> Self {
        let mut part = Self { document: self.document, schemas: Vec::new() };
        self.schemas.iter().for_each(|schema| part.add(schemas(schema)));
        part
    }

    fn add(&mut self, schema: &'a Value) {
        let reference = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
        if let Some(named) = reference.and_then(|pointer| self.document.pointer(pointer)) {
            return self.add(named);
        }
        let choices = ["oneOf", "anyOf", "allOf"].iter().filter_map(|key| schema[*key].as_array());
        let mut choices = choices.flatten().peekable();
        if choices.peek().is_some() {
            choices.for_each(|choice| self.add(choice));
        } else if schema.is_object() {
            self.schemas.push(schema);
        }
    }

    /// Returns true if the value may have this type.
    fn may_be(&self, name: &str) -> bool {
        self.schemas.is_empty()
            || self.schemas.iter().any(|schema| match &schema["type"] {
                Value::String(one) => one == name,
                Value::Array(several) => several.iter().any(|one| one == name),
                _ => true,
            })
    }
}

impl<'de> DeserializeSeed<'de> for Shape<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.schemas.is_empty() {
            return deserializer.deserialize_ignored_any(IgnoredAny).map(drop);
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Shape<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            let field = self.part(|schema| match &schema["properties"][&name] {
                Value::Null => &schema["additionalProperties"],
                known => known,
            });
            map.next_value_seed(field)?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        if !self.may_be("array") && self.may_be("object") {
            return Err(A::Error::invalid_type(Unexpected::Seq, &self));
        }
        let item = self.part(|schema| &schema["items"]);
        while list.next_element_seed(item.clone())?.is_some() {}
        Ok(())
    }

    // For other types, the deserializer reports the error.

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::web::http::json::read;

    fn document() -> Value {
        json!({
            "paths": {"/x/{path}": {"post": {"requestBody": {"content": {"application/json": {
                "schema": {"$ref": "#/components/schemas/New"},
            }}}}}},
            "components": {"schemas": {
                "New": {"type": "object", "properties": {
                    "author": {"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Person"}]},
                    "names": {"type": ["array", "null"], "items": {"type": "string"}},
                    "operations": {"type": "array", "items": {"oneOf": [
                        {"type": "object", "properties": {"to": {"$ref": "#/components/schemas/Person"}}},
                        {"type": "object", "properties": {"to": {"type": "array", "items": {}}, "with": {}}},
                    ]}},
                    "package": {"type": "object"},
                    "labels": {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/Person"}},
                }},
                "Person": {"type": "object", "properties": {"name": {"type": "string"}}},
            }},
        })
    }

    #[test]
    fn an_array_is_not_an_object() {
        let document = document();
        let check = |route: &str, body: &Value| {
            let shape = Shape::of(&document, &Method::POST, route);
            read(shape, body.to_string().as_bytes()).map_err(|error| error.detail().to_owned())
        };
        for good in [
            json!({"author": {"name": "Ada"}, "names": ["a"], "package": {"a": [[1]]}, "unknown": [1]}),
            json!({"author": null, "names": null, "operations": [{"to": [1], "with": [1]}, {"to": {}}]}),
            json!({"author": "of another type", "operations": {}}),
            json!("no object at all"),
        ] {
            assert_eq!(check("/x/{*path}", &good), Ok(()), "{good}");
        }
        for (bad, place) in [
            (json!([{}, []]), "invalid"),
            (json!({"author": ["Ada"]}), "`author`: invalid"),
            (json!({"package": []}), "`package`: invalid"),
            (json!({"operations": [{}, ["to"]]}), "`operations[1]`: invalid"),
            (json!({"labels": {"x": []}}), "`labels.x`: invalid"),
        ] {
            let refusal = check("/x/{*path}", &bad).unwrap_err();
            assert!(refusal.starts_with(&format!("{place} type: sequence, expected an object")), "{bad}: {refusal}");
        }
        assert!(check("/elsewhere", &json!([])).is_err() && check("/elsewhere", &json!({"a": []})).is_ok());
    }
}
