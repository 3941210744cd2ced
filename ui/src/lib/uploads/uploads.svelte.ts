/** Global upload state, across pages: running uploads and uploads that were interrupted by a reload. */

import type { Drive } from '../drive/client';
import { tellOtherTabs } from '../drive/other-tabs.svelte';
import { join, nameOf } from '../drive/paths';
import { signedOut } from '../api';
import { plural, unquoted } from '../format';
import { part } from '../part.svelte';
import type { PendingUpload, UploadError, UploadErrorCode, UploadEvent, UploadHandle } from '../upload';
import { uploadInParts, uploadToRequest } from './parts';
import type { Picked } from './picked';
import { advance, fileMismatch, Meter, timeLeft, totals, waiting, type Item, type Totals } from './progress';

export type BatchState = 'running' | 'paused' | 'done' | 'failed' | 'cancelled';

interface Control {
	pause(): void;
	resume(): void;
	cancel(): unknown;
	done: Promise<{ revision: string | null }>;
}

interface Target {
	/** `owner/name`. */
	dataset: string;
	/** Folder for display. */
	folder: string;
	/** Page that shows the uploaded files. */
	href: string | null;
	/** Called when the upload is complete. */
	onDone?: ((revision: string | null) => void) | undefined;
}

/** Loads the uploader, which few pages need. */
const uploader = () => part(() => import('../upload'));

/** Returns true for an error of the uploader with this code. */
const isUploadError = (error: unknown, code: UploadErrorCode): boolean => error instanceof Error && (error as Partial<UploadError>).code === code;

/** The database of the uploader, see `upload/state.ts`. */
const DATABASE = 'rutter-upload';

let count = 0;

/** Files uploaded together to one folder. */
export class Batch {
	readonly key = ++count;
	readonly target: Target;
	state = $state<BatchState>('running');
	/** Why it failed and what to do. */
	problem = $state<string | null>(null);
	/** True while it waits for the network. */
	stalled = $state(false);
	/** True while the commit is created, after all files have arrived. */
	committing = $state(false);
	revision = $state<string | null>(null);
	items = $state.raw<Item[]>([]);
	speed = $state<number | null>(null);
	/** True if a page reload loses the upload. */
	readonly lostOnReload: boolean;
	/** Id in the upload library, for resuming. */
	id: string | null = null;

	readonly #items = new Map<string, Item>();
	readonly #meter = new Meter();
	#control: Control | null = null;
	#begin: () => Control | Promise<Control>;
	#timer: ReturnType<typeof setInterval> | null = null;
	#changed = false;

	readonly totals: Totals = $derived(totals(this.items));

	constructor(target: Target, files: { path: string; size: number }[], lostOnReload: boolean, begin: (batch: Batch) => Control | Promise<Control>) {
		this.target = target;
		this.lostOnReload = lostOnReload;
		for (const { path, size } of files) this.#items.set(path, waiting(path, size));
		this.items = [...this.#items.values()];
		this.#begin = () => begin(this);
		this.#start();
	}

	get title(): string {
		const only = this.items.length === 1 ? this.items[0] : undefined;
		return only ? nameOf(only.path) : plural(this.items.length, ['# file', '# files']);
	}

	get timeLeft(): string {
		return this.state === 'running' && !this.stalled ? timeLeft(this.totals.left, this.speed) : '';
	}

	/** Applies a progress event of one file. The display is updated five times a second, because there can be thousands of events. */
	update(event: { file: string | null; phase: Item['phase']; bytes: number; stored?: boolean; error?: string | undefined }): void {
		if (event.file === null) return;
		const item = this.#items.get(event.file);
		if (!item) return;
		this.#items.set(event.file, { ...advance(item, event), error: event.error ?? item.error });
		this.#changed = true;
	}

	#start(): void {
		this.state = 'running';
		this.problem = null;
		this.#timer ??= setInterval(() => this.#show(), 200);
		void this.#run();
	}

