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

const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

class Changes {
	readonly columns: DiffColumn[];
	readonly rows: DiffRow[];
	readonly #places: Map<string, number>;

	constructor(readonly diff: RowDiff) {
		this.columns = diffColumns(diff);
		this.rows = diffRows(diff.rows, this.columns);
		this.#places = new Map(this.columns.map((column, at) => [column.shown.name, at]));
	}

	/** What this branch made of a cell; `undefined` if it left it as it was, or has no such column. */
	edit(row: DiffRow, name: string): Side | undefined {
		if (row.change === 'removed') return 'removed';
		const at = this.#places.get(name) ?? -1;
		const cell = row.cells[at];
		return cell && cell.kind !== 'same' && this.columns[at]?.after ? { value: cell.after } : undefined;
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
		const found = cells.length;
		let differs = false;
		for (const [at, { shown: column }] of theirs.columns.entries()) {
			const [ofTarget, ofSource] = [ours.edit(other, column.name), theirs.edit(row, column.name)];
			if (same(ofTarget, ofSource)) continue;
			differs = true;
			if (!ofTarget || !ofSource) continue;
			const before = row.from === null ? null : { value: row.cells[at]?.before ?? null };
			cells.push({ row: theirs.label(row), column, before, target: ofTarget, source: ofSource });
		}
		if (differs && cells.length === found) apart += 1;
	}
	const complete = [target, source].every(({ summary, more }) => summary.is_complete && !more);
	return { cells, apart, complete };
}
