// Finds formulas in Markdown, as tokens of marked: `$…$`, `$$…$$`, `\(…\)`, `\[…\]` and environments such as `align`.
// As on GitHub, dollars are a formula if there is no blank inside of them and no digit after them, so prices stay text.
import type { TokenizerAndRendererExtension } from 'marked';

/** Longest formula within a line of text, and in lines of its own, in characters. */
const INLINE = 2000;
const BLOCK = 10_000;

export interface Formula {
	/** What was read, with the marks around the formula. */
	raw: string;
	tex: string;
	/** In a line of its own. */
	display: boolean;
}

/** Returns where `close` is, before a blank line, `stop` or the end of what is read; -1 if it is not there. */
function closing(src: string, from: number, close: string, most: number, stop?: string): number {
	const end = Math.min(src.length, from + most);
	for (let at = from; at < end; at += 1) {
		if (src.startsWith(close, at)) return at;
		if (stop !== undefined && src.startsWith(stop, at)) return -1;
		if (src[at] === '\\') at += 1;
		else if (src[at] === '\n' && /^\n[ \t]*\n/.test(src.slice(at, at + 40))) return -1;
	}
	return -1;
}

/** Returns the formula between two marks at the beginning of a text. */
function between(src: string, open: string, close: string, display: boolean, most = INLINE, stop?: string): Formula | null {
	if (!src.startsWith(open)) return null;
	const at = closing(src, open.length, close, most, stop);
	const tex = src.slice(open.length, at).trim();
	return at < 0 || tex === '' ? null : { raw: src.slice(0, at + close.length), tex, display };
}

/** Returns the formula at the beginning of a text. */
export function inlineFormula(src: string): Formula | null {
	if (src.startsWith('\\(')) return between(src, '\\(', '\\)', false, INLINE, '\\(');
	if (src.startsWith('\\[')) {
		// In Markdown, these are also brackets that are not a link.
		const found = between(src, '\\[', '\\]', true, INLINE, '\\[');
		return found !== null && /[\\^_=]/.test(found.tex) ? found : null;
	}
	if (src.startsWith('$`')) return between(src, '$`', '`$', false);
	if (src.startsWith('$$')) return between(src, '$$', '$$', true, BLOCK);
	if (!src.startsWith('$')) return null;
	const found = between(src, '$', '$', false, INLINE, '`');
	if (found === null) return null;
	const inside = found.raw.slice(1, -1);
	return inside !== found.tex || /^[0-9]/.test(src.slice(found.raw.length)) ? null : found;
}

/** Returns the formula in the lines at the beginning of a text. */
export function blockFormula(src: string): Formula | null {
	const indent = /^ {0,3}/.exec(src)![0].length;
	const rest = src.slice(indent, indent + BLOCK + 200);
	let found: Formula | null = null;
	const environment = /^\\begin\{((?:equation|align|gather|multline|eqnarray|alignat|displaymath)\*?)\}/.exec(rest);
	if (environment) {
		const close = `\\end{${environment[1]}}`;
		const at = rest.indexOf(close);
		const raw = rest.slice(0, at + close.length);
		found = at < 0 ? null : { raw, tex: raw, display: true };
	} else found = between(rest, '$$', '$$', true, BLOCK) ?? between(rest, '\\[', '\\]', true, BLOCK, '\\[');
	if (found === null || (/^\\\[\S[^\\^_=\n]*\\\]$/.test(found.raw) && !environment)) return null;
	// Text after the formula makes it a part of a paragraph.
	const after = /^[ \t]*(?:\n|$)/.exec(rest.slice(found.raw.length));
	return after === null ? null : { ...found, raw: src.slice(0, indent + found.raw.length + after[0].length) };
}

/** Returns where a formula may begin, before any other mark; so that a text is read once. */
export function inlineStart(src: string): number | undefined {
	const marks = /[$\\<![`*~_]/g;
	for (let mark = marks.exec(src); mark; mark = marks.exec(src)) {
		if (mark[0] !== '$') return mark[0] === '\\' && /^\\[([]/.test(src.slice(mark.index, mark.index + 2)) ? mark.index : undefined;
		// A dollar after a word is that of a currency, such as US$.
		if (mark.index === 0 || !/[\p{L}\p{N}$]/u.test(src[mark.index - 1]!)) return mark.index;
	}
	return undefined;
}

/** Returns where lines of a formula begin within a paragraph, if it is near: those further on are found as a part of its text. */
export function blockStart(src: string): number | undefined {
	const near = src.slice(0, 4000);
	const marks = /\n(?:[ \t]*\n| {0,3}(\$\$|\\\[|\\begin\{))/g;
	for (let tries = 0, mark = marks.exec(near); mark?.[1] !== undefined && tries < 8; tries += 1, mark = marks.exec(near)) {
		// Only where there is one: the rest of the paragraph would be read again for each.
		if (blockFormula(src.slice(mark.index + 1, mark.index + BLOCK + 200)) !== null) return mark.index + 1;
	}
	return undefined;
}

const token = (found: Formula | null, type: string) => (found === null ? undefined : { type, ...found });

/** Extensions of marked. */
export const formulas: TokenizerAndRendererExtension[] = [
	{ name: 'formulaBlock', level: 'block', start: blockStart, tokenizer: (src) => token(blockFormula(src), 'formulaBlock') },
	{ name: 'formula', level: 'inline', start: inlineStart, tokenizer: (src) => token(inlineFormula(src), 'formula') }
];
