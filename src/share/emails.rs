//! E-mails that notify recipients of new shares.

use std::fmt::Write as _;

use super::Shares;
use crate::access::ShareGrant;
use crate::config::SignUp;
use crate::db::Tx;
use crate::db::shares::{GranteeId, ShareRow};
use crate::error::Result;
use crate::mail::{self, OutgoingEmail};
use crate::types::{Email, ShareKind, ShareRight, url_segment};

/// Name of the dataset that is a user's personal drive.
pub(super) const DRIVE: &str = "drive";

impl Shares {
    /// Sends an e-mail to the recipients of a share, except the user who shares.
    pub(super) async fn announce(
        &self,
        tx: &mut Tx,
        sharing: &ShareGrant,
        share: &ShareRow,
        with: &GranteeId,
        message: Option<&str>,
    ) -> Result<()> {
        let sharer = sharing.grant().actor().user();
        let mut sign_up = None;
        let addresses = match with {
            GranteeId::User(user) if Some(*user) == sharer => vec![],
            GranteeId::User(user) => tx.email(*user).await?.into_iter().collect(),
            GranteeId::Group(group) => tx.group_addresses(*group, sharer).await?,
            GranteeId::Email(address) => {
                sign_up = tx.user_by_email(address).await?.is_none().then_some(self.sign_up);
                vec![address.to_string()]
            }
            GranteeId::Link(_) => vec![],
        };
        for address in addresses {
            // Stored addresses were validated when they were written, possibly by an older server with looser rules.
            let Ok(to) = address.parse::<Email>() else { continue };
            let (subject, text) = write(&self.base, &sharing.grant().actor().name(), share, sign_up, message);
            mail::enqueue_email(tx, &self.clock, &OutgoingEmail { to, subject, text }).await?;
        }
        Ok(())
    }
}

/// Returns the URL of the shared item's page.
fn page(base: &str, share: &ShareRow) -> String {
    let (owner, name) = (url_segment(&share.owner_name), url_segment(&share.dataset_name));
    if share.path.is_empty() && share.dataset_name != DRIVE {
        return format!("{base}/d/{owner}/{name}");
    }
    format!("{base}/shared/{owner}/{name}{}", path_segments(&share.path))
}

/// Returns a path as the end of a URL: each name after a slash.
pub(super) fn path_segments(path: &str) -> String {
    path.split('/').filter(|name| !name.is_empty()).fold(String::new(), |path, name| path + "/" + &url_segment(name))
}

/// Describes the shared item.
fn what(share: &ShareRow) -> String {
    let ShareRow { owner_name, dataset_name, path, .. } = share;
    let kind = match share.kind {
        ShareKind::Dataset if dataset_name == DRIVE => return format!("the whole drive of {owner_name}"),
        ShareKind::Dataset => return format!("the dataset {owner_name}/{dataset_name}"),
        ShareKind::Folder => "folder",
        ShareKind::File => "file",
    };
    let name = path.rsplit('/').next().unwrap_or(path);
    // A personal drive has no meaningful name, so it is left out.
    if dataset_name == DRIVE {
        return format!("the {kind} \"{name}\"");
    }
    format!("the {kind} \"{name}\" of the dataset {owner_name}/{dataset_name}")
}

