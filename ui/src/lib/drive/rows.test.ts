import { expect, it } from 'vitest';
import { rendered, scrollBy, visibleRows } from './rows';

it('renders the rows in and around the viewport', () => {
	const { start, end } = visibleRows(-34 * 1000, 800, 34, 5000);
	expect(start).toBeLessThan(1000);
	expect(end).toBeGreaterThan(1000 + 800 / 34);
	expect(end - start).toBeLessThan(80);
	expect(visibleRows(-34 * 1000 - 5, 800, 34, 5000)).toEqual({ start, end });
	// At both ends, out of sight, and in a list that has become short.
	expect(visibleRows(200, 800, 34, 3)).toEqual({ start: 0, end: 3 });
	expect(visibleRows(200, 800, 34, 0)).toEqual({ start: 0, end: 0 });
	expect(visibleRows(-34 * 5000, 800, 34, 5000).end).toBe(5000);
	expect(visibleRows(90_000, 800, 34, 5000)).toEqual({ start: 0, end: 0 });
	expect(visibleRows(-90_000, 800, 34, 10)).toEqual({ start: 10, end: 10 });
});

it('keeps the focused row', () => {
	expect(rendered({ start: 5, end: 8 }, 6)).toEqual([5, 6, 7]);
	expect(rendered({ start: 5, end: 8 }, 1)).toEqual([1, 5, 6, 7]);
	expect(rendered({ start: 5, end: 8 }, 8)).toEqual([5, 6, 7, 8]);
	expect(rendered({ start: 0, end: 2 }, -1)).toEqual([0, 1]);
});

it('scrolls no further than needed', () => {
	expect(scrollBy({ top: 200, bottom: 234 }, 80, 800)).toBe(0);
	expect(scrollBy({ top: 50, bottom: 84 }, 80, 800)).toBe(-30);
	expect(scrollBy({ top: 790, bottom: 824 }, 80, 800)).toBe(24);
});
