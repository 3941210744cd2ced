// Drives Chromium for browser.py: one order a line on the standard input, one answer a line on the standard output, both
// JSON. Ends with its input.

import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const sdk = new URL('../../ui/sdk/', import.meta.url);
const require = createRequire(new URL('package.json', sdk));
const { chromium } = require('playwright-core');

const server = process.argv[2];
const profile = await mkdtemp(join(tmpdir(), 'rutter-bench-browser-'));
const program = spawn(
	process.env.CHROMIUM ?? '/usr/bin/chromium',
	['--headless', '--no-sandbox', '--disable-dev-shm-usage', '--no-first-run', '--remote-debugging-port=0', `--user-data-dir=${profile}`, 'about:blank'],
	{ stdio: 'ignore' }
);
const port = await soon(async () => (await readFile(join(profile, 'DevToolsActivePort'), 'utf8')).split('\n')[0]);

let browser = await chromium.connectOverCDP(`http://127.0.0.1:${port}`);
const context = () => browser.contexts()[0];

/** What is asked for again and again until it is there. */
async function soon(ask, seconds = 30) {
	const end = Date.now() + seconds * 1000;
	for (;;) {
		const found = await ask().catch(() => undefined);
		if (found) return found;
		if (Date.now() > end) throw new Error(`after ${seconds} s: not yet`);
		await new Promise((wait) => setTimeout(wait, 250));
	}
}

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
	const page = await context().newPage();
	const script = await library();
	// With clocks that tell milliseconds apart in hundredths; a worker of such a page must say the same.
	const isolated = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };
	await page.route('**/_bench/**', async (route) => {
		const { pathname } = new URL(route.request().url());
		if (pathname === '/_bench/library.js') return route.fulfill({ contentType: 'text/javascript', body: script });
		if (pathname === '/_bench/sdk/hash.worker.js') {
			const body = await readFile(new URL('dist/hash.worker.js', sdk));
			return route.fulfill({ contentType: 'text/javascript', headers: isolated, body });
		}
		const headers = { 'content-security-policy': policy, ...isolated };
		return route.fulfill({ contentType: 'text/html', headers, body: '<!doctype html><input type="file" multiple>' });
	});
	await page.goto(`${server}/_bench/`);
	return page;
}

/** Chooses files, of any size: they stay where they are. */
async function give(page, selector, files) {
	const session = await context().newCDPSession(page);
	const { result } = await session.send('Runtime.evaluate', { expression: `document.querySelector(${JSON.stringify(selector)})` });
	await session.send('DOM.setFileInputFiles', { files, objectId: result.objectId });
	await session.detach();
}

