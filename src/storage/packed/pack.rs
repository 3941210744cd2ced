//! Packing objects that are whole: chunks that no xorb of the dataset has go to new xorbs.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt as _;
use lfs::Oid;
use xet::Hash;
use xet::chunk::Chunker;
use xet::merkle::Tree;
use xet::xorb::{Encoder, packed_len};

use super::check::sha256;
use super::savings::Savings;
use super::{Reconstruction, corrupt};
use crate::config::PackPolicy;
use crate::db::datasets::DatasetRow;
use crate::db::objects::XorbRow;
use crate::db::reconstructions::PackableRow;
use crate::db::{oid, signed, unsigned};
use crate::error::{Error, Kind, Result};
use crate::storage::Storage;
use crate::storage::check::Damage;
use crate::storage::read_range::Blocks;

/// Smaller objects stay whole, in bytes.
const MIN_SIZE: i64 = 1 << 20;

/// Bytes of objects that are compared with each other.
const WINDOW: u64 = 16 << 30;

/// Length in bytes at which a new xorb is stored. It is held in memory twice.
const XORB_LEN: usize = 16 << 20;

/// Number of xorbs whose chunks are known while packing, the newest ones: about 16 GiB, in 20 MB of memory.
const KNOWN_XORBS: i64 = 1024;

/// Maximum number of chunks known while packing. Beyond that, only the newest xorbs are read again.
const KNOWN_CHUNKS: usize = 1 << 20;

/// An object that was not worth packing is compared again this often, with newer ones.
const MAX_ATTEMPTS: i64 = 3;

/// What was packed.
#[derive(Debug, Clone, Copy, Default)]
pub struct PackSummary {
    /// Number of objects.
    pub objects: u64,
    /// Their size in bytes.
    pub bytes: u64,
    /// Bytes that were written for them.
    pub written: u64,
    /// Number of objects that stay whole, because packing them would save too little.
    pub left: u64,
}

/// The chunks of xorbs.
#[derive(Default)]
struct KnownChunks {
    /// The number of the xorb, and that of the chunk in it.
    chunks: HashMap<Hash, (usize, usize)>,
    /// `None` until it is stored.
    xorbs: Vec<Option<XorbRow>>,
}

/// The state while objects are cut into chunks, moved to the blocking pool for each block.
struct Packing {
    known: KnownChunks,
    /// Chunks for the next xorb, which has the last number.
    encoder: Encoder,
    /// Complete xorbs, to be stored, by number.
    full: Vec<(usize, Encoder)>,
}

/// An object cut into chunks. Its xorbs are numbered as in [`KnownChunks`].
#[derive(Default)]
struct Draft {
    chunker: Chunker,
    tree: Tree,
    terms: Vec<(usize, std::ops::Range<usize>, u64)>,
}

impl Storage {
    /// Returns which objects of a store are packed.
    pub(crate) fn pack_policy(&self, store: &str) -> Result<PackPolicy> {
        self.0.stores.pack(store)
    }

