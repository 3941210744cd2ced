//! Arrow IPC files, also called Feather version 2. Only the record batches that hold the rows are read.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::ipc::convert::fb_to_schema;
use arrow::ipc::reader::{FileDecoder, read_footer_length};
use arrow::ipc::{Block, MetadataVersion, root_as_footer, root_as_message};
use bytes::{Bytes, BytesMut};
use futures::stream::{BoxStream, try_unfold};
use futures::{StreamExt as _, TryStreamExt as _};
use serde::{Deserialize, Serialize};
use tables_wire::TableFile;

use crate::connection::Connection;
use crate::error::{Error, Result};
use crate::infer::{MAX_COLUMNS, too_wide};
use crate::kept;
use crate::panics::catch;
use crate::parquet_file::places;

/// Number of bytes at the end that are read first.
const TAIL: u64 = 64 << 10;

/// Maximum length of a footer, in bytes.
const MAX_FOOTER: u64 = 64 << 20;

/// Maximum length of the description of a record batch, in bytes.
const MAX_HEADER: u64 = 16 << 20;

/// Length of the end of a file: the length of the footer, and the magic bytes.
const END: usize = 10;

/// Maximum number of rows of a batch.
const BATCH_ROWS: usize = 8192;

/// Number of descriptions that are read at the same time.
const CONCURRENT: usize = 8;

/// An Arrow file, whose footer was read.
pub(crate) struct ArrowFile {
    connection: Connection,
    number: u32,
    name: String,
    size: u64,
    /// Maximum length of a record batch, in bytes.
    memory: u64,
    schema: SchemaRef,
    version: MetadataVersion,
    dictionaries: Vec<Part>,
    batches: Vec<Part>,
    /// The number of rows of each record batch.
    counts: Vec<u64>,
    is_new: bool,
}

/// A record batch or a dictionary in the file.
#[derive(Clone, Copy)]
struct Part {
    block: Block,
    start: u64,
    /// Length of the description, and of it with the values.
    header: u64,
    length: u64,
}

/// What the server keeps: the number of rows of each record batch.
#[derive(Serialize, Deserialize)]
struct Kept {
    size: u64,
    counts: Vec<u64>,
}

impl ArrowFile {
    /// Reads the footer of a file. Record batches may have at most `memory` bytes.
    ///
    /// # Errors
    /// Invalid for a malformed footer; limit for one that is too long, or has too many columns.
    pub(crate) async fn open(
        connection: Connection,
        number: u32,
        file: TableFile,
        memory: usize,
        kept: Option<Bytes>,
    ) -> Result<Self> {
        let size = file.size;
        if size < 2 * END as u64 {
            return Err(Error::invalid("not a readable Arrow file: it is too short"));
        }
        let tail_start = size.saturating_sub(TAIL);
        let tail = connection.read(number, tail_start..size).await?;
        let end: &[u8; END] = tail.last_chunk().ok_or_else(malformed)?;
        let length = read_footer_length(*end).map_err(|_| {
            Error::invalid("not a readable Arrow file: it does not end with ARROW1; streams and Feather version 1 are not supported")
        })? as u64;
        if length > MAX_FOOTER {
            return Err(Error::limit(format!(
                "the footer is longer than {} MiB; write fewer batches",
                MAX_FOOTER >> 20
            )));
        }
        let start = (size - END as u64).checked_sub(length).ok_or_else(malformed)?;
        let mut footer = BytesMut::new();
        if start < tail_start {
            footer.extend_from_slice(&connection.read(number, start..tail_start).await?);
        }
        let from = usize::try_from(start.saturating_sub(tail_start)).map_err(Error::internal)?;
        footer.extend_from_slice(&tail[from..tail.len() - END]);
        let (schema, version, dictionaries, batches) =
            catch(|| parse_footer(&footer, size, memory as u64)).ok_or_else(malformed)??;
        if schema.fields().len() > MAX_COLUMNS {
            return Err(too_wide());
        }
        let mut file = Self {
            connection,
            number,
            name: file.name,
            size,
            memory: memory as u64,
            schema: Arc::new(schema),
            version,
            dictionaries,
            batches,
            counts: Vec::new(),
            is_new: false,
        };
        let kept: Option<Kept> = kept.and_then(|kept| kept::open(&kept));
        if let Some(kept) = kept.filter(|kept| kept.size == size && kept.counts.len() == file.batches.len()) {
            file.counts = kept.counts;
        } else {
            file.counts = file.count().await?;
            file.is_new = true;
        }
        file.counts.iter().try_fold(0_u64, |sum, rows| sum.checked_add(*rows)).ok_or_else(malformed)?;
        Ok(file)
    }

