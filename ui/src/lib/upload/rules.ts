/** Which files git keeps as they are, and which Git LFS: the dataset's rules (`.gitattributes`) and limits decide. */

import type { Contents } from './contents.js';
import type { Control } from './control.js';
import type { Api } from './http.js';

/** Where the content of a file lies. */
export type Mode = 'git' | 'lfs';

/** A file to decide about. */
export interface Candidate {
	path: string;
	file: File;
}

/** Texts up to this size may lie in git; it is what a person reads. */
export const LARGEST_TEXT = 1 << 20;
/** Texts of one upload that go with its commit, together; the smallest ones first. */
const TEXTS = 16 << 20;
/** As much of a file tells whether it is text. */
const SAMPLE = 512;
/** Files of one question, and the bytes of their paths. */
const FILES = 500;
const PATHS = 256 << 10;

interface Reply {
	files?: { path: string; uploadMode: string }[];
}

/** The mode of each file, in order. */
export async function decide(api: Api, control: Control, contents: Contents, branch: string | undefined, files: Candidate[]): Promise<Mode[]> {
	const modes: Mode[] = files.map(() => 'lfs');
	const texts: { file: File; index: number }[] = [];
	// Of all files: a path that cannot be, or a right that is not there, should be known before anything is hashed.
	for (const some of portions(files.map((file, index) => ({ ...file, index })))) {
		const asked = await Promise.all(some.map(async ({ path, file }) => ({ path, size: file.size, sample: await sample(file, contents) })));
		const path = `/api/datasets/${api.segments}/preupload/${encodeURIComponent(branch ?? 'main')}`;
		const reply = (await control.run((signal) => api.post(path, { body: { files: asked }, signal }))) as Reply;
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

/** The beginning of a file in base64. One that cannot be read will say so when it is. */
async function sample(file: File, contents: Contents): Promise<string> {
	if (file.size > LARGEST_TEXT) return '';
	try {
		const bytes = await (contents.of(file) ?? file.slice(0, SAMPLE).arrayBuffer());
		return btoa(String.fromCharCode(...new Uint8Array(bytes, 0, Math.min(SAMPLE, bytes.byteLength))));
	} catch {
		return '';
	}
}
