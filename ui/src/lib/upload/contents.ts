/** Small files are read once, to be looked at, hashed and sent: each time takes the browser about as long as to send it. */

/** Files up to this size (bytes) are small. */
export const SMALL = 256 << 10;
/** Bytes of all that are held at one time. */
const ROOM = 32 << 20;

export class Contents {
	readonly #held = new Map<File, Promise<ArrayBuffer>>();
	#room = ROOM;

	/** The bytes of a file that is small, if there is room for them; they are held until {@link drop}. */
	of(file: File): Promise<ArrayBuffer> | undefined {
		const held = this.#held.get(file);
		if (held !== undefined) return held;
		if (file.size > Math.min(SMALL, this.#room)) return undefined;
		const bytes = file.arrayBuffer();
		this.#room -= file.size;
		this.#held.set(file, bytes);
		// One that cannot be read may be another time.
		bytes.catch(() => this.drop(file));
		return bytes;
	}

	drop(file: File): void {
		if (this.#held.delete(file)) this.#room += file.size;
	}
}
