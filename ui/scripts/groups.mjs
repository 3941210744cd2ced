// @ts-nocheck The other scripts are not checked, but this one is imported by vite.config.ts.
// Chooses the file of each module that most pages need. By default, Rollup puts modules into one file if exactly the same pages
// need them. That makes many small files, which are larger together: each is compressed by itself, and has headers.

const START = /\/(?:client-optimized\/app|runtime\/client\/entry|client-optimized\/nodes\/[01])\.js$/;
const NODE = /\/client-optimized\/nodes\/\d+\.js$/;
const LAYOUT = /\/routes\/d\/\[owner\]\/\[name\]\/\+layout\.svelte$/;

/** Returns a function for Rollup's `manualChunks`. It needs `onlyExplicitManualChunks`. */
export function groups() {
	let of, graph;
	return (id, { getModuleIds, getModuleInfo }) => {
		if (graph !== getModuleInfo) of = find([...getModuleIds()], (graph = getModuleInfo));
		return of.get(id);
	};
}

/**
 * Returns the names of files by module:
 * - `app` is what all pages need (SvelteKit, the layout and the error page), and what at least half of the pages need;
 * - `dataset` is what all pages of a dataset need besides.
 *
 * Whatever a module of `app` imports is also in `app`, so the files do not import each other in circles. All other modules are
 * left to Rollup: then no page loads one that it does not need.
 */
function find(ids, getModuleInfo) {
	const imported = (roots) => {
		const found = new Set(roots);
		// The set grows during the loop.
		for (const id of found) for (const next of getModuleInfo(id)?.importedIds ?? []) found.add(next);
		return found;
	};
	const start = ids.filter((id) => START.test(id));
	const pages = ids.filter((id) => NODE.test(id) && !start.includes(id)).map((id) => imported([id]));
	const half = ids.filter((id) => pages.filter((page) => page.has(id)).length >= pages.length / 2 && pages.length > 0);
	const names = new Map();
	for (const id of imported(ids.filter((id) => LAYOUT.test(id)))) names.set(id, 'dataset');
	for (const id of [...imported(start), ...half]) names.set(id, 'app');
	return start.length > 0 ? names : new Map();
}
