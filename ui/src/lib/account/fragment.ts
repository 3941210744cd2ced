/**
 * The token that a letter's link carries behind the `#`, where no server and no log sees it. It is taken out of the
 * address at once, so that it is not left in the history, in a bookmark or on a screenshot.
 */
export function takeToken(): string | null {
	const { pathname, search, hash } = location;
	const token = tokenIn(hash);
	if (hash !== '') history.replaceState(history.state, '', pathname + search);
	if (token !== null) held.set(pathname, token);
	return token ?? held.get(pathname) ?? null;
}

/** Until the page is loaded anew: so that one can sign in between, and come back. */
const held = new Map<string, string>();

/** It was used, or is of no use. */
export function dropToken(): void {
	held.delete(location.pathname);
}

/** The token in `#TOKEN`; null for what cannot be one. */
export function tokenIn(hash: string): string | null {
	const token = hash.replace(/^#/, '');
	return /^[A-Za-z0-9_.-]{16,512}$/.test(token) ? token : null;
}

/** Where to go after signing in: a page of ours, never of others. */
export function nextPage(asked: string | null): string {
	if (asked === null || !/^\/(?![/\\])/.test(asked)) return '/';
	try {
		const url = new URL(asked, 'http://here.invalid');
		if (url.host !== 'here.invalid' || url.pathname === '/login') return '/';
		return url.pathname + url.search + url.hash;
	} catch {
		return '/';
	}
}
