// What the editor completes, and the page lists: tables, columns and revisions of datasets. Each is requested once.
import { all, ApiError, datasetUrl, request, segment, segments, send } from '$lib/api';
import type { Branch, Dataset, Entry, Page, TableColumn, TableInfo, TableRows, Tag } from '$lib/types';
import { splitId } from '$lib/urls';
import { listedTables, QUERIES, savedQueries, splitDataset, type TableName } from './names';

/** Maximum number of tables of a dataset that are listed, and of files in the folder of its saved queries. */
const MOST = 5000;

export interface Content {
	tables: TableName[];
	/** Paths of saved queries. */
	saved: string[];
}

export class Catalogue {
	readonly #content = new Map<string, Promise<Content>>();
	readonly #columns = new Map<string, Promise<TableColumn[]>>();
	readonly #revisions = new Map<string, Promise<string[]>>();
	readonly #branches = new Map<string, Promise<string>>();

	/** Returns the tables and saved queries of `owner/dataset[@revision]`. */
	content(dataset: string): Promise<Content> {
		return once(this.#content, dataset, async () => {
			const { url, revision } = await this.#resolve(dataset);
			const path = `${url}/tables/${segment(revision)}`;
			const tables = all((cursor) => request<Page<TableInfo>>('GET', path, { query: { limit: 1000, cursor } }), MOST);
			const [listed, saved] = await Promise.all([tables, queryFiles(url, revision)]);
			return { tables: listedTables(listed), saved: savedQueries(saved) };
		});
	}

	columns(dataset: string, table: string): Promise<TableColumn[]> {
		return once(this.#columns, `${dataset}\n${table}`, async () => {
			const { url, revision } = await this.#resolve(dataset);
			const rows = await request<TableRows>('GET', `${url}/rows/${segment(revision)}/${segments(table)}`, { query: { limit: 1, format: 'json' } });
			return rows.fields;
		});
	}

	/** Returns branches, then tags, the newest first. */
	revisions(id: string): Promise<string[]> {
		return once(this.#revisions, id, async () => {
			const url = datasetUrl(...splitId(id));
			const [branches, tags] = await Promise.all([
				request<Page<Branch>>('GET', `${url}/branches`, { query: { limit: 1000 } }),
				request<Page<Tag>>('GET', `${url}/tags`, { query: { limit: 1000 } })
			]);
			return [...branches.items, ...tags.items.toReversed()].map((one) => one.name);
		});
	}

	/** Returns the text of a file. */
	async file(dataset: string, path: string, signal: AbortSignal): Promise<string> {
		const { url, revision } = await this.#resolve(dataset);
		return (await send('GET', `${url}/raw/${segment(revision)}/${segments(path)}`, { signal })).text();
	}

	/** Forgets what can have changed. */
	forget(): void {
		this.#content.clear();
		this.#columns.clear();
		this.#revisions.clear();
	}

	async #resolve(dataset: string): Promise<{ url: string; revision: string }> {
		const { id, revision } = splitDataset(dataset);
		const url = datasetUrl(...splitId(id));
		const branch = () => once(this.#branches, id, async () => (await request<Dataset>('GET', url)).default_branch ?? 'main');
		return { url, revision: revision ?? (await branch()) };
	}
}

/** Returns the result of the first call with this key; a failed one is repeated. */
function once<T>(kept: Map<string, Promise<T>>, key: string, ask: () => Promise<T>): Promise<T> {
	let promise = kept.get(key);
	if (!promise) {
		promise = ask();
		kept.set(key, promise);
		promise.catch(() => kept.delete(key));
	}
	return promise;
}

/** Returns the paths of the files in the folder of saved queries; none if there is no such folder. */
async function queryFiles(url: string, revision: string): Promise<string[]> {
	const tree = `${url}/tree/${segment(revision)}`;
	try {
		const page = (cursor?: string) => request<Page<Entry>>('GET', tree, { query: { path: QUERIES, recursive: true, limit: 1000, cursor } });
		return (await all(page, MOST)).filter((entry) => entry.type === 'file').map((entry) => entry.path);
	} catch (error) {
		if (error instanceof ApiError && error.status === 404) return [];
		throw error;
	}
}
