// Statistics of a column in words, and the bars of its plot.
import { count, plural } from '$lib/format';
import { locale } from '$lib/language';
import type { ColumnStatistics } from '$lib/types';
import { expression, kindOf } from './filter';

const compact = new Intl.NumberFormat(locale, { notation: 'compact', maximumSignificantDigits: 3 });
const few = new Intl.NumberFormat(locale, { maximumSignificantDigits: 4 });
const six = new Intl.NumberFormat(locale, { maximumSignificantDigits: 6 });
const twelve = new Intl.NumberFormat(locale, { maximumSignificantDigits: 12 });

/** A value in few characters. Dates and times are ISO 8601 texts, of which the date is shown. */
export function figure(value: unknown, type: string): string {
	if (typeof value !== 'number') return type === 'datetime' ? String(value).slice(0, 10) : String(value);
	if (type === 'year') return String(value);
	if (Number.isInteger(value) && Math.abs(value) < 1e9) return count(value);
	if (Math.abs(value) < 0.0001) return value.toExponential(2);
	return Math.abs(value) >= 10_000 ? compact.format(value) : few.format(value);
}

/** A value of the column, to read. */
export function exact(value: unknown, type: string): string {
	if (typeof value !== 'number') return type === 'datetime' ? String(value).replace('T', ' ') : String(value);
	if (type === 'year') return String(value);
	if (Number.isSafeInteger(value)) return count(value);
	return Math.abs(value) < 0.0001 || Math.abs(value) >= 1e15 ? value.toExponential() : twelve.format(value);
}

/** A computed value, whose last digits mean nothing. */
const rounded = (value: unknown, type: string): string => (typeof value !== 'number' || Number.isSafeInteger(value) || Math.abs(value) < 0.0001 ? exact(value, type) : six.format(value));

/** Removes the noise of binary fractions: `77.86` for `77.86000000000001`. */
const clean = (edge: number | string | undefined): number | string | undefined => (typeof edge === 'number' ? Number(edge.toPrecision(12)) : edge);

/** Returns the lines that summarize a column: range or distinct values, then missing values. */
export function summary(column: ColumnStatistics): string[] {
	const kind = kindOf(column);
	const lines: string[] = [];
	if ((kind === 'number' || kind === 'time') && column.min != null && column.max != null) {
		const [least, greatest] = [figure(column.min, column.type), figure(column.max, column.type)];
		lines.push(least === greatest ? least : `${least} to ${greatest}`);
	} else if (column.distinct != null) lines.push(plural(column.distinct, ['# distinct value', '# distinct values']));
	if (column.nulls > 0) lines.push(`${count(column.nulls)} missing`);
	return lines;
}

/** Share of a part of the rows: `3 %`, `0.02 %`. */
export function percent(part: number, all: number): string {
	if (all === 0 || part === 0) return '0 %';
	const share = (part / all) * 100;
	return share < 0.01 ? `< ${few.format(0.01)} %` : `${few.format(Number(share.toPrecision(share < 1 ? 1 : 3)))} %`;
}

export interface Bar {
	label: string;
	count: number;
	/** Expression for the rows of this bar. */
	test: string;
}

/** Number of characters after which the server cuts the most frequent values. */
const VALUE = 256;

/** Returns the bars of a histogram, in the order of the values. */
export function bins(column: ColumnStatistics): Bar[] {
	const { edges, counts } = column.histogram ?? { edges: [], counts: [] };
	return counts.map((many, index) => {
		const [from, to, isLast] = [clean(edges[index]), clean(edges[index + 1]), index === counts.length - 1];
		// Bins of integers end before the next one begins.
		const isWhole = column.type === 'integer' && Number.isSafeInteger(from) && Number.isSafeInteger(to);
		const end = isLast ? column.max : isWhole ? Number(to) - 1 : to;
		if (isWhole && from === end) return { label: figure(from, column.type), count: many, test: expression(column, { is: from }) };
		return { label: `${figure(from, column.type)} to ${figure(end ?? to, column.type)}`, count: many, test: expression(column, { from, to, open: !isLast }) };
	});
}

/** Returns the most frequent values. */
export function frequent(column: ColumnStatistics): Bar[] {
	return (column.top ?? []).map(({ value, count: many }) => {
		const text = String(value);
		const test = [...text].length >= VALUE ? { startsWith: text.replace(/…$/, '') } : { is: value };
		return { label: text, count: many, test: expression(column, test) };
	});
}

/** Returns the facts about a column, as terms and values. */
export function facts(column: ColumnStatistics, rows: number): [term: string, value: string][] {
	const value = (of: unknown) => (of == null ? null : exact(of, column.type));
	const computed = (of: unknown) => (of == null ? null : rounded(of, column.type));
	const quartile = (at: number) => computed(column.quartiles?.[at]);
	const found: [string, string | null][] = [
		['Values', count(column.count)],
		['Missing', `${count(column.nulls)}${column.nulls > 0 ? ` (${percent(column.nulls, rows)})` : ''}`],
		['Distinct', value(column.distinct)],
		['Minimum', value(column.min)],
		['25 %', quartile(0)],
		['Median', quartile(1)],
		['75 %', quartile(2)],
		['Maximum', value(column.max)],
		['Mean', computed(column.mean)],
		['Standard deviation', computed(column.std)]
	];
	return found.filter((fact): fact is [string, string] => fact[1] !== null);
}
