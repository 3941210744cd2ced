//! What the mapper's own rules lose, and the side record preserves.

use super::*;

/// A dataset as returned by CKAN 2.10.
fn shown() -> Value {
    json!({
        "author": "Ada", "author_email": "", "creator_user_id": "u1", "id": "d1", "isopen": false,
        "license_id": "", "license_title": null, "maintainer": null, "maintainer_email": "m@example.org",
        "metadata_created": "2024-01-01T00:00:00", "metadata_modified": "2024-01-02T00:00:00", "name": "rain",
        "notes": "", "num_resources": 2, "num_tags": 2, "organization": {"id": "o1", "name": "met"},
        "owner_org": "o1", "private": false, "state": "active", "title": "Rain", "type": "dataset",
        "url": null, "version": null, "theme": "weather",
        "extras": [
            {"key": "code", "value": "0012"},
            {"key": "spatial", "value": "{\"type\": \"Point\", \"coordinates\": [1.0, 2.0]}"},
            {"key": "rating", "value": "1.50"},
        ],
        "tags": [
            {"display_name": "wet", "id": "t2", "name": "wet", "state": "active", "vocabulary_id": null},
            {"display_name": "air", "id": "t1", "name": "air", "state": "active", "vocabulary_id": null},
        ],
        "resources": [
            {"id": "r1", "name": "Rain 2020", "url": "https://example.org/rain.csv", "size": "12", "format": "CSV",
             "position": 0, "state": "active", "mimetype": null, "schema": "{\"fields\": []}"},
            {"id": "r2", "name": "Rain 2020", "url": "", "size": null, "position": 1, "state": "active"},
        ],
        "groups": [], "relationships_as_subject": [], "relationships_as_object": [],
    })
}

#[test]
fn a_dataset_as_it_is_shown_comes_back() {
    assert_eq!(to_dataset(to_package(shown())), shown());
}

#[test]
fn what_changed_is_changed_and_the_rest_stays() {
    let mut package = to_package(shown());
    package["title"] = "Rainfall".into();
    package["keywords"] = json!(["air", "new"]);
    package["rating"] = "2".into();
    package["theme"] = "climate".into();
    package["resources"].as_array_mut().expect("a list").remove(0);
    let dataset = to_dataset(package.clone());
    assert_eq!(to_package(dataset.clone()), package);

    let mut expected = shown();
    expected["title"] = "Rainfall".into();
    expected["theme"] = "climate".into();
    let air = expected["tags"][1].take();
    expected["tags"] = json!([air, {"name": "new"}]);
    expected["extras"][2]["value"] = "2".into();
    expected["num_resources"] = 1.into();
    let mut resource = expected["resources"][1].take();
    resource["position"] = 0.into();
    expected["resources"] = json!([resource]);
    // The package now has a string where a number would be restored, and the number of resources is wrong.
    assert_eq!(Value::Object(without_records(object(dataset.clone()))), expected);
}

#[test]
fn changes_made_in_ckan_are_not_overwritten() {
    let package = json!({
        "name": "d",
        "title": "T",
        "contributors": [{"title": "Ada", "organization": "Analytical"}],
        "licenses": [{"name": "cc0", "remark": "all"}],
        "year": "2020",
        "resources": [{"name": "a", "path": "a.csv", "url": "elsewhere"}],
    });
    let mut dataset = to_dataset(package.clone());
    assert_eq!(to_package(dataset.clone()), package);
    dataset["title"] = "T2".into();
    dataset["license_id"] = "cc-by".into();
    let changed = to_package(dataset);
    let mut expected = package;
    expected["title"] = "T2".into();
    expected["licenses"] = json!([{"name": "cc-by"}]);
    assert_eq!(changed, expected);
}

#[test]
fn a_plain_document_has_no_record() {
    let package = json!({
        "name": "d", "title": "T", "description": "text", "homepage": "https://example.org", "keywords": ["a"],
        "contributors": [{"title": "Ada", "role": "author"}], "licenses": [{"name": "cc0"}],
        "profile": "tabular-data-package", "sources": [{"title": "s", "weight": 0.1}], "year": 2020,
        "resources": [{"name": "a", "path": "a.csv", "bytes": 3, "mediatype": "text/csv", "schema": {"fields": []}}],
    });
    let dataset = to_dataset(package.clone());
    assert_eq!(dataset, dataset_of(package.clone()));
    assert_eq!(to_package(dataset), package);
}
