// Signing in: with a password, and for accounts with two-factor authentication with a code.
import { request } from '../api';
import type { SignInResult } from '../types';

/** Sends the password. Returns the ticket for the second step, or null if the user is signed in. */
export async function enterPassword(login: string, password: string): Promise<string | null> {
	return ticketOf(await request<SignInResult>('POST', '/api/v1/session', { body: { login, password } }));
}

/** Sends the code of the second step. */
export async function enterCode(ticket: string, code: string): Promise<void> {
	await request<SignInResult>('POST', '/api/v1/session', { body: { ticket, code: code.trim() } });
}

/** Returns the ticket for the second step; null if there is none. */
export function ticketOf(answer: SignInResult): string | null {
	return 'second' in answer ? answer.second.ticket : null;
}

/** True for a page of the server, where an application asks the user to sign in. */
export const isApplication = (next: string): boolean => next.startsWith('/oauth/authorize?');

/**
 * Returns true if users sign in although they have a session: an application asks for it, or it did before the browser came
 * back from an external provider, with the ticket for the second step or with a problem.
 */
export const asksAgain = (query: URLSearchParams, ticket: string | null, next: string): boolean =>
	query.get('again') === 'true' || (isApplication(next) && (ticket !== null || query.has('problem')));
