// Requests about what happened in datasets.
import { datasetUrl, request } from '../api';
import type { DatasetEvent, Page } from '../types';

/** What happened in the datasets that the user owns, is a member of, follows or has starred; or in one of them. */
export function listEvents(dataset: [owner: string, name: string] | null, cursor: string | undefined, signal: AbortSignal, limit = 50): Promise<Page<DatasetEvent>> {
	return request('GET', dataset ? datasetUrl(...dataset, '/events') : '/api/v1/events', { query: { limit, cursor }, signal });
}
