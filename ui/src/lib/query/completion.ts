// Completion of queries: what can be inserted at a place, with names from the catalogue.
import type { TableColumn } from '$lib/types';
import { identifier } from '$lib/view/table/filter';
import { splitDataset, tableText, type TableName } from './names';
import { wanted, type Named, type Wanted } from './sql';
import { BARE, FUNCTIONS, KEYWORDS, TYPES } from './words';

export interface Choice {
	label: string;
	/** The text to insert, if it is not the label. */
	text?: string;
	/** Type of a column, or what the word is. */
	detail?: string;
	kind: 'dataset' | 'table' | 'column' | 'function' | 'keyword';
	/** Further completion follows, such as of the table after its dataset. */
	continues?: boolean;
}

export interface Choices {
	/** Where the completed text begins. */
	from: number;
	choices: Choice[];
	/** The text continues after its closing quote. */
	closes: '"' | "'" | null;
}

/** Where names come from. */
export interface Names {
	content(dataset: string): Promise<{ tables: TableName[] }>;
	columns(dataset: string, table: string): Promise<TableColumn[]>;
	revisions(id: string): Promise<string[]>;
}

/** Number of characters from which words are offered while the user types. */
const ENOUGH = 1;

/** Returns what can be inserted between `before` and `after`, in a query with this default dataset; `null` for nothing. */
export async function complete(before: string, after: string, home: string, names: Names, isExplicit = true): Promise<Choices | null> {
	const want = wanted(before, after);
	if (!want) return null;
	// Do not get in the way after a space.
	if (!isExplicit && want.what === 'any' && before.length - want.from < ENOUGH) return null;
	const choices = await choicesOf(want, home, names);
	return choices.length === 0 ? null : { from: want.from, choices, closes: 'quote' in want ? want.quote : null };
}

async function choicesOf(want: Wanted, home: string, names: Names): Promise<Choice[]> {
	const { id } = splitDataset(home);
	switch (want.what) {
		case 'dataset':
			return datasets(id, await known(names.revisions(id)), want.quote);
		case 'table': {
			const tables = (await known(names.content(want.dataset ?? home).then((content) => content.tables))).map((table): Choice => {
				const text = want.quote === null ? tableText(table.name) : table.name.replaceAll(want.quote, want.quote + want.quote);
				return { label: table.name, ...(text !== table.name && { text }), detail: table.path === table.name ? /* @wc-include */ 'table' : table.path, kind: 'table' };
			});
			if (want.dataset !== null || want.quote === "'") return tables;
			return [...tables, ...datasets(id, await known(names.revisions(id)), want.quote)];
		}
		case 'column':
			return columns(matching(want.named, want.of), home, names, want.quote);
		case 'any': {
			const there = await columns(want.named, home, names, null);
			const called = want.named.map((one): Choice => ({ label: one.alias ?? one.table, text: identifier(one.alias ?? one.table), detail: /* @wc-include */ 'table', kind: 'table' }));
			return [...there, ...called.filter((one) => !one.label.includes('/')), ...WORDS];
		}
	}
}

/** Names that cannot be read are not offered: the query says why. */
const known = <T>(promise: Promise<T[]>): Promise<T[]> => promise.catch(() => []);

const WORDS: Choice[] = [
	...FUNCTIONS.map((name): Choice => ({ label: name, text: BARE.has(name) ? name : `${name}()`, detail: /* @wc-include */ 'function', kind: 'function' })),
	...[...KEYWORDS, ...TYPES].map((word): Choice => ({ label: word.toUpperCase(), kind: 'keyword' }))
];

/** Returns a dataset at its revisions. Before a table, the name continues with it. */
function datasets(id: string, revisions: string[], quote: '"' | "'" | null): Choice[] {
	return revisions.map((revision): Choice => {
		const label = `${id}@${revision}`;
		if (quote === "'") return { label, detail: /* @wc-include */ 'version', kind: 'dataset' };
		return { label, text: `${quote === null ? '"' : ''}${label}"."`, detail: /* @wc-include */ 'version', kind: 'dataset', continues: true };
	});
}

/** Returns the tables with this name or alias; all for `null`. */
const matching = (named: Named[], of: string | null): Named[] => (of === null ? named : named.filter((one) => one.alias === of || (one.alias === null && one.table === of)));

async function columns(named: Named[], home: string, names: Names, quote: '"' | "'" | null): Promise<Choice[]> {
	const found = new Map<string, Choice>();
	const lists = await Promise.all(named.map((one) => known(names.columns(one.dataset ?? home, one.table))));
	for (const { name, type } of lists.flat()) {
		const text = quote === null ? identifier(name) : quote === '"' ? name.replaceAll('"', '""') : name;
		if (!found.has(name)) found.set(name, { label: name, ...(text !== name && { text }), detail: type, kind: 'column' });
	}
	return [...found.values()];
}
