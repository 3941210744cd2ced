/** One object on its way: what has arrived is never sent again. */

import type { Action, Actions, Batch, Offer, PartAction, Wanted } from './batch.js';
import { type Control, forEach, Passing, type Places } from './control.js';
import { FileChangedError, RejectedError, UploadError } from './errors.js';
import { type Api, put, Stale } from './http.js';

/** What carries objects. */
export interface Carrier {
	api: Api;
	control: Control;
	batch: Batch;
	/** Bounds the requests with bytes. */
	places: Places;
}

/** An object of a file. */
export interface Cargo extends Wanted {
	/** Gives the bytes; fails if they are not at hand. */
	file: () => File;
	/** Those of a small file, if they were read already. */
	bytes: () => Promise<ArrayBuffer> | undefined;
	onSending: (bytes: number) => void;
	/** Told of the bytes that are on the server, in whole parts. */
	onArrived: (bytes: number) => void;
	onVerifying: () => void;
	/** Told of the URL that gives up what was begun. */
	onBegun: (abort: Action | undefined) => void;
}

/** Parts of one object that are sent at one time. */
const PARTS = 4;
/** URLs are not used in their last seconds (ms). */
const MARGIN = 10_000;
/** How often in a row an offer may be stale before anything of it was sent. */
const BARREN = 3;
/** The server hashes large objects before it confirms them, and asks to be asked again meanwhile. */
const CONFIRMATIONS = 40;

/** Brings an object to the server. Gives whether it was there already. */
export async function carry(carrier: Carrier, cargo: Cargo): Promise<{ stored: boolean }> {
	let begun = false;
	for (let barren = 0; ; ) {
		const offer = await carrier.batch.ask({ oid: cargo.oid, size: cargo.size, path: cargo.path });
		if (offer.actions === undefined) return { stored: !begun };
		begun = true;
		const trip = new Trip(carrier, cargo, offer, offer.actions);
		try {
			await trip.send();
			await trip.confirm();
			return { stored: false };
		} catch (error) {
			if (!(error instanceof Stale)) throw error;
			barren = trip.hasMoved ? 0 : barren + 1;
			if (barren > BARREN) throw error.final;
		}
	}
}

/** What is done with one offer. */
class Trip {
	/** Whether anything of it has arrived. */
	hasMoved = false;
	readonly #carrier: Carrier;
	readonly #cargo: Cargo;
	readonly #offer: Offer;
	readonly #actions: Actions;
	/** Bytes that have arrived, and those on their way, by part. */
	#arrived = 0;
	readonly #leaving = new Map<object, number>();
	/** Why the rest of the offer is of no use. */
	#stale: Stale | undefined;

	constructor(carrier: Carrier, cargo: Cargo, offer: Offer, actions: Actions) {
		this.#carrier = carrier;
		this.#cargo = cargo;
		this.#offer = offer;
		this.#actions = actions;
	}

