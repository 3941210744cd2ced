/** Shared properties of the file browser and the file page. */

import type { DriveEntry } from '../types';
import type { Drive } from './client';

export interface BrowseContext {
	drive: Drive;
	/** The root folder that the user can see. */
	root?: string;
	/** Display name of the root folder. */
	rootName: string;
	/** Returns the page URL of a folder or file. */
	href: (path: string, type?: DriveEntry['type']) => string;
	/** True if the user can share. */
	shareable?: boolean;
	/** Called after a change; resolves when the page knows the new state. */
	changed?: () => void | Promise<void>;
}
