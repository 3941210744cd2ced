//! The properties of a package apart from its resources, in a common form for both dialects.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Change, Fields, License, Org, Tags, TextChange, take_first, take_text};

/// Properties computed by CKAN, which are ignored.
const COUNTED: [&str; 6] =
    ["metadata_modified", "revision_id", "num_resources", "num_tags", "isopen", "tracking_summary"];

/// Standard properties of data packages (both versions) and of CKAN datasets. All others are extra.
const STANDARD: [&str; 43] = [
    "$schema",
    "profile",
    "name",
    "id",
    "title",
    "description",
    "homepage",
    "image",
    "version",
    "created",
    "keywords",
    "licenses",
    "license",
    "sources",
    "contributors",
    "resources",
    "author",
    "author_email",
    "maintainer",
    "maintainer_email",
    "creator_user_id",
    "groups",
    "isopen",
    "license_id",
    "license_title",
    "license_url",
    "metadata_created",
    "metadata_modified",
    "notes",
    "num_resources",
    "num_tags",
    "organization",
    "owner_org",
    "private",
    "relationships_as_object",
    "relationships_as_subject",
    "revision_id",
    "state",
    "tags",
    "tracking_summary",
    "type",
    "url",
    "extras",
];

/// The normalised properties of one package. What has no field of its own stays in `extras` or `extensions`,
/// so that packages with equal facts are equivalent.
#[derive(Debug, Default)]
pub(super) struct Facts<'p> {
    title: Option<String>,
    name: Option<String>,
    org: Option<String>,
    org_title: Option<String>,
    private: bool,
    maintainer: Person,
    author: Person,
    notes: Option<String>,
    tags: BTreeSet<String>,
    license: License,
    url: Option<String>,
    version: Option<String>,
    extras: Map<String, Value>,
    /// The remaining standard properties; they can be compared, but are not shown in this form.
    extensions: Map<String, Value>,
    package: Option<&'p Map<String, Value>>,
}

#[derive(Debug, Default, PartialEq)]
struct Person {
    name: Option<String>,
    email: Option<String>,
}

impl<'p> Facts<'p> {
    pub(super) fn of(package: &'p Value) -> Self {
        let mut rest = match package {
            Value::Object(package) => package.clone(),
            Value::Null => Map::new(),
            // Not a valid package, but it can still be compared.
            other => Map::from_iter([(String::new(), other.clone())]),
        };
        if rest.get("resources").is_some_and(Value::is_array) {
            rest.remove("resources");
        }
        rest.retain(|key, value| !value.is_null() && !COUNTED.contains(&key.as_str()));
        let rest = &mut rest;
        let (author, maintainer) = people(rest);
        let (org, org_title) = organization(rest);
        let private = match rest.get("private") {
            Some(Value::Bool(private)) => {
                let private = *private;
                rest.remove("private");
                private
            }
            _ => false,
        };
        let mut facts = Self {
            title: take_text(rest, "title"),
            name: take_text(rest, "name"),
            org,
            org_title,
            private,
            maintainer,
            author,
            notes: take_first(rest, &["description", "notes"]),
            tags: tags(rest),
            license: license(rest),
            url: take_first(rest, &["homepage", "url"]),
            version: take_text(rest, "version"),
            package: package.as_object(),
            ..Self::default()
        };
        let listed = extras(rest);
        for (key, value) in std::mem::take(rest) {
            let place = if STANDARD.contains(&key.as_str()) { &mut facts.extensions } else { &mut facts.extras };
            place.insert(key, value);
        }
        facts.extras.extend(listed);
        facts
    }

