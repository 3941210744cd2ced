import { expect, test } from 'vitest';
import { match } from '../../src/lib/upload/match.js';

const file = (name: string, size: number, lastModified: number, folder = '') => {
	const made = new File([new Uint8Array(size)], name, { lastModified });
	return Object.defineProperty(made, 'webkitRelativePath', { value: folder === '' ? '' : `${folder}/${name}` });
};
const row = (index: number, path: string, size = 3, lastModified = 1) => ({ index, path, name: path.slice(path.lastIndexOf('/') + 1), size, lastModified });

test('a file is matched by name, size and modification time', () => {
	const rows = [row(0, 'a.csv')];
	expect(match(rows, [file('b.csv', 3, 1)]).size).toBe(0);
	expect(match(rows, [file('a.csv', 4, 1)]).size).toBe(0);
	expect(match(rows, [file('a.csv', 3, 2)]).size).toBe(0);
	const right = file('a.csv', 3, 1);
	expect(match(rows, [file('b.csv', 3, 1), right]).get(0)).toBe(right);
});

test('identical files are distinguished by their folders', () => {
	const rows = [row(0, 'data/2023/a.csv'), row(1, 'data/2024/a.csv')];
	const [older, newer] = [file('a.csv', 3, 1, '2023'), file('a.csv', 3, 1, '2024')];
	const found = match(rows, [newer, older]);
	expect([found.get(0), found.get(1)]).toEqual([older, newer]);
	expect(found.get(0)).toBe(older);
	expect(found.get(1)).toBe(newer);
});

test('each file is matched once', () => {
	const found = match([row(0, 'one/a.csv'), row(1, 'two/a.csv')], [file('a.csv', 3, 1)]);
	expect(found.size).toBe(1);
});

test('items are matched by their paths', () => {
	const rows = [row(0, 'one/a.csv'), row(1, 'two/a.csv')];
	const [one, two] = [file('a.csv', 3, 1), file('a.csv', 3, 1)];
	const found = match(rows, [
		{ path: 'two/a.csv', file: two },
		{ path: 'one/a.csv', file: one }
	]);
	expect(found.get(0)).toBe(one);
	expect(found.get(1)).toBe(two);
});
