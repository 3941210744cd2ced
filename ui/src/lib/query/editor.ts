// The editor of queries: CodeMirror in a shadow tree, because there it adopts its style sheets, as the content security
// policy demands. In the document it would insert `<style>` elements.
import { acceptCompletion, autocompletion, closeBrackets, closeBracketsKeymap, closeCompletion, completionKeymap, startCompletion, type Completion, type CompletionContext } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { SQLDialect } from '@codemirror/lang-sql';
import { bracketMatching, HighlightStyle, indentUnit, syntaxHighlighting } from '@codemirror/language';
import { EditorState, Prec } from '@codemirror/state';
import { drawSelection, EditorView, highlightSpecialChars, keymap, lineNumbers, placeholder } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { complete, type Choice, type Names } from './completion';
import { FUNCTIONS, KEYWORDS, TYPES } from './words';

export interface Editor {
	readonly text: string;
	/** Replaces the text. */
	set(text: string): void;
	/** Inserts at the cursor, instead of the selection. */
	insert(text: string): void;
	focus(): void;
	destroy(): void;
}

interface Options {
	text: string;
	label: string;
	hint: string;
	/** The default dataset with its revision. */
	home: () => string;
	names: Names;
	onchange: (text: string) => void;
	onrun: () => void;
}

const dialect = SQLDialect.define({
	keywords: KEYWORDS.join(' '),
	types: TYPES.join(' '),
	builtin: FUNCTIONS.filter((name) => !KEYWORDS.includes(name)).join(' '),
	operatorChars: '+-*/<>=~!@#%^&|'
});

const theme = EditorView.theme({
	'&': { color: 'var(--ink)', backgroundColor: 'var(--surface)', fontSize: '13px', borderRadius: 'inherit' },
	'&.cm-focused': { outline: 'none' },
	'.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.6', minHeight: '152px', maxHeight: '46vh', overflow: 'auto' },
	'.cm-content': { padding: '10px 0', caretColor: 'var(--ink)' },
	'.cm-line': { padding: '0 12px 0 6px' },
	'.cm-gutters': { color: 'var(--ink-3)', backgroundColor: 'transparent', border: '0', paddingLeft: '6px' },
	'.cm-cursor': { borderLeftColor: 'var(--ink)', borderLeftWidth: '1.5px' },
	'.cm-placeholder': { color: 'var(--ink-3)' },
	'&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': { backgroundColor: 'var(--plot-soft)' },
	'&.cm-focused .cm-matchingBracket, .cm-matchingBracket': { backgroundColor: 'var(--deep)', outline: '1px solid var(--line-strong)' },
	'&.cm-focused .cm-nonmatchingBracket': { backgroundColor: 'var(--bad-soft)' },
	'.cm-tooltip': { color: 'var(--ink)', backgroundColor: 'var(--surface)', border: '1px solid var(--line-strong)', borderRadius: 'var(--radius)', boxShadow: 'var(--shadow)', overflow: 'hidden' },
	'.cm-tooltip.cm-tooltip-autocomplete > ul': { fontFamily: 'var(--mono)', fontSize: '12.500px', maxHeight: '260px', maxWidth: 'min(560px, 92vw)' },
	'.cm-tooltip.cm-tooltip-autocomplete > ul > li': { display: 'flex', gap: '16px', justifyContent: 'space-between', padding: '3px 10px', lineHeight: '1.5' },
	'.cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]': { color: 'var(--ink)', backgroundColor: 'var(--plot-soft)' },
	'.cm-completionMatchedText': { textDecoration: 'none', fontWeight: '600' },
	'.cm-completionDetail': { margin: '0', fontStyle: 'normal', fontFamily: 'var(--sans)', color: 'var(--ink-2)' },
	'@media (max-width: 640px)': { '&': { fontSize: '16px' } }
});

const colours = HighlightStyle.define([
	{ tag: [tags.keyword, tags.bool, tags.null], color: 'var(--accent)' },
	{ tag: [tags.typeName, tags.standard(tags.name)], color: 'var(--plot)' },
	{ tag: tags.string, color: 'var(--good)' },
	{ tag: tags.number, color: 'var(--warn)' },
	{ tag: tags.comment, color: 'var(--ink-3)', fontStyle: 'italic' },
	{ tag: tags.special(tags.string), color: 'var(--ink)', fontWeight: '600' }
]);

/**
 * Replaces a selection by typed text. When browsers do it, they keep the looks of the old text by inline styles, which the
 * content security policy blocks with an error.
 */
