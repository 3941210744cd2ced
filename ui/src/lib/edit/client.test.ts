import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Drive } from '../drive/client';
import { BranchPlace, DrivePlace, OutdatedError, type FileVersion } from './client';
import { draftKey, forgetDrafts, keepDraft, readDraft } from './drafts';
import { PLAIN } from './encoding';

interface Call {
	method: string;
	url: string;
	headers: Headers;
	body: unknown;
}

type Answer = (call: Call) => unknown;

let calls: Call[] = [];

const refuse = (status: number, code: string) => new Response(JSON.stringify({ code, detail: code }), { status, headers: { 'content-type': 'application/problem+json' } });

function serve(answer: Answer): void {
	calls = [];
	vi.stubGlobal('fetch', async (url: string, { method, headers, body }: { method: string; headers: Headers; body?: unknown }) => {
		const call = { method, url, headers, body: typeof body === 'string' ? JSON.parse(body) : body };
		calls.push(call);
		const found = answer(call);
		return found instanceof Response ? found : new Response(JSON.stringify(found));
	});
}

beforeEach(() => vi.stubGlobal('location', { origin: 'http://127.0.0.1' }));
afterEach(() => vi.unstubAllGlobals());

const text = (value: string) => new TextEncoder().encode(value) as Uint8Array<ArrayBuffer>;

/** A branch with one file; `moves` runs before each commit and can change it. */
function branch(moves: ((state: { head: string; id: string | null }) => void)[]) {
	const state = { head: 'h0', id: 'a' as string | null, executable: true };
	serve(({ method, url, body }) => {
		if (url.includes('/branches/')) return { name: 'main', revision: state.head };
		if (url.includes('/files/')) return state.id === null ? refuse(404, 'not_found') : { type: 'file', id: state.id, size: 1, oid: null, executable: state.executable };
		if (url.includes('/preupload/')) return { files: [{ path: 'a b.txt', uploadMode: 'regular' }] };
		if (method === 'POST' && url.endsWith('/commits')) {
			moves.shift()?.(state);
			if ((body as { parent?: string }).parent !== state.head) return refuse(412, 'precondition_failed');
			state.head += '+';
			state.id = 'mine';
			return { revision: state.head };
		}
		throw new Error(`${method} ${url}`);
	});
	return state;
}

const known: FileVersion = { id: 'a', size: 1, oid: null, executable: true, revision: 'h0', by: null, at: null };
const commits = () => calls.filter((call) => call.method === 'POST' && call.url.endsWith('/commits'));

test('a change of other files on the branch is no conflict', async () => {
	branch([(state) => (state.head = 'h1'), (state) => (state.head = 'h2')]);
	const saved = await new BranchPlace('ada', 'birds', 'main').save('a b.txt', text('new'), 'Edit', known);
	expect(saved.id).toBe('mine');
	expect(commits().map(({ body }) => (body as { parent: string }).parent)).toEqual(['h0', 'h1', 'h2']);
	expect(commits()[0]?.body).toEqual({ branch: 'main', parent: 'h0', message: 'Edit', operations: [{ operation: 'put', path: 'a b.txt', content: 'new', executable: true }] });
	expect(calls[1]?.url).toBe('/api/v1/datasets/ada/birds/files/h0/a%20b.txt');
});

test('a change of the same file is a conflict, before and during the commit', async () => {
	const place = new BranchPlace('ada', 'birds', 'main');
	branch([(state) => Object.assign(state, { head: 'h1', id: 'theirs' })]);
	await expect(place.save('a b.txt', text('new'), 'Edit', known)).rejects.toThrow(OutdatedError);
	expect(commits()).toHaveLength(1);
	branch([]).id = 'theirs';
	await expect(place.save('a b.txt', text('new'), 'Edit', known)).rejects.toThrow(OutdatedError);
	branch([]).id = null;
	await expect(place.save('a b.txt', text('new'), 'Edit', known), 'deleted').rejects.toThrow(OutdatedError);
	branch([]);
	await expect(place.save('a b.txt', text('new'), 'Add', null), 'created').rejects.toThrow(OutdatedError);
	expect(commits()).toHaveLength(0);
});

