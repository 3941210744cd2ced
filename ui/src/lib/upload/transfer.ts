/** Transfer of one object; parts that have arrived are never sent again. */

import type { Action, Actions, Batch, Offer, PartAction, Wanted } from './batch.js';
import { type Control, forEach, RetryableError, type Semaphore } from './control.js';
import { FileChangedError, RejectedError, UploadError } from './errors.js';
import { type Api, put, StaleError } from './http.js';

/** Dependencies of transfers. */
export interface TransferContext {
	api: Api;
	control: Control;
	batch: Batch;
	/** Limits concurrent transfers. */
	transfers: Semaphore;
}

/** An object to transfer. */
export interface ObjectUpload extends Wanted {
	/** Returns the file; throws if it was not provided. */
	file: () => File;
	/** Returns the bytes of a small file, if they are cached. */
	bytes: () => Promise<ArrayBuffer> | undefined;
	onSending: (bytes: number) => void;
	/** Called with the bytes that are on the server, in whole parts. */
	onArrived: (bytes: number) => void;
	onVerifying: () => void;
	/** Called with the abort action of a started multipart upload. */
	onBegun: (abort: Action | undefined) => void;
}

/** Maximum concurrent parts of one object. */
const PARTS = 4;
/** Safety margin (ms) before the expiry of a URL. */
const MARGIN = 10_000;
/** How often in a row URLs may be stale without any progress. */
const MAX_STALE = 3;
/** Maximum retries of a confirmation: while the server hashes a large object, it asks clients to retry. */
const CONFIRMATIONS = 40;

/** Uploads an object. Returns whether the server already had it. */
export async function uploadObject(context: TransferContext, object: ObjectUpload): Promise<{ stored: boolean }> {
	let begun = false;
	for (let stale = 0; ; ) {
		const offer = await context.batch.ask({ oid: object.oid, size: object.size, path: object.path });
		if (offer.actions === undefined) return { stored: !begun };
		begun = true;
		const attempt = new Attempt(context, object, offer, offer.actions);
		try {
			await attempt.send();
			await attempt.confirm();
			return { stored: false };
		} catch (error) {
			if (!(error instanceof StaleError)) throw error;
			stale = attempt.hasProgress ? 0 : stale + 1;
			if (stale > MAX_STALE) throw error.final;
		}
	}
}

/** One attempt with the actions of one batch response. */
class Attempt {
	/** True if any part has arrived. */
	hasProgress = false;
	readonly #context: TransferContext;
	readonly #object: ObjectUpload;
	readonly #offer: Offer;
	readonly #actions: Actions;
	/** Bytes that have arrived, and bytes in flight by part. */
	#arrived = 0;
	readonly #inFlight = new Map<object, number>();
	/** Set when the remaining actions have become invalid. */
	#stale: StaleError | undefined;

	constructor(context: TransferContext, object: ObjectUpload, offer: Offer, actions: Actions) {
		this.#context = context;
		this.#object = object;
		this.#offer = offer;
		this.#actions = actions;
	}

