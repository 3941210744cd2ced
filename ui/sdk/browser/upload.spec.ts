import { createHash } from 'node:crypto';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type World, world } from './world.js';

/* Globals of the page; see world.ts. */
declare const sdk: typeof import('../../src/lib/upload.js');
declare const files: () => File[];
declare const events: import('../../src/lib/upload.js').UploadEvent[];
declare const watch: (event: import('../../src/lib/upload.js').UploadEvent) => void;
interface Outcome {
	result?: import('../../src/lib/upload.js').UploadResult;
	error?: { name: string; code: string; message: string; status?: number; file?: string };
}
declare global {
	interface Window {
		handle: import('../../src/lib/upload.js').UploadHandle;
		ending: Promise<Outcome>;
	}
}
declare const outcome: (done: Promise<unknown>) => Promise<Outcome>;

let here: World;
beforeAll(async () => {
	here = await world();
});
afterAll(() => here?.end());

/** Uploader options for a dataset. */
const target = (dataset: string, token = here.token) => ({ server: here.server, dataset, token });

const MIB = 1 << 20;

/** Counts the successful requests that sent a part or a whole object. */
function parts(page: Page): { arrived: number } {
	const count = { arrived: 0 };
	page.on('response', (response) => {
		const isPart = response.request().method() === 'PUT' && response.url().includes('/_lfs/');
		if (isPart && response.ok()) count.arrived += 1;
	});
	return count;
}

/** Starts an upload of the chosen files and leaves it running as `window.handle`. */
async function begin(page: Page, dataset: string, options: Record<string, unknown> = {}): Promise<void> {
	await page.evaluate(
		({ target, options }) => {
			const items = files().map((file) => ({ path: `data/${file.name}`, file }));
			const uploader = new sdk.Uploader(target);
			window.handle = uploader.upload(items, { ...options, onProgress: watch });
			window.ending = outcome(window.handle.done);
		},
		{ target: target(dataset), options }
	);
}

/** Resumes the only interrupted upload. */
async function resume(page: Page, dataset: string): Promise<Outcome> {
	return page.evaluate(async (target) => {
		const uploader = new sdk.Uploader(target);
		const [interrupted] = await uploader.pending();
		if (interrupted === undefined) throw new Error('nothing is pending');
		try {
			const handle = await uploader.resume(interrupted, files(), { onProgress: watch });
			return await outcome(handle.done);
		} catch (error) {
			return outcome(Promise.reject(error));
		}
	}, target(dataset));
}

const ending = (page: Page) => page.evaluate(() => window.ending);
const choose = (page: Page, ...paths: string[]) => page.setInputFiles('input', paths);
/** Waits until at least `bytes` have arrived. */
const arrived = (page: Page, bytes: number) => page.waitForFunction((bytes) => window.handle.overall.bytes >= bytes, bytes, { polling: 20, timeout: 120_000 });

/** Limits the upload speed (bytes per second) and can cut the connection. */
async function slow(page: Page, uploadThroughput: number): Promise<{ cut: () => Promise<void>; mend: () => Promise<void> }> {
	const session = await page.context().newCDPSession(page);
	const be = (offline: boolean) => session.send('Network.emulateNetworkConditions', { offline, latency: 0, downloadThroughput: -1, uploadThroughput });
	await be(false);
	return { cut: async () => void (await be(true)), mend: async () => void (await be(false)) };
}

async function stored(dataset: string, path: string): Promise<{ size: number; oid: string }> {
	const entry = (await (await here.api(`/api/v1/datasets/${dataset}/files/main/${path}`)).json()) as { size: number; lfs?: { oid: string }; oid?: string };
	return { size: entry.size, oid: entry.lfs?.oid ?? entry.oid ?? JSON.stringify(entry) };
}

