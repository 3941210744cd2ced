/** Entry point of the library. */

import { Semaphore } from './control.js';
import { FilesMissingError, UploadError } from './errors.js';
import { HashPool } from './hash.js';
import { Api } from './http.js';
import { match } from './match.js';
import { type Shared, Run } from './run.js';
import { type FileRow, forget as forgetRow, list, Log, running, type UploadRow } from './state.js';
import type { PendingUpload, UploaderOptions, UploadHandle, UploadItem, UploadOptions } from './types.js';

/** Uploads files to one dataset. */
export class Uploader {
	readonly server: string;
	readonly dataset: string;
	readonly #shared: Shared;

	constructor(options: UploaderOptions) {
		const { dataset, token } = options;
		this.server = base(options.server);
		this.dataset = dataset;
		if (!/^[^/]+(\/[^/]+)+$/.test(dataset)) throw new UploadError('invalid', `"${dataset}" is not a dataset id: use owner/name.`);
		const api = new Api({
			server: this.server,
			dataset,
			token: token === undefined || typeof token === 'function' ? token : () => token,
			fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init))
		});
		const cores = typeof navigator === 'undefined' ? 2 : (navigator.hardwareConcurrency ?? 2);
		this.#shared = {
			api,
			pool: new HashPool(options.hashers ?? Math.min(4, cores), options.worker),
			transfers: new Semaphore(options.connections ?? 6),
			retries: options.retries ?? 8
		};
	}

	/**
	 * Uploads files and commits them as one revision. Starts immediately; missing permissions and other failures reject
	 * `done`. Throws on invalid paths.
	 */
	upload(files: UploadItem[], options: UploadOptions = {}): UploadHandle {
		const items = files.map(({ path, file }) => ({ path: path.replace(/^\/+/, ''), file }));
		checkPaths(items.map(({ path }) => path));
		const id = randomId();
		const now = Date.now();
		const upload: UploadRow = {
			id,
			server: this.server,
			dataset: this.dataset,
			message: options.message?.trim() || describe(items),
			branch: options.branch,
			base: options.base,
			created: now,
			updated: now,
			committing: false
		};
		const rows = items.map(({ path, file }, index): FileRow => {
			const { name, size, lastModified } = file;
			return { upload: id, index, path, name, size, lastModified, mode: undefined, oid: undefined, arrived: false, stored: false };
		});
		return new Run(this.#shared, new Log(upload, rows), new Map(items.map(({ file }, index) => [index, file])), options);
	}

	/** Returns the interrupted uploads to this dataset, newest first. */
	async pending(): Promise<PendingUpload[]> {
		return (await pending(this.dataset)).filter(({ server }) => server === this.server);
	}

	/**
	 * Resumes an interrupted upload. The files have to be chosen again, because a page cannot keep them; they are matched by
	 * name, size and modification time. Files that have arrived are neither hashed nor sent again.
	 *
	 * Rejects with a `FilesMissingError` if some files are missing.
	 */
	async resume(interrupted: PendingUpload | string, files: (File | UploadItem)[], options: Pick<UploadOptions, 'onProgress' | 'signal'> = {}): Promise<UploadHandle> {
		const id = typeof interrupted === 'string' ? interrupted : interrupted.id;
		const found = (await list()).find(({ upload }) => upload.id === id && upload.server === this.server && upload.dataset === this.dataset);
		if (found === undefined) throw new UploadError('invalid', 'This upload has ended or was started in another browser. Upload the files again; content that has arrived is not sent twice.');
		const matched = match(found.files, files);
		const missing = found.files.filter(({ index, arrived }) => !arrived && !matched.has(index));
		if (missing.length > 0) throw new FilesMissingError(missing.map(({ path }) => path));
		return new Run(this.#shared, new Log(found.upload, found.files), matched, options);
	}
}

/** Returns the interrupted uploads of this browser, to one dataset or to all, newest first. */
export async function pending(dataset?: string): Promise<PendingUpload[]> {
	const [uploads, busy] = await Promise.all([list(), running()]);
	const matching = uploads.filter(({ upload }) => dataset === undefined || upload.dataset === dataset);
	return matching.map(({ upload, files }) => ({
		id: upload.id,
		server: upload.server,
		dataset: upload.dataset,
		message: upload.message,
		...(upload.branch === undefined ? {} : { branch: upload.branch }),
		...(upload.base === undefined ? {} : { base: upload.base }),
		created: new Date(upload.created),
		updated: new Date(upload.updated),
		running: busy.has(upload.id),
		files: files.map(({ path, name, size, lastModified, sent = 0, arrived }) => ({ path, name, size, lastModified, sent: arrived ? size : sent, arrived }))
	}));
}

/** Discards an interrupted upload. The server deletes its parts after some days. */
export async function forget(interrupted: PendingUpload | string): Promise<void> {
	await forgetRow(typeof interrupted === 'string' ? interrupted : interrupted.id);
}

function base(server: string | URL | undefined): string {
	const here = typeof location === 'undefined' ? undefined : location.origin;
	const given = server === undefined ? here : String(server);
	if (given === undefined) throw new UploadError('invalid', 'Option `server` is required outside a browser: new Uploader({ server, … }).');
	return new URL(given, here).href.replace(/[?#].*$/, '').replace(/\/+$/, '');
}

/** Checks the paths early; otherwise the server would reject them only after everything has arrived. */
function checkPaths(paths: string[]): void {
	if (paths.length === 0) throw new UploadError('invalid', 'No files to upload: choose at least one file.');
	const seen = new Set<string>();
	for (const path of paths) {
		const isWrong = path.split('/').some((name) => name === '' || name === '.' || name === '..');
		if (isWrong) throw new UploadError('invalid', `"${path}" is not a valid file path. Rename it.`, { file: path });
		if (seen.has(path)) throw new UploadError('invalid', `Two files have the path ${path}. Rename one of them.`, { file: path });
		seen.add(path);
	}
}

function describe(items: UploadItem[]): string {
	const [first] = items;
	return items.length === 1 && first !== undefined ? `Upload ${first.path}` : `Upload ${items.length} files`;
}

/** Returns 128 random bits in hexadecimal. `crypto.randomUUID` is not available over plain HTTP. */
function randomId(): string {
	return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
