import { expect, it } from 'vitest';
import { describedByTable, parquetPath } from './describe';

it('groups what is added by table, with its columns and rows', () => {
	const fields = [{ name: 'bird', type: 'string' }, { name: 'count' }, null];
	const added = [
		{ table: 'b.csv', resource: 'b', property: '', value: { schema: { fields }, stats: { rows: 3 } } },
		{ table: 'a.csv', resource: 'a', property: '/schema', value: { fields: 'none' } },
		{ table: 'a.csv', resource: 'a', property: '/dialect/delimiter', value: ';' },
		{ table: 'a.csv', resource: 'a', property: '/stats/rows', value: 7 }
	];
	expect(describedByTable(added)).toEqual([
		{ table: 'b.csv', properties: ['new entry'], columns: [{ name: 'bird', type: 'string' }, { name: 'count', type: '' }, { name: '', type: '' }], rows: 3 },
		{ table: 'a.csv', properties: ['schema', 'dialect › delimiter', 'stats › rows'], columns: [], rows: 7 }
	]);
});

it('names the Parquet file of a table', () => {
	expect(parquetPath('data/a.b.csv')).toBe('data/a.b.parquet');
	expect(parquetPath('A.TSV.gz')).toBe('A.parquet');
	expect(parquetPath('a.parquet')).toBeNull();
	expect(parquetPath('csv')).toBeNull();
});
