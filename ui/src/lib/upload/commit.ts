/** Makes a revision of what has arrived. */

import type { Control } from './control.js';
import { FileChangedError, RejectedError } from './errors.js';
import type { Api } from './http.js';

/** A file of the revision: an object that the server holds, or a text that goes with the commit. */
export interface Piece {
	path: string;
	size: number;
	oid: string | undefined;
	bytes: () => Promise<ArrayBuffer>;
}

/** What the revision says of itself. */
export interface Wording {
	message: string;
	branch: string | undefined;
	base: string | undefined;
	/** Names the request: asked again after a cut, it makes no second revision. */
	key: string;
}

/** The server takes 20,000. */
const OPERATIONS = 20_000;

/** The new revision; `null` if nothing would change. More files than one commit can have become several. */
export async function commit(api: Api, control: Control, wording: Wording, pieces: Piece[]): Promise<string | null> {
	let parent = wording.base;
	let made: string | null = null;
	for (let from = 0; from < pieces.length; from += OPERATIONS) {
		const operations = [];
		for (const piece of pieces.slice(from, from + OPERATIONS)) operations.push(await operation(piece));
		const body = {
			message: wording.message,
			...(wording.branch === undefined ? {} : { branch: wording.branch }),
			...(parent === undefined ? {} : { parent }),
			operations
		};
		const revision = await send(api, control, body, from === 0 ? wording.key : `${wording.key}-${from / OPERATIONS}`);
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
		// The branch holds all of it already: what was wanted is so.
		if (error instanceof RejectedError && error.status === 422 && /^nothing would change\.?$/i.test(error.message)) return null;
		throw error;
	}
}

async function operation({ path, size, oid, bytes: read }: Piece): Promise<unknown> {
	if (oid !== undefined) return { operation: 'put', path, oid, size };
	let bytes: ArrayBuffer;
	try {
		bytes = await read();
	} catch (cause) {
		throw new FileChangedError(path, { cause });
	}
	try {
		// With its byte order mark, if it has one.
		return { operation: 'put', path, content: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) };
	} catch {
		return { operation: 'put', path, content_base64: base64(new Uint8Array(bytes)) };
	}
}

function base64(bytes: Uint8Array): string {
	let text = '';
	// More arguments than this overflow the stack.
	for (let from = 0; from < bytes.length; from += 0x8000) text += String.fromCharCode(...bytes.subarray(from, from + 0x8000));
	return btoa(text);
}
