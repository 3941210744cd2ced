import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { columnSummary } from '../sparkline';
import type { Source } from './source';
import { columnStatistics, openParquet } from './parquet';
import { distribution, openRows, show, type TableSource } from './table';

async function source(path: string): Promise<Source> {
	const data = await readFile(fileURLToPath(new URL(`../../../../fixtures/datasets/${path}`, import.meta.url)));
	const read = (start: number, end: number) => Promise.resolve(data.buffer.slice(data.byteOffset + start, data.byteOffset + end) as ArrayBuffer);
	return { path, size: data.length, read, url: '', download: '' } as Source;
}

/** A table on the server: `count` rows, with at most `most` in a page. */
function served(count: number, row = (index: number): unknown[] => [index, `n${index % 3}`, `2025-01-0${(index % 9) + 1}`], most = 1000): Source & { asked: number[] } {
	const fields = [
		{ name: 'id', type: 'integer' },
		{ name: 'name', type: 'string' },
		{ name: 'day', type: 'date' }
	];
	const asked: number[] = [];
	const rows = (offset: number, limit: number) => {
		asked.push(offset);
		const end = Math.min(count, offset + Math.min(limit, most));
		const more = end < count;
		return Promise.resolve({ fields, rows: Array.from({ length: end - offset }, (_, index) => row(offset + index)), offset, more, total: more ? null : count });
	};
	return { path: 'table.csv', size: 1, url: '', download: '', rows, asked } as unknown as Source & { asked: number[] };
}

function facts(table: TableSource, name: string, sampled: number | null): string[] {
	const index = table.columns.findIndex((column) => column.name === name);
	return columnSummary(distribution(table, index), table.statistics[index] ?? {}, sampled, /^date/.test(table.columns[index]?.type ?? ''));
}

describe('column summaries', () => {
	it('use the statistics in the footer of a Parquet file', async () => {
		const table = await openParquet(await source('air-quality/data/readings.parquet'));
		expect(table.total).toBe(35_040);
		// The sample ends on 21 January.
		expect(facts(table, 'time', 2000)).toEqual(['2025-01-01 to 2025-12-31', 'plot: the first 2,000 rows']);
		expect(facts(table, 'station', 2000)).toEqual(['4 distinct values in the first 2,000 rows']);
		const every = await table.rows(0, 35_040);
		const index = table.columns.findIndex((column) => column.name === 'no2');
		const missing = every.filter((row) => row[index] === null).length;
		expect(missing).toBeGreaterThan(table.sample.filter((row) => row[index] === null).length);
		expect(table.statistics[index]?.empty).toBe(missing);
	});

	it('are labelled as such if only the first rows were counted', async () => {
		const table = await openRows(served(2500));
		expect(table.total, 'not known before all is read').toBeNull();
		expect(facts(table, 'id', 1000)).toEqual(['0 to 999 in the first 1,000 rows']);
		expect(facts(table, 'day', 1000)).toEqual(['2025-01-01 to 2025-01-09 in the first 1,000 rows']);
	});

	it('need no label if all rows were counted', async () => {
		expect(facts(await openRows(served(9)), 'name', null)).toEqual(['3 distinct values']);
	});

	it('count dates that are not ISO 8601 as texts', async () => {
		const table = await openRows(served(9, (index) => [index, '', `0${index + 1}.02.2025`]));
		expect(facts(table, 'day', null)).toEqual(['9 distinct values']);
	});
});

describe('openRows', () => {
	it('requests rows once, and only as many as needed', async () => {
		const source = served(2500);
		const table = await openRows(source);
		expect(await table.rows(950, 50)).toHaveLength(50);
		expect(source.asked).toEqual([0]);
		expect((await table.rows(1000, 50))[0]?.[0]).toBe(1000);
		expect((await table.rows(0, 50))[0]?.[0]).toBe(0);
		expect(source.asked).toEqual([0, 1000]);
		expect(await table.rows(2450, 100)).toHaveLength(50);
		expect(table.total).toBe(2500);
	});

	it('reads on after a page that ended early', async () => {
		const table = await openRows(served(30, undefined, 7));
		const rows = await table.rows(10, 15);
		expect(rows.map((row) => row[0])).toEqual(Array.from({ length: 15 }, (_, index) => index + 10));
	});
});

describe('show', () => {
	it('cuts long values', () => {
		expect(show('x'.repeat(5000))).toHaveLength(1001);
		expect(show({ a: [1] })).toBe('{"a":[1]}');
	});
});

describe('columnStatistics', () => {
	const chunk = (statistics: object | undefined, name = 'id') => ({ meta_data: { path_in_schema: [name], num_values: 10n, statistics } });
	const of = (...chunks: object[]) => columnStatistics({ row_groups: chunks.map((one) => ({ columns: [one] })) } as unknown as Parameters<typeof columnStatistics>[0], 'id');

	it('merges all row groups', () => {
		expect(of(chunk({ min_value: 3n, max_value: 9n, null_count: 1n }), chunk({ min_value: 1n, max_value: 4n, null_count: 2n }))).toEqual({
			range: { min: 1, max: 9 },
			empty: 3
		});
	});

	it('omits statistics that a row group lacks', () => {
		expect(of(chunk({ min_value: 3n, max_value: 9n, null_count: 1n }), chunk(undefined))).toEqual({});
		expect(of(chunk({ min_value: 3n, max_value: NaN, null_count: 0n }))).toEqual({ empty: 0 });
		expect(of(chunk({ min_value: 'a', max_value: 'b', null_count: 4n }))).toEqual({ empty: 4 });
		expect(of(chunk({ min_value: 1, max_value: 2, null_count: 0n }, 'other'))).toEqual({});
	});

	it('skips row groups without values', () => {
		expect(of(chunk({ null_count: 10n }), chunk({ min_value: 5, max_value: 6, null_count: 0n }))).toEqual({ range: { min: 5, max: 6 }, empty: 10 });
		expect(of(chunk({ null_count: 10n }))).toEqual({ empty: 10 });
	});
});
