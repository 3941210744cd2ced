//! Link previews (Open Graph): what other sites and search engines show of a page of a dataset that everybody may read.

use std::fmt::Write as _;

use metastore::{EntryKind, FilePath};
use percent_encoding::percent_decode_str;

use crate::access::{DatasetGrant, OwnerViewGrant, Read};
use crate::app::App;
use crate::types::RepoPath;
use crate::web::http::{AnonymousVisitor, escape_html, segment};

/// Maximum lengths of title and description, in characters. Sites show less.
const MAX_TITLE: usize = 150;
const MAX_DESCRIPTION: usize = 300;

/// The picture of all pages, below the URL of the server.
const IMAGE: &str = "/_app/card.png";

/// Title and description of a page.
#[derive(Debug)]
pub(super) struct Preview {
    title: String,
    description: String,
    /// The address of the page.
    url: String,
    image: String,
}

/// A page of a dataset, as its URL says.
#[derive(Debug, PartialEq, Eq)]
struct DatasetPage {
    dataset: RepoPath,
    view: View,
}

#[derive(Debug, PartialEq, Eq)]
enum View {
    /// The dataset itself, also for pages about its history or its settings.
    Dataset,
    Releases,
    /// All files of a revision.
    Version(String),
    /// A file or folder of a revision.
    Entry {
        page: &'static str,
        revision: String,
        path: FilePath,
    },
}

impl DatasetPage {
    /// Parses the path of a URL: `/d/{owner}/{dataset}/file/{revision}/{path}`, for example.
    fn parse(path: &str) -> Option<Self> {
        let decode = |part: &str| percent_decode_str(part).decode_utf8().ok().map(std::borrow::Cow::into_owned);
        let mut parts = path.strip_prefix("/d/")?.split('/').filter(|part| !part.is_empty()).map(decode);
        let dataset = RepoPath::from_segments(&parts.next()??, &parts.next()??).ok()?;
        let (page, revision) = (parts.next().flatten(), parts.next().flatten());
        let rest = parts.collect::<Option<Vec<_>>>()?.join("/");
        let entry = |page, revision| {
            let path = rest.parse().ok()?;
            Some(View::Entry { page, revision, path })
        };
        let view = match (page.as_deref(), revision) {
            (Some("releases"), None) => Some(View::Releases),
            (Some("tree"), Some(revision)) if rest.is_empty() => Some(View::Version(revision)),
            (Some("tree"), Some(revision)) => entry("tree", revision),
            (Some("file"), Some(revision)) => entry("file", revision),
            _ => None,
        };
        Some(Self { dataset, view: view.unwrap_or(View::Dataset) })
    }
}

/// Finds the preview of the page at a path of `base`; `None` if not everybody may read the dataset, or if there is none.
pub(super) async fn find(app: &App, visitor: &AnonymousVisitor, base: &str, path: &str) -> Option<Preview> {
    let DatasetPage { dataset, view } = DatasetPage::parse(path)?;
    let grant: DatasetGrant<Read> = app.access.authorize(&visitor.actor, &dataset).await.ok()?;
    let card = app.datasets.search_hit(&grant).await.unwrap_or_default();
    let id = dataset.to_string();
    let name = card.title.as_deref().map_or_else(|| id.clone(), |title| format!("{title} · {id}"));
    let about = card.description.unwrap_or_else(|| format!("The dataset {id} with its full history."));
    let own = format!("/d/{}/{}", segment(dataset.owner.as_str()), segment(dataset.name.as_str()));
    let (title, description, page) = match view {
        View::Dataset => (name, about, own),
        View::Releases => (format!("Releases · {name}"), about, format!("{own}/releases")),
        View::Version(revision) => match app.datasets.tag(&grant, &revision).await {
            Ok(tag) => {
                let notes = tag.description.trim();
                let about = if notes.is_empty() { about } else { notes.to_owned() };
                (format!("{revision} · {name}"), about, format!("{own}/tree/{}", segment(&revision)))
            }
            Err(_) => (name, about, own),
        },
        View::Entry { page, revision, path } => {
            match app.datasets.locate(&grant.at(path), Some(revision.as_str())).await {
                // A name in a URL is shown only if there is such a file.
                Ok(found) if (found.entry.kind == EntryKind::Folder) == (page == "tree") => {
                    let path: Vec<String> = found.entry.path.split('/').map(segment).collect();
                    let url = format!("{own}/{page}/{}/{}", segment(&revision), path.join("/"));
                    (format!("{} · {name}", found.entry.path), about, url)
                }
                _ => (name, about, own),
            }
        }
    };
    Some(Preview {
        title: shortened(&title, MAX_TITLE),
        description: shortened(&description, MAX_DESCRIPTION),
        url: format!("{base}{page}"),
        image: format!("{base}{IMAGE}"),
    })
}

