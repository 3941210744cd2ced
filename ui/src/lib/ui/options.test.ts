import { expect, it } from 'vitest';
import { moved } from './options';

it('moves through the options and around their ends', () => {
	expect([moved('ArrowDown', -1, 3), moved('ArrowDown', 0, 3), moved('ArrowDown', 2, 3)]).toEqual([0, 1, 0]);
	expect([moved('ArrowUp', -1, 3), moved('ArrowUp', 0, 3), moved('ArrowUp', 2, 3)]).toEqual([2, 2, 1]);
	expect([moved('PageDown', -1, 20), moved('PageDown', 18, 20), moved('PageUp', 18, 20), moved('PageUp', 3, 20)]).toEqual([7, 19, 10, 0]);
	expect([moved('Enter', 0, 3), moved('ArrowDown', -1, 0), moved('PageUp', -1, 0)]).toEqual([undefined, undefined, undefined]);
});
