/** Links that open a part of a dataset to whoever has them. */

import { tokenIn } from '../account/fragment';
import { request } from '../api';
import type { Opened } from '../types';

const KEPT = 'rutter:opened';

/**
 * The token of the link in an address. It stays there, behind the `#`, where no server and no log sees it: so the
 * address can be kept and copied. More may follow behind a further `#`.
 */
export function linkIn(hash: string): string | null {
	return tokenIn(hash.split('#')[1] ?? '');
}

/** What a link opened, for this tab: it can be loaded anew, and asks for no password until the hour is over. */
interface Kept {
	link: string;
	opened: Opened;
}

export function keepOpened(link: string, opened: Opened): void {
	try {
		sessionStorage.setItem(KEPT, JSON.stringify({ link, opened } satisfies Kept));
	} catch {
		// A browser that keeps nothing: the link is opened again instead.
	}
}

export function forgetOpened(): void {
	try {
		sessionStorage.removeItem(KEPT);
	} catch {
		// Nothing was kept.
	}
}

/** What this link opened in this tab before, if that is still good. */
export function keptOpened(link: string, now = Date.now()): Opened | null {
	try {
		const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? 'null') as Kept | null;
		return kept !== null && kept.link === link && Date.parse(kept.opened.token_expires) > now ? kept.opened : null;
	} catch {
		return null;
	}
}

export function openLink(token: string, password?: string): Promise<Opened> {
	return request('POST', '/api/v1/links/open', { body: { token, password }, bearer: undefined });
}
