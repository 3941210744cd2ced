/** A fake server in this process with scripted responses. */

const SERVER = 'https://data.example.org';

export interface Ask {
	method: string;
	path: string;
	headers: Headers;
	body: Uint8Array;
}

type Answer = { status?: number; json?: unknown; headers?: Record<string, string> } | 'cut';

export class Fake {
	readonly url = SERVER;
	/** All requests, in order. */
	readonly asked: Ask[] = [];
	/** Responses that replace the regular ones, by prefix of `METHOD /path`; each is used once. */
	readonly instead: [string, Answer][] = [];
	/** Stored objects, and the parts of unfinished ones. */
	readonly objects = new Map<string, number>();
	readonly parts = new Map<string, Set<number>>();
	/** Size from which objects are uploaded in parts, and the part size, in bytes. */
	from = 100;
	part = 40;
	/** Lifetime of presigned URLs in seconds. */
	life = 3600;
	/** Base URL of the object store. */
	store = SERVER;
	revision = 0;
	readonly #keys = new Map<string, string>();

	/** Counts requests by prefix of `METHOD /path`. */
	count(begin: string): number {
		return this.asked.filter(({ method, path }) => `${method} ${path}`.startsWith(begin)).length;
	}

	readonly fetch: typeof globalThis.fetch = async (input, init = {}) => {
		init.signal?.throwIfAborted();
		const { pathname } = new URL(String(input));
		const body = new Uint8Array(await new Response(init.body ?? null).arrayBuffer());
		const ask: Ask = { method: init.method ?? 'GET', path: pathname, headers: new Headers(init.headers), body };
		this.asked.push(ask);
		const line = `${ask.method} ${ask.path}`;
		const place = this.instead.findIndex(([begin]) => line.startsWith(begin));
		const answer = place >= 0 ? (this.instead.splice(place, 1)[0] as [string, Answer])[1] : this.#answer(ask);
		if (answer === 'cut') throw new TypeError('fetch failed');
		const { status = 200, json, headers = {} } = answer;
		return new Response(json === undefined ? null : JSON.stringify(json), { status, headers });
	};

	#answer({ method, path, headers, body }: Ask): Answer {
		const json = () => JSON.parse(new TextDecoder().decode(body));
		if (path.includes('/preupload/')) {
			const files = (json().files as { path: string; size: number }[]).map(({ path, size }) => ({ path, uploadMode: path.endsWith('.txt') || size === 0 ? 'regular' : 'lfs' }));
			return { json: { files } };
		}
		if (path.endsWith('/objects/batch')) return { json: { transfer: 'multipart-basic', objects: json().objects.map((object: { oid: string; size: number }) => this.#offer(object)) } };
		if (path.endsWith('/commits')) {
			const key = headers.get('Idempotency-Key') ?? '';
			const revision = this.#keys.get(key) ?? `revision-${++this.revision}`;
			this.#keys.set(key, revision);
			return { status: 201, json: { revision } };
		}
		const [, verb, oid = '', number = '0', size = '0'] = path.split('/');
		if (method === 'PUT' && verb === 'put') this.objects.set(oid, Number(size));
		else if (method === 'PUT' && verb === 'part') this.parts.get(oid)?.add(Number(number));
		else if (verb === 'commit') this.objects.set(oid, Number(size));
		return {};
	}

	#offer({ oid, size }: { oid: string; size: number }): unknown {
		if (this.objects.has(oid)) return { oid, size };
		const action = (path: string, base = SERVER) => ({ href: `${base}/${path}`, expires_in: this.life, header: { 'X-Signed': path } });
		const verify = action(`verify/${oid}`);
		if (size < this.from) return { oid, size, actions: { parts: [{ ...action(`put/${oid}/0/${size}`, this.store), pos: 0, size }], verify } };
		const stored = this.parts.get(oid) ?? new Set<number>();
		this.parts.set(oid, stored);
		const parts = [];
		for (let pos = 0, number = 1; pos < size; pos += this.part, number++) {
			if (!stored.has(number)) parts.push({ ...action(`part/${oid}/${number}`, this.store), method: 'PUT', pos, size: Math.min(this.part, size - pos) });
		}
		const commit = { ...action(`commit/${oid}/0/${size}`), method: 'POST', body: JSON.stringify({ oid, size }) };
		return { oid, size, actions: { ...(parts.length > 0 ? { parts } : {}), commit, abort: { ...action(`abort/${oid}`), method: 'DELETE' }, verify } };
	}
}
