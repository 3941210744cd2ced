// @ts-nocheck The other scripts are not checked, but this one is imported by vite.config.ts.
// Puts the texts of each language into the scripts. wuchale replaces the texts of the sources by numbers in the catalogue;
// this makes marks of them, `@text:12@`, which stand in the built scripts where the English texts stood. Then `localize`
// writes each script that has some once for each language: `x.HASH.js` in English and `x.HASH.de.js` in German. So a page
// loads neither a catalogue nor another language's texts, and no script waits for texts.
import { parse } from 'acorn';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const folder = new URL('../src/locales/', import.meta.url).pathname;
const MARK = /@text:([acp]?)(\d+)@/g;

/** The languages with their texts, as lists of parts, and their plural rules. The first is the one of the sources. */
export function catalogues() {
	const { locales } = read('data.js', /locales = (\[.*\])/, (list) => ({ locales: JSON.parse(list.replaceAll("'", '"')) }));
	return locales.map((language) => {
		const file = `.wuchale/svelte.svelte.${language}.compiled.js`;
		const texts = read(file, /export let c = (\[.*\])$/m, JSON.parse);
		return { language, texts, plural: read(file, /export let p = .*? => (.*)$/m, (rule) => rule, 'n == 1 ? 0 : 1') };
	});
}

function read(file, pattern, parsed, without) {
	const [, found] = pattern.exec(existsSync(join(folder, file)) ? readFileSync(join(folder, file), 'utf8') : '') ?? [];
	if (found === undefined && without === undefined) throw new Error(`src/locales/${file} is not what wuchale writes: run \`npm run strings\``);
	return found === undefined ? without : parsed(found);
}

/**
 * Vite plugin, after the one of wuchale.
 * @returns {import('vite').Plugin}
 */
