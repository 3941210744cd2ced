//! Metrics of signed URLs.

use std::sync::LazyLock;

use lfs::sign::{Step, Verb};
use metrics::Counter;

/// The counters are looked up once, since a batch signs many URLs.
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

/// Counts a signed URL of one object, ours or a bucket's.
pub(super) fn count(verb: Verb) {
    match verb {
        Verb::Download => &SIGNED.download,
        Verb::Upload => &SIGNED.upload,
        Verb::Verify => &SIGNED.verify,
    }
    .increment(1);
}

/// Counts a signed URL of a step of a multipart upload.
pub(super) fn count_step(step: Step) {
    match step {
        Step::Part(_) => &SIGNED.part,
        Step::Commit => &SIGNED.commit,
        Step::Abort => &SIGNED.abort,
        Step::Tus => &SIGNED.tus,
    }
    .increment(1);
}
