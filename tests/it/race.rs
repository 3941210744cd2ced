//! People whose pushes meet collections of garbage: the same few objects come and go all the time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::harness::{Tree, noise, text};

/// What one schedule of random changes draws from.
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// An object of the few that come and go.
pub(crate) fn from_pool(chance: &mut Chance) -> Vec<u8> {
    let number = chance.below(16);
    noise(1000 + number, 2000 + usize::try_from(number).unwrap())
}

/// What a push that meets a collection may be told. Each says what to do, which is to try again.
const HONEST: [&str; 5] =
    ["garbage-collected", "being changed", "missing on the server", "send it again", "has expired"];

/// Somebody who changes branches and tags of their own at random, and knows what the server acknowledged.
pub(crate) struct Pusher {
    pub(crate) tree: Tree,
    pub(crate) chance: Chance,
    pub(crate) name: String,
    commits: Vec<String>,
    /// What is there, by all that was acknowledged.
    pub(crate) refs: BTreeMap<String, String>,
    /// How often they had to try again.
    pub(crate) refused: usize,
}

impl Pusher {
    /// Somebody with a tree of their own. Nobody else may change refs of this name.
    pub(crate) fn new(tree: Tree, seed: u64, name: &str) -> Self {
        let (commits, refs) = (Vec::new(), BTreeMap::new());
        Self { tree, chance: Chance(seed), name: name.to_owned(), commits, refs, refused: 0 }
    }

    pub(crate) fn act(&mut self) {
        let branch = format!("refs/heads/{}", self.name);
        match self.chance.below(10) {
            0..5 => {
                if self.chance.below(3) == 0 {
                    // Nothing of what was.
                    self.tree.git(&["checkout", "-q", "--orphan", &format!("fresh-{}", self.commits.len())]);
                    self.tree.git(&["rm", "-r", "-f", "-q", "--ignore-unmatch", "."]);
                }
                for _ in 0..=self.chance.below(2) {
                    let file = format!("{}.bin", self.chance.below(3));
                    self.tree.write(&file, from_pool(&mut self.chance));
                }
                self.tree.git(&["add", "-A"]);
                self.tree.git(&["commit", "-q", "--allow-empty", "-m", &format!("{}", self.chance.0)]);
                let commit = self.tree.git(&["rev-parse", "HEAD"]);
                self.commits.push(commit.clone());
                self.push(&branch, Some(commit));
            }
            5..8 if !self.commits.is_empty() => {
                // Back to, or over to, anything that ever was.
                let commit = usize::try_from(self.chance.below(self.commits.len() as u64)).unwrap();
                let commit = self.commits[commit].clone();
                self.tree.git(&["reset", "-q", "--hard", &commit]);
                let target = if self.chance.below(3) == 0 { format!("refs/tags/{}", self.name) } else { branch };
                self.push(&target, Some(commit));
            }
            _ => {
                let all: Vec<String> = self.refs.keys().cloned().collect();
                if !all.is_empty() {
                    let gone = usize::try_from(self.chance.below(all.len() as u64)).unwrap();
                    self.push(&all[gone], None);
                }
            }
        }
    }

    /// Pushes until it is taken, or refused for reasons that do not pass.
    pub(crate) fn push(&mut self, name: &str, target: Option<String>) {
        let edit = format!("{}:{name}", target.as_deref().unwrap_or_default());
        for attempt in 0_u64.. {
            let output = self.tree.try_git(&["push", "-q", "--force", "origin", &edit]);
            if output.status.success() {
                break;
            }
            let said = text(&output);
            assert!(attempt < 20 && HONEST.iter().any(|words| said.contains(words)), "{edit}: {said}");
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
pub(crate) fn pointers(mirror: &Tree) -> BTreeSet<(String, u64)> {
    let script = "git rev-list --objects --all | cut -d' ' -f1 | git cat-file --batch-check='%(objecttype) %(objectname)' |
        sed -n 's/^blob //p' | while read -r blob; do
            git cat-file blob \"$blob\" | head -c 200 | tr '\\0\\n' '  ' |
                sed -n 's,^version https://git-lfs.github.com/spec/v1 oid sha256:\\([0-9a-f]*\\) size \\([0-9]*\\).*,\\1 \\2\\n,p'
        done";
    let listed = mirror.sh(script);
    let pair = |line: &str| line.split_once(' ').map(|(oid, size)| (oid.to_owned(), size.trim().parse().unwrap()));
    listed.lines().filter_map(pair).collect()
}
