// Selection of cells and movement in a grid, as in spreadsheets.
import type { Place } from './sheet';

/** A rectangle of cells. The cell at `to` is the current one. */
export interface Range {
	from: Place;
	to: Place;
}

export interface Size {
	rows: number;
	columns: number;
	/** Rows that fit on the screen. */
	page: number;
}

export const at = (row: number, column: number): Range => ({ from: { row, column }, to: { row, column } });

/** Returns the rectangle with its first cell and its size. */
export function bounds({ from, to }: Range): { row: number; column: number; rows: number; columns: number } {
	const row = Math.min(from.row, to.row);
	const column = Math.min(from.column, to.column);
	return { row, column, rows: Math.abs(from.row - to.row) + 1, columns: Math.abs(from.column - to.column) + 1 };
}

export function contains(range: Range, row: number, column: number): boolean {
	const { row: top, column: left, rows, columns } = bounds(range);
	return row >= top && row < top + rows && column >= left && column < left + columns;
}

/** Returns the range within a table. */
export function within(range: Range, { rows, columns }: Size): Range {
	const clamp = ({ row, column }: Place): Place => ({ row: Math.max(0, Math.min(rows - 1, row)), column: Math.max(0, Math.min(columns - 1, column)) });
	return { from: clamp(range.from), to: clamp(range.to) };
}

/** Returns the range after a key was pressed; `null` if the key moves nothing. */
export function moved(range: Range, key: string, { shift, control }: { shift: boolean; control: boolean }, size: Size): Range | null {
	const { row, column } = range.to;
	const last: Place = { row: size.rows - 1, column: size.columns - 1 };
	const places: Record<string, Place> = {
		ArrowUp: { row: control ? 0 : row - 1, column },
		ArrowDown: { row: control ? last.row : row + 1, column },
		ArrowLeft: { row, column: control ? 0 : column - 1 },
		ArrowRight: { row, column: control ? last.column : column + 1 },
		Home: { row: control ? 0 : row, column: 0 },
		End: { row: control ? last.row : row, column: last.column },
		PageUp: { row: row - size.page, column },
		PageDown: { row: row + size.page, column }
	};
	const to = places[key];
	return to ? within({ from: shift ? range.from : to, to }, size) : null;
}

/** Returns the rows of a list to render: those on the screen and some around them. */
export function visibleRows(top: number, height: number, rowHeight: number, rows: number): { first: number; last: number } {
	const around = 8;
	const first = Math.max(0, Math.floor(top / rowHeight) - around);
	return { first, last: Math.min(rows, Math.ceil((top + height) / rowHeight) + around) };
}

/** Returns the width of a column in pixels for the texts that it has. */
export function widthFor(texts: readonly string[]): number {
	const most = texts.reduce((longest, text) => Math.max(longest, Math.min(60, text.length)), 0);
	return Math.max(88, Math.min(320, Math.round(most * 7.4) + 28));
}