    pub(super) fn compare(&self, new: &Self, found: &mut Vec<Change>) {
        let text = |old: &Option<String>, new: &Option<String>| TextChange::between(old.as_deref(), new.as_deref());
        found.extend(text(&self.title, &new.title).map(Change::Title));
        found.extend(text(&self.name, &new.name).map(Change::Name));
        let org = text(&self.org, &new.org).or_else(|| {
            // Same organization, but its title changed.
            let (old, new_id) = (self.org.clone()?, new.org.clone()?);
            (self.org_title != new.org_title).then_some(TextChange::Change { old, new: new_id })
        });
        found.extend(org.map(|change| {
            Change::Org(Org { change, old_title: self.org_title.clone(), new_title: new.org_title.clone() })
        }));
        if self.private != new.private {
            found.push(Change::Private { old: self.private, new: new.private });
        }
        found.extend(text(&self.maintainer.name, &new.maintainer.name).map(Change::Maintainer));
        found.extend(text(&self.maintainer.email, &new.maintainer.email).map(Change::MaintainerEmail));
        found.extend(text(&self.author.name, &new.author.name).map(Change::Author));
        found.extend(text(&self.author.email, &new.author.email).map(Change::AuthorEmail));
        found.extend(text(&self.notes, &new.notes).map(Change::Notes));
        let mut added: Vec<String> = new.tags.difference(&self.tags).cloned().collect();
        let mut removed: Vec<String> = self.tags.difference(&new.tags).cloned().collect();
        match (removed.len(), removed.pop()) {
            (1, Some(tag)) => found.push(Change::Tags(Tags::RemoveOne { tag })),
            (_, last) => {
                removed.extend(last);
                if !removed.is_empty() {
                    found.push(Change::Tags(Tags::RemoveMultiple { tags: removed }));
                }
            }
        }
        match (added.len(), added.pop()) {
            (1, Some(tag)) => found.push(Change::Tags(Tags::AddOne { tag })),
            (_, last) => {
                added.extend(last);
                if !added.is_empty() {
                    found.push(Change::Tags(Tags::AddMultiple { tags: added }));
                }
            }
        }
        if self.license != new.license {
            let some = |license: &License| (*license != License::default()).then(|| license.clone());
            found.push(Change::License { old: some(&self.license), new: some(&new.license) });
        }
        found.extend(text(&self.url, &new.url).map(Change::Url));
        found.extend(text(&self.version, &new.version).map(Change::Version));
        found.extend(Fields::between(&self.extras, &new.extras).into_iter().map(Change::ExtraFields));
        let (old_extensions, new_extensions) = self.extensions_shown(new);
        found.extend(Fields::between(&old_extensions, &new_extensions).into_iter().map(Change::ExtensionFields));
    }

    /// Returns the differing extensions, as they are in the two packages.
    fn extensions_shown(&self, new: &Self) -> (Map<String, Value>, Map<String, Value>) {
        let mut shown = (Map::new(), Map::new());
        let keys = self.extensions.keys().chain(new.extensions.keys());
        for key in keys.filter(|key| self.extensions.get(*key) != new.extensions.get(*key)) {
            let whole =
                |facts: &Self| facts.package.and_then(|package| package.get(key)).filter(|value| !value.is_null());
            let (mut old_value, mut new_value) = (whole(self), whole(new));
            if old_value == new_value {
                // The packages use different dialects for this property.
                (old_value, new_value) = (self.extensions.get(key), new.extensions.get(key));
            }
            shown.0.extend(old_value.map(|value| (key.clone(), value.clone())));
            shown.1.extend(new_value.map(|value| (key.clone(), value.clone())));
        }
        shown
    }
}

/// Removes the author and the maintainer: those of CKAN, or else the first contributor of each role. Other
/// properties of these two, and the other contributors, stay.
fn people(rest: &mut Map<String, Value>) -> (Person, Person) {
    let mut direct = |name: &str, email: &str| Person { name: take_text(rest, name), email: take_text(rest, email) };
    let mut author = direct("author", "author_email");
    let mut maintainer = direct("maintainer", "maintainer_email");
    let Some(Value::Array(contributors)) = rest.get_mut("contributors") else { return (author, maintainer) };
    let mut grouped = Vec::new();
    for (person, roles) in [(&mut author, &["author", "creator", ""][..]), (&mut maintainer, &["maintainer"])] {
        if *person != Person::default() {
            continue;
        }
        let first = contributors.iter_mut().find(|contributor| {
            contributor.as_object().and_then(lone_role).is_some_and(|role| roles.contains(&role))
                && ["title", "email"].iter().any(|key| contributor.get(*key).is_some_and(Value::is_string))
        });
        if let Some(Value::Object(contributor)) = first {
            // The role only tells which of the two it is, so it is consumed.
            let role = lone_role(contributor).filter(|role| *role == roles[0] || role.is_empty());
            if role.is_some() {
                contributor.remove("role");
                contributor.remove("roles");
            }
            *person = Person { name: take_text(contributor, "title"), email: take_text(contributor, "email") };
            contributor.retain(|_, value| !value.is_null());
            grouped.push(std::mem::take(contributor));
        }
    }
    // The remaining properties of these two are marked, so that they are not mistaken for other contributors.
    contributors.retain(|contributor| contributor.as_object().is_none_or(|contributor| !contributor.is_empty()));
    contributors
        .extend(grouped.into_iter().filter(|rest| !rest.is_empty()).map(|rest| vec![Value::Object(rest)].into()));
    if contributors.is_empty() {
        rest.remove("contributors");
    }
    (author, maintainer)
}

