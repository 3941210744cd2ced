// Delimited text (CSV, TSV; RFC 4180) for editing. A row keeps its source text, and a change replaces only the cell that it
// is about, so that everything else is saved byte for byte as it was. Libraries for CSV return values only and write all
// rows anew, with quotes of their own.

/** One record. */
export interface Row {
	/** Source text without the line break at its end. */
	readonly text: string;
	/** The line break; empty in the last row of a file that does not end with one. */
	readonly end: '' | '\n' | '\r\n' | '\r';
}

/** A file that is not delimited text. */
export class DelimitedError extends Error {
	constructor(
		/** Number of the line, from 1. */
		readonly line: number,
		detail: string
	) {
		super(`Line ${line}: ${detail}`);
	}
}

/** Returns the position after the cell that begins at `from`; throws if a quote is not closed or text follows it. */
function cellEnd(text: string, from: number, delimiter: string): number {
	let at = from;
	if (text[at] === '"') {
		for (at += 1; ; at += 2) {
			at = text.indexOf('"', at);
			if (at < 0) throw new DelimitedError(lineAt(text, from), 'the quote is not closed');
			if (text[at + 1] !== '"') break;
		}
		at += 1;
		const next = text[at];
		if (next !== undefined && next !== delimiter && next !== '\n' && next !== '\r') throw new DelimitedError(lineAt(text, at), 'text follows a closing quote');
		return at;
	}
	for (; at < text.length; at += 1) {
		const next = text[at];
		if (next === delimiter || next === '\n' || next === '\r') break;
	}
	return at;
}

const lineAt = (text: string, at: number): number => (text.slice(0, at).match(/\r\n|\r|\n/g)?.length ?? 0) + 1;

/** Splits a text into rows. Throws a `DelimitedError`. */
export function parseRows(text: string, delimiter: string, most = Number.POSITIVE_INFINITY): Row[] {
	const rows: Row[] = [];
	let start = 0;
	let at = 0;
	while (at < text.length && rows.length < most) {
		at = cellEnd(text, at, delimiter);
		if (text[at] === delimiter) {
			at += 1;
			if (at < text.length) continue;
		}
		const end = text[at] === undefined ? '' : text[at] === '\n' ? '\n' : text[at + 1] === '\n' ? '\r\n' : '\r';
		rows.push({ text: text.slice(start, at), end });
		at += end.length;
		start = at;
	}
	return rows;
}

/** The reverse of `parseRows`. */
export const joinRows = (rows: readonly Row[]): string => rows.map((row) => row.text + row.end).join('');

/** Splits a row into its cells as they are written, with quotes. */
export function rawCells(row: Row, delimiter: string): string[] {
	const cells: string[] = [];
	for (let at = 0; ; at += 1) {
		const end = cellEnd(row.text, at, delimiter);
		cells.push(row.text.slice(at, end));
		if (end >= row.text.length) return cells;
		at = end;
	}
}

/** Returns the value of a cell. */
export const valueOf = (raw: string): string => (raw.startsWith('"') ? raw.slice(1, -1).replaceAll('""', '"') : raw);

/** Writes a value as a cell. */
export function writeCell(value: string, delimiter: string, isQuoted: boolean): string {
	const needs = value.startsWith('"') || value.includes(delimiter) || /[\r\n]/.test(value);
	return isQuoted || needs ? `"${value.replaceAll('"', '""')}"` : value;
}

/** Joins cells to a row. One empty cell would be an empty line, which programs skip. */
const rowOf = (raw: string[], delimiter: string, end: Row['end']): Row => ({ text: raw.length === 1 && raw[0] === '' ? '""' : raw.join(delimiter), end });

/** Returns the values of a row. */
export const valuesOf = (row: Row, delimiter: string): string[] => rawCells(row, delimiter).map(valueOf);

/** Returns the row with these values in these cells; the same row if it has them already. Cells that it lacks are added. */
export function withCells(row: Row, changes: readonly (readonly [column: number, value: string])[], delimiter: string): Row {
	const raw = rawCells(row, delimiter);
	let changed = false;
	for (const [column, value] of changes) {
		const before = raw[column];
		if (value === (before === undefined ? '' : valueOf(before))) continue;
		while (raw.length <= column) raw.push('');
		raw[column] = writeCell(value, delimiter, before?.startsWith('"') ?? false);
		changed = true;
	}
	return changed ? rowOf(raw, delimiter, row.end) : row;
}

/** Writes a new row with quotes where another row has them. */
export function newRow(values: readonly string[], like: Row | undefined, delimiter: string, end: Row['end']): Row {
	const model = like ? rawCells(like, delimiter) : [];
	return rowOf(
		values.map((value, index) => writeCell(value, delimiter, model[index]?.startsWith('"') ?? false)),
		delimiter,
		end
	);
}

/** Inserts a cell. Rows without a cell before it stay as they are. */
export function withColumn(row: Row, column: number, value: string, delimiter: string): Row {
	const raw = rawCells(row, delimiter);
	if (column > raw.length || row.text === '') return row;
	const isQuoted = raw.every((cell) => cell.startsWith('"'));
	return rowOf([...raw.slice(0, column), writeCell(value, delimiter, isQuoted), ...raw.slice(column)], delimiter, row.end);
}

/** Removes a cell. */
export function withoutColumn(row: Row, column: number, delimiter: string): Row {
	const raw = rawCells(row, delimiter);
	if (column >= raw.length || row.text === '') return row;
	return rowOf(
		raw.filter((_, index) => index !== column),
		delimiter,
		row.end
	);
}

/** Characters that are examined to find the delimiter, and the rows compared. */
const SAMPLE = 64 * 1024;
const SAMPLE_ROWS = 50;

/** Returns the delimiter: the one that splits the first rows into the same number of cells. */
export function delimiterOf(text: string, name: string): string {
	const tabs = /\.(tsv|tab)$/i.test(name);
	const sample = text.slice(0, SAMPLE);
	const isCut = sample.length < text.length;
	let best = { delimiter: tabs ? '\t' : ',', score: 0 };
	for (const delimiter of tabs ? ['\t', ',', ';', '|'] : [',', ';', '\t', '|']) {
		let rows: Row[];
		try {
			rows = parseRows(isCut ? sample.slice(0, sample.lastIndexOf('\n') + 1) || sample : sample, delimiter, SAMPLE_ROWS).filter((row) => row.text !== '');
		} catch {
			continue;
		}
		const counts = rows.map((row) => rawCells(row, delimiter).length);
		const first = counts[0] ?? 1;
		const same = counts.filter((count) => count === first).length / Math.max(1, counts.length);
		// Rows that agree count more than many cells.
		const score = first > 1 ? same * 1000 + Math.min(first, 900) / 1000 : 0;
		if (score > best.score) best = { delimiter, score };
	}
	return best.delimiter;
}

/** Parses a block that was copied from a spreadsheet: cells separated by tabs. */
export function parseBlock(text: string): string[][] {
	const plain = text.replace(/(\r\n|\r|\n)$/, '');
	try {
		return parseRows(plain, '\t').map((row) => valuesOf(row, '\t'));
	} catch {
		// A quote that is not closed is part of the text.
		return plain.split(/\r\n|\r|\n/).map((line) => line.split('\t'));
	}
}

/** The reverse of `parseBlock`. */
export const writeBlock = (block: readonly (readonly string[])[]): string => block.map((row) => row.map((value) => writeCell(value, '\t', false)).join('\t')).join('\n');
