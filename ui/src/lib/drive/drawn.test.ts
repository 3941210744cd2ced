import { expect, it } from 'vitest';
import { BATCH, Drawn, MOST } from './drawn.svelte';

it('renders a batch and extends it', () => {
	let count = 5000;
	const drawn = new Drawn(() => count);
	const now = () => [drawn.start, drawn.end];
	expect(now()).toEqual([0, BATCH]);
	for (let times = 0; times < 10; times++) drawn.extend(true);
	expect(now()).toEqual([11 * BATCH - MOST, 11 * BATCH]);
	drawn.extend(false);
	expect(now()).toEqual([10 * BATCH - MOST, 10 * BATCH]);
	drawn.about(4999);
	expect(now()).toEqual([4800, 5000]);
	expect([drawn.has(4799), drawn.has(4800), drawn.has(4999), drawn.has(5000)]).toEqual([false, true, true, false]);
	count = 150;
	expect(now()).toEqual([0, 150]);
	drawn.about();
	count = 5000;
	expect(now()).toEqual([0, BATCH]);
	drawn.extend(false);
	expect(now()).toEqual([0, BATCH]);
});
