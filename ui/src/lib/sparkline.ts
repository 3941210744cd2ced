// Column summaries: a histogram for numbers and times, the most frequent values for everything else.

import { count, plural } from './format';

export interface Bins {
	kind: 'bins';
	/** Number of values in each of the equally wide bins from `min` to `max`. */
	counts: number[];
	min: number;
	max: number;
	empty: number;
}

export interface Tops {
	kind: 'tops';
	distinct: number;
	tops: { value: string; count: number }[];
	empty: number;
}

/** Statistics stored in the file for a whole column; absent if the file does not contain them. */
export interface ColumnStatistics {
	/** Minimum and maximum; times in milliseconds since the epoch. */
	range?: { min: number; max: number };
	/** Number of rows without a value. */
	empty?: number;
}

export function histogram(values: (number | null)[], steps = 24): Bins | null {
	let min = Infinity;
	let max = -Infinity;
	let empty = 0;
	for (const value of values) {
		if (value === null || !Number.isFinite(value)) empty += 1;
		else {
			if (value < min) min = value;
			if (value > max) max = value;
		}
	}
	if (min > max) return null;
	const counts = new Array<number>(min === max ? 1 : steps).fill(0);
	const width = (max - min) / counts.length || 1;
	for (const value of values) {
		if (value === null || !Number.isFinite(value)) continue;
		const at = Math.min(counts.length - 1, Math.floor((value - min) / width));
		counts[at] = (counts[at] ?? 0) + 1;
	}
	return { kind: 'bins', counts, min, max, empty };
}

export function mostFrequent(values: (string | null)[], most = 5): Tops {
	const counts = new Map<string, number>();
	let empty = 0;
	for (const value of values) {
		if (value === null || value === '') empty += 1;
		else counts.set(value, (counts.get(value) ?? 0) + 1);
	}
	const tops = [...counts]
		.map(([value, count]) => ({ value, count }))
		.sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1))
		.slice(0, most);
	return { kind: 'tops', distinct: counts.size, tops, empty };
}

const compact = new Intl.NumberFormat('en-GB', { notation: 'compact', maximumSignificantDigits: 3 });
const few = new Intl.NumberFormat('en-GB', { maximumSignificantDigits: 4 });

function figure(value: number, time: boolean): string {
	if (time) return Math.abs(value) <= 8.64e15 ? new Date(value).toISOString().slice(0, 10) : String(value);
	if (Number.isInteger(value) && Math.abs(value) < 1e9) return count(value);
	return Math.abs(value) >= 10_000 ? compact.format(value) : few.format(value);
}

/**
 * Returns the lines that summarize a column. Statistics from the file come before those counted in the first rows, which are
 * labelled as such. `sampled` is the number of rows counted, null if all rows were.
 */
export function columnSummary(of: Bins | Tops | null, statistics: ColumnStatistics, sampled: number | null, time = false): string[] {
	const exact: string[] = [];
	const counted: string[] = [];
	const fromSample = sampled === null ? exact : counted;
	const bins = of?.kind === 'bins' ? of : undefined;
	const range = statistics.range ?? bins;
	if (range && of?.kind !== 'tops') (statistics.range ? exact : fromSample).push(`${figure(range.min, time)} to ${figure(range.max, time)}`);
	if (of?.kind === 'tops') fromSample.push(`${plural(of.distinct, 'distinct value')}`);
	const empty = statistics.empty ?? of?.empty ?? 0;
	if (empty > 0) (statistics.empty === undefined ? fromSample : exact).push(`${count(empty)} empty`);

	const lines = exact.length > 0 ? [exact.join(', ')] : [];
	if (sampled === null || (!of && counted.length === 0)) return lines;
	const rows = `the first ${plural(sampled, 'row')}`;
	return [...lines, counted.length > 0 ? `${counted.join(', ')} in ${rows}` : `plot: ${rows}`];
}
