//! Pages of rows.

use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt as _;
use tables_wire::{Column, Done, Output, Page};

use crate::connection::Connection;
use crate::error::Result;
use crate::features::features;
use crate::names;
use crate::output::Encoder;
use crate::query::{self, Context, Sink};
use crate::rows::Rows;
use crate::source::{OpenTable, TextFiles};
use crate::text::{JsonWriter, strings};

/// Number of encoded bytes that are sent together.
const PART: usize = 1 << 18;

/// Maximum length of text whose rows are counted for [`Page::detailed`], in bytes.
const MAX_COUNTED: u64 = 1 << 30;

/// Sends a page of rows.
///
/// # Errors
/// Invalid for unknown columns and malformed files; limit; read.
pub(crate) async fn page(context: &Context, table: &Arc<OpenTable>, page: &Page, sink: &Connection) -> Result<Done> {
    let features = if page.detailed { features(table, page.columns.as_deref())? } else { Vec::new() };
    if page.filter.is_some() || !page.sort.is_empty() {
        let done = query::page(context, &table.as_source(), page, sink).await?;
        return Ok(Done { features, ..done });
    }
    let needed = names::positions(table.columns(), page.columns.as_deref())?;
    let columns: Vec<Column> = needed.iter().map(|index| table.columns()[*index].clone()).collect();
    // One row more shows whether there are more, unless that is known.
    let limit = page.limit.saturating_add(u64::from(table.total().is_none()));
    let (rows, mut more) = match (table.as_text(), page.output) {
        (Some(files), Output::Json) => json_of_text(files, page, limit, &needed, sink).await?,
        (Some(files), Output::Csv) => csv_of_text(files, page, limit, &needed, &columns, sink).await?,
        _ => typed(table, page, limit, &needed, &columns, sink).await?,
    };
    if let Some(files) = table.as_text().filter(|_| page.detailed && table.size() <= MAX_COUNTED) {
        // There is no such row. All are read to see that, unless their number is known.
        files.rows(u64::MAX - 1, 1).next().await?;
    }
    let total = table.total();
    more |= total.is_some_and(|total| page.offset.saturating_add(rows) < total);
    Ok(Done { columns, features, rows, more, total, ..Done::default() })
}

impl Sink for Connection {
    async fn send(&self, part: Bytes) -> Result<()> {
        self.chunk(part).await
    }
}

async fn json_of_text(
    files: &Arc<TextFiles>,
    page: &Page,
    limit: u64,
    needed: &[usize],
    sink: &Connection,
) -> Result<(u64, bool)> {
    let mut rows = files.rows(page.offset, limit);
    let mut writer = JsonWriter::new();
    let (mut written, mut more) = (0, false);
    while !more && let Some(part) = rows.next().await? {
        let available = part.range.len();
        let range = part.range.start..part.range.start + wanted(page.limit - written, available);
        let taken = writer.write(files.table(), part.rows, range, needed);
        let taken = taken.map_err(|error| rows.describe(error, part.file))?;
        written += taken as u64;
        more = taken < available;
        sink.chunk(writer.take()).await?;
    }
    sink.chunk(writer.finish()).await?;
    Ok((written, more))
}

async fn csv_of_text(
    files: &Arc<TextFiles>,
    page: &Page,
    limit: u64,
    needed: &[usize],
    columns: &[Column],
    sink: &Connection,
) -> Result<(u64, bool)> {
    let mut rows = files.rows(page.offset, limit);
    let schema = strings(files.table(), Rows::default(), 0..0, needed)?.schema();
    let mut encoder = Encoder::new(Output::Csv, &schema, columns)?;
    let (mut written, mut more) = (0, false);
    while !more && let Some(part) = rows.next().await? {
        let wanted = wanted(page.limit - written, part.range.len());
        more = wanted < part.range.len();
        let range = part.range.start..part.range.start + wanted;
        let batch = strings(files.table(), part.rows, range, needed);
        encoder.write(&batch.map_err(|error| rows.describe(error, part.file))?)?;
        written += wanted as u64;
        sink.chunk(encoder.take()).await?;
    }
    sink.chunk(encoder.finish()?).await?;
    Ok((written, more))
}

async fn typed(
    table: &OpenTable,
    page: &Page,
    limit: u64,
    needed: &[usize],
    columns: &[Column],
    sink: &Connection,
) -> Result<(u64, bool)> {
    let mut batches = table.rows(page.offset, limit, needed)?;
    let mut encoder = Encoder::new(page.output, &table.project(needed)?, columns)?;
    let (mut written, mut more) = (0, false);
    let mut waiting = Vec::new();
    while !more && let Some(batch) = batches.next().await {
        let batch = batch?;
        let wanted = wanted(page.limit - written, batch.num_rows());
        let taken = encoder.write(&batch.slice(0, wanted))?;
        written += taken as u64;
        more = taken < batch.num_rows();
        waiting.extend_from_slice(&encoder.take());
        if waiting.len() >= PART {
            sink.chunk(Bytes::from(std::mem::take(&mut waiting))).await?;
        }
    }
    waiting.extend_from_slice(&encoder.finish()?);
    sink.chunk(waiting.into()).await?;
    Ok((written, more))
}

/// Returns the number of rows that are wanted of those available.
fn wanted(rest: u64, available: usize) -> usize {
    usize::try_from(rest).unwrap_or(usize::MAX).min(available)
}

#[cfg(test)]
mod tests;
