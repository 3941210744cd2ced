//! Summaries of columns, in two scans of a table: first counts, extremes, moments, quartiles and candidates for frequent
//! values, then histograms and frequent values.
//!
//! Memory is bounded for each column, whatever its values are. Each thread has a part of the columns.

mod distinct;
mod frequent;
mod histogram;
mod numbers;
mod summary;

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use datafusion::common::Column as ColumnName;
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::SessionContext;
use futures::StreamExt as _;
use serde_json::{Map, Value, json};
use tables_wire::Statistics;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use self::summary::{Sizes, Summary};
use crate::error::{Error, Result};
use crate::query::{BATCH_ROWS, Context, Source};
use crate::types::{plain_schema, text_schema, to_schema};

/// Batches have at most this many cells, so that those of wide tables stay small.
const BATCH_CELLS: usize = 1 << 20;

/// Minimum number of rows of a batch.
const MIN_BATCH_ROWS: usize = 128;

/// Rows up to this part of the memory are kept for the second scan.
const KEPT: usize = 4;

/// Returns the statistics of a table as JSON: `rows`, `is_complete` and `columns` as in the API.
pub(crate) async fn statistics(context: &Context, source: &Source, options: &Statistics) -> Result<Vec<u8>> {
    let mut scan = Scan::new(context, source, options)?;
    let mut workers = Workers::start(context, source, scan.types());
    scan.first(&mut workers).await?;
    let needed = workers.needed().await?;
    if !needed.is_empty() {
        scan.second(&mut workers, needed).await?;
    }
    let columns = workers.finish().await?;
    Ok(serde_json::to_vec(&json!({
        "rows": scan.rows,
        "is_complete": scan.is_complete,
        "columns": columns,
    }))?)
}

/// The scans of a table.
struct Scan<'a> {
    session: SessionContext,
    source: &'a Source,
    /// Maximum number of rows.
    limit: u64,
    /// Number of rows examined.
    rows: u64,
    is_complete: bool,
    /// All rows of the first scan, if they are few.
    kept: Option<Vec<RecordBatch>>,
    /// How many bytes may still be kept.
    room: usize,
}

impl<'a> Scan<'a> {
    fn new(context: &Context, source: &'a Source, options: &Statistics) -> Result<Self> {
        let batch_rows = (BATCH_CELLS / source.columns.len().max(1)).clamp(MIN_BATCH_ROWS, BATCH_ROWS);
        Ok(Self {
            session: context.session(batch_rows)?,
            source,
            limit: options.rows,
            rows: 0,
            is_complete: true,
            kept: Some(Vec::new()),
            room: context.memory / KEPT,
        })
    }

    fn types(&self) -> Vec<DataType> {
        let schema = text_schema(&plain_schema(&self.source.provider.schema()));
        schema.fields().iter().map(|field| field.data_type().clone()).collect()
    }

    /// Reads the first rows.
    async fn first(&mut self, workers: &mut Workers) -> Result<()> {
        let columns: Arc<[usize]> = (0..self.source.columns.len()).collect();
        let mut batches = self.read(&columns).await?;
        while let Some(batch) = batches.next().await {
            let batch = batch?;
            let room = self.limit - self.rows;
            self.is_complete = batch.num_rows() as u64 <= room;
            let batch = first_rows(&batch, room);
            self.rows += batch.num_rows() as u64;
            let size = batch.get_array_memory_size();
            if size > self.room {
                self.kept = None;
            } else if let Some(kept) = &mut self.kept {
                self.room -= size;
                kept.push(batch.clone());
            }
            workers.send(&batch, &columns).await?;
            if !self.is_complete {
                break;
            }
        }
        Ok(())
    }

    /// Reads the same rows again, only of some columns.
    async fn second(&mut self, workers: &mut Workers, columns: Vec<usize>) -> Result<()> {
        if let Some(kept) = self.kept.take() {
            let columns: Arc<[usize]> = (0..self.source.columns.len()).collect();
            for batch in kept {
                workers.send(&batch, &columns).await?;
            }
            return Ok(());
        }
        let columns: Arc<[usize]> = columns.into();
        let mut rows = self.rows;
        let mut batches = self.read(&columns).await?;
        while let Some(batch) = batches.next().await {
            let batch = first_rows(&batch?, rows);
            rows -= batch.num_rows() as u64;
            workers.send(&batch, &columns).await?;
        }
        Ok(())
    }

