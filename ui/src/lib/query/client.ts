// Client of the SQL API.
import { request, send } from '$lib/api';
import type { QueryResult } from '$lib/types';

export interface Query {
	query: string;
	/** `owner/dataset@revision`, where tables without a dataset are looked up. */
	default: string;
}

export const FORMATS = ['csv', 'parquet', 'arrow'] as const;
export type ResultFormat = (typeof FORMATS)[number];

/** Number of rows that the page shows; files have all. */
export const LIMIT = 1000;

const PATH = '/api/v1/sql';

export const runQuery = (query: Query, signal: AbortSignal): Promise<QueryResult> => request('POST', PATH, { body: { ...query, limit: LIMIT, format: 'json' }, signal });

/** Runs a query and returns its rows as a file. */
export const queryFile = async (query: Query, format: ResultFormat): Promise<Blob> => (await send('POST', PATH, { body: { ...query, format } })).blob();
