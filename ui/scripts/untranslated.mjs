// Prints the texts that are not translated yet, for each language (`npm run strings`).
import { readFileSync, readdirSync } from 'node:fs';
import PO from 'pofile';

const folder = new URL('../src/locales/', import.meta.url);
for (const file of readdirSync(folder).filter((name) => /\.po$/.test(name) && name !== 'en.po')) {
	const items = PO.parse(readFileSync(new URL(file, folder), 'utf8')).items.filter(({ obsolete, msgstr }) => !obsolete && (msgstr.length === 0 || msgstr.includes('')));
	console.log(`src/locales/${file}: ${items.length === 0 ? 'complete' : `${items.length} not translated`}`);
	for (const { msgid, references } of items) console.log(`  ${JSON.stringify(msgid)} (${references[0]})`);
}
