import 'fake-indexeddb/auto';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { forget, pending, Uploader, UploadError, type UploadEvent } from '../../src/lib/upload.js';
import { Fake } from './fake.js';

let fake: Fake;
beforeEach(() => {
	fake = new Fake();
	vi.stubGlobal('fetch', fake.fetch);
	// Make all delays 100 times shorter.
	const { setTimeout: wait } = globalThis;
	vi.stubGlobal('setTimeout', (work: () => void, time = 0) => wait(work, time / 100));
});
afterEach(async () => {
	vi.unstubAllGlobals();
	for (const each of await pending()) await forget(each);
});

const uploader = (more = {}) => new Uploader({ server: fake.url, dataset: 'lab/birds/counts', token: 'secret', ...more });
const file = (size: number, name = 'a.bin', fill = 1) => new File([new Uint8Array(size).fill(fill)], name, { lastModified: 5 });
const one = (size: number, path = 'data/a.bin') => [{ path, file: file(size) }];

test('a nested organisation is one path segment; the token is sent to the server, but not to presigned URLs', async () => {
	const { revision } = await uploader().upload(one(10)).done;
	expect(revision).toBe('revision-1');
	expect(fake.asked.map(({ method, path }) => `${method} ${path.replace(/[0-9a-f]{64}/, 'OID')}`)).toEqual([
		'POST /api/datasets/lab%2Fbirds/counts/preupload/main',
		'POST /lab%2Fbirds/counts.git/info/lfs/objects/batch',
		'PUT /put/OID/0/10',
		'POST /api/v1/datasets/lab%2Fbirds/counts/commits'
	]);
	expect(fake.asked.map(({ headers }) => headers.get('Authorization'))).toEqual(['Bearer secret', 'Bearer secret', null, 'Bearer secret']);
});

test('bytes are sent directly to a bucket with the signed headers, and the server verifies them', async () => {
	fake.store = 'https://bucket.example.net';
	await uploader().upload([...one(10), { path: 'large.bin', file: file(100, 'large.bin') }]).done;
	expect([fake.count('PUT /put'), fake.count('PUT /part'), fake.count('POST /commit/'), fake.count('POST /verify')]).toEqual([1, 3, 1, 2]);
	const signed = fake.asked.filter(({ headers }) => headers.has('X-Signed'));
	expect(signed.length).toBe(7);
	for (const { path, headers } of signed) expect([headers.get('X-Signed'), headers.get('Authorization')]).toEqual([path.slice(1), null]);
	fake.objects.clear();
	for (let tries = 0; tries < 2; tries++) fake.instead.push(['PUT /put', 'cut']);
	await expect(uploader({ retries: 1 }).upload(one(10)).done).rejects.toThrow('rutter store cors');
});

test('requests to a busy server are retried after Retry-After', async () => {
	const begun = performance.now();
	fake.instead.push(['POST /lab', { status: 429, headers: { 'Retry-After': '20' } }], ['PUT /put', { status: 503, headers: { 'Retry-After': '20' } }]);
	await uploader().upload(one(10)).done;
	expect([fake.count('POST /lab'), fake.count('PUT /put')]).toEqual([2, 2]);
	// Twice 20 s, 100 times shorter.
	expect(performance.now() - begun).toBeGreaterThan(380);
});

test('after too many failures the last one is reported, and the upload can be resumed', async () => {
	for (let tries = 0; tries < 3; tries++) fake.instead.push(['PUT /put', 'cut']);
	const items = one(10);
	await expect(uploader({ retries: 2 }).upload(items).done).rejects.toMatchObject({ name: 'NetworkError' });
	const [left] = await pending('lab/birds/counts');
	expect(left).toMatchObject({ message: 'Upload data/a.bin', running: false, files: [{ path: 'data/a.bin', size: 10, sent: 0, arrived: false }] });
	const handle = await uploader().resume(left?.id ?? '', items);
	expect((await handle.done).revision).toBe('revision-1');
	expect(await pending()).toEqual([]);
});

test('an interrupted upload reports the bytes uploaded', async () => {
	fake.instead.push(['POST /commit/', { status: 507, json: { message: 'over quota' } }]);
	await expect(uploader().upload(one(200)).done).rejects.toMatchObject({ name: 'QuotaError' });
	const [left] = await pending();
	expect(left?.files).toMatchObject([{ size: 200, sent: 200, arrived: false }]);
});

test('expired URLs are renewed, only for missing parts', async () => {
	fake.instead.push(['PUT /part', { status: 403 }]);
	await uploader().upload(one(200)).done;
	// Four parts are sent at a time; the fifth is not started after a rejection.
	expect(fake.count('POST /lab')).toBe(2);
	expect(fake.count('PUT /part')).toBe(6);
});

test('expired URLs are not used', async () => {
	fake.life = -60;
	await expect(uploader().upload(one(10)).done).rejects.toThrow(/expire before/);
	expect(fake.count('PUT')).toBe(0);
});

test('an upload completed by another tab is done', async () => {
	fake.instead.push(['POST /commit/', { status: 404, json: { message: 'this upload has ended' } }]);
	const upload = uploader().upload(one(200));
	// All parts have arrived, so the second batch response only contains the commit action.
	expect((await upload.done).revision).toBe('revision-1');
	expect([fake.count('PUT /part'), fake.count('POST /commit/')]).toEqual([5, 2]);
});

test('the confirmation is retried while the server hashes', async () => {
	for (let tries = 0; tries < 15; tries++) fake.instead.push(['POST /commit/', { status: 503, headers: { 'Retry-After': '1' } }]);
	await uploader({ retries: 1 }).upload(one(200)).done;
	expect(fake.count('POST /commit/')).toBe(16);
});

