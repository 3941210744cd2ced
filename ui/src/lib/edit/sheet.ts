// A table that is edited: rows of delimited text with undo. Every change replaces a range of rows.
import { count } from '$lib/format';
import { delimiterOf, joinRows, newRow, parseRows, rawCells, valuesOf, withCells, withColumn, withoutColumn, type Row } from './delimited';

/** Largest table that is edited in the page: rows and columns. */
export const SHEET_ROWS = 50_000;
export const SHEET_COLUMNS = 300;

/** Number of rows that the changes which can be undone may hold. */
const UNDO_ROWS = 1_000_000;

interface Splice {
	at: number;
	removed: readonly Row[];
	added: readonly Row[];
	/** The number of columns before and after. */
	columns: [number, number];
	/** The cell to show when the change is undone or repeated. */
	cell: Place;
}

/** A cell: row 0 is the header. */
export interface Place {
	row: number;
	column: number;
}

export class Sheet {
	#rows: Row[];
	#columns: number;
	readonly #undo: Splice[] = [];
	#redo: Splice[] = [];
	readonly #values = new WeakMap<Row, string[]>();
	/** The line break of new rows. */
	readonly #end: '\n' | '\r\n' | '\r';

	/** Parses a table. Throws a `DelimitedError`. An empty file gets a header and a row. */
	constructor(
		text: string,
		name: string,
		readonly delimiter = delimiterOf(text, name)
	) {
		this.#rows = parseRows(text === '' ? `column_1${delimiter}column_2\n${delimiter}\n` : text, delimiter);
		this.#end = this.#rows[0]?.end || '\n';
		this.#columns = this.#rows.reduce((most, row) => Math.max(most, rawCells(row, delimiter).length), 1);
	}

	get columns(): number {
		return this.#columns;
	}

	/** The number of rows with the header. */
	get rows(): number {
		return this.#rows.length;
	}

	get canUndo(): boolean {
		return this.#undo.length > 0;
	}

	get canRedo(): boolean {
		return this.#redo.length > 0;
	}

