/** SHA-256 of a file of any size, with constant memory. */

import { Sha256 } from './sha256.js';

/** Files up to this size (bytes) are hashed at once by `crypto.subtle`, which uses hardware instructions. */
const WHOLE = 16 << 20;
/** Bytes to read at a time; the next piece is read while one is hashed. */
const PIECE = 4 << 20;

/** Callbacks between the pieces. */
export interface Hooks {
	signal?: AbortSignal;
	/** Waits while hashing is paused. */
	checkpoint?: () => Promise<void>;
	/** Returns the bytes, if they are cached. */
	bytes?: () => Promise<ArrayBuffer> | undefined;
	/** Called with the number of bytes hashed so far. */
	onProgress?: (bytes: number) => void;
}

let free: Sha256 | undefined;

/** Returns the SHA-256 in hexadecimal. Throws a `NotReadableError` if the file has changed since it was chosen. */
export async function hashFile(file: Blob, hooks: Hooks = {}): Promise<string> {
	const { signal, checkpoint, bytes, onProgress } = hooks;
	await checkpoint?.();
	signal?.throwIfAborted();
	// Only available in secure contexts.
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
		await checkpoint?.();
		signal?.throwIfAborted();
	}
	free = hasher;
	return hasher.hex();
}

/** Readers in use. Chromium garbage-collects a reader that is only referenced by its promises, which then never settle. */
const readers = new Set<ReadableStreamBYOBReader>();

/** Yields the bytes of a file with read-ahead. */
async function* pieces(file: Blob): AsyncGenerator<Uint8Array> {
	const reader = byteReader(file);
	if (reader === undefined) {
		for (let from = 0; from < file.size; from += PIECE) yield new Uint8Array(await file.slice(from, from + PIECE).arrayBuffer());
		return;
	}
	readers.add(reader);
	// Two alternating buffers. A new buffer per piece creates garbage faster than it is collected: hundreds of megabytes
	// for a large file.
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

/** Reads until the buffer is full or the file ends. */
async function fill(reader: ReadableStreamBYOBReader, buffer: ArrayBuffer): Promise<Uint8Array<ArrayBuffer>> {
	let bytes = buffer;
	let length = 0;
	while (length < bytes.byteLength) {
		// The buffer is transferred to the reader and comes back as a new object. `min` saves most of the iterations.
		const view = new Uint8Array(bytes, length);
		const { value, done } = await (reader as AtLeast).read(view, { min: view.length });
		if (value === undefined) break;
		bytes = value.buffer;
		length += value.length;
		if (done) break;
	}
	return new Uint8Array(bytes, 0, length);
}

/** BYOB reader with the `min` option, which TypeScript does not know yet. */
interface AtLeast {
	read(view: Uint8Array<ArrayBuffer>, options: { min: number }): Promise<ReadableStreamReadResult<Uint8Array<ArrayBuffer>>>;
}

/** Returns a BYOB reader, if the browser supports it. */
function byteReader(file: Blob): ReadableStreamBYOBReader | undefined {
	try {
		return file.stream().getReader({ mode: 'byob' });
	} catch {
		return undefined;
	}
}
