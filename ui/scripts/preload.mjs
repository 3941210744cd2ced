// Makes the script that chooses the language, and starts to load what the current page needs while the first script is still
// loading: the files of the page, in that language, and the answers of the API that it asks for first. Without it, each of
// the two waits for the one before.
import { pages } from './chunks.mjs';

/** Returns a regular expression for the paths of a route of SvelteKit. */
function pattern(route) {
	const parts = route.split('/').filter(Boolean);
	const of = (part) => (part.startsWith('[...') ? '(?:/.*)?' : part.startsWith('[[') ? '(?:/[^/]+)?' : part.startsWith('[') ? '/([^/]+)' : `/${part}`);
	return `^${parts.map(of).join('')}/?$`;
}

/** Runs in the browser: the language is what the user has chosen, or the first of the browser's that there is. */
function choose(languages, words) {
	const codes = Object.keys(languages);
	let chosen = null;
	try {
		chosen = localStorage.getItem('language');
	} catch {
		// Storage is blocked: use the languages of the browser.
	}
	const known = [chosen, ...navigator.languages].map((code) => codes.find((one) => one === code) ?? codes.find((one) => one === code?.split('-')[0]));
	const language = known.find(Boolean) ?? codes[0];
	document.documentElement.lang = language;
	globalThis.rutter = {
		language,
		languages: codes,
		plural: languages[language],
		words: words[language],
		file: (name) => name.replace('?.js', language === codes[0] ? 'js' : `${language}.js`)
	};
}

/** Runs in the browser. */
function preload(start, files, routes) {
	const found = routes.map(([pattern, ...lists]) => [new RegExp(pattern).exec(location.pathname), ...lists]).find(([match]) => match);
	const add = (rel, as, href) => {
		const link = document.createElement('link');
		Object.assign(link, { rel, as, href });
		// As the requests that follow, or the answers would not be used for them.
		if (as !== 'script') link.crossOrigin = 'anonymous';
		document.head.append(link);
	};
	const [match, styles = [], scripts = [], isDataset] = found ?? [];
	add('preload', 'fetch', '/api/v1/session');
	if (isDataset) add('preload', 'fetch', `/api/v1/datasets/${match[1]}/${match[2]}`);
	// The rest after the first paint, which it would delay on a slow device. In the background there is none.
	const rest = () => {
		for (const file of start) add('modulepreload', 'script', `/${rutter.file(file)}`);
		for (const file of styles) add('preload', 'style', `/${files[file]}`);
		for (const file of scripts) add('modulepreload', 'script', `/${rutter.file(files[file])}`);
	};
	if (document.hidden) rest();
	else requestAnimationFrame(() => setTimeout(rest));
}

// Names sort before parameters, and a route is chosen before the ones that also match its paths.
const key = ({ route }) => route.replaceAll('[', '~');
const sorted = [...pages].sort((a, b) => (key(a) < key(b) ? -1 : 1));
const files = [...new Set(sorted.flatMap(({ styles, scripts }) => [...styles, ...scripts]))];
const numbers = (list) => list.map((file) => files.indexOf(file));
const routes = sorted.map(({ route, styles, scripts }) => [pattern(route), numbers(styles), numbers(scripts), route.startsWith('/d/[owner]/[name]') ? 1 : 0]);

/** What is shown while the application loads, or cannot be loaded: src/lib/start.ts. */
const WORDS = ['Loading', 'rutter could not be loaded', 'Check your connection and try again.', 'Try again'];

/**
 * Returns the script. `languages` have their texts and plural rules, `start` are the scripts that every page needs, and `named` returns
 * the name of a script with a `?` for its language.
 */
export function starter(languages, start, named) {
	const words = Object.fromEntries(languages.map(({ language, texts }) => [language, Object.fromEntries(WORDS.map((word) => [word, texts[languages[0].texts.indexOf(word)]]))]));
	const rules = languages.map(({ language, plural }) => `${JSON.stringify(language)}: (n) => Number(${plural})`);
	const lists = [start.map(named), files.map(named), routes].map((list) => JSON.stringify(list));
	return `(${choose})({ ${rules.join(', ')} }, ${JSON.stringify(words)});\n(${preload})(${lists.join(', ')});\n`;
}