test('small files become one revision: text files in git, the rest in Git LFS', async () => {
	const dataset = await here.dataset('small');
	const page = await here.page();
	const { result } = await page.evaluate(async (target) => {
		const uploader = new sdk.Uploader(target);
		const items = [
			{ path: 'README.md', file: new File(['# Birds ☂\n'], 'README.md') },
			{ path: 'data/empty', file: new File([], 'empty') },
			{ path: 'data/a.bin', file: new File([new Uint8Array([0, 1, 2, 255])], 'a.bin') },
			{ path: 'data/same.bin', file: new File([new Uint8Array([0, 1, 2, 255])], 'same.bin') }
		];
		return outcome(uploader.upload(items, { message: 'First counts', onProgress: watch }).done);
	}, target(dataset));
	expect(result?.revision).toMatch(/^[0-9a-f]{40}$/);
	const oid = createHash('sha256').update(Buffer.from([0, 1, 2, 255])).digest('hex');
	expect(result?.files).toEqual([
		{ path: 'README.md', size: 12, oid: null, stored: false },
		{ path: 'data/empty', size: 0, oid: null, stored: false },
		{ path: 'data/a.bin', size: 4, oid, stored: false },
		{ path: 'data/same.bin', size: 4, oid, stored: true }
	]);
	const raw = await here.api(`/api/v1/datasets/${dataset}/raw/main/README.md`);
	expect(await raw.text()).toBe('# Birds ☂\n');
	const bytes = await here.api(`/api/v1/datasets/${dataset}/raw/main/data/same.bin`);
	expect(Buffer.from(await bytes.arrayBuffer())).toEqual(Buffer.from([0, 1, 2, 255]));
	const revision = (await (await here.api(`/api/v1/datasets/${dataset}/revisions/main`)).json()) as { description: string };
	expect(revision.description.trim()).toBe('First counts');
	const phases = await page.evaluate(() => events.filter(({ file }) => file === 'data/a.bin').map(({ phase }) => phase));
	expect([...new Set(phases)]).toEqual(['hashing', 'sending', 'done']);
	expect(page.problems).toEqual([]);
});

test('stored content finishes immediately and is reported; without changes there is no revision', async () => {
	const dataset = await here.dataset('again');
	const page = await here.page();
	const put = parts(page);
	const send = (path: string) =>
		page.evaluate(
			({ target, path }) => {
				const file = new File([new Uint8Array(200_000).fill(7, 1)], 'a.bin');
				return outcome(new sdk.Uploader(target).upload([{ path, file }], { onProgress: watch }).done);
			},
			{ target: target(dataset), path }
		);
	const first = await send('a.bin');
	expect(first.result?.files[0]?.stored).toBe(false);
	await expect.poll(() => put.arrived).toBe(1);
	await page.evaluate(() => (events.length = 0));
	const second = await send('b.bin');
	expect(second.result?.files[0]?.stored).toBe(true);
	expect(second.result?.revision).toMatch(/^[0-9a-f]{40}$/);
	const third = await send('b.bin');
	expect(third.result?.revision).toBeNull();
	expect(put.arrived).toBe(1);
	const seen = await page.evaluate(() => events.filter(({ stored }) => stored).map(({ file, phase, bytes, overall }) => ({ file, phase, bytes, stored: overall.stored })));
	expect(seen[0]).toEqual({ file: 'b.bin', phase: 'done', bytes: 200_000, stored: 200_000 });
	expect(await page.evaluate(() => sdk.pending())).toEqual([]);
});

test('the .gitattributes of the dataset decide what is stored in git', async () => {
	const dataset = await here.dataset('rules');
	const page = await here.page();
	const send = (...paths: string[]) =>
		page.evaluate(
			({ target, paths }) => {
				const texts: Record<string, string> = { '.gitattributes': '*.csv filter=lfs diff=lfs merge=lfs -text\n' };
				const items = paths.map((path) => ({ path, file: new File([texts[path] ?? `of ${path}\n`], path) }));
				return outcome(new sdk.Uploader(target).upload(items).done);
			},
			{ target: target(dataset), paths }
		);
	expect((await send('.gitattributes')).result?.files[0]?.oid).toBeNull();
	const { result } = await send('a.csv', 'a.txt');
	expect(result?.files.map(({ path, oid }) => [path, oid !== null])).toEqual([
		['a.csv', true],
		['a.txt', false]
	]);
});

test('a large file is sent in parts, and no part is sent twice after a reload', async () => {
	const dataset = await here.dataset('reload');
	const path = await here.file('large.bin', 200 * MIB, 'large');
	const page = await here.page();
	const put = parts(page);
	await choose(page, path);
	await slow(page, 60 * MIB);
	await begin(page, dataset);
	await arrived(page, 70 * MIB);
	await page.reload();
	await page.waitForFunction('window.sdk !== undefined');
	const before = put.arrived;
	expect(before).toBeGreaterThan(0);
	const [interrupted] = await page.evaluate(() => sdk.pending());
	expect(interrupted).toMatchObject({ dataset, running: false, files: [{ path: 'data/large.bin', size: 200 * MIB, arrived: false }] });

	// Without the file, the error lists what is missing.
	const nothing = await resume(page, dataset);
	expect(nothing.error).toMatchObject({ name: 'FilesMissingError', message: expect.stringContaining('data/large.bin') });

	await choose(page, path);
	const { result } = await resume(page, dataset);
	expect(result?.revision).toMatch(/^[0-9a-f]{40}$/);
	// 200 MiB are 21 parts of 10 MB. Parts in flight during the reload may have arrived.
	expect(put.arrived).toBeLessThanOrEqual(21);
	expect(put.arrived).toBeGreaterThanOrEqual(17);
	const phases = await page.evaluate(() => [...new Set(events.map(({ phase }) => phase))]);
	// The hash is not computed again.
	expect(phases).not.toContain('hashing');
	expect((await stored(dataset, 'data/large.bin')).size).toBe(200 * MIB);
	expect(await page.evaluate(() => sdk.pending())).toEqual([]);
	expect(page.problems).toEqual([]);
});

