import { expect, it } from 'vitest';
import { sorted, toggleSort } from './sort';

const file = (name: string, size = 0, modified = '2026-01-01T00:00:00Z') => ({ name, type: 'file', size, modified, media_type: 'text/csv' });
const folder = (name: string) => ({ name, type: 'folder', size: null, modified: null, media_type: null });
const order = (list: { name: string }[]) => list.map((entry) => entry.name);

it('puts folders first and sorts numbers naturally', () => {
	const list = [file('b10'), file('b2'), folder('z'), file('A1'), folder('c')];
	expect(order(sorted(list, { key: 'name', descending: false }))).toEqual(['c', 'z', 'A1', 'b2', 'b10']);
	expect(order(sorted(list, { key: 'name', descending: true }))).toEqual(['z', 'c', 'b10', 'b2', 'A1']);
});

it('sorts by size and time, then by name', () => {
	const list = [file('b', 5), file('a', 5), file('c', 9, '2026-03-01T00:00:00Z')];
	expect(order(sorted(list, { key: 'size', descending: true }))).toEqual(['c', 'a', 'b']);
	expect(order(sorted(list, { key: 'modified', descending: false }))).toEqual(['a', 'b', 'c']);
});

it('does not change the list and accepts missing values', () => {
	const list = [file('b'), { name: 'a', type: 'file' }];
	expect(order(sorted(list, { key: 'modified', descending: true }))).toHaveLength(2);
	expect(order(list)).toEqual(['b', 'a']);
});

it('reverses on the second click', () => {
	expect(toggleSort({ key: 'name', descending: false }, 'name')).toEqual({ key: 'name', descending: true });
	expect(toggleSort({ key: 'name', descending: true }, 'size')).toEqual({ key: 'size', descending: true });
	expect(toggleSort({ key: 'size', descending: true }, 'name')).toEqual({ key: 'name', descending: false });
});
