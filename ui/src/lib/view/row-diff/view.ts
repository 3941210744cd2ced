// What a row diff shows: kinds of changes, key and first row, kept in the query string of the page of one table.
import type { RowChange } from '$lib/types';
import { namesText, readNames, readOffset, withParameters } from '../table/view';

export const CHANGES: readonly RowChange[] = ['added', 'removed', 'changed'];

export interface DiffView {
	/** Number of the first difference, from 0. */
	offset: number;
	/** Kinds of changes; empty for all. */
	changes: RowChange[];
	/** Columns by which rows are matched; `null` for the primary key, if the schema has one. */
	key: string[] | null;
	/** Shows only the key and columns with changes; `null` if that depends on the number of columns. */
	only: boolean | null;
}

export const EVERYTHING: DiffView = { offset: 0, changes: [], key: null, only: null };

export function readDiffView(search: URLSearchParams): DiffView {
	const [changes, key, columns] = [(search.get('change') ?? '').split(','), search.get('key') ?? '', search.get('columns')];
	return {
		offset: readOffset(search),
		changes: CHANGES.filter((one) => changes.includes(one)),
		key: key === '' ? null : readNames(key),
		only: columns === 'changed' ? true : columns === 'all' ? false : null
	};
}

/** The view as parameters of the API. Defaults are empty. */
export const diffParameters = ({ offset, changes, key }: DiffView): { offset: string; change: string; key: string } => ({
	offset: offset === 0 ? '' : String(offset),
	change: changes.join(','),
	key: key === null ? '' : namesText(key)
});

/** Returns the URL of a page with this view; other parameters are kept. */
export const writeDiffView = (url: URL, view: DiffView): URL =>
	withParameters(url, { ...diffParameters(view), columns: view.only === null ? '' : view.only ? 'changed' : 'all' });

/** Returns the kinds of changes after a click on one of them; all of them are the same as none. */
export function toggled(changes: readonly RowChange[], change: RowChange): RowChange[] {
	const next = CHANGES.filter((one) => (one === change) !== changes.includes(one));
	return next.length === CHANGES.length ? [] : next;
}