    /// Returns the names of the stores of which objects are packed.
    pub(crate) fn packing_stores(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for name in self.0.stores.names() {
            if self.0.stores.pack(name)? != PackPolicy::Never {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }

    /// Packs those objects of a dataset for which `is_old` is true, or all, as its store is configured; those that are
    /// small or not worth it stay whole. Calls `progress` with the number of bytes of each block that is read. Can be
    /// interrupted at any time.
    pub(crate) async fn pack_dataset(
        &self,
        dataset: &DatasetRow,
        is_old: impl Fn(&Oid) -> bool,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<PackSummary> {
        let mut summary = PackSummary::default();
        let policy = self.0.stores.pack(&dataset.store)?;
        if policy == PackPolicy::Never {
            return Ok(summary);
        }
        let packs_all = policy == PackPolicy::All;
        let mut tx = self.0.db.read_long().await?;
        let mut rows = tx.packable(dataset.id, &dataset.store, MIN_SIZE, packs_all, MAX_ATTEMPTS).await?;
        drop(tx);
        let mut failed = None;
        rows.retain(|row| match oid(&row.oid) {
            Ok(oid) => packs_all || is_old(&oid),
            Err(error) => {
                failed = Some(error);
                false
            }
        });
        if let Some(error) = failed {
            return Err(error);
        }
        if rows.iter().all(|row| row.pack_attempts > 0) {
            return Ok(summary);
        }
        let mut known = self.known_chunks(dataset).await?;
        let mut rest = rows.as_slice();
        while !rest.is_empty() {
            let mut bytes = 0_u64;
            let fitting = rest.iter().take_while(|row| {
                bytes = bytes.saturating_add(unsigned(row.size));
                bytes <= WINDOW
            });
            let (window, more) = rest.split_at(fitting.count().max(1));
            rest = more;
            if known.chunks.len() > KNOWN_CHUNKS {
                known = self.known_chunks(dataset).await?;
            }
            known = self.pack_window(dataset, window, known, &mut summary, progress).await?;
        }
        Ok(summary)
    }

    /// Reads the lists of chunks of the newest xorbs.
    async fn known_chunks(&self, dataset: &DatasetRow) -> Result<KnownChunks> {
        let rows = self.0.db.read_long().await?.recent_xorbs(dataset.id, &dataset.store, KNOWN_XORBS).await?;
        let mut known = KnownChunks::default();
        for row in rows {
            let xorb = match self.xorb(&row).await {
                Err(error) if error.kind() == Kind::Unavailable => return Err(error),
                Err(error) => {
                    tracing::error!(store = row.store, oid = row.oid, %error, "cannot read a xorb");
                    continue;
                }
                Ok(xorb) => xorb,
            };
            let number = known.xorbs.len();
            for (index, chunk) in xorb.chunks().iter().enumerate() {
                known.chunks.entry(chunk.hash).or_insert((number, index));
            }
            known.xorbs.push(Some(row));
        }
        Ok(known)
    }

    async fn pack_window(
        &self,
        dataset: &DatasetRow,
        rows: &[PackableRow],
        known: KnownChunks,
        summary: &mut PackSummary,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<KnownChunks> {
        let (known, worthwhile) = self.measure(dataset, rows, known, progress).await?;
        let (mut packing, mut drafts) = (Packing::new(known), Vec::new());
        let (mut left, mut written) = (Vec::new(), 0);
        for (row, is_worthwhile) in rows.iter().zip(worthwhile) {
            if !is_worthwhile {
                left.push(oid(&row.oid)?);
                continue;
            }
            let mut draft = Draft::default();
            let mut blocks = self.blocks_of(dataset, row).await?;
            while let Some(block) = blocks.try_next().await? {
                progress(block.len() as u64);
                (packing, draft) = crate::blocking(move || packing.push(draft, &block)).await??;
                written += self.store_full(dataset, &mut packing).await?;
            }
            (packing, draft) = crate::blocking(move || packing.finish(draft)).await??;
            drafts.push((row, draft));
        }
        packing.begin_xorb();
        written += self.store_full(dataset, &mut packing).await?;
        summary.written += written;
        for (row, draft) in drafts {
            let oid = oid(&row.oid)?;
            if self.replace(dataset, row, &oid, draft.reconstruction(&packing.known)?).await? {
                summary.objects += 1;
                summary.bytes += unsigned(row.size);
            } else {
                left.push(oid);
            }
        }
        summary.left += left.len() as u64;
        let mut tx = self.0.db.write().await?;
        tx.add_pack_attempt(&dataset.store, &left).await?;
        tx.commit().await?;
        Ok(packing.known)
    }

    /// Returns for each object whether it is worth packing.
    async fn measure(
        &self,
        dataset: &DatasetRow,
        rows: &[PackableRow],
        mut known: KnownChunks,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<(KnownChunks, Vec<bool>)> {
        let mut savings = Savings::default();
        for row in rows {
            savings.begin(unsigned(row.size));
            let (mut blocks, mut chunker) = (self.blocks_of(dataset, row).await?, Chunker::new());
            while let Some(block) = blocks.try_next().await? {
                progress(block.len() as u64);
                (known, savings, chunker) = crate::blocking(move || {
                    let done: Result<(), std::convert::Infallible> = chunker.push(&block, |chunk| {
                        savings.add(&known, chunk);
                        Ok(())
                    });
                    let Ok(()) = done;
                    (known, savings, chunker)
                })
                .await?;
            }
            let done: Result<(), std::convert::Infallible> = chunker.finish(|chunk| {
                savings.add(&known, chunk);
                Ok(())
            });
            let Ok(()) = done;
        }
        let worthwhile = crate::blocking(move || savings.worthwhile()).await?;
        Ok((known, worthwhile))
    }

    async fn blocks_of(&self, dataset: &DatasetRow, row: &PackableRow) -> Result<Blocks> {
        let (store, object) = (&dataset.store, oid(&row.oid)?);
        match self.read_from_store(store, &object, &row.place, 0..unsigned(row.size)).await {
            Ok(Some(blocks)) => Ok(blocks),
            Err(error) if error.kind() != Kind::NotFound => Err(error),
            Ok(None) | Err(_) => {
                self.quarantine(store, &object, &row.place, None, Damage::Missing).await?;
                Err(Error::not_found(format!("object {object} is missing in the store")))
            }
        }
    }

    /// Stores complete xorbs. Returns the number of bytes.
    async fn store_full(&self, dataset: &DatasetRow, packing: &mut Packing) -> Result<u64> {
        let mut written = 0;
        for (number, encoder) in std::mem::take(&mut packing.full) {
            let (bytes, xorb) = crate::blocking(move || encoder.finish()).await?.map_err(corrupt)?;
            let (object, size) = self.store_xorb(dataset, Bytes::from(bytes), &xorb).await?;
            let stored = self.0.db.read().await?.object(&dataset.store, &object).await?;
            let (_, _, place) = stored.ok_or_else(|| Error::conflict("a xorb was deleted at the same time"))?;
            packing.known.xorbs[number] = Some(XorbRow {
                hash: xorb.hash().to_string(),
                store: dataset.store.clone(),
                oid: object.to_string(),
                size: signed(size),
                place,
            });
            written += size;
        }
        Ok(written)
    }

    /// Makes an object packed, after its bytes were put together and hashed. Returns false if it stays whole.
    async fn replace(
        &self,
        dataset: &DatasetRow,
        row: &PackableRow,
        oid: &Oid,
        object: Reconstruction,
    ) -> Result<bool> {
        let Some(reconstruction) = object.row()? else { return Ok(false) };
        let length = object.len();
        let found = sha256(self.read_packed(Arc::new(object), 0..length)).await?;
        if found != *oid {
            // The scrub finds out which of the two is wrong.
            tracing::error!(store = dataset.store, %oid, %found, "a packed object has another SHA-256; it stays whole");
            return Ok(false);
        }
        // URLs that were signed before refer to the file.
        let whole_until = self.0.clock.now().plus(self.shortest_grace());
        let mut tx = self.0.db.write().await?;
        let is_packed = tx.pack_object(&dataset.store, oid, &row.place, &reconstruction, whole_until).await?;
        tx.commit().await?;
        if is_packed {
            metrics::counter!("rutter_packed_objects_total").increment(1);
            metrics::counter!("rutter_packed_bytes_total").increment(unsigned(row.size));
        }
        Ok(is_packed)
    }
}

impl Savings {
    /// Adds a chunk of the object, unless a xorb has it.
    fn add(&mut self, known: &KnownChunks, chunk: &[u8]) {
        let hash = Hash::of_chunk(chunk);
        if !known.chunks.contains_key(&hash) {
            self.push(hash, || packed_len(chunk));
        }
    }
}

impl Packing {
    fn new(known: KnownChunks) -> Self {
        let mut packing = Self { known, encoder: Encoder::new(), full: Vec::new() };
        packing.known.xorbs.push(None);
        packing
    }

    /// Cuts a block into chunks.
    fn push(mut self, mut draft: Draft, block: &[u8]) -> Result<(Self, Draft)> {
        let Draft { chunker, tree, terms } = &mut draft;
        chunker.push(block, |chunk| self.add(tree, terms, chunk))?;
        Ok((self, draft))
    }

    /// Ends an object.
    fn finish(mut self, mut draft: Draft) -> Result<(Self, Draft)> {
        let chunker = std::mem::take(&mut draft.chunker);
        chunker.finish(|chunk| self.add(&mut draft.tree, &mut draft.terms, chunk))?;
        Ok((self, draft))
    }

    fn add(
        &mut self,
        tree: &mut Tree,
        terms: &mut Vec<(usize, std::ops::Range<usize>, u64)>,
        chunk: &[u8],
    ) -> Result<()> {
        let (hash, length) = (Hash::of_chunk(chunk), chunk.len() as u64);
        tree.push(hash, length);
        let (xorb, index) = match self.known.chunks.get(&hash) {
            Some(known) => *known,
            None => self.add_new(hash, chunk)?,
        };
        match terms.last_mut() {
            Some((last, chunks, bytes)) if *last == xorb && chunks.end == index => {
                (chunks.end, *bytes) = (index + 1, *bytes + length);
            }
            _ => terms.push((xorb, index..index + 1, length)),
        }
        Ok(())
    }

    fn add_new(&mut self, hash: Hash, chunk: &[u8]) -> Result<(usize, usize)> {
        if self.encoder.packed_len() >= XORB_LEN || !self.encoder.has_room(chunk.len()) {
            self.begin_xorb();
        }
        let xorb = self.known.xorbs.len() - 1;
        let index = self.encoder.chunk_count();
        self.encoder.push(chunk).map_err(corrupt)?;
        self.known.chunks.insert(hash, (xorb, index));
        Ok((xorb, index))
    }

    /// Begins the next xorb, if the last one has chunks.
    fn begin_xorb(&mut self) {
        if self.encoder.chunk_count() > 0 {
            let number = self.known.xorbs.len() - 1;
            self.full.push((number, std::mem::take(&mut self.encoder)));
            self.known.xorbs.push(None);
        }
    }
}

impl Draft {
    fn reconstruction(self, known: &KnownChunks) -> Result<Reconstruction> {
        let mut object = Reconstruction { hash: self.tree.file_hash(), xorbs: Vec::new(), terms: Vec::new() };
        let mut numbers = HashMap::new();
        for (xorb, chunks, length) in self.terms {
            let number = *numbers.entry(xorb).or_insert(object.xorbs.len());
            if number == object.xorbs.len() {
                let row = known.xorbs.get(xorb).and_then(Option::as_ref);
                object.xorbs.push(row.ok_or_else(|| Error::internal("a new xorb was not stored"))?.clone());
            }
            object.push(number, chunks, length);
        }
        Ok(object)
    }
}
