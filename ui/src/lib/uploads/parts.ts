/**
 * File-by-file uploads through the drive API, for users who can only edit a part of a dataset and cannot create commits
 * themselves. Small files are sent in one request, larger ones in parts; temporary failures are retried. Also uploads to file
 * requests, for those who see nothing of the folder.
 */

import { ApiError, request, segments, signedOut } from '../api';
import type { Drive } from '../drive/client';
import { nameOf } from '../drive/paths';
import { network, onBack } from '../network.svelte';
import type { Changed, RequestedUpload, Upload } from '../types';
import type { Phase } from './progress';
import type { Picked } from './picked';

export interface PartProgress {
	file: string;
	phase: Phase;
	bytes: number;
	error?: string;
}

export interface Handle {
	pause(): void;
	resume(): void;
	cancel(): void;
	done: Promise<{ revision: string | null }>;
}

/** Files up to this size in bytes are sent in one request. */
const SINGLE_REQUEST_MAX = 8 * 1024 * 1024;
const AT_ONCE = 3;
const ATTEMPTS = 6;
/** How long an upload without a network waits before it looks whether it was cancelled, in milliseconds. */
const LOOK_MS = 5_000;

class Cancelled extends Error {}

/** Pauses, resumes and cancels requests. */
class Gate {
	#open = true;
	#waiting: (() => void)[] = [];
	readonly #running = new Set<XMLHttpRequest>();

	cancelled = false;

	get open(): boolean {
		return this.#open;
	}

