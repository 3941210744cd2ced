/** Asks the LFS batch API what is to be sent, for many objects at a time. */

import type { Control } from './control.js';
import { refusal, type UploadError } from './errors.js';
import type { Api } from './http.js';

/** An object that is to be on the server. */
export interface Wanted {
	oid: string;
	size: number;
	/** A file that has it, for error messages. */
	path: string;
}

/** A signed URL. */
export interface Action {
	href: string;
	method?: string;
	header?: Record<string, string>;
	/** Seconds from the request for which it is good. */
	expires_in?: number;
}

/** A piece of the object that has not arrived. */
export interface PartAction extends Action {
	pos?: number;
	size?: number;
}

/** What is to be done for an object, in the words of `basic` or of `multipart-basic`. */
export interface Actions {
	upload?: Action;
	parts?: PartAction[];
	commit?: Action & { body?: string };
	abort?: Action;
	verify?: Action;
}

/** The answer for one object. */
export interface Offer {
	/** Nothing is to be done without them: the server has the object. */
	actions: Actions | undefined;
	/** When the question was asked (ms), from which URLs are good for some time. */
	asked: number;
}

interface Reply {
	objects?: ({ oid: string } & { actions?: Actions; error?: { code: number; message: string } })[];
}

interface Question extends Wanted {
	resolve: (offer: Offer) => void;
	reject: (error: UploadError) => void;
}

/** Objects of one request; the server takes 1,000, but the first should not wait for the last. */
const MOST = 100;
/** How long (ms) the first question waits for others: at first, and while earlier objects are on their way. */
const GATHER = 10;
const GATHER_MORE = 150;
/** Without questions for so long (ms), nothing else is on its way. */
const QUIET = 1000;
/** Requests at one time. While they are under way, questions gather. */
const REQUESTS = 2;
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

	/** What is to be done for an object. */
	ask(wanted: Wanted): Promise<Offer> {
		return new Promise((resolve, reject) => {
			this.#questions.push({ ...wanted, resolve, reject });
			this.#timer ??= setTimeout(() => this.#flush(), Date.now() - this.#last < QUIET ? GATHER_MORE : GATHER);
		});
	}

	#flush(): void {
		clearTimeout(this.#timer);
		this.#timer = undefined;
		while (this.#requests < REQUESTS && this.#questions.length > 0) {
			this.#requests += 1;
			this.#last = Date.now();
			void this.#send(this.#questions.splice(0, MOST)).then(() => {
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
			let asked = 0;
			const reply = (await this.#control.run((signal) => {
				asked = Date.now();
				return this.#api.post(`/${this.#api.segments}.git/info/lfs/objects/batch`, { body, media: MEDIA, signal });
			})) as Reply;
			const objects = new Map(reply.objects?.map((object) => [object.oid, object]));
			for (const { oid, path, resolve, reject } of questions) {
				const object = objects.get(oid);
				if (object === undefined) reject(refusal(500, '', { file: path }));
				else if (object.error !== undefined) reject(refusal(object.error.code, object.error.message, { file: path }));
				else resolve({ actions: object.actions, asked });
			}
		} catch (error) {
			for (const { reject } of questions) reject(error as UploadError);
		}
	}
}
