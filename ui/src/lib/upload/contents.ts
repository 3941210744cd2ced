/** Cache of small files, so that they are read only once for sampling, hashing and sending. Reading takes about as long as sending. */

/** Maximum size (bytes) of a cached file. */
export const SMALL = 256 << 10;
/** Maximum total size (bytes) of the cache. */
const CAPACITY = 32 << 20;

export class Contents {
	readonly #held = new Map<File, Promise<ArrayBuffer>>();
	#room = CAPACITY;

	/** Returns the bytes of a small file if they fit into the cache, where they stay until {@link drop}. */
	of(file: File): Promise<ArrayBuffer> | undefined {
		const held = this.#held.get(file);
		if (held !== undefined) return held;
		if (file.size > Math.min(SMALL, this.#room)) return undefined;
		const bytes = file.arrayBuffer();
		this.#room -= file.size;
		this.#held.set(file, bytes);
		// A failed read may succeed later.
		bytes.catch(() => this.drop(file));
		return bytes;
	}

	drop(file: File): void {
		if (this.#held.delete(file)) this.#room += file.size;
	}
}
