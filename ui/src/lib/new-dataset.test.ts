import { expect, it } from 'vitest';
import { buildPackage, nameFor, nameFrom } from './new-dataset';

it('creates URL-safe names', () => {
	expect(nameFrom('Bird counts (2026)')).toBe('bird-counts-2026');
	expect(nameFrom('Élan vital')).toBe('elan-vital');
	expect(nameFrom('..hidden.')).toBe('hidden');
	expect(nameFrom('???')).toBe('');
});

it('names a dataset after its common folder or its only file', () => {
	expect(nameFor(['Birds/a.csv', 'Birds/b/c.csv'])).toBe('birds');
	expect(nameFor(['counts.2026.csv'])).toBe('counts.2026');
	expect(nameFor(['folder/a.csv', 'b.csv'])).toBe('');
	expect(nameFor(['a.csv', 'b.csv'])).toBe('');
	expect(nameFor(['a/x.csv', 'b/x.csv'])).toBe('');
	expect(nameFor([])).toBe('');
});

it('describes tables as resources with unique names', () => {
	const built = buildPackage({ name: 'Birds', title: ' Birds ', description: '', license: 'CC0-1.0', keywords: 'a, ,b', files: ['x/t.csv', 'y/t.csv', 't.parquet', 't.csv', 'note.txt'] });
	expect(built.resources?.map(({ name, path }) => [name, path])).toEqual([
		['t', 'x/t.csv'],
		['t-csv', 'y/t.csv'],
		['t-parquet', 't.parquet'],
		['t-2', 't.csv']
	]);
	const compressed = buildPackage({ name: 'a', title: '', description: '', license: '', keywords: '', files: ['t.csv.gz', 'u.JSONL.zst', 'v.feather', 'w.tar.gz'] });
	expect(compressed.resources?.map(({ name, format }) => [name, format])).toEqual([['t', 'csv'], ['u', 'jsonl'], ['v', 'feather']]);
	expect(built).toMatchObject({ name: 'birds', title: 'Birds', keywords: ['a', 'b'], licenses: [{ name: 'CC0-1.0' }] });
	expect(built).not.toHaveProperty('description');
});