	close(): void {
		this.#open = false;
		for (const one of this.#running) one.abort();
	}

	unlock(): void {
		this.#open = true;
		for (const go of this.#waiting.splice(0)) go();
	}

	cancel(): void {
		this.cancelled = true;
		this.close();
		this.unlock();
	}

	async pass(): Promise<void> {
		while (!this.#open) await new Promise<void>((resolve) => this.#waiting.push(resolve));
		if (this.cancelled) throw new Cancelled();
	}

	/** Sends a PUT request. Uses XMLHttpRequest, because `fetch` does not report upload progress. */
	put(url: string, body: Blob, bearer: string | undefined, sent: (bytes: number) => void): Promise<string> {
		return new Promise((resolve, reject) => {
			const one = new XMLHttpRequest();
			this.#running.add(one);
			one.open('PUT', url);
			if (bearer) one.setRequestHeader('authorization', `Bearer ${bearer}`);
			one.upload.onprogress = (event) => sent(event.loaded);
			one.onloadend = () => {
				this.#running.delete(one);
				if (one.status >= 200 && one.status < 300) resolve(one.responseText);
				else reject(failure(one));
			};
			one.send(body);
		});
	}
}

function failure(one: XMLHttpRequest): ApiError {
	if (one.status === 0) return new ApiError(0, 'no_answer', 'Cannot reach the server. Check your connection and try again.');
	let detail = `The server responded with ${one.status}.`;
	try {
		detail = (JSON.parse(one.responseText) as { detail?: string }).detail ?? detail;
	} catch {
		// Not JSON: report the status only.
	}
	const wait = Number.parseInt(one.getResponseHeader('retry-after') ?? '', 10);
	return new ApiError(one.status, `http_${one.status}`, detail, {}, Number.isFinite(wait) ? wait : null);
}

const isTemporary = (error: unknown) => error instanceof ApiError && (error.status === 0 || error.status === 429 || error.status >= 500) && error.status !== 507;

/** Waits until the network is back, or for a while. */
function back(): Promise<void> {
	return new Promise((resolve) => {
		const done = () => (stop(), clearTimeout(timer), resolve());
		const stop = onBack(done);
		const timer = setTimeout(done, LOOK_MS);
	});
}

/** `session`: the request depends on the session, which may end meanwhile. */
async function retry<T>(gate: Gate, work: () => Promise<T>, session = false): Promise<T> {
	for (let attempt = 1; ; attempt++) {
		await gate.pass();
		try {
			return await work();
		} catch (error) {
			// Aborted by a pause, which is not a failure: wait until it is resumed, then retry.
			if (!gate.open) {
				attempt = 0;
				continue;
			}
			if (gate.cancelled) throw new Cancelled();
			if (session && error instanceof ApiError && error.status === 401 && (await signedOut.ask?.()) === true) continue;
			if (network.reach === 'offline') {
				attempt = 0;
				await back();
				continue;
			}
			if (!isTemporary(error) || attempt === ATTEMPTS) throw error;
			const wait = error instanceof ApiError && error.retryAfter !== null ? error.retryAfter * 1000 : 500 * 2 ** attempt;
			await new Promise((resolve) => setTimeout(resolve, Math.min(wait, 60_000)));
		}
	}
}

/** Runs `work` for each item, at most `atOnce` at a time. */
async function each<T>(list: readonly T[], atOnce: number, work: (one: T) => Promise<void>): Promise<void> {
	let next = 0;
	const worker = async () => {
		for (let at = next++; at < list.length; at = next++) await work(list[at] as T);
	};
	await Promise.all(Array.from({ length: Math.min(atOnce, list.length) }, worker));
}

/** Sends the parts of a file. `sent` is called with the number of bytes that have arrived so far. */
async function sendParts(
	gate: Gate,
	upload: string,
	partBytes: number,
	file: File,
	bearer: () => string | undefined,
	sent: (bytes: number) => void
): Promise<void> {
	const numbers = Array.from({ length: Math.ceil(file.size / partBytes) }, (_, at) => at + 1);
	const arrived = new Map<number, number>();
	const reportPart = (number: number, bytes: number) => {
		arrived.set(number, bytes);
		sent([...arrived.values()].reduce((sum, part) => sum + part, 0));
	};
	await each(numbers, AT_ONCE, async (number) => {
		const from = (number - 1) * partBytes;
		const part = file.slice(from, from + partBytes);
		await retry(gate, () => gate.put(`${upload}/${number}`, part, bearer(), (bytes) => reportPart(number, bytes)), bearer() === undefined);
		reportPart(number, part.size);
	});
}

export interface RequestOptions {
	/** Returns the token of the opened link, which is renewed meanwhile. */
	bearer: () => string;
	/** Name of the sender; may be empty. */
	from: string;
	/** Ids of the uploads that have arrived, by path: a retry does not send them again. */
	arrived: Map<string, string>;
	onProgress: (progress: PartProgress) => void;
}

/** Uploads files to a file request, and saves them as one revision. Folders in their paths are left out. */
export function uploadToRequest(files: Picked[], { bearer, from, arrived, onProgress: report }: RequestOptions): Handle {
	const gate = new Gate();
	const base = '/api/v1/file-requests';

	async function send({ path, file }: Picked): Promise<string> {
		const body = { name: nameOf(path), size: file.size };
		const made = await retry(gate, () => request<RequestedUpload>('POST', `${base}/uploads`, { bearer: bearer(), body }));
		const upload = `${base}/uploads/${encodeURIComponent(made.id)}`;
		try {
			await sendParts(gate, upload, made.part_bytes, file, bearer, (bytes) => report({ file: path, phase: 'sending', bytes }));
		} catch (error) {
			// Delete the uploaded parts; a failure to do so is not worth reporting.
			void request('DELETE', upload, { bearer: bearer() }).catch(() => undefined);
			throw error;
		}
		return made.id;
	}

	async function run(): Promise<{ revision: string | null }> {
		const empty: Picked[] = [];
		const ready: Picked[] = [];
		for (const picked of files) {
			const { path, file } = picked;
			try {
				await gate.pass();
				report({ file: path, phase: 'sending', bytes: 0 });
				if (file.size === 0) empty.push(picked);
				else if (!arrived.has(path)) arrived.set(path, await send(picked));
				ready.push(picked);
				report({ file: path, phase: 'verifying', bytes: file.size });
			} catch (error) {
				if (error instanceof Cancelled) throw error;
				report({ file: path, phase: 'failed', bytes: 0, error: error instanceof Error ? error.message : String(error) });
			}
		}
		if (ready.length === 0) return { revision: null };
		const uploads = ready.flatMap(({ path }) => arrived.get(path) ?? []);
		const body = { uploads, empty: empty.map(({ path }) => nameOf(path)), ...(from === '' ? {} : { from }) };
		await retry(gate, () => request('POST', `${base}/files`, { bearer: bearer(), body }));
		for (const { path, file } of ready) report({ file: path, phase: 'done', bytes: file.size });
		return { revision: null };
	}

	return { pause: () => gate.close(), resume: () => gate.unlock(), cancel: () => gate.cancel(), done: run() };
}

export function uploadInParts(drive: Drive, files: Picked[], options: { message?: string; onProgress: (progress: PartProgress) => void }): Handle {
	const gate = new Gate();
	const bearer = drive.place.token;
	const auth = bearer === undefined ? {} : { bearer };
	const report = options.onProgress;

	async function small({ path, file }: Picked): Promise<string> {
		const query = options.message ? `?message=${encodeURIComponent(options.message)}` : '';
		const url = `${drive.base}/files/${segments(path)}${query}`;
		const answer = await retry(gate, () => gate.put(url, file, bearer, (bytes) => report({ file: path, phase: 'sending', bytes })), bearer === undefined);
		return (JSON.parse(answer) as Changed).revision;
	}

	async function large({ path, file }: Picked): Promise<string> {
		const uploads = `${drive.base}/uploads`;
		const made = await retry(gate, () =>
			request<Upload>('POST', uploads, { ...auth, body: { path, size: file.size } })
		);
		const upload = `${uploads}/${encodeURIComponent(made.id)}`;
		try {
			await sendParts(gate, upload, made.part_bytes, file, () => bearer, (bytes) => report({ file: path, phase: 'sending', bytes }));
			report({ file: path, phase: 'committing', bytes: file.size });
			const body = options.message ? { message: options.message } : {};
			const answer = await retry(gate, () => request<Changed>('POST', `${upload}/finish`, { ...auth, body }));
			return answer.revision;
		} catch (error) {
			// Delete the uploaded parts; a failure to do so is not worth reporting.
			void request('DELETE', upload, auth).catch(() => undefined);
			throw error;
		}
	}

	async function run(): Promise<{ revision: string | null }> {
		let revision: string | null = null;
		// One at a time, because each file is a commit on the same branch.
		for (const picked of files) {
			const { path, file } = picked;
			try {
				await gate.pass();
				report({ file: path, phase: 'sending', bytes: 0 });
				revision = await (file.size <= SINGLE_REQUEST_MAX ? small(picked) : large(picked));
				report({ file: path, phase: 'done', bytes: file.size });
			} catch (error) {
				if (error instanceof Cancelled) throw error;
				report({ file: path, phase: 'failed', bytes: 0, error: error instanceof Error ? error.message : String(error) });
			}
		}
		return { revision };
	}

	return { pause: () => gate.close(), resume: () => gate.unlock(), cancel: () => gate.cancel(), done: run() };
}
