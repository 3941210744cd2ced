// Makes the built pages comply with the content security policy: no inline scripts or styles. SvelteKit inlines its start
// script; this moves it to a file with a content hash in its name, so that it can be cached forever.
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';

const dist = new URL('../dist/', import.meta.url).pathname;
const page = join(dist, 'index.html');
let html = readFileSync(page, 'utf8');
let started = 0;
html = html.replace(/<script(?![^>]*\ssrc=)[^>]*>([\s\S]*?)<\/script>/g, (_, script) => {
	const hash = createHash('sha256').update(script).digest('base64url').slice(0, 8);
	const name = `_app/immutable/start.${hash}.js`;
	writeFileSync(join(dist, name), script.replace(/^\t+/gm, '').trim() + '\n');
	started += 1;
	return `<script src="/${name}"></script>`;
});
if (started !== 1) throw new Error(`expected one inline script in the page, found ${started}`);
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
