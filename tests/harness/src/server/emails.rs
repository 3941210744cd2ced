//! E-mails that a server without a mail server leaves in a folder.

use std::collections::BTreeMap;

use crate::{Server, eventually};

/// An e-mail that was sent.
#[derive(Debug, Clone)]
pub struct ReceivedEmail {
    pub to: String,
    pub subject: String,
    pub text: String,
}

impl ReceivedEmail {
    pub fn parse(message: &str) -> Self {
        let (head, body) = message.split_once("\r\n\r\n").unwrap();
        let headers: BTreeMap<String, &str> = head
            .split("\r\n")
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value))
            .collect();
        let text = match headers.get("content-transfer-encoding").copied() {
            Some("quoted-printable") => unquoted(body),
            _ => body.to_owned(),
        };
        let of = |name: &str| headers.get(name).copied().unwrap_or_default().to_owned();
        Self { to: of("to"), subject: of("subject"), text: text.replace("\r\n", "\n") }
    }

    /// The token in the link to this page.
    pub fn token_in_link(&self, page: &str) -> String {
        let (_, rest) = self.text.split_once(&format!("/{page}#")).unwrap_or_else(|| panic!("no link: {}", self.text));
        rest.split_whitespace().next().unwrap().to_owned()
    }
}

/// RFC 2045 §6.7.
fn unquoted(body: &str) -> String {
    let joined = body.replace("=\r\n", "");
    let mut bytes = Vec::new();
    let mut rest = joined.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first == b'=' {
            let code = std::str::from_utf8(&after[..2]).unwrap();
            bytes.push(u8::from_str_radix(code, 16).unwrap());
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).unwrap()
}

impl Server {
    /// All e-mails in the folder, the oldest first.
    pub fn emails(&self) -> Vec<ReceivedEmail> {
        let Ok(files) = std::fs::read_dir(self.app.config.mail_folder()) else { return Vec::new() };
        let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        files.retain(|path| path.extension().is_some_and(|end| end == "eml"));
        files.sort();
        files.iter().map(|path| ReceivedEmail::parse(&std::fs::read_to_string(path).unwrap())).collect()
    }

    /// Waits for a number of e-mails to an address, and returns them.
    pub async fn emails_to(&self, address: &str, number: usize) -> Vec<ReceivedEmail> {
        let to = |server: &Self| server.emails().into_iter().filter(|email| email.to == address).collect::<Vec<_>>();
        eventually(&format!("{number} e-mails to {address}"), async || {
            self.app.worker.run_due().await.unwrap();
            to(self).len() >= number
        })
        .await;
        let emails = to(self);
        assert_eq!(emails.len(), number, "{emails:?}");
        emails
    }

    /// Waits for a number of e-mails to an address, and returns the last one.
    pub async fn email_to(&self, address: &str, number: usize) -> ReceivedEmail {
        self.emails_to(address, number).await.pop().unwrap()
    }
}
