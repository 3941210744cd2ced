/** Persistent state of uploads in IndexedDB, for resuming after a reload. Never contains tokens, presigned URLs or content. */

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
	/** True if the commit was requested and may exist. */
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
	/** Storage mode; undefined until the server was asked. */
	mode: Mode | undefined;
	/** SHA-256, once known. */
	oid: string | undefined;
	/** Bytes uploaded, in whole parts; absent in rows written by older versions. */
	sent?: number;
	/** `arrived`: the whole file is on the server. `stored`: it was there before. */
	arrived: boolean;
	stored: boolean;
}

const NAME = 'rutter-upload';
/** Minimum interval (ms) between writes. */
const WRITE_INTERVAL_MS = 250;
/** Interrupted uploads are deleted after this time (ms): 30 days. */
const TTL_MS = 30 * 24 * 3_600_000;

let opened: Promise<IDBDatabase | undefined> | undefined;

/** Opens the database. Without it (private window, old browser) uploads work but cannot be resumed after a reload. */
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

/** Key range of the files of an upload. */
const filesOf = (id: string) => IDBKeyRange.bound([id, 0], [id, Number.MAX_SAFE_INTEGER]);

function result<T>(request: IDBRequest<T>): Promise<T> {
	return new Promise((resolve, reject) => {
		request.onsuccess = () => resolve(request.result);
		request.onerror = () => reject(request.error);
	});
}

/** Runs a write transaction. Failures (such as a full disk) are ignored: the upload continues but cannot be resumed. */
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
		// Ignored, see above.
	}
}

/** Returns all uploads with their files, newest first. */
export async function list(now = Date.now()): Promise<{ upload: UploadRow; files: FileRow[] }[]> {
	const db = await database();
	if (db === undefined) return [];
	const transaction = db.transaction(['uploads', 'files'], 'readonly');
	const uploads = (await result(transaction.objectStore('uploads').getAll())) as UploadRow[];
	const found = await Promise.all(
		uploads.map(async (upload) => ({ upload, files: (await result(transaction.objectStore('files').getAll(filesOf(upload.id)))) as FileRow[] }))
	);
	const old = found.filter(({ upload }) => upload.updated < now - TTL_MS);
	for (const { upload } of old) await forget(upload.id);
	return found.filter((each) => !old.includes(each)).sort((one, other) => other.upload.updated - one.upload.updated);
}

/** Deletes an upload. */
export async function forget(id: string): Promise<void> {
	await write((uploads, files) => {
		uploads.delete(id);
		files.delete(filesOf(id));
	});
}

/** Persistent record of a running upload. */
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

	/** Schedules a write of a changed file. */
	note(file: FileRow): void {
		this.#dirty.add(file);
		this.#timer ??= setTimeout(() => void this.save(), WRITE_INTERVAL_MS);
	}

	/** Writes the changed files. */
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

	/** Deletes the record. */
	async end(): Promise<void> {
		this.#over = true;
		clearTimeout(this.#timer);
		await this.#writing;
		await forget(this.upload.id);
	}
}

/**
 * Runs `work` under a lock that only one tab can hold (Web Locks). Returns false if another tab holds it. Outside secure
 * contexts there are no locks; then nothing is prevented, and the server deduplicates.
 */
export async function withLock(id: string, work: () => Promise<void>): Promise<boolean> {
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

/** Returns the ids of the uploads that are running in any tab. */
export async function running(): Promise<Set<string>> {
	const locks = typeof navigator === 'undefined' ? undefined : navigator.locks;
	const held = (await locks?.query())?.held ?? [];
	return new Set(held.map((lock) => lock.name ?? '').filter((name) => name.startsWith(`${NAME}/`)).map((name) => name.slice(NAME.length + 1)));
}

const lockName = (id: string) => `${NAME}/${id}`;
