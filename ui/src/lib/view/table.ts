// Tables, read on demand: text tables through the server, Parquet files in the browser.
import { mostFrequent, histogram, type Bins, type ColumnStatistics, type Tops } from '../sparkline';
import type { Source } from './source';

export type Cell = string | number | bigint | boolean | null | Date | object;

export interface TableColumn {
	name: string;
	type: string;
	/** Right-aligned. */
	numeric: boolean;
}

export interface TableSource {
	columns: TableColumn[];
	/** Number of rows; null while unknown. */
	total: number | null;
	/** Returns up to `limit` rows; fewer only at the end. */
	rows(offset: number, limit: number, signal?: AbortSignal): Promise<Cell[][]>;
	/** The first rows, for the distribution of values. */
	sample: Cell[][];
	/** Statistics stored in the file, by column. */
	statistics: ColumnStatistics[];
}

/** Maximum number of rows of the sample of a Parquet file. */
export const SAMPLE = 2000;
/** Number of rows requested from the server at once; its limit. */
const ROWS = 1000;
/** Maximum number of characters of a cell that are shown. */
const CELL = 1000;

/** Opens a table. This is the only place that knows who reads which format. */
export async function openTable(source: Source, kind: 'table' | 'parquet', signal?: AbortSignal): Promise<TableSource> {
	if (kind === 'table') return openRows(source, signal);
	const { openParquet } = await import('./parquet');
	return openParquet(source);
}

/** Opens a table whose rows the server reads. */
export async function openRows(source: Source, signal?: AbortSignal): Promise<TableSource> {
	const first = await source.rows(0, ROWS, signal);
	const rows = [...first.rows] as Cell[][];
	let more = first.more;
	const table: TableSource = {
		columns: first.fields.map(({ name, type }) => ({ name, type, numeric: type === 'integer' || type === 'number' })),
		total: first.total ?? null,
		sample: first.rows as Cell[][],
		statistics: [],
		async rows(offset, limit, stop) {
			while (more && rows.length < offset + limit) {
				const next = await source.rows(rows.length, ROWS, stop);
				if (next.offset !== rows.length) continue; // Another call was faster.
				rows.push(...(next.rows as Cell[][]));
				more = next.more;
				table.total = next.total ?? null;
			}
			return rows.slice(offset, offset + limit);
		}
	};
	return table;
}

/** Formats a cell. */
export function show(cell: Cell, type = ''): string {
	if (cell === null) return '';
	if (cell instanceof Date) return Number.isNaN(cell.getTime()) ? '' : type === 'date' ? cell.toISOString().slice(0, 10) : cell.toISOString().replace('.000Z', 'Z');
	if (cell instanceof Uint8Array) return `${cell.length} bytes`;
	if (typeof cell === 'object') return cut(JSON.stringify(cell, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value)));
	return cut(String(cell));
}

const cut = (text: string): string => (text.length > CELL ? `${text.slice(0, CELL)}…` : text);

function toNumber(cell: Cell): number | null {
	if (cell === null || cell === '') return null;
	if (cell instanceof Date) return cell.getTime();
	const value = Number(cell as string);
	return Number.isFinite(value) ? value : null;
}

/** Returns the time of an ISO 8601 text; null for all other formats. */
function toTime(text: string): number | null {
	const time = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : NaN;
	return Number.isNaN(time) ? null : time;
}

/** Returns the distribution of the values of a column in the sample. */
export function distribution(table: TableSource, index: number): Bins | Tops | null {
	const column = table.columns[index] as TableColumn;
	const values = table.sample.map((row) => row[index] ?? null);
	if (column.numeric) return histogram(values.map(toNumber));
	if (column.type === 'date' || column.type === 'datetime') {
		const times = values.map((value) => (typeof value === 'string' ? toTime(value) : toNumber(value)));
		if (!values.some((value, index) => value !== null && times[index] === null)) return histogram(times);
	}
	if (values.some((value) => typeof value === 'object' && value !== null && !(value instanceof Date))) return null;
	return mostFrequent(values.map((value) => (value === null ? null : String(value))));
}
