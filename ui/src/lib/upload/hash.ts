/** Pool of hash workers, shared by all uploads of an `Uploader`. */

import { SMALL } from './contents.js';
import { Semaphore } from './control.js';
import { CancelledError, FileChangedError, UploadError } from './errors.js';

/** Message to a worker. */
export type Order = { type: 'hash'; id: number; file: File; paused: boolean } | { type: 'pause' | 'resume' | 'cancel'; id: number };

/** Message from a worker. */
export type Answer =
	| { type: 'progress'; id: number; bytes: number }
	| { type: 'done'; id: number; oid: string }
	| { type: 'failed'; id: number; name: string; message: string };

/** A file to hash. */
export interface HashJob {
	file: File;
	/** For error messages. */
	path: string;
	/** Returns true while the upload is paused. Call {@link HashPool.review} when this changes. */
	isPaused: () => boolean;
	/** Waits while the upload is paused. */
	checkpoint: () => Promise<void>;
	/** Returns the bytes of a small file, if they are cached. */
	bytes: () => Promise<ArrayBuffer> | undefined;
	signal: AbortSignal;
	onProgress: (bytes: number) => void;
}

interface Task extends HashJob {
	id: number;
	resolve: (oid: string) => void;
	reject: (error: Error) => void;
	worker: Worker | undefined;
}

/** Maximum concurrent small files; most of their time is spent waiting for reads. */
const SMALL_AT_ONCE = 32;
/** Idle workers are terminated after this time (ms). */
const IDLE = 10_000;

export class HashPool {
	readonly #make: () => Worker;
	readonly #most: number;
	readonly #workers = new Map<Worker, Task | undefined>();
	readonly #waiting: Task[] = [];
	#ids = 0;
	/** True if workers are available; otherwise files are hashed in the page, one at a time. */
	#hasWorkers = typeof Worker !== 'undefined';
	readonly #one = new Semaphore(1);
	readonly #small = new Semaphore(SMALL_AT_ONCE);
	#idle: ReturnType<typeof setTimeout> | undefined;

	constructor(most: number, make?: () => Worker) {
		this.#most = most;
		this.#make = make ?? (() => new Worker(new URL('../hash.worker.ts', import.meta.url), { type: 'module' }));
	}

	/** Returns the SHA-256 in hexadecimal. */
	async hash(job: HashJob): Promise<string> {
		// Not in a worker: `crypto.subtle` uses its own threads, and messages only add latency.
		const isSmall = job.file.size <= SMALL && globalThis.crypto?.subtle !== undefined;
		if (isSmall || !this.#hasWorkers) return this.#hashInPage(job, isSmall ? this.#small : this.#one);
		let cancel = () => {};
		return new Promise<string>((resolve, reject) => {
			const task: Task = { ...job, id: ++this.#ids, resolve, reject, worker: undefined };
			if (job.signal.aborted) return reject(new CancelledError());
			cancel = () => this.#cancel(task);
			job.signal.addEventListener('abort', cancel);
			this.#waiting.push(task);
			this.#assign();
		}).finally(() => job.signal.removeEventListener('abort', cancel));
	}

	/** Pauses or resumes the workers according to {@link HashJob.isPaused}. */
	review(): void {
		for (const [worker, task] of this.#workers) {
			if (task !== undefined) worker.postMessage({ type: task.isPaused() ? 'pause' : 'resume', id: task.id } satisfies Order);
		}
		this.#assign();
	}

	async #hashInPage(job: HashJob, transfers: Semaphore): Promise<string> {
		try {
			const { hashFile } = await import('./hash-file.js');
			return await transfers.use(() => hashFile(job.file, job));
		} catch (error) {
			throw failed(error as Error, job.path);
		}
	}

	#assign(): void {
		for (;;) {
			const next = this.#waiting.findIndex((task) => !task.isPaused());
			if (next < 0) break;
			const worker = this.#idleWorker();
			if (worker === undefined) break;
			const [task] = this.#waiting.splice(next, 1) as [Task];
			task.worker = worker;
			this.#workers.set(worker, task);
			worker.postMessage({ type: 'hash', id: task.id, file: task.file, paused: false } satisfies Order);
		}
		clearTimeout(this.#idle);
		const isIdle = this.#workers.size > 0 && [...this.#workers.values()].every((task) => task === undefined);
		if (isIdle) {
			this.#idle = setTimeout(() => {
				for (const worker of this.#workers.keys()) worker.terminate();
				this.#workers.clear();
			}, IDLE);
		}
	}

	/** Returns an idle worker, or a new one unless the limit is reached. */
	#idleWorker(): Worker | undefined {
		for (const [worker, task] of this.#workers) if (task === undefined) return worker;
		if (this.#workers.size >= this.#most) return undefined;
		let worker: Worker;
		try {
			worker = this.#make();
		} catch {
			// For example, the script has another origin.
			this.#fallBack();
			return undefined;
		}
		worker.onmessage = ({ data }: MessageEvent<Answer>) => this.#onMessage(worker, data);
		worker.onerror = (event) => {
			event.preventDefault();
			this.#fallBack();
		};
		this.#workers.set(worker, undefined);
		return worker;
	}

	/** Continues without workers: their script is missing or the content security policy forbids them. */
	#fallBack(): void {
		this.#hasWorkers = false;
		const tasks = [...this.#workers.values(), ...this.#waiting.splice(0)];
		for (const worker of this.#workers.keys()) worker.terminate();
		this.#workers.clear();
		for (const task of tasks) if (task !== undefined) this.#hashInPage(task, this.#one).then(task.resolve, task.reject);
	}

	#onMessage(worker: Worker, answer: Answer): void {
		const task = this.#workers.get(worker);
		if (task === undefined || task.id !== answer.id) return;
		if (answer.type === 'progress') return task.onProgress(answer.bytes);
		this.#workers.set(worker, undefined);
		if (answer.type === 'done') task.resolve(answer.oid);
		else task.reject(failed(answer, task.path));
		this.#assign();
	}

	#cancel(task: Task): void {
		const waiting = this.#waiting.indexOf(task);
		if (waiting >= 0) this.#waiting.splice(waiting, 1);
		task.worker?.postMessage({ type: 'cancel', id: task.id } satisfies Order);
		task.reject(new CancelledError());
	}
}

function failed(error: { name: string; message: string }, path: string): UploadError {
	switch (error.name) {
		case 'AbortError':
			return new CancelledError();
		case 'NotReadableError':
		case 'NotFoundError':
			return new FileChangedError(path, { cause: error.message });
		case 'CompileError':
			return new UploadError('unsupported', "The content security policy of this page blocks WebAssembly, which is required to hash large files. Allow script-src 'wasm-unsafe-eval'.");
	}
	return new UploadError('unsupported', `Cannot hash ${path}: ${error.message}`, { file: path });
}
