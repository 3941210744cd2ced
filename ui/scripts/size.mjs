// Measures the script size of each page (gzip) and fails if one exceeds the limit.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const limit = 150 * 1024;
const root = new URL('..', import.meta.url).pathname;
const manifest = join(root, '.svelte-kit/output/client/.vite/manifest.json');
if (!existsSync(manifest)) throw new Error('run `npm run build` first');
const chunks = JSON.parse(readFileSync(manifest, 'utf8'));
const nodes = join(root, '.svelte-kit/generated/client-optimized/nodes');

/** Returns a chunk and all its static imports. */
function closure(key, found = new Set()) {
	const chunk = chunks[key];
	if (!chunk || found.has(chunk.file)) return found;
	found.add(chunk.file);
	for (const next of chunk.imports ?? []) closure(next, found);
	return found;
}

const bytes = new Map();
function size(file) {
	if (!bytes.has(file)) bytes.set(file, gzipSync(readFileSync(join(root, 'dist', file)), { level: 9 }).length);
	return bytes.get(file);
}

// Every page needs the start script, the layout and the error page.
const start = new Set();
for (const key of Object.keys(chunks)) {
	if (/client\/entry\.js$|generated\/client-optimized\/app\.js$|nodes\/[01]\.js$/.test(key)) closure(key, start);
}

const nodesOf = Object.keys(chunks).flatMap((key) => {
	const match = /nodes\/(\d+)\.js$/.exec(key);
	if (!match || Number(match[1]) < 2) return [];
	const source = readFileSync(join(nodes, `${match[1]}.js`), 'utf8');
	const [, route = '', kind] = /routes\/?(.*?)\/?\+(page|layout)(?:@[^.]*)?\.svelte/.exec(source) ?? [];
	return [{ key, route: `/${route}`, kind }];
});
// A page includes the layouts above it.
const pages = nodesOf
	.filter((node) => node.kind === 'page')
	.map(({ key, route }) => {
		const files = closure(key, new Set(start));
		for (const above of nodesOf) if (above.kind === 'layout' && route.startsWith(above.route)) closure(above.key, files);
		return { route, size: [...files].reduce((sum, file) => sum + size(file), 0) };
	});
pages.sort((a, b) => b.size - a.size);
for (const page of pages) console.log(`${(page.size / 1024).toFixed(1).padStart(7)} KiB  ${page.route}`);
const largest = pages[0];
if (!largest) throw new Error('no pages were found');
console.log(`largest script size of a page (gzip): ${(largest.size / 1024).toFixed(1)} KiB, limit ${limit / 1024} KiB`);
if (largest.size > limit) {
	console.error(`${largest.route} exceeds the limit`);
	process.exit(1);
}
