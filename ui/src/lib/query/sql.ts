// Just enough of SQL for completion: tokens, and which tables a query names.

export interface Token {
	/** `quoted` is a name in double quotes, `text` a literal in single quotes; both may lack their end. */
	kind: 'word' | 'quoted' | 'text' | 'mark' | 'comment';
	from: number;
	to: number;
	/** Without quotes. */
	value: string;
	/** False if the closing quote is missing. */
	closed: boolean;
}

/** Returns the tokens of a query, without spaces. Every other character is a mark. */
export function tokens(sql: string): Token[] {
	const found: Token[] = [];
	const pattern = /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|"(?:[^"]|"")*(?:"|$)|'(?:[^']|'')*(?:'|$)|[\p{L}_$\d]+|\S/gu;
	for (const { 0: text, index: from } of sql.matchAll(pattern)) {
		const quote = text[0] ?? '';
		const to = from + text.length;
		if (text.startsWith('--') || text.startsWith('/*')) found.push({ kind: 'comment', from, to, value: '', closed: text.startsWith('/*') && text.length > 3 && text.endsWith('*/') });
		else if (quote === '"' || quote === "'") {
			const inner = text.slice(1).replaceAll(quote + quote, '\0');
			const closed = inner.endsWith(quote);
			const value = (closed ? inner.slice(0, -1) : inner).replaceAll('\0', quote);
			found.push({ kind: quote === '"' ? 'quoted' : 'text', from, to, value, closed });
		} else found.push({ kind: /[\p{L}_\d]/u.test(quote) ? 'word' : 'mark', from, to, value: text, closed: true });
	}
	return found;
}

/** A table that a query names. */
export interface Named {
	/** `owner/dataset[@revision]`; `null` for the default. */
	dataset: string | null;
	table: string;
	alias: string | null;
}

/** Words that cannot be an alias. */
const AFTER_TABLE = new Set(
	'on using where group order having limit offset union intersect except join inner left right full cross natural lateral window fetch as for qualify tablesample'.split(' ')
);

/** Words before lists that are no lists of tables. */
const CLAUSES = new Set(['select', 'by', 'distinct', 'set', 'values']);

const isName = (token: Token | undefined): token is Token => token !== undefined && (token.kind === 'word' || token.kind === 'quoted');
const isMark = (token: Token | undefined, mark: string): boolean => token?.kind === 'mark' && token.value === mark;
/** An unquoted name is lower case. */
const nameOf = (token: Token): string => (token.kind === 'word' ? token.value.toLowerCase() : token.value);

/** Returns the tables after FROM and JOIN. Names of common table expressions are among them. */
export function tablesIn(sql: string): Named[] {
	const all = tokens(sql).filter((token) => token.kind !== 'comment');
	const found: Named[] = [];
	for (let at = 0; at < all.length; at += 1) {
		const token = all[at] as Token;
		if (token.kind !== 'word' || !/^(from|join)$/i.test(token.value)) continue;
		let next = at + 1;
		for (;;) {
			const first = all[next];
			if (!isName(first)) break;
			let [dataset, table]: [string | null, Token] = [null, first];
			next += 1;
			if (isMark(all[next], '.') && isName(all[next + 1])) {
				[dataset, table] = [nameOf(first), all[next + 1] as Token];
				next += 2;
			}
			// A table function.
			if (isMark(all[next], '(')) break;
			if (all[next]?.kind === 'word' && /^as$/i.test(all[next]?.value ?? '')) next += 1;
			const alias = all[next];
			const hasAlias = isName(alias) && !(alias.kind === 'word' && AFTER_TABLE.has(alias.value.toLowerCase()));
			if (hasAlias) next += 1;
			found.push({ dataset, table: nameOf(table), alias: hasAlias ? nameOf(alias) : null });
			if (!isMark(all[next], ',')) break;
			next += 1;
		}
	}
	return found;
}

/** What can be completed at a place. `from` is where the completed text begins, after an opening quote. */
export type Wanted =
	/** A dataset with its revision, in quotes or in an argument of `row_diff`. */
	| { what: 'dataset'; from: number; quote: '"' | "'" }
	/** A table, in quotes if `quote` is set. `dataset` as it is written, `null` for the default. */
	| { what: 'table'; from: number; quote: '"' | "'" | null; dataset: string | null }
	/** A column of the tables that match `of`: the name or alias before the dot. */
	| { what: 'column'; from: number; quote: '"' | "'" | null; of: string | null; named: Named[] }
	/** A table, column or keyword. */
	| { what: 'any'; from: number; named: Named[] };

/** Returns what can be completed at the end of `before`, in a query that continues with `after`. */
export function wanted(before: string, after = ''): Wanted | null {
	const all = tokens(before);
	const last = all.at(-1);
	const touches = last !== undefined && last.to === before.length;
	if (last?.kind === 'comment' && touches && !last.closed) return null;
	const named = () => tablesIn(before + after);

	if (last?.kind === 'text' && touches && !last.closed) return argument(all.slice(0, -1), last);
	const isOpen = last?.kind === 'quoted' && touches && !last.closed;
	const isWord = last?.kind === 'word' && touches;
	const rest = isOpen || isWord ? all.slice(0, -1) : all;
	const from = isOpen ? last.from + 1 : isWord ? last.from : before.length;
	const quote = isOpen ? '"' : null;

	if (isMark(rest.at(-1), '.')) {
		const owner = rest.at(-2);
		if (!isName(owner)) return null;
		if (nameOf(owner).includes('/')) return { what: 'table', from, quote, dataset: nameOf(owner) };
		return { what: 'column', from, quote, of: nameOf(owner), named: named() };
	}
	if (isOpen) {
		if (expectsTable(rest)) return last.value.includes('@') ? { what: 'dataset', from, quote: '"' } : { what: 'table', from, quote, dataset: null };
		return { what: 'column', from, quote, of: null, named: named() };
	}
	if (isWord && /^\d/.test(last.value)) return null;
	return expectsTable(rest) ? { what: 'table', from, quote: null, dataset: null } : { what: 'any', from, named: named() };
}

/** True after FROM, JOIN or a comma in their list. */
function expectsTable(before: Token[]): boolean {
	let isFirst = true;
	for (const token of before.toReversed()) {
		if (token.kind === 'comment') continue;
		const word = token.kind === 'word' ? token.value.toLowerCase() : null;
		if (word === 'from' || word === 'join') return true;
		if (isFirst && !isMark(token, ',')) return false;
		isFirst = false;
		if (!isName(token) && !isMark(token, '.') && !isMark(token, ',')) return false;
		if (word !== null && word !== 'as' && (AFTER_TABLE.has(word) || CLAUSES.has(word))) return false;
	}
	return false;
}

/** The argument of `row_diff` that an open literal is in: two datasets, the table, the key. */
function argument(before: Token[], literal: Token): Wanted | null {
	const start = before.findLastIndex((token) => isMark(token, '('));
	if (start < 1 || before[start - 1]?.value.toLowerCase() !== 'row_diff') return null;
	const within = before.slice(start + 1);
	const place = within.filter((token) => isMark(token, ',')).length;
	const given = within.filter((token) => token.kind === 'text').map((token) => token.value);
	const from = literal.from + 1;
	if (place < 2) return { what: 'dataset', from, quote: "'" };
	if (place === 2) return { what: 'table', from, quote: "'", dataset: given[1] ?? null };
	if (place > 3) return null;
	const comma = literal.value.lastIndexOf(',') + 1;
	return { what: 'column', from: from + comma, quote: "'", of: null, named: [{ dataset: given[1] ?? null, table: given[2] ?? '', alias: null }] };
}
