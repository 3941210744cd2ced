/** Reactive list of the entries of a folder or of a search in it. */

import { untrack } from 'svelte';
import { on } from 'svelte/events';
import { ApiError } from '../api';
import type { Drive } from './client';
import type { DriveEntry } from '../types';

export class Folder {
	entries = $state.raw<DriveEntry[]>([]);
	/** Error of the last load; `entries` may still hold the previous result. */
	error = $state.raw<unknown>(null);
	busy = $state(false);
	/** True if `entries` belong to this folder and not to the previous one. */
	ready = $state(false);

	#cursor = $state.raw<string | null>(null);
	#request = 0;
	#uncertain = false;
	readonly #drive: () => Drive;
	readonly #path: () => string;
	readonly #query: () => string;

	/** Create it while a component initializes; it reloads when reactive values that the functions read change. */
	constructor(drive: () => Drive, path: () => string, query: () => string) {
		this.#drive = drive;
		this.#path = path;
		this.#query = query;
		$effect(() => {
			const controller = new AbortController();
			const [, folder] = [drive(), path(), query()];
			untrack(() => {
				if (this.#shown !== folder) {
					this.ready = false;
					this.error = null;
				}
				void this.#load(controller.signal);
			});
			return () => controller.abort();
		});
		$effect(() => on(window, 'online', () => (this.error !== null || this.#uncertain) && void this.reload()));
	}

	/** The folder that `entries` belong to. */
	#shown: string | null = null;

	get more(): boolean {
		return this.#cursor !== null;
	}

	async #load(signal?: AbortSignal): Promise<void> {
		const mine = ++this.#request;
		const [drive, path, query] = untrack(() => [this.#drive(), this.#path(), this.#query()] as const);
		this.busy = true;
		try {
			const page = await (query === '' ? drive.list(path, null, signal) : drive.search(query, path, signal));
			if (mine !== this.#request) return;
			this.entries = page.items;
			this.#cursor = query === '' ? (page.next_cursor ?? null) : null;
			this.error = null;
			this.#shown = path;
			this.#uncertain = false;
			this.ready = true;
		} catch (error) {
			if (mine !== this.#request || (error instanceof DOMException && error.name === 'AbortError')) return;
			this.error = error;
			// It was deleted, or the user has lost access.
			if (error instanceof ApiError && (error.status === 403 || error.status === 404)) this.ready = false;
		} finally {
			if (mine === this.#request) this.busy = false;
		}
	}

	reload(): Promise<void> {
		return this.#load();
	}

	/** Call this after a change without a response: its outcome is unknown, so reload when the network is back. */
	doubt(): void {
		this.#uncertain = true;
	}

	async next(): Promise<void> {
		const cursor = this.#cursor;
		if (this.busy || cursor === null) return;
		const mine = ++this.#request;
		this.busy = true;
		try {
			const page = await this.#drive().list(this.#path(), cursor);
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
