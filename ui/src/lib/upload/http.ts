/** Requests to the server with JSON, and to signed URLs with bytes; what went wrong, as errors. */

import { Passing, retryAfter } from './control.js';
import { type ErrorFacts, NetworkError, refusal } from './errors.js';

/** A signed URL is no longer good, or the upload is no longer as it was: the batch has to be asked again. */
export class Stale extends Error {
	/** What to say if that happens again and again. */
	readonly final: Error;
	constructor(final: Error) {
		super(final.message);
		this.final = final;
	}
}

export interface ApiOptions {
	server: string;
	dataset: string;
	token: (() => string | Promise<string>) | undefined;
	fetch: typeof globalThis.fetch;
}

export interface JsonRequest {
	body: unknown;
	media?: string;
	headers?: Record<string, string>;
	signal: AbortSignal;
}

interface TextRequest extends Omit<JsonRequest, 'body'> {
	text: string | undefined;
}

/** A request with JSON may take this long (ms): the server hashes a large object for up to 25 s before it answers. */
const PATIENCE = 120_000;
/** A request whose bytes do not move for so long (ms) is begun anew. */
const STALL = 60_000;

/** The API of one dataset. */
export class Api {
	readonly #options: ApiOptions;
	/** `owner/dataset` as segments of a path. */
	readonly segments: string;

	constructor(options: ApiOptions) {
		this.#options = options;
		const cut = options.dataset.lastIndexOf('/');
		const [owner, name] = [options.dataset.slice(0, cut), options.dataset.slice(cut + 1)];
		this.segments = `${encodeURIComponent(owner)}/${encodeURIComponent(name)}`;
	}

	/** Whether a signed URL leads to the server itself. */
	isOwn(url: string): boolean {
		return new URL(url).origin === new URL(this.#options.server).origin;
	}

	/** Posts JSON to a path of the server, as whoever is signed in. */
	async post(path: string, request: JsonRequest): Promise<unknown> {
		const { token } = this.#options;
		const headers: Record<string, string> = { ...request.headers };
		if (token !== undefined) headers.Authorization = `Bearer ${await token()}`;
		// A token is all that counts, and without the cookie no browser asks for a password.
		const credentials = token === undefined ? 'same-origin' : 'omit';
		return this.#send(`${this.#options.server}${path}`, { ...request, text: JSON.stringify(request.body), headers }, credentials, 'POST');
	}

	/** Sends JSON to a signed URL, which is its own credential. */
	async signed(url: string, method: string, headers: Record<string, string>, body: string | undefined, signal: AbortSignal): Promise<void> {
		await this.#send(url, { text: body, headers, signal }, 'omit', method);
	}

	async #send(url: string, request: TextRequest, credentials: RequestCredentials, method: string): Promise<unknown> {
		const { text: sent, media = 'application/json' } = request;
		const late = AbortSignal.timeout(PATIENCE);
		let response: Response;
		let text: string;
		try {
			response = await this.#options.fetch(url, {
				method,
				headers: { Accept: media, ...(sent === undefined ? {} : { 'Content-Type': media }), ...request.headers },
				...(sent === undefined ? {} : { body: sent }),
				credentials,
				signal: either(request.signal, late)
			});
			text = await response.text();
		} catch (cause) {
			request.signal.throwIfAborted();
			throw new Passing(new NetworkError({ cause }));
		}
		if (!response.ok) {
			throw failure(response.status, text, { after: response.headers.get('Retry-After'), id: response.headers.get('X-Request-Id') });
		}
		if (text === '') return undefined;
		try {
			return JSON.parse(text);
		} catch (cause) {
			// A proxy's page in the place of the answer.
			throw new Passing(new NetworkError({ cause }));
		}
	}
}

/** The error for an answer that is none: one that may pass, or a refusal. */
export function failure(status: number, body: string, headers: { after: string | null; id: string | null }, facts: ErrorFacts = {}): Error {
	const said = told(body);
	const requestId = said.id ?? headers.id ?? undefined;
	const error = refusal(status, said.detail, { ...facts, ...(requestId === undefined ? {} : { requestId }) });
	return [408, 425, 429, 500, 502, 503, 504].includes(status) ? new Passing(error, retryAfter(headers.after)) : error;
}