	async send(): Promise<void> {
		const { upload, commit, abort } = this.#actions;
		const whole = upload === undefined ? [] : [{ method: 'PUT', ...upload }];
		const parts: PartAction[] = this.#actions.parts ?? whole;
		this.#object.onBegun(abort);
		const missing = parts.reduce((sum, part) => sum + this.#sizeOf(part), 0);
		this.#arrived = commit === undefined ? 0 : this.#object.size - missing;
		this.#object.onArrived(this.#arrived);
		this.#report();
		await forEach(parts, PARTS, async (part) => {
			// Let the parts in flight finish.
			if (this.#stale !== undefined) return;
			try {
				await this.#sendPart(part);
			} catch (error) {
				if (!(error instanceof StaleError)) throw error;
				this.#stale ??= error;
			}
		});
		if (this.#stale !== undefined) throw this.#stale;
	}

	/**
	 * Completes the upload and lets the server verify it. An object sent whole to the server itself is verified before the
	 * response, so no further request is needed; for thousands of small files that halves the time.
	 */
	async confirm(): Promise<void> {
		const { commit, parts, upload, verify } = this.#actions;
		const { oid, size } = this.#object;
		const taken = parts?.[0] ?? upload;
		if (commit === undefined && taken !== undefined && this.#context.api.isOwn(taken.href)) return;
		this.#object.onVerifying();
		if (commit !== undefined) await this.#signed(commit, commit.body);
		if (verify !== undefined) await this.#signed(verify, JSON.stringify({ oid, size }));
	}

	#sizeOf(part: PartAction): number {
		return part.size ?? this.#object.size - (part.pos ?? 0);
	}

	async #sendPart(part: PartAction): Promise<void> {
		const { api, control, transfers } = this.#context;
		const store = !api.isOwn(part.href);
		const from = part.pos ?? 0;
		const size = this.#sizeOf(part);
		await control.run((signal) =>
			transfers.use(async () => {
				signal.throwIfAborted();
				this.#expectFresh(part);
				const body = await this.#bytesOf(from, size);
				const onProgress = (bytes: number) => {
					this.#inFlight.set(part, bytes);
					this.#report();
				};
				try {
					await put({ url: part.href, store, method: part.method ?? 'PUT', headers: part.header ?? {}, body, signal, onProgress });
				} catch (error) {
					if (error instanceof RetryableError && body instanceof Blob) await this.#expectReadable(body);
					throw error;
				} finally {
					this.#inFlight.delete(part);
				}
			})
		);
		this.hasProgress = true;
		this.#arrived += size;
		this.#object.onArrived(this.#arrived);
		this.#report();
	}

	async #bytesOf(from: number, size: number): Promise<Blob | ArrayBuffer> {
		const file = this.#object.file();
		const held = size === file.size ? this.#object.bytes() : undefined;
		// A slice has no media type, so none is sent with the request.
		if (held === undefined) return file.slice(from, from + size);
		try {
			return await held;
		} catch (cause) {
			throw new FileChangedError(this.#object.path, { cause });
		}
	}

	async #signed(action: Action, body: string | undefined): Promise<void> {
		const { api, control } = this.#context;
		try {
			await control.run((signal) => {
				this.#expectFresh(action);
				return api.signed(action.href, action.method ?? 'POST', action.header ?? {}, body, signal);
			}, CONFIRMATIONS);
		} catch (error) {
			if (!(error instanceof UploadError)) throw error;
			// Another tab has completed it or the store has lost parts: ask the batch API what is left to do.
			if ([403, 404, 409, 410].includes(error.status ?? 0)) throw new StaleError(error);
			if (error.status !== 422) throw error;
			const { path } = this.#object;
			const { requestId } = error;
			throw new RejectedError('rejected', `${path} was changed during the upload. Choose it again.`, {
				status: 422,
				file: path,
				cause: error,
				...(requestId === undefined ? {} : { requestId })
			});
		}
	}

	#expectFresh({ expires_in: life }: Action): void {
		// 0 means no expiry in the LFS API.
		if (!life || Date.now() < this.#offer.requestedAt + life * 1000 - Math.min(MARGIN, life * 500)) return;
		throw new StaleError(new UploadError('server', 'The upload URLs expire before they can be used. Check the clock of this computer.'));
	}

	/** Throws if the file has changed; browsers report that like a network error. */
	async #expectReadable(body: Blob): Promise<void> {
		try {
			await body.slice(0, 1).arrayBuffer();
		} catch (cause) {
			throw new FileChangedError(this.#object.path, { cause });
		}
	}

	#report(): void {
		let bytes = this.#arrived;
		for (const inFlight of this.#inFlight.values()) bytes += inFlight;
		this.#object.onSending(Math.min(bytes, this.#object.size));
	}
}
