//! Progress of a comparison: the bytes that it has read of both tables.

use std::ops::Range;
use std::sync::Arc;

use super::side::Side;

/// What is called with the fraction of the work that is done.
pub(super) type Report = Arc<dyn Fn(f64) + Send + Sync>;

/// A part of the work, in which both tables are read once.
#[derive(Clone)]
pub(super) struct Span {
    report: Report,
    sides: [Side; 2],
    /// The fractions between which this part is.
    fractions: Range<f64>,
    /// The number of bytes that had been read of both tables when it began.
    start: u64,
}

impl Span {
    /// Begins a part of the work.
    pub(super) fn begin(report: &Report, sides: &[Side; 2], fractions: Range<f64>) -> Self {
        let sides = sides.clone();
        let span = Self { report: Arc::clone(report), start: 0, fractions, sides };
        let start = span.bytes_read();
        (span.report)(span.fractions.start);
        Self { start, ..span }
    }

    /// Reports how far this part is.
    pub(super) fn report(&self) {
        let size: u64 = self.sides.iter().map(|side| side.table.size()).sum();
        #[expect(clippy::cast_precision_loss, reason = "a fraction need not be exact")]
        let part = (self.bytes_read().saturating_sub(self.start) as f64 / size.max(1) as f64).min(1.0);
        (self.report)(self.fractions.start + part * (self.fractions.end - self.fractions.start));
    }

    fn bytes_read(&self) -> u64 {
        self.sides.iter().map(|side| side.table.bytes_read()).sum()
    }
}
