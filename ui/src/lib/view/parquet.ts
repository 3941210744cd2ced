// Parquet files, read in the browser: the server does not read rows of foreign Parquet.
import type { ColumnStatistics } from '../sparkline';
import type { FileMetaData } from 'hyparquet';
import type { Source } from './source';
import { SAMPLE, type Cell, type TableSource } from './table';

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
