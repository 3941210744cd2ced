//! The figures of signed URLs.

use std::sync::LazyLock;

use lfs::sign::{Step, Verb};
use metrics::Counter;

/// Looked up once: a batch signs many.
struct Signed {
    download: Counter,
    upload: Counter,
    verify: Counter,
    part: Counter,
    commit: Counter,
    abort: Counter,
    tus: Counter,
}

static SIGNED: LazyLock<Signed> = LazyLock::new(|| {
    let counter = |kind: &'static str| metrics::counter!("rutter_lfs_signed_urls_total", "kind" => kind);
    Signed {
        download: counter("download"),
        upload: counter("upload"),
        verify: counter("verify"),
        part: counter("part"),
        commit: counter("commit"),
        abort: counter("abort"),
        tus: counter("tus"),
    }
});

/// Counts a URL for one object, the server's own or a bucket's.
pub(super) fn count(verb: Verb) {
    match verb {
        Verb::Download => &SIGNED.download,
        Verb::Upload => &SIGNED.upload,
        Verb::Verify => &SIGNED.verify,
    }
    .increment(1);
}

/// Counts a URL for a step of an upload in parts.
pub(super) fn count_step(step: Step) {
    match step {
        Step::Part(_) => &SIGNED.part,
        Step::Commit => &SIGNED.commit,
        Step::Abort => &SIGNED.abort,
        Step::Tus => &SIGNED.tus,
    }
    .increment(1);
}