const replaceSelection = EditorView.domEventHandlers({
	beforeinput(event, view) {
		const insert = event.data;
		if (event.inputType !== 'insertText' || insert === null || view.compositionStarted) return false;
		const [from, to] = selected(view);
		if (from === to || view.state.selection.ranges.length > 1) return false;
		const replace = () => view.state.update({ changes: { from, to, insert }, selection: { anchor: from + insert.length }, userEvent: 'input.type', scrollIntoView: true });
		const isHandled = view.state.facet(EditorView.inputHandler).some((handle) => handle(view, from, to, insert, replace));
		if (!isHandled) view.dispatch(replace());
		event.preventDefault();
		return true;
	}
});

/** Returns the selection that the browser has, which can be newer than that of the editor. It has no target ranges in shadow trees. */
function selected(view: EditorView): [from: number, to: number] {
	const { main } = view.state.selection;
	const there = 'getSelection' in view.root ? (view.root as Document).getSelection() : null;
	if (!there?.anchorNode || !there.focusNode || !view.contentDOM.contains(there.anchorNode) || !view.contentDOM.contains(there.focusNode)) return [main.from, main.to];
	const [anchor, head] = [view.posAtDOM(there.anchorNode, there.anchorOffset), view.posAtDOM(there.focusNode, there.focusOffset)];
	return [Math.min(anchor, head), Math.max(anchor, head)];
}

/** Creates the editor in a shadow tree of an element. */
export function createEditor(host: HTMLElement, { text, label, hint, home, names, onchange, onrun }: Options): Editor {
	const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' });
	const run = () => {
		closeCompletion(view);
		onrun();
		return true;
	};
	const view = new EditorView({
		root,
		parent: root,
		state: EditorState.create({
			doc: text,
			extensions: [
				Prec.highest(keymap.of([{ key: 'Mod-Enter', run }])),
				lineNumbers(),
				highlightSpecialChars(),
				history(),
				drawSelection(),
				indentUnit.of('  '),
				replaceSelection,
				bracketMatching(),
				closeBrackets(),
				dialect.extension,
				syntaxHighlighting(colours),
				theme,
				placeholder(hint),
				EditorView.lineWrapping,
				autocompletion({ icons: false, override: [(context) => source(context, home(), names)], maxRenderedOptions: 60 }),
				// Tab accepts a completion, and otherwise leaves the editor.
				keymap.of([{ key: 'Tab', run: acceptCompletion }, ...closeBracketsKeymap, ...completionKeymap, ...historyKeymap, ...defaultKeymap]),
				EditorView.contentAttributes.of({ 'aria-label': label, autocapitalize: 'off', autocorrect: 'off', spellcheck: 'false' }),
				EditorView.updateListener.of((update) => {
					if (update.docChanged) onchange(update.state.doc.toString());
				})
			]
		})
	});
	return {
		get text() {
			return view.state.doc.toString();
		},
		set(next) {
			if (next === view.state.doc.toString()) return;
			view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: next }, selection: { anchor: next.length } });
		},
		insert(inserted) {
			view.dispatch(view.state.replaceSelection(inserted), { scrollIntoView: true });
			view.focus();
		},
		focus: () => view.focus(),
		destroy: () => view.destroy()
	};
}

async function source(context: CompletionContext, home: string, names: Names) {
	const { doc } = context.state;
	const [before, after] = [doc.sliceString(0, context.pos), doc.sliceString(context.pos)];
	const found = await complete(before, after, home, names, context.explicit);
	// The user may have left the editor in the meantime.
	if (!found || context.aborted || context.view?.hasFocus === false) return null;
	const boost = { column: 3, table: 2, dataset: 1, function: 0, keyword: 0 };
	return {
		from: found.from,
		options: found.choices.map((choice): Completion => ({ label: choice.label, ...(choice.detail && { detail: choice.detail }), boost: boost[choice.kind], apply: (view, _, from, to) => insert(view, choice, found.closes, from, to) })),
		validFor: found.closes === null ? /^[\p{L}\p{N}_]*$/u : /^[^"',]*$/
	};
}

function insert(view: EditorView, choice: Choice, closes: string | null, from: number, to: number): void {
	const text = choice.text ?? choice.label;
	const hasEnd = closes !== null && view.state.sliceDoc(to, to + 1) === closes;
	// A quote that is there already is the closing one; a name that continues needs it after the next name.
	const end = closes === null || choice.continues || hasEnd ? '' : closes;
	const anchor = from + text.length + end.length + (hasEnd && !choice.continues ? 1 : 0) - (text.endsWith('()') ? 1 : 0);
	view.dispatch({ changes: { from, to, insert: text + end }, selection: { anchor }, userEvent: 'input.complete' });
	if (choice.continues) startCompletion(view);
}
