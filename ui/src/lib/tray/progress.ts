/** How far uploads are: pure, so that it can be tested without a network. */

export type Phase = 'waiting' | 'hashing' | 'sending' | 'verifying' | 'committing' | 'done' | 'failed' | 'cancelled';

/** One file on its way. */
export interface Item {
	path: string;
	size: number;
	phase: Phase;
	/** Bytes done of the phase. */
	bytes: number;
	/** The server had the content already: nothing was sent. */
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

/** What was told of a file; nothing brings back one that has ended. */
export function advance(item: Item, progress: Progress): Item {
	if (ended(item.phase)) return item;
	return {
		...item,
		phase: progress.phase,
		bytes: Math.min(Math.max(0, progress.bytes), item.size),
		stored: item.stored || progress.stored === true
	};
}

/** Reading a file to name its content is quick beside sending it: a tenth of the way. */
const READING = 0.1;

/** How far one file is, from 0 to 1. */
export function fraction(item: Item): number {
	const part = item.size === 0 ? 1 : item.bytes / item.size;
	switch (item.phase) {
		case 'waiting':
		case 'failed':
		case 'cancelled':
			return 0;
		case 'hashing':
			return READING * part;
		case 'sending':
			return READING + (0.98 - READING) * part;
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
	/** Files that needed no sending. */
	stored: number;
	bytes: number;
	/** Bytes still to send. */
	left: number;
	/** 0 to 1. */
	fraction: number;
}

/** A file of no bytes is work too. */
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

/** Bytes a second over the last seconds. */
export class Meter {
	#samples: { at: number; bytes: number }[] = [];

	constructor(private readonly window = 6000) {}

	/** All the bytes that have been sent until now; a number below the last one begins anew. */
	sent(at: number, bytes: number): void {
		const last = this.#samples[this.#samples.length - 1];
		if (last && bytes < last.bytes) this.#samples = [];
		this.#samples.push({ at, bytes });
		while (this.#samples.length > 2 && (this.#samples[1]?.at ?? at) <= at - this.window) this.#samples.shift();
	}

	stop(): void {
		this.#samples = [];
	}

	/** Null until there is enough to tell. */
	rate(at: number): number | null {
		const first = this.#samples[0];
		const last = this.#samples[this.#samples.length - 1];
		if (!first || !last || at - first.at < 500) return null;
		return ((last.bytes - first.bytes) * 1000) / (at - first.at);
	}
}

/** `about 2 min left`; empty if nobody can know. */
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

/** Whether a file that was chosen again is the one whose upload was cut off. */
export function isSameFile(wanted: { path: string; size: number; modified?: number | undefined }, file: { name: string; size: number; lastModified: number }): string | null {
	const name = wanted.path.slice(wanted.path.lastIndexOf('/') + 1);
	if (file.name !== name) return `This is “${file.name}”; the upload that was cut off is of “${name}”.`;
	if (file.size !== wanted.size) return `“${name}” has another size now: it has changed since. Upload it as a new file.`;
	if (wanted.modified !== undefined && file.lastModified !== wanted.modified) {
		return `“${name}” was changed since the upload began. Upload it as a new file.`;
	}
	return null;
}
