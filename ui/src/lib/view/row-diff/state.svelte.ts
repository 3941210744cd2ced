// State of a row diff: its view, the shown page of differences, and the progress until it is there.
import { ApiError } from '$lib/api';
import type { RowDiff } from '$lib/types';
import { PAGE } from '../table/paging';
import { rowDiff, rowDiffFile, type Compared, type DiffFormat } from './client';
import { diffParameters, EVERYTHING, type DiffView } from './view';

export interface DiffPage extends RowDiff {
	/** What was requested. */
	view: DiffView;
}

export class RowDiffState {
	#view = $state.raw<DiffView>(EVERYTHING);
	#page = $state.raw<DiffPage>();
	#error = $state.raw<unknown>();
	#busy = $state(false);
	#progress = $state<number | null>(null);
	#controller: AbortController | undefined;

	constructor(
		readonly compared: Compared,
		view: DiffView,
		/** Called with each new view. */
		private readonly onview?: (view: DiffView) => void
	) {
		this.#view = view;
	}

	get view(): DiffView {
		return this.#view;
	}

	/** The differences that are shown: those of the view, or the previous ones until they are there. */
	get page(): DiffPage | undefined {
		return this.#page;
	}

	get error(): unknown {
		return this.#error;
	}

	get busy(): boolean {
		return this.#busy;
	}

	/** Fraction of the comparison that is done; `null` if it is not known. */
	get progress(): number | null {
		return this.#progress;
	}

	/** Why the tables cannot be compared row by row, so that their lines are shown instead. */
	readonly refusal = $derived.by<ApiError | null>(() => {
		const error = this.#error;
		if (this.#page || this.#view.key !== null || !(error instanceof ApiError)) return null;
		return [415, 422, 503].includes(error.status) && !error.isAway ? error : null;
	});

	/** Loads the view. Resolves when there is something to show: differences, progress or an error. */
	load(): Promise<void> {
		this.#controller?.abort();
		const controller = new AbortController();
		this.#controller = controller;
		this.#busy = true;
		this.#progress = null;
		return new Promise((shown) => void this.#run(controller, shown));
	}

	async #run(controller: AbortController, shown: () => void): Promise<void> {
		const view = this.#view;
		const isCurrent = () => this.#controller === controller;
		const onprogress = (fraction: number) => {
			if (isCurrent()) this.#progress = fraction;
			shown();
		};
		try {
			const page = await rowDiff(this.compared, { ...diffParameters(view), limit: PAGE }, { signal: controller.signal, onprogress });
			if (!isCurrent()) return shown();
			this.#page = { ...page, view };
			this.#error = undefined;
		} catch (error) {
			if (!isCurrent() || controller.signal.aborted) return shown();
			this.#error = error;
		}
		this.#busy = false;
		this.#progress = null;
		shown();
	}

	/** Changes the view; other differences are shown from the first one. */
	change(change: Partial<DiffView>): void {
		const before = this.#view;
		this.show({ ...before, ...(Object.keys(change).some((name) => name !== 'only') && { offset: 0 }), ...change });
		this.onview?.(this.#view);
	}

	/** Shows a view, such as that of the URL. */
	show(view: DiffView): void {
		const loaded = JSON.stringify(diffParameters(this.#view)) === JSON.stringify(diffParameters(view));
		this.#view = view;
		if (!loaded) void this.load();
	}

	/** Stops waiting for the server. */
	cancel(): void {
		this.#controller?.abort();
		this.#controller = undefined;
		this.#busy = false;
		this.#progress = null;
	}

	/** Reads the differences of the view as a file, or all of them in daff's format. */
	file(format: Exclude<DiffFormat, 'json'>): Promise<Blob> {
		const { key, change } = diffParameters(this.#view);
		return rowDiffFile(this.compared, format === 'daff' ? { key } : { key, change }, format);
	}
}
