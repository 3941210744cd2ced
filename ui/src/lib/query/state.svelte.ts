// State of a query that runs: its result or error.
import type { QueryResult } from '$lib/types';
import { runQuery, type Query } from './client';

export interface Ran extends QueryResult {
	/** What was run. */
	query: Query;
	/** Time until the result was there, in milliseconds. */
	milliseconds: number;
}

export class QueryRun {
	#result = $state.raw<Ran>();
	#error = $state.raw<unknown>();
	#busy = $state(false);
	#controller: AbortController | undefined;

	/** The last result; kept while the next query runs. */
	get result(): Ran | undefined {
		return this.#result;
	}

	get error(): unknown {
		return this.#error;
	}

	get busy(): boolean {
		return this.#busy;
	}

	async run(query: Query): Promise<void> {
		this.stop();
		const controller = new AbortController();
		this.#controller = controller;
		this.#busy = true;
		this.#error = undefined;
		const start = performance.now();
		try {
			const result = await runQuery(query, controller.signal);
			if (this.#controller === controller) this.#result = { ...result, query, milliseconds: performance.now() - start };
		} catch (error) {
			if (this.#controller === controller) this.#error = error;
		}
		if (this.#controller === controller) this.#busy = false;
	}

	/** Ends the query: the server stops when the request does. */
	stop(): void {
		this.#controller?.abort();
		this.#controller = undefined;
		this.#busy = false;
	}

	/** Forgets result and error. */
	clear(): void {
		this.stop();
		this.#result = undefined;
		this.#error = undefined;
	}
}
