import { expect, it } from 'vitest';
import { hasRows, kindOf } from './kinds';

it('goes by the ending, else by what the server says', () => {
	expect(kindOf('a.CSV')).toBe('table');
	expect(kindOf('README')).toBe('text');
	expect(kindOf('photo', 'image/png')).toBe('image');
	expect(kindOf('x.bin', 'application/octet-stream')).toBe('other');
	expect(kindOf('a.json')).toBe('text');
});

it('never shows as an image what may hold a program', () => {
	expect(kindOf('a.svg', 'image/svg+xml')).toBe('text');
	expect(kindOf('drawing', 'image/svg+xml')).toBe('text');
	expect(kindOf('page', 'text/html')).toBe('text');
});

it('asks for rows only of what has some', () => {
	expect([hasRows('a.tsv'), hasRows('a.parquet'), hasRows('a.txt')]).toEqual([true, false, false]);
});
