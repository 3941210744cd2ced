// The page of a file with `edit` in its query shows the editor.
import { parentOf } from '../drive/paths';

/** Returns the URL of the editor for the page of a file. */
export function editUrl(page: string): string {
	const [rest = '', hash] = page.split('#', 2);
	return `${rest}${rest.includes('?') ? '&' : '?'}edit${hash === undefined ? '' : `#${hash}`}`;
}

export const isEditing = (url: URL): boolean => url.searchParams.has('edit');

/** Returns how links in a Markdown file are resolved. */
export const targetOf = (path: string, page: (path: string) => string, raw: (path: string) => string) => ({ folder: parentOf(path), page, raw });
