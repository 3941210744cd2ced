//! The LFS URL in `.lfsconfig` (git-config(1), git-lfs-config(5)).

use gix::{
    bstr::ByteSlice as _,
    config::{File, file::Metadata, file::init::Options},
};

use super::LFS_CONFIG;
use crate::{Error, Result};

const SECTION: &str = "remote";
const REMOTE: &[u8] = b"origin";
const KEY: &str = "lfsurl";

/// Sets `remote.origin.lfsurl` to this URL and keeps everything else; `None` if it is already set to it.
pub(super) fn with_url(before: Option<&[u8]>, url: &str) -> Result<Option<Vec<u8>>> {
    let broken = |why: String| Error::Invalid(format!("cannot update {LFS_CONFIG}: {why}"));
    if url.is_empty() || url.contains(|c: char| c.is_control() || c.is_whitespace()) {
        return Err(broken("invalid URL of the LFS server".to_owned()));
    }
    let Some(before) = before.filter(|before| !before.is_empty()) else {
        return Ok(Some(format!("[{SECTION} \"origin\"]\n\t{KEY} = {}", escaped(url)).into_bytes()));
    };
    // A section appended to an unterminated or continued (backslash) last line would become a part of it.
    let last = before.strip_suffix(b"\n");
    let end = match (last, last.unwrap_or(before).ends_with(b"\\")) {
        (Some(_), false) => &b""[..],
        (Some(_), true) | (None, false) => b"\n",
        (None, true) => b"\n\n",
    };
    let mut file = File::from_bytes_no_includes(&[before, end].concat(), Metadata::api(), Options::default())
        .map_err(|error| broken(format!("the existing file is not a valid git configuration ({error})")))?;
    let name = Some(REMOTE.as_bstr());
    if file.raw_value_by(SECTION, name, KEY).is_ok_and(|value| value.as_bytes() == url.as_bytes()) {
        return Ok(None);
    }
    file.set_raw_value_by(SECTION, name, KEY, url.as_bytes().as_bstr()).map_err(|error| broken(error.to_string()))?;
    Ok(Some(file.to_bstring().into()))
}

/// Quotes a value for git: outside quotes, `#` and `;` start a comment.
fn escaped(url: &str) -> String {
    let text = url.replace('\\', "\\\\").replace('"', "\\\"");
    if text.contains(['#', ';']) { format!("\"{text}\"") } else { text }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    const URL: &str = "https://lfs.example.com/foo/bar";

    /// Returns the configuration as git reads it: every key and value, in order.
    fn listed(bytes: &[u8]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        std::fs::write(&path, bytes).unwrap();
        let output = Command::new("git").args(["config", "-z", "--list", "-f"]).arg(path).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().split_terminator('\0').map(str::to_owned).collect()
    }

    #[test]
    fn a_new_file_is_two_lines() {
        let file = with_url(None, URL).unwrap().unwrap();
        assert_eq!(file, b"[remote \"origin\"]\n\tlfsurl = https://lfs.example.com/foo/bar");
        assert_eq!(listed(&file), [format!("remote.origin.lfsurl\n{URL}")]);
        assert_eq!(with_url(Some(&file), URL).unwrap(), None);
    }

    #[test]
    fn the_keys_of_others_stay() {
        let before = b"# mine\n[lfs]\n\tfetchexclude = \"a,b\" ; why\n[remote \"origin\"]\n  LfsUrl = http://old\n  \
            lfspushurl=http://push\n[remote \"other\"]\nlfsurl = http://other\n";
        let after = with_url(Some(before), URL).unwrap().unwrap();
        let text = str::from_utf8(&after).unwrap();
        assert!(text.starts_with("# mine\n[lfs]\n\tfetchexclude = \"a,b\" ; why\n[remote \"origin\"]\n"), "{text}");
        assert_eq!(
            listed(&after),
            [
                "lfs.fetchexclude\na,b".to_owned(),
                format!("remote.origin.lfsurl\n{URL}"),
                "remote.origin.lfspushurl\nhttp://push".to_owned(),
                "remote.other.lfsurl\nhttp://other".to_owned(),
            ]
        );
        let added = with_url(Some(b"[lfs]\n\tlocksverify = true"), URL).unwrap().unwrap();
        assert_eq!(listed(&added), ["lfs.locksverify\ntrue".to_owned(), format!("remote.origin.lfsurl\n{URL}")]);
        for continued in ["[a]\n\tb = c\\", "[a]\n\tb = c\\\n"] {
            let added = with_url(Some(continued.as_bytes()), URL).unwrap().unwrap();
            assert_eq!(listed(&added), ["a.b\nc".to_owned(), format!("remote.origin.lfsurl\n{URL}")]);
            assert_eq!(with_url(Some(&added), URL).unwrap(), None);
        }
        let blank = with_url(Some(b""), URL).unwrap().unwrap();
        assert_eq!(listed(&blank), [format!("remote.origin.lfsurl\n{URL}")]);
    }

    #[test]
    fn what_is_no_configuration_is_left_alone() {
        assert!(with_url(Some(b"[remote \"origin\nx"), URL).unwrap_err().to_string().contains(LFS_CONFIG));
        for url in ["", "a\nb", "a b", "a\0"] {
            assert!(with_url(None, url).is_err(), "{url:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn git_reads_the_url_back(url in "https://[a-z]{1,5}/[!-~]{0,20}", before in "(\\[lfs\\]\n\ta = b\n)?(\\[remote \"origin\"\\]\n\tlfsurl = x\n)?") {
            let file = with_url(Some(before.as_bytes()), &url).unwrap().unwrap();
            let last = format!("remote.origin.lfsurl\n{url}");
            let found = listed(&file);
            prop_assert_eq!(found.last(), Some(&last), "{}", String::from_utf8_lossy(&file));
            prop_assert_eq!(with_url(Some(&file), &url).unwrap(), None);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(before in prop::collection::vec(any::<u8>(), 0..60), text in "(\\[[a-z \"]{0,8}\\]|[a-z=;#\"\\\\ \n\t]{0,8}){0,6}") {
            let _ = with_url(Some(&before), URL);
            if let Ok(Some(after)) = with_url(Some(text.as_bytes()), URL) {
                prop_assert_eq!(with_url(Some(&after), URL).unwrap(), None);
            }
        }
    }
}
