import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { copyAs } from './copy-as';

const origin = 'https://example.org';
const queries = ['SELECT 1', `SELECT 'it''s', "a b", '\\n', '$HOME \`x\`'\nFROM "birds.csv"`, 'SELECT "a"', '"', 'a\n"""'];

describe('a query as a program', () => {
	it('is an argument that the shell passes on as it is', () => {
		for (const query of queries) {
			const command = copyAs('curl', { query, default: 'ada/birds@v1.0' }, origin, false).replace(/^curl/, 'printf "%s\\n"');
			const given = execFileSync('/bin/sh', ['-c', command], { encoding: 'utf8', env: { RUTTER_TOKEN: 'secret' } }).split('\n');
			expect(given).toContain('Authorization: Bearer secret');
			expect(given.at(-2)).toBe(`${origin}/api/v1/sql`);
			expect(JSON.parse(given.at(-3) ?? '')).toEqual({ query, default: 'ada/birds@v1.0', format: 'csv' });
		}
	});

	it('needs no token for public data', () => {
		for (const tool of ['curl', 'Python', 'DuckDB'] as const) {
			expect(copyAs(tool, { query: 'SELECT 1', default: 'a/b@main' }, origin, true)).not.toMatch(/token/i);
			expect(copyAs(tool, { query: 'SELECT 1', default: 'a/b@main' }, origin, false)).toMatch(/token/i);
		}
	});

	it('reads Parquet with DuckDB', () => {
		const text = copyAs('DuckDB', { query: 'SELECT 1', default: 'a/b@main' }, origin, true);
		expect(text).toContain('"format":"parquet"');
		expect(text).toMatch(/--output result\.parquet\nduckdb -c "FROM 'result\.parquet'"$/);
	});

	it('keeps lines in Python, unless they contain what has a meaning there', () => {
		const text = (query: string) => copyAs('Python', { query, default: 'a/b@main' }, origin, true);
		expect(text('SELECT 1\nFROM x')).toContain('"query": """SELECT 1\nFROM x""",');
		expect(text('SELECT 1\nFROM "x"')).toContain(String.raw`"query": "SELECT 1\nFROM \"x\"",`);
		expect(text("SELECT '\\d'\nFROM x")).toContain(String.raw`"query": "SELECT '\\d'\nFROM x",`);
	});
});