test('an upload waits while the network is down', async () => {
	const dataset = await here.dataset('cut');
	const page = await here.page();
	const put = parts(page);
	await choose(page, await here.file('cut.bin', 150 * MIB, 'cut'));
	const line = await slow(page, 60 * MIB);
	await begin(page, dataset);
	await arrived(page, 40 * MIB);
	await line.cut();
	await page.waitForFunction(() => window.handle.overall.waiting, undefined, { timeout: 20_000 });
	await page.waitForTimeout(1500);
	expect(await page.evaluate(() => window.handle.state)).toBe('running');
	await line.mend();
	const { result } = await ending(page);
	expect(result?.revision).toMatch(/^[0-9a-f]{40}$/);
	await expect.poll(() => put.arrived).toBe(16);
});

test('an upload waits while the server is down', async () => {
	const dataset = await here.dataset('death');
	const page = await here.page();
	await choose(page, await here.file('death.bin', 150 * MIB, 'death'));
	await slow(page, 60 * MIB);
	await begin(page, dataset);
	await arrived(page, 40 * MIB);
	await here.stop();
	await page.waitForTimeout(1000);
	await here.start();
	const { result } = await ending(page);
	expect(result?.revision).toMatch(/^[0-9a-f]{40}$/);
});

test('a pause stops hashing and sending and keeps what has arrived', async () => {
	const dataset = await here.dataset('pause');
	const page = await here.page();
	const put = parts(page);
	await choose(page, await here.file('pause.bin', 150 * MIB, 'pause'));
	await slow(page, 60 * MIB);
	await begin(page, dataset);
	await page.waitForFunction(() => window.handle.overall.hashed > 0, undefined, { polling: 5 });
	const hashed = await page.evaluate(async () => {
		window.handle.pause();
		await new Promise((wait) => setTimeout(wait, 300));
		const before = window.handle.overall.hashed;
		await new Promise((wait) => setTimeout(wait, 500));
		return [before, window.handle.overall.hashed, window.handle.state];
	});
	expect(hashed[1]).toBe(hashed[0]);
	expect(hashed[2]).toBe('paused');
	await page.evaluate(() => window.handle.resume());
	await arrived(page, 40 * MIB);
	await page.evaluate(() => window.handle.pause());
	await page.waitForTimeout(500);
	const still = put.arrived;
	await page.waitForTimeout(1000);
	expect(put.arrived).toBe(still);
	await page.evaluate(() => window.handle.resume());
	const { result } = await ending(page);
	expect(result?.revision).toMatch(/^[0-9a-f]{40}$/);
	await expect.poll(() => put.arrived).toBe(16);
});

test('a cancelled upload is deleted locally and on the server', async () => {
	const dataset = await here.dataset('cancel');
	const page = await here.page();
	const deleted: string[] = [];
	page.on('response', (response) => void (response.request().method() === 'DELETE' && response.ok() && deleted.push(response.url())));
	await choose(page, await here.file('cancel.bin', 150 * MIB, 'cancel'));
	await slow(page, 60 * MIB);
	await begin(page, dataset);
	await arrived(page, 20 * MIB);
	await page.evaluate(() => window.handle.cancel());
	expect((await ending(page)).error).toMatchObject({ name: 'CancelledError' });
	expect(await page.evaluate(() => sdk.pending())).toEqual([]);
	expect(deleted.length).toBe(1);
});

test('two tabs can upload the same file, but one upload runs in one tab only', async () => {
	const dataset = await here.dataset('tabs');
	const path = await here.file('tabs.bin', 100 * MIB, 'tabs');
	const one = await here.page();
	const other = Object.assign(await one.context().newPage(), { problems: [] });
	await other.goto(here.pages);
	await other.waitForFunction('window.sdk !== undefined');
	for (const page of [one, other]) {
		await choose(page, path);
		await slow(page, 40 * MIB);
	}
	await begin(one, dataset);
	await arrived(one, 5 * MIB);
	const seen = await other.evaluate(() => sdk.pending());
	expect(seen.map(({ running }) => running)).toEqual([true]);
	expect((await resume(other, dataset)).error).toMatchObject({ name: 'RunningError' });
	await begin(other, dataset);
	const [first, second] = await Promise.all([ending(one), ending(other)]);
	expect(first.error ?? second.error).toBeUndefined();
	// The second upload had nothing to change.
	expect([first.result?.revision, second.result?.revision].filter((revision) => revision !== null).length).toBe(1);
});

