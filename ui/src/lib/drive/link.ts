/** Links that open a part of a dataset to whoever has them. */

import { tokenIn } from '../account/fragment';
import { request } from '../api';
import type { Opened } from '../types';

const KEPT = 'rutter:link';

/**
 * The token of the link, taken out of the address. It is kept for this tab, so that the page can be loaded anew; the
 * browser forgets it with the tab.
 */
export function takeLink(): string | null {
	const { pathname, search, hash } = location;
	const token = tokenIn(hash);
	if (hash !== '') history.replaceState(history.state, '', pathname + search);
	try {
		if (token !== null) sessionStorage.setItem(KEPT, token);
		return token ?? sessionStorage.getItem(KEPT);
	} catch {
		return token;
	}
}

export function openLink(token: string, password?: string): Promise<Opened> {
	return request('POST', '/api/v1/links/open', { body: { token, password }, bearer: undefined });
}
