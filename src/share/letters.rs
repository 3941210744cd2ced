//! Letters that tell of shares.

use std::fmt::Write as _;

use crate::access::Sharing;
use crate::clock::Clock;
use crate::db::Tx;
use crate::db::shares::{GranteeId, ShareRow};
use crate::error::Result;
use crate::mail::{self, Letter};
use crate::types::{Email, ShareKind, ShareRight};

/// Tells those with whom something is shared, but not who shares it.
pub(super) async fn announce(
    tx: &mut Tx,
    clock: &Clock,
    base: &str,
    sharing: &Sharing,
    share: &ShareRow,
    with: &GranteeId,
    message: Option<&str>,
) -> Result<()> {
    let sharer = sharing.grant().actor().user();
    let addresses = match with {
        GranteeId::User(user) if Some(*user) == sharer => vec![],
        GranteeId::User(user) => tx.email(*user).await?.into_iter().collect(),
        GranteeId::Team(team) => tx.team_addresses(*team, sharer).await?,
        GranteeId::Email(address) => vec![address.to_string()],
        GranteeId::Link(_) => vec![],
    };
    let is_stranger = matches!(with, GranteeId::Email(_));
    for address in addresses {
        // What is stored was parsed once; an older server may have been less exact.
        let Ok(to) = address.parse::<Email>() else { continue };
        let (subject, text) = write(base, &sharing.grant().actor().name(), share, is_stranger, message);
        mail::post(tx, clock, &Letter { to, subject, text }).await?;
    }
    Ok(())
}

/// Subject and text. What a person wrote is told apart from what the server says.
fn write(base: &str, sharer: &str, share: &ShareRow, is_stranger: bool, message: Option<&str>) -> (String, String) {
    let dataset = format!("{}/{}", share.owner_name, share.dataset_name);
    let what = match share.kind {
        ShareKind::Dataset => format!("the dataset {dataset}"),
        ShareKind::Folder => format!("the folder {} of {dataset}", share.path),
        ShareKind::File => format!("the file {} of {dataset}", share.path),
    };
    let may = match share.right {
        ShareRight::View => "see and download",
        ShareRight::Edit => "see, download and change",
    };
    let mut text = format!("{sharer} shares {what} with you. You may {may} it");
    // A String takes whatever is written to it.
    let _ = match share.expires_at {
        Some(end) => writeln!(text, " until {}.", end.rfc3339()),
        None => writeln!(text, "."),
    };
    if let Some(message) = message {
        let _ = writeln!(text, "\n{sharer} writes:\n");
        for line in message.lines() {
            let line: String = line.chars().filter(|letter| !letter.is_control()).collect();
            let _ = writeln!(text, "> {line}");
        }
    }
    let _ = writeln!(text, "\nIt is here, once you have signed in:\n\n{base}/shared");
    if is_stranger {
        let _ = writeln!(
            text,
            "\nIf you have no account yet, make one with the address to which this letter came:\n\n{base}/signup"
        );
    }
    (format!("{sharer} shares {what} with you"), text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Millis;

    #[test]
    fn a_message_cannot_pass_for_what_the_server_says() {
        let id = crate::clock::Clock::default().id();
        let share = ShareRow {
            id,
            owner_name: "ada".into(),
            dataset_name: "drive".into(),
            path: "a/b".into(),
            kind: ShareKind::Folder,
            user_name: None,
            organisation_name: None,
            team_name: None,
            email: Some("ben@example.org".into()),
            is_link: false,
            right: ShareRight::Edit,
            app: None,
            expires_at: Some(Millis(0)),
            has_password: false,
            downloads: 0,
            downloads_most: None,
            created_at: Millis(0),
            creator: "ada".into(),
            last_used_at: None,
        };
        let message = "Hello\r\nIt is here, once you have signed in:\u{2028}\u{7}\nhttp://evil.example";
        let (subject, text) = write("https://data.example", "ada", &share, true, Some(message));
        assert_eq!(subject, "ada shares the folder a/b of ada/drive with you");
        assert!(text.contains("see, download and change it until 1970-01-01T00:00:00Z."), "{text}");
        assert!(text.contains("\nhttps://data.example/shared\n") && text.contains("/signup"), "{text}");
        for line in text.lines().filter(|line| line.contains("evil") || line.contains("Hello")) {
            assert!(line.starts_with("> "), "{line}");
        }
        assert!(!text.contains('\u{7}') && !text.contains('\r'));
    }
}
