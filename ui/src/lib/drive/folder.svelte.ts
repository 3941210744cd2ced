/** The entries of a folder, or of a search below it; read again when something changed. */

import { untrack } from 'svelte';
import { on } from 'svelte/events';
import { ApiError } from '../api';
import type { Drive } from './client';
import type { DriveEntry } from '../types';

export class Folder {
	entries = $state.raw<DriveEntry[]>([]);
	/** Why it could not be read, or not again: then the entries are those of before. */
	error = $state.raw<unknown>(null);
	busy = $state(false);
	/** Whether the entries are those of this folder, and not of the one before. */
	ready = $state(false);

	#cursor = $state.raw<string | null>(null);
	#asked = 0;
	#uncertain = false;
	readonly #drive: () => Drive;
	readonly #path: () => string;
	readonly #query: () => string;

	/** Made while a component is set up; what the functions read is followed. */
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

	/** The folder that `entries` are of. */
	#shown: string | null = null;

	get more(): boolean {
		return this.#cursor !== null;
	}

	async #load(signal?: AbortSignal): Promise<void> {
		const mine = ++this.#asked;
		const [drive, path, query] = untrack(() => [this.#drive(), this.#path(), this.#query()] as const);
		this.busy = true;
		try {
			const page = await (query === '' ? drive.list(path, null, signal) : drive.search(query, path, signal));
			if (mine !== this.#asked) return;
			this.entries = page.items;
			this.#cursor = query === '' ? (page.next_cursor ?? null) : null;
			this.error = null;
			this.#shown = path;
			this.#uncertain = false;
			this.ready = true;
		} catch (error) {
			if (mine !== this.#asked || (error instanceof DOMException && error.name === 'AbortError')) return;
			this.error = error;
			// It is gone, or is no longer for this person to see.
			if (error instanceof ApiError && (error.status === 403 || error.status === 404)) this.ready = false;
		} finally {
			if (mine === this.#asked) this.busy = false;
		}
	}

	reload(): Promise<void> {
		return this.#load();
	}

	/** A change had no answer, so nobody knows what is there: it is read again when there is a network. */
	doubt(): void {
		this.#uncertain = true;
	}

	async next(): Promise<void> {
		const cursor = this.#cursor;
		if (this.busy || cursor === null) return;
		const mine = ++this.#asked;
		this.busy = true;
		try {
			const page = await this.#drive().list(this.#path(), cursor);
			if (mine !== this.#asked) return;
			this.entries = [...this.entries, ...page.items];
			this.#cursor = page.next_cursor ?? null;
		} catch (error) {
			if (mine === this.#asked) this.error = error;
		} finally {
			if (mine === this.#asked) this.busy = false;
		}
	}

	/** At the foot of the list: the next part is read when it comes into sight. */
	readonly reached = (element: HTMLElement): (() => void) => {
		const observer = new IntersectionObserver((seen) => {
			if (seen.some((entry) => entry.isIntersecting)) void this.next();
		});
		observer.observe(element);
		return () => observer.disconnect();
	};
}
