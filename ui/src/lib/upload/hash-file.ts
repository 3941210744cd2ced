/** The sha256 of a file, whatever its size, in little memory. */

import { Sha256 } from './sha256.js';

/** Files up to this size are hashed in one go by the browser itself, which has the processor's own instructions. */
const WHOLE = 16 << 20;
/** What is read at a time; the next piece is read while one is hashed. */
const PIECE = 4 << 20;

/** What happens between the pieces. */
export interface Hooks {
	signal?: AbortSignal;
	/** Waits while hashing is paused. */
	turn?: () => Promise<void>;
	/** The bytes, if they are at hand. */
	bytes?: () => Promise<ArrayBuffer> | undefined;
	/** Told how many bytes are hashed. */
	onProgress?: (bytes: number) => void;
}

let free: Sha256 | undefined;

/** The sha256 in hexadecimal. Fails with a `NotReadableError` if the file has changed since it was chosen. */
export async function hashFile(file: Blob, hooks: Hooks = {}): Promise<string> {
	const { signal, turn, bytes, onProgress } = hooks;
	await turn?.();
	signal?.throwIfAborted();
	// Only pages from https or localhost have it.
	if (file.size <= WHOLE && globalThis.crypto?.subtle !== undefined) {
		const hash = await crypto.subtle.digest('SHA-256', await (bytes?.() ?? file.arrayBuffer()));
		return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
	}
	const hasher = free?.reset() ?? (await Sha256.create());
	free = undefined;
	let from = 0;
	for await (const piece of pieces(file)) {
		hasher.update(piece);
		from += piece.length;
		onProgress?.(from);
		await turn?.();
		signal?.throwIfAborted();
	}
	free = hasher;
	return hasher.hex();
}

/** What is being read of. Chromium collects a reader that nothing but promises wait for, and they wait for ever. */
const readers = new Set<ReadableStreamBYOBReader>();

/** The bytes of a file, the next ones read while some are looked at. */
async function* pieces(file: Blob): AsyncGenerator<Uint8Array> {
	const reader = byteReader(file);
	if (reader === undefined) {
		for (let from = 0; from < file.size; from += PIECE) yield new Uint8Array(await file.slice(from, from + PIECE).arrayBuffer());
		return;
	}
	readers.add(reader);
	// Two buffers that are filled in turn. New ones for each piece are garbage faster than it is collected: of a large
	// file, hundreds of megabytes.
	const spare = [new ArrayBuffer(PIECE), new ArrayBuffer(PIECE)];
	const read = () => fill(reader, spare.shift() as ArrayBuffer);
	let next = read();
	try {
		for (;;) {
			const piece = await next;
			if (piece.length === 0) return;
			next = read();
			yield piece;
			spare.push(piece.buffer);
		}
	} finally {
		await next.catch(() => undefined);
		await reader.cancel().catch(() => undefined);
		readers.delete(reader);
	}
}

/** Reads until the buffer is full, or the file at its end. */
async function fill(reader: ReadableStreamBYOBReader, buffer: ArrayBuffer): Promise<Uint8Array<ArrayBuffer>> {
	let bytes = buffer;
	let length = 0;
	while (length < bytes.byteLength) {
		// The buffer moves to the reader, and comes back as another object. `min` spares us most of the turns.
		const view = new Uint8Array(bytes, length);
		const { value, done } = await (reader as AtLeast).read(view, { min: view.length });
		if (value === undefined) break;
		bytes = value.buffer;
		length += value.length;
		if (done) break;
	}
	return new Uint8Array(bytes, 0, length);
}

/** The standard's reader; the types of the compiler do not know `min` yet. */
interface AtLeast {
	read(view: Uint8Array<ArrayBuffer>, options: { min: number }): Promise<ReadableStreamReadResult<Uint8Array<ArrayBuffer>>>;
}

/** Not every browser can fill a buffer that is there. */
function byteReader(file: Blob): ReadableStreamBYOBReader | undefined {
	try {
		return file.stream().getReader({ mode: 'byob' });
	} catch {
		return undefined;
	}
}
