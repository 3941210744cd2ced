// Who is signed in, for every page.
import { ApiError, request, signedOut } from './api';
import { recall, remember } from './remember';
import type { Session, Person } from './types';

let current = $state.raw<Session | undefined>(undefined);
let failure = $state.raw<unknown>(undefined);

/** Somebody whose session has ended is asked to sign in again; what comes of it. */
let asking = $state.raw<{ user: Person; done: (again: boolean) => void } | null>(null);
let answer: Promise<boolean | null> | null = null;

async function ask(): Promise<boolean | null> {
	const user = current?.user;
	if (!user) return null;
	// The pages stay as they are until it is known how to go on: what was typed is in them.
	const now = await request<Session>('GET', '/api/v1/session');
	if (now.user) return null;
	const again = await new Promise<boolean>((done) => {
		asking = { user, done };
	});
	asking = null;
	await session.load();
	return again;
}

signedOut.ask = () => {
	answer ??= ask()
		.catch(() => null)
		.finally(() => (answer = null));
	return answer;
};

export const session = {
	/** Who is to sign in again; null where nobody is. */
	get asked(): Person | null {
		return asking?.user ?? null;
	},
	/** Signs in who is asked to, again. */
	async again(password: string): Promise<void> {
		if (!asking) return;
		await request('POST', '/api/v1/session', { body: { login: asking.user.name, password } });
		asking?.done(true);
	},
	/** Leaves it at that: they are signed out. */
	leave(): void {
		asking?.done(false);
	},
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
