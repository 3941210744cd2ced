// Prints the texts that are not translated yet (`npm run strings`). With `--check`, fails if src/locales does not have exactly
// the texts of the sources: `wuchale check --full` compares the places of the texts, too, and reports changes where none are.
import { readFileSync, readdirSync } from 'node:fs';
import PO from 'pofile';
import config from '../wuchale.config.js';

const root = new URL('..', import.meta.url);
const folder = new URL('src/locales/', root);
const read = (file) => PO.parse(readFileSync(new URL(file, folder), 'utf8')).items.filter(({ obsolete }) => !obsolete);
const keyOf = (texts, context) => [...texts, context].filter(Boolean).join('\n').trim();

if (process.argv.includes('--check')) {
	const known = new Set(read('en.po').map(({ msgid, msgid_plural, msgctxt }) => keyOf([msgid, msgid_plural], msgctxt)));
	const found = new Set();
	for (const name of readdirSync(new URL('src', root), { recursive: true, encoding: 'utf8' })) {
		const filename = `src/${name}`;
		const adapter = /\.svelte$/.test(name) ? config.adapters.svelte : /(?<!\.d|\.test)\.ts$/.test(name) ? config.adapters.typescript : null;
		if (!adapter || name.startsWith('locales/')) continue;
		const numbers = { get: () => 0 };
		const { msgs } = await adapter.transform({ content: readFileSync(new URL(filename, root), 'utf8'), filename, index: numbers, expr: {}, matchUrl: () => null });
		for (const { msgStr, context } of msgs) found.add(keyOf(msgStr, context));
	}
	const missing = [...found].filter((key) => !known.has(key));
	const stale = [...known].filter((key) => !found.has(key));
	for (const key of missing) console.error(`not in src/locales: ${JSON.stringify(key)}`);
	for (const key of stale) console.error(`not in the sources any more: ${JSON.stringify(key)}`);
	if (missing.length + stale.length > 0) {
		console.error('Run `npm run strings` in ui, and translate what it prints.');
		process.exit(1);
	}
} else {
	for (const file of readdirSync(folder).filter((name) => /\.po$/.test(name) && name !== 'en.po')) {
		const items = read(file).filter(({ msgstr }) => msgstr.length === 0 || msgstr.includes(''));
		console.log(`src/locales/${file}: ${items.length === 0 ? 'complete' : `${items.length} not translated`}`);
		for (const { msgid, references } of items) console.log(`  ${JSON.stringify(msgid)} (${references[0]})`);
	}
}
