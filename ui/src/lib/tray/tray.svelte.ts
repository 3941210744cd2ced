/** What is being uploaded, on whatever page one is: the uploads that run, and those that a reload cut off. */

import type { Drive } from '../drive/client';
import { join, nameOf } from '../drive/paths';
import { plural, unquoted } from '../format';
import { FilesMissingError, forget, pending, Uploader, type PendingUpload, type UploadEvent, type UploadHandle } from '../upload';
import { uploadInParts } from './parts';
import type { Picked } from './picked';
import { advance, isSameFile, Meter, timeLeft, totals, waiting, type Item, type Totals } from './progress';

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
	/** The folder, for people to see. */
	folder: string;
	/** The page that shows what was uploaded. */
	href: string | null;
	/** Told when it is all there. */
	landed?: ((revision: string | null) => void) | undefined;
}

let count = 0;

/** Files that go to one place together. */
export class Batch {
	readonly key = ++count;
	readonly target: Target;
	state = $state<BatchState>('running');
	/** Why it failed, and what to do. */
	problem = $state<string | null>(null);
	/** It waits for the network. */
	stalled = $state(false);
	/** All files are there; the change is being made. */
	committing = $state(false);
	revision = $state<string | null>(null);
	items = $state.raw<Item[]>([]);
	speed = $state<number | null>(null);
	/** Whether a reload loses it. */
	readonly fragile: boolean;
	/** What the library calls it, to go on with it. */
	id: string | null = null;

	readonly #items = new Map<string, Item>();
	readonly #meter = new Meter();
	#control: Control | null = null;
	#begin: () => Control | Promise<Control>;
	#timer: ReturnType<typeof setInterval> | null = null;
	#changed = false;

	readonly totals: Totals = $derived(totals(this.items));

