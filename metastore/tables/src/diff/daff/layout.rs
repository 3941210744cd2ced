//! Which rows of a diff are written, and how, so that `daff patch` finds them.
//!
//! daff looks for each row that it has to patch, and for the rows before and after it, by its content. Where that is not
//! unique, daff takes the row that follows the one before it in the diff, if it has found that one earlier. So before rows
//! that are not unique, rows are written in sequence from two unique ones on, as rows to patch (`+`) that do not change; and
//! rows are added only after all rows that have to be found.

use std::collections::VecDeque;

use csv::{Terminator, Writer, WriterBuilder};

use super::cells::{changed, escaped, is_patchable, separator};
use super::table::{Header, Line, Unit};
use crate::diff::bits::Bits;
use crate::error::{Error, Result};

/// Writes the rows of a diff as CSV.
pub(super) struct Layout {
    header: Header,
    /// True if all rows are written, with their cells of added columns.
    writes_all: bool,
    /// Rows of the older table whose content is unique.
    unique: Bits,
    /// Maximum length of rows that wait, in bytes.
    limit: usize,
    writer: Writer<Vec<u8>>,
    rows: u64,
    /// The last rows that are the same, of those that were not written.
    before: Waiting,
    /// Rows from the first that differs on, up to one that is the same and unique.
    region: Waiting,
    /// True if rows were left out after the last one that was written.
    has_gap: bool,
    /// True if a row after changed ones has to be written.
    wants_context: bool,
}

/// Rows that wait for later ones.
#[derive(Default)]
struct Waiting {
    units: VecDeque<Unit>,
    size: usize,
}

impl Waiting {
    fn push(&mut self, unit: Unit) {
        self.size += unit.size();
        self.units.push_back(unit);
    }

    fn pop(&mut self) -> Option<Unit> {
        let unit = self.units.pop_front()?;
        self.size -= unit.size();
        Some(unit)
    }
}

impl Unit {
    fn size(&self) -> usize {
        match self {
            Self::Kept { from, to, .. } => from.size() + to.size(),
            Self::Removed { from: line, .. } | Self::Added { to: line } => line.size(),
        }
    }

    /// Returns the number of the row of the older table.
    fn number(&self) -> Option<u64> {
        match self {
            Self::Kept { number, .. } | Self::Removed { number, .. } => Some(*number),
            Self::Added { .. } => None,
        }
    }
}

impl Layout {
    /// Creates a writer. At most `limit` bytes of rows wait for later ones.
    pub(super) fn new(header: Header, unique: Bits, limit: usize) -> Result<Self> {
        let writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
        let writes_all = header.has_added();
        let mut layout = Self {
            header,
            writes_all,
            unique,
            limit,
            writer,
            rows: 0,
            before: Waiting::default(),
            region: Waiting::default(),
            has_gap: false,
            wants_context: false,
        };
        layout.write_header()?;
        Ok(layout)
    }

    /// Adds the next row.
    pub(super) fn push(&mut self, unit: Unit) -> Result<()> {
        let is_same = matches!(unit, Unit::Kept { is_changed: false, .. });
        if !is_same {
            match unit {
                Unit::Kept { number, from, to, .. } if !self.is_patchable(&from, &to) => {
                    self.region.push(Unit::Removed { number, from });
                    self.region.push(Unit::Added { to });
                }
                unit => self.region.push(unit),
            }
            return if self.region.size > self.limit { self.end_region() } else { Ok(()) };
        }
        if !self.region.units.is_empty() {
            if !self.is_unique(&unit) && self.region.size <= self.limit {
                self.region.push(unit);
                return Ok(());
            }
            self.end_region()?;
        }
        self.push_same(unit)
    }

    /// Ends the diff.
    pub(super) fn finish(&mut self) -> Result<()> {
        self.end_region()?;
        while !self.before.units.is_empty() {
            self.leave_out()?;
        }
        if self.has_gap {
            self.write_gap()?;
        }
        self.writer.flush().map_err(Error::internal)
    }

    /// Returns the number of bytes that wait to be taken.
    pub(super) fn len(&self) -> usize {
        self.writer.get_ref().len()
    }

    /// Takes what has been written.
    pub(super) fn take(&mut self) -> Result<Vec<u8>> {
        self.writer.flush().map_err(Error::internal)?;
        let writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
        std::mem::replace(&mut self.writer, writer).into_inner().map_err(Error::internal)
    }

