// Makes the script that starts to load what the current page needs while the first script is still loading: the files of
// the page, and the answers of the API that it asks for first. Without it, each of the two waits for the one before.
import { pages } from './chunks.mjs';

/** Returns a regular expression for the paths of a route of SvelteKit. */
function pattern(route) {
	const parts = route.split('/').filter(Boolean);
	const of = (part) => (part.startsWith('[...') ? '(?:/.*)?' : part.startsWith('[[') ? '(?:/[^/]+)?' : part.startsWith('[') ? '/([^/]+)' : `/${part}`);
	return `^${parts.map(of).join('')}/?$`;
}

/** Runs in the browser. */
function preload(files, routes) {
	const found = routes.map(([pattern, ...lists]) => [new RegExp(pattern).exec(location.pathname), ...lists]).find(([match]) => match);
	const add = (rel, as, href) => {
		const link = document.createElement('link');
		Object.assign(link, { rel, as, href });
		// As the requests that follow, or the answers would not be used for them.
		if (as !== 'script') link.crossOrigin = 'anonymous';
		document.head.append(link);
	};
	add('preload', 'fetch', '/api/v1/session');
	if (!found) return;
	const [match, styles, scripts, isDataset] = found;
	for (const file of styles) add('preload', 'style', `/${files[file]}`);
	for (const file of scripts) add('modulepreload', 'script', `/${files[file]}`);
	if (isDataset) add('preload', 'fetch', `/api/v1/datasets/${match[1]}/${match[2]}`);
}

// Names sort before parameters, and a route is chosen before the ones that also match its paths.
const key = ({ route }) => route.replaceAll('[', '~');
const sorted = [...pages].sort((a, b) => (key(a) < key(b) ? -1 : 1));
const files = [...new Set(sorted.flatMap(({ styles, scripts }) => [...styles, ...scripts]))];
const numbers = (list) => list.map((file) => files.indexOf(file));
const routes = sorted.map(({ route, styles, scripts }) => [pattern(route), numbers(styles), numbers(scripts), route.startsWith('/d/[owner]/[name]') ? 1 : 0]);

export const script = `(${preload})(${JSON.stringify(files)}, ${JSON.stringify(routes)});\n`;
