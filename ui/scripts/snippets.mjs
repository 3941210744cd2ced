// Prints what "Use in code" shows, for tests that run it. Reads a JSON array of places (src/lib/snippets/snippets.ts) from the
// standard input, and writes for each an object with the snippet of every tool that can load it. `--check` only says whether
// it could.
import { build } from 'esbuild';
import { readFileSync } from 'node:fs';

const entry = new URL('../src/lib/snippets/snippets.ts', import.meta.url).pathname;
const { outputFiles } = await build({ entryPoints: [entry], bundle: true, write: false, format: 'esm', logLevel: 'silent', tsconfigRaw: {} });
const { snippet, toolsFor } = await import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
const places = process.argv.includes('--check') ? [] : JSON.parse(readFileSync(0, 'utf8'));
const printed = places.map((place) => Object.fromEntries(toolsFor(place).map((tool) => [tool, snippet(tool, place)])));
process.stdout.write(JSON.stringify(printed));
