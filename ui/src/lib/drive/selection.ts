/**
 * Selection in a list, as in common file managers: a click selects one row, Ctrl adds one, Shift selects a range; arrow keys
 * work the same way. Selections are immutable: every step returns a new one.
 */

export interface Selection {
	readonly chosen: ReadonlySet<string>;
	/** Start of a range. */
	readonly anchor: string | null;
	/** The focused row. */
	readonly focus: string | null;
}

export interface Keys {
	/** Extend the range from the anchor. */
	range?: boolean;
	/** Keep the current selection. */
	add?: boolean;
}

export const nothing: Selection = { chosen: new Set(), anchor: null, focus: null };

function between(order: readonly string[], a: string, b: string): string[] {
	const [from, to] = [order.indexOf(a), order.indexOf(b)];
	if (from < 0 || to < 0) return [b];
	return order.slice(Math.min(from, to), Math.max(from, to) + 1);
}

/** Selects a row by click or keyboard. */
export function pick(selection: Selection, order: readonly string[], key: string, keys: Keys = {}): Selection {
	if (keys.range) {
		const anchor = selection.anchor ?? key;
		const range = between(order, anchor, key);
		const chosen = keys.add ? new Set([...selection.chosen, ...range]) : new Set(range);
		return { chosen, anchor, focus: key };
	}
	if (keys.add) return toggle(selection, key);
	return { chosen: new Set([key]), anchor: key, focus: key };
}

/** Selects or deselects a row and keeps the others. */
export function toggle(selection: Selection, key: string): Selection {
	const chosen = new Set(selection.chosen);
	if (!chosen.delete(key)) chosen.add(key);
	return { chosen, anchor: key, focus: key };
}

/** Moves by arrow key. With `add` alone only the focus moves, and Space selects. */
export function step(selection: Selection, order: readonly string[], by: number, keys: Keys = {}): Selection {
	if (order.length === 0) return selection;
	const at = selection.focus === null ? (by > 0 ? -1 : order.length) : order.indexOf(selection.focus);
	const next = order[Math.min(order.length - 1, Math.max(0, at + by))];
	if (next === undefined) return selection;
	if (keys.add && !keys.range) return { ...selection, focus: next };
	return pick(selection, order, next, keys);
}

/** Returns by how many rows a key moves in a list with `rows` rows; `undefined` for other keys. */
export const stride = (key: string, rows: number, page: number): number | undefined =>
	({ ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -rows, End: rows })[key];

export function all(selection: Selection, order: readonly string[]): Selection {
	return { ...selection, chosen: new Set(order) };
}

/** Removes rows that are no longer in the list. */
export function kept(selection: Selection, order: readonly string[]): Selection {
	const there = new Set(order);
	const still = (key: string | null) => (key !== null && there.has(key) ? key : null);
	const chosen = new Set([...selection.chosen].filter((key) => there.has(key)));
	if (chosen.size === selection.chosen.size && still(selection.anchor) === selection.anchor && still(selection.focus) === selection.focus) {
		return selection;
	}
	return { chosen, anchor: still(selection.anchor), focus: still(selection.focus) };
}

/** Returns the next row whose name starts with the typed text, wrapping around. */
export function typed(order: readonly string[], focus: string | null, text: string, name: (key: string) => string): string | null {
	const from = focus === null ? 0 : Math.max(0, order.indexOf(focus)) + (text.length === 1 ? 1 : 0);
	const wanted = text.toLowerCase();
	for (let count = 0; count < order.length; count++) {
		const key = order[(from + count) % order.length];
		if (key !== undefined && name(key).toLowerCase().startsWith(wanted)) return key;
	}
	return null;
}

/** Collects the keys that are typed for {@link typed}; a pause starts a new text. */
export class TypeAhead {
	#text = '';
	#at = -Infinity;

	add(event: { key: string; timeStamp: number }): string {
		this.#text = event.timeStamp - this.#at < 700 ? this.#text + event.key : event.key;
		this.#at = event.timeStamp;
		return this.#text;
	}
}
