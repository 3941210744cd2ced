//! How long one revision takes, made through the drive as the REST API makes
//! it, against the git command line on the same repository.
//!
//! `cargo run --release --example commit_latency -- REPOSITORY` prints one line
//! of JSON: `{"rutter_ms": [median, p95], "git_ms": [median, p95]}`.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use metastore::{Changeset, Content, Edit, Person, RefName};
use rutter::access::{Actor, Own, Write};
use rutter::app::App;
use rutter::config::{Config, DEFAULT_STORE};
use rutter::types::{RepoPath, Visibility};
use tokio_util::sync::CancellationToken;

const ROUNDS: usize = 100;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let repository = std::env::args().nth(1).ok_or("usage: commit_latency REPOSITORY")?;
    let folder = tempfile::tempdir()?;
    let rutter = rutter_commits(Path::new(&repository), folder.path()).await?;
    let git = git_commits(Path::new(&repository), &folder.path().join("git"))?;
    println!("{}", serde_json::json!({ "rutter_ms": percentiles(rutter), "git_ms": percentiles(git) }));
    Ok(())
}

async fn rutter_commits(repository: &Path, folder: &Path) -> Result<Vec<f64>, Box<dyn std::error::Error>> {
    let config = Config { data: folder.join("data"), ..Config::default() };
    let app = App::open(config).await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let stop = CancellationToken::new();
    let server = tokio::spawn(rutter::web::server::serve(app.clone(), listener, stop.clone()));
    app.accounts.add_user(&"bench".parse()?, &"bench@example.org".parse()?, None, false).await?;
    let token = app.accounts.add_token(&"bench".parse()?, &"bench".parse()?, &[], None).await?;
    let path: RepoPath = "bench/commits".parse()?;
    let operator = Actor::operator();
    app.drive.create(&app.access.creation(&operator, &path).await?, Visibility::Private, DEFAULT_STORE).await?;
    let remote = format!("http://bench:{}@{address}/bench/commits.git", token.expose());
    git(repository, &["push", "-q", &remote, "HEAD:refs/heads/main"])?;

    let grant = app.access.authorize::<Own>(&operator, &path).await?.narrow::<Write>();
    let mut times = Vec::with_capacity(ROUNDS);
    for round in 0..ROUNDS {
        let person = Person {
            name: "Bench".into(),
            email: "bench@example.org".into(),
            seconds: 1_700_000_000,
            offset_minutes: 0,
        };
        let changes = Changeset {
            branch: RefName::branch("main")?,
            parent: None,
            edits: vec![Edit::Put {
                path: format!("bench/file-{round}.txt").parse()?,
                content: Content::Bytes(format!("round {round}\n").into()),
                executable: false,
            }],
            message: format!("round {round}"),
            author: person.clone(),
            committer: person,
        };
        let started = Instant::now();
        app.drive.commit(&grant, changes).await?;
        times.push(started.elapsed().as_secs_f64() * 1000.0);
    }
    stop.cancel();
    server.await?;
    Ok(times)
}

fn git_commits(repository: &Path, tree: &Path) -> Result<Vec<f64>, Box<dyn std::error::Error>> {
    git(Path::new("."), &["clone", "-q", &repository.display().to_string(), &tree.display().to_string()])?;
    std::fs::create_dir_all(tree.join("bench"))?;
    let mut times = Vec::with_capacity(ROUNDS);
    for round in 0..ROUNDS {
        let path = format!("bench/file-{round}.txt");
        let started = Instant::now();
        std::fs::write(tree.join(&path), format!("round {round}\n"))?;
        git(tree, &["add", &path])?;
        git(tree, &["-c", "user.name=Bench", "-c", "user.email=bench@example.org", "commit", "-q", "-m", "round"])?;
        times.push(started.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(times)
}

fn git(folder: &Path, arguments: &[&str]) -> Result<(), Box<dyn std::error::Error>> {
    let status = Command::new("git").current_dir(folder).args(arguments).status()?;
    if status.success() { Ok(()) } else { Err(format!("git {arguments:?} failed").into()) }
}

fn percentiles(mut times: Vec<f64>) -> [f64; 2] {
    times.sort_by(f64::total_cmp);
    [times[times.len() / 2], times[times.len() * 95 / 100]]
}
