// Measures the script size of each page (gzip), in the language where it is largest, and fails if one exceeds the limit.
import { existsSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { pages, start } from './chunks.mjs';
import { catalogues } from './texts.mjs';

const limit = 120 * 1024;
const dist = new URL('../dist/', import.meta.url);

const bytes = new Map();
function size(file) {
	if (!bytes.has(file)) bytes.set(file, gzipSync(readFileSync(new URL(file, dist)), { level: 9 }).length);
	return bytes.get(file);
}

/** The name of a script in a language. */
function named(file, language) {
	const other = file.replace(/js$/, `${language}.js`);
	return existsSync(new URL(other, dist)) ? other : file;
}

const sizes = pages
	.flatMap(({ route, scripts }) =>
		catalogues().map(({ language }) => ({ route, language, size: [...start.scripts, ...scripts].reduce((sum, file) => sum + size(named(file, language)), 0) }))
	)
	.sort((a, b) => b.size - a.size)
	.filter(({ route }, index, all) => all.findIndex((one) => one.route === route) === index);
for (const page of sizes) console.log(`${(page.size / 1024).toFixed(1).padStart(7)} KiB  ${page.route} (${page.language})`);
const [largest] = sizes;
console.log(`largest script size of a page (gzip): ${(largest.size / 1024).toFixed(1)} KiB, limit ${limit / 1024} KiB`);
if (largest.size > limit) {
	console.error(`${largest.route} exceeds the limit`);
	process.exit(1);
}
