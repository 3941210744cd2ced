/** HTTP requests: JSON to the server, bytes to presigned URLs; failures are mapped to upload errors. */

import { RetryableError, retryAfter } from './control.js';
import { type ErrorFacts, NetworkError, refusal } from './errors.js';

/** A presigned URL has expired or the upload has changed on the server: the batch API has to be called again. */
export class StaleError extends Error {
	/** The error to report if this happens repeatedly. */
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

/** Timeout of JSON requests (ms). The server may hash a large object for up to 25 s before it responds. */
const REQUEST_TIMEOUT_MS = 120_000;
/** A transfer without progress for this time (ms) is restarted. */
const STALL_TIMEOUT_MS = 60_000;

/** The API of one dataset. */
export class Api {
	readonly #options: ApiOptions;
	/** `owner/dataset` as URL path segments. */
	readonly segments: string;

	constructor(options: ApiOptions) {
		this.#options = options;
		const cut = options.dataset.lastIndexOf('/');
		const [owner, name] = [options.dataset.slice(0, cut), options.dataset.slice(cut + 1)];
		this.segments = `${encodeURIComponent(owner)}/${encodeURIComponent(name)}`;
	}

	/** Returns true if a presigned URL points to the server itself. */
	isOwn(url: string): boolean {
		return new URL(url).origin === new URL(this.#options.server).origin;
	}

	/** Posts JSON to a path of the server with the caller's credentials. */
	async post(path: string, request: JsonRequest): Promise<unknown> {
		const { token } = this.#options;
		const headers: Record<string, string> = { ...request.headers };
		if (token !== undefined) headers.Authorization = `Bearer ${await token()}`;
		// With a token the cookie is not needed, and without it browsers do not prompt for a password.
		const credentials = token === undefined ? 'same-origin' : 'omit';
		return this.#send(`${this.#options.server}${path}`, { ...request, text: JSON.stringify(request.body), headers }, credentials, 'POST');
	}

	/** Sends JSON to a presigned URL, without credentials. */
	async signed(url: string, method: string, headers: Record<string, string>, body: string | undefined, signal: AbortSignal): Promise<void> {
		await this.#send(url, { text: body, headers, signal }, 'omit', method);
	}

	async #send(url: string, request: TextRequest, credentials: RequestCredentials, method: string): Promise<unknown> {
		const { text: sent, media = 'application/json' } = request;
		const late = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
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
			throw new RetryableError(new NetworkError({ cause }));
		}
		if (!response.ok) {
			throw failure(response.status, text, { after: response.headers.get('Retry-After'), id: response.headers.get('X-Request-Id') });
		}
		if (text === '') return undefined;
		try {
			return JSON.parse(text);
		} catch (cause) {
			// An error page from a proxy instead of JSON.
			throw new RetryableError(new NetworkError({ cause }));
		}
	}
}

/** Returns the error for a failed response: retryable or final. */
export function failure(status: number, body: string, headers: { after: string | null; id: string | null }, facts: ErrorFacts = {}): Error {
	const parsed = parseError(body);
	const requestId = parsed.id ?? headers.id ?? undefined;
	const reason = parsed.code;
	const error = refusal(status, parsed.detail, { ...facts, ...(requestId !== undefined && { requestId }), ...(reason !== undefined && { reason }) });
	return [408, 425, 429, 500, 502, 503, 504].includes(status) ? new RetryableError(error, retryAfter(headers.after)) : error;
}

/** Returns the error message of a response: from problem details, the LFS API or an object store. */
function parseError(body: string): { detail: string; id?: string; code?: string } {
	try {
		const json = JSON.parse(body) as Record<string, unknown>;
		const detail = [json.detail, json.message, json.error].find((text) => typeof text === 'string') ?? '';
		return {
			detail: detail as string,
			...(typeof json.request_id === 'string' && { id: json.request_id }),
			...(typeof json.code === 'string' && { code: json.code })
		};
	} catch {
		const message = /<Message>([^<]*)<\/Message>/.exec(body);
		return { detail: message?.[1] ?? '' };
	}
}

/** A request with bytes to a presigned URL. */
export interface Put {
	url: string;
	/** True if the URL points to an object store instead of the server. */
	store: boolean;
	method: string;
	headers: Record<string, string>;
	body: Blob | ArrayBuffer;
	signal: AbortSignal;
	/** Called with the number of bytes sent so far. */
	onProgress: (bytes: number) => void;
}

/** Sends bytes. Throws {@link RetryableError}, {@link StaleError} or an `UploadError`. */
export async function put(request: Put): Promise<void> {
	const { status, body, header } = await (typeof XMLHttpRequest === 'undefined' ? sendByFetch(request) : sendByXhr(request));
	if (status >= 200 && status < 300) return;
	const error = failure(status, body, { after: header('Retry-After'), id: header('X-Request-Id') });
	// For expired URLs or slow uploads, object stores respond with 400 or 403, the server with 403 or 404.
	throw [400, 403, 404, 409, 410].includes(status) ? new StaleError(error) : error;
}

interface Reply {
	status: number;
	body: string;
	header: (name: string) => string | null;
}

/** Sends with XMLHttpRequest, because `fetch` does not report upload progress. */
async function sendByXhr({ url, store, method, headers, body, signal, onProgress }: Put): Promise<Reply> {
	return new Promise((resolve, reject) => {
		const xhr = new XMLHttpRequest();
		let stall: ReturnType<typeof setTimeout>;
		const moved = () => {
			clearTimeout(stall);
			stall = setTimeout(() => xhr.abort(), STALL_TIMEOUT_MS);
		};
		const abort = () => xhr.abort();
		const failed = () => reject(signal.aborted ? signal.reason : new RetryableError(new NetworkError({ store })));
		xhr.upload.onprogress = (event) => {
			moved();
			onProgress(event.loaded);
		};
		xhr.onload = () => resolve({ status: xhr.status, body: xhr.responseText, header: (name) => exposedHeader(xhr, name) });
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

/** Returns a response header if CORS exposes it; reading a hidden one would log an error to the console. */
function exposedHeader(xhr: XMLHttpRequest, name: string): string | null {
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
		throw new RetryableError(new NetworkError({ cause, store }));
	}
}

/** Returns a signal that is aborted when either one is (`AbortSignal.any`). */
function either(one: AbortSignal, other: AbortSignal): AbortSignal {
	if ('any' in AbortSignal) return AbortSignal.any([one, other]);
	const both = new AbortController();
	for (const signal of [one, other]) {
		if (signal.aborted) both.abort(signal.reason);
		signal.addEventListener('abort', () => both.abort(signal.reason), { once: true });
	}
	return both.signal;
}
