/**
 * Returns the one-time token from the URL fragment of an e-mail link. Fragments are not sent to servers and do not appear in
 * logs. It is removed from the URL immediately, so that it does not end up in the history, a bookmark or a screenshot.
 */
export function takeToken(): string | null {
	const { pathname, search, hash } = location;
	const token = tokenIn(hash);
	if (hash !== '') history.replaceState(history.state, '', pathname + search);
	if (token !== null) held.set(pathname, token);
	return token ?? held.get(pathname) ?? null;
}

/** Tokens by page, kept until a reload, so that the user can sign in and come back. */
const held = new Map<string, string>();

/** Drops the token of this page after use. */
export function dropToken(): void {
	held.delete(location.pathname);
}

/** Returns the token in `#TOKEN`; null if it is not a valid one. */
export function tokenIn(hash: string): string | null {
	const token = hash.replace(/^#/, '');
	return /^[A-Za-z0-9_.-]{16,512}$/.test(token) ? token : null;
}

/** Returns the page to open after signing in; only pages of this site, to prevent open redirects. */
export function nextPage(target: string | null): string {
	if (target === null || !/^\/(?![/\\])/.test(target)) return '/';
	try {
		const url = new URL(target, 'http://here.invalid');
		if (url.host !== 'here.invalid' || url.pathname === '/login') return '/';
		return url.pathname + url.search + url.hash;
	} catch {
		return '/';
	}
}
