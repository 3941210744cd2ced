/** Suggestions of users where user names are typed. */

import { request } from '../api';
import type { Page, SuggestedUser } from '../types';

/** Shorter texts find too many. */
export const SUGGEST_MIN = 2;

export const suggestUsers = async (q: string, signal: AbortSignal): Promise<SuggestedUser[]> =>
	(await request<Page<SuggestedUser>>('GET', '/api/v1/users', { query: { q }, signal, quiet: true })).items;

/** Separators of several people in one field. */
const SEPARATORS = /[\s,;]+/;

/** Returns the part of a text that is being typed: after the last separator, if there can be several people. */
export function lastPart(text: string, many: boolean): string {
	const part = many ? (text.split(SEPARATORS).at(-1) ?? '') : text.trim();
	return part.replace(/^@/, '');
}

/** Replaces the part that is being typed by a user name. */
export function withPerson(text: string, name: string, many: boolean): string {
	if (!many) return name;
	const typed = text.split(SEPARATORS).at(-1) ?? '';
	return `${text.slice(0, text.length - typed.length)}${name}, `;
}
