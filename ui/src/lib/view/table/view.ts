// What a table page shows: first row, filter, sorting and columns, kept in the query string of its URL.

export interface SortKey {
	name: string;
	descending: boolean;
}

export interface TableView {
	/** Number of the first row, from 0. */
	offset: number;
	/** SQL expression; empty for all rows. */
	where: string;
	sort: SortKey[];
	/** Names of the columns in their order; `null` for all. */
	columns: string[] | null;
}

/** The whole table from its first row. */
export const WHOLE: TableView = { offset: 0, where: '', sort: [], columns: null };

/** Writes names as a CSV line (RFC 4180), as the server reads them. */
const quoted = (name: string): string => (/[",\r\n]|^-|^\s|\s$|^$/.test(name) ? `"${name.replaceAll('"', '""')}"` : name);
export const namesText = (names: readonly string[]): string => names.map(quoted).join(',');
export const sortText = (sort: readonly SortKey[]): string => sort.map(({ name, descending }) => (descending ? '-' : '') + quoted(name)).join(',');

/** Reads names; `descending` for those after a minus, which only sort keys have. */
function keys(text: string): SortKey[] {
	const found: SortKey[] = [];
	for (const [, minus, inQuotes, plain] of text.matchAll(/(?:^|,)(-?)(?:"((?:[^"]|"")*)"|([^,]*))/g)) {
		found.push({ name: inQuotes?.replaceAll('""', '"') ?? plain ?? '', descending: minus === '-' });
	}
	return found;
}

/** Reads names that `namesText` wrote. */
export const readNames = (text: string): string[] => keys(text).map(({ name, descending }) => (descending ? `-${name}` : name));

const has = (text: string | null): text is string => text !== null && text !== '';

/** Reads the number of the first row; 0 if it is not valid. */
export function readOffset(search: URLSearchParams): number {
	const offset = Number(search.get('offset'));
	return Number.isSafeInteger(offset) && offset > 0 ? offset : 0;
}

export function readView(search: URLSearchParams): TableView {
	const [sort, columns] = [search.get('sort'), search.get('columns')];
	return {
		offset: readOffset(search),
		where: search.get('where')?.trim() ?? '',
		sort: has(sort) ? keys(sort) : [],
		columns: has(columns) ? readNames(columns) : null
	};
}

/** The view as parameters of the API and of the page's URL. Defaults are empty. */
export const parameters = (view: TableView): { offset: string; where: string; sort: string; columns: string } => ({
	offset: view.offset === 0 ? '' : String(view.offset),
	where: view.where,
	sort: sortText(view.sort),
	columns: view.columns === null ? '' : namesText(view.columns)
});

/** Returns the URL of a page with this view; other parameters are kept. */
export const writeView = (url: URL, view: TableView): URL => withParameters(url, parameters(view));

/** Returns a URL with these parameters, without those that are empty; others are kept. */
export function withParameters(url: URL, values: Record<string, string>): URL {
	const changed = new URL(url);
	for (const [name, value] of Object.entries(values)) {
		if (value === '') changed.searchParams.delete(name);
		else changed.searchParams.set(name, value);
	}
	return changed;
}

export const isWhole = ({ offset, where, sort, columns }: TableView): boolean => offset === 0 && where === '' && sort.length === 0 && columns === null;

/**
 * Returns the sorting after a click on a column: ascending, descending, off. With `add` the other keys remain, and the column
 * becomes the last key.
 */
export function nextSort(sort: readonly SortKey[], name: string, add: boolean): SortKey[] {
	const key = sort.find((one) => one.name === name);
	const next = key === undefined ? { name, descending: false } : key.descending ? null : { name, descending: true };
	if (!add) return next ? [next] : [];
	if (key === undefined) return [...sort, { name, descending: false }];
	return sort.flatMap((one) => (one.name !== name ? [one] : next ? [next] : []));
}
