// The one way to the server: JSON over /api/v1, with its problem details as typed errors.
import { unquoted } from './format';
import type { Page, Problem } from './types';

/** A failure that the server told of, or that there is no server. */
export class ApiError extends Error {
	override readonly name = 'ApiError';

	constructor(
		/** The HTTP status; 0 if no answer came. */
		readonly status: number,
		/** A stable name of the kind of failure. */
		readonly code: string,
		detail: string,
		/** All that the server said. */
		readonly problem: Partial<Problem> & Record<string, unknown> = {},
		/** Seconds to wait before the next attempt, if the server said so. */
		readonly retryAfter: number | null = null
	) {
		super(unquoted(detail));
	}

	/** What is wrong, and what to do. */
	get detail(): string {
		return this.message;
	}

	/** Whether no answer came: there is no network, or no server. */
	get isOffline(): boolean {
		return this.status === 0;
	}

	get requestId(): string | undefined {
		return this.problem.request_id;
	}
}

export type Query = Record<string, string | number | boolean | null | undefined>;

export interface Options {
	query?: Query;
	/** Sent as JSON, unless it is a Blob. */
	body?: unknown;
	headers?: Record<string, string>;
	signal?: AbortSignal;
	/** Instead of the session: what a link gave. */
	bearer?: string;
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** One segment of an address: `a/b` is `a%2Fb`. */
export const segment = (text: string): string => encodeURIComponent(text);

/** A path in an address, with its slashes. */
export const segments = (path: string): string => path.split('/').map(encodeURIComponent).join('/');

/** The address of a dataset in the API, `/api/v1/datasets/owner/name`, followed by more. */
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
 * Asked when the server does not know who asks: lets somebody whose session has ended sign in again. Tells whether that
 * was done; `null` where nobody was signed in, or still is.
 */
export const signedOut: { ask: (() => Promise<boolean | null>) | null } = { ask: null };

/** A request as it is, with its answer; failures are `ApiError`. Once more, if the session had ended and goes on. */
export async function send(method: Method, path: string, options: Options = {}): Promise<Response> {
	const response = await fetched(method, path, options);
	if (response.status !== 401 || options.bearer !== undefined || path === '/api/v1/session') return answered(response);
	switch (await signedOut.ask?.()) {
		case true:
			return answered(await fetched(method, path, options));
		case false:
			throw new ApiError(401, 'signed_out', 'You are signed out. Sign in to go on.');
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
		return await fetch(withQuery(path, options.query), {
			// The browser's store would put pieces of two versions of a file together.
			cache: 'no-store',
			method,
			headers,
			body,
			signal: options.signal,
			credentials: bearer === undefined ? 'same-origin' : 'omit'
		});
	} catch (error) {
		if (error instanceof DOMException && error.name === 'AbortError') throw error;
		throw new ApiError(0, 'no_answer', 'The server does not answer. Check the connection and try again.');
	}
}

async function failure(response: Response): Promise<ApiError> {
	const retry = Number.parseInt(response.headers.get('retry-after') ?? '', 10);
	const retryAfter = Number.isFinite(retry) ? retry : null;
	let problem: Partial<Problem> & Record<string, unknown> = {};
	try {
		if (/json/.test(response.headers.get('content-type') ?? '')) problem = await response.json();
	} catch {
		// What follows is said instead.
	}
	const detail = problem.detail ?? `The server answered ${response.status} ${response.statusText}.`;
	return new ApiError(response.status, problem.code ?? `http_${response.status}`, detail, problem, retryAfter);
}

/** A request with its JSON; `undefined` where there is none (204). */
export async function request<T>(method: Method, path: string, options: Options = {}): Promise<T> {
	const response = await send(method, path, options);
	if (response.status === 204 || response.headers.get('content-length') === '0') return undefined as T;
	const text = await response.text();
	return (text === '' ? undefined : JSON.parse(text)) as T;
}

/** Every page of a list, one after the other, up to `most` items. */
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
