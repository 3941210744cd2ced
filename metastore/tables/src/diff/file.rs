//! Row diffs as Arrow IPC files.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arrow::ipc::writer::FileWriter;
use bytes::Bytes;
use futures::StreamExt as _;
use tables_wire::{Diff, Done};

use super::RowDiff;
use crate::connection::Connection;
use crate::error::Result;
use crate::query::Context;
use crate::source::OpenTable;

/// Time between messages about progress.
const INTERVAL: Duration = Duration::from_millis(100);

/// Number of encoded bytes that are sent together.
const PART: usize = 1 << 18;

/// Sends the rows that differ as an Arrow IPC file, and progress meanwhile.
///
/// # Errors
/// Invalid for unknown columns of the key and malformed files; limit; read.
pub(crate) async fn diff(
    context: &Context,
    from: &Arc<OpenTable>,
    to: &Arc<OpenTable>,
    options: &Diff,
    connection: &Connection,
) -> Result<Done> {
    let fraction = Arc::new(AtomicU64::new(0));
    let work = write(context, from, to, options, connection, Arc::clone(&fraction));
    let reports = async {
        let mut last = 0.0;
        loop {
            tokio::time::sleep(INTERVAL).await;
            let now = f64::from_bits(fraction.load(Ordering::Relaxed));
            if now > last {
                last = now;
                if let Err(error) = connection.progress(now).await {
                    return error;
                }
            }
        }
    };
    tokio::select! {
        done = work => done,
        error = reports => Err(error),
    }
}

async fn write(
    context: &Context,
    from: &Arc<OpenTable>,
    to: &Arc<OpenTable>,
    options: &Diff,
    connection: &Connection,
    fraction: Arc<AtomicU64>,
) -> Result<Done> {
    let diff = RowDiff::new(*context, Arc::clone(from), Arc::clone(to), options.clone())?;
    let columns = diff.columns().to_vec();
    let mut writer = FileWriter::try_new(Vec::new(), diff.schema())?;
    let report = move |now: f64| fraction.store(now.to_bits(), Ordering::Relaxed);
    let (outcome, mut batches) = diff.run(report).await?;
    let mut rows = 0;
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        rows += batch.num_rows() as u64;
        writer.write(&batch)?;
        if writer.get_ref().len() >= PART {
            connection.chunk(Bytes::from(std::mem::take(writer.get_mut()))).await?;
        }
    }
    connection.chunk(writer.into_inner()?.into()).await?;
    let summary = outcome.summary()?;
    Ok(Done { columns, rows, more: !summary.is_complete, summary: Some(Box::new(summary)), ..Done::default() })
}
