/** Share links: anyone with the link can open a part of a dataset. */

import { tokenIn } from '../account/fragment';
import { request } from '../api';
import type { LinkTarget } from '../types';

const KEPT = 'rutter:opened';

/**
 * Returns the link token from the URL fragment. It stays in the URL, so that it can be bookmarked and copied; fragments are
 * not sent to servers and do not appear in logs. A second `#` may start a further fragment.
 */
export function linkIn(hash: string): string | null {
	return tokenIn(hash.split('#')[1] ?? '');
}

/** An opened link, kept for this tab: after a reload no password is needed until the token expires, within an hour. */
interface Kept {
	link: string;
	opened: LinkTarget;
}

export function keepOpened(link: string, opened: LinkTarget): void {
	try {
		sessionStorage.setItem(KEPT, JSON.stringify({ link, opened } satisfies Kept));
	} catch {
		// Session storage is blocked: the link is opened again after a reload.
	}
}

export function forgetOpened(): void {
	try {
		sessionStorage.removeItem(KEPT);
	} catch {
		// Nothing was kept.
	}
}

/** Returns what this link opened in this tab before, unless it has expired. */
export function keptOpened(link: string, now = Date.now()): LinkTarget | null {
	try {
		const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? 'null') as Kept | null;
		return kept !== null && kept.link === link && Date.parse(kept.opened.token_expires) > now ? kept.opened : null;
	} catch {
		return null;
	}
}

/** Opens a link; `renewed` is its session token that ends soon. */
export function openLink(token: string, password?: string, renewed?: string): Promise<LinkTarget> {
	return request('POST', '/api/v1/links/open', { body: { token, password }, bearer: renewed });
}
