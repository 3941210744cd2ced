// Pairs the old and new values of a row diff: the server sends them as columns `from_X` and `to_X`.
import type { Cell, RowChange, RowDiff, RowDiffColumn, TableColumn } from '$lib/types';

/** Number of columns from which only those with changes are shown at first. */
const MANY = 40;
/** `change`, `from_row` and `to_row` are the first columns of a row. */
const [CHANGE, FROM_ROW, TO_ROW] = [0, 1, 2];

export interface DiffColumn extends RowDiffColumn {
	isKey: boolean;
	/** The column of the old and of the new table, with its place in the rows. */
	before: { column: TableColumn; at: number } | null;
	after: { column: TableColumn; at: number } | null;
	/** The column as it is shown: that of the new table, if it has one. */
	shown: TableColumn;
}

export interface DiffCell {
	/** `changed` if both sides have a value and they differ; `added` or `removed` if only one side has the column or the row. */
	kind: 'same' | RowChange;
	before: Cell;
	after: Cell;
}

export interface DiffRow {
	change: RowChange;
	/** Row numbers, from 0; `null` on the side that does not have the row. */
	from: number | null;
	to: number | null;
	cells: DiffCell[];
}

/** Returns the columns: the key, those with changed cells, those that were added, removed or retyped, and the others. */
export function diffColumns({ summary, fields }: Pick<RowDiff, 'summary' | 'fields'>): DiffColumn[] {
	const places = new Map(fields.map((column, at) => [column.name, at]));
	const find = (name: string | null | undefined, original: string) => {
		const at = name == null ? undefined : places.get(name);
		return at === undefined ? null : { column: { ...(fields[at] as TableColumn), name: original }, at };
	};
	const columns = summary.columns.flatMap((one): DiffColumn[] => {
		const [before, after] = [find(one.from, one.name), find(one.to, one.name)];
		const shown = (after ?? before)?.column;
		return shown ? [{ ...one, isKey: summary.key.includes(one.name), before, after, shown }] : [];
	});
	const rank = (column: DiffColumn) => (column.isKey ? 0 : column.changed_cells > 0 ? 1 : hasChanges(column) ? 2 : 3);
	return columns.sort((a, b) => rank(a) - rank(b));
}

export const hasChanges = (column: RowDiffColumn): boolean => column.changed_cells > 0 || column.change !== 'none';

/** Returns the columns to show. Without any change in them, such as if rows were only added, those are all. */
export function shownColumns(columns: DiffColumn[], only: boolean | null): DiffColumn[] {
	if (!isNarrow(columns, only)) return columns;
	const found = columns.filter((column) => column.isKey || hasChanges(column));
	return found.some(hasChanges) ? found : columns;
}

/** True if only columns with changes are shown. */
export const isNarrow = (columns: DiffColumn[], only: boolean | null): boolean => only ?? columns.length > MANY;

export function diffRows(rows: Cell[][], columns: DiffColumn[]): DiffRow[] {
	return rows.map((row) => {
		const change = row[CHANGE] as RowChange;
		return {
			change,
			from: row[FROM_ROW] as number | null,
			to: row[TO_ROW] as number | null,
			cells: columns.map((column) => pair(row, column, change))
		};
	});
}

function pair(row: Cell[], { change, before, after }: DiffColumn, ofRow: RowChange): DiffCell {
	const [old, fresh] = [before ? (row[before.at] ?? null) : null, after ? (row[after.at] ?? null) : null];
	const cell = { before: old, after: fresh };
	if (ofRow !== 'changed') return { ...cell, kind: ofRow };
	if (!before || !after) return { ...cell, kind: before ? 'removed' : 'added' };
	return { ...cell, kind: isSame(old, fresh, change === 'retyped') ? 'same' : 'changed' };
}

/** Compares values as the server does: values of different types in the wider type, so that the text "7" is the number 7. */
function isSame(old: Cell, fresh: Cell, isRetyped: boolean): boolean {
	if (old === fresh) return true;
	if (old === null || fresh === null) return false;
	if (!isRetyped) return typeof old === 'object' && JSON.stringify(old) === JSON.stringify(fresh);
	const [one, other] = [plain(old), plain(fresh)];
	return one === other || (one !== '' && other !== '' && Number(one) === Number(other));
}

/** A value as text; midnight is the same as the date. */
const plain = (cell: Cell): string => (typeof cell === 'object' ? JSON.stringify(cell) : String(cell).replace(/[T ]00:00:00(\.0+)?Z?$/, ''));

/** Number of changed cells of all columns. */
export const cellCount = (columns: readonly RowDiffColumn[]): number => columns.reduce((sum, column) => sum + column.changed_cells, 0);

/** Returns the columns that both tables have: only they can be a key. */
export const keyColumns = (columns: readonly RowDiffColumn[]): TableColumn[] =>
	columns.filter(({ from, to }) => from != null && to != null).map(({ name, to_type }) => ({ name, type: to_type ?? 'string' }));
