/** Client of the Git LFS batch API: asks for the upload actions of many objects per request. */

import type { Control } from './control.js';
import { refusal, type UploadError } from './errors.js';
import type { Api } from './http.js';

/** An object to upload. */
export interface Wanted {
	oid: string;
	size: number;
	/** Path of a file with this content, for error messages. */
	path: string;
}

/** A signed URL. */
export interface Action {
	href: string;
	method?: string;
	header?: Record<string, string>;
	/** Lifetime in seconds, counted from the request. */
	expires_in?: number;
}

/** A part of the object that is still missing. */
export interface PartAction extends Action {
	pos?: number;
	size?: number;
}

/** Upload actions of an object, as defined by the `basic` and `multipart-basic` transfer adapters. */
export interface Actions {
	upload?: Action;
	parts?: PartAction[];
	commit?: Action & { body?: string };
	abort?: Action;
	verify?: Action;
}

/** Response for one object. */
export interface Offer {
	/** Absent if the server already has the object. */
	actions: Actions | undefined;
	/** Time of the request (ms since the epoch), from which URL lifetimes are counted. */
	requestedAt: number;
}

interface Reply {
	objects?: ({ oid: string } & { actions?: Actions; error?: { code: number; message: string } })[];
}

interface Question extends Wanted {
	resolve: (offer: Offer) => void;
	reject: (error: UploadError) => void;
}

/** Maximum objects per request. The server accepts 1,000, but smaller batches start earlier. */
const MAX_OBJECTS = 100;
/** How long (ms) to collect objects before a request: initially, and while earlier objects are being sent. */
const COLLECT_MS = 10;
const COLLECT_BUSY_MS = 150;
/** After this time (ms) without requests, the next one is treated as the first. */
const IDLE_MS = 1000;
/** Maximum concurrent requests. Further objects are collected meanwhile. */
const MAX_REQUESTS = 2;
const MEDIA = 'application/vnd.git-lfs+json';

export class Batch {
	readonly #api: Api;
	readonly #control: Control;
	readonly #branch: string | undefined;
	#questions: Question[] = [];
	#timer: ReturnType<typeof setTimeout> | undefined;
	#requests = 0;
	#last = 0;

	constructor(api: Api, control: Control, branch: string | undefined) {
		this.#api = api;
		this.#control = control;
		this.#branch = branch;
	}

	/** Returns the upload actions of an object. */
	ask(wanted: Wanted): Promise<Offer> {
		return new Promise((resolve, reject) => {
			this.#questions.push({ ...wanted, resolve, reject });
			this.#timer ??= setTimeout(() => this.#flush(), Date.now() - this.#last < IDLE_MS ? COLLECT_BUSY_MS : COLLECT_MS);
		});
	}

	#flush(): void {
		clearTimeout(this.#timer);
		this.#timer = undefined;
		while (this.#requests < MAX_REQUESTS && this.#questions.length > 0) {
			this.#requests += 1;
			this.#last = Date.now();
			void this.#send(this.#questions.splice(0, MAX_OBJECTS)).then(() => {
				this.#requests -= 1;
				this.#flush();
			});
		}
	}

	async #send(questions: Question[]): Promise<void> {
		try {
			const body = {
				operation: 'upload',
				transfers: ['multipart-basic', 'basic'],
				hash_algo: 'sha256',
				...(this.#branch === undefined ? {} : { ref: { name: `refs/heads/${this.#branch}` } }),
				objects: questions.map(({ oid, size }) => ({ oid, size }))
			};
			let requestedAt = 0;
			const reply = (await this.#control.run((signal) => {
				requestedAt = Date.now();
				return this.#api.post(`/${this.#api.segments}.git/info/lfs/objects/batch`, { body, media: MEDIA, signal });
			})) as Reply;
			const objects = new Map(reply.objects?.map((object) => [object.oid, object]));
			for (const { oid, path, resolve, reject } of questions) {
				const object = objects.get(oid);
				if (object === undefined) reject(refusal(500, '', { file: path }));
				else if (object.error !== undefined) reject(refusal(object.error.code, object.error.message, { file: path }));
				else resolve({ actions: object.actions, requestedAt });
			}
		} catch (error) {
			for (const { reject } of questions) reject(error as UploadError);
		}
	}
}
