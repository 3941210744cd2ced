/** Client of the drive API: the files of a dataset, optionally with the token of a share link. */

import { all, datasetUrl, request, segment, segments, send, withQuery, type Method, type Options } from '../api';
import type { Openable } from '../apps/opens';
import type { Changed, DriveEntry, Link, MoveItem, NewShare, OwnDrive, Page, RestoredFromTrash, Revision, Share, ShareUpdate, TableRows, TableStatistics, TrashItem, Version } from '../types';
import { splitId } from '../urls';
import { topmost } from './paths';
import { sortParameter, type Sorting } from './sort';

/** A dataset and the credentials for it. */
export interface Place {
	owner: string;
	dataset: string;
	/** Token of an opened share link. */
	token?: string | undefined;
	/** True if the user can write to all of the dataset; then many files are uploaded as one revision. */
	whole?: boolean;
}

/** A change that was made. */
export interface Done {
	/** Undoes it; absent if that is not possible. */
	undo?: () => Promise<unknown>;
}

export interface ListOptions {
	cursor?: string | null | undefined;
	signal?: AbortSignal | undefined;
	/** Default: the order of git. */
	sort?: Sorting | undefined;
	/** Also lists what is in the folders below. */
	recursive?: boolean;
}

/** Number of files and folders that one request to the drive API can change or download. */
export const MOST = 50_000;

/** Number of entries of a folder that a download URL can name. */
export const NAMED = 40_000;

/** Number of items of a page of a listing. */
const PAGE = 1000;

/** A version of a file. */
export interface FileVersion {
	path: string;
	revision: string;
}

/** Which rows of a table to read. */
export interface RowsQuery {
	revision?: string | undefined;
	/** Number of the first row, from 0. */
	offset?: number | string;
	limit: number;
	/** SQL expression. */
	where?: string;
	/** `name,-other`; a minus sorts descending. */
	sort?: string;
	/** Names, separated by commas. */
	columns?: string;
}

export function placeOf(id: string, token?: string): Place {
	const [owner, dataset] = splitId(id);
	return { owner, dataset, token };
}

/** Returns the number of received shares that the user has not seen yet. */
export const unseenShares = (): Promise<{ count: number }> => request('GET', '/api/v1/shares/received/unseen');

export const overview = (): Promise<OwnDrive> => request('GET', '/api/v1/drive');

/** Returns the drive of a user, which is created when they first use it. */
export const ownDrive = (user: string): Drive => new Drive({ owner: user, dataset: 'drive', whole: true });

export class Drive {
	readonly base: string;
	readonly #shares: string;

	constructor(readonly place: Place) {
		this.base = `/api/v1/drive/${segment(place.owner)}/${segment(place.dataset)}`;
		this.#shares = datasetUrl(place.owner, place.dataset, '/shares');
	}

	get name(): string {
		return `${this.place.owner}/${this.place.dataset}`;
	}

	/** The branch that changes go to; undefined: the default branch. */
	get branch(): string | undefined {
		return undefined;
	}

	/** True if names can be searched. */
	get searchable(): boolean {
		return true;
	}

