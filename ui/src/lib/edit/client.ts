// Reads and saves files that are edited: of a drive, or on a branch of a dataset.

import { all, ApiError, request, segment, segments, send, signedOut } from '../api';
import type { Drive } from '../drive/client';
import { patchName } from '../discussions/words';
import type { Branch, Changed, DriveEntry, Entry, Page } from '../types';
import { operation } from '../upload/commit';
import { raw } from '../urls';

/** A version of a file. */
export interface FileVersion {
	/** Git object id of the content. */
	id: string;
	size: number;
	/** SHA-256, for files in Git LFS. */
	oid: string | null;
	executable: boolean;
	/** In a drive, the revision that last changed the file; in a dataset, the newest revision of the branch. */
	revision: string | null;
	/** Author and time of the last change. */
	by: string | null;
	at: string | null;
}

/** Somewhere files are edited. */
export interface EditPlace {
	/** Identifies the place, for drafts. */
	readonly key: string;
	/** Returns the newest version of a file; `null` if there is none. */
	find(path: string, signal?: AbortSignal): Promise<FileVersion | null>;
	/** Reads a version. Throws an `OutdatedError` if there is a newer one. */
	read(path: string, version: FileVersion, signal?: AbortSignal): Promise<Uint8Array>;
	/** Saves a new version. Throws an `OutdatedError` if the file is not as `known`, which is `null` for a new file. */
	save(path: string, bytes: Uint8Array<ArrayBuffer>, message: string, known: FileVersion | null): Promise<FileVersion>;
	/** Saves a new version on a new branch, and returns its name. Only in datasets that are not empty. */
	saveToBranch?(path: string, bytes: Uint8Array<ArrayBuffer>, message: string, known: FileVersion | null): Promise<string>;
}

/** The file was changed, created or deleted by someone else. */
export class OutdatedError extends Error {
	constructor() {
		super('Someone else has changed this file in the meantime.');
	}
}

const orNull = (error: unknown): null => {
	if (error instanceof ApiError && error.status === 404) return null;
	throw error;
};

const same = (one: FileVersion | null, other: FileVersion | null): boolean => one?.id === other?.id;

/** Returns the error for something that is no file. */
const noFile = (path: string): ApiError => new ApiError(422, 'no_file', `“${path}” is not a file. Choose another name.`);

/** The files of a drive, also of one that is shared or opened with a link. */
export class DrivePlace implements EditPlace {
	constructor(private readonly drive: Drive) {}

	get key(): string {
		return `drive ${this.drive.name}`;
	}

