/** Test environment: a server, pages of another origin that use the built library, and a browser. */

import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, open as openFile, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as listen } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Browser, chromium, type Page } from 'playwright-core';

const run = promisify(execFile);

const dist = new URL('../dist/', import.meta.url).pathname;

const PAGE = `<!doctype html><meta charset="utf-8"><title>Upload</title>
<input type="file" multiple><script type="module" src="/page.js"></script>`;

/** Defines the globals of the page that tests use. */
const SCRIPT = `
import * as sdk from '/sdk/upload.js';
window.sdk = sdk;
window.files = () => [...document.querySelector('input').files];
window.events = [];
window.watch = (event) => window.events.push(event);
/** Makes an outcome serializable. */
window.outcome = (done) => done.then(
	(result) => ({ result }),
	(error) => ({ error: { name: error.name, code: error.code, message: error.message, status: error.status, file: error.file } })
);
`;

export interface World {
	server: string;
	pages: string;
	folder: string;
	browser: Browser;
	token: string;
	/** Runs a CLI command. */
	rutter: (...command: string[]) => Promise<string>;
	/** Creates a private dataset of `ada`. */
	dataset: (name: string) => Promise<string>;
	/** Sends an API request as `ada`. */
	api: (path: string, init?: RequestInit) => Promise<Response>;
	/** Opens a page with the library; its console errors are collected. */
	page: () => Promise<Page & { problems: string[] }>;
	/** Opens such a page on the origin of the server. */
	ownPage: () => Promise<Page & { problems: string[] }>;
	/** Creates a sparse file that starts with `head`. */
	file: (name: string, size: number, head?: string) => Promise<string>;
	/** Kills the server; `start` restarts it on the same port with the same data. */
	stop: () => Promise<void>;
	start: () => Promise<void>;
	end: () => Promise<void>;
}

export async function world(config = ''): Promise<World> {
	const binary = process.env.RUTTER_BIN;
	if (binary === undefined) throw new Error('set RUTTER_BIN to the path of the server (cargo build --bin rutter)');
	const folder = await mkdtemp(join(process.env.RUTTER_TEST_FOLDER ?? tmpdir(), 'rutter-upload-'));
	const data = join(folder, 'data');
	await writeFile(join(folder, 'rutter.toml'), config);
	const port = await freePort();
	const server = `http://127.0.0.1:${port}`;
	const settings = ['--data', data, '--config', join(folder, 'rutter.toml')];
	// RUTTER_* variables of the tests must not configure the server.
	const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('RUTTER_')));
	let child: ChildProcess | undefined;
	const start = async () => {
		child = spawn(binary, ['serve', '--listen', `127.0.0.1:${port}`, '--public-url', server, ...settings], { env, stdio: ['ignore', 'ignore', process.env.RUTTER_TEST_LOG === undefined ? 'ignore' : 'inherit'] });
		for (let tries = 0; tries < 200; tries++) {
			if (await fetch(`${server}/readyz`).then((reply) => reply.ok, () => false)) return;
			await new Promise((wait) => setTimeout(wait, 50));
		}
		child.kill('SIGKILL');
		throw new Error('the server did not become ready');
	};
	const stop = async () => {
		const ended = new Promise((done) => child?.once('exit', done));
		child?.kill('SIGKILL');
		await ended;
	};
	await start();
	const rutter = async (...command: string[]) => (await run(binary, [...command, ...settings], { env })).stdout.trim();
	await rutter('user', 'add', 'ada', '--email', 'ada@example.org');
	const token = await rutter('token', 'add', 'ada', '--name', 'test');
	const api = (path: string, init: RequestInit = {}) =>
		fetch(`${server}${path}`, { ...init, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...init.headers } });
	const files = await serve(server);
	const open = async (origin: string) => {
		const context = await browser.newContext();
		const page = Object.assign(await context.newPage(), { problems: [] as string[] });
		page.on('pageerror', (error) => page.problems.push(String(error)));
		page.on('console', (message) => {
			if (message.type() === 'error') page.problems.push(message.text());
		});
		if (origin === server) {
			await context.route(`${server}/_test/**`, async (route) => {
				const path = new URL(route.request().url()).pathname.slice('/_test'.length);
				const reply = await fetch(`${pages}${path}`);
				const type = reply.headers.get('content-type') ?? 'text/plain';
				await route.fulfill({ status: reply.status, contentType: type, body: (await reply.text()).replaceAll("'/sdk/", "'/_test/sdk/").replaceAll('"/page.js', '"/_test/page.js') });
			});
		}
		await page.goto(origin === server ? `${server}/_test/` : origin);
		await page.waitForFunction('window.sdk !== undefined');
		return page;
	};
	const pages = `http://127.0.0.1:${(files.address() as AddressInfo).port}`;
	const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--enable-precise-memory-info'] });
	return {
		server,
		pages,
		folder,
		browser,
		token,
		rutter,
		api,
		stop,
		start,
		dataset: async (name) => {
			const reply = await api('/api/v1/datasets', { method: 'POST', body: JSON.stringify({ id: `ada/${name}` }) });
			if (!reply.ok) throw new Error(await reply.text());
			return `ada/${name}`;
		},
		page: () => open(pages),
		ownPage: () => open(server),
		file: async (name, size, head = '') => {
			const path = join(folder, name);
			const file = await openFile(path, 'w');
			await file.truncate(size);
			if (head !== '') await file.write(head, 0);
			await file.close();
			return path;
		},
		end: async () => {
			await browser.close();
			files.close();
			await stop();
			await rm(folder, { recursive: true, force: true });
		}
	};
}

/** Serves the page with the same content security policy as the pages of the server. */
async function serve(server: string): Promise<Server> {
	const policy = `default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self' ${server} http://127.0.0.1:*`;
	const pages = createServer(async (request, response) => {
		const path = new URL(request.url ?? '/', 'http://page').pathname;
		const name = path.startsWith('/sdk/') && !path.includes('..') ? join(dist, path.slice('/sdk/'.length)) : undefined;
		const type = path === '/' ? 'text/html' : path.endsWith('.js') ? 'text/javascript' : 'application/json';
		const text = path === '/' ? PAGE : path === '/page.js' ? SCRIPT : name === undefined ? undefined : await readFile(name, 'utf8').catch(() => undefined);
		response.writeHead(text === undefined ? (path === '/favicon.ico' ? 204 : 404) : 200, { 'content-type': type, 'content-security-policy': policy });
		response.end(text);
	});
	await new Promise<void>((ready) => pages.listen(0, '127.0.0.1', ready));
	return pages;
}

async function freePort(): Promise<number> {
	const probe = listen();
	await new Promise<void>((ready) => probe.listen(0, '127.0.0.1', ready));
	const { port } = probe.address() as AddressInfo;
	await new Promise((done) => probe.close(done));
	return port;
}
