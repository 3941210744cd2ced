/** Which rows of a long list are drawn: with thousands of them in the page, a click takes seconds. */

/** Rows that are drawn at first, and that are added where the reader comes to the end of those; and the most. */
export const BATCH = 200;
export const MOST = 600;

export class Drawn {
	#from = $state(0);
	#to = $state(BATCH);
	readonly #count: () => number;

	/** Of a list with so many rows. */
	constructor(count: () => number) {
		this.#count = count;
	}

	/** The first row that is drawn, and the one behind the last. */
	get start(): number {
		return Math.min(this.#from, Math.max(0, this.#count() - BATCH));
	}

	get end(): number {
		return Math.min(this.#to, this.#count());
	}

	has(at: number): boolean {
		return at >= this.start && at < this.end;
	}

	/** Draws the rows about one; those at the top unless said. */
	about(at = 0): void {
		this.#from = Math.max(0, at - BATCH / 2);
		this.#to = this.#from + BATCH;
	}

	/** What would be drawn with a batch more above or below, without what is far away then. */
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
