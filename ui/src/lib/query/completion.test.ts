import { describe, expect, it } from 'vitest';
import { complete, type Names } from './completion';

const names: Names = {
	content: (dataset) => {
		if (dataset === 'ada/none@main') return Promise.reject(new Error('not found'));
		const tables = [{ name: 'birds', path: 'birds.csv' }, { name: 'data/Nests.parquet', path: 'data/Nests.parquet' }];
		return Promise.resolve({ tables: dataset.endsWith('@v1.0') ? tables.slice(0, 1) : tables });
	},
	columns: (dataset, table) => (table === 'birds' ? Promise.resolve([{ name: 'id', type: 'integer' }, { name: dataset.endsWith('@v1.0') ? 'Old name' : 'New name', type: 'string' }]) : Promise.reject(new Error(table))),
	revisions: () => Promise.resolve(['main', 'v1.0'])
};

async function at(text: string, home = 'ada/birds@main', isExplicit = true) {
	const cursor = text.indexOf('|');
	const found = await complete(text.slice(0, cursor), text.slice(cursor + 1), home, names, isExplicit);
	return found && { ...found, inserted: found.choices.map((one) => one.text ?? one.label) };
}

describe('completion', () => {
	it('of tables quotes names that need it, and offers other revisions', async () => {
		const found = await at('SELECT * FROM |');
		expect(found?.inserted).toEqual(['birds', '"data/Nests.parquet"', '"ada/birds@main"."', '"ada/birds@v1.0"."']);
		expect(found?.choices[3]?.continues).toBe(true);
		expect(found?.closes).toBeNull();
	});

	it('within quotes does not repeat them', async () => {
		expect(await at('SELECT * FROM "da|"')).toMatchObject({ inserted: ['birds', 'data/Nests.parquet', 'ada/birds@main"."', 'ada/birds@v1.0"."'], closes: '"' });
		expect((await at('SELECT * FROM "ada/birds@|"'))?.inserted).toEqual(['ada/birds@main"."', 'ada/birds@v1.0"."']);
		expect((await at('SELECT * FROM "ada/birds@v1.0"."|"'))?.inserted).toEqual(['birds']);
	});

	it('of columns reads the tables of the query at their revisions', async () => {
		expect((await at('SELECT b.| FROM birds b JOIN "ada/birds@v1.0".birds a'))?.inserted).toEqual(['id', '"New name"']);
		expect((await at('SELECT a.| FROM birds b JOIN "ada/birds@v1.0".birds a'))?.inserted).toEqual(['id', '"Old name"']);
		const found = await at('SELECT i| FROM birds b');
		expect(found?.inserted.slice(0, 3)).toEqual(['id', '"New name"', 'b']);
		expect(found?.inserted).toContain('SELECT');
		expect(found?.inserted).toContain('count()');
		expect(found?.inserted).toContain('current_date');
	});

	it('of the arguments of row_diff', async () => {
		expect(await at("FROM row_diff('|')")).toMatchObject({ inserted: ['ada/birds@main', 'ada/birds@v1.0'], closes: "'" });
		expect((await at("FROM row_diff('ada/birds@v1.0', 'ada/birds@main', '|')"))?.inserted).toEqual(['birds', 'data/Nests.parquet']);
		expect((await at("FROM row_diff('ada/birds@main', 'ada/birds@v1.0', 'birds', '|')"))?.inserted).toEqual(['id', 'Old name']);
	});

	it('does not fail where names cannot be read, and waits for a character', async () => {
		expect((await at('SELECT * FROM "|"', 'ada/none@main'))?.inserted).toEqual(['ada/birds@main"."', 'ada/birds@v1.0"."'].map((one) => one.replace('birds', 'none')));
		expect((await at('SELECT n.| FROM nests n'))).toBeNull();
		expect(await at('SELECT | FROM birds', 'ada/birds@main', false)).toBeNull();
		expect(await at('SELECT i| FROM birds', 'ada/birds@main', false)).not.toBeNull();
	});
});
