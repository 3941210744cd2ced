import type { HandleClientError } from '@sveltejs/kit';
import { network } from '$lib/network.svelte';
import { isUnfetched } from '$lib/part.svelte';

/**
 * Logs unexpected errors to the console. An unknown URL (404) and a missing network connection are not bugs in the pages and
 * are not logged.
 */
export const handleError: HandleClientError = ({ error, status, message }) => {
	const offline = status !== 404 && (!navigator.onLine || isUnfetched(error));
	if (offline) network.suspect();
	if (status !== 404 && !offline) console.error(error);
	return { message, offline };
};