	async #run(): Promise<void> {
		try {
			const control = await this.#begin();
			this.#control = control;
			// It may have been paused or cancelled before it started.
			if (this.state === 'paused') control.pause();
			if (this.state === 'cancelled') void control.cancel();
			this.revision = (await control.done).revision;
			this.#end('done');
		} catch (error) {
			this.#end(this.state === 'cancelled' ? 'cancelled' : 'failed', error);
			// The session has ended: the upload goes on after the user has signed in again.
			if (this.state === 'failed' && isUploadError(error, 'unauthenticated') && (await signedOut.ask?.()) === true) this.retry();
		}
	}

	#show(): void {
		const now = Date.now();
		if (this.#changed) {
			this.#changed = false;
			this.items = [...this.#items.values()];
		}
		if (this.state !== 'running') return;
		this.#meter.sent(now, this.totals.bytes - this.totals.left);
		this.speed = this.#meter.rate(now);
	}

	#end(state: BatchState, error?: unknown): void {
		if (this.#timer !== null) clearInterval(this.#timer);
		this.#timer = null;
		for (const [path, item] of this.#items) {
			if (state === 'done' && item.phase !== 'failed') this.#items.set(path, { ...item, phase: 'done', bytes: item.size });
			if (state === 'cancelled' && item.phase !== 'done') this.#items.set(path, { ...item, phase: 'cancelled' });
		}
		this.items = [...this.#items.values()];
		const { failed, files } = this.totals;
		this.state = state === 'done' && failed > 0 ? 'failed' : state;
		this.speed = null;
		this.stalled = false;
		this.committing = false;
		if (this.state === 'failed') {
			const first = this.items.find((item) => item.error !== null)?.error;
			const why = unquoted(error instanceof Error ? error.message : (first ?? 'The upload failed.'));
			this.problem = failed > 0 && failed < files ? `${plural(failed, ['# file of {0} could not be uploaded.', '# files of {0} could not be uploaded.'], files)} ${why}` : why;
		}
		if (state === 'done') this.target.onDone?.(this.revision);
		changed(this.target.dataset, state === 'done');
		if (this.state === 'done' || this.state === 'cancelled') removeLater(this);
	}

	pause(): void {
		if (this.state !== 'running') return;
		this.state = 'paused';
		this.speed = null;
		this.#meter.stop();
		this.#control?.pause();
	}

	resume(): void {
		if (this.state !== 'paused') return;
		this.state = 'running';
		this.#control?.resume();
	}

	cancel(): void {
		this.state = 'cancelled';
		void Promise.resolve(this.#control?.cancel()).catch(() => undefined);
	}

	/** Retries the failed files. */
	retry(): void {
		if (this.state !== 'failed') return;
		for (const [path, item] of this.#items) {
			if (item.phase !== 'done') this.#items.set(path, waiting(path, item.size));
		}
		this.items = [...this.#items.values()];
		this.#meter.stop();
		this.#start();
	}

	/** Returns true if a file has not been uploaded yet. */
	missing(path: string): boolean {
		return this.#items.get(path)?.phase !== 'done';
	}
}

/** How long finished uploads stay in the list, in ms, and how long to wait again while the list is in use. */
const REMOVE_AFTER_MS = 60_000;
const IN_USE_DELAY_MS = 5_000;

function removeLater(batch: Batch, after = REMOVE_AFTER_MS): void {
	setTimeout(() => (held ? removeLater(batch, IN_USE_DELAY_MS) : uploads.dismiss(batch)), after);
}

let batches = $state.raw<Batch[]>([]);
let held = false;
let interrupted = $state.raw<PendingUpload[]>([]);
let open = $state(true);
/** Number of finished uploads per dataset; file lists reload when it changes. */
let arrivals = $state<Record<string, number>>({});

function changed(dataset: string, arrived: boolean): void {
	if (arrived) {
		arrivals[dataset] = (arrivals[dataset] ?? 0) + 1;
		tellOtherTabs(dataset);
	}
	void uploads.findInterrupted();
}

function message(files: Picked[], folder: string): string {
	const only = files.length === 1 ? files[0] : undefined;
	if (only) return `Upload ${nameOf(only.path)}`;
	return folder === '' ? plural(files.length, ['Upload # file', 'Upload # files']) : plural(files.length, ['Upload # file to {0}', 'Upload # files to {0}'], folder);
}

export const uploads = {
	get batches(): readonly Batch[] {
		return batches;
	},
	get interrupted(): readonly PendingUpload[] {
		return interrupted;
	},
	get open(): boolean {
		return open;
	},
	set open(value: boolean) {
		open = value;
	},
	/** True while the pointer or the focus is in the list. */
	set held(value: boolean) {
		held = value;
	},
	/** Number that changes whenever an upload to the dataset ends. */
	arrivals: (dataset: string): number => arrivals[dataset] ?? 0,

	/** Uploads files as one commit; requires write access to the dataset. */
	upload(
		dataset: string,
		folder: string,
		files: Picked[],
		more: { message?: string; branch?: string; base?: string; href?: string; onDone?: (revision: string | null) => void } = {}
	): Batch {
		const placed = files.map(({ path, file }) => ({ path: join(folder, path), file }));
		const { href = null, onDone, ...options } = more;
		return add(
			new Batch({ dataset, folder, href, onDone }, sizes(placed), false, async (batch) => {
				const onProgress = (event: UploadEvent) => handleEvent(batch, event);
				const to = new (await uploader()).Uploader({ dataset });
				const begin = () => to.upload(placed, { ...options, message: options.message || message(files, folder), onProgress });
				// A retry resumes, so that nothing is sent twice.
				const handle = batch.id === null ? begin() : await to.resume(batch.id, placed, { onProgress }).catch(begin);
				batch.id = handle.id;
				return handle;
			})
		);
	},

	/** Uploads file by file; requires edit access to a part of the dataset. */
	uploadInParts(drive: Drive, folder: string, files: Picked[], href: string | null = null, onDone?: (revision: string | null) => void): Batch {
		const placed = files.map(({ path, file }) => ({ path: join(folder, path), file }));
		return add(
			new Batch({ dataset: drive.name, folder, href, onDone }, sizes(placed), true, (batch) =>
				uploadInParts(
					drive,
					placed.filter(({ path }) => batch.missing(path)),
					{ onProgress: (progress) => batch.update(progress) }
				)
			)
		);
	},

	/** Uploads files to a file request, as one revision. */
	toRequest(title: string, files: Picked[], from: string, bearer: () => string): Batch {
		const arrived = new Map<string, string>();
		return add(
			new Batch({ dataset: title, folder: title, href: null }, sizes(files), true, (batch) => {
				const missing = files.filter(({ path }) => batch.missing(path));
				return uploadToRequest(missing, { bearer, from, arrived, onProgress: (progress) => batch.update(progress) });
			})
		);
	},

	/** Resumes an interrupted upload with the files chosen again. Returns an error message if they do not match. */
	async resume(upload: PendingUpload, chosen: File[]): Promise<string | null> {
		const to = new (await uploader()).Uploader({ dataset: upload.dataset, server: upload.server });
		let batch: Batch | null = null;
		const early: UploadEvent[] = [];
		const onProgress = (event: UploadEvent) => (batch ? handleEvent(batch, event) : early.push(event));
		let handle: UploadHandle;
		try {
			handle = await to.resume(upload, chosen, { onProgress });
		} catch (error) {
			return missing(upload, chosen, error);
		}
		interrupted = interrupted.filter((other) => other.id !== upload.id);
		let first: UploadHandle | null = handle;
		batch = add(
			new Batch({ dataset: upload.dataset, folder: '', href: null }, upload.files, false, async () => {
				const control = first ?? (await to.resume(upload.id, chosen, { onProgress }));
				first = null;
				return control;
			})
		);
		batch.id = handle.id;
		for (const { path, size, arrived } of upload.files) if (arrived) batch.update({ file: path, phase: 'verifying', bytes: size });
		for (const event of early) handleEvent(batch, event);
		return null;
	},

	/** Discards an interrupted upload. */
	async forget(upload: PendingUpload): Promise<void> {
		interrupted = interrupted.filter((other) => other.id !== upload.id);
		await discard(upload.id);
	},

	/** Removes an upload from the list; a failed one is discarded. */
	dismiss(batch: Batch): void {
		batches = batches.filter((other) => other !== batch);
		if (batch.state === 'failed' && batch.id !== null) void discard(batch.id);
	},

	/** Removes all finished uploads from the list. */
	clear(): void {
		for (const batch of batches) if (batch.state !== 'running' && batch.state !== 'paused') uploads.dismiss(batch);
	},

	/** Finds interrupted uploads in this browser. */
	async findInterrupted(): Promise<void> {
		try {
			// Without its database, no upload can be interrupted, and the uploader need not be loaded.
			const known = await indexedDB.databases?.();
			if (known && !known.some(({ name }) => name === DATABASE)) return;
			const { pending } = await uploader();
			interrupted = (await pending()).filter((upload) => !upload.running && !batches.some((batch) => batch.id === upload.id));
		} catch {
			// Without browser storage there is nothing to resume.
			interrupted = [];
		}
	},

	/** True if leaving the page would lose uploads. */
	get lostOnReload(): boolean {
		return batches.some((batch) => batch.lostOnReload && (batch.state === 'running' || batch.state === 'paused'));
	}
};

async function discard(id: string): Promise<void> {
	await (await uploader()).forget(id);
}

function add(batch: Batch): Batch {
	batches = [batch, ...batches];
	open = true;
	return batch;
}

/** Returns why an upload cannot be resumed with these files. */
function missing(upload: PendingUpload, chosen: File[], error: unknown): string {
	const missingFile = upload.files.find((file) => !file.arrived);
	const like = chosen.find((file) => file.name === missingFile?.name) ?? chosen[0];
	if (isUploadError(error, 'files-missing') && missingFile && like && chosen.length === 1) {
		const why = fileMismatch({ path: missingFile.name, size: missingFile.size, modified: missingFile.lastModified }, like);
		if (why) return why;
	}
	return unquoted(error instanceof Error ? error.message : String(error));
}

const sizes = (files: Picked[]) => files.map(({ path, file }) => ({ path, size: file.size }));

function handleEvent(batch: Batch, event: UploadEvent): void {
	batch.stalled = event.overall.waiting;
	batch.committing = event.overall.phase === 'committing';
	batch.update(event);
}
