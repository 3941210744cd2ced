//! Users that push during garbage collections: the same few objects are added and removed all the time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::{Random, Tree, noise, text};

/// One of the few objects that are added and removed.
pub fn object_from_pool(random: &mut Random) -> Vec<u8> {
    let number = random.below(16);
    noise(1000 + number, 2000 + usize::try_from(number).unwrap())
}

/// Messages for a push during a collection. Each says to retry.
const RETRYABLE: [&str; 5] =
    ["garbage-collected", "being changed", "missing on the server", "send it again", "has expired"];

/// A user that changes their own branches and tags at random, and knows what the server acknowledged.
pub struct Pusher {
    pub tree: Tree,
    pub random: Random,
    pub name: String,
    commits: Vec<String>,
    /// The acknowledged refs.
    pub refs: BTreeMap<String, String>,
    /// How many pushes had to be retried.
    pub refused: usize,
}

impl Pusher {
    /// A user with a working tree. No other user may change refs of this name.
    pub fn new(tree: Tree, seed: u64, name: &str) -> Self {
        let (commits, refs) = (Vec::new(), BTreeMap::new());
        Self { tree, random: Random(seed), name: name.to_owned(), commits, refs, refused: 0 }
    }

    pub fn change_at_random(&mut self) {
        let branch = format!("refs/heads/{}", self.name);
        match self.random.below(10) {
            0..5 => {
                if self.random.below(3) == 0 {
                    // Without history.
                    self.tree.git(&["checkout", "-q", "--orphan", &format!("fresh-{}", self.commits.len())]);
                    self.tree.git(&["rm", "-r", "-f", "-q", "--ignore-unmatch", "."]);
                }
                for _ in 0..=self.random.below(2) {
                    let file = format!("{}.bin", self.random.below(3));
                    self.tree.write(&file, object_from_pool(&mut self.random));
                }
                self.tree.git(&["add", "-A"]);
                self.tree.git(&["commit", "-q", "--allow-empty", "-m", &format!("{}", self.random.0)]);
                let commit = self.tree.git(&["rev-parse", "HEAD"]);
                self.commits.push(commit.clone());
                self.push(&branch, Some(commit));
            }
            5..8 if !self.commits.is_empty() => {
                // To any earlier commit.
                let commit = usize::try_from(self.random.below(self.commits.len() as u64)).unwrap();
                let commit = self.commits[commit].clone();
                self.tree.git(&["reset", "-q", "--hard", &commit]);
                let target = if self.random.below(3) == 0 { format!("refs/tags/{}", self.name) } else { branch };
                self.push(&target, Some(commit));
            }
            _ => {
                let all: Vec<String> = self.refs.keys().cloned().collect();
                if !all.is_empty() {
                    let gone = usize::try_from(self.random.below(all.len() as u64)).unwrap();
                    self.push(&all[gone], None);
                }
            }
        }
    }

    /// Pushes until it succeeds; panics on errors that a retry does not solve.
    pub fn push(&mut self, name: &str, target: Option<String>) {
        let edit = format!("{}:{name}", target.as_deref().unwrap_or_default());
        for attempt in 0_u64.. {
            let output = self.tree.try_git(&["push", "-q", "--force", "origin", &edit]);
            if output.status.success() {
                break;
            }
            let said = text(&output);
            assert!(attempt < 20 && RETRYABLE.iter().any(|words| said.contains(words)), "{edit}: {said}");
            self.refused += 1;
            std::thread::sleep(Duration::from_millis(50 * attempt.min(6)));
        }
        match target {
            Some(target) => self.refs.insert(name.to_owned(), target),
            None => self.refs.remove(name),
        };
    }
}

/// The pointers in all history of a mirror: oid and size.
pub fn pointers(mirror: &Tree) -> BTreeSet<(String, u64)> {
    let script = "git rev-list --objects --all | cut -d' ' -f1 | git cat-file --batch-check='%(objecttype) %(objectname)' |
        sed -n 's/^blob //p' | while read -r blob; do
            git cat-file blob \"$blob\" | head -c 200 | tr '\\0\\n' '  ' |
                sed -n 's,^version https://git-lfs.github.com/spec/v1 oid sha256:\\([0-9a-f]*\\) size \\([0-9]*\\).*,\\1 \\2\\n,p'
        done";
    let listed = mirror.sh(script);
    let pair = |line: &str| line.split_once(' ').map(|(oid, size)| (oid.to_owned(), size.trim().parse().unwrap()));
    listed.lines().filter_map(pair).collect()
}
