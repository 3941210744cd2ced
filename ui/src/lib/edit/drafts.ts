// Unsaved text in sessionStorage, where it survives a reload and an expired session, but not the tab.
import type { TextFormat } from './encoding';
import type { FileVersion } from './client';

export interface Draft {
	text: string;
	/** The version that was edited; `null` for a new file. */
	known: FileVersion | null;
	/** How it is saved, if not as the file was. */
	format: TextFormat;
	/** When it was kept, in milliseconds since 1970. */
	at: number;
}

const PREFIX = 'draft ';

export const draftKey = (user: string, place: string, path: string): string => `${PREFIX}${[user, place, path].join('\n')}`;

/** Keeps a draft, of a file or another text. Returns false if the browser has no room for it. */
export function keepDraft<Kept extends { text: string } = Draft>(key: string, draft: Kept): boolean {
	try {
		sessionStorage.setItem(key, JSON.stringify(draft));
		return true;
	} catch {
		forgetDraft(key);
		return false;
	}
}

export function readDraft<Kept extends { text: string } = Draft>(key: string): Kept | null {
	try {
		const found = JSON.parse(sessionStorage.getItem(key) ?? 'null') as Kept | null;
		return typeof found?.text === 'string' ? found : null;
	} catch {
		return null;
	}
}

export function forgetDraft(key: string): void {
	try {
		sessionStorage.removeItem(key);
	} catch {
		// Storage is blocked, so there is no draft.
	}
}

/** Removes all drafts, when a user signs out. */
export function forgetDrafts(): void {
	try {
		for (const key of Object.keys(sessionStorage)) if (key.startsWith(PREFIX)) sessionStorage.removeItem(key);
	} catch {
		// Storage is blocked, so there are none.
	}
}
