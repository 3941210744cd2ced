// URLs of the pages.
import { datasetUrl, segment, segments, withQuery, type Query } from './api';

/** Pages of a dataset: `pages.tree('ada', 'birds', 'main', 'data')`. */
export const pages = {
	dataset: (owner: string, name: string, rest = '') => `/d/${segment(owner)}/${segment(name)}${rest}`,
	tree: (owner: string, name: string, revision: string, path = '') =>
		pages.dataset(owner, name, `/tree/${segment(revision)}${path === '' ? '' : `/${segments(path)}`}`),
	file: (owner: string, name: string, revision: string, path: string) =>
		pages.dataset(owner, name, `/file/${segment(revision)}/${segments(path)}`),
	history: (owner: string, name: string, revision: string, path = '') =>
		withQuery(pages.dataset(owner, name, `/history/${segment(revision)}`), { path }),
	revision: (owner: string, name: string, revision: string) => pages.dataset(owner, name, `/revision/${segment(revision)}`),
	/** With `path`, this file is expanded; with `table`, only the rows of this table are compared. */
	compare: (owner: string, name: string, from: string, to: string, query: { path?: string; table?: string } = {}) =>
		withQuery(pages.dataset(owner, name, `/compare/${segment(from)}...${segment(to)}`), query),
	/** Discussions and proposals, or one of them; `view` is `changes`, or nothing for the comments. */
	discussions: (owner: string, name: string, number?: number, view = '') =>
		pages.dataset(owner, name, `/discussions${number === undefined ? '' : `/${number}`}${view && `/${view}`}`),
	/** A new discussion, or with `source` a proposal to merge this branch into `target`. */
	newDiscussion: (owner: string, name: string, query: { source?: string; target?: string; title?: string } = {}) =>
		withQuery(pages.dataset(owner, name, '/discussions/new'), query),
	/** `q` is the text of a query, `saved` the path of a saved one. */
	query: (owner: string, name: string, query: { rev?: string; q?: string; saved?: string } = {}) =>
		withQuery(pages.dataset(owner, name, '/query'), query),
	drive: (path = '') => (path === '' ? '/drive' : `/drive/${segments(path)}`),
	notifications: '/account/notifications',
	/** The page of a user or an organisation; `q` and `sort` are about its datasets. */
	owner: (name: string, query: { q?: string; sort?: string } = {}) => withQuery(`/${segment(name)}`, query),
	search: (query: Query = {}) => withQuery('/search', query),
	app: (owner: string, name: string) => `/apps/${segment(owner)}/${segment(name)}`,
	organisationApps: (name: string) => `/o/${segment(name)}/apps`,
	organisation: (name: string) => `/o/${segment(name)}`,
	/** Applications of an owner (by default the user), or one of them; `new` to register one. */
	clients: (query: { owner?: string | null; client?: string } = {}) => withQuery('/account/clients', query)
};

/** Returns the content URL of a file, for display (`inline`) or for download. */
export function raw(owner: string, name: string, revision: string, path: string, inline = true): string {
	return datasetUrl(owner, name, `/raw/${segment(revision)}/${segments(path)}${inline ? '?inline=true' : ''}`);
}

/** Returns the URL of a small picture of an image. Of a commit id, the browser keeps it. */
export function thumbnail(owner: string, name: string, revision: string, path: string): string {
	return datasetUrl(owner, name, `/thumbnail/${segment(revision)}/${segments(path)}`);
}

/** Splits `owner/name` at the last slash. */
export function splitId(id: string): [owner: string, name: string] {
	const slash = id.lastIndexOf('/');
	return [id.slice(0, slash), id.slice(slash + 1)];
}
