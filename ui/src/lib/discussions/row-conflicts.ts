// Conflicts of a table by row: what two branches did with the same rows of their common ancestor.
import type { Cell, RowDiff, TableColumn } from '$lib/types';
import { diffColumns, diffRows, type DiffColumn, type DiffRow } from '../view/row-diff/rows';

/** What one branch made of a cell: another value, or it removed the row. */
export type Side = { value: Cell } | 'removed';

/** A cell to which the branches gave different values. If one of them removed the row, each cell that the other changed. */
export interface CellConflict {
	/** The values of the key, or the number of the row in the common ancestor, counted from 1. */
	row: string;
	column: TableColumn;
	/** The value in the common ancestor; `null` for a row that both branches added. */
	before: { value: Cell } | null;
	target: Side;
	source: Side;
}

export interface TableConflicts {
	cells: CellConflict[];
	/** Number of rows that both branches changed, but not in the same cells. */
	apart: number;
	/** True if all rows that differ were compared. */
	complete: boolean;
}

const same = (one: Cell, other: Cell): boolean => one === other || JSON.stringify(one) === JSON.stringify(other);

class Changes {
	readonly columns: DiffColumn[];
	readonly rows: DiffRow[];
	readonly #places: Map<string, number>;

	constructor(readonly diff: RowDiff) {
		this.columns = diffColumns(diff);
		this.rows = diffRows(diff.rows, this.columns);
		this.#places = new Map(this.columns.map((column, at) => [column.shown.name, at]));
	}

	/** The cell of a column that this branch still has. */
	cell(row: DiffRow, name: string) {
		const at = this.#places.get(name);
		return at !== undefined && this.columns[at]?.after ? row.cells[at] : undefined;
	}

	/** Identifies a row on both branches: by its number in the common ancestor, or a new one by its key. */
	id(row: DiffRow): string | null {
		if (row.from !== null) return String(row.from);
		const key = this.#key(row, 'after');
		return key && JSON.stringify(key);
	}

	label(row: DiffRow): string {
		const key = this.#key(row, row.from === null ? 'after' : 'before');
		return key?.map(String).join(', ') ?? String((row.from ?? 0) + 1);
	}

	/** The values of the key, in the order of its columns. */
	#key(row: DiffRow, side: 'before' | 'after'): Cell[] | null {
		const { key } = this.diff.summary;
		return key.length > 0 ? key.map((name) => row.cells[this.#places.get(name) ?? -1]?.[side] ?? null) : null;
	}
}

/** Compares what two branches changed in a table, each since the common ancestor. */
export function tableConflicts(target: RowDiff, source: RowDiff): TableConflicts {
	const [ours, theirs] = [new Changes(target), new Changes(source)];
	const rows = new Map(ours.rows.map((row) => [ours.id(row), row]));
	const cells: CellConflict[] = [];
	let apart = 0;
	for (const row of theirs.rows) {
		const id = theirs.id(row);
		const other = id === null ? undefined : rows.get(id);
		if (!other) continue;
		const found = conflictsOf(ours, other, theirs, row);
		cells.push(...found);
		if (found.length === 0 && row.change === 'changed' && other.change === 'changed' && !isSameEdit(ours, other, theirs, row)) apart += 1;
	}
	const complete = [target, source].every(({ summary, more }) => summary.is_complete && !more);
	return { cells, apart, complete };
}

function conflictsOf(ours: Changes, target: DiffRow, theirs: Changes, source: DiffRow): CellConflict[] {
	const row = theirs.label(source);
	const found: CellConflict[] = [];
	const add = (column: DiffColumn, before: Cell, ofTarget: Side, ofSource: Side) =>
		found.push({ row, column: column.shown, before: source.from === null ? null : { value: before }, target: ofTarget, source: ofSource });
	if (target.change === 'removed') {
		if (source.change === 'changed') theirs.columns.forEach((column, at) => changed(source, at, (before, value) => add(column, before, 'removed', { value })));
	} else if (source.change === 'removed') {
		ours.columns.forEach((column, at) => changed(target, at, (before, value) => add(column, before, { value }, 'removed')));
	} else {
		for (const [at, column] of theirs.columns.entries()) {
			const [cell, other] = [source.cells[at], ours.cell(target, column.shown.name)];
			if (!cell || !other || !column.after || cell.kind === 'same' || other.kind === 'same' || same(cell.after, other.after)) continue;
			add(column, cell.before, { value: other.after }, { value: cell.after });
		}
	}
	return found;
}

function changed(row: DiffRow, at: number, found: (before: Cell, after: Cell) => void): void {
	const cell = row.cells[at];
	if (cell?.kind === 'changed') found(cell.before, cell.after);
}

/** True if both branches changed the row in the same way. */
const isSameEdit = (ours: Changes, target: DiffRow, theirs: Changes, source: DiffRow): boolean =>
	theirs.columns.every((column, at) => {
		const [cell, other] = [source.cells[at], ours.cell(target, column.shown.name)];
		return !cell || !other || same(cell.after, other.after);
	});
