import { describe, expect, it } from 'vitest';
import type { Cell, RowDiff, RowDiffColumn } from '$lib/types';
import { cellCount, diffColumns, diffRows, isNarrow, keyColumns, shownColumns } from './rows';
import { column, diff } from './testing';

const cellsOf = (one: RowDiff) => diffRows(one.rows, diffColumns(one)).map((row) => row.cells.map((cell) => [cell.kind, cell.before, cell.after]));

describe('columns of a row diff', () => {
	it('come in this order: key, changed cells, changed columns, others', () => {
		const columns = [
			column('same'),
			column('gone', { change: 'removed', to: null, to_type: null }),
			column('edited', { changed_cells: 2 }),
			column('also same'),
			column('id'),
			column('new', { change: 'added', from: null, from_type: null }),
			column('edited too', { changed_cells: 1 })
		];
		const found = diffColumns(diff(columns, [], ['id']));
		expect(found.map((one) => one.name)).toEqual(['id', 'edited', 'edited too', 'gone', 'new', 'same', 'also same']);
		expect(shownColumns(found, true).map((one) => one.name)).toEqual(['id', 'edited', 'edited too', 'gone', 'new']);
		expect(shownColumns(found, null)).toHaveLength(7);
		expect(cellCount(columns)).toBe(3);
		expect(keyColumns(columns).map((one) => one.name)).toEqual(['same', 'edited', 'also same', 'id', 'edited too']);
	});

	it('are named as in the table, also if the file had to rename them', () => {
		const found = diffColumns(diff([column('row', { from: 'from_row', to: 'to_row_' })], []));
		expect(found[0]?.shown).toEqual({ name: 'row', type: 'integer' });
		expect(found[0]?.before?.at).toBe(3);
		expect(found[0]?.after?.at).toBe(4);
	});

	it('are all shown if no column has changes, and only those with changes if there are many', () => {
		const wide = diffColumns(diff(Array.from({ length: 41 }, (_, nth) => column(`c${nth}`, { changed_cells: nth === 7 ? 1 : 0 })), []));
		expect(isNarrow(wide, null)).toBe(true);
		expect(shownColumns(wide, null).map((one) => one.name)).toEqual(['c7']);
		expect(shownColumns(wide, false)).toHaveLength(41);
		const added = diffColumns(diff([column('a'), column('b')], [], ['a']));
		expect(shownColumns(added, true)).toHaveLength(2);
	});
});

describe('rows of a row diff', () => {
	it('pair the old and the new value of each column', () => {
		const columns = [column('a'), column('b', { changed_cells: 1 }), column('old', { change: 'removed', to: null }), column('new', { change: 'added', from: null })];
		const found = diff(columns, [
			['changed', 4, 5, 1, 1, 2, 3, 'x', 'y'],
			['added', null, 6, null, 7, null, 8, null, 'z'],
			['removed', 5, null, 9, null, 10, null, 'w', null]
		]);
		expect(diffRows(found.rows, diffColumns(found)).map(({ change, from, to }) => [change, from, to])).toEqual([
			['changed', 4, 5],
			['added', null, 6],
			['removed', 5, null]
		]);
		// b comes first.
		expect(cellsOf(found)).toEqual([
			[['changed', 2, 3], ['removed', 'x', null], ['added', null, 'y'], ['same', 1, 1]],
			[['added', null, 8], ['added', null, null], ['added', null, 'z'], ['added', null, 7]],
			[['removed', 10, null], ['removed', 'w', null], ['removed', null, null], ['removed', 9, null]]
		]);
	});

	it('compare nested values, missing values and texts', () => {
		const kinds = (before: Cell, after: Cell, more: Partial<RowDiffColumn> = {}) => cellsOf(diff([column('a', more)], [['changed', 0, 0, before, after]]))[0]?.[0]?.[0];
		expect(kinds([1, { a: 2 }], [1, { a: 2 }])).toBe('same');
		expect(kinds([1, { a: 2 }], [1, { a: 3 }])).toBe('changed');
		expect(kinds(null, null)).toBe('same');
		expect(kinds(null, 0)).toBe('changed');
		expect(kinds('', null)).toBe('changed');
		expect(kinds('7', 7)).toBe('changed');
	});

	it('compare values of a column with another type in the wider type', () => {
		const kind = (before: Cell, after: Cell) => cellsOf(diff([column('a', { change: 'retyped' })], [['changed', 0, 0, before, after]]))[0]?.[0]?.[0];
		expect(kind('7', 7)).toBe('same');
		expect(kind('7.50', 7.5)).toBe('same');
		expect(kind('7', 8)).toBe('changed');
		expect(kind('', 0)).toBe('changed');
		expect(kind('true', true)).toBe('same');
		expect(kind('2025-01-02', '2025-01-02T00:00:00')).toBe('same');
		expect(kind('2025-01-02', '2025-01-02T10:00:00')).toBe('changed');
	});
});
