/** Which rows of a long list are rendered: those in the viewport and some around it. All rows have the same height. */

/** Rows rendered above and below the viewport, so that fast scrolling shows rows and not paper. */
const AROUND = 10;

/** The range changes in steps of this many rows, so that scrolling by a few pixels renders nothing. */
const STEP = 8;

export interface Range {
	/** Index of the first rendered row. */
	start: number;
	/** Index after the last one. */
	end: number;
}

/**
 * Returns the rows to render of a list whose first row is `top` pixels below the upper edge of a viewport of this height;
 * negative when the list is scrolled.
 */
export function visibleRows(top: number, viewport: number, height: number, count: number): Range {
	const start = Math.floor((-top / height - AROUND) / STEP) * STEP;
	const end = Math.ceil(((viewport - top) / height + AROUND) / STEP) * STEP;
	return { start: Math.min(count, Math.max(0, start)), end: Math.min(count, Math.max(0, end)) };
}

/** Returns the indices to render: those of the range and, so that it keeps the focus, the one of the focused row. */
export function rendered({ start, end }: Range, focused: number): number[] {
	const rows = Array.from({ length: Math.max(0, end - start) }, (_, index) => start + index);
	if (focused >= 0 && focused < start) rows.unshift(focused);
	if (focused >= end) rows.push(focused);
	return rows;
}

/** Returns by how many pixels to scroll so that a row is between `above` and `below` in the viewport. */
export function scrollBy(row: { top: number; bottom: number }, above: number, below: number): number {
	if (row.top < above) return row.top - above;
	return row.bottom > below ? row.bottom - below : 0;
}
