//! Letters: written in the transaction of what they tell, sent in the background. With `mail.url` they go to a mail
//! server; else they lie as `.eml` files in a folder, where who tries rutter out, and a test, can read them.

use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use lettre::address::AddressError;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};

use crate::clock::Clock;
use crate::config::{Config, private_folder};
pub use crate::db::mail::Letter;
use crate::db::mail::LetterRow;
use crate::db::{Db, Tx};
use crate::error::{Error, Result};
use crate::jobs::{self, Kind};
use crate::types::Id;

/// How long a mail server may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A letter that could not be sent for so long is given up. What links are in it has ended long before.
const LONGEST: Duration = Duration::from_hours(3 * 24);

/// How long it is known that a letter was sent.
const KEPT: Duration = Duration::from_hours(30 * 24);

/// Puts a letter into the outbox, to be sent once the transaction is committed.
pub async fn post(tx: &mut Tx, clock: &Clock, letter: &Letter) -> Result<()> {
    let id = clock.id();
    tx.insert_letter(id, clock.now(), letter).await?;
    jobs::enqueue(tx, clock, Kind::Mail, &id.to_string(), Duration::ZERO).await
}

/// Sends letters. Cheap to clone.
#[derive(Clone)]
pub struct Mailer {
    db: Db,
    clock: Clock,
    from: Mailbox,
    /// The part of message ids that is ours.
    host: String,
    way: Way,
}

#[derive(Clone)]
enum Way {
    Server(AsyncSmtpTransport<Tokio1Executor>),
    Folder(PathBuf),
}

impl Mailer {
    /// As the configuration says.
    ///
    /// # Errors
    /// Invalid for a URL or a sender that is none; the sentence names the key.
    pub fn new(config: &Config, db: Db, clock: Clock) -> Result<Self> {
        let base = config.link_base();
        let host = base.split_once("://").map_or("", |(_, rest)| rest).split(['/', ':']).next().unwrap_or_default();
        // No address literal: not every server takes a sender at one.
        let named = host.bytes().any(|byte| byte.is_ascii_alphabetic());
        let host = if named { host.to_owned() } else { "localhost".to_owned() };
        let from = config.mail.from.clone().unwrap_or_else(|| format!("rutter <rutter@{host}>"));
        let from = from.parse().map_err(|_| {
            Error::invalid("mail.from is not a sender: write it as in `Data drive <drive@example.org>`")
        })?;
        let way = match &config.mail.url {
            Some(url) => {
                let server = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose());
                let server = server.map_err(|error| Error::invalid("mail.url cannot be read").because(error))?;
                let server = server.timeout(Some(PATIENCE));
                let server = if named { server.hello_name(ClientId::Domain(host.clone())) } else { server };
                Way::Server(server.build())
            }
            None => Way::Folder(config.mail_folder()),
        };
        Ok(Self { db, clock, from, host, way })
    }

    /// Sends a letter of the outbox, unless it was sent already.
    ///
    /// # Errors
    /// Unavailable while the mail server does not answer, or says: later. It is to be tried again.
    pub async fn deliver(&self, id: Id) -> Result<()> {
        let mut tx = self.db.write().await?;
        let Some(letter) = tx.letter(id).await?.filter(|letter| letter.sent_at.is_none()) else { return Ok(()) };
        tx.count_attempt(id).await?;
        tx.commit().await?;
        let late = letter.created_at.plus(LONGEST) < self.clock.now();
        match self.send(id, &letter).await {
            Ok(()) => {}
            Err(Undelivered::Later(error)) if !late => return Err(error),
            // Nobody waits for an answer: the log is who is told.
            Err(Undelivered::Later(error) | Undelivered::Never(error)) => {
                tracing::error!(letter = %id, ?error, "a letter could not be sent and is given up");
            }
        }
        let mut tx = self.db.write().await?;
        tx.end_letter(id, self.clock.now()).await?;
        tx.commit().await
    }

    async fn send(&self, id: Id, letter: &LetterRow) -> Result<(), Undelivered> {
        let message = self.message(id, letter).map_err(Undelivered::Never)?;
        match &self.way {
            Way::Folder(folder) => {
                let (folder, text) = (folder.clone(), message.formatted());
                let written = crate::blocking(move || write(&folder, id, &text)).await;
                written.and_then(|written| written).map_err(Undelivered::Later)
            }
            Way::Server(server) => match server.send(message).await {
                Ok(_) => Ok(()),
                Err(refusal) if refusal.is_permanent() => {
                    Err(Undelivered::Never(Error::invalid("the mail server refused the letter").because(refusal)))
                }
                Err(error) => {
                    Err(Undelivered::Later(Error::unavailable("the mail server took no letter").because(error)))
                }
            },
        }
    }

    fn message(&self, id: Id, letter: &LetterRow) -> Result<Message> {
        let to = letter.recipient.parse().map_err(|error: AddressError| {
            Error::invalid("the address of a letter is none that mail servers know").because(error)
        })?;
        let written = Duration::from_secs(letter.created_at.seconds());
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(&letter.subject)
            .date(UNIX_EPOCH + written)
            // The same if it is sent again, as where the answer of the server was lost.
            .message_id(Some(format!("<{id}@{}>", self.host)))
            .header(ContentType::TEXT_PLAIN);
        message.body(letter.body.clone()).map_err(Error::internal)
    }

    /// Forgets letters that were sent long ago.
    pub async fn forget(&self) -> Result<()> {
        let before = self.clock.now().minus(KEPT);
        let mut tx = self.db.write().await?;
        tx.forget_letters(before).await?;
        tx.commit().await
    }
}

/// Why a letter was not sent.
enum Undelivered {
    /// It may be another time.
    Later(Error),
    /// It will never be.
    Never(Error),
}

/// Writes a letter to a folder, all or nothing.
fn write(folder: &Path, id: Id, text: &[u8]) -> Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    private_folder(folder)?;
    let temporary = folder.join(format!("tmp-{id}"));
    // Only for this user: it may hold links that let somebody in.
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(text)?;
    file.sync_all()?;
    Ok(std::fs::rename(&temporary, folder.join(format!("{id}.eml")))?)
}
