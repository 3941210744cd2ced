// Where the bytes of a file come from.
import { send } from '../api';
import { raw } from '../urls';

export interface Source {
	path: string;
	size: number;
	/** Shows it, in an image, a player or a tab of its own. */
	url: string;
	/** Saves it. */
	download: string;
	/** Some of its bytes, `end` not among them. */
	read(start: number, end: number, signal?: AbortSignal): Promise<ArrayBuffer>;
}

/** The bytes at an address that answers `Range`. */
export function urlSource(path: string, size: number, url: string, download = url): Source {
	return {
		path,
		size,
		url,
		download,
		async read(start, end, signal) {
			if (end <= start) return new ArrayBuffer(0);
			const response = await send('GET', url, { headers: { range: `bytes=${start}-${end - 1}` }, signal });
			const bytes = await response.arrayBuffer();
			// Who does not know ranges sends all of it.
			return response.status === 206 ? bytes : bytes.slice(start, end);
		}
	};
}

/** A file of a dataset at a revision. */
export const fileSource = (owner: string, name: string, revision: string, path: string, size: number): Source =>
	urlSource(path, size, raw(owner, name, revision, path), raw(owner, name, revision, path, false));

/** The first bytes as text; `null` if they are not text. */
export async function readText(source: Source, most: number, signal?: AbortSignal): Promise<{ text: string; whole: boolean } | null> {
	const end = Math.min(source.size, most);
	const bytes = new Uint8Array(await source.read(0, end, signal));
	const whole = end === source.size;
	const mark = bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : null;
	if (mark === null && bytes.subarray(0, 8192).includes(0)) return null;
	try {
		// Of a part, the last letter may be cut.
		return { text: new TextDecoder(mark ?? 'utf-8', { fatal: true }).decode(bytes, { stream: !whole }), whole };
	} catch {
		return { text: new TextDecoder('windows-1252').decode(bytes), whole };
	}
}
