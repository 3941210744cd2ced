import { expect, test } from 'vitest';
import { delimiterOf, DelimitedError, joinRows, newRow, parseBlock, parseRows, rawCells, valueOf, valuesOf, withCells, withColumn, withoutColumn, writeBlock, writeCell, type Row } from './delimited';

/** Returns numbers that look random. */
function random(seed: number): (below: number) => number {
	let state = seed * 2654435761;
	return (below) => {
		state = (Math.imul(state ^ (state >>> 15), 2246822519) + 374761393) >>> 0;
		return state % below;
	};
}

/** Returns a text that looks like a table in some dialect, with everything that is allowed. */
function table(seed: number): { text: string; delimiter: string; rows: string[][] } {
	const next = random(seed);
	const delimiter = [',', ';', '\t', '|'][next(4)] ?? ',';
	const breaks = ['\n', '\r\n', '\r'];
	const one = breaks[next(3)] ?? '\n';
	const isMixed = next(4) === 0;
	const pieces = ['a', 'b ', '12', '"', '""', delimiter, '\n', '\r\n', ' ', 'ü', '😀', '5" pipe', "'"];
	const rows = Array.from({ length: 1 + next(6) }, () => Array.from({ length: 1 + next(5) }, () => Array.from({ length: next(4) }, () => pieces[next(pieces.length)]).join('')));
	const lines = rows.map((row) => (row.length === 1 && row[0] === '' ? '""' : row.map((value) => writeCell(value, delimiter, next(3) === 0)).join(delimiter)));
	const text = lines.map((line, index) => line + (index === lines.length - 1 && next(2) === 0 ? '' : isMixed ? breaks[next(3)] : one)).join('');
	return { text, delimiter, rows };
}

test('rows are read, and written back byte for byte', () => {
	for (let seed = 1; seed <= 2000; seed += 1) {
		const { text, delimiter, rows } = table(seed);
		const parsed = parseRows(text, delimiter);
		expect(joinRows(parsed), `seed ${seed}`).toBe(text);
		expect(parsed.map((row) => valuesOf(row, delimiter)), `seed ${seed}`).toEqual(rows);
	}
});

test('a change of a cell changes this cell only', () => {
	for (let seed = 1; seed <= 2000; seed += 1) {
		const { text, delimiter } = table(seed);
		const next = random(seed + 77);
		const before = parseRows(text, delimiter);
		const at = next(before.length);
		const column = next(6);
		const value = ['', 'new', 'a,b;c|d\te', 'say "x"', '"', 'two\nlines', ' '][next(7)] ?? '';
		const after = before.map((row, index) => (index === at ? withCells(row, [[column, value]], delimiter) : row));
		const read = parseRows(joinRows(after), delimiter);
		expect(read.length, `seed ${seed}`).toBe(before.length);
		read.forEach((row, index) => {
			if (index !== at) expect(row).toEqual(before[index]);
		});
		const [old, now] = [rawCells(before[at] as Row, delimiter), rawCells(read[at] as Row, delimiter)];
		expect(valueOf(now[column] ?? ''), `seed ${seed}`).toBe(value);
		now.forEach((cell, index) => {
			if (index !== column && old.length > 1) expect(cell, `seed ${seed}`).toBe(old[index] ?? '');
		});
	}
});

test('columns are added and removed', () => {
	for (let seed = 1; seed <= 500; seed += 1) {
		const { text, delimiter } = table(seed);
		const column = random(seed)(5);
		for (const row of parseRows(text, delimiter)) {
			const wide = withColumn(row, column, 'a "b"', delimiter);
			const values = valuesOf(row, delimiter);
			if (wide === row) {
				expect(column > values.length || row.text === '').toBe(true);
				continue;
			}
			expect(valuesOf(wide, delimiter)).toEqual([...values.slice(0, column), 'a "b"', ...values.slice(column)]);
			expect(valuesOf(withoutColumn(wide, column, delimiter), delimiter)).toEqual(values);
		}
	}
});

test('quotes and short rows stay as they are', () => {
	const [row] = parseRows('"id",plain,"say ""x""",\r\n', ',') as [Row];
	expect(rawCells(row, ',')).toEqual(['"id"', 'plain', '"say ""x"""', '']);
	expect(withCells(row, [[1, 'plain']], ',')).toBe(row);
	expect(withCells(row, [[0, 'no']], ',')).toEqual({ text: '"no",plain,"say ""x""",', end: '\r\n' });
	expect(withCells(row, [[5, 'x']], ',').text).toBe('"id",plain,"say ""x""",,,x');
	expect(withCells(row, [[5, '']], ',')).toBe(row);
	expect(newRow(['1', 'b', 'c'], row, ',', '\n').text).toBe('"1",b,"c"');
	// A quote within a cell is a character.
	expect(parseRows('5" pipe,x', ',').map((one) => valuesOf(one, ','))).toEqual([['5" pipe', 'x']]);
	expect(withCells({ text: 'only', end: '\n' }, [[0, '']], ',').text).toBe('""');
	expect(parseRows('a,\n', ',')).toEqual([{ text: 'a,', end: '\n' }]);
	expect(parseRows('a,', ',').map((one) => valuesOf(one, ','))).toEqual([['a', '']]);
	expect(parseRows('', ',')).toEqual([]);
});

test('what is not delimited text is refused with its line', () => {
	for (const [text, line] of [
		['a\n"b', 2],
		['a\n"b\nc" d\n', 3],
		['"a"b', 1]
	] as const) {
		expect(() => parseRows(text, ',')).toThrow(DelimitedError);
		expect(() => parseRows(text, ',')).toThrow(`Line ${line}:`);
	}
});

test('the delimiter is found', () => {
	expect(delimiterOf('id;name;share\n1;a;0,5\n2;b;1,5\n', 'a.csv')).toBe(';');
	expect(delimiterOf('id,name\n1,"a;b;c"\n', 'a.csv')).toBe(',');
	expect(delimiterOf('id\tname\n1\ta, b\n', 'a.csv')).toBe('\t');
	expect(delimiterOf('id\tname\n', 'a.tsv')).toBe('\t');
	expect(delimiterOf('only\none\n', 'a.tsv')).toBe('\t');
	expect(delimiterOf('only\none\n', 'a.csv')).toBe(',');
	expect(delimiterOf('a|b|c\n1|2|3\n', 'a.csv')).toBe('|');
	expect(delimiterOf('', 'a.csv')).toBe(',');
	expect(delimiterOf(`a;b\n${'1;2,3\n'.repeat(50_000)}`, 'a.csv')).toBe(';');
});

test('blocks of spreadsheets', () => {
	expect(parseBlock('1\t2\r\n3\t4\r\n')).toEqual([['1', '2'], ['3', '4']]);
	expect(parseBlock('"two\nlines"\tx')).toEqual([['two\nlines', 'x']]);
	expect(parseBlock('"open\tx\ny')).toEqual([['"open', 'x'], ['y']]);
	expect(parseBlock('single')).toEqual([['single']]);
	for (const block of [[['a', 'b'], ['c\td', 'e "f"']], [['x\ny']], [['']]]) expect(parseBlock(writeBlock(block) || '')).toEqual(block.length === 1 && block[0]?.[0] === '' ? [] : block);
});
