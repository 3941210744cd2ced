/** Public types of the upload library. */

/** A file and its path in the dataset, such as `data/2024/a.csv`. */
export interface UploadItem {
	/** Path in the dataset, with `/` between folders. */
	path: string;
	/** The content, from `<input type=file>`, a drop or `new File(…)`. */
	file: File;
}

/** Destination and credentials. */
export interface UploaderOptions {
	/** Base URL of the server. Default: the origin of the page. */
	server?: string | URL;
	/** `owner/name`; organisations may be nested: `lab/birds/counts`. */
	dataset: string;
	/** Personal token, or a function that returns one. Default: the session cookie, for pages of the server itself. */
	token?: string | (() => string | Promise<string>);
	/** Replacement for the global `fetch`, used for JSON requests. */
	fetch?: typeof globalThis.fetch;
	/** Number of hash workers. Default: the number of cores, at most 4. */
	hashers?: number;
	/** Maximum concurrent transfers. Default 6, the limit of browsers per host over HTTP/1.1. */
	connections?: number;
	/** Maximum retries of a request. Default 8, which takes about two minutes with backoff. */
	retries?: number;
	/** Creates a hash worker, for bundlers that do not support `new URL(…, import.meta.url)`. */
	worker?: () => Worker;
}

/** Options of one upload. */
export interface UploadOptions {
	/** Commit message. */
	message?: string;
	/** Target branch. Default: the default branch of the dataset. */
	branch?: string;
	/** Expected current revision of the branch; if it has moved, the upload fails with a `ChangedError`. */
	base?: string;
	/** Called on progress, at most ten times a second for each file. */
	onProgress?: (event: UploadEvent) => void;
	/** Cancels the upload, as {@link UploadHandle.cancel} does. */
	signal?: AbortSignal;
}

/**
 * Phase of a file or of the whole upload: `waiting` (queued), `hashing`, `sending`, `verifying` (by the server),
 * `committing` (whole upload only), `done`.
 */
export type Phase = 'waiting' | 'hashing' | 'sending' | 'verifying' | 'committing' | 'done';

/** A progress event. */
export interface UploadEvent {
	/** The current phase. */
	phase: Phase;
	/** Path of the file; `null` for the whole upload. */
	file: string | null;
	/** Bytes done in this phase: hashed while hashing, uploaded while sending. */
	bytes: number;
	/** Size in bytes of the file, or of all files. */
	total: number;
	/** True if the server already had the content, so nothing was sent. */
	stored: boolean;
	/** Progress of the whole upload. */
	overall: Overall;
}

/** Progress of the whole upload. */
export interface Overall {
	/** The earliest phase that is not finished. */
	phase: Phase;
	/** Number of files, and of those that have arrived. */
	files: number;
	filesDone: number;
	/** Total bytes, bytes hashed, and bytes on the server (sent or already stored). */
	total: number;
	hashed: number;
	bytes: number;
	/** The part of `bytes` that the server already had. */
	stored: number;
	/** True while waiting for the network or for a retry. */
	waiting: boolean;
}

/** An uploaded file. */
export interface UploadedFile {
	path: string;
	size: number;
	/** SHA-256 of a file stored in Git LFS; `null` for a small text file stored in git. */
	oid: string | null;
	/** True if the server already had the content. */
	stored: boolean;
}

/** Result of an upload. */
export interface UploadResult {
	/** The new revision; `null` if the branch already contains all files. */
	revision: string | null;
	files: UploadedFile[];
}

/** `running`, `paused` by {@link UploadHandle.pause}, or ended. */
export type UploadState = 'running' | 'paused' | 'done' | 'failed' | 'cancelled';

/** A running upload. */
export interface UploadHandle {
	/** Identifies the upload in {@link pending}. */
	readonly id: string;
	readonly state: UploadState;
	/** Current progress. */
	readonly overall: Overall;
	/** Pauses hashing and sending immediately. Parts that have arrived are kept. */
	pause(): void;
	/** Resumes after a pause. */
	resume(): void;
	/** Cancels and discards the upload; unfinished files are removed from the server. `done` rejects with a `CancelledError`. */
	cancel(): Promise<void>;
	/** Resolves to the result or rejects with an `UploadError`. Unless it was cancelled, a failed upload can be resumed. */
	readonly done: Promise<UploadResult>;
}

/** An upload interrupted by a reload, a crash or a failure. */
export interface PendingUpload {
	id: string;
	/** Base URL of the server. */
	server: string;
	dataset: string;
	message: string;
	branch?: string;
	base?: string;
	/** When it was started and last updated. */
	created: Date;
	updated: Date;
	/** True if it is running in a tab right now. */
	running: boolean;
	/** Files to choose again; matched by name, size and modification time. */
	files: PendingFile[];
}

/** A file of an interrupted upload. */
export interface PendingFile {
	path: string;
	name: string;
	size: number;
	lastModified: number;
	/** Bytes uploaded, in whole parts, as far as this browser knows. */
	sent: number;
	/** True if the file is completely uploaded and need not be chosen again. */
	arrived: boolean;
}
