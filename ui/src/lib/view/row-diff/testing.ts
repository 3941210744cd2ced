// Row diffs for tests.
import type { Cell, RowDiff, RowDiffColumn } from '$lib/types';

/** A column of integers that both versions have. */
export const column = (name: string, more: Partial<RowDiffColumn> = {}): RowDiffColumn => ({
	name,
	change: 'none',
	from_type: 'integer',
	to_type: 'integer',
	from: `from_${name}`,
	to: `to_${name}`,
	changed_cells: 0,
	...more
});

/** A diff whose rows have the values in the order of the columns, the old one first. */
export function diff(columns: RowDiffColumn[], rows: Cell[][], key: string[] = []): RowDiff {
	const values = columns.flatMap((one) => [
		...(one.from != null ? [{ name: one.from, type: one.from_type ?? 'string' }] : []),
		...(one.to != null ? [{ name: one.to, type: one.to_type ?? 'string' }] : [])
	]);
	const fields = [{ name: 'change', type: 'string' }, { name: 'from_row_', type: 'integer' }, { name: 'to_row', type: 'integer' }, ...values];
	const summary = { from_rows: 1, to_rows: 1, added: 0, removed: 0, changed: 0, unchanged: 0, key, key_source: 'none' as const, duplicate_keys: 0, columns, is_complete: true };
	return { from: 'a', to: 'b', summary, fields, rows, offset: 0, more: false, total: rows.length };
}
