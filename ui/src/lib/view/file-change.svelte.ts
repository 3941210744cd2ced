// A file of a difference: whether it is expanded, and its rows or lines, which are loaded then.
import { request } from '$lib/api';
import { part } from '$lib/part.svelte';
import { previewKind } from '$lib/preview';
import type { ChangedFile, Difference } from '$lib/types';
import type RowDiff from './row-diff/RowDiff.svelte';
import { RowDiffState } from './row-diff/state.svelte';
import { EVERYTHING, type DiffView } from './row-diff/view';

type Text = NonNullable<ChangedFile['text']>;

export interface Versions {
	/** API URL of the dataset. */
	url: string;
	from: string | null;
	to: string;
}

/** True if both versions of a file are tables, which are compared row by row. */
export const isTableChange = ({ change, before, after }: ChangedFile): boolean =>
	(change === 'changed' || change === 'renamed') && [before, after].every((side) => side?.type === 'file' && previewKind(side.path) === 'table') && before?.id !== after?.id;

/** True if the content of an image has changed: both versions are shown. */
export const isImageChange = ({ path, before, after }: ChangedFile): boolean => previewKind(path) === 'image' && before?.id !== after?.id;

export class FileChange {
	open = $state(false);
	text = $state.raw<Text>();
	error = $state.raw<unknown>();
	/** The lines are shown, although the file is a table. */
	asLines = $state(false);
	readonly rows: RowDiffState | undefined;
	/** The component for rows, which is loaded with its menus and dialogs only for tables. */
	Rows = $state.raw<typeof RowDiff>();
	/** Why the lines of a table are shown. */
	readonly refusal = $derived.by(() => this.rows?.refusal ?? null);

	constructor(
		readonly versions: Versions,
		readonly file: ChangedFile,
		view: DiffView = EVERYTHING,
		onview?: (view: DiffView) => void
	) {
		const { before, after } = file;
		if (!isTableChange(file) || !before || !after) return;
		this.rows = new RowDiffState({ ...versions, table: after.path, fromTable: before.path }, view, onview);
	}

	/** True if the rows are shown, not the lines. */
	get isTable(): boolean {
		return this.rows !== undefined && !this.asLines && this.refusal === null;
	}

	/** Expands the file. Resolves when there is something to show. */
	async show(): Promise<void> {
		this.open = true;
		if (this.rows && !this.asLines) {
			const component = part(() => import('./row-diff/RowDiff.svelte'));
			if (!this.rows.page) await this.rows.load();
			// Not before there is something to show: it would change its height.
			this.Rows = (await component).default;
			if (!this.refusal) return;
		}
		// Of images, SVG alone is text.
		if (!isImageChange(this.file) || /\.svg$/i.test(this.file.path)) await this.#lines();
	}

	/** Collapses the file; the server stops to compare soon. */
	hide(): void {
		this.open = false;
		this.rows?.cancel();
	}

	toggle(): void {
		if (this.open) this.hide();
		else void this.show();
	}

	/** Shows the rows or the lines of a table. */
	async showLines(asLines: boolean): Promise<void> {
		this.asLines = asLines;
		await this.show();
	}

	async #lines(): Promise<void> {
		if (this.text) return;
		this.error = undefined;
		try {
			const { url, from, to } = this.versions;
			const answer = await request<Difference>('GET', `${url}/diff`, { query: { from, to, path: this.file.path } });
			this.text = answer.items[0]?.text ?? { unified: null, omitted: 'no_file' };
		} catch (error) {
			this.error = error;
		}
	}
}
