// Names of datasets, revisions and tables in queries: "OWNER/DATASET@REVISION"."TABLE".
import type { Resource, TableInfo } from '$lib/types';
import { previewKind } from '$lib/preview';
import { identifier } from '$lib/view/table/filter';

export interface TableName {
	name: string;
	/** Path of its file, or of the first one. */
	path: string;
}

/** Returns the tables of a revision: its resources, then files of table formats that are not the only file of a resource. */
export function tableNames(paths: readonly string[], resources: readonly Resource[]): TableName[] {
	const there = new Set(paths);
	const named = new Set<string>();
	const tables: TableName[] = [];
	for (const { name, path } of resources) {
		const files = (Array.isArray(path) ? path : [path]).filter((one) => one !== undefined);
		const [first] = files;
		if (!name || first === undefined || !files.every((file) => there.has(file) && previewKind(file) === 'table')) continue;
		tables.push({ name, path: first });
		if (files.length === 1) named.add(first);
	}
	return [...tables, ...paths.filter((path) => previewKind(path) === 'table' && !named.has(path)).map((path) => ({ name: path, path }))];
}

/** Returns the tables that the server lists and that can be read: resources, then files. */
export function listedTables(tables: readonly TableInfo[]): TableName[] {
	const readable = tables.filter(({ format, bytes }) => typeof format === 'string' && typeof bytes === 'number');
	const named = readable.map(({ name, paths }) => ({ name, path: paths[0] ?? name }));
	return [...named.filter(({ name, path }) => name !== path), ...named.filter(({ name, path }) => name === path)];
}

const inQuotes = (text: string, quote: string): string => text.replaceAll(quote, quote + quote);

/** Returns a table as a query names it; without dataset, that of the default. */
export const tableText = (table: string, dataset: string | null = null): string =>
	dataset === null ? identifier(table) : `"${inQuotes(dataset, '"')}"."${inQuotes(table, '"')}"`;

/** Splits `owner/dataset@revision` at the first `@`. */
export function splitDataset(text: string): { id: string; revision: string | null } {
	const at = text.indexOf('@');
	return at < 0 ? { id: text, revision: null } : { id: text.slice(0, at), revision: text.slice(at + 1) };
}

export const literal = (text: string): string => `'${inQuotes(text, "'")}'`;

/** Folder of the saved queries of a dataset. */
export const QUERIES = 'queries';
const FOLDER = `${QUERIES}/`;

/** Returns the saved queries among the files of a dataset. */
export const savedQueries = (paths: readonly string[]): string[] => paths.filter((path) => savedName(path) !== null);

/** Returns the name of a saved query; `null` for other files. */
export function savedName(path: string): string | null {
	if (!path.startsWith(FOLDER) || !path.endsWith('.sql')) return null;
	return path.slice(FOLDER.length, -'.sql'.length) || null;
}

export const savedPath = (name: string): string => `${FOLDER}${name}.sql`;

/** Returns why a query cannot have this name. */
export function nameProblem(name: string): string | null {
	if (name === '') return 'Enter a name';
	if (name.length > 100) return 'Use at most 100 characters';
	if (/[/\\:*?"<>|\p{Cc}]/u.test(name)) return 'Do not use / \\ : * ? " < > or |';
	return /^[.\s]|[.\s]$/.test(name) ? 'A name does not begin or end with a dot or a space' : null;
}

export interface Example {
	title: string;
	query: string;
}

/** Returns examples of queries for a dataset with this table and another revision of it. */
export function examples(dataset: string, table: string, revision: string, other: string | null): Example[] {
	const found: Example[] = [{ title: 'First rows', query: `SELECT *\nFROM ${tableText(table)}\nLIMIT 100` }];
	if (other === null) return found;
	const here = `SELECT count(*) FROM ${tableText(table)}`;
	return [
		{ title: `Rows now and at ${other}`, query: `SELECT\n  (${here}) AS now,\n  (SELECT count(*) FROM ${tableText(table, `${dataset}@${other}`)}) AS before` },
		{ title: `Changes since ${other}`, query: `SELECT *\nFROM row_diff(${literal(`${dataset}@${other}`)}, ${literal(`${dataset}@${revision}`)}, ${literal(table)})` }
	];
}
