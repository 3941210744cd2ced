//! Completion of an upload: hash, verify, rename.

use std::{
    fs,
    io::{self, Seek as _, SeekFrom},
    sync::Arc,
    time::Duration,
};

use sha2::{Digest, Sha256};

use super::{Content, Ledger, Mode, discard};
use crate::{
    Error, Oid, blocking,
    parts::Plan,
    store::local::{Shared, buffer_pool, stat, sync_folder},
};

/// How long to wait for another request that completes the same upload.
const FINISH_LOCK_TIMEOUT: Duration = Duration::from_secs(30);

const FINISH_RETRY_DELAY: Duration = Duration::from_millis(50);

/// Number of bytes hashed in one task on the blocking pool: takes some milliseconds.
const STRETCH: u64 = 8 * 1024 * 1024;

pub(super) async fn finish(shared: &Arc<Shared>, upload: [u8; 16], oid: Oid, plan: Plan) -> Result<(), Error> {
    let mut tries = FINISH_LOCK_TIMEOUT.as_millis() / FINISH_RETRY_DELAY.as_millis();
    let mut finish = loop {
        let shared = Arc::clone(shared);
        match blocking::run(move || Finish::open(shared, upload, oid, plan)).await? {
            Opened::Already => return Ok(()),
            Opened::Here(finish) => break finish,
            Opened::Busy if tries == 0 => return Err(Error::Finishing),
            Opened::Busy => tries -= 1,
        }
        tokio::time::sleep(FINISH_RETRY_DELAY).await;
    };
    while finish.hashed < plan.size() {
        finish = blocking::run(move || finish.hash()).await?;
    }
    blocking::run(move || finish.end()).await
}

/// Returns the oid of the current content.
pub(super) async fn hash(shared: &Arc<Shared>, upload: [u8; 16], plan: Plan) -> Result<Oid, Error> {
    let opening = Arc::clone(shared);
    let mut content = blocking::run(move || {
        let ledger = Ledger::open(&opening, upload)?;
        let content = Content::open(&opening, upload)?;
        let missing = plan.missing(ledger.parts()?).len();
        if missing > 0 && ledger.offset()?.value != plan.size() {
            return Err(Error::Incomplete(u32::try_from(missing).unwrap_or(u32::MAX)));
        }
        (&content.disk.file).seek(SeekFrom::Start(0))?;
        Ok::<_, Error>(content)
    })
    .await?;
    let (mut hasher, mut done) = (Sha256::new(), 0);
    while done < plan.size() {
        let stretch = STRETCH.min(plan.size() - done);
        (content, hasher) = blocking::run(move || {
            stretch_of(&content, &mut hasher, stretch)?;
            Ok::<_, Error>((content, hasher))
        })
        .await?;
        done += stretch;
    }
    Ok(Oid::from_bytes(hasher.finalize().into()))
}

/// Hashes the next bytes of the content. Blocks.
fn stretch_of(content: &Content, hasher: &mut Sha256, stretch: u64) -> Result<(), Error> {
    let mut left = stretch;
    while left > 0 {
        let length = usize::try_from(left).map_or(buffer_pool::LENGTH, |left| left.min(buffer_pool::LENGTH));
        let bytes = buffer_pool::read(&content.disk.file, length)?;
        hasher.update(&bytes);
        left -= bytes.len() as u64;
    }
    Ok(())
}

enum Opened {
    /// The upload was completed before.
    Already,
    /// Another request is writing to it or completing it.
    Busy,
    Here(Box<Finish>),
}

/// An upload that is locked exclusively. All methods block.
struct Finish {
    shared: Arc<Shared>,
    upload: [u8; 16],
    oid: Oid,
    plan: Plan,
    content: Content,
    ledger: Ledger,
    hasher: Sha256,
    hashed: u64,
}

impl Finish {
    fn open(shared: Arc<Shared>, upload: [u8; 16], oid: Oid, plan: Plan) -> Result<Opened, Error> {
        let ledger = Ledger::open(&shared, upload)?;
        let content = match Content::open(&shared, upload) {
            Err(Error::UploadGone) => return Self::look_again(&shared, &ledger, oid, plan),
            content => content?,
        };
        match content.try_hold(Mode::Alone) {
            Ok(Some(hold)) => hold.keep(),
            Ok(None) => return Ok(Opened::Busy),
            Err(Error::UploadGone) => return Self::look_again(&shared, &ledger, oid, plan),
            Err(error) => return Err(error),
        }
        let missing = plan.missing(ledger.parts()?).len();
        if missing > 0 && ledger.offset()?.value != plan.size() {
            return Err(Error::Incomplete(u32::try_from(missing).unwrap_or(u32::MAX)));
        }
        let actual = content.disk.file.metadata()?.len();
        if actual != plan.size() {
            discard(&shared, upload)?;
            return Err(Error::WrongSize { expected: plan.size(), actual });
        }
        (&content.disk.file).seek(SeekFrom::Start(0))?;
        let hasher = Sha256::new();
        Ok(Opened::Here(Box::new(Self { shared, upload, oid, plan, content, ledger, hasher, hashed: 0 })))
    }

    /// The content file is gone: the upload was completed or discarded.
    fn look_again(shared: &Shared, ledger: &Ledger, oid: Oid, plan: Plan) -> Result<Opened, Error> {
        let is_here = stat(&shared.object(&oid))?.is_some_and(|stamp| stamp.size == plan.size());
        if is_here && ledger.is_proven(&oid, plan.size())? { Ok(Opened::Already) } else { Err(Error::UploadGone) }
    }

    fn hash(mut self: Box<Self>) -> Result<Box<Self>, Error> {
        let stretch = STRETCH.min(self.plan.size() - self.hashed);
        stretch_of(&self.content, &mut self.hasher, stretch)?;
        self.hashed += stretch;
        Ok(self)
    }

    fn end(self) -> Result<(), Error> {
        let Self { shared, upload, oid, plan, content, ledger, hasher, .. } = self;
        let actual = Oid::from_bytes(hasher.finalize().into());
        if actual != oid {
            discard(&shared, upload)?;
            return Err(Error::WrongHash { expected: oid, actual });
        }
        content.disk.flush()?;
        // From here on, an object of this oid and size without a content of this upload means that the upload is
        // complete, for every request.
        ledger.set_proven(&oid, plan.size())?;
        shared.make_folder(&oid)?;
        let target = shared.object(&oid);
        if let Err(error) = fs::rename(&content.path, &target) {
            if error.kind() != io::ErrorKind::NotFound {
                return Err(error.into());
            }
            // Either path may be missing: empty directories were cleaned up, or the upload was discarded.
            shared.forget_folder(&oid);
            shared.make_folder(&oid)?;
            fs::rename(&content.path, &target).map_err(|error| shared.or_gone(error))?;
        }
        Ok(sync_folder(&shared.folder(&oid))?)
    }
}
