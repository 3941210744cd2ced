// The texts in all languages: each is translated, with the same placeholders and elements as in English.
import { readdirSync, readFileSync } from 'node:fs';
import PO from 'pofile';
import { expect, it } from 'vitest';

const folder = new URL('.', import.meta.url);
const read = (language: string) => PO.parse(readFileSync(new URL(`${language}.po`, folder), 'utf8'));
const keyOf = ({ msgid, msgid_plural, msgctxt }: InstanceType<typeof PO.Item>) => [msgctxt, msgid, msgid_plural].filter(Boolean).join(' | ');
/** The placeholders and elements of a text. */
const parts = (text: string) => [...text.matchAll(/\{\d+\}|<\/?\d+\/?>/g)].map(([part]) => part).sort();

const english = read('en').items.filter((item) => !item.obsolete);
const others = readdirSync(folder, 'utf8').flatMap((file) => (/^(.+)\.po$/.exec(file)?.[1] ?? 'en') === 'en' ? [] : [file.slice(0, -3)]);

it.each(others)('has all texts in %s: run `npm run strings` in ui/, and translate what is missing in src/locales', (language) => {
	const { items, headers } = read(language);
	const forms = Number(/nplurals=(\d+)/.exec(headers['Plural-Forms'] ?? '')?.[1]);
	const known = new Map(items.filter((item) => !item.obsolete).map((item) => [keyOf(item), item]));
	const missing = english.filter((item) => {
		const texts = known.get(keyOf(item))?.msgstr ?? [];
		return texts.length !== (item.msgid_plural ? forms : 1) || texts.some((text) => text === '');
	});
	expect(missing.map(keyOf)).toEqual([]);
	expect([...known.keys()].filter((key) => !english.some((item) => keyOf(item) === key))).toEqual([]);
});

it.each(others)('has the placeholders of each text in %s', (language) => {
	const wrong = read(language).items.filter(
		({ msgid, msgid_plural, msgstr, obsolete }) => !obsolete && msgstr.some((text) => text !== '' && String(parts(text)) !== String(parts(msgid_plural || msgid)))
	);
	expect(wrong.map(keyOf)).toEqual([]);
});
