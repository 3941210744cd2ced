// Reactive data loading. Call these functions while a component initializes; they reload when reactive values that
// their function reads change. Outdated responses are dropped.
import { untrack } from 'svelte';
import { ApiError } from './api';
import { onBack } from './network.svelte';
import type { Page } from './types';
import { toastError } from './ui/toast.svelte';

export interface Loaded<T> {
	/** The latest result; kept while reloading. */
	data: T | undefined;
	error: unknown;
	/** True while the first result is loading. */
	readonly waiting: boolean;
	/** True while a request is in progress. */
	readonly busy: boolean;
	/** Loads again. */
	reload(): Promise<void>;
}

/**
 * Calls `ask` now, and again whenever a reactive value that it reads changes. Nothing is loaded if it returns `null`. With
 * `keep`, the previous result stays visible until the next one arrives. Requests that failed because the server
 * could not be reached are repeated when it can.
 */
export function load<T>(ask: (signal: AbortSignal) => Promise<T> | null, { keep = false } = {}): Loaded<T> {
	let data = $state.raw<T | undefined>(undefined);
	let error = $state.raw<unknown>(undefined);
	let busy = $state(true);
	let current = 0;
	let away = false;
	let controller: AbortController | undefined;

	async function run(promise: Promise<T> | null, again = false): Promise<void> {
		const mine = ++current;
		if (promise === null) {
			busy = false;
			return;
		}
		busy = true;
		try {
			const answer = await promise;
			if (mine !== current) return;
			data = answer;
			error = undefined;
			away = false;
		} catch (failure) {
			if (mine !== current || (failure instanceof DOMException && failure.name === 'AbortError')) return;
			away = failure instanceof ApiError && failure.isAway;
			// Keep showing the last known data.
			if (again && away && data !== undefined) toastError(failure);
			else error = failure;
		}
		busy = false;
	}

	function start(): Promise<T> | null {
		controller?.abort();
		controller = new AbortController();
		return ask(controller.signal);
	}

	$effect(() => {
		let promise: Promise<T> | null;
		try {
			promise = start();
		} catch (failure) {
			promise = Promise.reject(failure);
		}
		untrack(() => {
			if (!keep) data = undefined;
			error = undefined;
			void run(promise);
		});
		return () => controller?.abort();
	});

	const reload = () => run(untrack(start), true);
	$effect(() => onBack(() => away && void reload()));

	return {
		get data() {
			return data;
		},
		set data(value) {
			data = value;
		},
		get error() {
			return error;
		},
		set error(value) {
			error = value;
		},
		get waiting() {
			return busy && data === undefined;
		},
		get busy() {
			return busy;
		},
		reload
	};
}

export interface Listed<T> {
	items: T[];
	error: unknown;
	readonly waiting: boolean;
	readonly busy: boolean;
	/** True if there are more pages. */
	readonly more: boolean;
	next(): Promise<void>;
	reload(): Promise<void>;
}

/** Loads a paginated list: the first page now, each further page on `next()`. */
export function list<T>(ask: (cursor: string | undefined, signal: AbortSignal) => Promise<Page<T>> | null): Listed<T> {
	let items = $state.raw<T[]>([]);
	let cursor = $state.raw<string | undefined>(undefined);
	const first = load((signal) => ask(undefined, signal)?.then((page) => ({ page })) ?? null);
	let adding = $state(false);
	let failed = $state.raw<unknown>(undefined);

	$effect(() => {
		const page = first.data?.page;
		items = page?.items ?? [];
		cursor = page?.next_cursor ?? undefined;
		failed = undefined;
	});

	async function next(): Promise<void> {
		if (adding || cursor === undefined) return;
		const firstPage = first.data;
		adding = true;
		failed = undefined;
		try {
			const page = await ask(cursor, new AbortController().signal);
			if (page !== null && firstPage === first.data) {
				items = [...items, ...page.items];
				cursor = page.next_cursor ?? undefined;
			}
		} catch (failure) {
			failed = failure;
		} finally {
			adding = false;
		}
	}
	$effect(() => onBack(() => failed instanceof ApiError && failed.isAway && void next()));

	return {
		get items() {
			return items;
		},
		set items(value) {
			items = value;
		},
		get error() {
			return first.error ?? failed;
		},
		get waiting() {
			return first.waiting;
		},
		get busy() {
			return first.busy || adding;
		},
		get more() {
			return cursor !== undefined;
		},
		next,
		reload: () => first.reload()
	};
}

/** Calls `act` when a number changes. */
export function whenChanged(count: () => number, act: () => unknown): void {
	let seen = untrack(count);
	$effect(() => {
		const now = count();
		if (now === seen) return;
		seen = now;
		void untrack(act);
	});
}
