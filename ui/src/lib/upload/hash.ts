/** A few workers that hash, shared by all uploads of an `Uploader`. */

import { SMALL } from './contents.js';
import { Places } from './control.js';
import { CancelledError, FileChangedError, UploadError } from './errors.js';

/** What a worker is told. */
export type Order = { type: 'hash'; id: number; file: File; paused: boolean } | { type: 'pause' | 'resume' | 'cancel'; id: number };

/** What a worker tells. */
export type Answer =
	| { type: 'progress'; id: number; bytes: number }
	| { type: 'done'; id: number; oid: string }
	| { type: 'failed'; id: number; name: string; message: string };

/** A file to hash, and who waits for it. */
export interface HashJob {
	file: File;
	/** For error messages. */
	path: string;
	/** Whether it waits; that it has changed is told by {@link HashPool.review}. */
	isPaused: () => boolean;
	/** Waits as long as it does. */
	turn: () => Promise<void>;
	/** The bytes of a small file, if they are at hand. */
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

/** So many small files at one time, for each waits most of all until it is read. */
const SMALL_AT_ONCE = 32;
/** Workers that have nothing to do for so long (ms) are let go. */
const IDLE = 10_000;

export class HashPool {
	readonly #make: () => Worker;
	readonly #most: number;
	readonly #workers = new Map<Worker, Task | undefined>();
	readonly #waiting: Task[] = [];
	#ids = 0;
	/** Whether workers can run here: else files are hashed in the page itself, one after the other. */
	#hasWorkers = typeof Worker !== 'undefined';
	readonly #one = new Places(1);
	readonly #small = new Places(SMALL_AT_ONCE);
	#idle: ReturnType<typeof setTimeout> | undefined;

	constructor(most: number, make?: () => Worker) {
		this.#most = most;
		this.#make = make ?? (() => new Worker(new URL('../hash.worker.ts', import.meta.url), { type: 'module' }));
	}

	/** The sha256 in hexadecimal. */
	async hash(job: HashJob): Promise<string> {
		// They do not go to a worker: `crypto.subtle` has threads of its own, and the way is longer.
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

	/** Tells the workers what {@link HashJob.isPaused} says now. */
	review(): void {
		for (const [worker, task] of this.#workers) {
			if (task !== undefined) worker.postMessage({ type: task.isPaused() ? 'pause' : 'resume', id: task.id } satisfies Order);
		}
		this.#assign();
	}

	async #hashInPage(job: HashJob, places: Places): Promise<string> {
		try {
			const { hashFile } = await import('./hash-file.js');
			return await places.use(() => hashFile(job.file, job));
		} catch (error) {
			throw failed(error as Error, job.path);
		}
	}

	#assign(): void {
		for (;;) {
			const next = this.#waiting.findIndex((task) => !task.isPaused());
			if (next < 0) break;
			const worker = this.#rested();
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

	/** A worker without work, if there is one or may be one more. */
	#rested(): Worker | undefined {
		for (const [worker, task] of this.#workers) if (task === undefined) return worker;
		if (this.#workers.size >= this.#most) return undefined;
		let worker: Worker;
		try {
			worker = this.#make();
		} catch {
			// A script of another origin, for one.
			this.#leave();
			return undefined;
		}
		worker.onmessage = ({ data }: MessageEvent<Answer>) => this.#hear(worker, data);
		worker.onerror = (event) => {
			event.preventDefault();
			this.#leave();
		};
		this.#workers.set(worker, undefined);
		return worker;
	}

	/** Goes on without workers: their script is not there, or the policy of the page forbids them. */
	#leave(): void {
		this.#hasWorkers = false;
		const tasks = [...this.#workers.values(), ...this.#waiting.splice(0)];
		for (const worker of this.#workers.keys()) worker.terminate();
		this.#workers.clear();
		for (const task of tasks) if (task !== undefined) this.#hashInPage(task, this.#one).then(task.resolve, task.reject);
	}

	#hear(worker: Worker, answer: Answer): void {
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
			return new UploadError('unsupported', "The policy of this page forbids WebAssembly, which hashes large files: allow script-src 'wasm-unsafe-eval'.");
	}
	return new UploadError('unsupported', `${path} cannot be hashed: ${error.message}`, { file: path });
}
