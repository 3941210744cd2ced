// Streaming CSV reader (RFC 4180 and the variants that spreadsheets write): rows are returned as soon as they are complete.

export class CsvReader {
	private field = '';
	private row: string[] = [];
	private quoted = false;
	/** A quote was read inside quotes: either the closing quote or the first of an escaped pair. */
	private quote = false;
	private started = false;

	constructor(readonly delimiter: string = ',') {}

	/** Adds text and returns the rows that it completes. */
	push(text: string): string[][] {
		const rows: string[][] = [];
		for (let i = 0; i < text.length; i += 1) {
			const char = text[i] as string;
			if (this.quoted) {
				if (this.quote) {
					this.quote = false;
					if (char === '"') {
						this.field += '"';
						continue;
					}
					this.quoted = false;
				} else if (char === '"') {
					this.quote = true;
					continue;
				} else {
					this.field += char;
					continue;
				}
			}
			if (char === this.delimiter) this.endField();
			else if (char === '\n') this.endRow(rows);
			else if (char === '\r') {
				if (text[i + 1] !== '\n' && i + 1 < text.length) this.endRow(rows);
			} else if (char === '"' && this.field === '') {
				this.quoted = true;
				this.started = true;
			} else {
				this.field += char;
				this.started = true;
			}
		}
		return rows;
	}

	/** Returns the last row if it has no line break at its end. */
	end(): string[][] {
		const rows: string[][] = [];
		if (this.started || this.row.length > 0) this.endRow(rows);
		return rows;
	}

	private endField(): void {
		this.row.push(this.field);
		this.field = '';
		this.quoted = false;
		this.quote = false;
		this.started = true;
	}

	private endRow(rows: string[][]): void {
		if (!this.started && this.row.length === 0) return; // an empty line
		this.endField();
		rows.push(this.row);
		this.row = [];
		this.started = false;
	}
}

/** Guesses the delimiter: the one that splits the first 20 lines into the most fields, the same number in each. */
export function guessDelimiter(head: string): string {
	let best = ',';
	let most = 0;
	for (const delimiter of [',', '\t', ';', '|']) {
		const reader = new CsvReader(delimiter);
		const rows = reader.push(head).slice(0, 20);
		if (rows.length === 0) rows.push(...reader.end());
		const width = rows[0]?.length ?? 0;
		const even = rows.every((row) => row.length === width);
		if (width > 1 && even && width > most) {
			best = delimiter;
			most = width;
		}
	}
	return best;
}

export type ColumnType = 'integer' | 'number' | 'boolean' | 'date' | 'datetime' | 'string';

const integer = /^[+-]?\d{1,15}$/;
const number = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const day = /^\d{4}-\d{2}-\d{2}$/;
const moment = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?$/;

function typeOf(value: string): ColumnType {
	if (integer.test(value)) return /^[+-]?0\d/.test(value) ? 'string' : 'integer';
	if (number.test(value)) return 'number';
	if (day.test(value)) return 'date';
	if (moment.test(value)) return 'datetime';
	return /^(true|false)$/i.test(value) ? 'boolean' : 'string';
}

/** Infers the type of a column from its values; empty values are ignored. */
export function columnType(values: Iterable<string>): ColumnType {
	let type: ColumnType | undefined;
	for (const value of values) {
		if (value === '') continue;
		const next = typeOf(value);
		if (type === undefined || type === next) type = next;
		else if ((type === 'integer' && next === 'number') || (type === 'number' && next === 'integer')) type = 'number';
		else return 'string';
	}
	return type ?? 'string';
}

/** Returns true if the first row is a header: values are unique, not empty and not numbers. */
export function hasHeader(first: string[]): boolean {
	return new Set(first).size === first.length && first.every((name) => name !== '' && !number.test(name));
}
