// The editor of queries.
import { acceptCompletion, autocompletion, closeBrackets, closeBracketsKeymap, closeCompletion, completionKeymap, startCompletion, type Completion, type CompletionContext } from '@codemirror/autocomplete';
import { SQLDialect } from '@codemirror/lang-sql';
import { EditorState, Prec } from '@codemirror/state';
import { EditorView, keymap, placeholder } from '@codemirror/view';
import { basics, keys, shadowOf } from '../code/base';
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
	'.cm-scroller': { minHeight: '152px', maxHeight: '46vh' },
	'.cm-tooltip.cm-tooltip-autocomplete > ul': { fontFamily: 'var(--mono)', fontSize: '12.500px', maxHeight: '260px', maxWidth: 'min(560px, 92vw)' },
	'.cm-tooltip.cm-tooltip-autocomplete > ul > li': { display: 'flex', gap: '16px', justifyContent: 'space-between', padding: '3px 10px', lineHeight: '1.5' },
	'.cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]': { color: 'var(--ink)', backgroundColor: 'var(--plot-soft)' },
	'.cm-completionMatchedText': { textDecoration: 'none', fontWeight: '600' },
	'.cm-completionDetail': { margin: '0', fontStyle: 'normal', fontFamily: 'var(--sans)', color: 'var(--ink-2)' }
});

/** Creates the editor in a shadow tree of an element. */
export function createEditor(host: HTMLElement, { text, label, hint, home, names, onchange, onrun }: Options): Editor {
	const root = shadowOf(host);
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
				basics(label),
				closeBrackets(),
				dialect.extension,
				theme,
				placeholder(hint),
				autocompletion({ icons: false, override: [(context) => source(context, home(), names)], maxRenderedOptions: 60 }),
				// Tab accepts a completion, and otherwise leaves the editor.
				keymap.of([{ key: 'Tab', run: acceptCompletion }, ...closeBracketsKeymap, ...completionKeymap]),
				keys,
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
