/** Upload progress, speed and time left. Pure functions, so that they can be tested without a network. */

export type Phase = 'waiting' | 'hashing' | 'sending' | 'verifying' | 'committing' | 'done' | 'failed' | 'cancelled';

/** Progress of one file. */
export interface Item {
	path: string;
	size: number;
	phase: Phase;
	/** Bytes done in the current phase. */
	bytes: number;
	/** True if the server already had the content, so nothing was sent. */
	stored: boolean;
	error: string | null;
}

export interface Progress {
	phase: Phase;
	bytes: number;
	stored?: boolean | undefined;
}

export function waiting(path: string, size: number): Item {
	return { path, size, phase: 'waiting', bytes: 0, stored: false, error: null };
}

const ended = (phase: Phase) => phase === 'done' || phase === 'failed' || phase === 'cancelled';

/** Applies a progress event; files that have ended do not change. */
export function advance(item: Item, progress: Progress): Item {
	if (ended(item.phase)) return item;
	return {
		...item,
		phase: progress.phase,
		bytes: Math.min(Math.max(0, progress.bytes), item.size),
		stored: item.stored || progress.stored === true
	};
}

/** Share of hashing in the progress of a file; sending takes much longer. */
const HASHING_SHARE = 0.1;

/** Returns the progress of a file, from 0 to 1. */
export function fraction(item: Item): number {
	const part = item.size === 0 ? 1 : item.bytes / item.size;
	switch (item.phase) {
		case 'waiting':
		case 'failed':
		case 'cancelled':
			return 0;
		case 'hashing':
			return HASHING_SHARE * part;
		case 'sending':
			return HASHING_SHARE + (0.98 - HASHING_SHARE) * part;
		case 'verifying':
		case 'committing':
			return 0.99;
		case 'done':
			return 1;
	}
}

export interface Totals {
	files: number;
	done: number;
	failed: number;
	/** Files whose content was already stored. */
	stored: number;
	bytes: number;
	/** Bytes still to send. */
	left: number;
	/** Progress, from 0 to 1. */
	fraction: number;
}

/** Weight of a file in the total; empty files count too. */
const weight = (item: Item) => Math.max(item.size, 1024);

export function totals(items: Iterable<Item>): Totals {
	const sum: Totals = { files: 0, done: 0, failed: 0, stored: 0, bytes: 0, left: 0, fraction: 0 };
	let [whole, reached] = [0, 0];
	for (const item of items) {
		if (item.phase === 'cancelled') continue;
		sum.files++;
		sum.bytes += item.size;
		if (item.phase === 'done') sum.done++;
		if (item.phase === 'failed') sum.failed++;
		if (item.stored) sum.stored++;
		if (item.phase === 'failed') continue;
		whole += weight(item);
		reached += weight(item) * fraction(item);
		sum.left += left(item);
	}
	sum.fraction = whole === 0 ? (sum.failed > 0 ? 0 : 1) : reached / whole;
	return sum;
}

function left(item: Item): number {
	if (item.stored) return 0;
	if (item.phase === 'waiting' || item.phase === 'hashing') return item.size;
	return item.phase === 'sending' ? item.size - item.bytes : 0;
}

/** Measures the upload speed over the last seconds. */
export class Meter {
	#samples: { at: number; bytes: number }[] = [];

	constructor(private readonly window = 6000) {}

	/** Records the total bytes sent so far; a lower number than before resets the meter. */
	sent(at: number, bytes: number): void {
		const last = this.#samples[this.#samples.length - 1];
		if (last && bytes < last.bytes) this.#samples = [];
		this.#samples.push({ at, bytes });
		while (this.#samples.length > 2 && (this.#samples[1]?.at ?? at) <= at - this.window) this.#samples.shift();
	}

	stop(): void {
		this.#samples = [];
	}

	/** Returns bytes per second; null while there are too few samples. */
	rate(at: number): number | null {
		const first = this.#samples[0];
		const last = this.#samples[this.#samples.length - 1];
		if (!first || !last || at - first.at < 500) return null;
		return ((last.bytes - first.bytes) * 1000) / (at - first.at);
	}
}

/** Formats the time left, as in `about 2 min left`; empty if unknown. */
export function timeLeft(bytes: number, rate: number | null): string {
	if (rate === null || rate <= 0 || bytes <= 0) return '';
	const seconds = bytes / rate;
	if (seconds < 5) return 'a few seconds left';
	if (seconds < 55) return `about ${Math.ceil(seconds / 5) * 5} s left`;
	const minutes = Math.round(seconds / 60);
	if (minutes < 60) return `about ${Math.max(1, minutes)} min left`;
	const hours = seconds / 3600;
	if (hours < 24) return `about ${hours < 10 ? Math.round(hours * 10) / 10 : Math.round(hours)} h left`;
	return 'more than a day left';
}

/** Returns why a chosen file is not the one whose upload was interrupted, or null if it is. */
export function fileMismatch(expected: { path: string; size: number; modified?: number | undefined }, file: { name: string; size: number; lastModified: number }): string | null {
	const name = expected.path.slice(expected.path.lastIndexOf('/') + 1);
	if (file.name !== name) return `You chose “${file.name}”, but the interrupted upload is of “${name}”.`;
	if (file.size !== expected.size) return `“${name}” has a different size than before. Upload it as a new file.`;
	if (expected.modified !== undefined && file.lastModified !== expected.modified) {
		return `“${name}” has changed since the upload started. Upload it as a new file.`;
	}
	return null;
}