    /// Returns the name, for messages.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the types of the columns.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Returns the number of rows.
    pub(crate) fn rows(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Returns what the server should keep, if that is new.
    pub(crate) fn index(&self) -> Result<Option<Bytes>> {
        if !self.is_new {
            return Ok(None);
        }
        kept::seal(&Kept { size: self.size, counts: self.counts.clone() }).map(Some)
    }

    /// Reads the number of rows of each record batch.
    async fn count(&self) -> Result<Vec<u64>> {
        let counts = futures::stream::iter(self.batches.clone()).map(|part| async move {
            let header = self.connection.read(self.number, part.start..part.start + part.header).await?;
            catch(|| rows_of(&header)).flatten().ok_or_else(malformed)
        });
        counts.buffered(CONCURRENT).try_collect().await
    }

    /// Reads at most `limit` rows from `offset` on, with the columns at these positions.
    pub(crate) fn batches(
        self: &Arc<Self>,
        offset: u64,
        limit: u64,
        columns: &[usize],
    ) -> BoxStream<'static, Result<RecordBatch>> {
        let state = Reader {
            file: Arc::clone(self),
            columns: columns.to_vec(),
            decoder: None,
            number: 0,
            skip: offset,
            rest: limit,
            waiting: None,
        };
        try_unfold(state, |mut reader| async move {
            let batch = reader.next().await.map_err(|error| error.in_file(&reader.file.name))?;
            Ok(batch.map(|batch| (batch, reader)))
        })
        .boxed()
    }

    async fn read(&self, part: &Part) -> Result<Buffer> {
        let bytes = self.connection.read(self.number, part.start..part.start + part.length).await?;
        let header = usize::try_from(part.header).map_err(Error::internal)?;
        let length = catch(|| uncompressed_len(&bytes, header)).flatten().ok_or_else(malformed)?;
        if length > self.memory {
            return Err(too_long(length));
        }
        Ok(Buffer::from(bytes))
    }

    /// Creates a decoder of these columns, with the dictionaries.
    async fn decoder(&self, columns: &[usize]) -> Result<FileDecoder> {
        let mut sorted = columns.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        let mut decoder = FileDecoder::new(Arc::clone(&self.schema), self.version).with_projection(sorted);
        for part in &self.dictionaries {
            let bytes = self.read(part).await?;
            catch(|| decoder.read_dictionary(&part.block, &bytes)).ok_or_else(malformed)??;
        }
        Ok(decoder)
    }
}

/// Reads rows of a file.
struct Reader {
    file: Arc<ArrowFile>,
    columns: Vec<usize>,
    decoder: Option<FileDecoder>,
    /// The number of the next record batch.
    number: usize,
    skip: u64,
    rest: u64,
    /// The rest of a record batch that is returned in pieces.
    waiting: Option<RecordBatch>,
}

impl Reader {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(batch) = self.waiting.take().filter(|batch| batch.num_rows() > 0) {
                let rows = batch.num_rows().min(BATCH_ROWS);
                self.waiting = Some(batch.slice(rows, batch.num_rows() - rows));
                return Ok(Some(batch.slice(0, rows)));
            }
            let (Some(part), Some(count)) = (self.file.batches.get(self.number), self.file.counts.get(self.number))
            else {
                return Ok(None);
            };
            self.number += 1;
            if self.rest == 0 {
                return Ok(None);
            }
            if *count <= self.skip {
                self.skip -= count;
                continue;
            }
            let decoder = match &self.decoder {
                Some(decoder) => decoder,
                None => self.decoder.insert(self.file.decoder(&self.columns).await?),
            };
            let bytes = self.file.read(part).await?;
            let batch = catch(|| decoder.read_record_batch(&part.block, &bytes)).ok_or_else(malformed)??;
            let batch = batch.filter(|batch| batch.num_rows() as u64 == *count).ok_or_else(malformed)?;
            let batch = batch.project(&places(&self.columns))?;
            let start = usize::try_from(self.skip).map_err(Error::internal)?;
            let rows = usize::try_from(self.rest).unwrap_or(usize::MAX).min(batch.num_rows() - start);
            self.skip = 0;
            self.rest -= rows as u64;
            self.waiting = Some(batch.slice(start, rows));
        }
    }
}