    async fn read(&self, columns: &[usize]) -> Result<datafusion::physical_plan::SendableRecordBatchStream> {
        let schema = self.source.provider.schema();
        // One more tells whether these are all.
        let limit = usize::try_from(self.limit.saturating_add(1)).unwrap_or(usize::MAX);
        let names = columns.iter().map(|column| schema.field(*column).name());
        let names = names.map(|name| Expr::Column(ColumnName::new_unqualified(name)));
        let frame = self.session.read_table(self.source.provider.clone())?.limit(0, Some(limit))?.select(names)?;
        Ok(execute_stream(frame.create_physical_plan().await?, self.session.task_ctx())?)
    }
}

fn first_rows(batch: &RecordBatch, rows: u64) -> RecordBatch {
    let rows = usize::try_from(rows).unwrap_or(usize::MAX).min(batch.num_rows());
    batch.slice(0, rows)
}

/// What a worker does.
enum Message {
    /// Examine rows with these columns.
    Rows(RecordBatch, Arc<[usize]>),
    /// Start the second scan, and say for which columns it is needed.
    Second(oneshot::Sender<Vec<usize>>),
}

/// Columns with their positions.
type Columns<T> = Vec<(usize, T)>;

/// The statistics of columns.
type Summaries = Columns<Map<String, Value>>;

/// Tasks that examine columns.
struct Workers {
    senders: Vec<mpsc::Sender<Message>>,
    tasks: Vec<JoinHandle<Result<Summaries>>>,
}

impl Workers {
    fn start(context: &Context, source: &Source, types: Vec<DataType>) -> Self {
        let sizes = Sizes::new(context.memory, types.len());
        let mut parts: Vec<Vec<_>> = (0..context.threads).map(|_| Vec::new()).collect();
        for (position, (column, r#type)) in source.columns.iter().zip(types).enumerate() {
            parts[position % context.threads].push((position, Summary::new(column, r#type, sizes)));
        }
        let (senders, tasks) = parts
            .into_iter()
            .map(|columns| {
                let (sender, messages) = mpsc::channel(1);
                (sender, tokio::spawn(work(columns, messages)))
            })
            .unzip();
        Self { senders, tasks }
    }

    async fn send(&mut self, batch: &RecordBatch, columns: &Arc<[usize]>) -> Result<()> {
        let schema = text_schema(&plain_schema(&batch.schema()));
        let batch = to_schema(batch, &schema)?;
        for position in 0..self.senders.len() {
            let message = Message::Rows(batch.clone(), columns.clone());
            if self.senders[position].send(message).await.is_err() {
                return Err(self.failure(position).await);
            }
        }
        Ok(())
    }

    /// Returns the columns that need a second scan, sorted.
    async fn needed(&mut self) -> Result<Vec<usize>> {
        let mut needed = Vec::new();
        for position in 0..self.senders.len() {
            let (sender, receiver) = oneshot::channel();
            // If it failed, there is no answer.
            let _ = self.senders[position].send(Message::Second(sender)).await;
            match receiver.await {
                Ok(columns) => needed.extend(columns),
                Err(_) => return Err(self.failure(position).await),
            }
        }
        needed.sort_unstable();
        Ok(needed)
    }

    /// Returns why a worker ended early.
    async fn failure(&mut self, position: usize) -> Error {
        match self.tasks.swap_remove(position).await {
            Ok(Err(error)) => error,
            Ok(Ok(_)) => Error::internal("a worker ended early"),
            Err(error) => Error::internal(error),
        }
    }

    /// Returns the statistics of all columns, in their order.
    async fn finish(self) -> Result<Vec<Map<String, Value>>> {
        drop(self.senders);
        let mut columns = Vec::new();
        for task in self.tasks {
            columns.extend(task.await.map_err(Error::internal)??);
        }
        columns.sort_by_key(|(position, _)| *position);
        Ok(columns.into_iter().map(|(_, column)| column).collect())
    }
}

async fn work(mut columns: Columns<Summary>, mut messages: mpsc::Receiver<Message>) -> Result<Summaries> {
    while let Some(message) = messages.recv().await {
        match message {
            Message::Rows(batch, read) => {
                for (position, summary) in &mut columns {
                    if let Ok(column) = read.binary_search(position) {
                        summary.add(batch.column(column))?;
                    }
                }
            }
            Message::Second(answer) => {
                let mut needed = Vec::new();
                for (position, summary) in &mut columns {
                    if summary.needs_second() {
                        needed.push(*position);
                    }
                }
                // It is not received if the request failed.
                let _ = answer.send(needed);
            }
        }
    }
    columns.into_iter().map(|(position, summary)| Ok((position, summary.into_json()?))).collect()
}

#[cfg(test)]
mod tests;
