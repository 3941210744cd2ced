//! E-mails: written to a folder, or sent to a mail server.

use std::time::Duration;

use rutter::mail::{self, OutgoingEmail};
use rutter::types::Secret;
use rutter_testing::{Engine, ReceivedEmail, Server, eventually, story};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

use crate::db::{count, execute};

async fn enqueue_email(server: &Server, to: &str, subject: &str, text: &str) {
    let email = OutgoingEmail { to: to.parse().unwrap(), subject: subject.into(), text: text.into() };
    let mut tx = server.app.db.write().await.unwrap();
    mail::enqueue_email(&mut tx, &server.clock, &email).await.unwrap();
    tx.commit().await.unwrap();
}

story! {
    async fn without_a_mail_server_emails_are_written_to_a_private_folder(server: Server) {
        use std::os::unix::fs::PermissionsExt as _;
        enqueue_email(&server, "ada@example.org", "Grüße\r\nBcc: eve@example.org", "Ein Link:\nhttp://x/verify#abc\n").await;
        let email = server.email_to("ada@example.org", 1).await;
        assert_eq!(email.token_in_link("verify"), "abc");
        assert!(email.text.starts_with("Ein Link:\n"), "{email:?}");
        let folder = server.app.config.mail_folder();
        let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap()).collect();
        assert_eq!(files.len(), 1);
        assert_eq!(files[0].metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let raw = std::fs::read_to_string(files[0].path()).unwrap();
        let head = raw.split_once("\r\n\r\n").unwrap().0;
        assert!(!head.to_lowercase().lines().any(|line| line.starts_with("bcc")), "{head}");
        // What was in it is in the database no more.
        let kept = "SELECT COUNT(*) FROM email WHERE body <> '' OR sent_at IS NULL OR attempts <> 1";
        eventually("the e-mail is sent", async || count(&server.app.db, kept).await == 0).await;
        server.clock.advance(Duration::from_hours(31 * 24));
        eventually("the e-mail is deleted", async || {
            // If the job has just run with the time of before, it is due again later.
            server.clock.advance(Duration::from_hours(24));
            server.app.worker.run_due().await.unwrap();
            count(&server.app.db, "SELECT COUNT(*) FROM email").await == 0
        })
        .await;
    }
}

/// A mail server with fixed answers to the recipient of each e-mail; keeps the e-mails that it accepted.
struct MailServer {
    address: std::net::SocketAddr,
    taken: std::sync::Arc<std::sync::Mutex<Vec<ReceivedEmail>>>,
}

impl MailServer {
    async fn start(answers: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let taken = std::sync::Arc::<std::sync::Mutex<Vec<ReceivedEmail>>>::default();
        let kept = taken.clone();
        tokio::spawn(async move {
            let mut answers = answers.iter();
            while let Ok((mut stream, _)) = listener.accept().await {
                let answer = answers.next().copied().unwrap_or("250 yes");
                let (read, mut write) = stream.split();
                let mut lines = BufReader::new(read).lines();
                write.write_all(b"220 mail.example.org ESMTP\r\n").await.unwrap();
                while let Ok(Some(line)) = lines.next_line().await {
                    let verb = line.split(' ').next().unwrap().to_uppercase();
                    let reply = match verb.as_str() {
                        "EHLO" => "250 mail.example.org",
                        "RCPT" => answer,
                        "DATA" => "354 go on",
                        "QUIT" => "221 bye",
                        _ => "250 ok",
                    };
                    write.write_all(format!("{reply}\r\n").as_bytes()).await.unwrap();
                    match verb.as_str() {
                        "DATA" => {
                            let mut message = String::new();
                            while let Ok(Some(line)) = lines.next_line().await {
                                if line == "." {
                                    break;
                                }
                                message.push_str(line.strip_prefix('.').unwrap_or(&line));
                                message.push_str("\r\n");
                            }
                            kept.lock().unwrap().push(ReceivedEmail::parse(&message));
                            write.write_all(b"250 taken\r\n").await.unwrap();
                        }
                        "QUIT" => break,
                        _ => {}
                    }
                }
            }
        });
        Self { address, taken }
    }

    fn taken(&self) -> Vec<ReceivedEmail> {
        self.taken.lock().unwrap().clone()
    }
}

async fn with_mail_server(engine: Engine, mail: &MailServer) -> Server {
    let url = format!("smtp://{}", mail.address);
    Server::start_without_workers(engine, |config| {
        config.mail.url = Some(Secret::new(url));
        config.mail.from = Some("Drive <drive@example.org>".into());
    })
    .await
}

story! {
    async fn emails_are_retried_when_the_mail_server_defers_them(engine: Engine) {
        let mail = MailServer::start(&["451 later", "250 yes", "550 no such user"]).await;
        let server = with_mail_server(engine, &mail).await;
        let unsent = "SELECT COUNT(*) FROM email WHERE sent_at IS NULL";
        enqueue_email(&server, "ada@example.org", "Hello", "A link:\n.\nhttp://x/reset#abc\n").await;
        server.app.worker.run_due().await.unwrap();
        assert_eq!((mail.taken().len(), count(&server.app.db, unsent).await), (0, 1));
        server.clock.advance(Duration::from_secs(10));
        server.app.worker.run_due().await.unwrap();
        let taken = mail.taken();
        assert_eq!(taken.len(), 1);
        assert_eq!((taken[0].to.as_str(), taken[0].subject.as_str()), ("ada@example.org", "Hello"));
        assert_eq!(taken[0].text.trim_end(), "A link:\n.\nhttp://x/reset#abc");
        assert_eq!(count(&server.app.db, unsent).await, 0);

        // A permanent failure: no retry, and its links do not stay in the database.
        enqueue_email(&server, "missing@example.org", "Hello", "http://x/reset#abc\n").await;
        server.app.worker.run_due().await.unwrap();
        let given_up = "SELECT COUNT(*) FROM email WHERE sent_at IS NOT NULL AND body = '' AND attempts = 1";
        assert_eq!((mail.taken().len(), count(&server.app.db, given_up).await), (1, 1));
    }
}

story! {
    async fn an_email_that_is_never_accepted_is_dropped_finally(engine: Engine) {
        let mail = MailServer::start(&["451 later", "451 later"]).await;
        let server = with_mail_server(engine, &mail).await;
        enqueue_email(&server, "ada@example.org", "Hello", "text\n").await;
        server.app.worker.run_due().await.unwrap();
        server.clock.advance(Duration::from_hours(73));
        server.app.worker.run_due().await.unwrap();
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM job WHERE kind = 'mail'").await, 0);
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM email WHERE sent_at IS NULL").await, 0);
        assert!(mail.taken().is_empty());
        // An e-mail that is gone is no failure.
        execute(&server.app.db, "INSERT INTO job (id, kind, subject, run_at, attempts) VALUES ('x', 'mail', '01890a5d-ac96-774b-bcce-b302099a8057', 0, 0)").await;
        server.app.worker.run_due().await.unwrap();
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM job WHERE kind = 'mail'").await, 0);
    }
}
