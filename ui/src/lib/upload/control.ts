/** Flow control of an upload: pause, resume, cancel, retries with backoff, and concurrency limits. */

import { CancelledError, type UploadError } from './errors.js';

/** A temporary failure that is worth a retry. */
export class RetryableError extends Error {
	/** The error to report when all retries have failed. */
	readonly final: UploadError;
	/** `Retry-After` in milliseconds. */
	readonly after: number | undefined;
	constructor(final: UploadError, after?: number) {
		super(final.message);
		this.final = final;
		this.after = after;
	}
}

/** First and longest delay before a retry, in milliseconds. */
const FIRST_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 30_000;
/** Maximum `Retry-After` that is respected, in milliseconds. */
const MAX_RETRY_AFTER_MS = 5 * 60_000;

/** Returns the delay (ms) after a number of failures in a row: exponential backoff with jitter. */
export function backoff(failures: number, after: number | undefined, random = Math.random): number {
	const most = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (failures - 1));
	const own = most / 2 + (most / 2) * random();
	return after === undefined ? own : Math.min(MAX_RETRY_AFTER_MS, after) + (Math.min(own, 1000) * random());
}

/** Parses `Retry-After` (RFC 9110 §10.2.3); returns milliseconds. */
export function retryAfter(value: string | null, now = Date.now()): number | undefined {
	if (value === null) return undefined;
	if (/^\s*\d+\s*$/.test(value)) return Number(value) * 1000;
	const date = Date.parse(value);
	return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** Controls one upload. */
export class Control {
	readonly #retries: number;
	readonly #changed: () => void;
	readonly #end = new AbortController();
	#epoch = new AbortController();
	#open: Promise<void> | undefined;
	#reopen: (() => void) | undefined;
	#waiting = 0;

	/** `changed` is called when {@link waiting} may have changed. */
	constructor(retries: number, changed: () => void = () => undefined) {
		this.#retries = retries;
		this.#changed = changed;
	}

	/** Aborted when the upload ends. */
	get ended(): AbortSignal {
		return this.#end.signal;
	}

	get isPaused(): boolean {
		return this.#open !== undefined;
	}

	/** True while something waits for a retry. */
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

	/** Waits while the upload is paused. Throws if it has ended. */
	async checkpoint(): Promise<void> {
		while (this.#open !== undefined) await this.#open;
		if (this.#end.signal.aborted) throw this.#reason();
	}

	/**
	 * Runs `attempt`, and retries it after {@link RetryableError}s and after a pause. Failures while the browser is offline do
	 * not count.
	 */
	async run<T>(attempt: (signal: AbortSignal) => Promise<T>, retries = this.#retries): Promise<T> {
		for (let failures = 0; ; ) {
			await this.checkpoint();
			const { signal } = this.#epoch;
			try {
				return await attempt(signal);
			} catch (error) {
				if (this.#end.signal.aborted) throw this.#reason();
				if (signal.aborted) continue;
				if (!(error instanceof RetryableError)) throw error;
				if (isOffline()) await this.#wait(undefined);
				else if (++failures > retries) throw error.final;
				else await this.#wait(backoff(failures, error.after));
			}
		}
	}

	/** Waits `time` milliseconds, or until the network is back, or the upload ends or is paused. */
	async #wait(time: number | undefined): Promise<void> {
		this.#waiting += 1;
		this.#changed();
		const done = new AbortController();
		await new Promise<void>((resolve) => {
			const once = { once: true, signal: done.signal };
			// Also retry when the network is back: its loss may have caused the failure.
			globalThis.addEventListener?.('online', () => resolve(), once);
			this.#epoch.signal.addEventListener('abort', () => resolve(), once);
			if (this.#epoch.signal.aborted) resolve();
			// `navigator.onLine` is not reliable, so retry after a while in any case.
			const timer = setTimeout(resolve, time ?? MAX_BACKOFF_MS);
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

/** Semaphore: limits concurrency, first come, first served. */
export class Semaphore {
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

/** Runs `work` for each item, at most `lanes` at a time. Rejects on the first failure. */
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
