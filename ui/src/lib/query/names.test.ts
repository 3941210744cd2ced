import { expect, it } from 'vitest';
import { examples, listedTables, nameProblem, savedName, savedPath, savedQueries, splitDataset, tableNames, tableText } from './names';
import { wanted } from './sql';

it('lists resources and the files that are not a resource', () => {
	const paths = ['a.csv', 'README.md', 'data/b.parquet', 'data/c1.csv', 'data/c2.csv', 'x.jsonl.gz', 'queries/q.sql'];
	const resources = [
		{ name: 'first', path: 'a.csv' },
		{ name: 'parts', path: ['data/c1.csv', 'data/c2.csv'] },
		{ name: 'gone', path: 'gone.csv' },
		{ name: 'readme', path: 'README.md' },
		{ path: 'data/b.parquet' }
	];
	expect(tableNames(paths, resources).map((one) => one.name)).toEqual(['first', 'parts', 'data/b.parquet', 'data/c1.csv', 'data/c2.csv', 'x.jsonl.gz']);
});

it('lists the tables that the server names, resources first', () => {
	const table = (name: string, paths: string[], more = {}) => ({ name, paths, format: 'csv', bytes: 1, ...more });
	const tables = [
		table('a.csv', ['a.csv']),
		table('gone', ['gone.csv'], { bytes: null }),
		table('mixed', ['b.csv', 'c.jsonl'], { format: null }),
		table('parts', ['p/1.csv', 'p/2.csv'])
	];
	expect(listedTables(tables)).toEqual([
		{ name: 'parts', path: 'p/1.csv' },
		{ name: 'a.csv', path: 'a.csv' }
	]);
});

it('writes names as SQL does', () => {
	expect(tableText('birds')).toBe('birds');
	expect(tableText('Birds.csv')).toBe('"Birds.csv"');
	expect(tableText('a"b', 'ada/birds@v1.0')).toBe('"ada/birds@v1.0"."a""b"');
	expect(splitDataset('ministry/statistics/births@v1@2')).toEqual({ id: 'ministry/statistics/births', revision: 'v1@2' });
	expect(splitDataset('ada/birds')).toEqual({ id: 'ada/birds', revision: null });
});

it('finds saved queries', () => {
	expect(savedQueries(['queries/a.sql', 'queries/.sql', 'queries/b.txt', 'a.sql', 'queries/by year/c.sql'])).toEqual(['queries/a.sql', 'queries/by year/c.sql']);
	expect(savedName(savedPath('my query'))).toBe('my query');
	expect(nameProblem('my query')).toBeNull();
	for (const name of ['', '.', '.a', 'a/b', 'a\\b', 'a\nb', 'a ', 'x'.repeat(101)]) expect(nameProblem(name), name).not.toBeNull();
});

it('suggests queries with another revision', () => {
	const [now, changes] = examples('ada/birds', "it's.csv", 'main', 'v1.0');
	expect(now?.query).toContain('FROM "ada/birds@v1.0"."it\'s.csv"');
	expect(changes?.query).toContain("row_diff('ada/birds@v1.0', 'ada/birds@main', 'it''s.csv')");
	expect(examples('ada/birds', 'birds', 'main', null).map((one) => one.query)).toEqual(['SELECT *\nFROM birds\nLIMIT 100']);
	expect(wanted(changes?.query ?? '')).not.toBeNull();
});
