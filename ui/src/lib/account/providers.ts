// External identity providers: where signing in begins, and why it may fail.
import { segment } from '../api';

/**
 * Returns the URL where a sign-in with a provider begins. Not a page of this application, but of the server. With `again`, the
 * provider should not accept a session of its own.
 */
export function signInUrl(provider: string, next: string, again = false): string {
	return `/login/${segment(provider)}?${again ? 'again=true&' : ''}next=${encodeURIComponent(next)}`;
}

const PROBLEMS: Record<string, string> = {
	state: 'This sign-in was begun in another browser, took too long, or was used before. Try again.',
	denied: 'The sign-in was cancelled.',
	unavailable: 'The sign-in service cannot be reached. Try again in a moment.',
	provider: 'The sign-in service sent an answer that is not valid. Try again; if it stays so, tell the administrator.',
	email: 'Your account there has no verified e-mail address. Verify one there, and try again.',
	domain: 'Addresses of this domain cannot have accounts here. Contact the administrator.',
	taken: 'Your e-mail address already has an account here. Sign in to it, and link the other account on your account page.',
	closed: 'You have no account here yet. Ask an administrator to invite you.',
	suspended: 'Your account is suspended. Contact the administrator.',
	linked: 'That account is linked to another account here.'
};

/** Returns the explanation for a code in the URL; null if there is none. */
export function signInProblem(code: string | null): string | null {
	if (code === null) return null;
	return Object.hasOwn(PROBLEMS, code) ? (PROBLEMS[code] ?? null) : 'Signing in failed. Try again.';
}
