import type { HandleClientError } from '@sveltejs/kit';

/** The messages with which browsers report that a script or style sheet failed to load. */
const UNFETCHED = /dynamically imported module|importing a module script failed|unable to preload css|failed to fetch/i;

/**
 * Logs unexpected errors to the console. An unknown URL (404) and a missing network connection are not bugs in the pages and
 * are not logged.
 */
export const handleError: HandleClientError = ({ error, status, message }) => {
	const offline = status !== 404 && (!navigator.onLine || (error instanceof Error && UNFETCHED.test(error.message)));
	if (status !== 404 && !offline) console.error(error);
	return { message, offline };
};
