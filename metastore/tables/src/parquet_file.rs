//! Parquet files: their footer, and pages of rows, of which only the needed parts are read.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::{BoxStream, try_unfold};
use parquet::DecodeResult;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, RowSelection};
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::arrow::push_decoder::{ParquetPushDecoder, ParquetPushDecoderBuilder};
use parquet::errors::ParquetError;
use parquet::file::metadata::{
    FooterTail, PageIndexPolicy, ParquetMetaData, ParquetMetaDataPushDecoder, ParquetMetaDataReader, RowGroupMetaData,
};
use tables_wire::TableFile;
use tokio::sync::OnceCell;

use crate::connection::Connection;
use crate::error::{Error, Result};
use crate::infer::{MAX_COLUMNS, too_wide};
use crate::panics::catch;

/// Number of bytes at the end that are read first.
const TAIL: u64 = 64 << 10;

/// Maximum length of a footer, and of the page index, in bytes.
const MAX_FOOTER: u64 = 64 << 20;

/// Length of the end of a file: the length of the footer, and `PAR1`.
const END: usize = 8;

/// Maximum number of rows of a batch, and its approximate length in bytes.
const BATCH_ROWS: u64 = 8192;
const BATCH_BYTES: u64 = 16 << 20;

/// A Parquet file, whose footer was read.
pub(crate) struct ParquetFile {
    bytes: FileBytes,
    name: String,
    metadata: ArrowReaderMetadata,
    /// The number of rows of each row group.
    groups: Vec<u64>,
    /// The footer with the page index, if there is a readable one.
    indexed: OnceCell<Arc<ParquetMetaData>>,
}

/// The bytes of a file, some of which are there already.
#[derive(Clone)]
struct FileBytes {
    connection: Connection,
    number: u32,
    size: u64,
    /// Maximum number of bytes that are read at once.
    memory: u64,
    tail: Bytes,
}

impl FileBytes {
    async fn read(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let mut total = 0;
        for range in ranges {
            if range.start > range.end || range.end > self.size {
                return Err(malformed());
            }
            total += range.end - range.start;
        }
        if total > self.memory {
            return Err(Error::limit(format!(
                "a row group has {} MiB in these columns, which is more than `tables.memory_bytes` allows; read fewer \
                 columns, or write smaller row groups",
                total >> 20
            )));
        }
        let tail_start = self.size - self.tail.len() as u64;
        if ranges.iter().all(|range| range.start >= tail_start) {
            let at = |offset: u64| usize::try_from(offset - tail_start).map_err(Error::internal);
            return ranges.iter().map(|range| Ok(self.tail.slice(at(range.start)?..at(range.end)?))).collect();
        }
        self.connection.read_ranges(self.number, ranges).await
    }
}

