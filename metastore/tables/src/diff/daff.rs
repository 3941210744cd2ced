//! Row diffs in the format of daff (<https://paulfitz.github.io/daff-doc/spec.html>), which `daff patch` applies.
//!
//! daff finds the rows to patch by their content: a row is known if its first columns are unique, or if it follows a known
//! row. So the rows around a change are chosen such that daff finds it; see [`layout`]. Rows that were moved are removed and
//! added.

mod align;
mod cells;
mod layout;
mod rows;
mod table;
mod unique;

use std::sync::Arc;

use tables_wire::Done;

use self::align::{Alignment, align};
use self::layout::Layout;
use self::table::Header;
use self::unique::unique_rows;
use super::columns::Columns;
use super::matching::Space;
use super::side::Side;
use super::sorter::Scratch;
use crate::connection::Connection;
use crate::error::Result;
use crate::query::Context;
use crate::source::OpenTable;

/// Sends a row diff as CSV. `result` is the result of the comparison of both tables, with their cells as they are written.
///
/// # Errors
/// Limit if the result does not have all rows that differ, and for too many rows; invalid for malformed files; read.
pub(crate) async fn daff(
    context: &Context,
    from: &Arc<OpenTable>,
    to: &Arc<OpenTable>,
    result: &OpenTable,
    connection: &Connection,
) -> Result<Done> {
    let space = Space { memory: context.memory, scratch: Scratch::new(context.scratch) };
    let sides = [from, to].map(|table| Side::new(Arc::clone(table), true));
    let columns = Columns::new(&sides[0], &sides[1], Some(&[]), to.declared())?;
    let Alignment { kept, rows: count } = align(&sides, columns, result, &space).await?;
    let header = Header::new(&sides);
    let unique = unique_rows(&sides[0], &header, count[0], &space).await?;
    let mut layout = Layout::new(header, unique, context.memory / 8)?;
    let rows = rows::write(&sides, kept, &mut layout, connection).await?;
    Ok(Done { rows, ..Done::default() })
}
