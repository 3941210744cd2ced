import { describe, expect, it } from 'vitest';
import { tablesIn, tokens, wanted } from './sql';

describe('tokens', () => {
	it('are names, texts, marks and comments', () => {
		const found = tokens(`SELECT "a""b", 'it''s' -- done\n/* "x */ f.größe`).map(({ kind, value }) => [kind, value]);
		expect(found).toEqual([
			['word', 'SELECT'],
			['quoted', 'a"b'],
			['mark', ','],
			['text', "it's"],
			['comment', ''],
			['comment', ''],
			['word', 'f'],
			['mark', '.'],
			['word', 'größe']
		]);
	});

	it('know whether a quote or a comment ends', () => {
		const closed = (sql: string) => tokens(sql).at(-1)?.closed;
		expect(closed('"abc"')).toBe(true);
		expect(closed('"abc')).toBe(false);
		expect(closed('"abc""')).toBe(false);
		expect(closed("''")).toBe(true);
		expect(closed("'")).toBe(false);
		expect(closed('/* a */')).toBe(true);
		expect(closed('/*/')).toBe(false);
	});
});

describe('tables of a query', () => {
	it('are those after FROM and JOIN, with their aliases', () => {
		expect(tablesIn('SELECT * FROM Birds b, "data/x.csv" AS "X y" JOIN "ada/birds@v1.0"."birds" USING (id) WHERE a IN (SELECT 1 FROM other)')).toEqual([
			{ dataset: null, table: 'birds', alias: 'b' },
			{ dataset: null, table: 'data/x.csv', alias: 'X y' },
			{ dataset: 'ada/birds@v1.0', table: 'birds', alias: null },
			{ dataset: null, table: 'other', alias: null }
		]);
	});

	it('are not functions, nor what comments and texts contain', () => {
		expect(tablesIn("SELECT 'from a' FROM row_diff('a', 'b', 'c') -- from b")).toEqual([]);
		expect(tablesIn('FROM')).toEqual([]);
	});
});

describe('what can be completed', () => {
	const at = (text: string) => {
		const cursor = text.indexOf('|');
		const found = wanted(text.slice(0, cursor), text.slice(cursor + 1));
		if (!found) return null;
		const { from, ...rest } = found;
		return { begun: text.slice(from, cursor), ...rest };
	};

	it('a table after FROM, JOIN and commas between tables', () => {
		const table = { what: 'table', quote: null, dataset: null };
		expect(at('SELECT * FROM |')).toEqual({ begun: '', ...table });
		expect(at('SELECT * FROM bi|')).toEqual({ begun: 'bi', ...table });
		expect(at('SELECT * FROM birds b, "a/b".c AS d, x|')).toEqual({ begun: 'x', ...table });
		expect(at('SELECT * FROM a LEFT JOIN b|')).toEqual({ begun: 'b', ...table });
		expect(at('SELECT * FROM "bi|"')).toEqual({ begun: 'bi', ...table, quote: '"' });
	});

	it('a revision after its dataset, and a table after that', () => {
		expect(at('SELECT * FROM "ada/birds@v|')).toEqual({ begun: 'ada/birds@v', what: 'dataset', quote: '"' });
		expect(at('SELECT * FROM "ada/birds@v1.0".|')).toEqual({ begun: '', what: 'table', quote: null, dataset: 'ada/birds@v1.0' });
		expect(at('SELECT * FROM "ada/birds"."b|"')).toEqual({ begun: 'b', what: 'table', quote: '"', dataset: 'ada/birds' });
	});

	it('columns elsewhere, also of tables that follow', () => {
		const birds = { dataset: null, table: 'birds', alias: 'b' };
		expect(at('SELECT na| FROM birds b')).toEqual({ begun: 'na', what: 'any', named: [birds] });
		expect(at('SELECT b.| FROM birds b')).toEqual({ begun: '', what: 'column', quote: null, of: 'b', named: [birds] });
		expect(at('SELECT b."x| FROM birds b')).toMatchObject({ begun: 'x', what: 'column', quote: '"', of: 'b' });
		expect(at('SELECT a, | FROM birds b')).toMatchObject({ what: 'any' });
		expect(at('SELECT * FROM birds b GROUP BY a, |')).toMatchObject({ what: 'any', named: [birds] });
		expect(at('SELECT * FROM birds b WHERE "c|')).toMatchObject({ what: 'column', quote: '"', of: null });
	});

	it('the arguments of row_diff', () => {
		expect(at("SELECT * FROM row_diff('|')")).toEqual({ begun: '', what: 'dataset', quote: "'" });
		expect(at("SELECT * FROM row_diff('ada/birds@v1', 'ada/bi|")).toEqual({ begun: 'ada/bi', what: 'dataset', quote: "'" });
		expect(at("SELECT * FROM row_diff('a/b@1', 'a/b@2', 'bi|')")).toEqual({ begun: 'bi', what: 'table', quote: "'", dataset: 'a/b@2' });
		expect(at("SELECT * FROM row_diff('a/b@1', 'a/b@2', 'birds', 'id,na|')")).toEqual({
			begun: 'na',
			what: 'column',
			quote: "'",
			of: null,
			named: [{ dataset: 'a/b@2', table: 'birds', alias: null }]
		});
	});

	it('nothing in texts, comments and numbers', () => {
		expect(at("SELECT 'fro|")).toBeNull();
		expect(at('SELECT 1 -- from |')).toBeNull();
		expect(at('SELECT /* from |')).toBeNull();
		expect(at('SELECT 12|')).toBeNull();
		expect(at('SELECT /* all */ na|')).toMatchObject({ what: 'any' });
	});
});
