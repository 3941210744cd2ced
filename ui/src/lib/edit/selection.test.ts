import { expect, test } from 'vitest';
import { at, bounds, contains, moved, visibleRows, widthFor, within } from './selection';

const size = { rows: 20, columns: 4, page: 10 };
const plain = { shift: false, control: false };

test('keys move the current cell, and extend the selection', () => {
	expect(moved(at(3, 1), 'ArrowDown', plain, size)).toEqual(at(4, 1));
	expect(moved(at(0, 0), 'ArrowUp', plain, size)).toEqual(at(0, 0));
	expect(moved(at(3, 3), 'ArrowRight', plain, size)).toEqual(at(3, 3));
	expect(moved(at(3, 1), 'End', plain, size)).toEqual(at(3, 3));
	expect(moved(at(3, 1), 'End', { shift: false, control: true }, size)).toEqual(at(19, 3));
	expect(moved(at(3, 1), 'Home', { shift: true, control: true }, size)).toEqual({ from: { row: 3, column: 1 }, to: { row: 0, column: 0 } });
	expect(moved(at(15, 1), 'PageDown', plain, size)).toEqual(at(19, 1));
	expect(moved(at(3, 1), 'ArrowDown', { shift: false, control: true }, size)).toEqual(at(19, 1));
	const wide = moved({ from: { row: 3, column: 1 }, to: { row: 4, column: 2 } }, 'ArrowLeft', { shift: true, control: false }, size);
	expect(wide).toEqual({ from: { row: 3, column: 1 }, to: { row: 4, column: 1 } });
	expect(moved(at(3, 1), 'a', plain, size)).toBeNull();
});

test('ranges', () => {
	const range = { from: { row: 5, column: 3 }, to: { row: 2, column: 1 } };
	expect(bounds(range)).toEqual({ row: 2, column: 1, rows: 4, columns: 3 });
	expect(contains(range, 2, 1) && contains(range, 5, 3)).toBe(true);
	expect(contains(range, 6, 3) || contains(range, 4, 0)).toBe(false);
	expect(within(at(99, 99), size)).toEqual(at(19, 3));
	expect(within(at(5, 0), { ...size, rows: 0 })).toEqual(at(0, 0));
});

test('only rows near the screen are rendered', () => {
	expect(visibleRows(0, 300, 30, 50_000)).toEqual({ first: 0, last: 18 });
	expect(visibleRows(30_000, 300, 30, 50_000)).toEqual({ first: 992, last: 1018 });
	expect(visibleRows(0, 300, 30, 3)).toEqual({ first: 0, last: 3 });
	expect(widthFor([])).toBe(88);
	expect(widthFor(['x'.repeat(500)])).toBe(320);
});
