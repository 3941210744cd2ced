/** What pages and programs see of an upload. */

/** A file and where it goes in the dataset: `data/2024/a.csv`. */
export interface UploadItem {
	/** Path in the dataset, with `/` between folders. */
	path: string;
	/** The bytes: what `<input type=file>`, a drop, or `new File(…)` gives. */
	file: File;
}

/** Where files go, and who sends them. */
export interface UploaderOptions {
	/** Base URL of the server; the page's own origin unless said. */
	server?: string | URL;
	/** `owner/name`; organisations may be nested: `lab/birds/counts`. */
	dataset: string;
	/** A personal token, or what gives one; without it the cookie of a page of the server itself counts. */
	token?: string | (() => string | Promise<string>);
	/** In the place of the global `fetch`, for requests with JSON. */
	fetch?: typeof globalThis.fetch;
	/** Workers that hash at one time; as many as there are cores, at most 4, unless said. */
	hashers?: number;
	/** Requests with bytes at one time, 6 unless said: browsers open no more to one host over HTTP/1.1. */
	connections?: number;
	/** Failures in a row after which a request is given up, 8 unless said: with the pauses between, some two minutes. */
	retries?: number;
	/** Makes the worker that hashes, for bundlers that do not follow `new URL(…, import.meta.url)`. */
	worker?: () => Worker;
}

/** What one upload does. */
export interface UploadOptions {
	/** Why: the message of the commit. */
	message?: string;
	/** The branch that gets it; the default branch unless said. */
	branch?: string;
	/** The revision that the branch must still be at: else the upload ends with a `ChangedError`. */
	base?: string;
	/** Told of every step, for each file at most ten times a second. */
	onProgress?: (event: UploadEvent) => void;
	/** Cancels the upload, as {@link UploadHandle.cancel} does. */
	signal?: AbortSignal;
}

/**
 * Where a file is, or the upload as a whole: `waiting` for its turn, `hashing`, `sending`, `verifying` by the server,
 * `committing` (the upload as a whole), `done`.
 */
export type Phase = 'waiting' | 'hashing' | 'sending' | 'verifying' | 'committing' | 'done';

/** One step. */
export interface UploadEvent {
	/** What is being done. */
	phase: Phase;
	/** The path of the file that it is about; `null` for the upload as a whole. */
	file: string | null;
	/** Bytes of this phase that are done: hashed while hashing, arrived while sending. */
	bytes: number;
	/** Bytes of the file, or of all files. */
	total: number;
	/** Whether the server had the content already, so that nothing was sent. */
	stored: boolean;
	/** The upload as a whole. */
	overall: Overall;
}

/** The upload as a whole. */
export interface Overall {
	/** What the slowest part of it does. */
	phase: Phase;
	/** Files of the upload, and those of them that have arrived. */
	files: number;
	filesDone: number;
	/** Bytes of all files, those hashed, and those that are on the server: sent, or stored already. */
	total: number;
	hashed: number;
	bytes: number;
	/** Of `bytes`, those that the server had already. */
	stored: number;
	/** Whether it waits until the network is back, or the server can again. */
	waiting: boolean;
}

/** How a file came to be in the revision. */
export interface UploadedFile {
	path: string;
	size: number;
	/** The sha256 of the content, where Git LFS keeps it; `null` for a small text that git keeps. */
	oid: string | null;
	/** Whether the server had the content already. */
	stored: boolean;
}

/** What came of an upload. */
export interface UploadResult {
	/** The new revision; `null` if the branch holds all of it already. */
	revision: string | null;
	files: UploadedFile[];
}

/** `running`, `paused` by {@link UploadHandle.pause}, or over. */
export type UploadState = 'running' | 'paused' | 'done' | 'failed' | 'cancelled';

/** An upload under way. */
export interface UploadHandle {
	/** Names it in {@link pending}. */
	readonly id: string;
	readonly state: UploadState;
	/** Where it is now. */
	readonly overall: Overall;
	/** Stops hashing and sending at once. Parts that have arrived stay. */
	pause(): void;
	/** Goes on. */
	resume(): void;
	/** Ends it, and forgets it: what the server has of unfinished files is removed. `done` rejects with a `CancelledError`. */
	cancel(): Promise<void>;
	/** The new revision, or an `UploadError`. After other failures than a cancellation it can be resumed. */
	readonly done: Promise<UploadResult>;
}

/** An upload that was interrupted: by a reload, a crash, or a failure. */
export interface PendingUpload {
	id: string;
	/** Base URL of the server. */
	server: string;
	dataset: string;
	message: string;
	branch?: string;
	base?: string;
	/** When it was begun and last went on. */
	created: Date;
	updated: Date;
	/** Whether it runs in a tab right now. */
	running: boolean;
	/** Its files, to be given again: matched by name, size and time of change. */
	files: PendingFile[];
}

/** A file of an interrupted upload. */
export interface PendingFile {
	path: string;
	name: string;
	size: number;
	lastModified: number;
	/** Bytes of it that are on the server, in whole parts, as far as this browser knows. */
	sent: number;
	/** Whether all of it has arrived: it need not be given again. */
	arrived: boolean;
}
