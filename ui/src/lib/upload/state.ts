/** What is remembered of uploads across reloads, in IndexedDB. Never a token, never a signed URL, never content. */

import type { Mode } from './rules.js';

/** An upload. */
export interface UploadRow {
	id: string;
	server: string;
	dataset: string;
	message: string;
	branch: string | undefined;
	base: string | undefined;
	created: number;
	updated: number;
	/** Whether the commit was asked for, and may have been made. */
	committing: boolean;
}

/** A file of an upload. */
export interface FileRow {
	upload: string;
	index: number;
	path: string;
	name: string;
	size: number;
	lastModified: number;
	/** Where it is going to lie; unknown until the server was asked. */
	mode: Mode | undefined;
	/** The sha256, once it is known. */
	oid: string | undefined;
	/** Bytes that have arrived, in whole parts; rows that an older program wrote have none. */
	sent?: number;
	/** Whether all of it has arrived, and whether the server had it before. */
	arrived: boolean;
	stored: boolean;
}

const NAME = 'rutter-upload';
/** Changes are written at most so often (ms). */
const FLUSH = 250;
/** Uploads that nobody has gone on with for so long (ms, 30 days) are forgotten. */
const KEPT = 30 * 24 * 3_600_000;

let opened: Promise<IDBDatabase | undefined> | undefined;

/** Without it (a private window, an old browser) uploads work, but end with their page. */
function database(): Promise<IDBDatabase | undefined> {
	opened ??= new Promise((resolve) => {
		if (typeof indexedDB === 'undefined') return resolve(undefined);
		try {
			const request = indexedDB.open(NAME, 1);
			request.onupgradeneeded = () => {
				request.result.createObjectStore('uploads', { keyPath: 'id' });
				request.result.createObjectStore('files', { keyPath: ['upload', 'index'] });
			};
			request.onsuccess = () => {
				request.result.onversionchange = () => {
					request.result.close();
					opened = undefined;
				};
				resolve(request.result);
			};
			request.onerror = request.onblocked = () => resolve(undefined);
		} catch {
			resolve(undefined);
		}
	});
	return opened;
}

/** Every key of the files of an upload. */
const filesOf = (id: string) => IDBKeyRange.bound([id, 0], [id, Number.MAX_SAFE_INTEGER]);

function result<T>(request: IDBRequest<T>): Promise<T> {
	return new Promise((resolve, reject) => {
		request.onsuccess = () => resolve(request.result);
		request.onerror = () => reject(request.error);
	});
}

/** Runs a transaction. What cannot be written (a full disk) is not remembered, and the upload goes on. */
async function write(work: (uploads: IDBObjectStore, files: IDBObjectStore) => void): Promise<void> {
	const db = await database();
	if (db === undefined) return;
	try {
		const transaction = db.transaction(['uploads', 'files'], 'readwrite');
		work(transaction.objectStore('uploads'), transaction.objectStore('files'));
		await new Promise<void>((resolve) => {
			transaction.oncomplete = transaction.onabort = () => resolve();
		});
	} catch {
		// As above.
	}
}

/** All uploads with their files, the newest first. */
export async function list(now = Date.now()): Promise<{ upload: UploadRow; files: FileRow[] }[]> {
	const db = await database();
	if (db === undefined) return [];
	const transaction = db.transaction(['uploads', 'files'], 'readonly');
	const uploads = (await result(transaction.objectStore('uploads').getAll())) as UploadRow[];
	const found = await Promise.all(
		uploads.map(async (upload) => ({ upload, files: (await result(transaction.objectStore('files').getAll(filesOf(upload.id)))) as FileRow[] }))
	);
	const old = found.filter(({ upload }) => upload.updated < now - KEPT);
	for (const { upload } of old) await forget(upload.id);
	return found.filter((each) => !old.includes(each)).sort((one, other) => other.upload.updated - one.upload.updated);
}

/** Forgets an upload. */
export async function forget(id: string): Promise<void> {
	await write((uploads, files) => {
		uploads.delete(id);
		files.delete(filesOf(id));
	});
}

/** The record of one upload under way. */
export class Log {
	readonly upload: UploadRow;
	readonly files: FileRow[];
	readonly #dirty = new Set<FileRow>();
	#timer: ReturnType<typeof setTimeout> | undefined;
	#writing: Promise<void> = Promise.resolve();
	#over = false;

	constructor(upload: UploadRow, files: FileRow[]) {
		this.upload = upload;
		this.files = files;
	}

	/** Remembers a file as it is now, soon. */
	note(file: FileRow): void {
		this.#dirty.add(file);
		this.#timer ??= setTimeout(() => void this.save(), FLUSH);
	}

	/** Writes what has changed. */
	save(files: Iterable<FileRow> = this.#dirty): Promise<void> {
		clearTimeout(this.#timer);
		this.#timer = undefined;
		const changed = [...files].map((file) => ({ ...file }));
		this.#dirty.clear();
		this.#writing = this.#writing.then(() => {
			if (this.#over) return;
			this.upload.updated = Date.now();
			const upload = { ...this.upload };
			return write((uploads, rows) => {
				uploads.put(upload);
				for (const file of changed) rows.put(file);
			});
		});
		return this.#writing;
	}

	/** Forgets it, for good. */
	async end(): Promise<void> {
		this.#over = true;
		clearTimeout(this.#timer);
		await this.#writing;
		await forget(this.upload.id);
	}
}

/**
 * Does work that only one tab may do at a time. Gives whether it was this one. Only pages from https or localhost can
 * know of other tabs; elsewhere nobody is kept out, and the server takes what comes twice.
 */
export async function alone(id: string, work: () => Promise<void>): Promise<boolean> {
	const locks = typeof navigator === 'undefined' ? undefined : navigator.locks;
	if (locks === undefined) {
		await work();
		return true;
	}
	return locks.request(lockName(id), { ifAvailable: true }, async (lock) => {
		if (lock === null) return false;
		await work();
		return true;
	});
}

/** The uploads that run in some tab. */
export async function running(): Promise<Set<string>> {
	const locks = typeof navigator === 'undefined' ? undefined : navigator.locks;
	const held = (await locks?.query())?.held ?? [];
	return new Set(held.map((lock) => lock.name ?? '').filter((name) => name.startsWith(`${NAME}/`)).map((name) => name.slice(NAME.length + 1)));
}

const lockName = (id: string) => `${NAME}/${id}`;
