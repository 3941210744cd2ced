// What descriptions of tables add to datapackage.json.
import type { DescribedTables } from '../types';

/** Returns the tables in their order, each with the properties that are added; a new resource is one of its own. */
export function describedByTable(added: DescribedTables['added']): { table: string; properties: string[] }[] {
	const tables = new Map<string, string[]>();
	for (const { table, property } of added) {
		const properties = tables.get(table) ?? [];
		properties.push(property === '' ? 'new entry' : property.replace(/^\//, '').replaceAll('/', ' › '));
		tables.set(table, properties);
	}
	return [...tables].map(([table, properties]) => ({ table, properties }));
}

/** Returns the path of the Parquet file next to a table; `null` if the file is no table that can be converted. */
export function parquetPath(path: string): string | null {
	const table = /\.(csv|tsv|tab|jsonl|ndjson|jsonlines|arrow|feather)(\.(gz|zst))?$/i;
	return table.test(path) ? path.replace(table, '.parquet') : null;
}
