// Filter expressions: SQL conditions over the columns of a table, written by the column menus and plots.
import type { TableColumn } from '$lib/types';

/** What can be asked about a column of a type. */
export type Kind = 'number' | 'time' | 'boolean' | 'text' | 'other';

export function kindOf({ type, format }: Pick<TableColumn, 'type' | 'format'>): Kind {
	if (format === 'binary') return 'other';
	if (/^(integer|number|year)$/.test(type)) return 'number';
	if (/^(date|datetime|time)$/.test(type)) return 'time';
	return type === 'boolean' ? 'boolean' : type === 'string' ? 'text' : 'other';
}

/** Words with a meaning in SQL: columns with these names are quoted. */
const KEYWORDS = new Set(
	`all analyse analyze and any array as asc asymmetric between both by case cast ceil check collate column constraint convert
	create cross cube current_catalog current_date current_role current_time current_timestamp current_user default deferrable desc
	distinct do else end escape except exists extract false fetch filter floor for foreign from full grant group having ilike in
	initially inner intersect interval into is isnull join lateral leading left like limit localtime localtimestamp map match natural
	not notnull null offset on only or order outer over overlaps overlay partition position primary prior qualify references returning
	right rollup safe_cast select session_user similar some struct substr substring symmetric table then to trailing trim true try_cast
	union unique user using values variadic when where window with`.split(/\s+/)
);

/** Returns a column name as an SQL identifier: in double quotes if it needs them. */
export const identifier = (name: string): string =>
	/^[a-z_][a-z0-9_]*$/.test(name) && !KEYWORDS.has(name) ? name : `"${name.replaceAll('"', '""')}"`;

const text = (value: string): string => `'${value.replaceAll("'", "''")}'`;

/** True for a number as SQL and JSON write it. */
export const isNumber = (value: string): boolean => /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(value);

/** Returns a value as an SQL literal. Large integers and decimals are strings in JSON. */
function literal(kind: Kind, value: unknown): string {
	const written = String(value);
	if (kind === 'boolean' && /^(true|false)$/i.test(written)) return written.toUpperCase();
	return kind === 'number' && isNumber(written) ? written : text(written);
}

/** A pattern for LIKE that matches the text itself. */
const pattern = (value: string): string => value.replace(/[\\%_]/g, '\\$&');

export type Test =
	| { is: unknown }
	| { isNot: unknown }
	| { contains: string }
	| { startsWith: string }
	/** Values from `from` up to `to`; without `to` itself if `open`. */
	| { from?: unknown; to?: unknown; open?: boolean }
	| { missing: boolean }
	/** Missing, or a text without characters. */
	| { empty: boolean };

/** Returns the expression for a test of one column. */
export function expression(column: TableColumn, test: Test): string {
	const name = identifier(column.name);
	const kind = kindOf(column);
	if ('is' in test) return test.is === null ? `${name} IS NULL` : `${name} = ${literal(kind, test.is)}`;
	if ('isNot' in test) return `${name} <> ${literal(kind, test.isNot)}`;
	if ('contains' in test) return `${name} ILIKE ${text(`%${pattern(test.contains)}%`)}`;
	if ('startsWith' in test) return `${name} LIKE ${text(`${pattern(test.startsWith)}%`)}`;
	if ('missing' in test) return `${name} IS ${test.missing ? '' : 'NOT '}NULL`;
	if ('empty' in test) {
		if (kind !== 'text') return `${name} IS ${test.empty ? '' : 'NOT '}NULL`;
		return test.empty ? `(${name} IS NULL OR ${name} = '')` : `${name} <> ''`;
	}
	const bounds: string[] = [];
	if (test.from !== undefined) bounds.push(`${name} >= ${literal(kind, test.from)}`);
	if (test.to !== undefined) bounds.push(`${name} ${test.open ? '<' : '<='} ${literal(kind, test.to)}`);
	return bounds.join(' AND ');
}

/** Splits an expression at its outermost ANDs. With an outermost OR it is one part. */
function split(where: string): { parts: string[]; or: boolean } {
	const parts: string[] = [];
	let [start, depth, between, or] = [0, 0, 0, false];
	for (const found of where.matchAll(/'(?:[^']|'')*'|"(?:[^"]|"")*"|[a-z_][\w$]*|[()[\]]/gi)) {
		const word = found[0].toUpperCase();
		if (word === '(' || word === '[' || word === 'CASE') depth += 1;
		else if (word === ')' || word === ']' || word === 'END') depth -= 1;
		else if (depth !== 0) continue;
		else if (word === 'BETWEEN') between += 1;
		else if (word === 'OR') or = true;
		else if (word === 'AND' && between > 0) between -= 1;
		else if (word === 'AND') {
			parts.push(where.slice(start, found.index).trim());
			start = found.index + 3;
		}
	}
	parts.push(where.slice(start).trim());
	// Leave an expression that is not understood as it is; the server explains what is wrong with it.
	const understood = depth === 0 && between === 0 && !parts.includes('');
	return or || !understood ? { parts: [where.trim()], or } : { parts, or: false };
}

/** Returns the conditions that an expression joins with AND. */
export const conditions = (where: string): string[] => (where.trim() === '' ? [] : split(where).parts);

const VALUE = String.raw`(?:'(?:[^']|'')*'|[+-]?[\d.]+(?:e[+-]?\d+)?|true|false)`;
const COMPARISON = new RegExp(String.raw`^(?:(?:=|<>|!=|<=|>=|<|>|(?:not )?i?like)\s*${VALUE}|is(?: not)? null)$`, 'i');

/** True if a condition compares only this column with a value, as the column menus write it. */
function isAbout(condition: string, name: string): boolean {
	const column = identifier(name);
	if (condition === `(${column} IS NULL OR ${column} = '')`) return true;
	for (const start of [column, `"${name.replaceAll('"', '""')}"`]) {
		if (condition.startsWith(start) && COMPARISON.test(condition.slice(start.length).trim())) return true;
	}
	return false;
}

/** Returns the expression with this test of a column instead of the present ones; `null` removes them. */
export function withTest(where: string, name: string, test: string | null): string {
	const kept = conditions(where).filter((condition) => !isAbout(condition, name));
	if (test === null) return kept.join(' AND ');
	if (kept.length === 0) return test;
	return [...kept.map((condition) => (split(condition).or ? `(${condition})` : condition)), test].join(' AND ');
}

/** True if an expression contains a test. */
export function hasTest(where: string, test: string): boolean {
	const present = conditions(where);
	return test !== '' && conditions(test).every((condition) => present.includes(condition));
}

/** True if an expression tests a column, as the column menus write it. */
export const isFiltered = (where: string, name: string): boolean => conditions(where).some((condition) => isAbout(condition, name));

/** Returns an example of an expression, with columns and values of the table. */
export function example(columns: readonly TableColumn[], row: readonly unknown[] | undefined): string {
	const first = (kind: Kind) => {
		const at = columns.findIndex((column, index) => kindOf(column) === kind && row?.[index] != null && String(row[index]).length <= 24);
		return at < 0 ? undefined : { column: columns[at] as TableColumn, value: row?.[at] };
	};
	const [words, number, time] = [first('text'), first('number'), first('time')];
	const tests = [];
	if (words) tests.push(expression(words.column, { is: words.value }));
	if (number) tests.push(`${identifier(number.column.name)} > ${literal('number', number.value)}`);
	else if (time) tests.push(expression(time.column, { from: time.value }));
	if (tests.length > 0) return tests.join(' AND ');
	return columns[0] ? expression(columns[0], { missing: false }) : '';
}
