/**
 * Soft changes of a long list: removed rows fade out, added ones fade in, and the others slide to their new places. Only rows
 * that are rendered move, and nothing is measured, so a change of 10,000 rows costs as much as one of ten.
 */

/** Index of each row by its path. */
type Places = ReadonlyMap<string, number>;

/** As `--motion` in tokens.css. */
const MOTION = { duration: 120, easing: 'cubic-bezier(0.2, 0, 0.2, 1)' };

/** Maximum number of added rows that fade in: more are a page of a long list. */
const MOST_ADDED = 100;

/** Rows slide by at most this many places; those from further away fade in. */
const FURTHEST = 60;

/** What a rendered row does in a change: it slides by a number of places, fades in or out, or stays. */
export type Move = number | 'in' | 'out' | null;

/** Returns what a row does. Renaming and sorting, which keep the number of rows, and other lists move nothing. */
export function moveOf(path: string, before: Places, now: Places): Move {
	const added = now.size - before.size;
	if (added === 0 || added > MOST_ADDED || before.size === 0) return null;
	const [from, to] = [before.get(path), now.get(path)];
	if (to === undefined) return added < 0 && from !== undefined ? 'out' : null;
	if (from === undefined) return added > 0 ? 'in' : null;
	if (Math.abs(from - to) > FURTHEST) return 'in';
	return from === to ? null : from - to;
}

const still = () => matchMedia(/* @wc-ignore */ '(prefers-reduced-motion: reduce)').matches;

const rowsOf = (body: HTMLElement) => body.querySelectorAll<HTMLElement>(':scope > [data-path]');

/** Fades out copies of the rows that are about to be removed from `body`; `into` holds the copies. */
export function fadeOut(body: HTMLElement, into: HTMLElement, before: Places, now: Places): void {
	into.replaceChildren();
	if (now.size >= before.size || still()) return;
	for (const row of rowsOf(body)) {
		const path = row.dataset.path ?? '';
		if (moveOf(path, before, now) !== 'out') continue;
		const copy = row.cloneNode(true) as HTMLElement;
		for (const name of ['data-path', 'role', 'tabindex', 'draggable']) copy.removeAttribute(name);
		for (const labelled of copy.querySelectorAll('[aria-label]')) labelled.removeAttribute('aria-label');
		into.append(copy);
		copy.animate([{ opacity: 1 }, { opacity: 0 }], { ...MOTION, fill: 'forwards' }).onfinish = () => copy.remove();
	}
}

/** Fades in the rows that were added to `body`, and slides the others, which are at their new places already. */
export function settle(body: HTMLElement, before: Places, now: Places, height: number): void {
	if (now.size === before.size || still()) return;
	for (const row of rowsOf(body)) {
		const move = moveOf(row.dataset.path ?? '', before, now);
		if (move === 'in') row.animate([{ opacity: 0 }, { opacity: 1 }], MOTION);
		else if (typeof move === 'number') row.animate([{ transform: `translateY(${move * height}px)` }, { transform: 'none' }], MOTION);
	}
}