/// Returns the role of a contributor with at most one role; the empty string without a role.
fn lone_role(contributor: &Map<String, Value>) -> Option<&str> {
    let mut roles = match contributor.get("roles") {
        Some(Value::Array(roles)) => roles.iter().collect(),
        None | Some(Value::Null) => Vec::new(),
        Some(_) => return None,
    };
    roles.extend(contributor.get("role").filter(|role| !role.is_null()));
    match roles[..] {
        [] => Some(""),
        [role] => role.as_str(),
        _ => None,
    }
}

/// Removes the organization and its title.
fn organization(rest: &mut Map<String, Value>) -> (Option<String>, Option<String>) {
    let mut id = take_text(rest, "owner_org");
    if id.is_none() {
        id = take_text(rest, "organization");
    }
    let mut title = None;
    if let Some(Value::Object(organization)) = rest.get_mut("organization") {
        organization.retain(|_, value| !value.is_null());
        if id.is_none() {
            id = take_first(organization, &["id", "name"]);
        } else if organization.get("id").and_then(Value::as_str) == id.as_deref() {
            organization.remove("id");
        }
        // A title without an ID does not identify an organization, so it stays.
        title = id.is_some().then(|| take_text(organization, "title")).flatten();
        if organization.is_empty() {
            rest.remove("organization");
        }
    }
    (id, title)
}

/// Removes the keywords. Items that are not strings stay; of CKAN's tags only the name counts.
fn tags(rest: &mut Map<String, Value>) -> BTreeSet<String> {
    let mut tags = BTreeSet::new();
    for key in ["keywords", "tags"] {
        let Some(Value::Array(list)) = rest.get_mut(key) else { continue };
        list.retain(|tag| {
            let text = tag.as_str().or_else(|| tag.get("name").and_then(Value::as_str));
            tags.extend(text.filter(|text| !text.is_empty()).map(str::to_owned));
            text.is_none() && !tag.is_null()
        });
        if list.is_empty() {
            rest.remove(key);
        }
    }
    tags
}

/// Removes the first licence: of the list, or else CKAN's.
fn license(rest: &mut Map<String, Value>) -> License {
    let mut license = License::default();
    if let Some(Value::Array(list)) = rest.get_mut("licenses") {
        if let Some(Value::Object(first)) = list.first_mut() {
            license = License {
                name: take_text(first, "name"),
                title: take_text(first, "title"),
                path: take_text(first, "path"),
            };
            first.retain(|_, value| !value.is_null());
        }
        if list.is_empty() || (list.len() == 1 && list[0].as_object().is_some_and(Map::is_empty)) {
            rest.remove("licenses");
        }
    }
    if license == License::default() {
        license = License {
            name: take_text(rest, "license_id"),
            title: take_text(rest, "license_title"),
            path: take_text(rest, "license_url"),
        };
    }
    license
}

/// Removes CKAN's `extras`. Items with a duplicate key or the key of a top-level property stay, and so do
/// malformed ones.
fn extras(rest: &mut Map<String, Value>) -> Map<String, Value> {
    let mut extras = Map::new();
    let Some(Value::Array(mut list)) = rest.remove("extras") else { return extras };
    list.retain(|extra| {
        let Some(key) = extra.get("key").and_then(Value::as_str) else { return !extra.is_null() };
        if extras.contains_key(key) || (rest.contains_key(key) && !STANDARD.contains(&key)) {
            return true;
        }
        let value = extra.get("value").filter(|value| !value.is_null());
        extras.extend(value.map(|value| (key.to_owned(), value.clone())));
        false
    });
    if !list.is_empty() {
        rest.insert("extras".to_owned(), list.into());
    }
    extras
}
