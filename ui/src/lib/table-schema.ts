// Compares the table schema in datapackage.json with the columns of the file.
import type { TableField } from './types';

export interface Drift {
	/** Columns of the file that are not in the schema. */
	added: string[];
	/** Fields of the schema that are not in the file. */
	missing: string[];
}

/** Returns the differences; `null` if there are none or the schema has no fields. */
export function drift(fields: TableField[] | undefined, columns: string[] | undefined): Drift | null {
	if (!fields?.length || !columns) return null;
	const names = new Set(fields.map((field) => field.name));
	const there = new Set(columns);
	const added = columns.filter((name) => !names.has(name));
	const missing = [...names].filter((name): name is string => name !== undefined && !there.has(name));
	return added.length + missing.length > 0 ? { added, missing } : null;
}

/** Returns the inferred fields, keeping the existing definition of each field that has one. */
export const mergeFields = (found: TableField[], before: TableField[]): TableField[] =>
	found.map((field) => before.find((one) => one.name === field.name) ?? field);
