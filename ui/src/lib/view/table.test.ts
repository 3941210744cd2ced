import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { columnSummary } from '../sparkline';
import type { Source } from './source';
import { openCsv, openParquet, distribution, columnStatistics, type TableSource } from './table';

async function source(path: string): Promise<Source> {
	const data = await readFile(fileURLToPath(new URL(`../../../../fixtures/datasets/${path}`, import.meta.url)));
	const read = (start: number, end: number) => Promise.resolve(data.buffer.slice(data.byteOffset + start, data.byteOffset + end) as ArrayBuffer);
	return { path, size: data.length, read, url: '', download: '' } as Source;
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
		const table = await openCsv(await source('air-quality/data/readings.csv'));
		expect(table.total, 'not known before all is read').toBeNull();
		expect(facts(table, 'time', 2000)).toEqual(['2025-01-01 to 2025-01-21 in the first 2,000 rows']);
		expect(facts(table, 'no2', 2000)[0]).toMatch(/^[\d.]+ to [\d.]+(, \d+ empty)? in the first 2,000 rows$/);
	});

	it('need no label if all rows were counted', async () => {
		const table = await openCsv(await source('air-quality/stations.csv'));
		expect(facts(table, 'station', null)).toEqual(['4 distinct values']);
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
