//! Letters: they lie in a folder, or go to a mail server; and what tests read of them.

use std::collections::BTreeMap;
use std::time::Duration;

use rutter::mail::{self, OutgoingEmail};
use rutter::types::Secret;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

use crate::db::{count, execute};
use crate::harness::{Engine, Server, eventually, story};

/// A letter that somebody got.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) to: String,
    pub(crate) subject: String,
    pub(crate) text: String,
}

impl Received {
    fn parse(message: &str) -> Self {
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

    /// The ticket of the link to this page.
    pub(crate) fn ticket(&self, page: &str) -> String {
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
    /// All letters that lie in the folder, the oldest first.
    pub(crate) fn letters(&self) -> Vec<Received> {
        let Ok(files) = std::fs::read_dir(self.app.config.mail_folder()) else { return Vec::new() };
        let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        files.retain(|path| path.extension().is_some_and(|end| end == "eml"));
        files.sort();
        files.iter().map(|path| Received::parse(&std::fs::read_to_string(path).unwrap())).collect()
    }

    /// The letters to somebody, once there are so many.
    pub(crate) async fn letters_to(&self, address: &str, number: usize) -> Vec<Received> {
        let to = |server: &Self| server.letters().into_iter().filter(|letter| letter.to == address).collect::<Vec<_>>();
        eventually(&format!("{number} letters to {address}"), async || {
            self.app.worker.run_due().await.unwrap();
            to(self).len() >= number
        })
        .await;
        let letters = to(self);
        assert_eq!(letters.len(), number, "{letters:?}");
        letters
    }

    /// The newest of so many letters to somebody.
    pub(crate) async fn letter_to(&self, address: &str, number: usize) -> Received {
        self.letters_to(address, number).await.pop().unwrap()
    }

    async fn post_letter(&self, to: &str, subject: &str, text: &str) {
        let letter = OutgoingEmail { to: to.parse().unwrap(), subject: subject.into(), text: text.into() };
        let mut tx = self.app.db.write().await.unwrap();
        mail::enqueue_email(&mut tx, &self.clock, &letter).await.unwrap();
        tx.commit().await.unwrap();
    }
}

story! {
    async fn without_a_mail_server_letters_lie_in_a_folder_that_nobody_else_can_read(server: Server) {
        use std::os::unix::fs::PermissionsExt as _;
        server.post_letter("ada@example.org", "Grüße\r\nBcc: eve@example.org", "Ein Link:\nhttp://x/verify#abc\n").await;
        let letter = server.letter_to("ada@example.org", 1).await;
        assert_eq!(letter.ticket("verify"), "abc");
        assert!(letter.text.starts_with("Ein Link:\n"), "{letter:?}");
        let folder = server.app.config.mail_folder();
        let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap()).collect();
        assert_eq!(files.len(), 1);
        assert_eq!(files[0].metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let raw = std::fs::read_to_string(files[0].path()).unwrap();
        let head = raw.split_once("\r\n\r\n").unwrap().0;
        assert!(!head.to_lowercase().lines().any(|line| line.starts_with("bcc")), "{head}");
        // What was in it is in the database no more.
        let kept = "SELECT COUNT(*) FROM letter WHERE body <> '' OR sent_at IS NULL OR attempts <> 1";
        eventually("the letter is ended", async || count(&server.app.db, kept).await == 0).await;
        server.clock.advance(Duration::from_hours(31 * 24));
        server.app.worker.run_due().await.unwrap();
        eventually("the letter is forgotten", async || {
            server.app.worker.run_due().await.unwrap();
            count(&server.app.db, "SELECT COUNT(*) FROM letter").await == 0
        })
        .await;
    }
}

/// A mail server of a test: says what it is told to say to the recipient of each letter, and keeps what it took.
struct MailServer {
    address: std::net::SocketAddr,
    taken: std::sync::Arc<std::sync::Mutex<Vec<Received>>>,
}

impl MailServer {
    async fn start(answers: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let taken = std::sync::Arc::<std::sync::Mutex<Vec<Received>>>::default();
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
                            kept.lock().unwrap().push(Received::parse(&message));
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

    fn taken(&self) -> Vec<Received> {
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
    async fn letters_go_to_the_mail_server_also_when_it_says_later(engine: Engine) {
        let mail = MailServer::start(&["451 later", "250 yes", "550 there is nobody"]).await;
        let server = with_mail_server(engine, &mail).await;
        let unsent = "SELECT COUNT(*) FROM letter WHERE sent_at IS NULL";
        server.post_letter("ada@example.org", "Hello", "A link:\n.\nhttp://x/reset#abc\n").await;
        server.app.worker.run_due().await.unwrap();
        assert_eq!((mail.taken().len(), count(&server.app.db, unsent).await), (0, 1));
        server.clock.advance(Duration::from_secs(10));
        server.app.worker.run_due().await.unwrap();
        let taken = mail.taken();
        assert_eq!(taken.len(), 1);
        assert_eq!((taken[0].to.as_str(), taken[0].subject.as_str()), ("ada@example.org", "Hello"));
        assert_eq!(taken[0].text.trim_end(), "A link:\n.\nhttp://x/reset#abc");
        assert_eq!(count(&server.app.db, unsent).await, 0);

        // For good is for good: it is not tried again, and its links do not stay in the database.
        server.post_letter("nobody@example.org", "Hello", "http://x/reset#abc\n").await;
        server.app.worker.run_due().await.unwrap();
        let given_up = "SELECT COUNT(*) FROM letter WHERE sent_at IS NOT NULL AND body = '' AND attempts = 1";
        assert_eq!((mail.taken().len(), count(&server.app.db, given_up).await), (1, 1));
    }
}

story! {
    async fn a_letter_that_nobody_takes_is_given_up_in_the_end(engine: Engine) {
        let mail = MailServer::start(&["451 later", "451 later"]).await;
        let server = with_mail_server(engine, &mail).await;
        server.post_letter("ada@example.org", "Hello", "text\n").await;
        server.app.worker.run_due().await.unwrap();
        server.clock.advance(Duration::from_hours(73));
        server.app.worker.run_due().await.unwrap();
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM job WHERE kind = 'mail'").await, 0);
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM letter WHERE sent_at IS NULL").await, 0);
        assert!(mail.taken().is_empty());
        // A letter that is gone is no failure.
        execute(&server.app.db, "INSERT INTO job (id, kind, subject, run_at, attempts) VALUES ('x', 'mail', '01890a5d-ac96-774b-bcce-b302099a8057', 0, 0)").await;
        server.app.worker.run_due().await.unwrap();
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM job WHERE kind = 'mail'").await, 0);
    }
}
