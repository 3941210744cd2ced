import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Drive } from '../drive/client';
import { uploadInParts, uploadToRequest, type PartProgress } from './parts';

const MB = 1024 * 1024;

/** Requests to the server, in order, and its status for a PUT of bytes. */
const requests: string[] = [];
let answer: (url: string, attempt: number) => number;
const attempts = new Map<string, number>();
const held: FakeRequest[] = [];
let hold = false;

class FakeRequest {
	upload: { onprogress: ((event: { loaded: number }) => void) | null } = { onprogress: null };
	onloadend: (() => void) | null = null;
	status = 0;
	responseText = '';
	#url = '';
	readonly headers: Record<string, string> = {};

	open(method: string, url: string): void {
		this.#url = `${method} ${url}`;
	}
	setRequestHeader(name: string, value: string): void {
		this.headers[name] = value;
	}
	getResponseHeader(): string | null {
		return null;
	}
	send(body: Blob): void {
		requests.push(`${this.#url} ${body.size}${this.headers.authorization ? ' as a link' : ''}`);
		this.upload.onprogress?.({ loaded: Math.floor(body.size / 2) });
		if (hold) held.push(this);
		else queueMicrotask(() => this.finish());
	}
	finish(): void {
		const attempt = (attempts.get(this.#url) ?? 0) + 1;
		attempts.set(this.#url, attempt);
		this.status = answer(this.#url, attempt);
		this.responseText = this.status < 300 ? '{"revision":"r1"}' : '{"detail":"there is no room left"}';
		this.onloadend?.();
	}
	abort(): void {
		this.status = 0;
		this.onloadend?.();
	}
}

beforeEach(() => {
	vi.useFakeTimers();
	requests.length = 0;
	held.length = 0;
	attempts.clear();
	hold = false;
	answer = () => 201;
	vi.stubGlobal('XMLHttpRequest', FakeRequest);
	vi.stubGlobal('fetch', async (url: string, { method, body }: { method: string; body?: string }) => {
		requests.push(`${method} ${url}`);
		if (url.endsWith('/uploads')) {
			expect(JSON.parse(body ?? '')).toEqual({ path: 'data/big.bin', size: 20 * MB });
			return Response.json({ id: 'u1', part_bytes: 8 * MB }, { status: 201 });
		}
		if (method === 'DELETE') return new Response(null, { status: 204 });
		return Response.json({ revision: 'r2' }, { status: 201 });
	});
});

afterEach(() => {
	vi.useRealTimers();
	vi.unstubAllGlobals();
});

const drive = (token?: string) => new Drive({ owner: 'ada', dataset: 'drive', token });
const file = (name: string, size: number) => new File([new Uint8Array(size)], name);
const base = '/api/v1/drive/ada/drive';

function run(files: { path: string; file: File }[], token?: string) {
	const events: PartProgress[] = [];
	const handle = uploadInParts(drive(token), files, { onProgress: (event) => events.push(event) });
	return { handle, events };
}

describe('an upload to a shared folder', () => {
	it('sends a small file in one request, with the token of the link', async () => {
		const { handle, events } = run([{ path: 'a b.txt', file: file('a b.txt', 5) }], 'rla_x');
		await vi.runAllTimersAsync();
		expect((await handle.done).revision).toBe('r1');
		expect(requests).toEqual([`PUT ${base}/files/a%20b.txt 5 as a link`]);
		expect(events.map(({ phase }) => phase)).toEqual(['sending', 'sending', 'done']);
	});

	it('sends a large file in parts, the last one shorter', async () => {
		const { handle, events } = run([{ path: 'data/big.bin', file: file('big.bin', 20 * MB) }]);
		await vi.runAllTimersAsync();
		expect((await handle.done).revision).toBe('r2');
		expect(requests).toEqual([
			`POST ${base}/uploads`,
			`PUT ${base}/uploads/u1/1 ${8 * MB}`,
			`PUT ${base}/uploads/u1/2 ${8 * MB}`,
			`PUT ${base}/uploads/u1/3 ${4 * MB}`,
			`POST ${base}/uploads/u1/finish`
		]);
		const bytes = events.filter(({ phase }) => phase === 'sending').map((event) => event.bytes);
		expect(Math.max(...bytes)).toBe(20 * MB);
	});

	it('retries temporary failures', async () => {
		answer = (_, attempt) => (attempt < 3 ? 503 : 201);
		const { handle, events } = run([{ path: 'a.txt', file: file('a.txt', 5) }]);
		await vi.runAllTimersAsync();
		expect((await handle.done).revision).toBe('r1');
		expect(requests).toHaveLength(3);
		expect(events.at(-1)?.phase).toBe('done');
	});

	it('reports a rejected file, deletes its parts and continues with the next', async () => {
		answer = (url) => (url.includes('/uploads/') ? 507 : 201);
		const { handle, events } = run([
			{ path: 'data/big.bin', file: file('big.bin', 20 * MB) },
			{ path: 'a.txt', file: file('a.txt', 5) }
		]);
		await vi.runAllTimersAsync();
		expect((await handle.done).revision).toBe('r1');
		expect(events.find(({ phase }) => phase === 'failed')).toMatchObject({ file: 'data/big.bin', error: 'there is no room left' });
		expect(requests).toContain(`DELETE ${base}/uploads/u1`);
		expect(events.at(-1)).toMatchObject({ file: 'a.txt', phase: 'done' });
	});

	it('pauses, and after that repeats only the request in flight', async () => {
		hold = true;
		const { handle } = run([{ path: 'a.txt', file: file('a.txt', 5) }]);
		await vi.advanceTimersByTimeAsync(10);
		expect(held).toHaveLength(1);
		handle.pause();
		await vi.advanceTimersByTimeAsync(60_000);
		expect(requests).toHaveLength(1);
		hold = false;
		handle.resume();
		await vi.runAllTimersAsync();
		expect((await handle.done).revision).toBe('r1');
		expect(requests).toHaveLength(2);
	});

	it('sends nothing more after it was cancelled', async () => {
		hold = true;
		const { handle } = run([
			{ path: 'a.txt', file: file('a.txt', 5) },
			{ path: 'b.txt', file: file('b.txt', 5) }
		]);
		const done = expect(handle.done).rejects.toThrow();
		await vi.advanceTimersByTimeAsync(10);
		handle.cancel();
		await vi.runAllTimersAsync();
		await done;
		expect(requests).toEqual([`PUT ${base}/files/a.txt 5`]);
	});
});

describe('an upload to a file request', () => {
	const url = '/api/v1/file-requests';
	/** Bodies of requests, by method and URL. */
	const bodies: [string, unknown][] = [];

	beforeEach(() => {
		bodies.length = 0;
		vi.stubGlobal('fetch', async (to: string, { method, body }: { method: string; body?: string }) => {
			requests.push(`${method} ${to}`);
			bodies.push([to, JSON.parse(body ?? 'null')]);
			if (to.endsWith('/uploads')) return Response.json({ id: `u${bodies.length}`, part_bytes: 8 * MB }, { status: 201 });
			return method === 'DELETE' ? new Response(null, { status: 204 }) : Response.json({ files: 1 }, { status: 201 });
		});
	});

	const send = (files: { path: string; file: File }[], arrived = new Map<string, string>()) => {
		const events: PartProgress[] = [];
		const handle = uploadToRequest(files, { bearer: () => 'rla_x', from: 'Jane', arrived, onProgress: (event) => events.push(event) });
		return { handle, events };
	};

	it('sends the names without folders, then saves all files together', async () => {
		const { handle, events } = send([
			{ path: 'trip/a.txt', file: file('a.txt', 5) },
			{ path: 'trip/empty', file: file('empty', 0) }
		]);
		await vi.runAllTimersAsync();
		await handle.done;
		expect(requests).toEqual([`POST ${url}/uploads`, `PUT ${url}/uploads/u1/1 5 as a link`, `POST ${url}/files`]);
		expect(bodies).toEqual([
			[`${url}/uploads`, { name: 'a.txt', size: 5 }],
			[`${url}/files`, { uploads: ['u1'], empty: ['empty'], from: 'Jane' }]
		]);
		expect(events.filter(({ phase }) => phase === 'done')).toHaveLength(2);
	});

	it('saves the others if one is rejected, and a retry does not send again what has arrived', async () => {
		answer = (to) => (to.includes('/u1/') ? 507 : 204);
		const arrived = new Map([['c.txt', 'u9']]);
		const { handle, events } = send(['a.txt', 'b.txt', 'c.txt'].map((path) => ({ path, file: file(path, 5) })), arrived);
		await vi.runAllTimersAsync();
		await handle.done;
		expect(events.find(({ phase }) => phase === 'failed')).toMatchObject({ file: 'a.txt', error: 'there is no room left' });
		expect(requests).toContain(`DELETE ${url}/uploads/u1`);
		const saved = bodies.find(([to]) => to === `${url}/files`)?.[1];
		expect(saved).toEqual({ uploads: [arrived.get('b.txt'), 'u9'], empty: [], from: 'Jane' });
	});
});