/// Returns the preview of the page of an owner, as an anonymous visitor sees it. `base` is the URL of the server.
pub(super) fn of_owner(view: &OwnerViewGrant, base: &str) -> Preview {
    let profile = view.profile();
    let title = match profile.display_name.as_str() {
        "" => profile.name.clone(),
        name => format!("{name} · {}", profile.name),
    };
    let about = match profile.bio.as_str() {
        "" => format!("Datasets of {title}, with their full history."),
        bio => bio.to_owned(),
    };
    Preview {
        title: shortened(&title, MAX_TITLE),
        description: shortened(&about, MAX_DESCRIPTION),
        url: format!("{base}/{}", segment(&profile.name)),
        image: format!("{base}{IMAGE}"),
    }
}

/// Returns the beginning of a text, on one line.
fn shortened(text: &str, most: usize) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect();
    let line = words.join(" ");
    if line.chars().count() <= most {
        return line;
    }
    let mut short: String = line.chars().take(most - 1).collect();
    short.push('…');
    short
}

impl Preview {
    /// Returns the elements of the document's head.
    pub(super) fn html(&self) -> String {
        let Self { title, description, url, image } = self;
        let mut html = format!("<meta name=\"description\" content=\"{}\">\n", escape_html(description));
        for (property, content) in [
            ("og:site_name", "rutter"),
            ("og:type", "website"),
            ("og:title", title.as_str()),
            ("og:description", description.as_str()),
            ("og:url", url.as_str()),
            ("og:image", image.as_str()),
            ("og:image:width", "1200"),
            ("og:image:height", "630"),
            ("og:image:alt", "rutter: data with its full history"),
        ] {
            let _ = writeln!(html, "<meta property=\"{property}\" content=\"{}\">", escape_html(content));
        }
        html.push_str("<meta name=\"twitter:card\" content=\"summary_large_image\">\n");
        let _ = writeln!(html, "<link rel=\"canonical\" href=\"{}\">", escape_html(url));
        let _ = write!(html, "<title>{} · rutter</title>", escape_html(title));
        html
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_found_by_its_url() {
        let page = |path: &str| DatasetPage::parse(path).map(|page| (page.dataset.to_string(), page.view));
        let is_dataset = |path: &str| page(path) == Some(("ada/birds".into(), View::Dataset));
        for path in
            ["/d/ada/birds", "/d/ada/birds/", "/d/ada/birds/settings", "/d/ada/birds/tree", "/d/ada/birds/file/main"]
        {
            assert!(is_dataset(path), "{path}");
        }
        assert!(is_dataset("/d/ada/birds/file/main/%2e%2e/x"), "not the path of a file");
        assert_eq!(page("/d/ada/birds/releases").unwrap().1, View::Releases);
        assert_eq!(page("/d/a%2Fb/c/tree/v%2F1"), Some(("a/b/c".into(), View::Version("v/1".into()))));
        let path = "data/a #1.csv".parse().unwrap();
        let file = View::Entry { page: "file", revision: "main".into(), path };
        assert_eq!(page("/d/ada/birds/file/main/data/a%20%231.csv").unwrap().1, file);
        for path in ["/d/ada", "/d/", "/d/%ff/x", "/d/ada/birds/file/main/%ff", "/d/-/x", "/x/ada/birds"] {
            assert_eq!(page(path), None, "{path}");
        }
    }

    #[test]
    fn text_of_users_stays_text() {
        let hostile = "\"><script>alert(1)</script>' onload='x";
        let text = shortened(&format!("{hostile}\n\t{}", "a ".repeat(400)), MAX_TITLE);
        assert_eq!(text.chars().count(), MAX_TITLE);
        let preview = Preview { title: text.clone(), description: text, url: hostile.into(), image: hostile.into() };
        let html = preview.html();
        assert!(!html.contains("<script") && !html.contains('\'') && !html.contains("\n\t"), "{html}");
        assert_eq!(html.matches("<title>").count(), 1);
        // Only the quotes around values.
        assert!(html.lines().all(|line| line.matches('"').count() % 2 == 0), "{html}");
    }
}
