//! E-mail: messages are queued in the transaction of the event that they report, and sent in the background. With
//! `mail.url` they are sent by SMTP; otherwise they are written as `.eml` files to a folder, for evaluation and
//! tests.

use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use lettre::address::AddressError;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};

use crate::clock::Clock;
use crate::config::{Config, private_folder};
use crate::db::mail::EmailRow;
pub use crate::db::mail::OutgoingEmail;
use crate::db::{Db, Tx};
use crate::error::{Error, Result};
use crate::jobs::{self, Kind};
use crate::types::Id;

/// SMTP timeout.
const SMTP_TIMEOUT: Duration = Duration::from_secs(30);

/// E-mails that could not be sent for this long are dropped. Links in them expired long before.
const MAX_RETRY_AGE: Duration = Duration::from_hours(3 * 24);

/// How long sent e-mails are kept in the database.
const SENT_TTL: Duration = Duration::from_hours(30 * 24);

/// Queues an e-mail in the outbox; it is sent once the transaction is committed.
pub async fn enqueue_email(tx: &mut Tx, clock: &Clock, email: &OutgoingEmail) -> Result<()> {
    let id = clock.id();
    tx.insert_email(id, clock.now(), email).await?;
    jobs::enqueue(tx, clock, Kind::Mail, &id.to_string(), Duration::ZERO).await
}

/// Sends e-mails. Cheap to clone.
#[derive(Clone)]
pub struct Mailer {
    db: Db,
    clock: Clock,
    from: Mailbox,
    /// Host name for message ids.
    host: String,
    way: Transport,
}

#[derive(Clone)]
enum Transport {
    Server(AsyncSmtpTransport<Tokio1Executor>),
    Folder(PathBuf),
}

impl Mailer {
    /// Creates the mailer from the configuration.
    ///
    /// # Errors
    /// Invalid for an invalid URL or sender; the message names the configuration key.
    pub fn new(config: &Config, db: Db, clock: Clock) -> Result<Self> {
        let base = config.link_base();
        let host = base.split_once("://").map_or("", |(_, rest)| rest).split(['/', ':']).next().unwrap_or_default();
        // No address literal: some servers reject senders at one.
        let named = host.bytes().any(|byte| byte.is_ascii_alphabetic());
        let host = if named { host.to_owned() } else { "localhost".to_owned() };
        let from = config.mail.from.clone().unwrap_or_else(|| format!("rutter <rutter@{host}>"));
        let from = from.parse().map_err(|_| {
            Error::invalid("mail.from is not a valid sender: use a form like `Data drive <drive@example.org>`")
        })?;
        let way = match &config.mail.url {
            Some(url) => {
                let server = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose());
                let server =
                    server.map_err(|error| Error::invalid("mail.url is not a valid SMTP URL").because(error))?;
                let server = server.timeout(Some(SMTP_TIMEOUT));
                let server = if named { server.hello_name(ClientId::Domain(host.clone())) } else { server };
                Transport::Server(server.build())
            }
            None => Transport::Folder(config.mail_folder()),
        };
        Ok(Self { db, clock, from, host, way })
    }

    /// Sends an e-mail of the outbox, unless it was sent already.
    ///
    /// # Errors
    /// Unavailable if the mail server cannot be reached or fails temporarily; the caller should retry.
    pub async fn send_due(&self, id: Id) -> Result<()> {
        let mut tx = self.db.write().await?;
        let Some(email) = tx.find_email(id).await?.filter(|email| email.sent_at.is_none()) else { return Ok(()) };
        tx.count_attempt(id).await?;
        tx.commit().await?;
        let late = email.created_at.plus(MAX_RETRY_AGE) < self.clock.now();
        match self.send(id, &email).await {
            Ok(()) => {}
            Err(SendError::Later(error)) if !late => return Err(error),
            // No request waits for the result, so the failure is only logged.
            Err(SendError::Later(error) | SendError::Never(error)) => {
                tracing::error!(email = %id, ?error, "cannot send an e-mail; it is dropped");
            }
        }
        let mut tx = self.db.write().await?;
        tx.finish_email(id, self.clock.now()).await?;
        tx.commit().await
    }

    async fn send(&self, id: Id, email: &EmailRow) -> Result<(), SendError> {
        let message = self.message(id, email).map_err(SendError::Never)?;
        match &self.way {
            Transport::Folder(folder) => {
                let (folder, text) = (folder.clone(), message.formatted());
                let written = crate::blocking(move || write(&folder, id, &text)).await;
                written.and_then(|written| written).map_err(SendError::Later)
            }
            Transport::Server(server) => match server.send(message).await {
                Ok(_) => Ok(()),
                Err(refusal) if refusal.is_permanent() => {
                    Err(SendError::Never(Error::invalid("the mail server rejected the message").because(refusal)))
                }
                Err(error) => Err(SendError::Later(
                    Error::unavailable("the mail server did not accept the message").because(error),
                )),
            },
        }
    }

    fn message(&self, id: Id, email: &EmailRow) -> Result<Message> {
        let to = email
            .recipient
            .parse()
            .map_err(|error: AddressError| Error::invalid("invalid recipient address").because(error))?;
        let written = Duration::from_secs(email.created_at.seconds());
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(&email.subject)
            .date(UNIX_EPOCH + written)
            // Stable across retries, for example if the reply of the server was lost.
            .message_id(Some(format!("<{id}@{}>", self.host)))
            .header(ContentType::TEXT_PLAIN);
        message.body(email.body.clone()).map_err(Error::internal)
    }

    /// Deletes e-mails that were sent long ago.
    pub async fn forget(&self) -> Result<()> {
        let before = self.clock.now().minus(SENT_TTL);
        let mut tx = self.db.write().await?;
        tx.delete_old_emails(before).await?;
        tx.commit().await
    }
}

/// Why an e-mail was not sent.
enum SendError {
    /// A temporary failure: retry.
    Later(Error),
    /// A permanent failure.
    Never(Error),
}

/// Writes an e-mail to a folder, atomically.
fn write(folder: &Path, id: Id, text: &[u8]) -> Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    private_folder(folder)?;
    let temporary = folder.join(format!("tmp-{id}"));
    // Readable by this user only: it may contain links that give access to an account.
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(text)?;
    file.sync_all()?;
    Ok(std::fs::rename(&temporary, folder.join(format!("{id}.eml")))?)
}
