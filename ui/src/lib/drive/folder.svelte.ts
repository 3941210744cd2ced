/** Reactive list of the entries of a folder or of a search in it, in the order of the server. */

import { untrack } from 'svelte';
import { ApiError } from '../api';
import { onBack } from '../network.svelte';
import type { DriveEntry, Page } from '../types';
import { toastError } from '../ui/toast.svelte';
import type { Drive } from './client';
import type { Sorting } from './sort';

/** Maximum number of entries that are loaded without scrolling to the end of the list. */
const MOST_AHEAD = 20_000;

/** What is listed. */
interface Asked {
	drive: Drive;
	path: string;
	query: string;
	sorting: Sorting;
}

export class Folder {
	entries = $state.raw<DriveEntry[]>([]);
	/** Error of the last load; `entries` may still hold the previous result. */
	error = $state.raw<unknown>(null);
	busy = $state(false);
	/** True if `entries` belong to this folder and not to the previous one. */
	ready = $state(false);

	#cursor = $state.raw<string | null>(null);
	#shownAt = 0;
	#request = 0;
	#uncertain = false;
	#loading: Promise<void> = Promise.resolve();
	/** What `entries` belong to. */
	#shown: Asked | null = null;
	/** The order of the listing; undefined if the folder has too many entries to sort. */
	#sort: Sorting | undefined;
	readonly #asked: () => Asked;

	/** Create it while a component initializes; it reloads when reactive values that the function reads change. */
	constructor(asked: () => Asked) {
		this.#asked = asked;
		$effect(() => {
			const controller = new AbortController();
			const next = asked();
			untrack(() => {
				if (this.#shown?.path !== next.path || this.#shown.drive.name !== next.drive.name) {
					this.ready = false;
					this.error = null;
				}
				void this.#load(controller.signal);
			});
			return () => controller.abort();
		});
		$effect(() => onBack(() => (this.error !== null || this.#uncertain) && void this.reload()));
	}

	/** How long ago the entries were read, in milliseconds. */
	get age(): number {
		return Date.now() - this.#shownAt;
	}

	get more(): boolean {
		return this.#cursor !== null;
	}

	#load(signal?: AbortSignal): Promise<void> {
		return (this.#loading = this.#run(signal));
	}

	async #run(signal?: AbortSignal): Promise<void> {
		const mine = ++this.#request;
		const asked = untrack(this.#asked);
		const { drive, path, query, sorting } = asked;
		this.busy = true;
		try {
			if (query !== '') {
				const page = await drive.search(query, path, signal);
				if (mine === this.#request) this.#show(asked, page.items, null);
				return;
			}
			// After a change of the same list, the old one stays until the new one is as long: the page must not jump.
			const before = this.#shown;
			const same = before !== null && before.query === '' && before.path === path && before.drive.name === drive.name && before.sorting === sorting;
			const least = same ? untrack(() => this.entries.length) : 0;
			let items: DriveEntry[] = [];
			let cursor: string | null = null;
			this.#sort = sorting;
			do {
				const page: Page<DriveEntry> = await this.#page(drive, path, cursor, signal);
				if (mine !== this.#request) return;
				items = [...items, ...page.items];
				cursor = page.next_cursor ?? null;
				if (cursor === null || items.length >= least) this.#show(asked, items, cursor);
			} while (cursor !== null && items.length < MOST_AHEAD);
		} catch (error) {
			if (mine !== this.#request || (error instanceof DOMException && error.name === 'AbortError')) return;
			this.error = error;
			// It was deleted, or the user has lost access.
			if (error instanceof ApiError && (error.status === 403 || error.status === 404)) this.ready = false;
		} finally {
			if (mine === this.#request) this.busy = false;
		}
	}

	/** Loads a page; without an order if the folder has too many entries to sort. */
	async #page(drive: Drive, path: string, cursor: string | null, signal?: AbortSignal): Promise<Page<DriveEntry>> {
		try {
			return await drive.list(path, { cursor, signal, sort: this.#sort });
		} catch (error) {
			if (!(error instanceof ApiError && error.status === 413) || this.#sort === undefined || cursor !== null) throw error;
			toastError(error);
			this.#sort = undefined;
			return drive.list(path, { signal });
		}
	}

	#show(asked: Asked, items: DriveEntry[], cursor: string | null): void {
		this.entries = items;
		this.#cursor = cursor;
		this.error = null;
		this.#shown = asked;
		this.#uncertain = false;
		this.#shownAt = Date.now();
		this.ready = true;
	}

	reload(): Promise<void> {
		return this.#load();
	}

	/** Reloads after a change, unless the change has already caused that. */
	async renew(before: Drive): Promise<void> {
		await (untrack(this.#asked).drive === before ? this.reload() : this.#loading);
	}

	/** Call this after a change without a response: its outcome is unknown, so reload when the network is back. */
	doubt(): void {
		this.#uncertain = true;
	}

	/** Resolves when all entries have been loaded that are loaded without scrolling. */
	settled(): Promise<void> {
		return this.#loading;
	}

	/** Loads the next page of a very long list. */
	async next(): Promise<void> {
		const cursor = this.#cursor;
		if (this.busy || cursor === null) return;
		const mine = ++this.#request;
		const { drive, path } = untrack(this.#asked);
		this.busy = true;
		try {
			const page = await this.#page(drive, path, cursor);
			if (mine !== this.#request) return;
			this.entries = [...this.entries, ...page.items];
			this.#cursor = page.next_cursor ?? null;
		} catch (error) {
			if (mine === this.#request) this.error = error;
		} finally {
			if (mine === this.#request) this.busy = false;
		}
	}

	/** Attachment for the end of the list: loads the next page when it comes into view. */
	readonly reached = (element: HTMLElement): (() => void) => {
		const observer = new IntersectionObserver((seen) => {
			if (seen.some((entry) => entry.isIntersecting)) void this.next();
		});
		observer.observe(element);
		return () => observer.disconnect();
	};
}
