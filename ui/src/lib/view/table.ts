// Table files (CSV, Parquet), read on demand.
import { columnType, CsvReader, guessDelimiter, hasHeader, type ColumnType } from '../csv';
import { bytes } from '../format';
import { mostFrequent, histogram, type Bins, type ColumnStatistics, type Tops } from '../sparkline';
import type { FileMetaData } from 'hyparquet';
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
	/** Note for the user. */
	note?: string;
}

const PIECE = 256 * 1024;
/** Maximum bytes of a CSV file that are read. */
const MAX_BYTES = 48 * 1024 * 1024;
const SAMPLE = 2000;

export async function openCsv(source: Source, signal?: AbortSignal): Promise<TableSource> {
	let read = 0;
	let decoder: TextDecoder | undefined;
	let reader: CsvReader | undefined;
	let ended = false;
	const rows: string[][] = [];

	async function next(stop?: AbortSignal): Promise<void> {
		const end = Math.min(source.size, read + PIECE);
		const bytes = new Uint8Array(await source.read(read, end, stop));
		read = end;
		decoder ??= new TextDecoder(encodingOf(bytes));
		const text = decoder.decode(bytes, { stream: read < source.size });
		reader ??= new CsvReader(/\.(tsv|tab)$/i.test(source.path) ? '\t' : guessDelimiter(text.slice(0, 20_000)));
		rows.push(...reader.push(text));
		if (read >= source.size) rows.push(...reader.end());
		ended = read >= source.size || read >= MAX_BYTES;
	}

	await next(signal);
	const first = rows[0] ?? [];
	const header = hasHeader(first);
	if (header) rows.shift();
	const sample = rows.slice(0, SAMPLE);
	const columns = first.map((name, index) => {
		const type = columnType(sample.map((row) => row[index] ?? ''));
		return { name: header ? name : `column ${index + 1}`, type, numeric: type === 'integer' || type === 'number' };
	});
	const table: TableSource = {
		columns,
		total: ended && read >= source.size ? rows.length : null,
		sample: sample.map((row) => cells(row, columns)),
		statistics: columns.map(() => ({})),
		async rows(offset, limit, stop) {
			while (!ended && rows.length < offset + limit) await next(stop);
			if (ended && read >= source.size) table.total = rows.length;
			else if (ended) table.note = `Only the first ${bytes(MAX_BYTES)} are shown. Download the file to see the rest.`;
			return rows.slice(offset, offset + limit).map((row) => cells(row, columns));
		}
	};
	return table;
}

function encodingOf(bytes: Uint8Array): string {
	if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
	if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
	try {
		new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
		return 'utf-8';
	} catch {
		return 'windows-1252';
	}
}

const cells = (row: string[], columns: TableColumn[]): Cell[] => columns.map((_, index) => (row[index] === '' ? null : (row[index] ?? null)));

export async function openParquet(source: Source): Promise<TableSource> {
	const [{ parquetMetadataAsync, parquetReadObjects, parquetSchema }, { compressors }] = await Promise.all([
		import('hyparquet'),
		import('hyparquet-compressors')
	]);
	const file = {
		byteLength: source.size,
		slice: (start: number, end: number = source.size) => source.read(start < 0 ? source.size + start : start, end)
	};
	const metadata = await parquetMetadataAsync(file);
	const total = Number(metadata.num_rows);
	const columns = parquetSchema(metadata).children.map(({ element, children }) => {
		const logical = element.logical_type?.type ?? element.converted_type;
		const type = children.length > 0 ? (element.repetition_type === 'REPEATED' || /LIST/.test(String(logical)) ? 'list' : 'group') : String(logical ?? element.type ?? '').toLowerCase();
		const numeric = /^(INT32|INT64|INT96|FLOAT|DOUBLE)$/.test(element.type ?? '') && !/DATE|TIME/.test(String(logical ?? ''));
		return { name: element.name, type: typeWord(type), numeric };
	});
	async function rows(offset: number, limit: number): Promise<Cell[][]> {
		const rowEnd = Math.min(total, offset + limit);
		if (rowEnd <= offset) return [];
		const found = await parquetReadObjects({ file, metadata, compressors, rowStart: offset, rowEnd });
		return found.map((row) => columns.map(({ name }) => (row[name] ?? null) as Cell));
	}
	// Sample from the first row group only, which takes one read.
	const first = Number(metadata.row_groups[0]?.num_rows ?? 0);
	const statistics = columns.map(({ name }) => columnStatistics(metadata, name));
	return { columns, total, rows, sample: await rows(0, Math.min(SAMPLE, first)), statistics };
}