	async send(): Promise<void> {
		const { upload, commit, abort } = this.#actions;
		const whole = upload === undefined ? [] : [{ method: 'PUT', ...upload }];
		const parts: PartAction[] = this.#actions.parts ?? whole;
		this.#cargo.onBegun(abort);
		const missing = parts.reduce((sum, part) => sum + this.#sizeOf(part), 0);
		this.#arrived = commit === undefined ? 0 : this.#cargo.size - missing;
		this.#cargo.onArrived(this.#arrived);
		this.#tell();
		await forEach(parts, PARTS, async (part) => {
			// Parts that are on their way may still arrive.
			if (this.#stale !== undefined) return;
			try {
				await this.#sendPart(part);
			} catch (error) {
				if (!(error instanceof Stale)) throw error;
				this.#stale ??= error;
			}
		});
		if (this.#stale !== undefined) throw this.#stale;
	}

	/**
	 * Ends the upload, and lets the server prove it. What the server has taken itself and whole it has hashed before it
	 * said so; for thousands of small files, a second request each is half of the time.
	 */
	async confirm(): Promise<void> {
		const { commit, parts, upload, verify } = this.#actions;
		const { oid, size } = this.#cargo;
		const taken = parts?.[0] ?? upload;
		if (commit === undefined && taken !== undefined && this.#carrier.api.isOwn(taken.href)) return;
		this.#cargo.onVerifying();
		if (commit !== undefined) await this.#signed(commit, commit.body);
		if (verify !== undefined) await this.#signed(verify, JSON.stringify({ oid, size }));
	}

	#sizeOf(part: PartAction): number {
		return part.size ?? this.#cargo.size - (part.pos ?? 0);
	}

	async #sendPart(part: PartAction): Promise<void> {
		const { api, control, places } = this.#carrier;
		const store = !api.isOwn(part.href);
		const from = part.pos ?? 0;
		const size = this.#sizeOf(part);
		await control.run((signal) =>
			places.use(async () => {
				signal.throwIfAborted();
				this.#expectFresh(part);
				const body = await this.#bytesOf(from, size);
				const onProgress = (bytes: number) => {
					this.#leaving.set(part, bytes);
					this.#tell();
				};
				try {
					await put({ url: part.href, store, method: part.method ?? 'PUT', headers: part.header ?? {}, body, signal, onProgress });
				} catch (error) {
					if (error instanceof Passing && body instanceof Blob) await this.#expectReadable(body);
					throw error;
				} finally {
					this.#leaving.delete(part);
				}
			})
		);
		this.hasMoved = true;
		this.#arrived += size;
		this.#cargo.onArrived(this.#arrived);
		this.#tell();
	}

	async #bytesOf(from: number, size: number): Promise<Blob | ArrayBuffer> {
		const file = this.#cargo.file();
		const held = size === file.size ? this.#cargo.bytes() : undefined;
		// A slice has no type of its own, which would go into the request.
		if (held === undefined) return file.slice(from, from + size);
		try {
			return await held;
		} catch (cause) {
			throw new FileChangedError(this.#cargo.path, { cause });
		}
	}

	async #signed(action: Action, body: string | undefined): Promise<void> {
		const { api, control } = this.#carrier;
		try {
			await control.run((signal) => {
				this.#expectFresh(action);
				return api.signed(action.href, action.method ?? 'POST', action.header ?? {}, body, signal);
			}, CONFIRMATIONS);
		} catch (error) {
			if (!(error instanceof UploadError)) throw error;
			// It was ended by another tab, or its store has lost parts: the batch tells what is left to do.
			if ([403, 404, 409, 410].includes(error.status ?? 0)) throw new Stale(error);
			if (error.status !== 422) throw error;
			const { path } = this.#cargo;
			const { requestId } = error;
			throw new RejectedError('rejected', `What arrived of ${path} is not what was chosen: the file was changed meanwhile. Choose it again.`, {
				status: 422,
				file: path,
				cause: error,
				...(requestId === undefined ? {} : { requestId })
			});
		}
	}

	#expectFresh({ expires_in: life }: Action): void {
		// 0 is for ever in the LFS API.
		if (!life || Date.now() < this.#offer.asked + life * 1000 - Math.min(MARGIN, life * 500)) return;
		throw new Stale(new UploadError('server', 'The URLs of the server expire before they can be used. Check the clock of this computer.'));
	}

	/** Browsers tell a file that has changed like a network that is away. */
	async #expectReadable(body: Blob): Promise<void> {
		try {
			await body.slice(0, 1).arrayBuffer();
		} catch (cause) {
			throw new FileChangedError(this.#cargo.path, { cause });
		}
	}

	#tell(): void {
		let bytes = this.#arrived;
		for (const leaving of this.#leaving.values()) bytes += leaving;
		this.#cargo.onSending(Math.min(bytes, this.#cargo.size));
	}
}
