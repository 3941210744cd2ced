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

/** Returns the name after the `@` in front of the caret, as the server reads mentions; null if none is being typed. */
export const mentionAt = (text: string, caret: number): string | null =>
	/(?<![A-Za-z0-9._-])@([A-Za-z0-9._-]*)$/.exec(text.slice(0, caret))?.[1] ?? null;

/** Replaces the name after the `@` in front of the caret. Returns the text and the new place of the caret. */
export function withMention(text: string, caret: number, name: string): { text: string; caret: number } {
	const before = text.slice(0, caret - (mentionAt(text, caret)?.length ?? 0)) + name;
	const after = text.slice(caret);
	// A name ends with a letter or a digit; what follows must not continue it.
	const space = after === '' || /^[A-Za-z0-9._-]/.test(after) ? ' ' : '';
	return { text: before + space + after, caret: before.length + space.length };
}
