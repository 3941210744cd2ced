// Whether what the package says of a table's columns is what its file has.
import type { FieldOfTable } from './types';

export interface Drift {
	/** Columns of the file that the schema does not name. */
	added: string[];
	/** Fields of the schema that the file does not have. */
	missing: string[];
}

/** Where they differ; `null` where they do not, and where the schema names no fields. */
export function drift(fields: FieldOfTable[] | undefined, columns: string[] | undefined): Drift | null {
	if (!fields?.length || !columns) return null;
	const names = new Set(fields.map((field) => field.name));
	const there = new Set(columns);
	const added = columns.filter((name) => !names.has(name));
	const missing = [...names].filter((name): name is string => name !== undefined && !there.has(name));
	return added.length + missing.length > 0 ? { added, missing } : null;
}

/** The fields that were found, each with what people have said of it before. */
export const renewed = (found: FieldOfTable[], before: FieldOfTable[]): FieldOfTable[] =>
	found.map((field) => before.find((one) => one.name === field.name) ?? field);