type Footer = (Schema, MetadataVersion, Vec<Part>, Vec<Part>);

fn parse_footer(bytes: &[u8], size: u64, memory: u64) -> Result<Footer> {
    let footer = root_as_footer(bytes).map_err(|_| malformed())?;
    let schema = footer.schema().ok_or_else(malformed)?;
    if !schema.endianness().equals_to_target_endianness() {
        return Err(Error::invalid("not a readable Arrow file: big-endian files are not supported"));
    }
    let dictionaries = parts(footer.dictionaries().into_iter().flatten(), size)?;
    let batches = parts(footer.recordBatches().into_iter().flatten(), size)?;
    if let Some(long) = dictionaries.iter().chain(&batches).find(|part| part.length > memory) {
        return Err(too_long(long.length));
    }
    Ok((fb_to_schema(schema), footer.version(), dictionaries, batches))
}

/// Checks the places of record batches or dictionaries.
fn parts<'b>(blocks: impl Iterator<Item = &'b Block>, size: u64) -> Result<Vec<Part>> {
    let part = |block: &Block| {
        let start = u64::try_from(block.offset()).ok()?;
        let header = u64::try_from(block.metaDataLength()).ok().filter(|length| (8..=MAX_HEADER).contains(length))?;
        let length = header.checked_add(u64::try_from(block.bodyLength()).ok()?)?;
        (start.checked_add(length)? <= size).then_some(Part { block: *block, start, header, length })
    };
    blocks.map(|block| part(block).ok_or_else(malformed)).collect()
}

/// Returns the description of a record batch without the length before it.
fn message(bytes: &[u8]) -> Option<&[u8]> {
    match bytes.split_first_chunk::<4>()? {
        ([0xff, 0xff, 0xff, 0xff], rest) => rest.get(4..),
        (_, rest) => Some(rest),
    }
}

/// Returns the number of rows of a record batch.
fn rows_of(header: &[u8]) -> Option<u64> {
    let message = root_as_message(message(header)?).ok()?;
    u64::try_from(message.header_as_record_batch()?.length()).ok()
}

/// Returns the length of the values of a record batch or dictionary once it is decompressed.
fn uncompressed_len(bytes: &[u8], header: usize) -> Option<u64> {
    let body = bytes.get(header..)?;
    let message = root_as_message(message(bytes.get(..header)?)?).ok()?;
    let batch = message.header_as_record_batch().or_else(|| message.header_as_dictionary_batch()?.data())?;
    if batch.compression().is_none() {
        return Some(body.len() as u64);
    }
    let mut total = 0_u64;
    for buffer in batch.buffers()? {
        let start = usize::try_from(buffer.offset()).ok()?;
        let length = usize::try_from(buffer.length()).ok()?;
        if length == 0 {
            continue;
        }
        let buffer = body.get(start..start.checked_add(length)?)?;
        // The length before compression; -1 if it is not compressed.
        let declared = i64::from_le_bytes(*buffer.first_chunk()?);
        total = total.checked_add(u64::try_from(declared).unwrap_or(length as u64))?;
    }
    Some(total)
}

fn too_long(length: u64) -> Error {
    Error::limit(format!(
        "a record batch has {} MiB, which is more than `tables.memory_bytes` allows; write smaller batches",
        length >> 20
    ))
}

fn malformed() -> Error {
    Error::invalid("not a readable Arrow file: it is malformed")
}
