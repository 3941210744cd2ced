// A column of a table at one look: a histogram of numbers and times, the commonest values of the rest.

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