impl ParquetFile {
    /// Reads the footer of a file. At most `memory` bytes are read at once.
    ///
    /// # Errors
    /// Invalid for a malformed footer; limit for one that is too long, or has too many columns.
    pub(crate) async fn open(connection: Connection, number: u32, file: TableFile, memory: usize) -> Result<Self> {
        let size = file.size;
        if size < 2 * END as u64 {
            return Err(Error::invalid("not a readable Parquet file: it is too short"));
        }
        let tail_start = size.saturating_sub(TAIL);
        let tail = connection.read(number, tail_start..size).await?;
        let end: &[u8; END] = tail.last_chunk().ok_or_else(malformed)?;
        let end = FooterTail::try_new(end)?;
        if end.is_encrypted_footer() {
            return Err(Error::invalid("not a readable Parquet file: it is encrypted"));
        }
        let length = end.metadata_length() as u64;
        if length > MAX_FOOTER {
            return Err(Error::limit(format!(
                "the footer is longer than {} MiB; write fewer row groups",
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
        let metadata = catch(|| ParquetMetaDataReader::decode_metadata(&footer)).ok_or_else(malformed)??;
        let columns = metadata.file_metadata().schema_descr();
        if columns.num_columns() > MAX_COLUMNS || columns.root_schema().get_fields().len() > MAX_COLUMNS {
            return Err(too_wide());
        }
        let groups = metadata.row_groups().iter().map(|group| u64::try_from(group.num_rows()).map_err(|_| malformed()));
        let groups = groups.collect::<Result<Vec<_>>>()?;
        groups.iter().try_fold(0_u64, |sum, rows| sum.checked_add(*rows)).ok_or_else(malformed)?;
        let memory = memory as u64;
        let bytes = FileBytes { connection, number, size, memory, tail };
        let metadata = arrow_metadata(&Arc::new(metadata))?;
        Ok(Self { bytes, name: file.name, metadata, groups, indexed: OnceCell::new() })
    }

    /// Returns the name, for messages.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the length in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.bytes.size
    }

    /// Returns the types of the columns.
    pub(crate) fn schema(&self) -> &SchemaRef {
        self.metadata.schema()
    }

    /// Returns a value of the metadata of the file.
    pub(crate) fn metadata_value(&self, key: &str) -> Option<&str> {
        let all = self.metadata.metadata().file_metadata().key_value_metadata()?;
        all.iter().find(|entry| entry.key == key)?.value.as_deref()
    }

    /// Returns the number of rows.
    pub(crate) fn rows(&self) -> u64 {
        self.groups.iter().sum()
    }

    /// Returns true if the row groups are numbered in their order, from which readers tell the numbers of rows. (Where a
    /// writer numbered none of them, the parser did.)
    pub(crate) fn has_numbered_groups(&self) -> bool {
        (0..).zip(self.metadata.metadata().row_groups()).all(|(number, group)| group.ordinal() == Some(number))
    }

    /// Reads at most `limit` rows from `offset` on, with the columns at these positions.
    pub(crate) fn batches(
        self: &Arc<Self>,
        offset: u64,
        limit: u64,
        columns: &[usize],
    ) -> BoxStream<'static, Result<RecordBatch>> {
        let (file, columns) = (Arc::clone(self), columns.to_vec());
        let decoder: Option<ParquetPushDecoder> = None;
        try_unfold((file, columns, decoder), move |(file, columns, decoder)| async move {
            let mut decoder = match decoder {
                Some(decoder) => decoder,
                None => match file.decoder(offset, limit, &columns).await? {
                    Some(decoder) => decoder,
                    None => return Ok(None),
                },
            };
            let Some(batch) = file.next(&mut decoder).await? else { return Ok(None) };
            let batch = batch.project(&places(&columns))?;
            Ok(Some((batch, (file, columns, Some(decoder)))))
        })
        .boxed()
    }

    /// Creates a decoder of rows; `None` for an empty range.
    async fn decoder(&self, offset: u64, limit: u64, columns: &[usize]) -> Result<Option<ParquetPushDecoder>> {
        let (mut start, mut groups, mut before, mut total) = (0, Vec::new(), 0, 0_u64);
        let end = offset.saturating_add(limit);
        for (number, rows) in self.groups.iter().enumerate() {
            if start < end && start + rows > offset {
                if groups.is_empty() {
                    before = offset.saturating_sub(start);
                }
                groups.push(number);
                total += rows;
            }
            start += rows;
        }
        let selected = limit.min(total - before);
        if groups.is_empty() || selected == 0 {
            return Ok(None);
        }
        let rows: u64 = BATCH_ROWS.min(selected).min(self.rows_per_batch(&groups, columns));
        let metadata = if selected < total { self.indexed().await? } else { Arc::clone(self.metadata.metadata()) };
        let metadata = if Arc::ptr_eq(&metadata, self.metadata.metadata()) {
            self.metadata.clone()
        } else {
            arrow_metadata(&metadata)?
        };
        let [before, selected, total, rows] =
            [before, selected, total, rows].map(|number| usize::try_from(number).unwrap_or(usize::MAX));
        let built = catch(|| {
            let mask = ProjectionMask::roots(metadata.parquet_schema(), columns.iter().copied());
            let builder = ParquetPushDecoderBuilder::new_with_metadata(metadata)
                .with_projection(mask)
                .with_row_groups(groups)
                .with_batch_size(rows);
            if selected < total {
                let range = before..before + selected;
                builder.with_row_selection(RowSelection::from_consecutive_ranges(std::iter::once(range), total)).build()
            } else {
                builder.build()
            }
        });
        Ok(Some(built.ok_or_else(malformed)?.map_err(|error| Error::from(error).in_file(&self.name))?))
    }

    /// Returns how many rows a batch of limited length has, if the footer is right.
    fn rows_per_batch(&self, groups: &[usize], columns: &[usize]) -> u64 {
        let metadata = self.metadata.metadata();
        let needed = |group: &RowGroupMetaData, leaf: usize| {
            let root = group.schema_descr().get_column_root_idx(leaf);
            columns.contains(&root)
        };
        let per_group = groups.iter().map(|number| {
            let group = metadata.row_group(*number);
            let leaves = group.columns().iter().enumerate().filter(|(leaf, _)| needed(group, *leaf));
            let bytes: u64 = leaves.map(|(_, column)| u64::try_from(column.uncompressed_size()).unwrap_or(0)).sum();
            BATCH_BYTES.checked_div(bytes / self.groups[*number].max(1)).unwrap_or(BATCH_ROWS)
        });
        per_group.min().unwrap_or(BATCH_ROWS).max(1)
    }

    async fn next(&self, decoder: &mut ParquetPushDecoder) -> Result<Option<RecordBatch>> {
        loop {
            let step = catch(|| decoder.try_decode()).ok_or_else(|| malformed().in_file(&self.name))?;
            match step.map_err(|error| Error::from(error).in_file(&self.name))? {
                DecodeResult::Data(batch) => return Ok(Some(batch)),
                DecodeResult::Finished => return Ok(None),
                DecodeResult::NeedsData(ranges) => {
                    let bytes = self.bytes.read(&ranges).await.map_err(|error| error.in_file(&self.name))?;
                    let pushed = catch(|| decoder.push_ranges(ranges, bytes)).ok_or_else(malformed)?;
                    pushed.map_err(|error| Error::from(error).in_file(&self.name))?;
                }
            }
        }
    }

    /// Returns the footer with the page index; without it if it is too long or malformed.
    async fn indexed(&self) -> Result<Arc<ParquetMetaData>> {
        let metadata = self.metadata.metadata();
        let indexed = self.indexed.get_or_try_init(|| async {
            if !self.has_index() {
                return Ok(Arc::clone(metadata));
            }
            let decode = || {
                let decoder = ParquetMetaDataPushDecoder::try_new_with_metadata(self.bytes.size, (**metadata).clone());
                let mut decoder = decoder.ok()?.with_page_index_policy(PageIndexPolicy::Optional);
                let step = decoder.try_decode().ok()?;
                Some((decoder, step))
            };
            let Some(Some((mut decoder, mut step))) = catch(decode) else { return Ok(Arc::clone(metadata)) };
            while let DecodeResult::NeedsData(ranges) = step {
                let bytes = self.bytes.read(&ranges).await?;
                let next = catch(|| decoder.push_ranges(ranges, bytes).and_then(|()| decoder.try_decode()));
                let Some(Ok(next)) = next else { return Ok(Arc::clone(metadata)) };
                step = next;
            }
            Ok(match step {
                DecodeResult::Data(found) => Arc::new(found),
                _ => Arc::clone(metadata),
            })
        });
        indexed.await.cloned().map_err(|error: Error| error.in_file(&self.name))
    }

    /// Returns true if the places of the page index are within the file, and close enough to each other to read all of it.
    fn has_index(&self) -> bool {
        let columns = self.metadata.metadata().row_groups().iter().flat_map(RowGroupMetaData::columns);
        let (mut start, mut end, mut found) = (u64::MAX, 0, false);
        for column in columns {
            for (offset, length) in [
                (column.offset_index_offset(), column.offset_index_length()),
                (column.column_index_offset(), column.column_index_length()),
            ] {
                let (Some(offset), Some(length)) = (offset, length) else { continue };
                let (Ok(offset), Ok(length)) = (u64::try_from(offset), u64::try_from(length)) else { return false };
                (start, end, found) = (start.min(offset), end.max(offset.saturating_add(length)), true);
            }
        }
        found && end <= self.bytes.size && end - start <= MAX_FOOTER
    }

    /// Returns a reader for DataFusion.
    pub(crate) fn reader(self: &Arc<Self>) -> Box<dyn AsyncFileReader + Send> {
        Box::new(Reader(Arc::clone(self)))
    }
}

/// Reads parts of a file for DataFusion.
struct Reader(Arc<ParquetFile>);

impl AsyncFileReader for Reader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ParquetError>> {
        Box::pin(async move { Ok(self.0.bytes.read(&[range]).await?.pop().unwrap_or_default()) })
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>, ParquetError>> {
        Box::pin(async move { Ok(self.0.bytes.read(&ranges).await?) })
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>, ParquetError>> {
        Box::pin(async move {
            let wants_index = options.is_some_and(|options| {
                [options.offset_index_policy(), options.column_index_policy()] != [PageIndexPolicy::Skip; 2]
            });
            Ok(if wants_index { self.0.indexed().await? } else { Arc::clone(self.0.metadata.metadata()) })
        })
    }
}

/// Returns the Arrow types of a file: as its writer stored them, or else as Parquet defines them.
fn arrow_metadata(metadata: &Arc<ParquetMetaData>) -> Result<ArrowReaderMetadata> {
    let of = |skips| {
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(skips);
        catch(|| ArrowReaderMetadata::try_new(Arc::clone(metadata), options))
    };
    match of(false) {
        Some(Ok(found)) => Ok(found),
        _ => Ok(of(true).ok_or_else(malformed)??),
    }
}

/// Returns the place of each column among those that are read, which are in the order of the file.
pub(crate) fn places(columns: &[usize]) -> Vec<usize> {
    let mut sorted = columns.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    columns.iter().map(|column| sorted.partition_point(|other| other < column)).collect()
}

fn malformed() -> Error {
    Error::invalid("not a readable Parquet file: it is malformed")
}