	get #bearer(): { bearer?: string } {
		const { token } = this.drive.place;
		return token === undefined ? {} : { bearer: token };
	}

	static #version(path: string, entry: DriveEntry): FileVersion {
		if (entry.type !== 'file') throw noFile(path);
		// The drive API keeps the executable bit.
		return { id: entry.id, size: entry.size ?? 0, oid: entry.oid ?? null, executable: false, revision: entry.revision ?? null, by: entry.modified_by ?? null, at: entry.modified ?? null };
	}

	async find(path: string, signal?: AbortSignal): Promise<FileVersion | null> {
		const entry = await this.drive.entry(path, signal).catch(orNull);
		return entry && DrivePlace.#version(path, entry);
	}

	async read(path: string, version: FileVersion, signal?: AbortSignal): Promise<Uint8Array> {
		const response = await send('GET', this.drive.contentUrl(path), { ...(signal && { signal }), ...this.#bearer });
		const bytes = new Uint8Array(await response.arrayBuffer());
		// The content is always the newest one.
		if (!same(await this.find(path, signal), version)) throw new OutdatedError();
		return bytes;
	}

	async save(path: string, bytes: Uint8Array<ArrayBuffer>, message: string, known: FileVersion | null): Promise<FileVersion> {
		// Without a revision, the server cannot compare.
		if (known?.revision == null && !same(await this.find(path), known)) throw new OutdatedError();
		const headers: Record<string, string> = known?.revision == null ? {} : { 'if-match': `"${known.revision}"` };
		const changed = await request<Changed>('PUT', `${this.drive.base}/files/${segments(path)}`, { query: { message }, body: new Blob([bytes]), headers, ...this.#bearer }).catch((error: unknown) => {
			throw error instanceof ApiError && error.status === 412 ? new OutdatedError() : error;
		});
		return DrivePlace.#version(path, changed.entry);
	}
}

/** How often a save is repeated because others write to the same branch. */
const ATTEMPTS = 5;
/** Bytes that the server needs to tell text from other files. */
const SAMPLE = 512;

/** The files on a branch of a dataset. */
export class BranchPlace implements EditPlace {
	/** `user` is the beginning of the names of new branches. */
	constructor(
		private readonly owner: string,
		private readonly name: string,
		private readonly branch: string,
		private readonly user = ''
	) {}

	get key(): string {
		return `dataset ${this.owner}/${this.name} ${this.branch}`;
	}

	#url(rest: string): string {
		return `/api/v1/datasets/${segment(this.owner)}/${segment(this.name)}${rest}`;
	}

	/** Returns the file at the head of the branch. */
	async #look(path: string, signal?: AbortSignal): Promise<{ head: string | null; file: FileVersion | null }> {
		const options = signal ? { signal } : {};
		const branch = await request<Branch>('GET', this.#url(`/branches/${segment(this.branch)}`), options).catch(orNull);
		// The default branch of an empty dataset does not exist yet.
		if (!branch) return { head: null, file: null };
		const head = branch.revision;
		const entry = await request<Entry>('GET', this.#url(`/files/${segment(head)}/${segments(path)}`), options).catch(orNull);
		if (!entry) return { head, file: null };
		if (entry.type !== 'file') throw noFile(path);
		const last = entry.last_revision;
		const file = { id: entry.id, size: entry.size ?? 0, oid: entry.oid ?? null, executable: entry.executable, revision: head, by: last?.author.name ?? null, at: last?.created ?? null };
		return { head, file };
	}

	async find(path: string, signal?: AbortSignal): Promise<FileVersion | null> {
		return (await this.#look(path, signal)).file;
	}

	async read(path: string, version: FileVersion, signal?: AbortSignal): Promise<Uint8Array> {
		const response = await send('GET', raw(this.owner, this.name, version.revision ?? this.branch, path), signal ? { signal } : {});
		return new Uint8Array(await response.arrayBuffer());
	}

	async save(path: string, bytes: Uint8Array<ArrayBuffer>, message: string, known: FileVersion | null): Promise<FileVersion> {
		for (let attempt = 1; ; attempt += 1) {
			const { head, file } = await this.#look(path);
			if (!same(file, known)) throw new OutdatedError();
			try {
				await this.#commit(path, bytes, message, head, file);
			} catch (error) {
				// The branch has moved: look whether this file is still the same.
				if (isMoved(error) && attempt < ATTEMPTS) continue;
				// Nothing to change.
				if (!(error instanceof ApiError && error.code === 'unchanged')) throw error;
			}
			const saved = await this.find(path);
			if (!saved) throw new OutdatedError();
			return saved;
		}
	}

	async saveToBranch(path: string, bytes: Uint8Array<ArrayBuffer>, message: string, known: FileVersion | null): Promise<string> {
		// From the revision that was edited: what others have changed since is merged, or shown as a conflict, in the proposal.
		const revision = known?.revision ?? this.branch;
		const branches = await all((cursor) => request<Page<Branch>>('GET', this.#url('/branches'), { query: { cursor } }), 1000);
		const name = patchName(this.user, branches.map((branch) => branch.name));
		await request('POST', this.#url('/branches'), { body: { name, revision } });
		try {
			await new BranchPlace(this.owner, this.name, name).save(path, bytes, message, known);
		} catch (error) {
			await request('DELETE', this.#url(`/branches/${segment(name)}`)).catch(() => undefined);
			throw error;
		}
		return name;
	}

	async #commit(path: string, bytes: Uint8Array<ArrayBuffer>, message: string, head: string | null, file: FileVersion | null): Promise<void> {
		if (file?.oid != null || (bytes.length > 0 && (await this.#isLarge(path, bytes)))) return this.#upload(path, bytes, message, head);
		const put = (await operation({ path, size: bytes.length, oid: undefined, bytes: () => Promise.resolve(bytes.buffer) })) as object;
		const body = { branch: this.branch, ...(head !== null && { parent: head }), message, operations: [{ ...put, executable: file?.executable ?? false }] };
		await request('POST', this.#url('/commits'), { body });
	}

	/** Returns true if the dataset keeps this file in Git LFS. */
	async #isLarge(path: string, bytes: Uint8Array): Promise<boolean> {
		const sample = btoa(String.fromCharCode(...bytes.subarray(0, SAMPLE)));
		const url = `/api/datasets/${segment(this.owner)}/${segment(this.name)}/preupload/${segment(this.branch)}`;
		const answer = await request<{ files?: { path: string; uploadMode: string }[] }>('POST', url, { body: { files: [{ path, size: bytes.length, sample }] } });
		return answer.files?.find((one) => one.path === path)?.uploadMode === 'lfs';
	}

	/** Saves a file in Git LFS. */
	async #upload(path: string, bytes: Uint8Array<ArrayBuffer>, message: string, head: string | null): Promise<void> {
		const { forget, SignInError, Uploader } = await import('../upload');
		// Few retries: the text is still there, and the user can try again.
		const uploader = new Uploader({ dataset: `${this.owner}/${this.name}`, retries: 2 });
		const item = { path, file: new File([bytes], path.slice(path.lastIndexOf('/') + 1)) };
		for (let isAgain = false; ; isAgain = true) {
			const upload = uploader.upload([item], { message, branch: this.branch, ...(head !== null && { base: head }) });
			try {
				await upload.done;
				return;
			} catch (error) {
				await forget(upload.id);
				if (isAgain || !(error instanceof SignInError) || (await signedOut.ask?.()) !== true) throw error;
			}
		}
	}
}

const isMoved = (error: unknown): boolean => (error instanceof ApiError && error.status === 412) || (error instanceof Error && 'code' in error && error.code === 'changed');
