// Client of row diffs: a diff of large tables takes a while, and the server tells its progress until then.
import { send, type Query } from '$lib/api';
import type { RowDiff, RunningDiff } from '$lib/types';

/** Two versions of a table. */
export interface Compared {
	/** API URL of the dataset. */
	url: string;
	/** Revisions; without `from`, the first parent of `to`. */
	from: string | null;
	to: string;
	table: string;
	/** The name of the table at `from`. */
	fromTable: string;
}

export type DiffFormat = 'json' | 'csv' | 'parquet' | 'daff';

interface Options {
	signal?: AbortSignal;
	/** Called with a fraction while the server compares. */
	onprogress?: (fraction: number) => void;
}

/** After this time, in seconds, the server tells its progress instead of the differences. */
const WAIT_SECONDS = 2;
/** Time between two requests if the server does not name it, in milliseconds. */
const PAUSE_MS = 1000;

async function compare({ url, from, to, table, fromTable }: Compared, query: Query, { signal, onprogress }: Options): Promise<Response> {
	const whole = { from, to, table, from_table: fromTable === table ? undefined : fromTable, ...query };
	for (;;) {
		const response = await send('GET', `${url}/diff/rows`, { query: whole, headers: { prefer: `wait=${WAIT_SECONDS}` }, ...(signal && { signal }) });
		if (response.status !== 202) return response;
		const { progress } = (await response.json()) as RunningDiff;
		onprogress?.(progress);
		const seconds = Number(response.headers.get('retry-after'));
		await pause(seconds > 0 ? seconds * 1000 : PAUSE_MS, signal);
	}
}

/** Waits, or throws `AbortError` if it is aborted. */
const pause = (milliseconds: number, signal: AbortSignal | undefined): Promise<void> =>
	new Promise((done, fail) => {
		const abort = () => {
			clearTimeout(timer);
			fail(new DOMException('Aborted', 'AbortError'));
		};
		const timer = setTimeout(() => {
			signal?.removeEventListener('abort', abort);
			done();
		}, milliseconds);
		signal?.addEventListener('abort', abort, { once: true });
		if (signal?.aborted) abort();
	});

/** Reads differences; repeats the request while the server compares. */
export const rowDiff = async (compared: Compared, query: Query, options: Options = {}): Promise<RowDiff> =>
	(await compare(compared, { ...query, format: 'json' }, options)).json() as Promise<RowDiff>;

/** Reads differences as a file. */
export const rowDiffFile = async (compared: Compared, query: Query, format: Exclude<DiffFormat, 'json'>): Promise<Blob> =>
	(await compare(compared, { ...query, format }, {})).blob();
