import { expect, it } from 'vitest';
import { BATCH, RowWindow, MOST } from './rowWindow.svelte';

it('renders a batch and extends it', () => {
	let count = 5000;
	const rows = new RowWindow(() => count);
	const now = () => [rows.start, rows.end];
	expect(now()).toEqual([0, BATCH]);
	for (let times = 0; times < 10; times++) rows.extend(true);
	expect(now()).toEqual([11 * BATCH - MOST, 11 * BATCH]);
	rows.extend(false);
	expect(now()).toEqual([10 * BATCH - MOST, 10 * BATCH]);
	rows.about(4999);
	expect(now()).toEqual([4800, 5000]);
	expect([rows.has(4799), rows.has(4800), rows.has(4999), rows.has(5000)]).toEqual([false, true, true, false]);
	count = 150;
	expect(now()).toEqual([0, 150]);
	rows.about();
	count = 5000;
	expect(now()).toEqual([0, BATCH]);
	rows.extend(false);
	expect(now()).toEqual([0, BATCH]);
});
