// The files of the built pages, from the manifest of the build.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = new URL('..', import.meta.url).pathname;
const manifest = join(root, '.svelte-kit/output/client/.vite/manifest.json');
if (!existsSync(manifest)) throw new Error('run `npm run build` first');
const chunks = JSON.parse(readFileSync(manifest, 'utf8'));
const nodes = join(root, '.svelte-kit/generated/client-optimized/nodes');

/** Adds a chunk and all its static imports: scripts and style sheets. */
function add(key, found = { scripts: new Set(), styles: new Set() }) {
	const chunk = chunks[key];
	if (!chunk || found.scripts.has(chunk.file)) return found;
	found.scripts.add(chunk.file);
	for (const sheet of chunk.css ?? []) found.styles.add(sheet);
	for (const next of chunk.imports ?? []) add(next, found);
	return found;
}

/** What every page needs: the start script, the layout and the error page. */
export const start = { scripts: new Set(), styles: new Set() };
for (const key of Object.keys(chunks)) {
	if (/client\/entry\.js$|generated\/client-optimized\/app\.js$|nodes\/[01]\.js$/.test(key)) add(key, start);
}

const nodesOf = Object.keys(chunks).flatMap((key) => {
	const match = /nodes\/(\d+)\.js$/.exec(key);
	if (!match || Number(match[1]) < 2) return [];
	const source = readFileSync(join(nodes, `${match[1]}.js`), 'utf8');
	const [, route = '', kind] = /routes\/?(.*?)\/?\+(page|layout)(?:@[^.]*)?\.svelte/.exec(source) ?? [];
	return [{ key, route: `/${route}`, kind }];
});

/** All pages: the route, and what each needs besides `start`, with the layouts above it. */
export const pages = nodesOf
	.filter((node) => node.kind === 'page')
	.map(({ key, route }) => {
		const found = add(key);
		for (const above of nodesOf) if (above.kind === 'layout' && route.startsWith(above.route)) add(above.key, found);
		const own = (of) => [...found[of]].filter((file) => !start[of].has(file));
		return { route, scripts: own('scripts'), styles: own('styles') };
	});
if (pages.length === 0) throw new Error('no pages were found');