	get #bearer(): { bearer?: string } {
		return this.place.token === undefined ? {} : { bearer: this.place.token };
	}

	protected call<T>(method: Method, rest: string, options: Options = {}): Promise<T> {
		return request(method, this.base + rest, { ...options, ...this.#bearer });
	}

	list(path: string, { cursor, signal, sort, recursive }: ListOptions = {}): Promise<Page<DriveEntry>> {
		const query = { path: path || undefined, cursor, limit: PAGE, sort: sort && sortParameter(sort), recursive };
		return this.call('GET', '/list', { query, signal });
	}

	entry(path: string, signal?: AbortSignal): Promise<DriveEntry> {
		return this.call('GET', `/entry/${segments(path)}`, { signal });
	}

	search(q: string, path: string, signal?: AbortSignal): Promise<Page<DriveEntry>> {
		return this.call('GET', '/search', { query: { q, path: path || undefined }, signal });
	}

	/** Creates empty folders. */
	async makeFolders(paths: string[]): Promise<Done> {
		for (const path of paths) await this.call('POST', '/folders', { body: { path } });
		return { undo: () => this.delete(topmost(paths)) };
	}

	/** Moves files and folders as one revision. */
	async move(items: MoveItem[]): Promise<Done> {
		const { revision } = await this.call<{ revision: string }>('POST', '/move', { body: { items } });
		if (items.some(({ replace }) => replace)) return this.revertible([revision]);
		const back = items.map(({ from, to }) => ({ from: to, to: from })).reverse();
		return { undo: () => this.move(back) };
	}

	/** Copies files and folders as one revision. */
	async copy(items: MoveItem[]): Promise<Done> {
		const { revision } = await this.call<{ revision: string }>('POST', '/copy', { body: { items } });
		if (items.some(({ replace }) => replace)) return this.revertible([revision]);
		return { undo: () => this.delete(items.map(({ to }) => to)) };
	}

	/** Moves files and folders to the trash, as one revision. */
	async delete(paths: string[]): Promise<Done> {
		await this.call('POST', '/delete', { body: { paths } });
		return { undo: () => this.#restoreDeleted(paths) };
	}

	/** Returns how to undo revisions. Reverts need write access to the whole dataset. */
	revertible(revisions: string[]): Done {
		return this.place.whole === true ? { undo: () => this.revert(revisions) } : {};
	}

	/** Reverts revisions, the newest one first. */
	protected async revert(revisions: string[]): Promise<void> {
		const url = datasetUrl(this.place.owner, this.place.dataset, '/revert');
		for (const revision of [...revisions].reverse()) {
			await request<Revision>('POST', url, { body: { revision, branch: this.branch } });
		}
	}

	/** Restores what has just been deleted. */
	async #restoreDeleted(paths: string[]): Promise<void> {
		// Newest first: a path may have been deleted before.
		const wanted = new Set(paths);
		const items = await all((cursor) => this.trash(cursor), 2 * paths.length + PAGE);
		const ids = items.filter(({ path }) => wanted.delete(path)).map(({ id }) => id);
		if (ids.length > 0) await this.restore(ids);
	}

	/** Returns a URL that works for ten minutes without credentials: for a file, or a ZIP of a folder or of several paths. */
	async downloadUrl(paths: string[], revision?: string): Promise<string> {
		const answer = await this.call<Link>('POST', '/downloads', { body: { paths, revision } });
		return answer.url;
	}

	/** Returns a content URL for `<img>` and similar elements; requires the session cookie. */
	contentUrl(path: string, revision?: string): string {
		return withQuery(`${this.base}/content/${segments(path)}`, { revision });
	}

	/** Returns a download URL; requires the session cookie. */
	saveUrl(path: string, revision?: string): string {
		return withQuery(`${this.base}/download/${segments(path)}`, { revision });
	}

	/** Reads rows of a table. */
	rows(path: string, query: RowsQuery, signal?: AbortSignal): Promise<TableRows> {
		return this.call('GET', `/rows/${segments(path)}`, { query: { ...query, format: 'json' }, signal });
	}

	/** Reads rows of a table as a file. */
	async rowsFile(path: string, query: RowsQuery, format: 'csv' | 'parquet'): Promise<Blob> {
		const response = await send('GET', `${this.base}/rows/${segments(path)}`, { query: { ...query, format }, ...this.#bearer });
		return response.blob();
	}

	/** Reads statistics of the columns of a table. */
	statistics(path: string, revision?: string, signal?: AbortSignal): Promise<TableStatistics> {
		return this.call('GET', `/statistics/${segments(path)}`, { query: { revision }, signal });
	}

	versions(path: string, cursor?: string | null): Promise<Page<Version>> {
		return this.call('GET', `/versions/${segments(path)}`, { query: { cursor } });
	}

	/** Restores a version of a file or folder; `before` is the newest one until then. */
	async restoreVersion(path: string, revision: string, before?: string): Promise<Done> {
		const { revision: made } = await this.call<Changed>('POST', `/versions/${segments(path)}`, { body: { revision } });
		if (this.place.whole === true) return this.revertible([made]);
		return before === undefined ? {} : { undo: () => this.restoreVersion(path, before) };
	}

	/** Restores versions of files, each as a revision of its own. */
	async restoreVersions(versions: readonly FileVersion[]): Promise<void> {
		for (const { path, revision } of versions) await this.restoreVersion(path, revision);
	}

	trash(cursor?: string | null): Promise<Page<TrashItem>> {
		return this.call('GET', '/trash', { query: { cursor, limit: PAGE } });
	}

	restore(ids: string[]): Promise<RestoredFromTrash> {
		return this.call('POST', '/trash/restore', { body: { ids } });
	}

	emptyTrash(): Promise<void> {
		return this.call('DELETE', '/trash');
	}

	deleteForEver(id: string): Promise<void> {
		return this.call('DELETE', `/trash/${segment(id)}`);
	}

	/** Returns what an app opens. */
	openable(entry: DriveEntry, editable: boolean): Openable {
		const { path, name, type, media_type: media, right } = entry;
		return { dataset: this.name, path, name, isFile: type === 'file', media, editable: editable && right !== 'view' };
	}

	shares(): Promise<Page<Share>> {
		return request('GET', this.#shares, { query: { limit: PAGE } });
	}

	share(share: NewShare): Promise<Share> {
		return request('POST', this.#shares, { body: share });
	}

	/** Returns a share, including the URL of a link. */
	showShare(id: string): Promise<Share> {
		return request('GET', `${this.#shares}/${segment(id)}`);
	}

	changeShare(id: string, change: ShareUpdate): Promise<Share> {
		return request('PATCH', `${this.#shares}/${segment(id)}`, { body: change });
	}

	revokeShare(id: string): Promise<void> {
		return request('DELETE', `${this.#shares}/${segment(id)}`);
	}
}

/** Downloads a URL without leaving the page. Default name: that of the server. */
export function save(url: string, name = ''): void {
	const anchor = document.createElement('a');
	anchor.href = url;
	anchor.download = name;
	document.body.append(anchor);
	anchor.click();
	anchor.remove();
}

/** Saves data that the page has as a file. */
export function saveBlob(blob: Blob, name: string): void {
	const url = URL.createObjectURL(blob);
	save(url, name);
	// The browser needs the URL until it has begun to save.
	setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
