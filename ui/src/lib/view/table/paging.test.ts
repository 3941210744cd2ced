import { describe, expect, it } from 'vitest';
import { MOST, pageSize, rowCount, rowOffset, steps } from './paging';

const shown = { offset: 0, count: 100, more: true, total: 250 as number | null, limited: false };

describe('steps', () => {
	it('leads through a table', () => {
		expect(steps(shown)).toEqual({ first: null, previous: null, next: 100, last: 200 });
		expect(steps({ ...shown, offset: 100 })).toEqual({ first: 0, previous: 0, next: 200, last: 200 });
		expect(steps({ ...shown, offset: 200, count: 50, more: false })).toEqual({ first: 0, previous: 100, next: null, last: null });
		expect(steps({ ...shown, offset: 30 }).previous).toBe(0);
		expect(steps({ ...shown, total: 300 }).last, 'the last page is not empty').toBe(200);
	});

	it('has no last page if the number of rows is not known', () => {
		expect(steps({ ...shown, total: null })).toEqual({ first: null, previous: null, next: 100, last: null });
	});

	it('continues after a page that ended early', () => {
		expect(steps({ ...shown, count: 7 }).next).toBe(7);
		expect(steps({ ...shown, offset: 210, count: 7 }).last, 'not backwards').toBe(217);
	});

	it('ends at the maximum of filtered and sorted rows', () => {
		const large = { ...shown, limited: true, total: 3 * MOST };
		expect(steps(large).last).toBe(MOST - 100);
		expect(steps({ ...large, offset: MOST - 100 })).toEqual({ first: 0, previous: MOST - 200, next: null, last: null });
		expect([pageSize(MOST - 30, true), pageSize(MOST - 30, false), pageSize(0, true)]).toEqual([30, 100, 100]);
	});

	it('is empty for an empty table, and leads back from behind the end', () => {
		expect(steps({ ...shown, count: 0, more: false, total: 0 })).toEqual({ first: null, previous: null, next: null, last: null });
		expect(steps({ ...shown, offset: 500, count: 0, more: false })).toEqual({ first: 0, previous: 400, next: null, last: null });
	});
});

describe('rowCount', () => {
	it('is known from the response, the last page or the statistics', () => {
		const page = { offset: 100, rows: [1, 2], more: true };
		expect(rowCount({ ...page, total: 9 }, 8)).toBe(9);
		expect(rowCount({ ...page, total: null }, 8)).toBe(8);
		expect(rowCount({ ...page, more: false }, null)).toBe(102);
		expect(rowCount(page, null)).toBeNull();
		expect(rowCount({ ...page, rows: [], more: false }, null), 'behind the end').toBeNull();
		expect(rowCount({ offset: 0, rows: [], more: false }, null)).toBe(0);
	});
});

describe('rowOffset', () => {
	it('counts from 1', () => {
		expect(rowOffset('1', null, false)).toEqual({ offset: 0 });
		expect(rowOffset(' 900,000 ', 1_000_000, false)).toEqual({ offset: 899_999 });
		for (const text of ['', ' ', '0', '-1', 'x', '1e999']) expect(rowOffset(text, null, false), text).toHaveProperty('problem');
	});

	it('says why there is no such row', () => {
		expect(rowOffset('1235', 1234, false)).toEqual({ problem: 'The last row is 1,234' });
		expect(rowOffset('1', 0, false)).toEqual({ problem: 'There are no rows' });
		expect(rowOffset('100001', null, true)).toHaveProperty('problem');
		expect(rowOffset('100000', null, true)).toEqual({ offset: 99_999 });
	});
});
