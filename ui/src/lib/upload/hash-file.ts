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
	/** Told how many bytes are hashed. */
	onProgress?: (bytes: number) => void;
}

let free: Sha256 | undefined;

/** The sha256 in hexadecimal. Fails with a `NotReadableError` if the file has changed since it was chosen. */
export async function hashFile(file: Blob, hooks: Hooks = {}): Promise<string> {
	const { signal, turn, onProgress } = hooks;
	await turn?.();
	signal?.throwIfAborted();
	// Only pages from https or localhost have it.
	if (file.size <= WHOLE && globalThis.crypto?.subtle !== undefined) {
		const hash = await crypto.subtle.digest('SHA-256', await file.arrayBuffer());
		return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
	}
	const hasher = free?.reset() ?? (await Sha256.create());
	free = undefined;
	const read = (from: number) => file.slice(from, Math.min(from + PIECE, file.size)).arrayBuffer();
	let next = read(0);
	for (let from = 0; from < file.size; ) {
		const piece = await next;
		if (from + piece.byteLength < file.size) next = read(from + piece.byteLength);
		hasher.update(new Uint8Array(piece));
		from += piece.byteLength;
		onProgress?.(from);
		await turn?.();
		if (signal?.aborted) {
			await next.catch(() => undefined);
			signal.throwIfAborted();
		}
	}
	free = hasher;
	return hasher.hex();
}
