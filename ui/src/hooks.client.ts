import type { HandleClientError } from '@sveltejs/kit';

/** An address that leads nowhere is no mistake of the pages; everything else is told to who looks at the console. */
export const handleError: HandleClientError = ({ error, status, message }) => {
	if (status !== 404) console.error(error);
	return { message };
};
