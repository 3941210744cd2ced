import { goto } from '$app/navigation';
import { session } from '../session.svelte';
import { toastError } from '../ui/toast.svelte';

/** Signs the user out, on the front page. */
export async function signOut(): Promise<void> {
	try {
		// First, so that unsaved changes are asked about.
		await goto('/');
		if (location.pathname !== '/') return;
		await session.logout();
	} catch (error) {
		toastError(error);
	}
}
