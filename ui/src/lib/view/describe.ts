// What descriptions of tables add to datapackage.json.
import type { DescribedTables } from '../types';

/** A column as it will be described. */
export interface DescribedColumn {
	name: string;
	type: string;
}

/** What is added to the description of a table. */
export interface DescribedTable {
	table: string;
	/** Names of what is added, as they are shown. */
	properties: string[];
	/** Columns, if they are added. */
	columns: DescribedColumn[];
	/** Number of rows, if it is added. */
	rows: number | null;
}

const record = (value: unknown): Record<string, unknown> => (typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {});

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Returns the value at a path of a resource, if `value`, which is added at `property`, holds it. */
function valueAt(path: string, property: string, value: unknown): unknown {
	if (path !== property && !path.startsWith(`${property}/`)) return undefined;
	const keys = path.slice(property.length).split('/').slice(1);
	return keys.reduce<unknown>((found, key) => record(found)[key], value);
}

/** Returns the tables in their order, each with what is added; a new resource is one of its own. */
export function describedByTable(added: DescribedTables['added']): DescribedTable[] {
	const tables = new Map<string, DescribedTable>();
	for (const { table, property, value } of added) {
		const one = tables.get(table) ?? { table, properties: [], columns: [], rows: null };
		one.properties.push(property === '' ? 'new entry' : property.replace(/^\//, '').replaceAll('/', ' › '));
		const fields = valueAt('/schema/fields', property, value);
		if (Array.isArray(fields)) one.columns = fields.map((field) => ({ name: text(record(field).name), type: text(record(field).type) }));
		const rows = valueAt('/stats/rows', property, value);
		if (typeof rows === 'number') one.rows = rows;
		tables.set(table, one);
	}
	return [...tables.values()];
}

/** Returns the path of the Parquet file next to a table; `null` if the file is no table that can be converted. */
export function parquetPath(path: string): string | null {
	const table = /\.(csv|tsv|tab|jsonl|ndjson|jsonlines|arrow|feather)(\.(gz|zst))?$/i;
	return table.test(path) ? path.replace(table, '.parquet') : null;
}
