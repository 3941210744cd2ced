/** A running upload: decides storage modes, hashes, sends and commits. */

import { Batch, type Action } from './batch.js';
import { commit } from './commit.js';
import { Contents } from './contents.js';
import { Control, forEach, type Semaphore } from './control.js';
import { CancelledError, FilesMissingError, RunningError, UploadError } from './errors.js';
import type { HashPool } from './hash.js';
import type { Api } from './http.js';
import { decide } from './rules.js';
import { withLock, type FileRow, type Log } from './state.js';
import { uploadObject, type TransferContext } from './transfer.js';
import type { Overall, Phase, UploadEvent, UploadHandle, UploadOptions, UploadResult, UploadState } from './types.js';

/** State shared by all uploads of an `Uploader`. */
export interface Shared {
	api: Api;
	pool: HashPool;
	transfers: Semaphore;
	retries: number;
}

/** Files processed concurrently: enough for small files to share batch requests. */
const LANES = 128;
/** Minimum interval (ms) between progress events of a file within a phase. */
const EVENT_INTERVAL_MS = 100;
/** Timeout (ms) of the requests that abort multipart uploads after a cancellation. */
const ABORT_TIMEOUT_MS = 10_000;

/** A file and its progress. */
interface Item {
	row: FileRow;
	file: File | undefined;
	phase: Phase;
	bytes: number;
	/** Bytes hashed. */
	hashed: number;
	/** Time of the last progress event. */
	reported: number;
}

export class Run implements UploadHandle {
	readonly done: Promise<UploadResult>;
	state: UploadState = 'running';
	readonly #shared: Shared;
	readonly #log: Log;
	readonly #items: Item[];
	readonly #control: Control;
	readonly #context: TransferContext;
	readonly #contents = new Contents();
	readonly #onProgress: ((event: UploadEvent) => void) | undefined;
	/** Abort actions of started multipart uploads, by object id. */
	readonly #begun = new Map<string, Action>();
	#phase: Phase = 'waiting';
	/** Running totals; counting thousands of files for each event would be too slow. */
	readonly #sums = { files: 0, filesDone: 0, total: 0, hashed: 0, bytes: 0, stored: 0 };

