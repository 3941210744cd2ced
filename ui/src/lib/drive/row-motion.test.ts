import { expect, it } from 'vitest';
import { moveOf } from './row-motion';

const places = (...paths: string[]) => new Map(paths.map((path, at) => [path, at]));
const many = (count: number) => Array.from({ length: count }, (_, at) => `row ${at}`);
const moves = (before: string[], now: string[]) =>
	Object.fromEntries([...new Set([...before, ...now])].map((path) => [path, moveOf(path, places(...before), places(...now))]));

it('fades out what was removed, and slides the rest', () => {
	expect(moves(['a', 'b', 'c', 'd'], ['a', 'd'])).toEqual({ a: null, b: 'out', c: 'out', d: 2 });
});

it('fades in what was added', () => {
	expect(moves(['a', 'c'], ['a', 'b', 'c'])).toEqual({ a: null, b: 'in', c: -1 });
});

it('leaves a list alone that is sorted, renamed in, or shown for the first time', () => {
	expect(moves(['a', 'b'], ['b', 'a'])).toEqual({ a: null, b: null });
	expect(moves(['a', 'b'], ['a', 'x'])).toEqual({ a: null, b: null, x: null });
	expect(moves([], ['a'])).toEqual({ a: null });
});

it('does not fade in the next page of a long list, nor slide rows from far away', () => {
	expect(moveOf('row 5', places('row 0'), places(...many(500)))).toBeNull();
	expect(moveOf('row 9000', places(...many(10_000)), places('row 9000'))).toBe('in');
});