	get text(): string {
		return joinRows(this.#rows);
	}

	/** Why the table cannot be edited in the page; `null` if it can. */
	get problem(): string | null {
		if (this.rows > SHEET_ROWS) return `This table has ${count(this.rows)} rows; up to ${count(SHEET_ROWS)} can be edited here.`;
		if (this.columns > SHEET_COLUMNS) return `This table has ${count(this.columns)} columns; up to ${SHEET_COLUMNS} can be edited here.`;
		return null;
	}

	/** Returns the values of a row; it can have fewer than there are columns. */
	values(row: number): readonly string[] {
		const found = this.#rows[row];
		if (!found) return [];
		let values = this.#values.get(found);
		if (!values) {
			values = valuesOf(found, this.delimiter);
			this.#values.set(found, values);
		}
		return values;
	}

	/** Returns the value of a cell; `null` if the row is too short. */
	value({ row, column }: Place): string | null {
		return this.values(row)[column] ?? null;
	}

	/** Writes a block of values, beginning at a cell. Rows are added if necessary; values beyond the last column are left out. Returns their number. */
	write(at: Place, block: readonly (readonly string[])[]): number {
		let lost = 0;
		const fits = block.slice(0, Math.max(0, SHEET_ROWS - at.row)).map((values) => {
			lost += Math.max(0, at.column + values.length - this.columns);
			return values.slice(0, Math.max(0, this.columns - at.column));
		});
		const before = this.#rows.slice(at.row, at.row + fits.length);
		const after: Row[] = fits.map((values, index) => {
			const changes = values.map((value, nth) => [at.column + nth, value] as const);
			const row = before[index];
			if (row) return withCells(row, changes, this.delimiter);
			const cells = Array.from({ length: this.columns }, () => '');
			for (const [column, value] of changes) cells[column] = value;
			return newRow(cells, this.#rows.at(-1), this.delimiter, this.#end);
		});
		this.#replace(at.row, before.length, after, this.columns, at);
		return lost;
	}

	/** Inserts empty rows before a row. */
	insertRows(at: number, count = 1): void {
		const room = Math.min(count, SHEET_ROWS - this.rows);
		const empty = Array.from({ length: this.columns }, () => '');
		const rows = Array.from({ length: room }, () => newRow(empty, this.#rows[at - 1], this.delimiter, this.#end));
		this.#replace(at, 0, rows, this.columns, { row: at, column: 0 });
	}

	/** Removes rows; the header stays. */
	removeRows(from: number, count: number): void {
		const first = Math.max(1, from);
		const last = Math.min(this.rows, from + count);
		if (last > first) this.#replace(first, last - first, [], this.columns, { row: first, column: 0 });
	}

	insertColumn(column: number, name: string): void {
		const rows = this.#rows.map((row, index) => withColumn(row, column, index === 0 ? name : '', this.delimiter));
		this.#replace(0, this.rows, rows, this.columns + 1, { row: 0, column });
	}

	/** Removes columns; one stays. */
	removeColumns(from: number, count: number): void {
		const number = Math.min(count, this.columns - from, this.columns - 1);
		let rows = this.#rows;
		for (let left = number; left > 0; left -= 1) rows = rows.map((row) => withoutColumn(row, from, this.delimiter));
		this.#replace(0, this.rows, rows, this.columns - number, { row: 0, column: Math.max(0, Math.min(from, this.columns - number - 1)) });
	}

	/** Undoes the last change and returns its cell. */
	undo(): Place | null {
		const last = this.#undo.pop();
		if (!last) return null;
		this.#rows = [...this.#rows.slice(0, last.at), ...last.removed, ...this.#rows.slice(last.at + last.added.length)];
		this.#columns = last.columns[0];
		this.#redo.push(last);
		return last.cell;
	}

	/** Repeats the change that was undone last and returns its cell. */
	redo(): Place | null {
		const last = this.#redo.pop();
		if (!last) return null;
		this.#apply(last);
		this.#undo.push(last);
		return last.cell;
	}

	#apply({ at, removed, added, columns }: Splice): void {
		this.#rows = [...this.#rows.slice(0, at), ...added, ...this.#rows.slice(at + removed.length)];
		this.#columns = columns[1];
	}

	/** Replaces rows. The last row of a file that ends without a line break gets one if others follow. */
	#replace(at: number, count: number, rows: readonly Row[], columns: number, cell: Place): void {
		let [from, added] = [at, [...rows]];
		let removed = this.#rows.slice(at, at + count);
		const isLast = at + count === this.rows;
		const before = this.#rows[at - 1];
		if (isLast && count === 0 && before?.end === '' && added.length > 0) {
			from -= 1;
			removed = [before];
			added = [{ ...before, end: this.#end }, ...added];
			added = added.map((row, index) => (index === added.length - 1 ? { ...row, end: '' } : row));
		} else if (isLast && removed.length > 0 && removed.at(-1)?.end === '' && added.length > removed.length) {
			added = added.map((row, index) => ({ ...row, end: index === added.length - 1 ? '' : row.end || this.#end }));
		}
		if (removed.length === added.length && removed.every((row, index) => row === added[index])) return;
		const change: Splice = { at: from, removed, added, columns: [this.columns, columns], cell };
		this.#apply(change);
		this.#undo.push(change);
		this.#redo = [];
		let held = 0;
		for (let index = this.#undo.length - 1; index >= 0; index -= 1) {
			const one = this.#undo[index];
			held += (one?.removed.length ?? 0) + (one?.added.length ?? 0);
			if (held > UNDO_ROWS && index < this.#undo.length - 1) {
				this.#undo.splice(0, index + 1);
				break;
			}
		}
	}
}

/** Returns why a name cannot be that of a column; `null` if it can. */
export function columnProblem(name: string, others: readonly string[]): string | null {
	if (name.trim() === '') return 'Enter a name.';
	if (others.includes(name)) return `There is a column “${name}” already.`;
	return null;
}
