// A column of a table at one look: a histogram of numbers and times, the commonest values of the rest.

import { count, plural } from './format';

export interface Bins {
	kind: 'bins';
	/** How many values are in each of equally wide steps from `min` to `max`. */
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

/** Facts about all values of a column; a fact that the file does not state is absent. */
export interface Stated {
	/** The least and the greatest value: numbers as they are, times in milliseconds. */
	range?: { min: number; max: number };
	/** How many rows have no value. */
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

export function commonest(values: (string | null)[], most = 5): Tops {
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
 * What is said of a column, a line each. What the file states comes before what was counted in the first rows, which is
 * said to be of them; `sampled` is how many these are, null if they are all.
 */
export function columnFacts(of: Bins | Tops | null, stated: Stated, sampled: number | null, time = false): string[] {
	const exact: string[] = [];
	const counted: string[] = [];
	const said = sampled === null ? exact : counted;
	const bins = of?.kind === 'bins' ? of : undefined;
	const range = stated.range ?? bins;
	if (range && of?.kind !== 'tops') (stated.range ? exact : said).push(`${figure(range.min, time)} to ${figure(range.max, time)}`);
	if (of?.kind === 'tops') said.push(`${count(of.distinct)} different`);
	const empty = stated.empty ?? of?.empty ?? 0;
	if (empty > 0) (stated.empty === undefined ? said : exact).push(`${count(empty)} empty`);

	const lines = exact.length > 0 ? [exact.join(', ')] : [];
	if (sampled === null || (!of && counted.length === 0)) return lines;
	const rows = `the first ${plural(sampled, 'row')}`;
	return [...lines, counted.length > 0 ? `${counted.join(', ')} in ${rows}` : `plot: ${rows}`];
}
