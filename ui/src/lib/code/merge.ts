// Two versions of a text side by side, or the changes of one text.
import { MergeView } from '@codemirror/merge';
import { EditorState } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { basics, keys, shadowOf } from './base';
import { languageOf } from './languages';

export interface Comparison {
	destroy(): void;
}

interface Options {
	path: string;
	before: { text: string; label: string };
	after: { text: string; label: string };
	/** The text after is edited, and parts of the text before can be taken over. */
	onchange?: (text: string) => void;
}

const theme = EditorView.theme({
	'.cm-changedLine, &.cm-merge-b .cm-changedLine': { backgroundColor: 'var(--good-soft)' },
	'&.cm-merge-a .cm-changedLine, .cm-deletedChunk': { backgroundColor: 'var(--bad-soft)' },
	'&.cm-merge-b .cm-changedText': { background: 'none', textDecoration: 'underline', textDecorationColor: 'var(--good)', textDecorationThickness: '2px' },
	'&.cm-merge-a .cm-changedText': { background: 'none', textDecoration: 'underline', textDecorationColor: 'var(--bad)', textDecorationThickness: '2px' },
	'.cm-collapsedLines': { color: 'var(--ink-2)', background: 'var(--shoal)', fontFamily: 'var(--sans)', padding: '4px 12px' },
	'.cm-changeGutter': { width: '3px', paddingLeft: '1px' }
});

/** Styles of what is around the two editors. */
const sheet = new CSSStyleSheet();
sheet.replaceSync(`
	.cm-mergeView { max-height: 60vh; overflow: auto; }
	.cm-mergeViewEditors { display: flex; align-items: stretch; }
	.cm-mergeViewEditor { flex: 1 1 0; min-width: 0; overflow: hidden; }
	.cm-mergeViewEditor:last-child { border-left: 1px solid var(--line); }
	.cm-merge-revert { position: relative; width: 28px; background: var(--shoal); }
	.cm-merge-revert button { position: absolute; display: block; width: 24px; height: 24px; margin: 0 2px; padding: 0; color: var(--ink); background: var(--surface); border: 1px solid var(--line-strong); border-radius: 4px; font: inherit; cursor: pointer; }
	.cm-merge-revert button:focus-visible { outline: 2px solid var(--focus); }
	@media (max-width: 640px) { .cm-mergeViewEditors { min-width: 720px; } }
`);

/** Compares two texts in a shadow tree of an element. */
export async function createComparison(host: HTMLElement, { path, before, after, onchange }: Options): Promise<Comparison> {
	const root = shadowOf(host);
	root.adoptedStyleSheets = [...root.adoptedStyleSheets.filter((one) => one !== sheet), sheet];
	const language = (await languageOf(path)) ?? [];
	// A carriage return within a text is a character of its line.
	const shared = [EditorState.lineSeparator.of('\n'), language, theme];
	const fixed = [EditorState.readOnly.of(true), EditorView.contentAttributes.of({ tabindex: '0' })];
	const view = new MergeView({
		root,
		parent: root,
		a: { doc: before.text, extensions: [basics(before.label), shared, fixed] },
		b: {
			doc: after.text,
			extensions: [basics(after.label), shared, onchange ? keys : fixed, EditorView.updateListener.of((update) => { if (update.docChanged) onchange?.(update.state.doc.toString()); })]
		},
		gutter: true,
		collapseUnchanged: { margin: 3, minSize: 6 },
		diffConfig: { scanLimit: 500, timeout: 500 },
		...(onchange && {
			revertControls: 'a-to-b' as const,
			renderRevertControl() {
				const button = document.createElement('button');
				button.type = 'button';
				button.textContent = '→';
				button.title = 'Take over this part';
				button.setAttribute('aria-label', 'Take over this part');
				return button;
			}
		})
	});
	return { destroy: () => view.destroy() };
}
