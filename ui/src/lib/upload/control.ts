/** When to go on, to wait, to try again, and to stop. */

import { CancelledError, type UploadError } from './errors.js';

/** A failure that may pass: worth another try. */
export class Passing extends Error {
	/** What to say when the tries are used up. */
	readonly final: UploadError;
	/** After how many milliseconds the server wants to be asked again. */
	readonly after: number | undefined;
	constructor(final: UploadError, after?: number) {
		super(final.message);
		this.final = final;
		this.after = after;
	}
}

/** The first pause after a failure, and the longest, in milliseconds. */
const FIRST = 500;
const LONGEST = 30_000;
/** A server that asks to come back later than this is asked all the same. */
const MOST = 5 * 60_000;

/** How long to wait after so many failures in a row: twice as long each time, and never all clients at one moment. */
export function backoff(failures: number, after: number | undefined, random = Math.random): number {
	const most = Math.min(LONGEST, FIRST * 2 ** (failures - 1));
	const own = most / 2 + (most / 2) * random();
	return after === undefined ? own : Math.min(MOST, after) + (Math.min(own, 1000) * random());
}

/** `Retry-After` (RFC 9110 §10.2.3) in milliseconds. */
export function retryAfter(value: string | null, now = Date.now()): number | undefined {
	if (value === null) return undefined;
	if (/^\s*\d+\s*$/.test(value)) return Number(value) * 1000;
	const date = Date.parse(value);
	return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** What one upload obeys. */
export class Control {
	readonly #retries: number;
	readonly #changed: () => void;
	readonly #end = new AbortController();
	#epoch = new AbortController();
	#open: Promise<void> | undefined;
	#reopen: (() => void) | undefined;
	#waiting = 0;

	/** `changed` is called when {@link waiting} may have. */
	constructor(retries: number, changed: () => void = () => undefined) {
		this.#retries = retries;
		this.#changed = changed;
	}

	/** Aborted when the upload is over. */
	get ended(): AbortSignal {
		return this.#end.signal;
	}

	get isPaused(): boolean {
		return this.#open !== undefined;
	}

	/** Whether something waits for its next try. */
	get waiting(): boolean {
		return this.#waiting > 0;
	}

	pause(): void {
		if (this.isPaused || this.#end.signal.aborted) return;
		this.#open = new Promise((open) => (this.#reopen = open));
		this.#epoch.abort();
	}

	resume(): void {
		if (!this.isPaused) return;
		this.#epoch = new AbortController();
		this.#open = undefined;
		this.#reopen?.();
	}

	/** Stops everything with this error. */
	end(error: UploadError): void {
		this.#end.abort(error);
		this.#epoch.abort();
		this.#open = undefined;
		this.#reopen?.();
	}

	/** Waits while it is paused. */
	async turn(): Promise<void> {
		while (this.#open !== undefined) await this.#open;
		if (this.#end.signal.aborted) throw this.#reason();
	}

	/**
	 * Makes an attempt, and others after {@link Passing} failures; begins it anew when it was interrupted by a pause. The
	 * time in which the browser knows that there is no network does not count.
	 */
	async run<T>(attempt: (signal: AbortSignal) => Promise<T>, retries = this.#retries): Promise<T> {
		for (let failures = 0; ; ) {
			await this.turn();
			const { signal } = this.#epoch;
			try {
				return await attempt(signal);
			} catch (error) {
				if (this.#end.signal.aborted) throw this.#reason();
				if (signal.aborted) continue;
				if (!(error instanceof Passing)) throw error;
				if (isOffline()) await this.#wait(undefined);
				else if (++failures > retries) throw error.final;
				else await this.#wait(backoff(failures, error.after));
			}
		}
	}

	/** Waits so many milliseconds, or until the network is back; not longer than until the upload ends or is paused. */
	async #wait(time: number | undefined): Promise<void> {
		this.#waiting += 1;
		this.#changed();
		const done = new AbortController();
		await new Promise<void>((resolve) => {
			const once = { once: true, signal: done.signal };
			// Also on the network's return: what failed may have failed for want of it.
			globalThis.addEventListener?.('online', () => resolve(), once);
			this.#epoch.signal.addEventListener('abort', () => resolve(), once);
			if (this.#epoch.signal.aborted) resolve();
			// Browsers know of cables, not of routes: one that says it is offline is not believed for ever.
			const timer = setTimeout(resolve, time ?? LONGEST);
			done.signal.addEventListener('abort', () => clearTimeout(timer));
		});
		done.abort();
		this.#waiting -= 1;
		this.#changed();
	}

	#reason(): UploadError {
		return (this.#end.signal.reason as UploadError | undefined) ?? new CancelledError();
	}
}

function isOffline(): boolean {
	return typeof navigator !== 'undefined' && navigator.onLine === false;
}

/** At most so many at one time, in the order in which they came. */
export class Places {
	readonly #queue: (() => void)[] = [];
	#free: number;

	constructor(count: number) {
		this.#free = count;
	}

	async use<T>(work: () => Promise<T>): Promise<T> {
		if (this.#free > 0) this.#free -= 1;
		else await new Promise<void>((turn) => this.#queue.push(turn));
		try {
			return await work();
		} finally {
			const next = this.#queue.shift();
			if (next === undefined) this.#free += 1;
			else next();
		}
	}
}

/** Does something for each item, for at most so many at one time. The first failure ends it at once. */
export async function forEach<T>(items: Iterable<T>, lanes: number, work: (item: T) => Promise<void>): Promise<void> {
	const iterator = items[Symbol.iterator]();
	let failed = false;
	const lane = async () => {
		try {
			for (let next = iterator.next(); !failed && !next.done; next = iterator.next()) await work(next.value);
		} catch (error) {
			failed = true;
			throw error;
		}
	};
	await Promise.all(Array.from({ length: lanes }, lane));
}
