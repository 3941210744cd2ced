// API client: JSON requests to /api/v1, with problem details (RFC 9457) as typed errors.
import { unquoted } from './format';
import { isAway, network } from './network.svelte';
import type { Page, Problem } from './types';

/** An error response from the server, or no response at all. */
export class ApiError extends Error {
	override readonly name = 'ApiError';

	constructor(
		/** The HTTP status; 0 if there was no response. */
		readonly status: number,
		/** A stable, machine-readable error code. */
		readonly code: string,
		detail: string,
		/** The complete problem details. */
		readonly problem: Partial<Problem> & Record<string, unknown> = {},
		/** `Retry-After` in seconds, if the server sent it. */
		readonly retryAfter: number | null = null
	) {
		super(unquoted(detail));
	}

	/** What went wrong and what to do about it. */
	get detail(): string {
		return this.message;
	}

	/** True if there was no response: the network or the server is down. */
	get isOffline(): boolean {
		return this.status === 0;
	}

	/** True if the server itself has not answered: the network, the server or a proxy before it is down. */
	get isAway(): boolean {
		return isAway(this.status) && this.problem.code === undefined;
	}

	get requestId(): string | undefined {
		return this.problem.request_id;
	}
}

export type Query = Record<string, string | number | boolean | null | undefined>;

export interface Options {
	query?: Query;
	/** Sent as JSON, except for a Blob, which is sent as is. */
	body?: unknown;
	headers?: Record<string, string>;
	signal?: AbortSignal;
	/** Token of a share link, sent instead of the session cookie. */
	bearer?: string;
	/** A request of the page itself: does not ask a user whose session has expired to sign in again. */
	quiet?: boolean;
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** Encodes one URL path segment: `a/b` becomes `a%2Fb`. */
export const segment = (text: string): string => encodeURIComponent(text);

/** Encodes a path for a URL; slashes are kept. */
export const segments = (path: string): string => path.split('/').map(encodeURIComponent).join('/');

/** Returns the API URL of a dataset, `/api/v1/datasets/owner/name`, followed by `rest`. */
export function datasetUrl(owner: string, name: string, rest = ''): string {
	return `/api/v1/datasets/${segment(owner)}/${segment(name)}${rest}`;
}

export function withQuery(path: string, query?: Query): string {
	const search = new URLSearchParams();
	for (const [name, value] of Object.entries(query ?? {})) {
		if (value !== undefined && value !== null && value !== '') search.set(name, String(value));
	}
	const text = search.toString();
	return text === '' ? path : `${path}?${text}`;
}

/**
 * Called after a 401 response: lets a user whose session has expired sign in again. Resolves to true if they did, false if
 * they declined, and `null` if there was no session or it is still valid.
 */
export const signedOut: { ask: (() => Promise<boolean | null>) | null } = { ask: null };

/** Sends a request and returns the response. Throws `ApiError` on failure. Retries once if the user signs in again. */
export async function send(method: Method, path: string, options: Options = {}): Promise<Response> {
	const response = await fetched(method, path, options);
	if (response.status !== 401 || options.bearer !== undefined || options.quiet || path === '/api/v1/session') return answered(response);
	switch (await signedOut.ask?.()) {
		case true:
			return answered(await fetched(method, path, options));
		case false:
			throw new ApiError(401, 'signed_out', 'You are signed out. Sign in to continue.');
		default:
			return answered(response);
	}
}

async function answered(response: Response): Promise<Response> {
	if (!response.ok) throw await failure(response);
	return response;
}

async function fetched(method: Method, path: string, options: Options): Promise<Response> {
	const headers = new Headers(options.headers);
	const { bearer } = options;
	if (bearer !== undefined) headers.set('authorization', `Bearer ${bearer}`);
	let body: BodyInit | undefined;
	if (options.body instanceof Blob) {
		body = options.body;
	} else if (options.body !== undefined) {
		headers.set('content-type', 'application/json');
		body = JSON.stringify(options.body);
	}
	try {
		const response = await fetch(withQuery(path, options.query), {
			// The HTTP cache could mix ranges of two versions of a file.
			cache: 'no-store',
			method,
			headers,
			body,
			signal: options.signal,
			credentials: bearer === undefined ? 'same-origin' : 'omit'
		});
		if (isAway(response.status)) network.suspect();
		return response;
	} catch (error) {
		if (error instanceof DOMException && error.name === 'AbortError') throw error;
		network.suspect();
		throw new ApiError(0, 'no_answer', 'Cannot reach the server. Check your connection and try again.');
	}
}

async function failure(response: Response): Promise<ApiError> {
	const retry = Number.parseInt(response.headers.get('retry-after') ?? '', 10);
	const retryAfter = Number.isFinite(retry) ? retry : null;
	let problem: Partial<Problem> & Record<string, unknown> = {};
	try {
		if (/json/.test(response.headers.get('content-type') ?? '')) problem = await response.json();
	} catch {
		// Not JSON: the message below is used instead.
	}
	const away = isAway(response.status) ? 'The server is temporarily unavailable. Try again in a minute.' : undefined;
	const detail = problem.detail ?? away ?? `The server responded with ${response.status} ${response.statusText}.`;
	return new ApiError(response.status, problem.code ?? `http_${response.status}`, detail, problem, retryAfter);
}

/** Sends a request and returns the parsed JSON; `undefined` if there is no content (204). */
export async function request<T>(method: Method, path: string, options: Options = {}): Promise<T> {
	const response = await send(method, path, options);
	if (response.status === 204 || response.headers.get('content-length') === '0') return undefined as T;
	const text = await response.text();
	return (text === '' ? undefined : JSON.parse(text)) as T;
}

/** Fetches all pages of a paginated list, up to `most` items. */
export async function all<T>(get: (cursor: string | undefined) => Promise<Page<T>>, most = 10_000): Promise<T[]> {
	const items: T[] = [];
	let cursor: string | undefined;
	do {
		const page = await get(cursor);
		items.push(...page.items);
		cursor = page.next_cursor ?? undefined;
	} while (cursor !== undefined && items.length < most);
	return items;
}
