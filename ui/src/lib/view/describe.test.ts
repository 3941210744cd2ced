import { expect, it } from 'vitest';
import { describedByTable, parquetPath } from './describe';

it('groups what is added by table', () => {
	const added = [
		{ table: 'b.csv', resource: 'b', property: '', value: {} },
		{ table: 'a.csv', resource: 'a', property: '/schema', value: {} },
		{ table: 'a.csv', resource: 'a', property: '/dialect/delimiter', value: ';' }
	];
	expect(describedByTable(added)).toEqual([
		{ table: 'b.csv', properties: ['new entry'] },
		{ table: 'a.csv', properties: ['schema', 'dialect › delimiter'] }
	]);
});

it('names the Parquet file of a table', () => {
	expect(parquetPath('data/a.b.csv')).toBe('data/a.b.parquet');
	expect(parquetPath('A.TSV.gz')).toBe('A.parquet');
	expect(parquetPath('a.parquet')).toBeNull();
	expect(parquetPath('csv')).toBeNull();
});