	constructor(target: Target, files: { path: string; size: number }[], fragile: boolean, begin: (batch: Batch) => Control | Promise<Control>) {
		this.target = target;
		this.fragile = fragile;
		for (const { path, size } of files) this.#items.set(path, waiting(path, size));
		this.items = [...this.#items.values()];
		this.#begin = () => begin(this);
		this.#start();
	}

	get title(): string {
		const only = this.items.length === 1 ? this.items[0] : undefined;
		return only ? nameOf(only.path) : plural(this.items.length, 'file');
	}

	get timeLeft(): string {
		return this.state === 'running' && !this.stalled ? timeLeft(this.totals.left, this.speed) : '';
	}

	/** What happened to one file. Shown a few times a second: a thousand files tell of ten thousand steps. */
	tell(event: { file: string | null; phase: Item['phase']; bytes: number; stored?: boolean; error?: string | undefined }): void {
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
			// Whoever was quicker than the beginning.
			if (this.state === 'paused') control.pause();
			if (this.state === 'cancelled') void control.cancel();
			this.revision = (await control.done).revision;
			this.#end('done');
		} catch (error) {
			this.#end(this.state === 'cancelled' ? 'cancelled' : 'failed', error);
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
			const why = unquoted(error instanceof Error ? error.message : (first ?? 'The upload stopped.'));
			this.problem = failed > 0 && failed < files ? `${plural(failed, 'file')} of ${files} could not be uploaded. ${why}` : why;
		}
		if (state === 'done') this.target.landed?.(this.revision);
		changed(this.target.dataset, state === 'done');
		if (this.state === 'done' || this.state === 'cancelled') leave(this);
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

	/** Once more what failed. */
	retry(): void {
		if (this.state !== 'failed') return;
		for (const [path, item] of this.#items) {
			if (item.phase !== 'done') this.#items.set(path, waiting(path, item.size));
		}
		this.items = [...this.#items.values()];
		this.#meter.stop();
		this.#start();
	}

	/** Those that are not there yet: for a second attempt. */
	missing(path: string): boolean {
		return this.#items.get(path)?.phase !== 'done';
	}
}

/** How long what has ended well stays in the list (ms), and how much longer where somebody is at the list. */
const STAYS = 60_000;
const LONGER = 5_000;

function leave(batch: Batch, after = STAYS): void {
	setTimeout(() => (held ? leave(batch, LONGER) : tray.dismiss(batch)), after);
}

let batches = $state.raw<Batch[]>([]);
let held = false;
let interrupted = $state.raw<PendingUpload[]>([]);
let open = $state(true);
/** How often something arrived in a dataset; lists of it look again. */
let arrivals = $state<Record<string, number>>({});

function changed(dataset: string, arrived: boolean): void {
	if (arrived) arrivals[dataset] = (arrivals[dataset] ?? 0) + 1;
	void tray.look();
}

function message(files: Picked[], folder: string): string {
	const only = files.length === 1 ? files[0] : undefined;
	if (only) return `Upload ${nameOf(only.path)}`;
	return `Upload ${plural(files.length, 'file')}${folder === '' ? '' : ` to ${folder}`}`;
}

export const tray = {
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
	/** Whether somebody points at the list, or has the focus in it. */
	set held(value: boolean) {
		held = value;
	},
	/** Changes whenever an upload to the dataset has ended. */
	arrivals: (dataset: string): number => arrivals[dataset] ?? 0,

	/** As one commit, by those who may write to the dataset. */
	upload(
		dataset: string,
		folder: string,
		files: Picked[],
		more: { message?: string; branch?: string; base?: string; href?: string; landed?: (revision: string | null) => void } = {}
	): Batch {
		const placed = files.map(({ path, file }) => ({ path: join(folder, path), file }));
		const { href = null, landed, ...options } = more;
		const uploader = new Uploader({ dataset });
		return add(
			new Batch({ dataset, folder, href, landed }, sizes(placed), false, async (batch) => {
				const onProgress = (event: UploadEvent) => heard(batch, event);
				const begin = () => uploader.upload(placed, { ...options, message: options.message || message(files, folder), onProgress });
				// Once more: what has arrived is not sent again.
				const handle = batch.id === null ? begin() : await uploader.resume(batch.id, placed, { onProgress }).catch(begin);
				batch.id = handle.id;
				return handle;
			})
		);
	},

	/** File by file, by those who may change a part of the dataset. */
	uploadInParts(drive: Drive, folder: string, files: Picked[], href: string | null = null): Batch {
		const placed = files.map(({ path, file }) => ({ path: join(folder, path), file }));
		return add(
			new Batch({ dataset: drive.name, folder, href }, sizes(placed), true, (batch) =>
				uploadInParts(
					drive,
					placed.filter(({ path }) => batch.missing(path)),
					{ onProgress: (told) => batch.tell(told) }
				)
			)
		);
	},

	/** Goes on with an upload that was cut off, with the files chosen again. A sentence if they are not the same. */
	async again(upload: PendingUpload, chosen: File[]): Promise<string | null> {
		const uploader = new Uploader({ dataset: upload.dataset, server: upload.server });
		let batch: Batch | null = null;
		const early: UploadEvent[] = [];
		const onProgress = (event: UploadEvent) => (batch ? heard(batch, event) : early.push(event));
		let handle: UploadHandle;
		try {
			handle = await uploader.resume(upload, chosen, { onProgress });
		} catch (error) {
			return missing(upload, chosen, error);
		}
		interrupted = interrupted.filter((other) => other.id !== upload.id);
		let first: UploadHandle | null = handle;
		batch = add(
			new Batch({ dataset: upload.dataset, folder: '', href: null }, upload.files, false, async () => {
				const control = first ?? (await uploader.resume(upload.id, chosen, { onProgress }));
				first = null;
				return control;
			})
		);
		batch.id = handle.id;
		for (const { path, size, arrived } of upload.files) if (arrived) batch.tell({ file: path, phase: 'verifying', bytes: size });
		for (const event of early) heard(batch, event);
		return null;
	},

	/** Throws an interrupted upload away. */
	async forget(upload: PendingUpload): Promise<void> {
		interrupted = interrupted.filter((other) => other.id !== upload.id);
		await forget(upload);
	},

	/** Takes it from the list; what failed is given up. */
	dismiss(batch: Batch): void {
		batches = batches.filter((other) => other !== batch);
		if (batch.state === 'failed' && batch.id !== null) void forget(batch.id);
	},

	/** Takes away all that have ended. */
	clear(): void {
		for (const batch of batches) if (batch.state !== 'running' && batch.state !== 'paused') tray.dismiss(batch);
	},

	/** Looks for uploads that were cut off: when a page is opened. */
	async look(): Promise<void> {
		try {
			interrupted = (await pending()).filter((upload) => !upload.running && !batches.some((batch) => batch.id === upload.id));
		} catch {
			// A browser that keeps nothing for us has nothing to resume.
			interrupted = [];
		}
	},

	/** Uploads that leaving the page would lose. */
	get fragile(): boolean {
		return batches.some((batch) => batch.fragile && (batch.state === 'running' || batch.state === 'paused'));
	}
};

function add(batch: Batch): Batch {
	batches = [batch, ...batches];
	open = true;
	return batch;
}

/** Why an upload cannot go on with these files. */
function missing(upload: PendingUpload, chosen: File[], error: unknown): string {
	const wanted = upload.files.find((file) => !file.arrived);
	const like = chosen.find((file) => file.name === wanted?.name) ?? chosen[0];
	if (error instanceof FilesMissingError && wanted && like && chosen.length === 1) {
		const why = isSameFile({ path: wanted.name, size: wanted.size, modified: wanted.lastModified }, like);
		if (why) return why;
	}
	return unquoted(error instanceof Error ? error.message : String(error));
}

const sizes = (files: Picked[]) => files.map(({ path, file }) => ({ path, size: file.size }));

function heard(batch: Batch, event: UploadEvent): void {
	batch.stalled = event.overall.waiting;
	batch.committing = event.overall.phase === 'committing';
	batch.tell(event);
}
