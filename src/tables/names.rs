//! Names of tables: which files at which revision a table consists of.

use datapackage::PACKAGE;
use metastore::{EntryKind, FilePath, ObjectId};
use serde_json::{Map, Value};
use tables_wire::{Compression, Format, Table, TableFile, TableName};

use super::Tables;
use super::result::TableSource;
use super::source::TableContent;
use crate::access::TableGrant;
use crate::datasets::browse::Listing;
use crate::datasets::package::Package;
use crate::error::{Error, Kind, Result};

/// Maximum number of files of a table, and of all tables of a query.
pub(super) const MAX_FILES: usize = 10_000;

/// Maximum size of the declared schema and dialect of a table, and of those of all tables of a query, in bytes of JSON.
pub(super) const MAX_DECLARED_BYTES: usize = 4 << 20;

/// The properties of a resource that say how its files are read.
const DECLARED: [&str; 3] = ["schema", "dialect", "encoding"];

/// What a revision says about its tables.
pub(super) struct Described {
    pub(super) commit: ObjectId,
    package: Option<Package>,
}

impl Described {
    fn resources(&self) -> &[Value] {
        self.package.as_ref().map_or(&[][..], package_resources)
    }
}

/// A table at a revision.
#[derive(Clone)]
pub(super) struct LocatedTable {
    /// Where it comes from.
    pub(super) source: TableSource,
    /// Its files, in the order of `table.files`.
    pub(super) files: Vec<TableContent>,
    /// How the engine sees it.
    pub(super) table: Table,
}

impl LocatedTable {
    /// Returns its files with the tags of their content.
    pub(super) fn contents(&self) -> Result<Vec<(FilePath, String)>> {
        let files = self.table.files.iter().zip(&self.files);
        files.map(|(described, file)| Ok((described.name.parse()?, file.tag()))).collect()
    }
}

impl Tables {
    /// Finds the table with this name: a resource of the Data Package, a file, or a folder with files of one format.
    ///
    /// # Errors
    /// Not found if the revision or the table does not exist, or the actor has no access; unsupported media type for files
    /// that are no tables; invalid for a resource that cannot be read.
    pub(super) async fn find(&self, grant: &TableGrant, revision: &str, name: &str) -> Result<LocatedTable> {
        let described = self.described(grant, revision).await?;
        self.find_in(grant, &described, revision, name).await
    }

    /// Reads what a revision says about its tables.
    ///
    /// # Errors
    /// Not found if the revision does not exist.
    pub(super) async fn described(&self, grant: &TableGrant, revision: &str) -> Result<Described> {
        let (commit, package) = self.0.datasets.package_for(&grant.at(&package_path())?, Some(revision)).await?;
        Ok(Described { commit, package })
    }

    async fn find_in(
        &self,
        grant: &TableGrant,
        described: &Described,
        revision: &str,
        name: &str,
    ) -> Result<LocatedTable> {
        let commit = described.commit;
        let source =
            TableSource { dataset: grant.full_name(), revision: revision.to_owned(), commit, table: name.to_owned() };
        let all = described.resources();
        if let Some(resource) = all.iter().find(|resource| resource["name"] == name) {
            let paths = resource_paths(resource, name)?;
            let format = resource["format"].as_str().and_then(Format::from_extension);
            return self.open(grant, source, &paths, format, declared(resource)?).await;
        }
        let Ok(path) = name.trim_end_matches('/').parse::<FilePath>() else { return Err(no_table(name)) };
        if !name.ends_with('/') {
            let resource = all.iter().find(|resource| describes(resource, &path));
            let format = resource.and_then(|resource| Format::from_extension(resource["format"].as_str()?));
            let declared = resource.map(declared).transpose()?.unwrap_or_default();
            let found = self.open(grant, source, std::slice::from_ref(&path), format, declared).await;
            return found.map_err(|error| if error.kind() == Kind::NotFound { no_table(name) } else { error });
        }
        let paths = self.folder(grant, commit, &path).await?;
        self.open(grant, source, &paths, None, Map::new()).await
    }

