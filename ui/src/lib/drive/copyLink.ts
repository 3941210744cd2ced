import { toast } from '../ui';
import type { Drive } from './client';

/**
 * Copies the link of a share to the clipboard and returns null. If the browser denies access to the clipboard, returns the
 * link, so that it can be shown.
 */
export async function copyLink(drive: Drive, id: string): Promise<string | null> {
	const { url } = await drive.showShare(id);
	if (!url) {
		toast('This link was created by an older version of rutter and cannot be shown. Revoke it and create a new one.');
		return null;
	}
	try {
		await navigator.clipboard.writeText(url);
	} catch {
		return url;
	}
	toast('Link copied.');
	return null;
}