test('an upload that would change nothing is done', async () => {
	fake.instead.push(['POST /api/v1/datasets/', { status: 422, json: { code: 'unchanged', detail: 'nothing would change' } }]);
	expect((await uploader().upload(one(200)).done).revision).toBeNull();
	fake.instead.push(['POST /api/v1/datasets/', { status: 422, json: { code: 'invalid', detail: 'nothing would change' } }]);
	await expect(uploader().upload(one(200)).done).rejects.toMatchObject({ name: 'RejectedError', code: 'rejected' });
});

test('a hash mismatch is reported, and the file is hashed again on resume', async () => {
	fake.instead.push(['POST /commit/', { status: 422, json: { message: 'its SHA-256 is another', request_id: 'r1' } }]);
	const items = one(200);
	const failed = await uploader().upload(items).done.catch((error: UploadError) => error);
	expect(failed).toMatchObject({ name: 'RejectedError', file: 'data/a.bin', requestId: 'r1', message: expect.stringContaining('Choose it again') });
	const events: UploadEvent[] = [];
	const [left] = await pending();
	await (await uploader().resume(left?.id ?? '', items, { onProgress: (event) => events.push(event) })).done;
	expect(events.some(({ phase, file }) => phase === 'hashing' && file !== null)).toBe(true);
});

test('if the response to a commit is lost, the retry uses the same idempotency key and creates no second revision', async () => {
	const items = [...one(10), { path: 'a.txt', file: new File(['text'], 'a.txt', { lastModified: 5 }) }];
	const { fetch } = fake;
	let committed = 0;
	vi.stubGlobal('fetch', async (input: string, init: RequestInit) => {
		const reply = await fetch(input, init);
		if (String(input).endsWith('/commits') && ++committed === 1) throw new TypeError('cut');
		return reply;
	});
	await expect(uploader({ retries: 0 }).upload(items).done).rejects.toMatchObject({ name: 'NetworkError' });
	const [left] = await pending();
	const put = fake.count('PUT');
	const again = await uploader().resume(left?.id ?? '', items);
	expect((await again.done).revision).toBe('revision-1');
	const keys = fake.asked.filter(({ path }) => path.endsWith('/commits')).map(({ headers }) => headers.get('Idempotency-Key'));
	expect(new Set(keys).size).toBe(1);
	expect(fake.count('PUT')).toBe(put);
});

test('only files that have not arrived have to be chosen again', async () => {
	fake.instead.push(['POST /api/v1', { status: 412 }], ['POST /api/v1', { status: 507, json: { detail: 'the quota of lab is used up' } }]);
	const items = [
		{ path: 'a.bin', file: file(10, 'a.bin', 1) },
		{ path: 'b.txt', file: new File(['text'], 'b.txt', { lastModified: 5 }) }
	];
	// If the branch has moved, the upload cannot be resumed.
	await expect(uploader().upload(items, { base: 'old' }).done).rejects.toMatchObject({ name: 'ChangedError', code: 'changed' });
	expect(await pending()).toEqual([]);
	await expect(uploader().upload(items).done).rejects.toMatchObject({ name: 'QuotaError', message: 'The quota of lab is used up. Resume the upload when there is enough space.' });
	const [left] = await pending();
	await expect(uploader().resume(left?.id ?? '', [items[0]?.file as File])).rejects.toMatchObject({ name: 'FilesMissingError', missing: ['b.txt'] });
	const handle = await uploader().resume(left?.id ?? '', [items[1]?.file as File]);
	expect((await handle.done).files.map(({ path }) => path)).toEqual(['a.bin', 'b.txt']);
});

test('text files that do not fit into a commit are stored in Git LFS, the large ones first', async () => {
	fake.from = 1 << 30;
	const text = (size: number, name: string) => ({ path: name, file: new File(['x'.repeat(size)], name) });
	const items = Array.from({ length: 20 }, (_, index) => text((1 << 20) - index, `${index}.txt`));
	const { files } = await uploader().upload(items).done;
	const inGit = files.filter(({ oid }) => oid === null).map(({ path }) => path);
	expect(inGit).toEqual(['4', '5', '6', '7', '8', '9', '10', '11', '12', '13', '14', '15', '16', '17', '18', '19'].map((name) => `${name}.txt`));
});

test('progress never exceeds the total and ends at it', async () => {
	const events: UploadEvent[] = [];
	const items = Array.from({ length: 30 }, (_, index) => ({ path: `${index}.bin`, file: file(90 + index, `${index}.bin`, index) }));
	await uploader().upload(items, { onProgress: (event) => events.push(event) }).done;
	const last = events.at(-1);
	expect(last).toMatchObject({ phase: 'done', file: null, overall: { files: 30, filesDone: 30 } });
	expect(last?.overall.bytes).toBe(last?.overall.total);
	expect(last?.overall.hashed).toBe(last?.overall.total);
	for (const { bytes, total, overall } of events) {
		expect(bytes).toBeLessThanOrEqual(total);
		expect(overall.bytes).toBeLessThanOrEqual(overall.total);
	}
});

test('invalid input is rejected before any request', () => {
	const upload = (...paths: string[]) => () => uploader().upload(paths.map((path) => ({ path, file: file(1) })));
	expect(upload()).toThrow('choose at least one file');
	expect(upload('a', 'a')).toThrow('Two files have the path');
	expect(upload('a//b')).toThrow('is not a valid file path');
	expect(upload('../a')).toThrow('is not a valid file path');
	expect(() => new Uploader({ server: fake.url, dataset: 'birds' })).toThrow('owner/name');
	expect(fake.asked).toEqual([]);
});
