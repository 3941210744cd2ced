// Measures the script size of each page (gzip) and fails if one exceeds the limit.
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { pages, start } from './chunks.mjs';

const limit = 150 * 1024;
const dist = new URL('../dist/', import.meta.url);

const bytes = new Map();
function size(file) {
	if (!bytes.has(file)) bytes.set(file, gzipSync(readFileSync(new URL(file, dist)), { level: 9 }).length);
	return bytes.get(file);
}

const sizes = pages
	.map(({ route, scripts }) => ({ route, size: [...start.scripts, ...scripts].reduce((sum, file) => sum + size(file), 0) }))
	.sort((a, b) => b.size - a.size);
for (const page of sizes) console.log(`${(page.size / 1024).toFixed(1).padStart(7)} KiB  ${page.route}`);
const [largest] = sizes;
console.log(`largest script size of a page (gzip): ${(largest.size / 1024).toFixed(1)} KiB, limit ${limit / 1024} KiB`);
if (largest.size > limit) {
	console.error(`${largest.route} exceeds the limit`);
	process.exit(1);
}