export function texts() {
	let all;
	return {
		name: 'texts',
		transform: {
			order: 'pre',
			handler(code, id) {
				if (!code.includes('__text')) return null;
				const page = id.includes('.svelte')
					? code
							// Text with values needs no component, only text with elements.
							.replace(/\n<W_tx_ x=\{__text\.c\((\d+)\)\} a=\{\[([\s\S]*?)\]\} \/>\n/g, '{__text($1, [$2])}')
							.replace(/=\{__text\((\d+)\)\}/g, '="@text:$1@"')
							.replace(/(?<!\$)\{__text\((\d+)\)\}/g, '@text:$1@')
					: code;
				const marked = page
					.replace(/__text\((\d+)\)/g, "'@text:$1@'")
					.replace(/__text\((\d+), \[/g, "__text('@text:a$1@', [")
					.replace(/__text\.([cp])\((\d+)\)/g, "'@text:$1$2@'");
				return { code: marked, map: null };
			}
		},
		// The name of a file has a hash of its content: also of the texts that come into it later.
		augmentChunkHash(chunk) {
			all ??= catalogues();
			const numbers = Object.values(chunk.modules).flatMap(({ code }) => [...(code ?? '').matchAll(MARK)].map((found) => Number(found[2])));
			return numbers.length === 0 ? undefined : JSON.stringify(numbers.map((number) => all.map(({ texts }) => texts[number])));
		}
	};
}

const inHtml = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
const escaped = (text, quote) => (quote === '`' ? text.replace(/[\\`]|\$(?=\{)/g, '\\$&') : JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll(quote, `\\${quote}`));

/**
 * Returns the strings and templates of a script that have marks, in their order. A text with values is a call, as in
 * `text('@text:a12@', [name])`: with its `end` and the places of its values, it becomes a template.
 */
function marked(code, file) {
	const found = [];
	const within = (list, node) => {
		if (Array.isArray(node)) for (const one of node) within(list, one);
		if (typeof node?.type !== 'string') return;
		if (node.type === 'CallExpression' && /^@text:a/.test(node.arguments[0]?.value) && node.arguments[1]?.type === 'ArrayExpression') {
			const values = node.arguments[1].elements.map((element) => {
				const inner = [];
				within(inner, element);
				return { start: element.start, end: element.end, places: inner };
			});
			list.push({ start: node.start, end: node.end, number: Number(/\d+/.exec(node.arguments[0].value)[0]), values });
		} else if ((node.type === 'TemplateElement' || (node.type === 'Literal' && typeof node.value === 'string')) && code.slice(node.start, node.end).includes('@text:')) {
			list.push({ start: node.start, end: node.end, isString: node.type === 'Literal' });
		} else for (const key in node) if (typeof node[key] === 'object' && node[key] !== null) within(list, node[key]);
	};
	within(found, parse(code, { ecmaVersion: 'latest', sourceType: 'module' }));
	if (code.includes('@text:') && found.length === 0) throw new Error(`${file} has texts outside of strings`);
	return found.sort((one, other) => one.start - other.start);
}

/** Returns a script, or the part of it from `start` to `end`, with the texts of a language. */
function filled(code, places, catalogue, start = 0, end = code.length) {
	const { language, texts } = catalogue;
	const of = (number) => {
		if (!texts[number]) throw new Error(`a text is not in src/locales/${language}.po: run \`npm run strings\``);
		return texts[number];
	};
	const list = (value) => (typeof value === 'string' ? [value] : value);
	const inPlace = ({ isString, ...place }) => {
		if (place.values) {
			const values = place.values.map((value) => filled(code, value.places, catalogue, value.start, value.end));
			return `\`${list(of(place.number)).map((part) => (typeof part === 'number' ? `\${${values[part]}}` : escaped(part, '`'))).join('')}\``;
		}
		const raw = code.slice(place.start, place.end);
		const [whole, kind, number] = /^.@text:([acp]?)(\d+)@.$/.exec(raw) ?? [];
		if (isString && whole) return JSON.stringify(kind === '' ? of(number) : list(of(number)));
		const html = !isString && /<[a-z!/]/i.test(raw);
		return raw.replace(MARK, (mark, kind, number) => {
			const text = of(number);
			if (kind !== '' || typeof text !== 'string') throw new Error(`${mark} (${JSON.stringify(text)}) stands inside of ${raw.slice(0, 80)}`);
			return escaped(html ? inHtml(text) : text, isString ? raw[0] : '`');
		});
	};
	let out = '';
	let at = start;
	for (const place of places) {
		out += code.slice(at, place.start) + inPlace(place);
		at = place.end;
	}
	return out + code.slice(at, end);
}

/** Writes the scripts of each language, and returns the names of those that differ between languages. */
export function localize(dist) {
	const root = join(dist, '_app/immutable');
	const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.js'));
	const scripts = new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')]));
	const names = new Map(files.map((file) => [basename(file, '.js'), file]));
	const mentioned = new Map(files.map((file) => [file, [...scripts.get(file).matchAll(/([\w.-]+)\.js\b/g)].map(([, name]) => names.get(name)).filter(Boolean)]));
	const differ = new Set(files.filter((file) => scripts.get(file).includes('@text:')));
	// Also those that load them.
	for (let before = -1; before !== differ.size; ) {
		before = differ.size;
		for (const [file, others] of mentioned) if (others.some((other) => differ.has(other))) differ.add(file);
	}
	const [source, ...others] = catalogues();
	for (const file of differ) {
		const code = scripts.get(file);
		const places = code.includes('@text:') ? marked(code, file) : [];
		writeFileSync(join(root, file), filled(code, places, source));
		for (const catalogue of others) {
			const text = filled(code, places, catalogue).replace(/([\w.-]+)\.js\b/g, (name, base) => (differ.has(names.get(base)) ? `${base}.${catalogue.language}.js` : name));
			writeFileSync(join(root, file.replace(/js$/, `${catalogue.language}.js`)), text);
		}
	}
	return new Set([...differ].map((file) => `_app/immutable/${file}`));
}
