/** What surrounds a file or folder that is looked at. */

import type { Drive } from './client';

export interface Around {
	drive: Drive;
	/** The outermost folder that may be seen. */
	root?: string;
	/** What the outermost folder is called. */
	rootName: string;
	/** The page of a folder or a file. */
	href: (path: string) => string;
	/** Whether the person may share. */
	shareable?: boolean;
	/** One commit for many files: for those who may write to all of the dataset. */
	whole?: boolean;
	/** Told when something was changed. */
	changed?: () => void;
}
