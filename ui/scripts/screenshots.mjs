// Takes screenshots of the main pages of a running server, in light and dark mode:
//   RUTTER_URL=http://127.0.0.1:8080 SCREENSHOT_USER=demo SCREENSHOT_PASSWORD=… npm run screenshots
// SCREENSHOT_DATASET is the dataset (default demo/air-quality, created by `make run`), SCREENSHOT_FOLDER the output folder
// (default ../docs/pictures), CHROMIUM the browser.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const server = process.env.RUTTER_URL ?? 'http://127.0.0.1:8080';
const login = process.env.SCREENSHOT_USER ?? 'demo';
const password = process.env.SCREENSHOT_PASSWORD;
const dataset = process.env.SCREENSHOT_DATASET ?? 'demo/air-quality';
const folder = process.env.SCREENSHOT_FOLDER ?? new URL('../../docs/pictures', import.meta.url).pathname;
const slash = dataset.lastIndexOf('/');
const at = `/d/${encodeURIComponent(dataset.slice(0, slash))}/${encodeURIComponent(dataset.slice(slash + 1))}`;

const pages = [
	{ name: 'home', path: '/' },
	{ name: 'dataset', path: at },
	{ name: 'table', path: `${at}/file/main/data/readings.parquet` },
	{ name: 'history', path: `${at}/history/main` },
	{ name: 'compare', path: `${at}/compare/v1.0...main` },
	{ name: 'drive', path: '/drive' },
	{ name: 'dataset-phone', path: at, width: 390, height: 800 }
];

mkdirSync(folder, { recursive: true });
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
try {
	for (const scheme of ['light', 'dark']) {
		const context = await browser.newContext({ colorScheme: scheme, baseURL: server, reducedMotion: 'reduce' });
		if (password !== undefined) {
			const answer = await context.request.post('/api/v1/session', { data: { login, password }, headers: { origin: server } });
			if (!answer.ok()) throw new Error(`${login} cannot sign in: ${answer.status()} ${await answer.text()}`);
		}
		for (const { name, path, width = 1280, height = 800 } of pages) {
			const page = await context.newPage();
			page.on('pageerror', (error) => console.error(`${path}: ${error.message}`));
			await page.setViewportSize({ width, height });
			await page.goto(path);
			await page.waitForLoadState('networkidle');
			await page.evaluate(() => document.fonts.ready);
			const file = join(folder, `${name}-${scheme}.webp`);
			// Playwright does not support WebP, which is a third of the size of PNG.
			const browserSide = await context.newCDPSession(page);
			const { data } = await browserSide.send('Page.captureScreenshot', { format: 'webp', quality: 85 });
			writeFileSync(file, Buffer.from(data, 'base64'));
			console.log(file);
			await page.close();
		}
		await context.close();
	}
} finally {
	await browser.close();
}