const orders = {
	async signIn({ name, password }) {
		const reply = await context().request.post(`${server}/api/v1/session`, { data: { login: name, password }, headers: { origin: server } });
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
		await give(page, 'input', paths);
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

	/** Sets the files of the upload page; it is ready for `upload`. */
	async choose({ dataset, paths }) {
		const page = await context().newPage();
		await page.goto(`${server}/d/${dataset}/upload`);
		await page.getByLabel('Files to upload').waitFor({ state: 'attached' });
		await give(page, 'input[multiple]', paths);
		await page.getByRole('button', { name: /^Upload \d/ }).waitFor();
	},

	/**
	 * Seconds from the click to the revision. Without observation meanwhile: reporting every request takes the browser as
	 * long as to make it. The page has its own clock, and shows in its title that it is over.
	 */
	async upload({ minutes }) {
		await context().pages().at(-1).evaluate(() => {
			const button = [...document.querySelectorAll('button')].find(({ textContent }) => /^\s*Upload \d/.test(textContent));
			setTimeout(() => {
				const begin = performance.now();
				button.click();
				setInterval(() => {
					const said = document.querySelector('section[aria-label="Uploads"]')?.textContent ?? '';
					if (!/Done · |Nothing new:|Try again/.test(said)) return;
					window.outcome ??= { took: (performance.now() - begin) / 1000, said };
					// Again and again, for the page goes on and has a title of its own.
					document.title = 'It is over';
				}, 50);
			}, 1000);
		});
		await browser.close();
		const over = async () => (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()).some(({ title }) => title === 'It is over');
		await soon(over, minutes * 60);
		browser = await chromium.connectOverCDP(`http://127.0.0.1:${port}`);
		const page = context().pages().find((page) => page.url().endsWith('/upload') || page.url().includes('/revision/'));
		const { took, said } = await page.evaluate(() => window.outcome);
		await page.close();
		if (!said.includes('Done · ')) throw new Error(`the upload ended with: ${said}`);
		return took;
	},

	/** Milliseconds from the address to a row that was clicked and has led somewhere, by a new user. */
	async view({ dataset, row }) {
		const fresh = await browser.newContext({ baseURL: server, storageState: await context().storageState() });
		const page = await fresh.newPage();
		// By the clock of the page, which begins with the navigation: to be asked from outside is slow, and not what people wait for.
		await page.addInitScript((row) => {
			const look = () => {
				const link = [...document.querySelectorAll('a')].find((link) => link.textContent.trim() === row);
				if (link === undefined) return void requestAnimationFrame(look);
				link.click();
				const arrive = () => {
					if (location.pathname.endsWith(`/${row}`)) globalThis.tookToUse = performance.now();
					else setTimeout(arrive);
				};
				arrive();
			};
			requestAnimationFrame(look);
		}, row);
		// With a new window Chromium loads hundreds of scripts of its own, and a user that opens a page has had these for long.
		await page.waitForTimeout(2000);
		await page.goto(`/d/${dataset}`, { waitUntil: 'commit' });
		const took = await (await page.waitForFunction(() => globalThis.tookToUse)).jsonValue();
		await fresh.close();
		return took;
	},

	/**
	 * A folder that is scrolled as by a wheel, sorted and selected: frames a second, the frames that had no row in the middle,
	 * and milliseconds until the others are painted.
	 */
	async scroll({ dataset, row }) {
		const page = await context().newPage();
		await page.goto(`${server}/d/${dataset}/tree/main`);
		await page.getByRole('row', { name: row }).waitFor();
		await page.waitForTimeout(1000);
		await page.evaluate(() => {
			window.seen = { frames: 0, empty: 0, begin: performance.now() };
			const look = () => {
				seen.frames++;
				if (!document.elementFromPoint(innerWidth / 2, innerHeight / 2)?.closest('[role="row"]')) seen.empty++;
				requestAnimationFrame(look);
			};
			requestAnimationFrame(look);
		});
		const session = await context().newCDPSession(page);
		await session.send('Input.synthesizeScrollGesture', { x: 400, y: 300, yDistance: -24_000, speed: 6000, gestureSourceType: 'mouse' });
		const { frames, empty, took } = await page.evaluate(() => ({ ...seen, took: (performance.now() - seen.begin) / 1000 }));
		await page.evaluate(() => scrollTo(0, 0));
		const [sort, select] = await page.evaluate(async () => {
			const painted = async (act, done) => {
				const begin = performance.now();
				act();
				while (!done()) await new Promise((wait) => setTimeout(wait));
				await new Promise((wait) => requestAnimationFrame(() => setTimeout(wait)));
				return performance.now() - begin;
			};
			const header = [...document.querySelectorAll('[role="columnheader"]')].find(({ textContent }) => textContent.includes('Size'));
			const sort = await painted(() => header.querySelector('button').click(), () => header.getAttribute('aria-sort') === 'descending');
			document.querySelectorAll('[role="row"]')[1].focus();
			const keys = new KeyboardEvent('keydown', { key: 'a', ctrlKey: true, bubbles: true, cancelable: true });
			return [sort, await painted(() => document.activeElement.dispatchEvent(keys), () => document.body.textContent.includes('10,000 selected'))];
		});
		await page.close();
		return { rate: frames / took, empty, sort, select };
	},

	/** A page with nothing on it. */
	async blank() {
		await (await context().newPage()).goto('about:blank');
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
program.kill();
await new Promise((ended) => (program.exitCode === null ? program.once('exit', ended) : ended()));
await rm(profile, { recursive: true, force: true });
