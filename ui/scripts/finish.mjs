// Makes the built pages comply with the content security policy: no inline scripts or styles. SvelteKit inlines its start
// script; this moves it to a file with a content hash in its name, so that it can be cached forever.
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { start } from './chunks.mjs';
import { starter } from './preload.mjs';
import { catalogues, localize } from './texts.mjs';

const dist = new URL('../dist/', import.meta.url).pathname;
const page = join(dist, 'index.html');
let html = readFileSync(page, 'utf8');
const localized = localize(dist);
/** The name of a script with a `?` where the name of the language comes. */
const named = (file) => (localized.has(file) ? file.replace(/js$/, '?.js') : file);

/** Writes a script and returns the element that loads it. */
function external(name, script) {
	const hash = createHash('sha256').update(script).digest('base64url').slice(0, 8);
	const path = `_app/immutable/${name}.${hash}.js`;
	writeFileSync(join(dist, path), script);
	return `<script src="/${path}"></script>`;
}

let started = 0;
html = html.replace(/<script(?![^>]*\ssrc=)[^>]*>([\s\S]*?)<\/script>/g, (_, script) => {
	started += 1;
	const chosen = script.replace(/import\("\/([^"]+)"\)/g, (whole, file) => (localized.has(file) ? `import(rutter.file("/${named(file)}"))` : whole));
	const label = "document.getElementById('loading').ariaLabel = rutter.words.Loading;\n";
	return external('start', label + chosen.replace(/^\t+/gm, '').trim() + '\n');
});
if (started !== 1) throw new Error(`expected one inline script in the page, found ${started}`);

// What is painted first is loaded first: browsers load only six files at a time over HTTP/1.1.
const sheets = html.match(/^\s*<link [^>]*rel="stylesheet"[^>]*>\n/gm) ?? [];
const theme = '<script src="/_app/first.js"></script>';
if (sheets.length === 0 || !html.includes(theme)) throw new Error('the page has no style sheet, or no script of the theme');
for (const sheet of sheets) html = html.replace(sheet, '');
// SvelteKit also names the sheets of what pages load when they need it, such as dialogs. They come with it.
const needed = sheets.filter((sheet) => start.styles.has(/href="\/([^"]+)"/.exec(sheet)?.[1]));
if (needed.length === 0) throw new Error('none of the style sheets of the page is in the manifest of the build');
// The scripts that every page needs, in the chosen language: the page itself cannot name them.
const scripts = [];
html = html.replace(/^\s*<link [^>]*href="\/([^"]+)"[^>]*rel="modulepreload"[^>]*>\n/gm, (link, file) => (localized.has(file) ? (scripts.push(file), '') : link));
const languages = catalogues().map(({ language, plural, texts }) => ({ language, plural, texts }));
const first = external('first', readFileSync(join(dist, '_app/first.js'), 'utf8') + starter(languages, scripts, named));
html = html.replace(theme, `${needed.map((sheet) => sheet.trim()).join('\n\t\t')}\n\t\t${first}`);
rmSync(join(dist, '_app/first.js'));
if (/\sstyle=|<style|\son[a-z]+=/.test(html)) throw new Error('the page has inline styles or event handlers');
writeFileSync(page, html);

for (const file of readdirSync(join(dist, '_app/immutable'), { recursive: true, encoding: 'utf8' })) {
	if (!file.endsWith('.js')) continue;
	const found = /<[a-z]+[^<>`]*\sstyle="[^"]*"/.exec(readFileSync(join(dist, '_app/immutable', file), 'utf8'));
	if (found) throw new Error(`${file} has an inline style, which the content security policy blocks: ${found[0].slice(0, 120)}`);
}

// Precompress the files at the highest level, instead of compressing every response.
for (const file of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
	if (!/\.(html|js|css|svg|json|wasm)$/.test(file)) continue;
	const bytes = readFileSync(join(dist, file));
	if (bytes.length < 1024) continue;
	writeFileSync(join(dist, `${file}.br`), brotliCompressSync(bytes));
	writeFileSync(join(dist, `${file}.gz`), gzipSync(bytes, { level: 9 }));
}