    /// Finds the table that a query names. A name without quotes is also that of a resource in another case, if only one
    /// is meant.
    ///
    /// # Errors
    /// As for [`Tables::find`].
    pub(super) async fn find_for_query(
        &self,
        grant: &TableGrant,
        described: &Described,
        name: &TableName,
    ) -> Result<LocatedTable> {
        let revision = described.commit.to_string();
        let found = self.find_in(grant, described, &revision, &name.table).await;
        if name.is_quoted || !matches!(&found, Err(error) if error.kind() == Kind::NotFound) {
            return found;
        }
        let names = described.resources().iter().filter_map(|resource| resource["name"].as_str());
        let mut similar = names.filter(|other| other.eq_ignore_ascii_case(&name.table));
        match (similar.next(), similar.next()) {
            (Some(only), None) => self.find_in(grant, described, &revision, only).await,
            _ => found,
        }
    }

    /// Finds the table in the file at the path of the grant, in a revision or in the newest one.
    ///
    /// # Errors
    /// As for [`Tables::find`].
    pub(super) async fn find_file(
        &self,
        grant: &TableGrant,
        revision: Option<&str>,
        format: Option<Format>,
    ) -> Result<LocatedTable> {
        let path = grant.path().ok_or_else(|| Error::not_found("the path of a file is required"))?;
        let located = self.0.datasets.locate(&grant.at(path)?, revision).await?;
        let (commit, mut resource_format, mut properties) = (located.revision, None, Map::new());
        // An actor with access to this file alone sees it without its description.
        if let Some(package) = grant.beside(&package_path()) {
            let (_, package) = self.0.datasets.package_for(&package, Some(&commit.to_string())).await?;
            let all = package.as_ref().map_or(&[][..], |package| package_resources(package));
            if let Some(resource) = all.iter().find(|resource| describes(resource, path)) {
                resource_format = resource["format"].as_str().and_then(Format::from_extension);
                properties = declared(resource)?;
            }
        }
        let format = format.or(resource_format);
        let source = source_of_file(grant, revision, commit, path);
        self.open(grant, source, std::slice::from_ref(path), format, properties).await
    }

    /// Finds a file whose columns are to be inferred, without what its resource declares.
    ///
    /// # Errors
    /// As for [`Tables::find`].
    pub(super) async fn find_undeclared(
        &self,
        grant: &TableGrant,
        revision: &str,
        path: &FilePath,
        format: Option<Format>,
    ) -> Result<LocatedTable> {
        let located = self.0.datasets.locate(&grant.at(path)?, Some(revision)).await?;
        let source = source_of_file(grant, Some(revision), located.revision, path);
        self.open(grant, source, std::slice::from_ref(path), format, Map::new()).await
    }

    /// Finds the table that consists of these files.
    ///
    /// # Errors
    /// As for [`Tables::find`].
    pub(super) async fn find_files(
        &self,
        grant: &TableGrant,
        commit: ObjectId,
        name: String,
        paths: &[FilePath],
    ) -> Result<LocatedTable> {
        let source = TableSource { dataset: grant.full_name(), revision: commit.to_string(), commit, table: name };
        self.open(grant, source, paths, None, Map::new()).await
    }

    async fn open(
        &self,
        grant: &TableGrant,
        source: TableSource,
        paths: &[FilePath],
        format: Option<Format>,
        declared: Map<String, Value>,
    ) -> Result<LocatedTable> {
        let revision = source.commit.to_string();
        let (mut files, mut described) = (Vec::new(), Vec::new());
        let mut found = format;
        for path in paths {
            let file = self.0.files.open_for_table(grant, path, &revision).await?;
            let by_name = Format::from_name(&file.name);
            let this = format.or(by_name.map(|(format, _)| format)).ok_or_else(|| not_a_table(path))?;
            if *found.get_or_insert(this) != this {
                return Err(Error::invalid(format!(
                    "the files of a table must have one format, but {path} is {} and others are {}",
                    this.as_str(),
                    found.map_or("", Format::as_str)
                )));
            }
            let compression = this.is_text().then(|| Compression::split(&file.name).1).flatten();
            described.push(TableFile { name: path.to_string(), size: file.size, compression });
            files.push(TableContent::File(Box::new(file)));
        }
        let format = found.ok_or_else(|| Error::invalid("the table has no files"))?;
        Ok(LocatedTable { source, files, table: Table { files: described, format, declared } })
    }