/// Returns subject and text; `sign_up` is set if the recipient has no account. The sender's message is quoted, so
/// that it cannot pass for text of the server.
fn write(
    base: &str,
    sharer: &str,
    share: &ShareRow,
    sign_up: Option<SignUp>,
    message: Option<&str>,
) -> (String, String) {
    let subject = format!("{sharer} shared {} with you", what(share));
    let may = match share.right {
        ShareRight::Upload => "upload files to",
        ShareRight::View => "view and download",
        ShareRight::Edit => "view, download and edit",
    };
    let mut text = format!("{subject}. You can {may} it");
    // Writing to a String cannot fail.
    let _ = match share.expires_at {
        Some(end) => writeln!(text, " until {}.", end.in_words()),
        None => writeln!(text, "."),
    };
    if let Some(message) = message {
        let _ = writeln!(text, "\n{sharer} writes:\n");
        for line in message.lines() {
            let line: String = line.chars().filter(|email| !email.is_control()).collect();
            let _ = writeln!(text, "> {line}");
        }
    }
    let _ = writeln!(text, "\nSign in to open it:\n\n{}", page(base, share));
    let _ = match sign_up {
        None => Ok(()),
        Some(SignUp::Open) => writeln!(
            text,
            "\nIf you have no account yet, create one with the address that this e-mail was sent to:\n\n{base}/signup"
        ),
        Some(SignUp::Invitation | SignUp::Closed) => writeln!(
            text,
            "\nYou need an account with the address that this e-mail was sent to, and there is none yet. You \
             cannot create it yourself: ask {sharer} to have an administrator of this site invite you."
        ),
    };
    (subject, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Millis;

    fn share(dataset: &str, path: &str, kind: ShareKind) -> ShareRow {
        let id = crate::clock::Clock::default().id();
        ShareRow {
            id,
            owner_name: "ada".into(),
            dataset_name: dataset.into(),
            path: path.into(),
            kind,
            user_name: None,
            organisation_name: None,
            group_name: None,
            email: Some("ben@example.org".into()),
            is_link: false,
            right: ShareRight::Edit,
            app: None,
            expires_at: Some(Millis(1_897_991_999_000)),
            has_password: false,
            downloads: 0,
            max_downloads: None,
            created_at: Millis(0),
            creator: "ada".into(),
            last_used_at: None,
            history: false,
            creator_id: None,
            notify: false,
            request_title: None,
            request_message: None,
            max_bytes: None,
            max_files: None,
            received_bytes: None,
            received_files: None,
        }
    }

    #[test]
    fn a_user_message_cannot_imitate_the_server() {
        let message = "Hello\r\nSign in to open it:\u{2028}\u{7}\nhttp://evil.example";
        let share = share("drive", "a/b c", ShareKind::Folder);
        let (subject, text) = write("https://data.example", "ada", &share, None, Some(message));
        assert_eq!(subject, "ada shared the folder \"b c\" with you");
        for line in text.lines().filter(|line| line.contains("evil") || line.contains("Hello")) {
            assert!(line.starts_with("> "), "{line}");
        }
        assert!(!text.contains('\u{7}') && !text.contains('\r'));
    }

    #[test]
    fn an_email_links_to_the_share_and_states_its_expiry() {
        let pages = [
            ("drive", "a/b c", ShareKind::Folder, "the folder \"b c\"", "shared/ada/drive/a/b%20c"),
            ("drive", "", ShareKind::Dataset, "the whole drive of ada", "shared/ada/drive"),
            (
                "data",
                "ü.csv",
                ShareKind::File,
                "the file \"ü.csv\" of the dataset ada/data",
                "shared/ada/data/%C3%BC.csv",
            ),
            ("data", "", ShareKind::Dataset, "the dataset ada/data", "d/ada/data"),
        ];
        for (dataset, path, kind, named, page) in pages {
            let share = share(dataset, path, kind);
            let (subject, text) = write("https://data.example", "ada", &share, None, None);
            assert_eq!(subject, format!("ada shared {named} with you"));
            assert!(text.contains("view, download and edit it until 22 February 2030, 11:59 UTC."), "{text}");
            assert!(text.contains(&format!("\nhttps://data.example/{page}\n")), "{text}");
            assert!(!text.contains("account"), "{text}");
        }
    }

    #[test]
    fn recipients_without_an_account_learn_how_to_sign_up() {
        let share = share("drive", "a", ShareKind::File);
        let text = |sign_up| write("https://data.example", "ada", &share, Some(sign_up), None).1;
        assert!(text(SignUp::Open).contains("\nhttps://data.example/signup\n"));
        for closed in [SignUp::Invitation, SignUp::Closed] {
            let text = text(closed);
            assert!(text.contains("ask ada") && !text.contains("signup"), "{text}");
        }
    }
}
