/** Shared properties of the file browser and the file page. */

import type { Drive } from './client';

export interface BrowseContext {
	drive: Drive;
	/** The root folder that the user can see. */
	root?: string;
	/** Display name of the root folder. */
	rootName: string;
	/** Returns the page URL of a folder or file. */
	href: (path: string) => string;
	/** True if the user can share. */
	shareable?: boolean;
	/** True if the user can write to the whole dataset; then many files are uploaded as one commit. */
	whole?: boolean;
	/** Called after a change. */
	changed?: () => void;
}
