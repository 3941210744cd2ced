import { toast } from '../ui';
import type { Drive } from './client';

/**
 * Copies the link of a share once more. Where the browser does not let us write to the clipboard, gives the link, to be
 * shown; null if that is done.
 */
export async function copyLink(drive: Drive, id: string): Promise<string | null> {
	const { url } = await drive.showShare(id);
	if (!url) {
		toast('This link was made before links were kept, and is not known any more. Revoke it and make another one.');
		return null;
	}
	try {
		await navigator.clipboard.writeText(url);
	} catch {
		return url;
	}
	toast('The link is copied.');
	return null;
}
