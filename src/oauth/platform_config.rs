//! Configuration files for the applications of a data platform, made from the catalogue: users sign in with this server,
//! and have the roles there that their platform role gives them. Secrets stand in them as environment variables.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::json;

use super::OAuth;
use super::clients::{ClientRow, urls};
use crate::access::ClientGrant;
use crate::access::applications::{Application, admits, application};
use crate::db::platform_roles::PlatformRoleRow;
use crate::error::{Error, Result};
use crate::types::PlatformRole;

const FLASK_APPBUILDER: &str = include_str!("platform_config/flask_appbuilder.py");
const JUPYTERHUB: &str = include_str!("platform_config/jupyterhub_config.py");
const CLICKHOUSE_XML: &str = include_str!("platform_config/clickhouse.xml");
const CLICKHOUSE_SQL: &str = include_str!("platform_config/clickhouse.sql");

/// Values of the Helm charts.
const SUPERSET_YAML: &str = include_str!("platform_config/superset.yaml");
const AIRFLOW_YAML: &str = include_str!("platform_config/airflow.yaml");
const JUPYTERHUB_YAML: &str = include_str!("platform_config/jupyterhub.yaml");
const CLICKHOUSE_YAML: &str = include_str!("platform_config/clickhouse.yaml");

/// A configuration file.
#[derive(Debug)]
pub struct ConfigFile {
    /// Its name.
    pub name: &'static str,
    /// Its text.
    pub text: String,
}

/// The configuration of an application of the catalogue.
#[derive(Debug)]
pub struct PlatformConfig {
    /// The name of the application in the catalogue.
    pub application: &'static str,
    /// The files.
    pub files: Vec<ConfigFile>,
    /// The environment variables with secrets that the files read.
    pub environment: Vec<&'static str>,
}

impl OAuth {
    /// Returns the configuration files of an application.
    ///
    /// # Errors
    /// Conflict if it is not in the catalogue, or lacks a scope or a secret that the files need.
    pub async fn platform_config(&self, grant: &ClientGrant) -> Result<PlatformConfig> {
        let client = grant.client();
        let entry = client.application.as_deref().and_then(application);
        let entry = entry.ok_or_else(|| {
            Error::conflict(
                "set `application` first: there is configuration for the applications of the catalogue only",
            )
        })?;
        let (files, environment) = match entry.name.as_str() {
            "clickhouse" => (self.clickhouse(entry, client).await?, vec![]),
            "jupyterhub" => {
                let text = self.jupyterhub(entry, client)?;
                let files = with_values("jupyterhub_config.py", text, JUPYTERHUB_YAML);
                (files, vec!["RUTTER_CLIENT_SECRET", "JUPYTERHUB_CRYPT_KEY"])
            }
            name => {
                let (name, values) = match name {
                    "airflow" => ("webserver_config.py", AIRFLOW_YAML),
                    _ => ("superset_config.py", SUPERSET_YAML),
                };
                let text = self.flask_appbuilder(entry, client)?;
                (with_values(name, text, values), vec!["RUTTER_CLIENT_SECRET"])
            }
        };
        Ok(PlatformConfig { application: &entry.name, files, environment })
    }

    fn flask_appbuilder(&self, entry: &Application, client: &ClientRow) -> Result<String> {
        let mapping = admitted(entry, client).fold(String::new(), |mut lines, (role, roles)| {
            _ = writeln!(lines, "    \"platform:{role}\": {},", json!(roles));
            lines
        });
        let scopes = scopes(client, &["openid", "profile", "groups"], &["email"])?;
        Ok(fill(
            FLASK_APPBUILDER,
            &[
                ("title", entry.title.clone()),
                ("mapping", mapping),
                ("client_id", python(&client.id.to_string())),
                ("metadata", self.url("/.well-known/openid-configuration")),
                ("api", self.url("/oauth/")),
                ("scopes", python(&scopes.join(" "))),
            ],
        ))
    }

    fn jupyterhub(&self, entry: &Application, client: &ClientRow) -> Result<String> {
        let group = |role: PlatformRole| format!("platform:{role}");
        let users: Vec<String> = admitted(entry, client).map(|(role, _)| group(role)).collect();
        let is_admin = |roles: &[String]| roles.iter().any(|role| role == "admin");
        let admins = admitted(entry, client).filter(|(_, roles)| is_admin(roles)).map(|(role, _)| group(role));
        // Not `{}`, which is no set.
        let set = |names: Vec<String>| format!("set({})", json!(names));
        let redirects = urls(&client.redirects)?;
        Ok(fill(
            JUPYTERHUB,
            &[
                ("client_id", python(&client.id.to_string())),
                ("redirect", python(redirects.first().map_or("", String::as_str))),
                ("authorize", self.url("/oauth/authorize")),
                ("token", self.url("/oauth/token")),
                ("userinfo", self.url("/oauth/userinfo")),
                ("scopes", json!(scopes(client, &["openid", "profile", "groups"], &["offline_access"])?).to_string()),
                ("users", set(users)),
                ("admins", set(admins.collect())),
            ],
        ))
    }