	constructor(shared: Shared, log: Log, files: Map<number, File>, options: Pick<UploadOptions, 'onProgress' | 'signal'>) {
		this.#shared = shared;
		this.#log = log;
		this.#onProgress = options.onProgress;
		this.#items = log.files.map((row) => ({
			row,
			file: files.get(row.index),
			phase: 'waiting',
			bytes: 0,
			hashed: row.oid === undefined && row.mode !== 'git' ? 0 : row.size,
			reported: 0
		}));
		for (const item of this.#items) {
			this.#sums.files += 1;
			this.#sums.total += item.row.size;
			this.#count(item, 1);
		}
		this.#control = new Control(shared.retries, () => this.#report());
		const batch = new Batch(shared.api, this.#control, log.upload.branch);
		this.#context = { api: shared.api, control: this.#control, transfers: shared.transfers, batch };
		const { signal } = options;
		const cancel = () => void this.cancel();
		signal?.addEventListener('abort', cancel, { once: true });
		if (signal?.aborted) this.#control.end(new CancelledError());
		this.done = this.#run().finally(() => signal?.removeEventListener('abort', cancel));
		// Avoid an unhandled rejection if `done` is not awaited.
		this.done.catch(() => undefined);
	}

	get id(): string {
		return this.#log.upload.id;
	}

	get overall(): Overall {
		return { ...this.#sums, phase: this.#phase, waiting: this.#control.waiting };
	}

	pause(): void {
		if (this.state !== 'running') return;
		this.state = 'paused';
		this.#control.pause();
		this.#shared.pool.review();
		this.#report();
	}

	resume(): void {
		if (this.state !== 'paused') return;
		this.state = 'running';
		this.#control.resume();
		this.#shared.pool.review();
		this.#report();
	}

	async cancel(): Promise<void> {
		if (this.state !== 'running' && this.state !== 'paused') return;
		this.#control.end(new CancelledError());
		await this.done.catch(() => undefined);
	}

	async #run(): Promise<UploadResult> {
		let result: UploadResult | undefined;
		try {
			const isAlone = await withLock(this.id, async () => {
				result = await this.#work();
			});
			if (!isAlone || result === undefined) throw new RunningError();
			this.state = 'done';
			return result;
		} catch (error) {
			const failure = error instanceof UploadError ? error : new UploadError('invalid', `The upload failed: ${String(error)}`, { cause: error });
			this.state = failure instanceof CancelledError ? 'cancelled' : 'failed';
			this.#control.end(failure);
			if (failure instanceof CancelledError) await this.#discard();
			// The base revision is outdated, so the upload cannot be resumed.
			else if (failure.code === 'changed') await this.#log.end();
			else if (!(failure instanceof RunningError)) await this.#log.save();
			throw failure;
		}
	}

	async #work(): Promise<UploadResult> {
		const { upload, files } = this.#log;
		await this.#log.save(files);
		await this.#control.checkpoint();
		if (!upload.committing) {
			await this.#decide();
			await this.#transfer();
			upload.committing = true;
			await this.#log.save();
		}
		this.#enter('committing');
		const pieces = this.#items.map((item) => ({
			path: item.row.path,
			size: item.row.size,
			oid: item.row.mode === 'lfs' ? item.row.oid : undefined,
			bytes: () => this.#contents.of(this.#fileOf(item)) ?? this.#fileOf(item).arrayBuffer()
		}));
		const { message, branch, base, id } = upload;
		const revision = await this.#commit(() => commit(this.#shared.api, this.#control, { message, branch, base, key: id }, pieces));
		await this.#log.end();
		for (const item of this.#items) if (item.phase !== 'done') this.#reach(item, 'done', item.row.size);
		this.#enter('done');
		return {
			revision,
			files: files.map(({ path, size, oid, stored }) => ({ path, size, oid: oid ?? null, stored }))
		};
	}

	/** Creates the commit. After a connection failure its outcome is unknown, so a resume starts with it; a rejected one does not exist. */
	async #commit(make: () => Promise<string | null>): Promise<string | null> {
		try {
			return await make();
		} catch (error) {
			const isRefused = error instanceof UploadError && error.status !== undefined && error.status < 500 && error.status !== 429;
			if (isRefused) this.#log.upload.committing = false;
			throw error;
		}
	}

	async #decide(): Promise<void> {
		const open = this.#items.filter(({ row }) => row.mode === undefined);
		if (open.length === 0) return;
		const candidates = open.map((item) => ({ path: item.row.path, file: this.#fileOf(item) }));
		const modes = await decide(this.#shared.api, this.#control, this.#contents, this.#log.upload.branch, candidates);
		open.forEach(({ row }, index) => (row.mode = modes[index]));
		await this.#log.save(open.map(({ row }) => row));
	}

	/** Hashes and sends the files stored in Git LFS. */
	async #transfer(): Promise<void> {
		for (const item of this.#items) if (item.row.mode === 'git') this.#change(item, { hashed: item.row.size });
		// Identical files are sent once.
		const inFlight = new Map<string, Promise<{ stored: boolean }>>();
		const objects = this.#items.filter(({ row }) => row.mode === 'lfs');
		if (objects.length === 0) return;
		let unknown = objects.filter(({ row }) => row.oid === undefined).length;
		this.#enter(unknown === 0 ? 'sending' : 'hashing');
		await forEach(objects, LANES, async (item) => {
			const { row } = item;
			if (row.oid === undefined) {
				row.oid = await this.#hash(item);
				this.#log.note(row);
				if (--unknown === 0) this.#enter('sending');
			}
			const { oid } = row;
			const first = inFlight.get(oid);
			const way = first ?? this.#send(item, oid);
			inFlight.set(oid, way);
			const { stored } = await way;
			if (item.file !== undefined) this.#contents.drop(item.file);
			if (!row.arrived) row.stored = stored || first !== undefined;
			row.arrived = true;
			this.#log.note(row);
			this.#reach(item, 'done', row.size);
		});
	}

	async #hash(item: Item): Promise<string> {
		const { row } = item;
		this.#reach(item, 'hashing', 0);
		const oid = await this.#shared.pool.hash({
			file: this.#fileOf(item),
			path: row.path,
			isPaused: () => this.#control.isPaused,
			checkpoint: () => this.#control.checkpoint(),
			bytes: () => this.#contents.of(this.#fileOf(item)),
			signal: this.#control.ended,
			onProgress: (bytes) => {
				this.#change(item, { hashed: bytes });
				this.#reach(item, 'hashing', bytes);
			}
		});
		this.#change(item, { hashed: row.size });
		return oid;
	}

	#send(item: Item, oid: string): Promise<{ stored: boolean }> {
		const { row } = item;
		return uploadObject(this.#context, {
			oid,
			size: row.size,
			path: row.path,
			file: () => this.#fileOf(item),
			bytes: () => this.#contents.of(this.#fileOf(item)),
			onSending: (bytes) => this.#reach(item, 'sending', bytes),
			onArrived: (bytes) => {
				row.sent = bytes;
				this.#log.note(row);
			},
			onVerifying: () => this.#reach(item, 'verifying', row.size),
			onBegun: (abort) => {
				if (abort === undefined) this.#begun.delete(oid);
				else this.#begun.set(oid, abort);
			}
		}).then(
			(outcome) => {
				this.#begun.delete(oid);
				return outcome;
			},
			(error) => {
				// The content did not match its hash: the file was changed, so hash it again.
				if (error instanceof UploadError && error.status === 422) {
					row.oid = undefined;
					row.sent = 0;
					this.#log.note(row);
				}
				throw error;
			}
		);
	}

	#fileOf({ row, file }: Item): File {
		if (file === undefined) throw new FilesMissingError([row.path]);
		return file;
	}

	/** Discards the upload, here and on the server. */
	async #discard(): Promise<void> {
		const aborts = [...this.#begun.values()].map((abort) =>
			this.#shared.api.signed(abort.href, abort.method ?? 'DELETE', abort.header ?? {}, undefined, AbortSignal.timeout(ABORT_TIMEOUT_MS))
		);
		await Promise.allSettled([this.#log.end(), ...aborts]);
	}

	#reach(item: Item, phase: Phase, bytes: number): void {
		const isSame = item.phase === phase;
		this.#change(item, { phase, bytes });
		const now = performance.now();
		if (this.#onProgress === undefined || (isSame && now - item.reported < EVENT_INTERVAL_MS && bytes < item.row.size)) return;
		item.reported = now;
		const { path, size, stored } = item.row;
		this.#onProgress({ phase, file: path, bytes, total: size, stored: stored && phase === 'done', overall: this.overall });
	}

	#change(item: Item, to: Partial<Item>): void {
		this.#count(item, -1);
		Object.assign(item, to);
		this.#count(item, 1);
	}

	/** Adds an item to the totals, or subtracts it. */
	#count({ row, phase, bytes, hashed }: Item, sign: 1 | -1): void {
		const sums = this.#sums;
		sums.hashed += sign * hashed;
		// While hashing, nothing has been sent yet.
		if (phase !== 'hashing') sums.bytes += sign * bytes;
		if (phase !== 'done') return;
		sums.filesDone += sign;
		if (row.stored) sums.stored += sign * row.size;
	}

	#enter(phase: Phase): void {
		this.#phase = phase;
		this.#report();
	}

	#report(): void {
		if (this.#onProgress === undefined) return;
		const overall = this.overall;
		const { phase, total } = overall;
		const bytes = phase === 'hashing' ? overall.hashed : overall.bytes;
		this.#onProgress({ phase, file: null, bytes, total, stored: phase === 'done' && overall.stored === total && total > 0, overall });
	}
}
