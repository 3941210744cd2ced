import { describe, expect, it } from 'vitest';
import type { ColumnStatistics } from '$lib/types';
import { bins, exact, facts, figure, frequent, percent, summary } from './statistics';

const column = (type: string, more: Partial<ColumnStatistics> = {}): ColumnStatistics => ({ name: 'a', type, count: 9, nulls: 0, ...more });

describe('summary', () => {
	it('has the range, or the number of distinct values, and what is missing', () => {
		expect(summary(column('number', { min: -4.5, max: 39.941234, nulls: 1000, distinct: 8 }))).toEqual(['-4.5 to 39.94', '1,000 missing']);
		expect(summary(column('datetime', { min: '2025-01-01T00:00:00', max: '2025-12-31T23:00:00' }))).toEqual(['2025-01-01 to 2025-12-31']);
		expect(summary(column('string', { min: 'a', max: 'z', distinct: 1 }))).toEqual(['1 distinct value']);
		expect(summary(column('integer', { min: 7, max: 7 }))).toEqual(['7']);
		expect(summary(column('array', { nulls: 2 }))).toEqual(['2 missing']);
		expect(summary(column('number', { count: 0, nulls: 9, distinct: 0 }))).toEqual(['0 distinct values', '9 missing']);
	});
});

it('writes figures', () => {
	expect([1234, 12_345.678, 0.000123456, 1e12, '9007199254740993'].map((value) => figure(value, 'number'))).toEqual(['1,234', '12.3k', '0.0001235', '1tn', '9007199254740993']);
	expect(figure(2025, 'year')).toBe('2025');
	expect(figure(2.77e-7, 'number')).toBe('2.77e-7');
	expect([12.123456789, 35_040, 1e-9, '2025-01-01T10:00:00'].map((value) => exact(value, 'datetime'))).toEqual(['12.123456789', '35,040', '1e-9', '2025-01-01 10:00:00']);
	expect([percent(0, 9), percent(1, 3), percent(1, 1000), percent(1, 1_000_000), percent(1, 0), percent(5, 5)]).toEqual(['0 %', '33.3 %', '0.1 %', '< 0.01 %', '0 %', '100 %']);
});

describe('bars', () => {
	it('filter by the limits of their bin', () => {
		const bars = bins(column('integer', { histogram: { edges: [0, 2, 4], counts: [3, 6] } }));
		expect(bars.map((bar) => bar.test), 'the last bin contains its upper limit').toEqual(['a >= 0 AND a < 2', 'a >= 2 AND a <= 4']);
		expect(bins(column('number', { histogram: { edges: [66.98, 77.86000000000001], counts: [1] } }))[0]?.test).toBe('a >= 66.98 AND a <= 77.86');
		expect(bars[0]).toMatchObject({ label: '0 to 1', count: 3 });
		const single = bins(column('integer', { min: 7, max: 9, histogram: { edges: [7, 8, 9, 10], counts: [1, 2, 3] } }));
		expect(single.map((bar) => [bar.label, bar.test])).toEqual([['7', 'a = 7'], ['8', 'a = 8'], ['9', 'a = 9']]);
		expect(bins(column('date', { histogram: { edges: ['2025-01-01', '2025-01-05'], counts: [1] } }))[0]?.test).toBe("a >= '2025-01-01' AND a <= '2025-01-05'");
		expect(bins(column('string'))).toEqual([]);
	});

	it('filter by a value, or by the beginning of one that was cut', () => {
		const long = 'x'.repeat(256);
		const bars = frequent(column('string', { top: [{ value: "it's", count: 5 }, { value: long, count: 1 }] }));
		expect(bars.map((bar) => bar.test)).toEqual(["a = 'it''s'", `a LIKE '${long}%'`]);
		expect(frequent(column('boolean', { top: [{ value: true, count: 5 }] }))).toEqual([{ label: 'true', count: 5, test: 'a = TRUE' }]);
	});
});

it('lists facts, without those that do not apply', () => {
	expect(facts(column('array', { nulls: 1 }), 10)).toEqual([['Values', '9'], ['Missing', '1 (10 %)']]);
	const all = facts(column('number', { distinct: 3, min: 1, max: 3, mean: 2.123456789, std: 1, quartiles: [1.5, 2, 2.5] }), 9);
	expect(Object.fromEntries(all)).toMatchObject({ Mean: '2.12346', Median: '2' });
	expect(all.map(([term]) => term)).toEqual(['Values', 'Missing', 'Distinct', 'Minimum', '25 %', 'Median', '75 %', 'Maximum', 'Mean', 'Standard deviation']);
});
