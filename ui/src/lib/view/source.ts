// Random access to the content of a file.
import { send } from '../api';
import { Drive, type RowsQuery } from '../drive/client';
import { embedPath } from '../snippets/embed';
import type { TableRows, TableStatistics } from '../types';
import { raw } from '../urls';

export interface Source {
	path: string;
	size: number;
	/** URL for display in an image, player or tab. */
	url: string;
	/** Download URL. */
	download: string;
	/** Reads the bytes from `start` up to, but not including, `end`. */
	read(start: number, end: number, signal?: AbortSignal): Promise<ArrayBuffer>;
	table: Table;
	/** Path of a frame with the table; absent unless everyone may read it. */
	embed?: string;
}

/** The file as a table, which the server reads. */
export interface Table {
	rows(query: RowsQuery, signal?: AbortSignal): Promise<TableRows>;
	file(query: RowsQuery, format: 'csv' | 'parquet'): Promise<Blob>;
	statistics(signal?: AbortSignal): Promise<TableStatistics>;
}

/** Returns a file of a drive or dataset as a table. */
export const driveTable = (drive: Drive, path: string, revision?: string): Table => ({
	rows: (query, signal) => drive.rows(path, { revision, ...query }, signal),
	file: (query, format) => drive.rowsFile(path, { revision, ...query }, format),
	statistics: (signal) => drive.statistics(path, revision, signal)
});

/** Creates a source for a file of a dataset. */
export function fileSource(owner: string, dataset: string, revision: string, path: string, size: number, isPublic = false): Source {
	const url = raw(owner, dataset, revision, path);
	const drive = new Drive({ owner, dataset });
	return {
		path,
		size,
		url,
		download: raw(owner, dataset, revision, path, false),
		read: (start, end, signal) => readRange(url, start, end, signal),
		table: driveTable(drive, path, revision),
		...(isPublic && { embed: embedPath(owner, dataset, revision, path) })
	};
}

/** Reads the bytes from `start` up to, but not including, `end`. */
export async function readRange(url: string, start: number, end: number, signal?: AbortSignal, bearer?: string): Promise<ArrayBuffer> {
	if (end <= start) return new ArrayBuffer(0);
	const response = await send('GET', url, { headers: { range: `bytes=${start}-${end - 1}` }, signal, ...(bearer !== undefined && { bearer }) });
	const bytes = await response.arrayBuffer();
	// A server without range support sends everything.
	return response.status === 206 ? bytes : bytes.slice(start, end);
}

/** Reads up to `most` bytes as text; returns `null` for binary files. */
export async function readText(source: Source, most: number, signal?: AbortSignal): Promise<{ text: string; whole: boolean } | null> {
	const end = Math.min(source.size, most);
	const bytes = new Uint8Array(await source.read(0, end, signal));
	const whole = end === source.size;
	const mark = bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : null;
	if (mark === null && bytes.subarray(0, 8192).includes(0)) return null;
	try {
		// The last character may be cut off.
		return { text: new TextDecoder(mark ?? 'utf-8', { fatal: true }).decode(bytes, { stream: !whole }), whole };
	} catch {
		return { text: new TextDecoder('windows-1252').decode(bytes), whole };
	}
}