test('a branch that never rests is reported in the end', async () => {
	branch(Array.from({ length: 9 }, (_, index) => (state) => (state.head = `h${index + 1}`)));
	await expect(new BranchPlace('ada', 'birds', 'main').save('a b.txt', text('new'), 'Edit', known)).rejects.toMatchObject({ status: 412 });
	expect(commits()).toHaveLength(5);
});

test('text that is not UTF-8 is sent as it is', async () => {
	branch([]);
	await new BranchPlace('ada', 'birds', 'main').save('a b.txt', Uint8Array.from([0xe9]), 'Edit', known);
	expect(commits()[0]?.body).toMatchObject({ operations: [{ content_base64: '6Q==' }] });
});

test('in a drive, the server compares the version', async () => {
	const place = new DrivePlace(new Drive({ owner: 'ada', dataset: 'drive', token: 'link' }));
	let entry: object | null = { type: 'file', id: 'a', size: 1, revision: 'r1' };
	serve(({ method, headers }) => {
		if (method === 'GET') return entry ?? refuse(404, 'not_found');
		return headers.get('if-match') === '"r0"' ? refuse(412, 'precondition_failed') : { revision: 'r2', entry: { type: 'file', id: 'mine', size: 3, revision: 'r2' } };
	});
	const saved = await place.save('a/b c.txt', text('new'), 'Edit it', { ...known, revision: 'r1' });
	expect(saved).toMatchObject({ id: 'mine', revision: 'r2' });
	expect(calls).toHaveLength(1);
	expect(calls[0]?.url).toBe('/api/v1/drive/ada/drive/files/a/b%20c.txt?message=Edit+it');
	expect(calls[0]?.headers.get('authorization')).toBe('Bearer link');
	await expect(place.save('a', text('new'), '', { ...known, revision: 'r0' })).rejects.toThrow(OutdatedError);
	// A new file must not replace one, and a version without a revision is compared here.
	await expect(place.save('a', text('new'), '', null)).rejects.toThrow(OutdatedError);
	await expect(place.save('a', text('new'), '', { ...known, id: 'b', revision: null })).rejects.toThrow(OutdatedError);
	expect(await place.save('a', text('new'), '', { ...known, revision: null })).toMatchObject({ id: 'mine' });
	entry = null;
	expect(await place.save('a', text('new'), '', null)).toMatchObject({ id: 'mine' });
	entry = { type: 'folder', id: 't' };
	await expect(place.find('a')).rejects.toThrow('not a file');
});

test('drafts are kept per user and file, until the user signs out', () => {
	const stored: Record<string, string> = {};
	const storage = { setItem: (key: string, value: string) => { if (value.length > 1000) throw new Error('full'); stored[key] = value; }, getItem: (key: string) => stored[key] ?? null, removeItem: (key: string) => delete stored[key] };
	vi.stubGlobal('sessionStorage', new Proxy(storage, { ownKeys: () => Object.keys(stored), getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }) }));
	stored.other = 'kept';
	const key = draftKey('ada', 'drive ada/drive', 'a.md');
	const draft = { text: 'x', known: null, format: PLAIN, at: 1 };
	expect(keepDraft(key, draft)).toBe(true);
	expect(readDraft(key)).toEqual(draft);
	expect(readDraft(draftKey('ben', 'drive ada/drive', 'a.md'))).toBeNull();
	// Too large: an older draft would be misleading.
	expect(keepDraft(key, { ...draft, text: 'x'.repeat(2000) })).toBe(false);
	expect(readDraft(key)).toBeNull();
	keepDraft(key, draft);
	forgetDrafts();
	expect(readDraft(key)).toBeNull();
	stored[key] = '{"text": 1}';
	expect(readDraft(key)).toBeNull();
	expect(stored.other).toBe('kept');
});