    async fn clickhouse(&self, entry: &Application, client: &ClientRow) -> Result<Vec<ConfigFile>> {
        let rows = self.db.read().await?.platform_roles(client.owner_id).await?;
        let uri = format!("{}/oauth/basic/{}", self.issuer, client.id);
        let uri = uri.replace('&', "&amp;").replace('<', "&lt;");
        let known: BTreeSet<&str> = entry.roles.values().flatten().map(String::as_str).collect();
        let known = known.into_iter().collect::<Vec<_>>().join(", ");
        let admitted = rows.iter().filter(|row| admits(Some(&entry.name), &client.roles, Some(row.role)));
        let users = admitted.map(|row| clickhouse_user(entry, row, &known)).collect();
        let sql = fill(CLICKHOUSE_SQL, &[("database", identifier(&client.owner)), ("users", users)]);
        let mut files = with_values("rutter.xml", fill(CLICKHOUSE_XML, &[("basic", uri)]), CLICKHOUSE_YAML);
        files.insert(1, ConfigFile { name: "clickhouse.sql", text: sql });
        Ok(files)
    }

    /// Returns the URL of a path of this server, as a literal of Python.
    fn url(&self, path: &str) -> String {
        python(&format!("{}{path}", self.issuer))
    }
}

/// Returns the platform roles that may sign in to an application, with their roles there.
fn admitted<'a>(
    entry: &'a Application,
    client: &ClientRow,
) -> impl Iterator<Item = (PlatformRole, &'a Vec<String>)> + use<'a> {
    let listed = client.roles.clone();
    let is_admitted = move |role| admits(Some(&entry.name), &listed, Some(role));
    entry.roles.iter().map(|(role, roles)| (*role, roles)).filter(move |(role, _)| is_admitted(*role))
}

fn clickhouse_user(entry: &Application, row: &PlatformRoleRow, known: &str) -> String {
    let user = identifier(&row.name);
    let roles = entry.roles.get(&row.role).map(|roles| roles.join(", ")).unwrap_or_default();
    let own = if entry.own_database.contains(&row.role) {
        format!("CREATE DATABASE IF NOT EXISTS {user};\nGRANT ALL ON {user}.* TO {user};\n")
    } else {
        format!("REVOKE ALL ON {user}.* FROM {user};\n")
    };
    format!(
        "\nCREATE USER IF NOT EXISTS {user} IDENTIFIED WITH http SERVER 'rutter' SCHEME 'BASIC';\n\
         REVOKE {known} FROM {user};\nGRANT {roles} TO {user};\n{own}"
    )
}

/// Returns the scopes that a configuration asks for: those that it needs, and those that the application may also ask for.
fn scopes(client: &ClientRow, needed: &[&'static str], useful: &[&'static str]) -> Result<Vec<&'static str>> {
    let has = |scope: &&str| client.scopes.split_ascii_whitespace().any(|one| one == *scope);
    if let Some(missing) = needed.iter().find(|scope| !has(scope)) {
        return Err(Error::conflict(format!("add the scope `{missing}` to the application first")));
    }
    if client.secret.is_none() {
        return Err(Error::conflict("a public application has no secret: register it again, as a confidential one"));
    }
    Ok(needed.iter().chain(useful.iter().filter(|scope| has(scope))).copied().collect())
}

/// Replaces each `{{name}}` of a template, once: values are not templates.
fn fill(template: &str, values: &[(&str, String)]) -> String {
    let mut parts = template.split("{{");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once("}}").expect("the templates are tested");
        let (_, value) = values.iter().find(|(known, _)| *known == name).expect("the templates are tested");
        text.push_str(value);
        text.push_str(rest);
    }
    text
}

/// Returns a configuration file, and the values of a Helm chart with the same text.
fn with_values(name: &'static str, text: String, values: &str) -> Vec<ConfigFile> {
    let before = values.split("\n{{text}}").next().and_then(|head| head.lines().last()).unwrap_or_default();
    // A block of YAML is indented further than its key.
    let indent = " ".repeat(before.len() - before.trim_start().len() + 2);
    let block = text.lines().map(|line| if line.is_empty() { String::new() } else { format!("{indent}{line}") });
    let block = block.collect::<Vec<_>>().join("\n");
    let values = fill(values, &[("text", block)]);
    vec![ConfigFile { name, text }, ConfigFile { name: "values.yaml", text: values }]
}

/// Returns text as a literal of Python, of which JSON is a part.
fn python(text: &str) -> String {
    json!(text).to_string()
}

/// Returns a name as an identifier of SQL. Names of owners have neither backquotes nor backslashes.
fn identifier(name: &str) -> String {
    format!("`{name}`")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn values_of_charts_have_the_text_of_the_file() {
        let text = "# a comment\nimport os\n\nd = {\n    \"a\": [{\"b\": 1}],\n}\n";
        for (values, path) in [
            (SUPERSET_YAML, "/configOverrides/rutter"),
            (AIRFLOW_YAML, "/apiServer/apiServerConfig"),
            (JUPYTERHUB_YAML, "/hub/extraConfig/rutter"),
            (CLICKHOUSE_YAML, "/extraOverrides"),
        ] {
            let files = with_values("file", text.to_owned(), values);
            let parsed: Value = serde_saphyr::from_str(&files[1].text).unwrap();
            assert_eq!(parsed.pointer(path).unwrap(), text, "{}", files[1].text);
        }
    }

    #[test]
    fn charts_find_no_templates_of_their_own_in_the_files() {
        // Some charts evaluate the text as a template.
        for template in [FLASK_APPBUILDER, JUPYTERHUB, CLICKHOUSE_XML] {
            let names = template.split("{{").skip(1).map(|part| part.split_once("}}").unwrap().0);
            let values: Vec<_> = names.map(|name| (name, "[[\"x\"]]".to_owned())).collect();
            assert!(!fill(template, &values).contains("{{"));
        }
    }
}
