//! Xorbs in the stores: each is an object, with its list of chunks at the end.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use lfs::Oid;
use xet::xorb::{DecodedBytes, FOOTER_LENGTH_BYTES, Xorb};

use crate::db::objects::XorbRow;
use crate::db::{oid, unsigned};
use crate::error::{Error, Kind, Result};
use crate::storage::Storage;
use crate::storage::check::Damage;

/// Bytes read from the end of a stored xorb at first: enough for the list of most.
const FOOTER_READ: u64 = 64 << 10;

/// Number of lists of chunks in memory, each of at most 330 KB.
const CACHED_XORBS: usize = 64;

/// The lists of chunks of the xorbs that were read last, the newest first, by the oid of the object.
#[derive(Default)]
pub(in crate::storage) struct XorbCache(Mutex<Vec<(String, Arc<Xorb>)>>);

impl XorbCache {
    fn get(&self, row: &XorbRow) -> Option<Arc<Xorb>> {
        let mut cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = cached.iter().position(|(oid, _)| *oid == row.oid)?;
        cached[..=found].rotate_right(1);
        cached.first().map(|(_, xorb)| Arc::clone(xorb))
    }

    fn put(&self, row: &XorbRow, xorb: &Arc<Xorb>) {
        let mut cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cached.truncate(CACHED_XORBS - 1);
        cached.insert(0, (row.oid.clone(), Arc::clone(xorb)));
    }
}

impl Storage {
    /// Reads the list of chunks of a stored xorb.
    pub(in crate::storage) async fn xorb(&self, row: &XorbRow) -> Result<Arc<Xorb>> {
        if let Some(xorb) = self.0.xorbs.get(row) {
            return Ok(xorb);
        }
        let size = unsigned(row.size);
        let mut tail = self.read_xorb(row, size.saturating_sub(FOOTER_READ)..size, |bytes| bytes).await?;
        let last = tail.last_chunk::<FOOTER_LENGTH_BYTES>();
        let length = last.map_or(Err(corrupt("it is too short")), |last| Xorb::footer_len(*last).map_err(corrupt))?;
        if length > tail.len() {
            tail = self.read_xorb(row, size.saturating_sub(length as u64)..size, |bytes| bytes).await?;
        }
        let footer = tail.len().checked_sub(length).map(|start| &tail[start..]);
        let xorb = Xorb::parse_footer(footer.ok_or_else(|| corrupt("it is too short"))?).map_err(corrupt)?;
        if xorb.hash().to_string() != row.hash {
            return Err(corrupt("it is another xorb"));
        }
        let xorb = Arc::new(xorb);
        self.0.xorbs.put(row, &xorb);
        Ok(xorb)
    }

    /// Reads a range of a stored xorb into memory, and works on it in the blocking pool. A xorb that is missing is
    /// quarantined.
    async fn read_xorb<T: Send + 'static>(
        &self,
        row: &XorbRow,
        range: Range<u64>,
        work: impl FnOnce(Bytes) -> T + Send + 'static,
    ) -> Result<T> {
        let length = usize::try_from(range.end - range.start).map_err(Error::internal)?;
        let object: Oid = oid(&row.oid)?;
        let work = move |bytes: Bytes| (bytes.len() == length).then(|| work(bytes));
        let done = match self.load_from_store(&row.store, &object, &row.place, range, work).await {
            Err(error) if error.kind() == Kind::NotFound => None,
            done => done?,
        };
        let Some(done) = done else {
            self.quarantine(&row.store, &object, &row.place, None, Damage::Missing).await?;
            return Err(corrupt("its object is missing"));
        };
        done.ok_or_else(|| corrupt("its object is shorter"))
    }

    /// Reads and decodes chunks of a stored xorb: returns the bytes of each. A xorb with wrong bytes is quarantined.
    pub(super) async fn read_chunks(&self, row: &XorbRow, xorb: Arc<Xorb>, chunks: Range<usize>) -> Result<Vec<Bytes>> {
        let packed = xorb.packed_range(chunks.clone()).map_err(corrupt)?;
        let decode = move |bytes: Bytes| {
            let mut raw = Vec::new();
            let decoded = xorb.decode_range(chunks, &bytes, &mut raw)?;
            let raw = Bytes::from(raw);
            let slices = decoded.into_iter().map(|chunk| match chunk {
                DecodedBytes::Packed(range) => bytes.slice(range),
                DecodedBytes::Raw(range) => raw.slice(range),
            });
            Ok::<Vec<Bytes>, xet::Error>(slices.collect())
        };
        let decoded = self.read_xorb(row, u64::from(packed.start)..u64::from(packed.end), decode).await?;
        if decoded.is_err() {
            let (store, object) = (self.0.stores.named(&row.store)?, oid(&row.oid)?);
            let seen = store.stat(&object, &row.place).await?;
            if !store.is_sound(&object, &row.place).await? {
                self.quarantine(&row.store, &object, &row.place, seen, Damage::Bytes).await?;
            }
        }
        decoded.map_err(corrupt)
    }
}

/// Returns the error for a stored xorb that cannot be read.
pub(in crate::storage) fn corrupt(reason: impl std::fmt::Display) -> Error {
    Error::internal(format!("a stored xorb is corrupt: {reason}"))
}
