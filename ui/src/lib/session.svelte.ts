// Who is signed in, for every page.
import { ApiError, request } from './api';
import { recall, remember } from './remember';
import type { Session, Person } from './types';

let current = $state.raw<Session | undefined>(undefined);
let failure = $state.raw<unknown>(undefined);

export const session = {
	/** Whether the server has told. */
	get ready(): boolean {
		return current !== undefined;
	},
	get user(): Person | null {
		return current?.user ?? null;
	},
	/** Whether somebody is signed in; a guess while the server has not told, for what keeps its room on the page. */
	get likely(): boolean {
		return current ? session.user !== null : recall('signed-in') !== null;
	},
	get signUp(): Session['sign_up'] {
		return current?.sign_up ?? 'closed';
	},
	/** There is no administrator yet. */
	get setUp(): boolean {
		return current?.set_up ?? false;
	},
	/** Whether letters are sent. */
	get mail(): boolean {
		return current?.mail ?? false;
	},
	/** Of the server; empty for who is not signed in. */
	get version(): string {
		return current?.version ?? '';
	},
	get error(): unknown {
		return failure;
	},
	/** Asks the server again: after signing in and out. */
	async load(): Promise<void> {
		try {
			current = await request<Session>('GET', '/api/v1/session');
			failure = undefined;
		} catch (error) {
			// A server without accounts in the browser.
			if (error instanceof ApiError && error.status === 404) {
				current = { user: null, sign_up: 'closed', set_up: false, mail: false, version: null };
			} else {
				failure = error;
			}
		}
		if (current) remember('signed-in', session.user && 'yes');
	},
	async logout(): Promise<void> {
		await request('DELETE', '/api/v1/session');
		await session.load();
	}
};
