/** Extends the rendered rows of a long list when an end of them comes into view. Each row has `data-path`. */

import { tick } from 'svelte';
import type { RowWindow } from './rowWindow.svelte';

export class ListEdges {
	readonly #rows: RowWindow;
	readonly #list: () => HTMLElement | undefined;
	readonly #order: () => string[];

	/** `order` returns the paths of all rows. */
	constructor(rows: RowWindow, list: () => HTMLElement | undefined, order: () => string[]) {
		this.#rows = rows;
		this.#list = list;
		this.#order = order;
	}

	/** Returns the row that contains the focus. */
	focused(): Element | null {
		return this.#list()?.contains(document.activeElement) ? (document.activeElement?.closest('[data-path]') ?? null) : null;
	}

	/** Renders more rows when an element at the end of the rendered rows comes near the viewport. */
	reached(below: boolean): (element: HTMLElement) => () => void {
		return (element) => {
			const observer = new IntersectionObserver((seen) => seen.some((entry) => entry.isIntersecting) && void this.#extend(below), { rootMargin: '1500px' });
			observer.observe(element);
			return () => observer.disconnect();
		};
	}

	/** Renders more rows above or below without moving the visible ones. */
	async #extend(below: boolean): Promise<void> {
		const list = this.#list();
		const [start, end] = this.#rows.beyond(below);
		const at = this.#order().indexOf(this.focused()?.getAttribute('data-path') ?? '');
		// Keep the focus in the list, so that its keys still work.
		if (at >= 0 && (at < start || at >= end)) list?.focus({ preventScroll: true });
		const row = [...(list?.querySelectorAll('[data-path]') ?? [])].at(below ? -1 : 0);
		const before = row?.getBoundingClientRect().top;
		this.#rows.extend(below);
		await tick();
		// Scroll anchoring: not all browsers do it, and none at the top of the page.
		if (row?.isConnected && before !== undefined) scrollBy(0, row.getBoundingClientRect().top - before);
	}
}
