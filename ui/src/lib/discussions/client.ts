// Requests about the discussions and proposals of a dataset.
import { request, segment, type Query } from '../api';
import type { DatasetPage } from '../dataset.svelte';
import type { Page } from '../types';
import type { Discussion, DiscussionEvent, MergeResult, NewDiscussion, ProposalChecks } from '../types';

export class Discussions {
	/** `url` returns URLs of the dataset in the API. */
	constructor(private readonly dataset: Pick<DatasetPage, 'url'>) {}

	#url(number?: number, rest = ''): string {
		return this.dataset.url(`/discussions${number === undefined ? '' : `/${number}`}${rest}`);
	}

	/** Newest first. */
	list(query: Query, signal?: AbortSignal): Promise<Page<Discussion>> {
		return request('GET', this.#url(), { query, ...(signal && { signal }) });
	}

	show(number: number, signal?: AbortSignal): Promise<Discussion> {
		return request('GET', this.#url(number), { ...(signal && { signal }) });
	}

	/** Comments and changes, oldest first. */
	events(number: number, cursor?: string, signal?: AbortSignal): Promise<Page<DiscussionEvent>> {
		return request('GET', this.#url(number, '/events'), { query: { cursor }, ...(signal && { signal }) });
	}

	open(body: NewDiscussion): Promise<Discussion> {
		return request('POST', this.#url(), { body });
	}

	/** Changes the title or the state; `comment` is added before. */
	update(number: number, body: { title?: string; state?: 'open' | 'closed'; comment?: string }): Promise<Discussion> {
		return request('PATCH', this.#url(number), { body });
	}

	comment(number: number, body: string): Promise<DiscussionEvent> {
		return request('POST', this.#url(number, '/comments'), { body: { body } });
	}

	editComment(number: number, id: string, body: string): Promise<DiscussionEvent> {
		return request('PATCH', this.#url(number, `/comments/${segment(id)}`), { body: { body } });
	}

	/** Deletes the text of a comment. Its place stays. */
	hideComment(number: number, id: string): Promise<DiscussionEvent> {
		return request('DELETE', this.#url(number, `/comments/${segment(id)}`));
	}

	checks(number: number, signal?: AbortSignal): Promise<ProposalChecks> {
		return request('GET', this.#url(number, '/checks'), { ...(signal && { signal }) });
	}

	/** Merges a proposal, whose source branch must be at `head`. */
	merge(number: number, body: { head?: string; message?: string }): Promise<Discussion> {
		return request('POST', this.#url(number, '/merge'), { body });
	}

	/** Returns whether the branch `from` can be merged into `into`. */
	mergeability(from: string, into: string, signal?: AbortSignal): Promise<MergeResult> {
		return request('GET', this.dataset.url('/merge'), { query: { from, into }, ...(signal && { signal }) });
	}
}
