/** Decides which files are stored in git and which in Git LFS, by the dataset's `.gitattributes` and limits. */

import type { Contents } from './contents.js';
import type { Control } from './control.js';
import type { Api } from './http.js';

/** Where the content of a file is stored. */
export type Mode = 'git' | 'lfs';

/** A file and its path. */
export interface Candidate {
	path: string;
	file: File;
}

/** Maximum size (bytes) of a text file stored in git. */
export const LARGEST_TEXT = 1 << 20;
/** Maximum total size (bytes) of text files stored in git per upload; the smallest files come first. */
const TEXTS = 16 << 20;
/** Bytes sent to the server to detect text files. */
const SAMPLE = 512;
/** Maximum number of files per request, and maximum total bytes of their paths. */
const FILES = 500;
const PATHS = 256 << 10;

interface Reply {
	files?: { path: string; uploadMode: string }[];
}

/** Returns the storage mode of each file, in order. */
export async function decide(api: Api, control: Control, contents: Contents, branch: string | undefined, files: Candidate[]): Promise<Mode[]> {
	const modes: Mode[] = files.map(() => 'lfs');
	const texts: { file: File; index: number }[] = [];
	// Ask for all files, so that invalid paths and missing permissions are reported before anything is hashed.
	for (const some of portions(files.map((file, index) => ({ ...file, index })))) {
		const samples = await Promise.all(some.map(async ({ path, file }) => ({ path, size: file.size, sample: await sample(file, contents) })));
		const path = `/api/datasets/${api.segments}/preupload/${encodeURIComponent(branch ?? 'main')}`;
		const reply = (await control.run((signal) => api.post(path, { body: { files: samples }, signal }))) as Reply;
		const regular = new Set(reply.files?.filter((file) => file.uploadMode === 'regular').map((file) => file.path));
		texts.push(...some.filter(({ path, file }) => file.size <= LARGEST_TEXT && regular.has(path)));
	}
	let room = TEXTS;
	for (const { file, index } of texts.sort((one, other) => one.file.size - other.file.size)) {
		room -= file.size;
		if (room < 0) break;
		modes[index] = 'git';
	}
	return modes;
}

function* portions<T extends Candidate>(files: T[]): Generator<T[]> {
	let some: T[] = [];
	let paths = 0;
	for (const file of files) {
		if (some.length === FILES || paths + file.path.length * 3 > PATHS) {
			yield some;
			some = [];
			paths = 0;
		}
		some.push(file);
		paths += file.path.length * 3;
	}
	if (some.length > 0) yield some;
}

/** Returns the beginning of a file in base64. Read errors are ignored here; they are reported when the file is hashed. */
async function sample(file: File, contents: Contents): Promise<string> {
	if (file.size > LARGEST_TEXT) return '';
	try {
		const bytes = await (contents.of(file) ?? file.slice(0, SAMPLE).arrayBuffer());
		return btoa(String.fromCharCode(...new Uint8Array(bytes, 0, Math.min(SAMPLE, bytes.byteLength))));
	} catch {
		return '';
	}
}
