import { describe, expect, it } from 'vitest';
import { all, kept, nothing, pick, step, stride, toggle, typed, TypeAhead, type Selection } from './selection';

const order = ['a', 'b', 'c', 'd', 'e'];
const chosen = (selection: Selection) => [...selection.chosen].sort().join('');

describe('the mouse', () => {
	it('selects one', () => expect(chosen(pick(pick(nothing, order, 'a'), order, 'c'))).toBe('c'));
	it('adds one and removes it', () => {
		const two = pick(pick(nothing, order, 'a'), order, 'c', { add: true });
		expect(chosen(two)).toBe('ac');
		expect(chosen(pick(two, order, 'a', { add: true }))).toBe('c');
	});
	it('selects a range from the anchor in both directions', () => {
		const range = pick(pick(nothing, order, 'b'), order, 'd', { range: true });
		expect(chosen(range)).toBe('bcd');
		expect(chosen(pick(range, order, 'a', { range: true }))).toBe('ab');
	});
	it('adds a range to the selection', () => {
		const first = pick(pick(nothing, order, 'a'), order, 'd', { add: true });
		expect(chosen(pick(first, order, 'e', { range: true, add: true }))).toBe('ade');
	});
	it('starts a range at the row itself without an anchor', () => {
		expect(chosen(pick(nothing, order, 'c', { range: true }))).toBe('c');
		expect(chosen(pick({ ...nothing, anchor: 'gone' }, order, 'c', { range: true }))).toBe('c');
	});
});

describe('the keyboard', () => {
	it('moves down and up and stops at the ends', () => {
		const first = step(nothing, order, 1);
		expect([chosen(first), first.focus]).toEqual(['a', 'a']);
		expect(chosen(step(first, order, -1))).toBe('a');
		expect(chosen(step(nothing, order, -1))).toBe('e');
		expect(chosen(step(first, order, 99))).toBe('e');
		expect(step(nothing, [], 1)).toBe(nothing);
	});
	it('extends the range with Shift', () => {
		const two = step(step(nothing, order, 1), order, 1, { range: true });
		expect(chosen(two)).toBe('ab');
		expect(chosen(step(two, order, -1, { range: true }))).toBe('a');
	});
	it('moves the focus with Ctrl and selects with Space', () => {
		const away = step(step(nothing, order, 1), order, 2, { add: true });
		expect([chosen(away), away.focus]).toEqual(['a', 'c']);
		expect(chosen(toggle(away, 'c'))).toBe('ac');
	});
	it('moves by keys', () => {
		expect(['ArrowUp', 'PageDown', 'Home', 'End', 'x'].map((key) => stride(key, 9, 4))).toEqual([-1, 4, -9, 9, undefined]);
	});

	it('collects typed keys until a pause', () => {
		const typing = new TypeAhead();
		expect([100, 500, 1900].map((timeStamp) => typing.add({ key: 'a', timeStamp }))).toEqual(['a', 'aa', 'a']);
	});

	it('finds typed names, wrapping around', () => {
		const names = ['apple', 'beta', 'bond', 'cat'];
		const self = (key: string) => key;
		expect(typed(names, null, 'b', self)).toBe('beta');
		expect(typed(names, 'beta', 'b', self)).toBe('bond');
		expect(typed(names, 'bond', 'b', self)).toBe('beta');
		expect(typed(names, 'beta', 'bo', self)).toBe('bond');
		expect(typed(names, 'beta', 'x', self)).toBeNull();
	});
});

describe('when the list changes', () => {
	it('removes entries that no longer exist', () => {
		const left = kept(all(pick(nothing, order, 'b'), order), ['a', 'c']);
		expect([chosen(left), left.anchor, left.focus]).toEqual(['ac', null, null]);
	});
	it('stays the same object if nothing changed', () => {
		const same = pick(nothing, order, 'b');
		expect(kept(same, order)).toBe(same);
	});
});
