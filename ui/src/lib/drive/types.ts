/** What `/api/v1/drive` and `/api/v1/shares` tell. */
import type { Share, Somebody } from '../types';

export type ShareRight = 'view' | 'edit';
export type EntryRight = ShareRight | 'own';

export interface Entry {
	path: string;
	name: string;
	type: 'file' | 'folder';
	size: number | null;
	oid?: string | null;
	id: string;
	media_type?: string | null;
	modified?: string | null;
	modified_by?: string | null;
	revision?: string | null;
	right: EntryRight;
	shared: boolean;
}

export interface Overview {
	dataset: string;
	bytes: number;
	quota_bytes: number | null;
	files: number;
	trash: number;
}

export interface Change {
	revision: string;
	entry: Entry;
}

export interface Version {
	revision: string;
	created: string;
	author: Somebody;
	description: string;
	size: number | null;
	oid?: string | null;
	/** This change deleted it. */
	deleted?: boolean;
}

export interface Trashed {
	id: string;
	path: string;
	type: 'file' | 'folder';
	size: number | null;
	deleted: string;
	deleted_by: string | null;
	revision: string;
}

export type Grantee = Share['with'];

export interface NewShare {
	path: string;
	with: Grantee;
	right: ShareRight;
	expires?: string;
	password?: string;
	downloads?: number;
	message?: string;
}

export interface ShareChange {
	right?: ShareRight;
	expires?: string | null;
	password?: string | null;
	downloads?: number | null;
}

export interface OpenedLink {
	dataset: string;
	path: string;
	type: 'file' | 'folder' | 'dataset';
	name: string;
	right: ShareRight;
	expires?: string | null;
	owner: string;
	token: string;
}