    /// Returns the tables directly in a folder, sorted by name.
    async fn folder(&self, grant: &TableGrant, commit: ObjectId, path: &FilePath) -> Result<Vec<FilePath>> {
        let listing = Listing { limit: MAX_FILES + 1, ..Listing::default() };
        let listed = self.0.datasets.list(&grant.at(path)?, Some(&commit.to_string()), listing).await?;
        let entries = listed.map(|folder| folder.entries).unwrap_or_default();
        if entries.len() > MAX_FILES {
            return Err(Error::invalid(format!("a table can have at most {MAX_FILES} files, and {path}/ has more")));
        }
        let is_file = |kind| matches!(kind, EntryKind::File | EntryKind::Executable);
        let tables =
            entries.iter().filter(|found| is_file(found.entry.kind) && Format::from_name(&found.entry.path).is_some());
        let mut paths: Vec<FilePath> = tables.filter_map(|found| found.entry.path.parse().ok()).collect();
        paths.sort();
        if paths.is_empty() {
            return Err(Error::not_found(format!("the folder {path}/ has no tables ({})", Format::EXTENSIONS)));
        }
        Ok(paths)
    }
}

fn source_of_file(grant: &TableGrant, revision: Option<&str>, commit: ObjectId, path: &FilePath) -> TableSource {
    let revision = revision.map_or_else(|| commit.to_string(), ToOwned::to_owned);
    TableSource { dataset: grant.full_name(), revision, commit, table: path.to_string() }
}

/// Returns the path of the Data Package.
pub(super) fn package_path() -> FilePath {
    PACKAGE.parse().expect("a plain name is a path")
}

pub(super) fn package_resources(package: &Package) -> &[Value] {
    package.get("resources").map_or(&[], |list| list.as_array().map_or(&[][..], Vec::as_slice))
}

fn no_table(name: &str) -> Error {
    Error::not_found(format!(
        "there is no table {name:?} at this revision; use the name of a resource, the path of a file, or the path of a \
         folder with a trailing slash"
    ))
}

fn not_a_table(path: &FilePath) -> Error {
    Error::unsupported_media(format!("{path} is not a table; supported are {}", Format::EXTENSIONS))
}

/// Returns true if a resource consists of this file alone.
fn describes(resource: &Value, path: &FilePath) -> bool {
    match &resource["path"] {
        Value::Array(paths) => matches!(&paths[..], [only] if only == path.as_str()),
        single => single == path.as_str(),
    }
}

/// Returns the paths of a resource.
///
/// # Errors
/// Invalid if its data is not in files of the dataset.
pub(super) fn resource_paths(resource: &Value, name: &str) -> Result<Vec<FilePath>> {
    let paths = match &resource["path"] {
        Value::Array(paths) => &paths[..],
        single => std::slice::from_ref(single),
    };
    if paths.len() > MAX_FILES {
        return Err(Error::invalid(format!(
            "a table can have at most {MAX_FILES} files, and the resource {name:?} has more"
        )));
    }
    let parse = |path: &Value| path.as_str().and_then(|path| path.parse().ok());
    paths.iter().map(parse).collect::<Option<_>>().ok_or_else(|| {
        Error::invalid(format!(
            "the data of the resource {name:?} is not in files of this dataset, so it has no rows here"
        ))
    })
}

/// Returns the properties of a resource that say how it is read.
fn declared(resource: &Value) -> Result<Map<String, Value>> {
    let is_usable = |key: &str, value: &Value| if key == "encoding" { value.is_string() } else { value.is_object() };
    let mut declared = Map::new();
    for key in DECLARED {
        // A schema can also be a path or a URL.
        if let Some(value) = resource.get(key).filter(|value| is_usable(key, value)) {
            declared.insert(key.to_owned(), value.clone());
        }
    }
    if declared_bytes(&declared)? > MAX_DECLARED_BYTES {
        return Err(Error::invalid(format!("the schema of a table can have at most {MAX_DECLARED_BYTES} bytes")));
    }
    Ok(declared)
}

/// Returns the size of a declared schema and dialect.
pub(super) fn declared_bytes(declared: &Map<String, Value>) -> Result<usize> {
    Ok(serde_json::to_vec(declared).map_err(Error::internal)?.len())
}
