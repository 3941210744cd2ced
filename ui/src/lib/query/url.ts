// The query page's URL: text, revision, and which saved query it is.
import { withParameters } from '$lib/view/table/view';

/** Maximum length of a query in the URL, in bytes. */
export const MOST_BYTES = 8192;

export interface QueryUrl {
	/** Revision of the default dataset; `null` for its default branch. */
	rev: string | null;
	/** Text of the query; `null` if it is saved and not changed, or too long. */
	q: string | null;
	/** Path of the saved query. */
	saved: string | null;
}

const read = (search: URLSearchParams, name: string): string | null => search.get(name) || null;

export const readQueryUrl = (search: URLSearchParams): QueryUrl => ({ rev: read(search, 'rev'), q: read(search, 'q'), saved: read(search, 'saved') });

export const isTooLong = (text: string): boolean => new TextEncoder().encode(text).length > MOST_BYTES;

/** Returns the parameters for a query. `stored` is the text of the saved query. */
export function queryParameters({ rev, text, saved, stored }: { rev: string | null; text: string; saved: string | null; stored: string | null }): { rev: string; q: string; saved: string } {
	const isStored = saved !== null && text === stored;
	return { rev: rev ?? '', q: isStored || isTooLong(text) ? '' : text, saved: saved ?? '' };
}

export const writeQueryUrl = (url: URL, parameters: ReturnType<typeof queryParameters>): URL => withParameters(url, parameters);
