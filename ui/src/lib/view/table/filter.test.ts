import { describe, expect, it } from 'vitest';
import { conditions, example, expression, hasTest, identifier, isFiltered, kindOf, withTest } from './filter';

const text = { name: 'station', type: 'string' };
const number = { name: 'no2', type: 'number' };
const date = { name: 'day', type: 'date' };
const nested = { name: 'tags', type: 'array' };

describe('identifier', () => {
	it('quotes names that are not plain', () => {
		expect(['no2', 'NO2', 'wind speed', 'a"b', 'größe', '2nd', 'order', 'time', ''].map(identifier)).toEqual([
			'no2',
			'"NO2"',
			'"wind speed"',
			'"a""b"',
			'"größe"',
			'"2nd"',
			'"order"',
			'time',
			'""'
		]);
	});
});

describe('expression', () => {
	it('quotes texts, and numbers not', () => {
		expect(expression(text, { is: "St. Mary's" })).toBe("station = 'St. Mary''s'");
		expect(expression(number, { is: 12.5 })).toBe('no2 = 12.5');
		expect(expression(number, { is: '9007199254740993' }), 'large integers are texts in JSON').toBe('no2 = 9007199254740993');
		expect(expression(number, { is: 'NaN' })).toBe("no2 = 'NaN'");
		expect(expression(number, { is: '1; DROP' })).toBe("no2 = '1; DROP'");
		expect(expression({ name: 'open', type: 'boolean' }, { is: true })).toBe('open = TRUE');
		expect(expression({ name: 'open', type: 'boolean' }, { is: 'false' })).toBe('open = FALSE');
		expect(expression(date, { isNot: '2025-01-31' })).toBe("day <> '2025-01-31'");
	});

	it('escapes patterns', () => {
		expect(expression(text, { contains: '100 %_\\' })).toBe("station ILIKE '%100 \\%\\_\\\\%'");
		expect(expression(text, { startsWith: "O'" })).toBe("station LIKE 'O''%'");
	});

	it('compares with one or two limits', () => {
		expect(expression(number, { from: 1, to: 2 })).toBe('no2 >= 1 AND no2 <= 2');
		expect(expression(number, { from: 1, to: 2, open: true })).toBe('no2 >= 1 AND no2 < 2');
		expect(expression(number, { to: '-1e-7' })).toBe('no2 <= -1e-7');
		expect(expression(date, { from: '2025-01-01' })).toBe("day >= '2025-01-01'");
	});

	it('distinguishes missing values from empty texts', () => {
		expect(expression(text, { is: null })).toBe('station IS NULL');
		expect(expression(text, { missing: true })).toBe('station IS NULL');
		expect(expression(text, { empty: true })).toBe("(station IS NULL OR station = '')");
		expect(expression(text, { empty: false })).toBe("station <> ''");
		expect(expression(nested, { empty: true })).toBe('tags IS NULL');
		expect(expression(number, { empty: false })).toBe('no2 IS NOT NULL');
	});
});

describe('conditions', () => {
	it('splits at the outermost ANDs only', () => {
		expect(conditions('')).toEqual([]);
		expect(conditions("a = 1 and b = 'x AND y' AND (c = 1 AND d = 2)")).toEqual(['a = 1', "b = 'x AND y'", '(c = 1 AND d = 2)']);
		expect(conditions('a BETWEEN 1 AND 2 AND "b AND c" = 3')).toEqual(['a BETWEEN 1 AND 2', '"b AND c" = 3']);
		expect(conditions('CASE WHEN a AND b THEN c END AND d')).toEqual(['CASE WHEN a AND b THEN c END', 'd']);
	});

	it('leaves what has an OR, and what is not complete', () => {
		for (const whole of ['a = 1 AND b = 2 OR c = 3', '(a = 1 AND b = 2', 'a = 1 AND', 'a BETWEEN 1']) expect(conditions(whole)).toEqual([whole]);
	});
});

describe('withTest', () => {
	it('adds a test, replaces that of the same column, and removes it', () => {
		expect(withTest('', 'no2', 'no2 >= 1')).toBe('no2 >= 1');
		expect(withTest("station = 'a'", 'no2', 'no2 >= 1')).toBe("station = 'a' AND no2 >= 1");
		expect(withTest("no2 >= 1 AND no2 < 2 AND station = 'a'", 'no2', 'no2 >= 5')).toBe("station = 'a' AND no2 >= 5");
		expect(withTest("no2 >= 1 AND station = 'a'", 'no2', null)).toBe("station = 'a'");
		expect(withTest("(station IS NULL OR station = '')", 'station', "station = 'b'")).toBe("station = 'b'");
		expect(withTest('"no2" > 4', 'no2', 'no2 IS NULL'), 'also if the user put it in quotes').toBe('no2 IS NULL');
	});

	it('keeps what it did not write', () => {
		expect(withTest('no2 > pm10', 'no2', 'no2 > 1')).toBe('no2 > pm10 AND no2 > 1');
		expect(withTest('no2 + 1 > 5 AND no2x > 3', 'no2', 'no2 > 1')).toBe('no2 + 1 > 5 AND no2x > 3 AND no2 > 1');
		expect(withTest('no2 > 4 OR pm10 > 9', 'no2', 'no2 > 1')).toBe('(no2 > 4 OR pm10 > 9) AND no2 > 1');
		expect(withTest('no2 > 4 OR pm10 > 9', 'no2', null)).toBe('no2 > 4 OR pm10 > 9');
		expect(withTest('(no2 > 4', 'pm10', null)).toBe('(no2 > 4');
	});

	it('is found again', () => {
		const where = withTest("station = 'a'", 'no2', 'no2 >= 1 AND no2 < 2');
		expect(hasTest(where, 'no2 >= 1 AND no2 < 2')).toBe(true);
		expect(hasTest(where, 'no2 >= 1 AND no2 < 3')).toBe(false);
		expect(hasTest('', 'no2 >= 1')).toBe(false);
		expect([isFiltered(where, 'no2'), isFiltered(where, 'station'), isFiltered(where, 'no')]).toEqual([true, true, false]);
	});
});

describe('example', () => {
	it('uses columns and values of the table', () => {
		const columns = [date, { name: 'Station name', type: 'string' }, number];
		expect(example(columns, ['2025-01-01', "Fisherman's", 3.5])).toBe(`"Station name" = 'Fisherman''s' AND no2 > 3.5`);
		expect(example([date, number], ['2025-01-01', null])).toBe("day >= '2025-01-01'");
		expect(example([nested], [[1]])).toBe('tags IS NOT NULL');
		expect(example([text], ['x'.repeat(100)])).toBe('station IS NOT NULL');
		expect(example([], undefined)).toBe('');
	});
});

it('knows the kinds of types', () => {
	expect(['integer', 'number', 'year', 'date', 'datetime', 'time', 'boolean', 'string', 'array', 'object'].map((type) => kindOf({ type })).join(' ')).toBe(
		'number number number time time time boolean text other other'
	);
	expect(kindOf({ type: 'string', format: 'binary' })).toBe('other');
});