test('error messages say what to do', async () => {
	const dataset = await here.dataset('wrong');
	const page = await here.page();
	const send = (to: Record<string, unknown>, path = 'a.bin', options: Record<string, unknown> = {}) =>
		page.evaluate(
			async ({ to, path, options }) => {
				try {
					const file = new File([new Uint8Array(70_000)], 'a.bin');
					return await outcome(new sdk.Uploader(to as { dataset: string }).upload([{ path, file }], options).done);
				} catch (error) {
					return outcome(Promise.reject(error));
				}
			},
			{ to, path, options }
		);
	expect((await send(target(dataset, 'rut_wrong'))).error).toMatchObject({ name: 'SignInError', status: 401, message: expect.stringContaining('Sign in again') });
	expect((await send(target('ada/nowhere'))).error).toMatchObject({ name: 'NotFoundError', status: 404, message: expect.stringContaining('Check the name') });
	const reader = await here.rutter('token', 'add', 'ada', '--name', 'reader', '--scope', 'read');
	expect((await send(target(dataset, reader))).error).toMatchObject({ name: 'ForbiddenError', status: 403 });
	expect((await send(target(dataset), 'a/../b')).error).toMatchObject({ code: 'invalid', file: 'a/../b' });
	expect((await send(target(dataset), '.git/config')).error).toMatchObject({ name: 'RejectedError', message: expect.stringContaining('.git') });
	expect((await send(target(dataset), 'a.bin', { branch: 'nowhere' })).error).toMatchObject({ name: 'NotFoundError' });
	expect((await send({ ...target(dataset), server: 'http://127.0.0.1:1', retries: 1 })).error).toMatchObject({ name: 'NetworkError', message: expect.stringContaining('Check your network') });
	const base = '0'.repeat(39) + '1';
	await send(target(dataset));
	expect((await send(target(dataset), 'b.bin', { base })).error?.name).toMatch(/ChangedError|RejectedError|NotFoundError/);
});

test('an exceeded quota is reported before anything is sent', async () => {
	const dataset = await here.dataset('full');
	await here.rutter('quota', dataset, '100KB');
	const page = await here.page();
	const put = parts(page);
	await choose(page, await here.file('full.bin', 80 * MIB, 'full'));
	await begin(page, dataset);
	expect((await ending(page)).error).toMatchObject({ name: 'QuotaError', code: 'quota', message: expect.stringContaining('quota') });
	expect(put.arrived).toBe(0);
	// With a larger quota it can be resumed.
	await here.rutter('quota', dataset, '1GB');
	const { result } = await resume(page, dataset);
	expect(result?.revision).toMatch(/^[0-9a-f]{40}$/);
});

test('a lost commit response creates no second revision', async () => {
	const dataset = await here.dataset('once');
	const page = await here.page();
	let asked = 0;
	await page.route('**/commits', async (route) => {
		if (route.request().method() !== 'POST' || ++asked > 1) return route.continue();
		await route.fetch();
		await route.abort('connectionreset');
	});
	const { result } = await page.evaluate((target) => {
		const file = new File(['once\n'], 'once.txt');
		return outcome(new sdk.Uploader(target).upload([{ path: 'once.txt', file }]).done);
	}, target(dataset));
	expect(asked).toBe(2);
	expect(result?.revision).toMatch(/^[0-9a-f]{40}$/);
	const { items } = (await (await here.api(`/api/v1/datasets/${dataset}/revisions`)).json()) as { items: { revision: string }[] };
	expect(items.map(({ revision }) => revision)).toEqual([result?.revision]);
});

test('a file that changes on disk is detected', async () => {
	const dataset = await here.dataset('changing');
	const path = await here.file('changing.bin', 150 * MIB, 'before');
	const page = await here.page();
	await choose(page, path);
	await slow(page, 60 * MIB);
	await begin(page, dataset);
	await arrived(page, 20 * MIB);
	await here.file('changing.bin', 140 * MIB, 'after');
	expect((await ending(page)).error).toMatchObject({ name: 'FileChangedError', file: 'data/changing.bin' });
});
