// Drives Chromium for browser.py: one order a line on the standard input, one answer a line on the standard output, both
// JSON. Ends with its input.

import { createRequire } from 'node:module';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';

const sdk = new URL('../../ui/sdk/', import.meta.url);
const require = createRequire(new URL('package.json', sdk));
const { chromium } = require('playwright-core');

const server = process.argv[2];
const browser = await chromium.launch({
	executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
	args: ['--no-sandbox', '--disable-dev-shm-usage']
});
const context = await browser.newContext({ baseURL: server });

/** Our code, and that of a rival, for a page of the server's own origin and with the policy of its pages. */
async function library() {
	const { outputFiles } = await require('esbuild').build({
		stdin: {
			contents: `
				export { Uploader } from '../src/lib/upload.ts';
				export { Sha256 } from '../src/lib/upload/sha256.ts';
				export { createSHA256 } from 'hash-wasm';`,
			resolveDir: sdk.pathname
		},
		bundle: true, format: 'esm', target: 'es2022', write: false
	});
	const [{ text }] = outputFiles;
	return text.replace('../hash.worker.ts', '/_bench/sdk/hash.worker.js');
}

const policy = (await fetch(server)).headers.get('content-security-policy') ?? '';

/** A page with the library; what it loads is handed in on the way, all else comes from the server. */
async function laboratory() {
	const page = await context.newPage();
	const script = await library();
	await page.route('**/_bench/**', async (route) => {
		const { pathname } = new URL(route.request().url());
		if (pathname === '/_bench/library.js') return route.fulfill({ contentType: 'text/javascript', body: script });
		if (pathname === '/_bench/sdk/hash.worker.js') {
			return route.fulfill({ contentType: 'text/javascript', body: await readFile(new URL('dist/hash.worker.js', sdk)) });
		}
		// With clocks that tell milliseconds apart in hundredths.
		const headers = { 'content-security-policy': policy, 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };
		return route.fulfill({ contentType: 'text/html', headers, body: '<!doctype html><input type="file" multiple>' });
	});
	await page.goto('/_bench/');
	return page;
}

const orders = {
	async signIn({ name, password }) {
		const reply = await context.request.post('/api/v1/session', { data: { login: name, password }, headers: { origin: server } });
		if (!reply.ok()) throw new Error(`POST /api/v1/session was answered with ${reply.status()}: ${await reply.text()}`);
	},

	/** MB/s of SHA-256 in memory, by turns. Of each the best turn, for all else that runs here only makes it slower. */
	async compute({ rounds }) {
		const page = await laboratory();
		const found = await page.evaluate(async (rounds) => {
			const { Sha256, createSHA256 } = await import('/_bench/library.js');
			const [ours, theirs] = [await Sha256.create(), await createSHA256()];
			const bytes = Uint8Array.from({ length: 1 << 20 }, (_, index) => Math.imul(index, 0x9e3779b1) >>> 24);
			const hex = (hash) => [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
			const ways = {
				rutter: () => ours.reset().update(bytes).hex(),
				'hash-wasm': () => theirs.init().update(bytes).digest('hex'),
				'crypto.subtle': async () => hex(await crypto.subtle.digest('SHA-256', bytes))
			};
			const best = {};
			const said = new Set();
			for (let round = 0; round < rounds; round++) {
				for (const [name, way] of Object.entries(ways)) {
					const begin = performance.now();
					said.add(await way());
					best[name] = Math.min(best[name] ?? Infinity, performance.now() - begin);
				}
				// Code that was compiled better meanwhile is taken up between two turns.
				await new Promise((wait) => setTimeout(wait, 1));
			}
			if (said.size !== 1) throw new Error(`the hashes differ: ${[...said].join(', ')}`);
			return Object.fromEntries(Object.entries(best).map(([name, took]) => [name, bytes.length / 1000 / took]));
		}, rounds);
		await page.close();
		return found;
	},

	/** MB/s with which files from the disk are hashed, as an upload does it; nothing is sent. */
	async hash({ dataset, paths }) {
		const page = await laboratory();
		await page.setInputFiles('input', paths);
		const rate = await page.evaluate(async (dataset) => {
			const { Uploader } = await import('/_bench/library.js');
			const items = [...document.querySelector('input').files].map((file) => ({ path: file.name, file }));
			const ended = new AbortController();
			let [begin, took] = [undefined, undefined];
			const upload = new Uploader({ dataset }).upload(items, {
				signal: ended.signal,
				onProgress: ({ overall }) => {
					if (overall.phase === 'hashing') begin ??= performance.now();
					if (took !== undefined || overall.hashed < overall.total) return;
					took = performance.now() - begin;
					ended.abort();
				}
			});
			await upload.done.catch((error) => {
				if (took === undefined) throw error;
			});
			return upload.overall.total / 1000 / took;
		}, dataset);
		await page.close();
		return rate;
	},

	/** Gives files to the page that uploads; it is ready for `upload`. */
	async choose({ dataset, paths }) {
		const page = await context.newPage();
		await page.goto(`/d/${dataset}/upload`);
		await page.getByLabel('Files to upload').setInputFiles(paths);
		await page.getByRole('button', { name: /^Upload \d/ }).waitFor();
	},

	/** Seconds from the click to the revision. */
	async upload({ minutes }) {
		const page = context.pages().at(-1);
		const begin = performance.now();
		await page.getByRole('button', { name: /^Upload \d/ }).click();
		const outcome = page.getByRole('region', { name: 'Uploads' }).getByText(/^(Done|Nothing new)|try again/i).first();
		await outcome.waitFor({ timeout: minutes * 60_000 });
		const said = await outcome.textContent();
		if (!said.startsWith('Done')) throw new Error(`the upload ended with: ${said}`);
		const took = (performance.now() - begin) / 1000;
		await page.close();
		return took;
	},

	/** Milliseconds from the address to a row that was clicked and has led somewhere, by somebody who has not been here. */
	async view({ dataset, row }) {
		const fresh = await browser.newContext({ baseURL: server, storageState: await context.storageState() });
		const page = await fresh.newPage();
		const begin = performance.now();
		await page.goto(`/d/${dataset}`, { waitUntil: 'commit' });
		await page.getByRole('link', { name: row, exact: true }).click();
		await page.waitForURL(`**/file/**/${row}`, { waitUntil: 'commit' });
		const took = performance.now() - begin;
		await fresh.close();
		return took;
	},

	/** A page with nothing on it. */
	async blank() {
		await (await context.newPage()).goto('about:blank');
	}
};

for await (const line of createInterface({ input: process.stdin })) {
	const { order, ...about } = JSON.parse(line);
	try {
		console.log(JSON.stringify({ found: (await orders[order](about)) ?? null }));
	} catch (error) {
		console.log(JSON.stringify({ failed: String(error.message ?? error) }));
	}
}
await browser.close();
