// What all editors share. CodeMirror is in a shadow tree, because there it adopts its style sheets, as the content security
// policy demands. In the document it would insert `<style>` elements.
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { bracketMatching, HighlightStyle, indentUnit, syntaxHighlighting } from '@codemirror/language';
import { EditorState, type Extension } from '@codemirror/state';
import { drawSelection, EditorView, highlightSpecialChars, keymap, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { phrases } from './phrases';

/** Returns the shadow tree of an element for an editor. */
export const shadowOf = (host: HTMLElement): ShadowRoot => host.shadowRoot ?? host.attachShadow({ mode: 'open' });

export const theme = EditorView.theme({
	'&': { color: 'var(--ink)', backgroundColor: 'var(--surface)', fontSize: '13px', borderRadius: 'inherit' },
	'&.cm-focused': { outline: 'none' },
	'.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.6', overflow: 'auto' },
	'.cm-content': { padding: '10px 0', caretColor: 'var(--ink)' },
	'.cm-line': { padding: '0 12px 0 6px' },
	'.cm-gutters': { color: 'var(--ink-3)', backgroundColor: 'transparent', border: '0', paddingLeft: '6px' },
	'.cm-cursor': { borderLeftColor: 'var(--ink)', borderLeftWidth: '1.5px' },
	'.cm-placeholder': { color: 'var(--ink-3)' },
	'&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': { backgroundColor: 'var(--plot-soft)' },
	'&.cm-focused .cm-matchingBracket, .cm-matchingBracket': { backgroundColor: 'var(--deep)', outline: '1px solid var(--line-strong)' },
	'&.cm-focused .cm-nonmatchingBracket': { backgroundColor: 'var(--bad-soft)' },
	'.cm-tooltip': { color: 'var(--ink)', backgroundColor: 'var(--surface)', border: '1px solid var(--line-strong)', borderRadius: 'var(--radius)', boxShadow: 'var(--shadow)', overflow: 'hidden' },
	'@media (max-width: 640px)': { '&': { fontSize: '16px' } }
});

const colours = HighlightStyle.define([
	{ tag: [tags.keyword, tags.bool, tags.null], color: 'var(--kind-code)' },
	{ tag: [tags.typeName, tags.standard(tags.name), tags.propertyName, tags.tagName, tags.attributeName], color: 'var(--plot)' },
	{ tag: tags.string, color: 'var(--good)' },
	{ tag: tags.number, color: 'var(--warn)' },
	{ tag: [tags.comment, tags.meta], color: 'var(--ink-3)', fontStyle: 'italic' },
	{ tag: tags.special(tags.string), color: 'var(--ink)', fontWeight: '600' },
	{ tag: tags.heading, fontWeight: '600' },
	{ tag: tags.strong, fontWeight: '600' },
	{ tag: tags.emphasis, fontStyle: 'italic' },
	{ tag: tags.strikethrough, textDecoration: 'line-through' },
	{ tag: [tags.link, tags.url], color: 'var(--plot)', textDecoration: 'underline' }
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

/** Returns the extensions that all editors have, without their keys. */
export const basics = (label: string): Extension[] => [
	lineNumbers(),
	highlightSpecialChars(),
	history(),
	drawSelection(),
	indentUnit.of('  '),
	replaceSelection,
	bracketMatching(),
	syntaxHighlighting(colours),
	theme,
	EditorState.phrases.of(phrases),
	EditorView.lineWrapping,
	EditorView.contentAttributes.of({ 'aria-label': label, autocapitalize: 'off', autocorrect: 'off', spellcheck: 'false' })
];

/** Keys of all editors; Tab leaves them. */
export const keys: Extension = keymap.of([...historyKeymap, ...defaultKeymap]);
