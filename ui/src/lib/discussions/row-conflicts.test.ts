import { describe, expect, it } from 'vitest';
import type { Cell } from '$lib/types';
import { column, diff } from '../view/row-diff/testing';
import { tableConflicts, type CellConflict } from './row-conflicts';

const columns = (changed: string[] = []) => ['id', 'count', 'year'].map((name) => column(name, { changed_cells: changed.includes(name) ? 1 : 0 }));
/** A row of the common ancestor that was changed: the old and the new value of each column. */
const edit = (row: number, id: number, count: [number, number], year: [number, number]): Cell[] => ['changed', row, row, id, id, ...count, ...year];
const removal = (row: number, id: number, count: number, year: number): Cell[] => ['removed', row, null, id, null, count, null, year, null];
const addition = (id: number, count: number, year: number): Cell[] => ['added', null, 9, null, id, null, count, null, year];
const lines = (cells: CellConflict[]) => cells.map(({ row, column: { name }, before, target, source }) => [row, name, before, target, source]);

describe('conflicts of a table by row', () => {
	it('are cells to which both branches gave different values', () => {
		const target = diff(columns(['count']), [edit(0, 1, [3, 8], [2020, 2020]), edit(1, 2, [5, 6], [2020, 2020])], ['id']);
		// The columns are in another order, because another one has changes.
		const source = diff(columns(['year']), [edit(0, 1, [3, 7], [2020, 2021]), edit(1, 2, [5, 6], [2020, 2020]), edit(4, 9, [1, 2], [1, 2])], ['id']);
		const found = tableConflicts(target, source);
		expect(lines(found.cells)).toEqual([['1', 'count', { value: 3 }, { value: 8 }, { value: 7 }]]);
		expect(found).toMatchObject({ apart: 0, complete: true });
	});

	it('are not changes of different cells, nor the same change', () => {
		const target = diff(columns(['count']), [edit(0, 1, [3, 8], [2020, 2020]), edit(1, 2, [5, 6], [2020, 2020])], ['id']);
		const source = diff(columns(['year', 'count']), [edit(0, 1, [3, 3], [2020, 2021]), edit(1, 2, [5, 6], [2020, 2020])], ['id']);
		expect(tableConflicts(target, source)).toEqual({ cells: [], apart: 1, complete: true });
	});

	it('are changes of a row that the other branch removed', () => {
		const [gone, edited] = [diff(columns(), [removal(4, 7, 3, 2020)]), diff(columns(['count']), [edit(4, 7, [3, 8], [2020, 2020])])];
		// Without a key, a row has its number in the common ancestor.
		expect(lines(tableConflicts(gone, edited).cells)).toEqual([['5', 'count', { value: 3 }, 'removed', { value: 8 }]]);
		expect(lines(tableConflicts(edited, gone).cells)).toEqual([['5', 'count', { value: 3 }, { value: 8 }, 'removed']]);
		expect(tableConflicts(gone, gone).cells).toEqual([]);
	});

	it('are rows that both added with the same key', () => {
		const [target, source] = [diff(columns(), [addition(7, 3, 2020)], ['id']), diff(columns(), [addition(7, 4, 2020)], ['id'])];
		expect(lines(tableConflicts(target, source).cells)).toEqual([['7', 'count', null, { value: 3 }, { value: 4 }]]);
		expect(tableConflicts(diff(columns(), [addition(7, 3, 2020)]), diff(columns(), [addition(7, 4, 2020)])).cells).toEqual([]);
	});

	it('may not be all if not all rows were read', () => {
		expect(tableConflicts({ ...diff(columns(), []), more: true }, diff(columns(), [])).complete).toBe(false);
	});
});