/** The sentence of the server: of problem details, of the LFS API, or of a bucket. */
function told(body: string): { detail: string; id?: string } {
	try {
		const json = JSON.parse(body) as Record<string, unknown>;
		const detail = [json.detail, json.message, json.error].find((text) => typeof text === 'string') ?? '';
		return { detail: detail as string, ...(typeof json.request_id === 'string' ? { id: json.request_id } : {}) };
	} catch {
		const message = /<Message>([^<]*)<\/Message>/.exec(body);
		return { detail: message?.[1] ?? '' };
	}
}

/** Bytes for a signed URL. */
export interface Put {
	url: string;
	/** Whether it leads to a bucket, not to the server. */
	store: boolean;
	method: string;
	headers: Record<string, string>;
	body: Blob | ArrayBuffer;
	signal: AbortSignal;
	/** Told how many of them have left. */
	onProgress: (bytes: number) => void;
}

/** Sends bytes. Fails with {@link Passing}, {@link Stale}, or an `UploadError`. */
export async function put(request: Put): Promise<void> {
	const { status, body, header } = await (typeof XMLHttpRequest === 'undefined' ? sendByFetch(request) : sendByXhr(request));
	if (status >= 200 && status < 300) return;
	const error = failure(status, body, { after: header('Retry-After'), id: header('X-Request-Id') });
	// A bucket says 400 or 403 to a URL that has expired or to bytes that came too slowly, the server 403 or 404.
	throw [400, 403, 404, 409, 410].includes(status) ? new Stale(error) : error;
}

interface Reply {
	status: number;
	body: string;
	header: (name: string) => string | null;
}

/** `fetch` tells nothing of bytes that leave. */
async function sendByXhr({ url, store, method, headers, body, signal, onProgress }: Put): Promise<Reply> {
	return new Promise((resolve, reject) => {
		const xhr = new XMLHttpRequest();
		let stall: ReturnType<typeof setTimeout>;
		const moved = () => {
			clearTimeout(stall);
			stall = setTimeout(() => xhr.abort(), STALL);
		};
		const abort = () => xhr.abort();
		const failed = () => reject(signal.aborted ? signal.reason : new Passing(new NetworkError({ store })));
		xhr.upload.onprogress = (event) => {
			moved();
			onProgress(event.loaded);
		};
		xhr.onload = () => resolve({ status: xhr.status, body: xhr.responseText, header: (name) => shown(xhr, name) });
		xhr.onerror = xhr.onabort = xhr.ontimeout = failed;
		xhr.onloadend = () => {
			clearTimeout(stall);
			signal.removeEventListener('abort', abort);
		};
		xhr.open(method, url);
		for (const [name, value] of Object.entries(headers)) xhr.setRequestHeader(name, value);
		signal.addEventListener('abort', abort);
		if (signal.aborted) return reject(signal.reason);
		moved();
		xhr.send(body);
	});
}

/** To ask for one that a bucket does not show would write an error to the console. */
function shown(xhr: XMLHttpRequest, name: string): string | null {
	return xhr.getAllResponseHeaders().toLowerCase().includes(`${name.toLowerCase()}:`) ? xhr.getResponseHeader(name) : null;
}

async function sendByFetch({ url, store, method, headers, body, signal, onProgress }: Put): Promise<Reply> {
	try {
		const response = await fetch(url, { method, headers, body, signal });
		const text = await response.text();
		onProgress(body instanceof Blob ? body.size : body.byteLength);
		return { status: response.status, body: text, header: (name) => response.headers.get(name) };
	} catch (cause) {
		signal.throwIfAborted();
		throw new Passing(new NetworkError({ cause, store }));
	}
}

/** Aborted when one of them is. */
function either(one: AbortSignal, other: AbortSignal): AbortSignal {
	if ('any' in AbortSignal) return AbortSignal.any([one, other]);
	const both = new AbortController();
	for (const signal of [one, other]) {
		if (signal.aborted) both.abort(signal.reason);
		signal.addEventListener('abort', () => both.abort(signal.reason), { once: true });
	}
	return both.signal;
}
