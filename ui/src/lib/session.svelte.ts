// The session: the signed-in user and what the server allows.
import { enterCode, enterPassword } from './account/signIn';
import { ApiError, request, signedOut } from './api';
import { forgetDrafts } from './edit/drafts';
import { forgetRecent } from './recent';
import { readSetting, saveSetting } from './storage';
import type { Session, Person } from './types';

let current = $state.raw<Session | undefined>(undefined);
let failure = $state.raw<unknown>(undefined);

/** The pending prompt for a user whose session has expired, and its result. */
let asking = $state.raw<{ user: Person; done: (again: boolean) => void } | null>(null);
let answer: Promise<boolean | null> | null = null;

async function ask(): Promise<boolean | null> {
	const user = current?.user;
	if (!user) return null;
	// Keep the page as it is, because it may contain unsaved input.
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
	/** The user who has to sign in again, or null. */
	get expiredUser(): Person | null {
		return asking?.user ?? null;
	},
	/** Signs the user in again. Returns the ticket for the second step, if there is one. */
	async again(password: string): Promise<string | null> {
		if (!asking) return null;
		const ticket = await enterPassword(asking.user.name, password);
		if (ticket === null) asking?.done(true);
		return ticket;
	},
	/** Signs the user in again, after the password. */
	async againWithCode(ticket: string, code: string): Promise<void> {
		await enterCode(ticket, code);
		asking?.done(true);
	},
	/** Ends the prompt if the user has signed in with another tab. Returns false if not. */
	async againElsewhere(): Promise<boolean> {
		const now = await request<Session>('GET', '/api/v1/session');
		if (now.user?.name !== asking?.user.name) return false;
		asking?.done(true);
		return true;
	},
	/** Dismisses the prompt: the user stays signed out. */
	leave(): void {
		asking?.done(false);
	},
	/** True once the session has loaded. */
	get ready(): boolean {
		return current !== undefined;
	},
	get user(): Person | null {
		return current?.user ?? null;
	},
	/** True if a user is signed in; before the session has loaded, a guess that avoids layout shifts. */
	get likely(): boolean {
		return current ? session.user !== null : readSetting('signed-in') !== null;
	},
	/** True if the user must set up two-factor authentication before anything else. */
	get mustEnrol(): boolean {
		return current?.must_enrol ?? false;
	},
	get signUp(): Session['sign_up'] {
		return current?.sign_up ?? 'closed';
	},
	/** True if there is no administrator yet. */
	get setUp(): boolean {
		return current?.set_up ?? false;
	},
	/** True if users can sign in with passwords. */
	get passwords(): boolean {
		return current?.passwords ?? true;
	},
	/** True if users can sign in with passkeys. */
	get passkeys(): boolean {
		return current?.passkeys ?? false;
	},
	/** The external providers that users can sign in with. */
	get providers(): Session['providers'] {
		return current?.providers ?? [];
	},
	/** True if the server can send e-mail. */
	get mail(): boolean {
		return current?.mail ?? false;
	},
	/** Server version; empty unless signed in. */
	get version(): string {
		return current?.version ?? '';
	},
	get error(): unknown {
		return failure;
	},
	/** Reloads the session, for example after signing in or out. */
	async load(): Promise<void> {
		try {
			current = await request<Session>('GET', '/api/v1/session');
			failure = undefined;
		} catch (error) {
			// The server has browser sign-in disabled.
			if (error instanceof ApiError && error.status === 404) {
				current = { user: null, must_enrol: false, sign_up: 'closed', set_up: false, passwords: true, passkeys: false, providers: [], mail: false, version: null };
			} else {
				failure = error;
			}
		}
		if (current) saveSetting('signed-in', session.user && 'yes');
	},
	async logout(): Promise<void> {
		const name = session.user?.name;
		await request('DELETE', '/api/v1/session');
		if (name !== undefined) forgetRecent(name);
		forgetDrafts();
		await session.load();
	}
};
