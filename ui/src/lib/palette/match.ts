// Fuzzy matching for the command palette: how well a text matches what was typed, and where.

/** A part of a text; `match` if it is what was searched for. */
export interface Part {
	text: string;
	match: boolean;
}

export interface Fuzzy {
	/** Greater is better. */
	score: number;
	/** Ranges of matching characters: start (inclusive) and end (exclusive), in order, apart from each other. */
	ranges: [start: number, end: number][];
}

const isStart = (text: string, at: number) => at === 0 || /[^\p{L}\p{N}]/u.test(text[at - 1] ?? '') || (/\p{Lu}/u.test(text[at] ?? '') && /\p{Ll}/u.test(text[at - 1] ?? ''));

/** Lower case with the same length, so that positions stay the same. */
function lower(text: string): string {
	const folded = text.toLowerCase();
	if (folded.length === text.length) return folded;
	return Array.from({ length: text.length }, (_, at) => (text[at] as string).toLowerCase().slice(0, 1)).join('');
}

/** Finds the characters of a word in this order, each as early as possible. */
function forward(word: string, folded: string): number[] | null {
	const places: number[] = [];
	for (const character of word.split('')) {
		const at = folded.indexOf(character, (places.at(-1) ?? -1) + 1);
		if (at === -1) return null;
		places.push(at);
	}
	return places;
}

/** Finds them as late as possible, so that the name of a file is preferred to its folders. */
function backward(word: string, folded: string): number[] {
	const places: number[] = [];
	let end = folded.length;
	for (const character of word.split('').reverse()) {
		end = folded.lastIndexOf(character, end - 1);
		places.unshift(end);
	}
	return places;
}

function scattered(places: readonly number[], text: string): Fuzzy | null {
	const ranges: [number, number][] = [];
	for (const at of places) {
		const last = ranges.at(-1);
		if (last?.[1] === at) last[1] = at + 1;
		else ranges.push([at, at + 1]);
	}
	const starts = ranges.filter(([at]) => isStart(text, at)).length;
	// Characters anywhere are no match.
	if (places.length < 2 || ranges.length > 1 + starts) return null;
	return { score: 50 + 10 * starts - 8 * (ranges.length - starts), ranges };
}

function matchWord(word: string, text: string, folded: string): Fuzzy | null {
	const name = folded.lastIndexOf('/') + 1;
	// As it was typed: in the name of a file before the folders, at the start of a word before the middle.
	let best: Fuzzy | null = null;
	for (let at = folded.indexOf(word); at !== -1; at = folded.indexOf(word, at + 1)) {
		const score = 100 + (at >= name ? 40 : 0) + (at === name ? 30 : 0) + (isStart(text, at) ? 30 : 0) + Math.round((20 * word.length) / (text.length - (at >= name ? name : 0)));
		if (best === null || score > best.score) best = { score, ranges: [[at, at + word.length]] };
	}
	if (best !== null) return best;
	const early = forward(word, folded);
	if (early === null) return null;
	const [one, other] = [scattered(early, text), scattered(backward(word, folded), text)];
	return (other?.score ?? 0) > (one?.score ?? 0) ? other : one;
}

/** Matches all words of what was typed; null if one of them does not match. */
export function fuzzy(query: string, text: string): Fuzzy | null {
	const folded = lower(text);
	let score = 0;
	const ranges: [number, number][] = [];
	for (const word of lower(query).split(/\s+/).filter((word) => word !== '')) {
		const found = matchWord(word, text, folded);
		if (!found) return null;
		score += found.score;
		ranges.push(...found.ranges);
	}
	return { score, ranges: joined(ranges) };
}

function joined(ranges: [number, number][]): [number, number][] {
	const apart: [number, number][] = [];
	for (const [start, end] of ranges.toSorted((one, other) => one[0] - other[0])) {
		const last = apart.at(-1);
		if (last && start <= last[1]) last[1] = Math.max(last[1], end);
		else apart.push([start, end]);
	}
	return apart;
}

/** Splits a text at these ranges. */
export function partsOf(text: string, ranges: readonly [number, number][]): Part[] {
	const parts: Part[] = [];
	let at = 0;
	for (const [start, end] of ranges) {
		if (start > at) parts.push({ text: text.slice(at, start), match: false });
		parts.push({ text: text.slice(start, end), match: true });
		at = end;
	}
	if (at < text.length || parts.length === 0) parts.push({ text: text.slice(at), match: false });
	return parts;
}

/** Returns the items that match, the best first; all of them, in their order, if nothing was typed. */
export function ranked<T>(query: string, items: readonly T[], textOf: (item: T) => string, most: number): { item: T; parts: Part[] }[] {
	if (query.trim() === '') return items.slice(0, most).map((item) => ({ item, parts: partsOf(textOf(item), []) }));
	const found = items.flatMap((item) => {
		const match = fuzzy(query, textOf(item));
		return match ? [{ item, match }] : [];
	});
	// Stable: equal matches stay in the order of the items.
	found.sort((one, other) => other.match.score - one.match.score);
	return found.slice(0, most).map(({ item, match }) => ({ item, parts: partsOf(textOf(item), match.ranges) }));
}

/** Makes the last word of what was typed a prefix, where it is long enough for the search of the server. */
export function searchText(typed: string): string {
	const text = typed.trim();
	return /[\p{L}\p{N}]{3}$/u.test(text) ? `${text}*` : text;
}
