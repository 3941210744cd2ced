//! Reading of the rows that differ.

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::SchemaRef;
use futures::StreamExt as _;
use futures::stream::{BoxStream, unfold};
use tokio::sync::mpsc;

use super::matching::{Entries, Entry};
use super::progress::Span;
use super::side::Side;
use crate::error::{Error, Result};
use crate::source::{Batches, Part, TextRows};

/// Rows are collected until there are this many, or this many bytes of them.
const ROWS: usize = 8192;
const BYTES: usize = 1 << 20;

/// Where this many rows in sequence are not needed, reading continues after them.
const GAP: u64 = 1 << 20;

/// Rows of a table that differ.
#[derive(Clone)]
pub(super) struct Selected {
    pub(super) entries: Vec<Entry>,
    pub(super) batch: RecordBatch,
}

/// A stream of rows that differ.
pub(super) type SelectedRows = BoxStream<'static, Result<Selected>>;

/// Reads rows of a table, in its order, as a task of their own.
pub(super) fn select(side: &Side, columns: Vec<usize>, entries: Entries, progress: &Span) -> Result<SelectedRows> {
    let (sender, receiver) = mpsc::channel(1);
    let schema = side.project(&columns)?;
    let progress = progress.clone();
    let reader = Reader { side: side.clone(), columns, schema, sender, waiting: Waiting::default(), progress };
    tokio::spawn(async move {
        let sender = reader.sender.clone();
        if let Err(error) = reader.run(entries).await {
            // If this fails, the comparison has ended.
            let _ = sender.send(Err(error)).await;
        }
    });
    Ok(unfold(receiver, |mut receiver| async move { Some((receiver.recv().await?, receiver)) }).boxed())
}

struct Reader {
    side: Side,
    columns: Vec<usize>,
    schema: SchemaRef,
    sender: mpsc::Sender<Result<Selected>>,
    waiting: Waiting,
    progress: Span,
}

/// Rows that wait for others.
#[derive(Default)]
struct Waiting {
    entries: Vec<Entry>,
    batches: Vec<RecordBatch>,
    bytes: usize,
}

/// Rows of a table from some place on.
enum Source {
    Batches(Batches),
    /// Only the rows that are needed are converted.
    Text(Box<TextRows>),
}

enum Block {
    Batch(RecordBatch),
    Text(Part),
}

impl Reader {
    async fn run(mut self, mut entries: Entries) -> Result<()> {
        let mut next = entries.next().transpose()?;
        while let Some(first) = next {
            let mut start = first.row;
            let mut source = self.open(start)?;
            while let Some(entry) = next.filter(|entry| entry.row - start < GAP) {
                let Some(block) = source.next().await? else {
                    return Err(Error::internal(format!("row {} is missing", entry.row)));
                };
                let end = start + block.len() as u64;
                let (mut indexes, first) = (Vec::new(), self.waiting.entries.len());
                while let Some(entry) = next.filter(|entry| entry.row < end) {
                    indexes.push(u32::try_from(entry.row - start).map_err(Error::internal)?);
                    self.waiting.entries.push(entry);
                    next = entries.next().transpose()?;
                }
                start = end;
                if self.waiting.entries.len() > first {
                    let batch = self.take(&source, block, indexes)?;
                    self.waiting.bytes += batch.get_array_memory_size();
                    self.waiting.batches.push(batch);
                    if (self.waiting.entries.len() >= ROWS || self.waiting.bytes >= BYTES) && !self.flush().await? {
                        return Ok(());
                    }
                }
                self.progress.report();
            }
        }
        self.flush().await.map(|_| ())
    }

    fn open(&self, start: u64) -> Result<Source> {
        Ok(match self.side.as_text() {
            Some((files, _)) => Source::Text(Box::new(files.rows(start, u64::MAX))),
            None => Source::Batches(self.side.rows(start, u64::MAX, &self.columns)?),
        })
    }

    fn take(&self, source: &Source, block: Block, indexes: Vec<u32>) -> Result<RecordBatch> {
        match (block, source, self.side.as_text()) {
            (Block::Batch(batch), ..) if indexes.len() == batch.num_rows() => Ok(batch),
            (Block::Batch(batch), ..) => Ok(take_record_batch(&batch, &UInt32Array::from(indexes))?),
            (Block::Text(part), Source::Text(rows), Some((_, is_written))) => {
                let indexes = indexes.into_iter().map(|index| index as usize).collect::<Vec<_>>();
                rows.take(part, &indexes, &self.columns, &self.schema, is_written)
            }
            (Block::Text(_), ..) => Err(Error::internal("only text has cells")),
        }
    }

    /// Sends the rows that wait. Returns false if they are no longer needed.
    async fn flush(&mut self) -> Result<bool> {
        let Waiting { entries, batches, .. } = std::mem::take(&mut self.waiting);
        if entries.is_empty() {
            return Ok(true);
        }
        let batch = match <[RecordBatch; 1]>::try_from(batches) {
            Ok([batch]) => batch,
            Err(batches) => concat_batches(&self.schema, &batches)?,
        };
        Ok(self.sender.send(Ok(Selected { entries, batch })).await.is_ok())
    }
}

impl Source {
    async fn next(&mut self) -> Result<Option<Block>> {
        Ok(match self {
            Self::Batches(batches) => batches.next().await.transpose()?.map(Block::Batch),
            Self::Text(rows) => rows.next().await?.map(Block::Text),
        })
    }
}

impl Block {
    fn len(&self) -> usize {
        match self {
            Self::Batch(batch) => batch.num_rows(),
            Self::Text(part) => part.range.len(),
        }
    }
}
