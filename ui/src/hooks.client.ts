import type { HandleClientError } from '@sveltejs/kit';

/** A script or a style sheet of a page could not be fetched; each browser says it in words of its own. */
const UNFETCHED = /dynamically imported module|importing a module script failed|unable to preload css|failed to fetch/i;

/**
 * An address that leads nowhere, and a network that is away, are no mistakes of the pages; everything else is told to who
 * looks at the console.
 */
export const handleError: HandleClientError = ({ error, status, message }) => {
	const offline = status !== 404 && (!navigator.onLine || (error instanceof Error && UNFETCHED.test(error.message)));
	if (status !== 404 && !offline) console.error(error);
	return { message, offline };
};
