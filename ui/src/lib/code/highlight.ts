// Syntax highlighting of text that is shown and not edited: tokens for spans, from the parsers of the editor.
import { Language, LanguageSupport } from '@codemirror/language';
import { highlightCode, tagHighlighter, tags } from '@lezer/highlight';
import { loadLanguage } from './languages';

export interface Token {
	text: string;
	/** How it looks; plain without. */
	kind?: string;
}

/** Longest text that is highlighted, in characters. */
const LONGEST = 256 * 1024;
/** Tokens of one line; longer lines, such as those of minified scripts, are plain. */
const TOKENS = 1000;
/** How long a parser may run at once, and altogether, in milliseconds. */
const SLICE = 16;
const LIMIT = 3000;

const highlighter = tagHighlighter([
	{ tag: [tags.keyword, tags.bool, tags.null, tags.atom], class: 'keyword' },
	{ tag: [tags.typeName, tags.standard(tags.name), tags.propertyName, tags.tagName, tags.attributeName, tags.definition(tags.function(tags.variableName)), tags.labelName], class: 'name' },
	{ tag: [tags.string, tags.inserted, tags.regexp], class: 'string' },
	{ tag: tags.number, class: 'number' },
	{ tag: tags.deleted, class: 'deleted' },
	{ tag: [tags.comment, tags.meta], class: 'comment' },
	{ tag: [tags.heading, tags.strong], class: 'strong' },
	{ tag: tags.emphasis, class: 'emphasis' },
	{ tag: [tags.link, tags.url], class: 'link' }
]);

const pause = () => new Promise<void>((resolve) => setTimeout(resolve));

/**
 * Returns the tokens of each line of a text, whose lines end with `\n`; `null` if the language is not known, or the text is
 * too long. Leaves the page time to react.
 */
export async function highlight(text: string, language: string, signal?: AbortSignal): Promise<Token[][] | null> {
	if (text.length > LONGEST) return null;
	const found = await loadLanguage(language);
	const parser = found instanceof LanguageSupport ? found.language.parser : found instanceof Language ? found.parser : null;
	if (parser === null) return null;
	try {
		const start = performance.now();
		const parse = parser.startParse(text);
		let tree = parse.advance();
		for (let slice = start; tree === null; tree = parse.advance()) {
			const now = performance.now();
			if (now - start > LIMIT) return null;
			if (now - slice < SLICE) continue;
			await pause();
			if (signal?.aborted) return null;
			slice = performance.now();
		}
		return linesOf(text, tree);
	} catch {
		// A parser that fails leaves plain text.
		return null;
	}
}

function linesOf(text: string, tree: Parameters<typeof highlightCode>[1]): Token[][] {
	const lines: Token[][] = [];
	let line: Token[] = [];
	const end = () => {
		lines.push(line.length > TOKENS ? [{ text: line.map((token) => token.text).join('') }] : line);
		line = [];
	};
	highlightCode(
		text,
		tree,
		highlighter,
		(text, classes) => {
			// The innermost of several kinds.
			const kind = classes === '' ? undefined : classes.slice(classes.lastIndexOf(' ') + 1);
			const last = line.at(-1);
			if (last && last.kind === kind) last.text += text;
			else line.push(kind === undefined ? { text } : { text, kind });
		},
		end
	);
	end();
	return lines;
}
