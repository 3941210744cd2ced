/** Creates the commit of the uploaded files. */

import type { Control } from './control.js';
import { FileChangedError, RejectedError } from './errors.js';
import type { Api } from './http.js';

/** A file of the commit: an uploaded object, or a small text that is sent inline. */
export interface Piece {
	path: string;
	size: number;
	oid: string | undefined;
	bytes: () => Promise<ArrayBuffer>;
}

/** Metadata of the commit. */
export interface CommitMeta {
	message: string;
	branch: string | undefined;
	base: string | undefined;
	/** Idempotency key, so that a retry does not create a second commit. */
	key: string;
}

/** Maximum operations per commit; the server's limit. */
const OPERATIONS = 20_000;

/** Creates the commit, or several if there are too many files. Returns the new revision; `null` if nothing changed. */
export async function commit(api: Api, control: Control, meta: CommitMeta, pieces: Piece[]): Promise<string | null> {
	let parent = meta.base;
	let made: string | null = null;
	for (let from = 0; from < pieces.length; from += OPERATIONS) {
		const operations = [];
		for (const piece of pieces.slice(from, from + OPERATIONS)) operations.push(await operation(piece));
		const body = {
			message: meta.message,
			...(meta.branch === undefined ? {} : { branch: meta.branch }),
			...(parent === undefined ? {} : { parent }),
			operations
		};
		const revision = await send(api, control, body, from === 0 ? meta.key : `${meta.key}-${from / OPERATIONS}`);
		made = revision ?? made;
		if (parent !== undefined) parent = revision ?? parent;
	}
	return made;
}

async function send(api: Api, control: Control, body: unknown, key: string): Promise<string | null> {
	try {
		const headers = { 'Idempotency-Key': `"${key}"` };
		const path = `/api/v1/datasets/${api.segments}/commits`;
		const revision = (await control.run((signal) => api.post(path, { body, headers, signal }))) as { revision?: string } | undefined;
		return revision?.revision ?? null;
	} catch (error) {
		// The branch already contains all files.
		if (error instanceof RejectedError && error.code === 'unchanged') return null;
		throw error;
	}
}

/** Returns the operation that writes a file. */
export async function operation({ path, size, oid, bytes: read }: Piece): Promise<unknown> {
	if (oid !== undefined) return { operation: 'put', path, oid, size };
	let bytes: ArrayBuffer;
	try {
		bytes = await read();
	} catch (cause) {
		throw new FileChangedError(path, { cause });
	}
	try {
		// Keep a byte order mark.
		return { operation: 'put', path, content: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) };
	} catch {
		return { operation: 'put', path, content_base64: base64(new Uint8Array(bytes)) };
	}
}

function base64(bytes: Uint8Array): string {
	let text = '';
	// In chunks, because too many arguments overflow the stack.
	for (let from = 0; from < bytes.length; from += 0x8000) text += String.fromCharCode(...bytes.subarray(from, from + 0x8000));
	return btoa(text);
}
