/** The door of the library. */

import { Places } from './control.js';
import { FilesMissingError, UploadError } from './errors.js';
import { HashPool } from './hash.js';
import { Api } from './http.js';
import { match } from './match.js';
import { type Ground, Run } from './run.js';
import { type FileRow, forget as forgetRow, list, Log, running, type UploadRow } from './state.js';
import type { PendingUpload, UploaderOptions, UploadHandle, UploadItem, UploadOptions } from './types.js';

/** Sends files to one dataset. */
export class Uploader {
	readonly server: string;
	readonly dataset: string;
	readonly #ground: Ground;

	constructor(options: UploaderOptions) {
		const { dataset, token } = options;
		this.server = base(options.server);
		this.dataset = dataset;
		if (!/^[^/]+(\/[^/]+)+$/.test(dataset)) throw new UploadError('invalid', `"${dataset}" is no dataset: write owner/name.`);
		const api = new Api({
			server: this.server,
			dataset,
			token: token === undefined || typeof token === 'function' ? token : () => token,
			fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init))
		});
		const cores = typeof navigator === 'undefined' ? 2 : (navigator.hardwareConcurrency ?? 2);
		this.#ground = {
			api,
			pool: new HashPool(options.hashers ?? Math.min(4, cores), options.worker),
			places: new Places(options.connections ?? 6),
			retries: options.retries ?? 8
		};
	}

	/**
	 * Sends files and makes a revision of them. Begins at once; wrong paths, a missing right and all other failures are
	 * told by `done`.
	 */
	upload(files: UploadItem[], options: UploadOptions = {}): UploadHandle {
		const items = files.map(({ path, file }) => ({ path: path.replace(/^\/+/, ''), file }));
		expectPaths(items.map(({ path }) => path));
		const id = identity();
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
		return new Run(this.#ground, new Log(upload, rows), new Map(items.map(({ file }, index) => [index, file])), options);
	}

	/** The uploads to this dataset that were interrupted, the newest first. */
	async pending(): Promise<PendingUpload[]> {
		return (await pending(this.dataset)).filter(({ server }) => server === this.server);
	}

	/**
	 * Goes on with an interrupted upload. The files have to be chosen again, for a page cannot keep them: those of the
	 * same name, size and time of change are taken. What has arrived is neither hashed nor sent again.
	 *
	 * Rejects with a `FilesMissingError` if some were not given.
	 */
	async resume(interrupted: PendingUpload | string, files: (File | UploadItem)[], options: Pick<UploadOptions, 'onProgress' | 'signal'> = {}): Promise<UploadHandle> {
		const id = typeof interrupted === 'string' ? interrupted : interrupted.id;
		const found = (await list()).find(({ upload }) => upload.id === id && upload.server === this.server && upload.dataset === this.dataset);
		if (found === undefined) throw new UploadError('invalid', 'This upload has ended, or was begun in another browser. Upload the files anew: what has arrived is not sent again.');
		const matched = match(found.files, files);
		const missing = found.files.filter(({ index, arrived }) => !arrived && !matched.has(index));
		if (missing.length > 0) throw new FilesMissingError(missing.map(({ path }) => path));
		return new Run(this.#ground, new Log(found.upload, found.files), matched, options);
	}
}

/** The interrupted uploads of this browser, to one dataset or to all, the newest first. */
export async function pending(dataset?: string): Promise<PendingUpload[]> {
	const [uploads, busy] = await Promise.all([list(), running()]);
	const wanted = uploads.filter(({ upload }) => dataset === undefined || upload.dataset === dataset);
	return wanted.map(({ upload, files }) => ({
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

/** Forgets an interrupted upload. The server forgets its parts by itself, after some days. */
export async function forget(interrupted: PendingUpload | string): Promise<void> {
	await forgetRow(typeof interrupted === 'string' ? interrupted : interrupted.id);
}

function base(server: string | URL | undefined): string {
	const here = typeof location === 'undefined' ? undefined : location.origin;
	const given = server === undefined ? here : String(server);
	if (given === undefined) throw new UploadError('invalid', 'Say which server: new Uploader({ server, … }).');
	return new URL(given, here).href.replace(/[?#].*$/, '').replace(/\/+$/, '');
}

/** What the server would refuse only when all has arrived. */
function expectPaths(paths: string[]): void {
	if (paths.length === 0) throw new UploadError('invalid', 'There is nothing to upload: choose at least one file.');
	const seen = new Set<string>();
	for (const path of paths) {
		const isWrong = path.split('/').some((name) => name === '' || name === '.' || name === '..');
		if (isWrong) throw new UploadError('invalid', `"${path}" cannot be the path of a file. Rename it.`, { file: path });
		if (seen.has(path)) throw new UploadError('invalid', `Two of the files have the path ${path}. Rename one of them.`, { file: path });
		seen.add(path);
	}
}

function describe(items: UploadItem[]): string {
	const [first] = items;
	return items.length === 1 && first !== undefined ? `Upload ${first.path}` : `Upload ${items.length} files`;
}

/** 128 random bits. `crypto.randomUUID` is not there for pages from plain http. */
function identity(): string {
	return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