/** Returns the statistics of a column from the Parquet footer, if every row group has them. */
export function columnStatistics(metadata: Pick<FileMetaData, 'row_groups'>, name: string): ColumnStatistics {
	let [min, max, empty] = [Infinity, -Infinity, 0];
	let [hasRange, hasEmpty] = [true, true];
	for (const group of metadata.row_groups) {
		const chunk = group.columns.find((column) => column.meta_data?.path_in_schema.length === 1 && column.meta_data.path_in_schema[0] === name)?.meta_data;
		const facts = chunk?.statistics;
		if (facts?.null_count === undefined) hasEmpty = false;
		else empty += Number(facts.null_count);
		// A row group without values has no minimum.
		if (chunk && facts?.null_count !== undefined && facts.null_count === chunk.num_values) continue;
		const [least, greatest] = [stat(facts?.min_value), stat(facts?.max_value)];
		if (least === null || greatest === null) hasRange = false;
		else [min, max] = [Math.min(min, least), Math.max(max, greatest)];
	}
	return { ...(hasRange && min <= max && { range: { min, max } }), ...(hasEmpty && { empty }) };
}

/** Returns a statistics value as a number; null for text and bytes, which may be truncated, and for NaN. */
function stat(value: unknown): number | null {
	if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.getTime();
	if (typeof value !== 'number' && typeof value !== 'bigint') return null;
	return Number.isFinite(Number(value)) ? Number(value) : null;
}

function typeWord(type: string): string {
	const known: Record<string, string> = {
		utf8: 'string',
		string: 'string',
		byte_array: 'bytes',
		fixed_len_byte_array: 'bytes',
		int32: 'integer',
		int64: 'integer',
		integer: 'integer',
		float: 'number',
		double: 'number',
		timestamp: 'datetime',
		timestamp_millis: 'datetime',
		timestamp_micros: 'datetime',
		int96: 'datetime'
	};
	return known[type] ?? type;
}

/** Formats a cell. */
export function show(cell: Cell, type = ''): string {
	if (cell === null) return '';
	if (cell instanceof Date) return Number.isNaN(cell.getTime()) ? '' : type === 'date' ? cell.toISOString().slice(0, 10) : cell.toISOString().replace('.000Z', 'Z');
	if (cell instanceof Uint8Array) return `${cell.length} bytes`;
	if (typeof cell === 'object') return JSON.stringify(cell, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
	return String(cell);
}

function toNumber(cell: Cell): number | null {
	if (cell === null || cell === '') return null;
	if (cell instanceof Date) return cell.getTime();
	const value = Number(cell as string);
	return Number.isFinite(value) ? value : null;
}

/** Returns the distribution of the values of a column in the sample. */
export function distribution(table: TableSource, index: number): Bins | Tops | null {
	const column = table.columns[index] as TableColumn;
	const values = table.sample.map((row) => row[index] ?? null);
	if (column.numeric) return histogram(values.map(toNumber));
	if (column.type === 'date' || column.type === 'datetime') {
		return histogram(values.map((value) => (typeof value === 'string' ? Date.parse(value) : toNumber(value))));
	}
	if (values.some((value) => typeof value === 'object' && value !== null && !(value instanceof Date))) return null;
	return mostFrequent(values.map((value) => (value === null ? null : String(value))));
}

export type { ColumnType };
