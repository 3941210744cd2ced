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
