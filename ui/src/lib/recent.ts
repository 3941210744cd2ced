// What a user opened last, in localStorage of this browser. Signing out forgets it, so that the next person does not see it.
import { readSetting, saveSetting } from './storage';

export interface Recent {
	href: string;
	title: string;
	/** Where it is: the dataset and folder. */
	place: string;
	kind: 'dataset' | 'file';
	/** When it was opened, in milliseconds since 1970. */
	at: number;
}

/** Number of places that are kept. */
const MOST = 12;
const PREFIX = 'recent:';

const isRecent = (value: unknown): value is Recent => {
	const { href, title, place, kind, at } = (value ?? {}) as Record<string, unknown>;
	return [href, title, place].every((one) => typeof one === 'string') && /^\/(?!\/)/.test(href as string) && (kind === 'dataset' || kind === 'file') && typeof at === 'number';
};

/** Reads what was saved; anything that is not valid is dropped. */
export function parseRecent(text: string | null): Recent[] {
	try {
		const found: unknown = JSON.parse(text ?? '[]');
		return Array.isArray(found) ? found.filter(isRecent).slice(0, MOST) : [];
	} catch {
		return [];
	}
}

/** Puts a place first; it is there once. */
export const withRecent = (list: readonly Recent[], one: Recent): Recent[] => [one, ...list.filter(({ href }) => href !== one.href)].slice(0, MOST);

export const recent = (user: string): Recent[] => parseRecent(readSetting(PREFIX + user));

/** Remembers that a user has opened a place. */
export function remember(user: string, one: Omit<Recent, 'at'>): void {
	saveSetting(PREFIX + user, JSON.stringify(withRecent(recent(user), { ...one, at: Date.now() })));
}

export const forgetRecent = (user: string): void => saveSetting(PREFIX + user, null);
