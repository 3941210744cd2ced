/** Windowed rendering of long lists: with thousands of rows in the page, a click takes seconds. */

/** Number of rows rendered initially and added at a time, and the maximum. */
export const BATCH = 200;
export const MOST = 600;

export class RowWindow {
	#from = $state(0);
	#to = $state(BATCH);
	readonly #count: () => number;

	/** `count` returns the number of rows in the list. */
	constructor(count: () => number) {
		this.#count = count;
	}

	/** Index of the first rendered row. */
	get start(): number {
		return Math.min(this.#from, Math.max(0, this.#count() - BATCH));
	}

	/** Index after the last rendered row. */
	get end(): number {
		return Math.min(this.#to, this.#count());
	}

	has(at: number): boolean {
		return at >= this.start && at < this.end;
	}

	/** Renders the rows around an index. Default: the first rows. */
	about(at = 0): void {
		this.#from = Math.max(0, at - BATCH / 2);
		this.#to = this.#from + BATCH;
	}

	/** Returns the range after adding a batch above or below and dropping rows at the other end. */
	beyond(below: boolean): [start: number, end: number] {
		const [start, end] = [this.start, this.#to];
		if (below) return [Math.max(start, end + BATCH - MOST), end + BATCH];
		const above = Math.max(0, start - BATCH);
		return [above, Math.min(end, above + MOST)];
	}

	extend(below: boolean): void {
		[this.#from, this.#to] = this.beyond(below);
	}
}