    /// Returns the number of rows of the diff.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    fn is_unique(&self, unit: &Unit) -> bool {
        unit.number().is_some_and(|number| self.unique.contains(number))
    }

    fn is_patchable(&self, from: &Line, to: &Line) -> bool {
        self.header.places.iter().all(|place| match (place.from, place.to) {
            (Some(one), Some(other)) => is_patchable(from.cell(one), to.cell(other)),
            _ => true,
        })
    }

    /// Adds a row that is the same.
    fn push_same(&mut self, unit: Unit) -> Result<()> {
        if self.writes_all {
            return self.write_unit(&unit, true);
        }
        let starts_sequence =
            self.is_unique(&unit) && self.before.units.back().is_some_and(|last| self.is_unique(last));
        if starts_sequence {
            while self.before.units.len() > 1 {
                self.leave_out()?;
            }
        }
        self.before.push(unit);
        while self.before.size > self.limit && self.before.units.len() > 1 {
            self.leave_out()?;
        }
        Ok(())
    }

    /// Leaves out a row, unless it is the one after changed ones.
    fn leave_out(&mut self) -> Result<()> {
        let Some(unit) = self.before.pop() else { return Ok(()) };
        if std::mem::take(&mut self.wants_context) {
            return self.write_unit(&unit, false);
        }
        self.has_gap = true;
        Ok(())
    }

    /// Writes the rows that differ, with those before them.
    fn end_region(&mut self) -> Result<()> {
        let mut units: Vec<Unit> = std::mem::take(&mut self.region).units.into();
        let is_same = |unit: &Unit| matches!(unit, Unit::Kept { is_changed: false, .. });
        let Some(last) = units.iter().rposition(|unit| !is_same(unit)) else { return Ok(()) };
        // All rows have to be found if cells are added to all of them.
        let after = if self.writes_all { Vec::new() } else { units.split_off(last + 1) };

        let is_simple = units.iter().chain(self.before.units.back()).all(is_found_in(&self.unique));
        if is_simple {
            while self.before.units.len() > 1 {
                self.leave_out()?;
            }
        }
        if self.has_gap {
            self.write_gap()?;
        }
        while let Some(unit) = self.before.pop() {
            self.write_unit(&unit, !is_simple)?;
        }
        // Rows that have to be found by the one before them are not found after a row that is added.
        let first_added = units.iter().position(|unit| unit.number().is_none()).unwrap_or(units.len());
        if units[first_added..].iter().all(is_found_in(&self.unique)) {
            for unit in &units {
                self.write_unit(unit, !is_simple)?;
            }
        } else {
            for unit in &units {
                if let Unit::Kept { number, from, .. } | Unit::Removed { number, from } = unit {
                    self.write_unit(&Unit::Removed { number: *number, from: from.clone() }, true)?;
                }
            }
            for unit in &units {
                if let Unit::Kept { to, .. } | Unit::Added { to } = unit {
                    self.write_unit(&Unit::Added { to: to.clone() }, true)?;
                }
            }
        }
        self.wants_context = true;
        after.into_iter().try_for_each(|unit| self.push_same(unit))
    }

    fn write_header(&mut self) -> Result<()> {
        let places = &self.header.places;
        if places.iter().any(|place| place.from.is_none() || place.to.is_none()) {
            let kind = |place: &super::table::Place| match (place.from, place.to) {
                (None, _) => "+++",
                (_, None) => "---",
                _ => "",
            };
            let row: Vec<&str> = std::iter::once("!").chain(places.iter().map(kind)).collect();
            self.writer.write_record(row).map_err(Error::internal)?;
        }
        let row = std::iter::once("@@").chain(places.iter().map(|place| place.name.as_str()));
        self.writer.write_record(row).map_err(Error::internal)
    }

    fn write_gap(&mut self) -> Result<()> {
        self.has_gap = false;
        let row = std::iter::repeat_n("...", self.header.places.len() + 1);
        self.writer.write_record(row).map_err(Error::internal)
    }

    /// Writes a row; one that is the same as a row to patch, if daff has to find it.
    fn write_unit(&mut self, unit: &Unit, is_to_find: bool) -> Result<()> {
        self.rows += 1;
        let places = &self.header.places;
        let (action, cells): (String, Vec<String>) = match unit {
            Unit::Removed { from, .. } => {
                let cell = |column: Option<usize>| column.map_or("", |column| from.cell(column)).to_owned();
                ("---".to_owned(), places.iter().map(|place| cell(place.from)).collect())
            }
            Unit::Added { to } => {
                let cell = |column: Option<usize>| column.map_or_else(String::new, |column| escaped(to.cell(column)));
                ("+++".to_owned(), places.iter().map(|place| cell(place.to)).collect())
            }
            Unit::Kept { from, to, is_changed, .. } => {
                let pair = |place: &super::table::Place| {
                    [place.from.map(|column| from.cell(column)), place.to.map(|column| to.cell(column))]
                };
                let differs = |[old, new]: [Option<&str>; 2]| old.is_some() && new.is_some() && old != new;
                let is_changed = *is_changed && places.iter().any(|place| differs(pair(place)));
                let separator = separator(places.iter().flat_map(pair).flatten());
                let cell = |place| match pair(place) {
                    [Some(old), Some(new)] if is_changed && old != new => changed(old, new, &separator),
                    [Some(old), _] => old.to_owned(),
                    [None, new] => new.map_or_else(String::new, escaped),
                };
                let cells = places.iter().map(cell).collect();
                let action = if is_to_find || self.writes_all { "+" } else { "" };
                (if is_changed { separator.clone() } else { action.to_owned() }, cells)
            }
        };
        self.writer.write_record(std::iter::once(action).chain(cells)).map_err(Error::internal)
    }
}

/// Returns a function that says whether daff finds a row by its content, or need not find it.
fn is_found_in(unique: &Bits) -> impl Fn(&Unit) -> bool + '_ {
    |unit| unit.number().is_none_or(|number| unique.contains(number))
}
