/** The files of a dataset at a branch, tag or revision. Every change is one commit to the branch. */

import { all, ApiError, datasetUrl, request, segment } from '../api';
import type { Openable } from '../apps/opens';
import { short } from '../format';
import type { DriveEntry, Entry, MoveItem, Page, Revision } from '../types';
import { Drive, type Done, type ListOptions, type Place } from './client';
import { join, nameOf, parentOf } from './paths';
import { sortParameter } from './sort';

/** File that keeps an empty folder, which git cannot store. */
const KEEP = '.keep';

/** What the files are read from. */
export interface Version {
	/** A branch, a tag or a revision id, as in the URL. */
	name: string;
	/** The revision that it is at. Changes fail if the branch has moved on. */
	revision: string;
	isBranch: boolean;
	/** True for the default branch, the only one that can be searched. */
	isDefault: boolean;
}

/** An operation of the commits API. */
type Operation =
	| { operation: 'put'; path: string; content: string }
	| { operation: 'delete'; path: string }
	| { operation: 'move'; from: string; to: string }
	| { operation: 'copy'; from: string; to: string; revision?: string };

export class DatasetFiles extends Drive {
	constructor(
		place: Place,
		readonly version: Version
	) {
		super(place);
	}

	override get branch(): string | undefined {
		return this.version.name;
	}

	override get searchable(): boolean {
		return this.version.isDefault;
	}

	override async list(path: string, { cursor, signal, sort, recursive }: ListOptions = {}): Promise<Page<DriveEntry>> {
		const url = datasetUrl(this.place.owner, this.place.dataset, `/tree/${segment(this.version.revision)}`);
		const query = { path, cursor, limit: 1000, commits: recursive !== true, sort: sort && sortParameter(sort), recursive };
		const page = await request<Page<Entry>>('GET', url, { query, signal });
		const items = page.items.filter((entry) => nameOf(entry.path) !== KEEP).map((entry) => this.#entry(entry));
		return { items, next_cursor: page.next_cursor };
	}

	#entry({ path, type, size, oid, id, last_revision: last }: Entry): DriveEntry {
		return {
			path,
			name: nameOf(path),
			type,
			size: size ?? null,
			oid,
			id,
			modified: last?.created ?? null,
			modified_by: last?.author.name ?? null,
			revision: last?.revision ?? null,
			message: last?.description,
			right: this.place.whole === true && this.version.isBranch ? 'edit' : 'view',
			shared: false,
			media_type: null
		};
	}

	override async makeFolders(paths: string[]): Promise<Done> {
		const puts = paths.map((path) => ({ operation: 'put' as const, path: join(path, KEEP), content: '' }));
		return this.revertible([await this.#commit(paths.length === 1 ? `Add the folder ${paths[0]}` : `Add ${paths.length} folders`, puts)]);
	}

	override async move(items: MoveItem[]): Promise<Done> {
		const one = items.length === 1 ? items[0] : undefined;
		const renamed = one && parentOf(one.from) === parentOf(one.to);
		const message = one ? (renamed ? `Rename ${one.from} to ${one.to}` : `Move ${one.from} to ${one.to}`) : `Move ${items.length} files and folders`;
		const emptied = await this.#emptied(items.map(({ from }) => from));
		const filled = new Set(items.map(({ to }) => parentOf(to)));
		const kept = emptied.filter(({ path }) => !filled.has(parentOf(path)));
		const made = await this.#commit(message, [...this.#cleared(items), ...items.map(({ from, to }) => ({ operation: 'move' as const, from, to })), ...kept]);
		if (items.some(({ replace }) => replace)) return this.revertible([made]);
		// Unlike a revert, this moves the shares back, too.
		const back = items.map(({ from, to }) => ({ operation: 'move' as const, from: to, to: from })).reverse();
		return { undo: () => this.#commit(`Undo: ${message}`, back, false) };
	}

	override async copy(items: MoveItem[]): Promise<Done> {
		const one = items.length === 1 ? items[0] : undefined;
		const message = one ? `Copy ${one.from} to ${one.to}` : `Copy ${items.length} files and folders`;
		return this.revertible([await this.#commit(message, [...this.#cleared(items), ...items.map(({ from, to }) => ({ operation: 'copy' as const, from, to }))])]);
	}

	override async delete(paths: string[]): Promise<Done> {
		const message = paths.length === 1 ? `Delete ${paths[0]}` : `Delete ${paths.length} files and folders`;
		const kept = await this.#emptied(paths);
		return this.revertible([await this.#commit(message, [...paths.map((path) => ({ operation: 'delete' as const, path })), ...kept])]);
	}

	/** Restores entries of this version to a branch, in place of what is there. */
	async restoreTo(branch: DatasetFiles, paths: string[]): Promise<Done> {
		const there = new Set<string>();
		for (const folder of new Set(paths.map(parentOf))) {
			try {
				for (const { path } of await all((cursor) => branch.list(folder, { cursor }))) there.add(path);
			} catch (error) {
				// The folder is no longer there.
				if (!(error instanceof ApiError && error.status === 404)) throw error;
			}
		}
		const cleared = paths.filter((path) => there.has(path)).map((path) => ({ operation: 'delete' as const, path }));
		const copies = paths.map((path) => ({ operation: 'copy' as const, from: path, to: path, revision: this.version.revision }));
		return branch.revertible([await branch.#commit(`Restore ${paths.length} files and folders as of ${short(this.version.name)}`, [...cleared, ...copies])]);
	}

	override downloadUrl(paths: string[], revision = this.version.revision): Promise<string> {
		return super.downloadUrl(paths, revision);
	}

	override openable(entry: DriveEntry, editable: boolean): Openable {
		const { path, name, type } = entry;
		return { dataset: this.name, path, name, isFile: type === 'file', editable: editable && entry.right !== 'view', revision: this.version.name };
	}

	/** Returns the operations that remove what is replaced. */
	#cleared(items: MoveItem[]): Operation[] {
		return items.filter(({ replace }) => replace).map(({ to }) => ({ operation: 'delete', path: to }));
	}

	/** Returns operations that keep the folders from which everything is removed. */
	async #emptied(paths: string[]): Promise<Extract<Operation, { operation: 'put' }>[]> {
		const gone = new Set(paths);
		const kept: Extract<Operation, { operation: 'put' }>[] = [];
		for (const folder of new Set(paths.map(parentOf))) {
			if (folder === '') continue;
			let cursor: string | null | undefined;
			let isEmptied = true;
			do {
				const page = await this.list(folder, { cursor });
				isEmptied = page.items.every((entry) => gone.has(entry.path));
				cursor = page.next_cursor;
			} while (cursor && isEmptied);
			if (isEmptied) kept.push({ operation: 'put', path: join(folder, KEEP), content: '' });
		}
		return kept;
	}

	/** Commits operations, if the branch is still as it was read, and returns the new revision. */
	async #commit(message: string, operations: Operation[], unmoved = true): Promise<string> {
		const url = datasetUrl(this.place.owner, this.place.dataset, '/commits');
		const body = { branch: this.version.name, parent: unmoved ? this.version.revision : undefined, message, operations };
		return (await request<Revision>('POST', url, { body })).revision;
	}
}
