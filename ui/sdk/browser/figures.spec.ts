/* Benchmarks of time and memory. Each figure is printed; those that matter to users have limits. */

import { readFile, readdir } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type World, world } from './world.js';

declare const sdk: typeof import('../../src/lib/upload.js');
declare const files: () => File[];
declare global {
	interface Window {
		uploader: import('../../src/lib/upload.js').Uploader;
	}
}

const MIB = 1 << 20;
const GIB = 1 << 30;

let here: World;
beforeAll(async () => {
	here = await world();
});
afterAll(() => here?.end());

const target = (dataset: string) => ({ server: here.server, dataset, token: here.token });
const say = (what: string, figure: number, unit: string) => console.log(`${what}: ${figure < 10 ? figure.toFixed(2) : figure.toFixed(0)} ${unit}`);

/** Returns the anonymous resident memory (bytes) of our browser's processes of one kind, largest first. */
async function memory(kind: string): Promise<number[]> {
	const parents = new Map<number, number>();
	const sizes = new Map<number, number>();
	for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
		try {
			const status = await readFile(`/proc/${pid}/status`, 'utf8');
			parents.set(Number(pid), Number(/PPid:\s+(\d+)/.exec(status)?.[1]));
			const command = await readFile(`/proc/${pid}/cmdline`, 'utf8');
			if (command.includes(`--type=${kind}`)) sizes.set(Number(pid), Number(/RssAnon:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024);
		} catch {
			// The process has exited.
		}
	}
	const isOurs = (pid: number | undefined): boolean => pid !== undefined && (pid === process.pid || isOurs(parents.get(pid)));
	return [...sizes].filter(([pid]) => isOurs(pid)).map(([, size]) => size).sort((one, other) => other - one);
}

test('hashing: one large file, and several at a time', async () => {
	const one = await here.file('one.bin', GIB, 'one');
	const many = await Promise.all(Array.from({ length: 64 }, (_, index) => here.file(`many-${index}.bin`, 16 * MIB, `many ${index}`)));
	const page = await here.page();
	const dataset = await here.dataset('hash');
	const measure = (paths: string[], hashers: number) =>
		page.setInputFiles('input', paths).then(() =>
			page.evaluate(
				async ({ target, hashers }) => {
					const items = files().map((file) => ({ path: file.name, file }));
					const begun = performance.now();
					let took = 0;
					const ended = new AbortController();
					const upload = new sdk.Uploader({ ...target, hashers }).upload(items, {
						signal: ended.signal,
						onProgress: ({ overall }) => {
							if (took !== 0 || overall.hashed < overall.total) return;
							took = performance.now() - begun;
							ended.abort();
						}
					});
					await upload.done.catch(() => undefined);
					return upload.overall.total / 1e6 / (took / 1000);
				},
				{ target: target(dataset), hashers }
			)
		);
	say('hash of 1 GiB, one worker (WebAssembly)', await measure([one], 1), 'MB/s');
	say('hash of 64 files of 16 MiB, one worker (crypto.subtle)', await measure(many, 1), 'MB/s');
	const two = await measure(many, 2);
	say('hash of 64 files of 16 MiB, two workers (crypto.subtle)', two, 'MB/s');
	expect(two).toBeGreaterThan(10);
});

test('1,000 small files', async () => {
	const dataset = await here.dataset('small');
	// On the origin of the server, because cross-origin requests need a CORS preflight each.
	const page = await here.ownPage();
	await page.evaluate((target) => {
		const file = new File([new Uint8Array(10)], 'first');
		window.uploader = new sdk.Uploader(target);
		return window.uploader.upload([{ path: 'first', file }]).done;
	}, target(dataset));
	// Stop intercepting requests.
	await page.context().unrouteAll();
	const measure = (kind: string) =>
		page.evaluate(
			async (kind) => {
				const items = Array.from({ length: 1000 }, (_, index) => {
					const head = kind === 'text' ? `number ${index}\n` : new Uint8Array([0, index >> 8, index & 255]);
					const file = new File([head, new Uint8Array(4000).fill(65)], `${index}`);
					return { path: `${kind}/${index % 10}/${index}`, file };
				});
				const begun = performance.now();
				const { revision } = await window.uploader.upload(items).done;
				return { revision, rate: 1000 / ((performance.now() - begun) / 1000) };
			},
			kind
		);
	const binary = await measure('binary');
	expect(binary.revision).not.toBeNull();
	say('1,000 files of 4 KB as LFS objects', binary.rate, 'files/s');
	const text = await measure('text');
	expect(text.revision).not.toBeNull();
	say('1,000 texts of 4 KB', text.rate, 'files/s');
	expect(binary.rate).toBeGreaterThan(1);
});

test('10 GiB need less than 200 MB of memory and 64 MB of heap in the page', async () => {
	const size = Number(process.env.RUTTER_TEST_HUGE ?? 10) * GIB;
	for (const context of here.browser.contexts()) await context.close();
	const dataset = await here.dataset('huge');
	const path = await here.file('huge.bin', size, 'huge');
	const page = await here.page();
	await page.setInputFiles('input', path);
	const idle = (await memory('renderer'))[0] ?? 0;
	await page.evaluate((target) => {
		const items = files().map((file) => ({ path: file.name, file }));
		const shown = globalThis as unknown as { over: unknown; phase: string; took: Record<string, number> };
		shown.took = {};
		let last = performance.now();
		shown.phase = 'waiting';
		const upload = new sdk.Uploader(target).upload(items, {
			onProgress: ({ phase }) => {
				if (phase === shown.phase) return;
				shown.took[shown.phase] = (shown.took[shown.phase] ?? 0) + performance.now() - last;
				last = performance.now();
				shown.phase = phase;
			}
		});
		upload.done.then(
			(result) => (shown.over = result),
			(error) => (shown.over = String(error))
		);
	}, target(dataset));
	const most = new Map<string, number>();
	let heap = 0;
	let over: unknown;
	for (; over === undefined; await page.waitForTimeout(200)) {
		const seen = await page.evaluate(() => {
			const { memory } = performance as unknown as { memory: { usedJSHeapSize: number } };
			const { over, phase } = globalThis as unknown as { over: unknown; phase: string };
			return { heap: memory.usedJSHeapSize, over, phase };
		});
		most.set(seen.phase, Math.max(most.get(seen.phase) ?? 0, (await memory('renderer'))[0] ?? 0));
		heap = Math.max(heap, seen.heap);
		over = seen.over;
	}
	const took = await page.evaluate(() => (globalThis as unknown as { took: Record<string, number> }).took);
	for (const [phase, time] of Object.entries(took)) say(`${size / GIB} GiB, ${phase}`, time / 1000, 's');
	say(`${size / GIB} GiB, the page before`, idle / 1e6, 'MB');
	for (const [phase, bytes] of most) say(`${size / GIB} GiB, the page while ${phase}`, bytes / 1e6, 'MB');
	say(`${size / GIB} GiB, its heap at most`, heap / 1e6, 'MB');
	expect(idle).toBeGreaterThan(1e6);
	expect(over).toMatchObject({ files: [{ size, stored: false }] });
	expect(Math.max(...most.values())).toBeLessThan(200e6);
	expect(heap).toBeLessThan(64e6);
}, 900_000);
