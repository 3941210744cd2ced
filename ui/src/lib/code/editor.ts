// The editor of text files.
import { closeBrackets, closeBracketsKeymap } from '@codemirror/autocomplete';
import { search, searchKeymap } from '@codemirror/search';
import { Compartment, EditorSelection, EditorState, StateEffect, StateField } from '@codemirror/state';
import { Decoration, EditorView, keymap, type DecorationSet } from '@codemirror/view';
import { basics, keys, shadowOf } from './base';
import { languageOf } from './languages';

export interface TextEditor {
	/** Replaces the text. */
	set(text: string): void;
	/** Marks a line, from 1, or none. */
	mark(line: number | null): void;
	/** Moves the cursor to a line and column, from 1. */
	goTo(line: number, column: number): void;
	focus(): void;
	destroy(): void;
}

interface Options {
	text: string;
	path: string;
	label: string;
	/** True if carriage returns are characters of the text, because its line breaks are mixed. */
	mixed: boolean;
	onchange: (text: string) => void;
}

const markLine = StateEffect.define<number | null>();
const markedLine = StateField.define<DecorationSet>({
	create: () => Decoration.none,
	update(marks, transaction) {
		let next = marks.map(transaction.changes);
		for (const effect of transaction.effects) {
			if (!effect.is(markLine)) continue;
			const { doc } = transaction.state;
			next = effect.value === null || effect.value > doc.lines ? Decoration.none : Decoration.set([Decoration.line({ class: 'cm-wrong' }).range(doc.line(effect.value).from)]);
		}
		return next;
	},
	provide: (field) => EditorView.decorations.from(field)
});

const theme = EditorView.theme({
	'&': { height: '100%' },
	'.cm-scroller': { minHeight: '100%' },
	'.cm-wrong': { backgroundColor: 'var(--bad-soft)', boxShadow: 'inset 3px 0 0 var(--bad)' },
	'.cm-panels': { color: 'var(--ink)', backgroundColor: 'var(--shoal)' },
	'.cm-panels-bottom': { borderTop: '1px solid var(--line)' },
	'.cm-panel.cm-search': { padding: '8px 32px 8px 12px', fontFamily: 'var(--sans)' },
	'.cm-panel.cm-search label': { fontSize: '13px', color: 'var(--ink-2)' },
	'.cm-dialog': { padding: '8px 32px 8px 12px', fontFamily: 'var(--sans)' },
	'.cm-dialog label': { fontSize: '13px', color: 'var(--ink-2)' },
	'.cm-dialog-close': { color: 'var(--ink-2)', fontSize: '18px', top: '6px', right: '8px' },
	'.cm-textfield, .cm-button': { fontSize: '13px', color: 'var(--ink)', backgroundColor: 'var(--surface)', backgroundImage: 'none', border: '1px solid var(--line-strong)', borderRadius: 'var(--radius)', padding: '3px 8px' },
	'.cm-panel.cm-search [name=close]': { color: 'var(--ink-2)', fontSize: '18px', right: '8px' },
	'.cm-searchMatch': { backgroundColor: 'var(--warn-soft)', outline: '1px solid var(--warn)' },
	'.cm-searchMatch-selected': { backgroundColor: 'var(--plot-soft)' }
});

/** Creates the editor in a shadow tree of an element. */
export function createTextEditor(host: HTMLElement, { text, path, label, mixed, onchange }: Options): TextEditor {
	const root = shadowOf(host);
	const language = new Compartment();
	const view = new EditorView({
		root,
		parent: root,
		state: EditorState.create({
			doc: text,
			extensions: [
				mixed ? EditorState.lineSeparator.of('\n') : [],
				basics(label),
				closeBrackets(),
				search(),
				markedLine,
				language.of([]),
				theme,
				keymap.of([...closeBracketsKeymap, ...searchKeymap]),
				keys,
				EditorView.updateListener.of((update) => {
					if (update.docChanged) onchange(textOf(update.state));
				})
			]
		})
	});
	let ended = false;
	void languageOf(path).then((found) => {
		if (found && !ended) view.dispatch({ effects: language.reconfigure(found) });
	});
	return {
		set(next) {
			if (next === textOf(view.state)) return;
			view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: view.state.toText(next) }, selection: { anchor: 0 } });
		},
		mark: (line) => view.dispatch({ effects: markLine.of(line) }),
		goTo(line, column) {
			const found = view.state.doc.line(Math.max(1, Math.min(view.state.doc.lines, line)));
			const at = Math.min(found.to, found.from + Math.max(0, column - 1));
			view.dispatch({ selection: EditorSelection.cursor(at), effects: EditorView.scrollIntoView(at, { y: 'center' }) });
			view.focus();
		},
		focus: () => view.focus(),
		destroy() {
			ended = true;
			view.destroy();
		}
	};
}

/** Returns the text with `\n` between lines. */
const textOf = (state: EditorState): string => state.doc.toString();
