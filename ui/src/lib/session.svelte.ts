// The session: the signed-in user and what the server allows.
import { enterCode, enterPassword } from './account/signIn';
import { ApiError, request, signedOut } from './api';
import { forgetDrafts } from './edit/drafts';
import { onBack } from './network.svelte';
import { forgetRecent } from './recent';
import { readSetting, saveSetting } from './storage';
import type { Session, Person } from './types';
import { toast } from './ui/toast.svelte';

let current = $state.raw<Session | undefined>(undefined);
let failure = $state.raw<unknown>(undefined);

/** The pending prompt for a user whose session has expired, and its result. */
let asking = $state.raw<{ user: Person; done: (again: boolean) => void } | null>(null);
let answer: Promise<boolean | null> | null = null;

/** Tells the other tabs who is signed in. */
const channel = typeof BroadcastChannel === 'function' ? new BroadcastChannel('rutter-session') : null;
/** Name of the user that the tabs agree on; null if no user is signed in, undefined before the session has loaded. */
let agreed: string | null | undefined;

function announce(name: string | null): void {
	if (name === agreed) return;
	agreed = name;
	channel?.postMessage(name);
}

/** Shows the page of another user, who has signed in with this browser in the meantime. */
function reload(): void {
	location.reload();
	// The user may stay, because of unsaved changes.
	toast('Another user has signed in with this browser. Reload the page before you go on.', { tone: 'bad' });
}

if (channel)
	channel.onmessage = ({ data }: MessageEvent<string | null>) => {
		agreed = data;
		const known = (asking?.user ?? current?.user)?.name;
		if (known === undefined) {
			// A user has signed in with another tab.
			if (current && data !== null) void session.load();
		} else if (data === null) void signedOut.ask?.();
		else if (data !== known) reload();
		else asking?.done(true);
	};

onBack(() => void (failure !== undefined && session.load()));

async function ask(): Promise<boolean | null> {
	const user = current?.user;
	if (!user) return null;
	// Keep the page as it is, because it may contain unsaved input.
	const now = await request<Session>('GET', '/api/v1/session');
	if (now.user && now.user.name !== user.name) reload();
	if (now.user) return null;
	announce(null);
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
	/** Ends the prompt if the user has signed in otherwise, such as with another tab. Returns false if not. */
	async againOtherwise(): Promise<boolean> {
		const now = await request<Session>('GET', '/api/v1/session');
		if (!now.user) return false;
		if (now.user.name === asking?.user.name) asking.done(true);
		else reload();
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
			const next = await request<Session>('GET', '/api/v1/session');
			// Nothing depends on an object that says the same: forms stay as they are.
			if (JSON.stringify(next) !== JSON.stringify(current)) current = next;
			failure = undefined;
			announce(next.user?.name ?? null);
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
