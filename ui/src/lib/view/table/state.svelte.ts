// State of a table page: its view, which is kept in the URL, the rows of the shown page, and the statistics.
import { untrack } from 'svelte';
import { replaceState } from '$app/navigation';
import { page as route } from '$app/state';
import { ApiError } from '$lib/api';
import { load, type Loaded } from '$lib/load.svelte';
import type { TableColumn, TableRows, TableStatistics } from '$lib/types';
import type { Table } from '../source';
import { rowCount, pageSize } from './paging';
import { isWhole, parameters, readView, writeView, type TableView } from './view';

export interface Page extends TableRows {
	/** What was requested. */
	view: TableView;
}

/** True if the number of rows is limited. */
export const isLimited = (view: TableView): boolean => view.where !== '' || view.sort.length > 0;

export class TableState {
	readonly #table: Table;
	#view = $state.raw<TableView>(readView(new URLSearchParams(location.search)));
	/** Number of the row that the user went to, from 0. */
	#marked = $state<number | null>(null);
	readonly #page: Loaded<Page>;
	readonly #whole: Loaded<TableRows>;
	readonly #statistics: Loaded<TableStatistics>;
	/** Why the server does not compute the statistics; kept until the user tries again. */
	#refusal: unknown = null;

	/** Creates the state while a component initializes. */
	constructor(table: Table) {
		this.#table = table;
		this.#page = load((signal) => this.#read(this.#view, signal), { keep: true });
		// The columns of the whole table, if the first page does not have them.
		this.#whole = load((signal) => (this.#lacksColumns ? this.#table.rows({ limit: 1 }, signal) : null), { keep: true });
		// Rows come first: the server reads few tables at a time.
		this.#statistics = load((signal) => (this.rows && !this.#page.busy ? this.#count(signal) : null), { keep: true });
		// Navigation within the page, such as back and forward, changes the view.
		$effect(() => {
			void route.url.href;
			const there = readView(new URLSearchParams(location.search));
			untrack(() => {
				if (JSON.stringify(there) !== JSON.stringify(this.#view)) this.#view = there;
			});
		});
	}

	get view(): TableView {
		return this.#view;
	}

	/** The rows that are shown: those of the view, or the previous ones while they load or if they cannot be read. */
	get rows(): Page | undefined {
		return this.#page.data;
	}

	get busy(): boolean {
		return this.#page.busy;
	}

	get error(): unknown {
		return this.#page.error;
	}

	get marked(): number | null {
		return this.#marked;
	}

	get statistics() {
		return this.#statistics;
	}

	/** All columns of the table. */
	readonly columns = $derived.by<TableColumn[] | undefined>(() => (this.rows?.view.columns === null ? this.rows.fields : this.#whole.data?.fields));

	/** Number of rows that the view has; `null` if not known. */
	readonly total = $derived.by<number | null>(() => {
		const rows = this.rows;
		if (!rows) return null;
		const counted = this.#statistics.data;
		return rowCount(rows, rows.view.where === '' && counted?.is_complete ? counted.rows : null);
	});

	/** Why the server rejects the view, such as its expression. */
	readonly rejection = $derived.by<ApiError | null>(() => {
		const error = this.error;
		const isRejected = error instanceof ApiError && (error.status === 422 || error.status === 400);
		return isRejected && !isWhole({ ...this.#view, offset: 0 }) ? error : null;
	});

	readonly #lacksColumns = $derived.by(() => {
		if (untrack(() => this.#whole.data)) return false;
		return this.rows ? this.rows.view.columns !== null : this.rejection !== null;
	});

	/** Changes the view and the URL. Other rows are shown from the first one. */
	change(change: Partial<TableView>, marked: number | null = null): void {
		this.#view = { ...this.#view, offset: 0, ...change };
		this.#marked = marked;
		replaceState(writeView(new URL(location.href), this.#view), route.state);
	}

	reload(): void {
		void this.#page.reload();
	}

	/** Requests the statistics again. */
	recount(): void {
		this.#refusal = null;
		void this.#statistics.reload();
	}

	#count(signal: AbortSignal): Promise<TableStatistics> | null {
		if (untrack(() => this.#statistics.data)) return null;
		if (this.#refusal !== null) return Promise.reject(this.#refusal);
		return this.#table.statistics(signal).catch((error: unknown) => {
			if (error instanceof ApiError) this.#refusal = error;
			throw error;
		});
	}

	/** Reads rows of the view as a file. */
	file(format: 'csv' | 'parquet', limit: number): Promise<Blob> {
		return this.#table.file({ ...parameters({ ...this.#view, offset: 0 }), limit }, format);
	}

	#read(view: TableView, signal: AbortSignal): Promise<Page> {
		const limit = pageSize(view.offset, isLimited(view));
		return this.#table.rows({ ...parameters(view), limit }, signal).then((rows) => ({ ...rows, view }));
	}
}
