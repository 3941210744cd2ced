import { describe, expect, it } from 'vitest';
import { columnType, CsvReader, guessDelimiter, hasHeader } from './csv';

function read(text: string, delimiter = ',', piece = text.length || 1): string[][] {
	const reader = new CsvReader(delimiter);
	const rows: string[][] = [];
	for (let i = 0; i < text.length; i += piece) rows.push(...reader.push(text.slice(i, i + piece)));
	return [...rows, ...reader.end()];
}

describe('CsvReader', () => {
	it('reads quotes, delimiters and line breaks within them', () => {
		expect(read('a,b\n"x, ""y""","1\n2"\r\n,z')).toEqual([
			['a', 'b'],
			['x, "y"', '1\n2'],
			['', 'z']
		]);
	});

	it('does not depend on how the text is split into pieces', () => {
		const text = 'id,name\r\n1,"a ""b"" c"\r\n2,"d\r\ne"\r\n\r\n3,\r\n';
		const whole = read(text);
		expect(whole).toHaveLength(4);
		for (let piece = 1; piece < 9; piece += 1) expect(read(text, ',', piece)).toEqual(whole);
	});

	it('keeps a quote in the middle of a field', () => {
		expect(read('5" pipe,ok\n')).toEqual([['5" pipe', 'ok']]);
	});
});

describe('table detection', () => {
	it('guesses the delimiter by equal numbers of fields', () => {
		expect(guessDelimiter('a;b;c\n1,5;2;3\n')).toBe(';');
		expect(guessDelimiter('a\tb\n1\t2\n')).toBe('\t');
		expect(guessDelimiter('one\ntwo\n')).toBe(',');
	});

	it('infers the type of a column', () => {
		expect(columnType(['1', '', '-20'])).toBe('integer');
		expect(columnType(['1', '2.5e3'])).toBe('number');
		expect(columnType(['0123', '0456'])).toBe('string');
		expect(columnType(['2026-01-01', '2026-02-01'])).toBe('date');
		expect(columnType(['2026-01-01T00:00:00Z', '2026-01-01 10:00'])).toBe('datetime');
		expect(columnType(['true', 'FALSE'])).toBe('boolean');
		expect(columnType(['1', 'x'])).toBe('string');
		expect(columnType([])).toBe('string');
	});

	it('does not take a row of numbers for a header', () => {
		expect(hasHeader(['id', 'name'])).toBe(true);
		expect(hasHeader(['1', 'name'])).toBe(false);
		expect(hasHeader(['a', 'a'])).toBe(false);
	});
});
