/** Keys of a text field with a list of options below it (ARIA: combobox with a listbox). */

/** How many options PageUp and PageDown skip. */
const PAGE = 8;

/**
 * Returns the index of the option that a key moves to, of `count` options; undefined for other keys. Before the first move
 * none is chosen: `at` is -1.
 */
export function moved(key: string, at: number, count: number): number | undefined {
	if (count === 0) return undefined;
	switch (key) {
		case 'ArrowDown':
			return (at + 1) % count;
		case 'ArrowUp':
			return at < 0 ? count - 1 : (at - 1 + count) % count;
		case 'PageDown':
			return Math.min(at + PAGE, count - 1);
		case 'PageUp':
			return Math.max(at - PAGE, 0);
		default:
			return undefined;
	}
}
